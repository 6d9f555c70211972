#!/bin/bash
# End-to-end tests: real clients (kubectl, curl, openssl, sockets) through the real gateway to the stand-in
# API server, in a lab of their own beside any that stands. Ends what it started.
#
#   tests/e2e/run.sh               all cases; the last line is "e2e: N passed, N failed"
#   tests/e2e/run.sh --list        their names
#   tests/e2e/run.sh tls identity  only cases whose name holds one of the words
#
# environment:
#   KS_BUILD=build        the finished build directory with the two programs
#   KS_RULES=conf/rules   another folder of rules
#   KS_E2E_KEEP=1         leave logs in /tmp/kubescope-e2e
set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB=$ROOT/scripts/lab.sh
KS_BUILD=$(realpath -m "${KS_BUILD:-$ROOT/build}")
export KS_BUILD
export KS_LAB_DIR=${KS_LAB_DIR:-/run/kubescope-e2e}
export KS_NS_CLIENT=${KS_NS_CLIENT:-ks-e2e-client} KS_NS_GW=${KS_NS_GW:-ks-e2e-gw} KS_NS_API=${KS_NS_API:-ks-e2e-api}
DRIVER=

cases() { exec /usr/bin/python3 -B "$ROOT/tests/e2e/cases" "$@"; }

cleanup() {
	local status=$?
	trap - EXIT INT TERM
	if [ -n "$DRIVER" ] && kill "$DRIVER" 2>/dev/null; then wait "$DRIVER" || true; fi
	if [ "${KS_E2E_KEEP:-}" = 1 ] && [ -d "$KS_LAB_DIR/logs" ]; then
		rm -rf /tmp/kubescope-e2e
		cp -r "$KS_LAB_DIR/logs" /tmp/kubescope-e2e
		echo "logs are in /tmp/kubescope-e2e"
	fi
	"$LAB" down >&2 || true
	exit "$status"
}

if [ "${1:-}" = --list ] || [ "${1:-}" = --help ]; then
	cases "$@"
fi
[ "$(id -u)" -eq 0 ] || { echo "run.sh: the lab makes network namespaces: run it as root" >&2; exit 2; }
# One run at a time in one lab: the next would take it down under the first.
exec 9>"$KS_LAB_DIR.lock"
flock -n 9 || { echo "run.sh: an other run uses $KS_LAB_DIR; set KS_LAB_DIR and KS_NS_*" >&2; exit 2; }
trap cleanup EXIT
trap 'exit 130' INT TERM
"$LAB" down >&2 9>&-	# what an interrupted run may have left
"$LAB" up >&2 9>&-
cases "$@" 9>&- &
DRIVER=$!	# in the background, so that a signal to this script is heard at once
wait "$DRIVER"
