#!/bin/bash
# The lab: three network namespaces on one machine, joined by two wires.
#
#   client 10.98.0.1 -- c0====g0 -- 10.98.0.2:6443 gateway 10.99.0.2 -- g1====a0 -- 10.99.0.1:6443 API server
#
# The gateway's two interfaces carry no kernel address: its own stack answers for them, ARP included.
# Users, nodes and pods have addresses of their own on c0 (the table is in lib/lab-env.sh).
set -Eeuo pipefail

LIB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/lib" && pwd)
# shellcheck source=scripts/lib/lab-env.sh
. "$LIB_DIR/lab-env.sh"
# shellcheck source=scripts/lib/lab-pki.sh
. "$LIB_DIR/lab-pki.sh"
# shellcheck source=scripts/lib/lab-net.sh
. "$LIB_DIR/lab-net.sh"
# shellcheck source=scripts/lib/lab-clients.sh
. "$LIB_DIR/lab-clients.sh"
# shellcheck source=scripts/lib/lab-proc.sh
. "$LIB_DIR/lab-proc.sh"
# shellcheck source=scripts/lib/lab-gateway.sh
. "$LIB_DIR/lab-gateway.sh"

usage() {
	cat >&2 <<-TEXT
	usage: lab.sh up                      make namespaces, wires, certificates, kubeconfigs, tokens
	       lab.sh down                    end what the lab started and remove all of it
	       lab.sh status                  what is there
	       lab.sh run WHERE CMD...        run a command; WHERE is client, gw, api, host or a lab client's name
	       lab.sh start LABEL WHERE CMD.. the same in the background; log in \$KS_LAB_DIR/logs/LABEL.log
	       lab.sh stop LABEL              end what start began
	       lab.sh apiserver               start the stand-in API server on $API_IP:$KS_PORT
	       lab.sh gateway [MODE]          start KubeScope between them (learn, detect or enforce)
	       lab.sh clients                 the table of lab clients
	environment: KS_LAB_DIR (now $KS_LAB_DIR), KS_NS_CLIENT, KS_NS_GW, KS_NS_API, KS_UID_BASE
	TEXT
	exit 2
}

need_tools() {
	local tool missing=()
	for tool in ip ethtool openssl setpriv sysctl awk; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	[ ${#missing[@]} -eq 0 ] || die "missing: ${missing[*]}; scripts/setup.sh installs what the lab needs"
	[ "$(id -u)" -eq 0 ] || die "the lab makes network namespaces: run it as root"
}

is_up() {
	local ns
	[ -e "$KS_LAB_DIR/up" ] || return 1
	for ns in $(net_namespaces); do net_exists "$ns" || return 1; done
}

up() {
	local ns
	if is_up; then
		echo "the lab is up already ($KS_LAB_DIR)"
		return 0
	fi
	if [ -e "$KS_LAB_DIR" ] && [ ! -e "$KS_LAB_DIR/.kubescope-lab" ]; then
		die "$KS_LAB_DIR is there but not a lab's; set KS_LAB_DIR to another path"
	fi
	if [ ! -e "$KS_LAB_DIR" ]; then
		for ns in $(net_namespaces); do
			if net_exists "$ns"; then die "namespace $ns is there but not this lab's; set KS_NS_* to other names"; fi
		done
	fi
	remove
	install -d -m 0755 "$KS_LAB_DIR" "$KS_LAB_DIR/run" "$KS_LAB_DIR/logs"
	touch "$KS_LAB_DIR/.kubescope-lab"
	trap 'echo "lab.sh: up failed, removing what was made" >&2; remove' ERR
	net_up
	pki_up
	clients_up
	trap - ERR
	touch "$KS_LAB_DIR/up"
	echo "the lab is up: $KS_LAB_DIR"
}

remove() {
	[ -e "$KS_LAB_DIR/.kubescope-lab" ] || return 0
	proc_stop_all
	net_down
	rm -rf "$KS_LAB_DIR"
	rmdir /run/secrets 2>/dev/null || true
}

down() {
	local ns pids
	for ns in $(net_namespaces); do
		net_exists "$ns" || continue
		pids=$(ip netns pids "$ns" | tr '\n' ' ')
		in_namespace_note "$ns" "$pids"
	done
	remove
}

# Programs the lab did not start itself are left alone, but not silently.
in_namespace_note() {
	local pid label own=" "
	for label in $(proc_labels); do
		read -r pid _ <"$KS_LAB_DIR/run/$label.pid" && own+="$pid "
	done
	for pid in $2; do
		[[ $own == *" $pid "* ]] || echo "note: process $pid still runs in $1: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" >&2
	done
}

status() {
	if is_up; then echo "lab: up, $KS_LAB_DIR"; else echo "lab: down"; fi
	net_status
	proc_status
}

# Leaves the whole command line for WHERE in the array COMMAND.
resolve() {	# WHERE CMD...
	local where=$1 octet dir
	shift
	[ $# -gt 0 ] || usage
	is_up || die "the lab is down: lab.sh up"
	case $where in
	client) COMMAND=(ip netns exec "$KS_NS_CLIENT" "$@") ;;
	gw) COMMAND=(ip netns exec "$KS_NS_GW" "$@") ;;
	api) COMMAND=(ip netns exec "$KS_NS_API" "$@") ;;
	host) COMMAND=("$@") ;;
	*)
		octet=$(lab_client_row "$where" | awk '{print $2}') || exit 1
		dir=$KS_LAB_DIR/clients/$where
		COMMAND=(ip netns exec "$KS_NS_CLIENT" "$LIB_DIR/as-client.sh"
			$((KS_UID_BASE + octet)) "$dir/home" "$dir/secrets" "$@")
		;;
	esac
}

