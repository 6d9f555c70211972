# shellcheck shell=bash
# Namespaces, wires, addresses and the rules that tie a user id to an address.

net_namespaces() { echo "$KS_NS_CLIENT $KS_NS_GW $KS_NS_API"; }

net_exists() { [ -e "/run/netns/$1" ]; }

net_namespace_up() {
	ip netns add "$1"
	ip netns exec "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
		net.ipv4.ip_local_port_range="1024 65500" net.ipv4.tcp_tw_reuse=1 \
		net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=4096
	ip -n "$1" link set lo up
}

# A stack in user space sees frames as the kernel left them: with checksum or segmentation offload
# on, that would be segments without checksums, larger than the wire. So both ends have it off.
net_wire() {	# NS-A IF-A MAC-A NS-B IF-B MAC-B
	ip link add "$2" netns "$1" address "$3" type veth peer name "$5" netns "$4" address "$6"
	ip netns exec "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null
	ip netns exec "$4" ethtool -K "$5" tx off tso off gso off gro off >/dev/null
	ip -n "$1" link set "$2" up
	ip -n "$4" link set "$5" up
}

net_client_address() {	# OCTET UID
	local address=$CLIENT_NET.$1 table=$((1000 + $1))
	ip -n "$KS_NS_CLIENT" route add "$CLIENT_NET.0/24" dev c0 src "$address" table "$table"
	ip -n "$KS_NS_CLIENT" route add default via "$GW_CLIENT_IP" src "$address" table "$table"
	ip -n "$KS_NS_CLIENT" rule add uidrange "$2-$2" lookup "$table"
}

net_client_addresses() {
	local octet
	{
		echo "addr add $CLIENT_IP/24 dev c0"
		lab_clients | awk -v net="$CLIENT_NET" '{print "addr add " net "." $2 "/24 dev c0"}'
		for ((octet = SPARE_FIRST; octet <= SPARE_LAST; octet++)); do
			echo "addr add $CLIENT_NET.$octet/24 dev c0"
		done
	} | ip -n "$KS_NS_CLIENT" -batch -
	ip -n "$KS_NS_CLIENT" route add default via "$GW_CLIENT_IP"
	while read -r _ octet _; do
		net_client_address "$octet" $((KS_UID_BASE + octet))
	done < <(lab_clients)
}

net_up() {
	local ns
	for ns in $(net_namespaces); do net_namespace_up "$ns"; done
	net_wire "$KS_NS_CLIENT" c0 "$MAC_C" "$KS_NS_GW" g0 "$MAC_GC"
	net_wire "$KS_NS_API" a0 "$MAC_A" "$KS_NS_GW" g1 "$MAC_GA"
	ip -n "$KS_NS_API" addr add "$API_IP/24" dev a0
	ip -n "$KS_NS_API" route add default via "$GW_API_IP"
	net_client_addresses
}

net_down() {
	local ns
	for ns in $(net_namespaces); do
		if net_exists "$ns"; then ip netns del "$ns"; fi
	done
}

net_status() {
	local ns
	for ns in $(net_namespaces); do
		if net_exists "$ns"; then
			echo "namespace $ns: up"
			ip -n "$ns" -br -4 addr show | awk '{print "  " $1, $2, $3, (NF > 3 ? "and " NF - 3 " more" : "")}'
		else
			echo "namespace $ns: not there"
		fi
	done
}
