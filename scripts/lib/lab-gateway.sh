# shellcheck shell=bash
# The gateway in the lab: conf/lab.conf with this lab's paths in it, and its start.

# Replaces a line that must be there: a sample that has changed shape is an error, not a guess.
conf_line() {	# FILE PATTERN REPLACEMENT
	grep -qE "$2" "$1" || die "conf/lab.conf has no line like '$2' any more"
	sed -i -E "s#$2#$3#" "$1"
}

gateway_conf() {	# MODE
	local out=$KS_LAB_DIR/kubescope.conf root
	root=$(cd "$LIB_DIR/../.." && pwd)
	sed "s#/run/kubescope-lab#$KS_LAB_DIR#g" "$root/conf/lab.conf" >"$out"
	conf_line "$out" '^(\s*)mode = "[a-z]+";' "\\1mode = \"$1\";"
	conf_line "$out" '"rules"' "\"$root/conf/rules\""
	# A socket of its own, so that several labs and gateways may run on one machine.
	conf_line "$out" '^(\s*)memory_mb = ' '\1file_prefix = "lab";\n\1args = [ "--no-pci" ];\n\1memory_mb = '
	echo "telemetry = { runtime_directory = \"$KS_LAB_DIR/telemetry\"; };" >>"$out"
	# The API server's authority: the lab's own, or that of a real one.
	conf_line "$out" "^(\\s*)ca = \"[^\"]*\";" "\\1ca = \"$KS_LAB_DIR/pki/upstream-ca.crt\";\\n\\1server_name = \"${KS_UPSTREAM_NAME:-$API_IP}\";"
	if [ "$(nproc)" -lt 2 ]; then conf_line "$out" 'lcores = "0,1"' 'lcores = "0@0,1@0"'; fi
}

gateway_answers() {
	ip netns exec "$KS_NS_CLIENT" curl -fsS -m 2 -o /dev/null --cacert "$KS_LAB_DIR/pki/ca.crt" \
		"https://$GW_CLIENT_IP:$KS_PORT/livez" 2>/dev/null
}

gateway_up() {	# [MODE]
	local program=${KUBESCOPE:-$LIB_DIR/../../build/app/kubescope/kubescope} tries=150
	[ -x "$program" ] || die "$program is not there: meson setup build --buildtype=release && ninja -C build"
	case ${1:-learn} in
	learn | detect | enforce) ;;
	*) die "mode is learn, detect or enforce, not '$1'" ;;
	esac
	install -d -m 0700 "$KS_LAB_DIR/telemetry"
	gateway_conf "${1:-learn}"
	proc_start gateway ip netns exec "$KS_NS_GW" "$program" -c "$KS_LAB_DIR/kubescope.conf"
	until gateway_answers; do
		proc_alive gateway || die "the gateway ended: $(tail -n 3 "$KS_LAB_DIR/logs/gateway.log")"
		((tries-- > 0)) || die "the gateway does not answer; see $KS_LAB_DIR/logs/gateway.log"
		sleep 0.2
	done
	echo "the gateway runs: kubescopectl -s $KS_LAB_DIR/telemetry/dpdk/lab status"
}