start() {	# LABEL WHERE CMD...
	[ $# -ge 3 ] || usage
	[[ $1 =~ ^[a-z0-9.-]+$ ]] || die "a label is lower-case letters, digits, dots and dashes, not '$1'"
	resolve "${@:2}"
	proc_start "$1" "${COMMAND[@]}"
}

apiserver() {
	local pki=$KS_LAB_DIR/pki tries=100
	start apiserver api /usr/bin/python3 "$LIB_DIR/../../tests/apiserver/apiserver.py" \
		--listen "$API_IP:$KS_PORT" --admin 127.0.0.1:8001 \
		--cert "$pki/apiserver.crt" --key "$pki/apiserver.key" --client-ca "$pki/ca.crt" \
		--front-proxy-ca "$pki/front-proxy-ca.crt" --front-proxy-names front-proxy-client \
		--sa-key "$pki/sa.key" --seed "$KS_LAB_DIR/seed.json" "$@"
	until ip netns exec "$KS_NS_API" curl -fsS -o /dev/null http://127.0.0.1:8001/kubescope-lab/counts 2>/dev/null; do
		proc_alive apiserver || die "the API server ended: $(tail -n 3 "$KS_LAB_DIR/logs/apiserver.log")"
		((tries-- > 0)) || die "the API server does not answer; see $KS_LAB_DIR/logs/apiserver.log"
		sleep 0.1
	done
}

clients_table() {
	lab_clients | awk -v net="$CLIENT_NET" -v base="$KS_UID_BASE" \
		'BEGIN {printf "%-20s%-13s%-10s%-12s%s\n", "NAME", "ADDRESS", "UID", "KIND", "CREDENTIAL"}
		{printf "%-20s%-13s%-10s%-12s%s\n", $1, net "." $2, base + $2, $3, $4}'
	echo "free to bind: $CLIENT_NET.$SPARE_FIRST-$SPARE_LAST"
}

[ $# -ge 1 ] || usage
action=$1
shift
case $action in
up | down) need_tools; "$action" ;;
status) status ;;
run)
	[ $# -ge 2 ] || usage
	resolve "$@"
	exec "${COMMAND[@]}"
	;;
start) start "$@" ;;
stop) [ $# -eq 1 ] || usage; proc_stop "$1" ;;
apiserver) is_up || die "the lab is down: lab.sh up"; apiserver "$@" ;;
gateway) is_up || die "the lab is down: lab.sh up"; gateway_up "$@" ;;
clients) clients_table ;;
*) usage ;;
esac
