# shellcheck shell=bash
# HAProxy without inspection, in the bench lab that may stand beside the project: the measure of what a
# request may cost. The lab's own scripts run it; its names and files are kept apart from other labs'.

PEER_TMP=
PEER_ENV=(NS_C=ksb-client NS_G=ksb-gw NS_A=ksb-api)

# Prints the lab's folder, or nothing.
peer_lab() {
	local dir=${KS_BENCH_LAB:-$(dirname "$ROOT")/shared/bench}
	if [ -x "$dir/run.sh" ] && [ -r "$dir/gateways/haproxy.sh" ]; then echo "$dir"; fi
}

peer_missing() {
	local tool
	for tool in haproxy nginx wrk ip ethtool gcc; do
		command -v "$tool" >/dev/null || echo "$tool"
	done
	[ "$(id -u)" -eq 0 ] || echo "root"
}

# What the lab calls gw_cpu_us_per_op is us_per_op here; all else stays.
peer_lines() {
	/usr/bin/python3 -c '
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    print(json.dumps({"figure": row.pop("figure"), "gateway": row.pop("gateway"), "run": row.pop("run"),
                      "mode": "no inspection", "us_per_op": row.pop("gw_cpu_us_per_op"),
                      "per_core_s": row.pop("per_core_s"), "core_share": row.pop("gw_core_share"), **row}))'
}

peer_l7() {	# FIGURES REPEAT SECONDS
	local lab figures missing status=0
	figures=$(tr ',' '\n' <<<"$1" | grep -xE 'get|post4k' | paste -sd, -) || true
	[ -n "$figures" ] || return 0
	lab=$(peer_lab)
	if [ -z "$lab" ]; then
		bench_say "no bench lab beside the project: HAProxy is left out"
		return 0
	fi
	missing=$(peer_missing | paste -sd' ' -)
	if [ -n "$missing" ]; then
		bench_say "HAProxy is left out, missing: $missing"
		return 0
	fi
	PEER_TMP=$(mktemp -d /dev/shm/kubescope-bench-peer.XXXXXX)
	# Its web server drops its rights and must be able to enter.
	chmod 0755 "$PEER_TMP"
	bench_say "HAProxy, kernel sockets over veth, no inspection"
	drive env "${PEER_ENV[@]}" BENCH_TMP="$PEER_TMP" BENCH_BIN="$PEER_TMP/bin" GW_CORE="$GW_CORE" \
		LOAD_CORE="$LOAD_CORE" "$lab/run.sh" --gateway haproxy --figures "$figures" --repeat "$2" \
		--seconds "$3" >"$PEER_TMP/lines" || status=$?
	peer_lines <"$PEER_TMP/lines"
	peer_cleanup
	return "$status"
}

# The lab takes down what it put up; this is for a run that was cut off. Nobody else's programs are in these
# namespaces.
peer_cleanup() {
	local lab entry
	[ -n "$PEER_TMP" ] || return 0
	for entry in "${PEER_ENV[@]}"; do
		ip netns pids "${entry#*=}" 2>/dev/null | xargs -r kill 2>/dev/null || true
	done
	lab=$(peer_lab)
	if [ -n "$lab" ]; then
		env "${PEER_ENV[@]}" BENCH_TMP="$PEER_TMP" "$lab/lab.sh" down >/dev/null 2>&1 || true
	fi
	rm -rf "$PEER_TMP"
	PEER_TMP=
}
