# shellcheck shell=bash
# The gateway in the lab: a configuration for the three namespaces, written fresh, and its start.

# Huge pages where there are any free; the lab works without.
gateway_huge() {
	awk '/^HugePages_Free/ {pages = $2} /^Hugepagesize/ {kb = $2}
		END {print (pages * kb >= 640 * 1024) ? "true" : "false"}' /proc/meminfo
}

gateway_lcores() { if [ "$(nproc)" -ge 2 ]; then echo "0@0,1@1"; else echo "0@0,1@0"; fi; }

gateway_port() {	# NAME NUMBER INTERFACE ADDRESS
	local options="blocksz=65536,framesz=2048,framecnt=2048,qpairs=1,qdisc_bypass=1"
	echo "	{ name = \"$1\"; device = \"net_af_packet$2,iface=$3,$options\"; addresses = [ \"$4/24\" ]; }"
}

gateway_conf() {	# MODE
	local pki=$KS_LAB_DIR/pki rules
	rules=$(cd "$LIB_DIR/../.." && pwd)/conf/rules
	cat <<-CONF
	# Written by scripts/lab.sh for this lab; every key is explained in conf/kubescope.conf.sample.
	eal: {
		lcores = "$(gateway_lcores)"; huge = $(gateway_huge); memory_mb = 512;
		file_prefix = "kubescope-lab"; args = [ "--no-pci" ];
	};
	telemetry: { runtime_directory = "$KS_LAB_DIR/telemetry"; };
	placement = ( { lcore = 1; stages = [ "rx", "terminate", "match", "score" ]; idle = "backoff"; } );
	ports = (
	$(gateway_port cluster 0 g0 "$GW_CLIENT_IP"),
	$(gateway_port apiserver 1 g1 "$GW_API_IP")
	);
	services = ( {
		name = "kubernetes"; listen = "$GW_CLIENT_IP:$KS_PORT"; mode = "$1";
		identities = ( { certificate = "$pki/gateway.crt"; key = "$pki/gateway.key"; } );
		client_ca = "$pki/ca.crt";
		upstream: {
			servers = [ "$API_IP:$KS_PORT" ]; local_address = "$GW_API_IP";
			ca = "$pki/upstream-ca.crt"; server_name = "${KS_UPSTREAM_NAME:-$API_IP}";
			front_proxy: { certificate = "$pki/front-proxy-client.crt"; key = "$pki/front-proxy-client.key"; };
		};
	} );
	rules: { directories = [ "$rules" ]; };
	profile: { path = "$KS_LAB_DIR/profile"; };
	store: { path = "$KS_LAB_DIR/events.db"; };
	CONF
}

gateway_up() {	# [MODE]
	local program=${KUBESCOPE:-$LIB_DIR/../../build/app/kubescope/kubescope} tries=150
	[ -x "$program" ] || die "$program is not there: meson setup build --buildtype=release && ninja -C build"
	install -d -m 0700 "$KS_LAB_DIR/telemetry"
	gateway_conf "${1:-learn}" >"$KS_LAB_DIR/kubescope.conf"
	proc_start gateway ip netns exec "$KS_NS_GW" "$program" -c "$KS_LAB_DIR/kubescope.conf"
	until ip netns exec "$KS_NS_CLIENT" curl -fsS -m 2 -o /dev/null --cacert "$KS_LAB_DIR/pki/ca.crt" \
		"https://$GW_CLIENT_IP:$KS_PORT/livez" 2>/dev/null; do
		proc_alive gateway || die "the gateway ended: $(tail -n 3 "$KS_LAB_DIR/logs/gateway.log")"
		((tries-- > 0)) || die "the gateway does not answer; see $KS_LAB_DIR/logs/gateway.log"
		sleep 0.2
	done
}
