# shellcheck shell=bash
# The gateway in a bench lab that times gateways of all kinds with the same clients and the same API server.
# The lab sources this file with bash and calls, each in a shell of its own:
#   gw_start gw_stop   gw_pids gw_version   gw_busy_ns gw_mem_kb   gw_skip
# It gives NS_G (namespace), IF_GC IF_GA (interfaces towards clients and API server; no addresses, offloads
# off), MAC_C MAC_A, GW_CLIENT_IP GW_PORT GW_API_IP API_IP API_PORT CLIENT_IP, GW_CORE, BENCH_TMP with certs/,
# and for gw_start CERT (ecdsa or rsa) and MTLS (1 or empty). KS_BUILD names another build folder.

KSB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KSB_BUILD=$(cd "$KSB_ROOT" && realpath -m "${KS_BUILD:-build}")
KSB_DIR=$BENCH_TMP/kubescope

ksb_device() {	# INDEX INTERFACE
	echo "net_af_packet$1,iface=$2,blocksz=65536,framesz=2048,framecnt=2048,qpairs=1,qdisc_bypass=1"
}

# conf/bench.conf with the lab's wires, addresses and certificates.
ksb_config() {
	local certs=$BENCH_TMP/certs pki=/run/kubescope-bench/pki without_mtls='/client_ca = /d'
	if [ -n "${MTLS:-}" ]; then without_mtls=; fi
	sed -e "s#net_memif0,[^\"]*#$(ksb_device 0 "$IF_GC")#" -e "s#net_memif1,[^\"]*#$(ksb_device 1 "$IF_GA")#" \
		-e "s#\"10\.98\.0\.2/24\"#\"$GW_CLIENT_IP/24\"#" -e "s#\"10\.99\.0\.2/24\"#\"$GW_API_IP/24\"#" \
		-e "s#\"10\.98\.0\.2:6443\"#\"$GW_CLIENT_IP:$GW_PORT\"#" -e "s#\"10\.99\.0\.1:6443\"#\"$API_IP:$API_PORT\"#" \
		-e "s#local_address = .*#local_address = \"$GW_API_IP\";#" -e "s#0@1,1@1#0@$GW_CORE,1@$GW_CORE#" \
		-e "s#$pki/gateway\.crt#$certs/${CERT:-ecdsa}.pem#" -e "s#$pki/gateway\.key#$certs/${CERT:-ecdsa}.key#" \
		-e "s#$pki/front-proxy-client\.crt#$certs/client.pem#" -e "s#$pki/front-proxy-client\.key#$certs/client.key#" \
		-e "$without_mtls" -e "s#$pki/ca\.crt#$certs/ca.pem#" -e "s#/run/kubescope-bench#$KSB_DIR#" \
		-e "s#\"rules\"#\"$KSB_ROOT/conf/rules\"#" "$KSB_ROOT/conf/bench.conf"
}

gw_start() {
	local program=$KSB_BUILD/app/kubescope/kubescope tries=600
	[ -x "$program" ] || { echo "bench-gateway: $program is not there: scripts/bench.sh builds it" >&2; return 1; }
	mkdir -p "$KSB_DIR"
	install -d -m 0700 "$KSB_DIR/telemetry"
	rm -f "$KSB_DIR/busy"
	ksb_config >"$KSB_DIR/kubescope.conf"
	setsid ip netns exec "$NS_G" "$program" -c "$KSB_DIR/kubescope.conf" >"$KSB_DIR/log" 2>&1 </dev/null &
	echo $! >"$KSB_DIR/pid"
	until grep -q 'kubescope: ready' "$KSB_DIR/log"; do
		if ! kill -0 "$(cat "$KSB_DIR/pid")" 2>/dev/null || ((--tries == 0)); then
			tail -n 5 "$KSB_DIR/log" >&2
			return 1
		fi
		sleep 0.1
	done
}

gw_pids() { cat "$KSB_DIR/pid"; }

gw_stop() {
	local pid tries=100
	pid=$(gw_pids) || return 0
	kill "$pid" 2>/dev/null || return 0
	while kill -0 "$pid" 2>/dev/null && ((--tries > 0)); do sleep 0.1; done
	kill -9 "$pid" 2>/dev/null || true
}

gw_version() { "$KSB_BUILD/app/kubescope/kubescope" --version; }

gw_busy_ns() {
	/usr/bin/python3 "$KSB_ROOT/scripts/lib/bench_busy.py" "$(gw_pids)" "$KSB_DIR/telemetry/dpdk/bench" "$KSB_DIR/busy"
}

# Packet buffers are taken at start and used in turn: they count whole from the beginning, not as their pages
# come into use, which would look as if the first connections had taken them.
gw_mem_kb() {
	awk '/^[0-9a-f]+-[0-9a-f]+ / {packets = /nohuge|hugepages|rtemap/}
		/^Size:/ && packets {sum += $2}
		/^Pss:/ && !packets {sum += $2}
		END {print int(sum)}' "/proc/$(gw_pids)/smaps"
}

# HTTP/2 is not offered yet.
gw_skip() { echo h2; }
