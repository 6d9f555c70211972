#!/bin/bash
# The demo: kubectl, kubelets, controllers and pods talk to an API server through KubeScope; then a pod
# is broken into, its token is stolen, a burst comes, and payloads hide in requests. Sets up all it
# needs, prints one table, ends by itself and removes what it made. Exit status 0: every attack
# was caught and no everyday request was.
#
# environment:
#   KS_DEMO_LEARN=45       seconds of everyday life that are learned
#   KS_DEMO_NO_SETUP=1     do not run scripts/setup.sh (the packages are there)
#   KUBESCOPE, KUBESCOPECTL   the two programs, if they are to be used as they are and not built
#   KS_DEMO_KEEP=1         leave the lab's directory with logs, alerts and journals behind
#
# With a real API server instead of the stand-in, all of these (paths as on a kubeadm control plane):
#   KS_APISERVER=https://HOST:6443
#   KS_APISERVER_CA        authority of its serving certificate   /etc/kubernetes/pki/ca.crt
#   KS_CLIENT_CA           authority of its users' certificates   /etc/kubernetes/pki/ca.crt
#   KS_CLIENT_CA_KEY       its key; signs the demo's users        /etc/kubernetes/pki/ca.key
#   KS_FRONT_PROXY_CERT    the gateway's front-proxy certificate  /etc/kubernetes/pki/front-proxy-client.crt
#   KS_FRONT_PROXY_KEY     its key                                /etc/kubernetes/pki/front-proxy-client.key
# The demo then makes namespaces (shop, monitoring, guest, ci), nodes (node-1 to node-3), roles and pods
# there, and deletes them at the end: use a cluster for trying things out. What reached the API
# server is then told from the answers, because a real one does not count for us.
set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LAB=$ROOT/scripts/lab.sh
# A lab of its own, beside one that may be up already.
export KS_LAB_DIR=${KS_DEMO_DIR:-/run/kubescope-demo}
export KS_NS_CLIENT=ks-demo-client KS_NS_GW=ks-demo-gw KS_NS_API=ks-demo-api
LOAD_CPU=0
DRIVER=

# shellcheck source=scripts/lib/demo-real.sh
. "$ROOT/scripts/lib/demo-real.sh"

say() { echo "demo: $*"; }
fail() { echo "demo: $*" >&2; exit 1; }

cleanup() {
	local status=$?
	trap - EXIT INT TERM
	if [ -n "$DRIVER" ] && kill "$DRIVER" 2>/dev/null; then wait "$DRIVER" || true; fi
	if [ -n "${KS_APISERVER:-}" ] && [ -e "$KS_LAB_DIR/up" ]; then real_cleanup || true; fi
	if [ "${KS_DEMO_KEEP:-}" = 1 ] && [ -d "$KS_LAB_DIR" ]; then
		rm -rf /tmp/kubescope-demo
		cp -r "$KS_LAB_DIR" /tmp/kubescope-demo
		rm -rf /tmp/kubescope-demo/pki /tmp/kubescope-demo/clients
		say "logs, alerts and journals are in /tmp/kubescope-demo"
	elif [ "$status" -ne 0 ] && [ -e "$KS_LAB_DIR/logs/gateway.log" ]; then
		say "the gateway's last words:"
		tail -n 5 "$KS_LAB_DIR/logs/gateway.log" | sed 's/^/    /'
		say "KS_DEMO_KEEP=1 keeps all logs"
	fi
	"$LAB" down || true
	exit "$status"
}

setup() {
	[ "$(id -u)" -eq 0 ] || fail "the demo makes network namespaces: run it as root"
	if [ "${KS_DEMO_NO_SETUP:-}" != 1 ] && [ -x "$ROOT/scripts/setup.sh" ]; then
		"$ROOT/scripts/setup.sh"
	fi
	local tool
	for tool in meson ninja ip ethtool curl openssl setpriv taskset; do
		command -v "$tool" >/dev/null || fail "$tool is missing; scripts/setup.sh installs it"
	done
	command -v kubectl >/dev/null || fail "kubectl is missing; on Debian: apt-get install kubernetes-client"
}

build() {
	if [ -n "${KUBESCOPE:-}" ] && [ -n "${KUBESCOPECTL:-}" ]; then return; fi
	if [ ! -e "$ROOT/build/build.ninja" ]; then
		say "configuring the build"
		meson setup "$ROOT/build" "$ROOT" --buildtype=release >/dev/null
	fi
	say "building"
	ninja -C "$ROOT/build" >"$ROOT/build/demo-build.log" || { tail -n 20 "$ROOT/build/demo-build.log" >&2; fail "the build failed"; }
}

programs() {	# the lab's users must be able to read them, wherever the project is
	cp -r "$ROOT/tests/e2e/clients" "$KS_LAB_DIR/programs"
	chmod -R a+rX "$KS_LAB_DIR/programs"
	install -d -m 1777 "$KS_LAB_DIR/journal"
}

upstream() {
	if [ -n "${KS_APISERVER:-}" ]; then
		real_up
	else
		taskset -c "$LOAD_CPU" "$LAB" apiserver
	fi
}

main() {
	local options=()
	if [ -n "${KS_APISERVER:-}" ]; then
		real_check
		options+=(--real-apiserver)
	fi
	setup
	build
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	"$LAB" down
	say "lab, API server and gateway"
	"$LAB" up
	programs
	upstream
	"$LAB" gateway learn
	/usr/bin/python3 -B "$ROOT/scripts/lib/demo" --lab-dir "$KS_LAB_DIR" --load-cpu "$LOAD_CPU" \
		--kubescopectl "${KUBESCOPECTL:-$ROOT/build/app/kubescopectl/kubescopectl}" \
		--learn-seconds "${KS_DEMO_LEARN:-45}" "${options[@]}" &
	DRIVER=$!	# in the background, so that a signal to this script is heard at once
	wait "$DRIVER"
}

main
