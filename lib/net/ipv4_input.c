/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 as a host receives it (RFC 791, RFC 1122 section 3.2.1): every field that says how long
 * something is, is checked against what there is; then checksum, source, destination, protocol.
 *
 * Refuses fragments (counted), source routes (RFC 7126 section 4.3) and everything but TCP and
 * ICMP. The time to live means nothing to the receiver.
 * Thread: the RX stage.
 */
#include <rte_tcp.h>

#include "cksum.h"
#include "iface.h"

#define VERSION 4
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_LOOSE_ROUTE 131
#define OPTION_STRICT_ROUTE 137

/* What a check returns that ends the frame in no counter. */
#define GOOD KS_IFACE_COUNTER_MAX

static inline bool
device_says(const struct rte_mbuf *mbuf, uint64_t mask, uint64_t value)
{
	return (mbuf->ol_flags & mask) == value;
}

static ks_noinline bool
options_are_right(const struct rte_ipv4_hdr *ip, uint32_t ip_bytes)
{
	const uint8_t *p = (const uint8_t *)(ip + 1), *end = (const uint8_t *)ip + ip_bytes;

	while (p < end && *p != OPTION_END) {
		if (*p == OPTION_NOP) {
			p++;
			continue;
		}
		if (*p == OPTION_LOOSE_ROUTE || *p == OPTION_STRICT_ROUTE)
			return false;
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return false;
		p += p[1];
	}
	return true;
}

static inline bool
header_cksum_is_right(const struct ks_iface *iface, const struct rte_mbuf *mbuf,
		      const struct rte_ipv4_hdr *ip, uint32_t ip_bytes)
{
	if (iface->rx_ip_cksum) {
		if (device_says(mbuf, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD) ||
		    device_says(mbuf, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_NONE))
			return true;
		if (device_says(mbuf, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_BAD))
			return false;
	}
	return ks_cksum_is_right(ks_cksum_add(0, ip, ip_bytes));
}

/* RFC 1122 section 3.2.1.3 and RFC 6890: nobody sends from these. */
static inline bool
source_is_possible(const struct ks_iface *iface, rte_be32_t addr)
{
	uint32_t host = rte_be_to_cpu_32(addr);
	uint8_t first = (uint8_t)(host >> 24);

	return first != 0 && first != 127 && first < 224 && !ks_iface_owns_v4(iface, addr) &&
	       !ks_iface_is_broadcast(iface, addr);
}

static inline enum ks_iface_counter
lengths_check(const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
	uint32_t have = mbuf->data_len - (uint32_t)RTE_ETHER_HDR_LEN;
	uint32_t ip_bytes, total;

	if (have < sizeof(*ip))
		return KS_IFACE_DROP_RUNT;
	ip_bytes = rte_ipv4_hdr_len(ip);
	total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version != VERSION || ip_bytes < sizeof(*ip) || total < ip_bytes)
		return KS_IFACE_DROP_IP_HEADER;
	return total > have ? KS_IFACE_DROP_RUNT : GOOD;
}

static inline enum ks_iface_counter
header_check(const struct ks_iface *iface, const struct rte_mbuf *mbuf,
	     const struct rte_ipv4_hdr *ip)
{
	const rte_be16_t fragment =
		rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	uint32_t ip_bytes = rte_ipv4_hdr_len(ip);

	if (!header_cksum_is_right(iface, mbuf, ip, ip_bytes))
		return KS_IFACE_DROP_IP_CKSUM;
	if (ks_unlikely(ip_bytes > sizeof(*ip)) && !options_are_right(ip, ip_bytes))
		return KS_IFACE_DROP_IP_HEADER;
	if (rte_is_multicast_ether_addr(
		    &rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *)->src_addr) ||
	    !source_is_possible(iface, ip->src_addr))
		return KS_IFACE_DROP_IP_SOURCE;
	if (!ks_iface_owns_v4(iface, ip->dst_addr))
		return KS_IFACE_DROP_NOT_FOR_US;
	return (ip->fragment_offset & fragment) != 0 ? KS_IFACE_DROP_FRAGMENT : GOOD;
}

static inline bool
tcp_cksum_is_right(const struct ks_iface *iface, const struct rte_mbuf *mbuf,
		   const struct rte_ipv4_hdr *ip, uint32_t l4_bytes)
{
	const void *l4 = (const uint8_t *)ip + rte_ipv4_hdr_len(ip);

	if (iface->rx_l4_cksum) {
		if (device_says(mbuf, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD) ||
		    device_says(mbuf, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_NONE))
			return true;
		if (device_says(mbuf, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_BAD))
			return false;
	}
	return ks_cksum_is_right(
		ks_cksum_add(ks_cksum_pseudo_v4(ip, (uint16_t)l4_bytes), l4, l4_bytes));
}

static inline enum ks_iface_counter
tcp_check(const struct ks_iface *iface, const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
	uint32_t ip_bytes = rte_ipv4_hdr_len(ip);
	uint32_t l4_bytes = rte_be_to_cpu_16(ip->total_length) - ip_bytes;
	const struct rte_tcp_hdr *tcp =
		(const struct rte_tcp_hdr *)((const uint8_t *)ip + ip_bytes);
	uint32_t tcp_bytes;

	if (l4_bytes < sizeof(*tcp))
		return KS_IFACE_DROP_TCP_HEADER;
	tcp_bytes = (uint32_t)(tcp->data_off >> 4) * 4;
	if (tcp_bytes < sizeof(*tcp) || tcp_bytes > l4_bytes)
		return KS_IFACE_DROP_TCP_HEADER;
	return tcp_cksum_is_right(iface, mbuf, ip, l4_bytes) ? GOOD : KS_IFACE_DROP_TCP_CKSUM;
}

/* Short packets come padded to the least frame; what follows the packet is not part of it. */
static inline void
trim(struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
	uint32_t bytes = RTE_ETHER_HDR_LEN + (uint32_t)rte_be_to_cpu_16(ip->total_length);

	mbuf->data_len = (uint16_t)bytes;
	mbuf->pkt_len = bytes;
	mbuf->l2_len = RTE_ETHER_HDR_LEN;
	mbuf->l3_len = rte_ipv4_hdr_len(ip);
}

bool
ks_ipv4_input(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct ks_now *now)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(mbuf, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	enum ks_iface_counter end = lengths_check(mbuf, ip);

	if (end == GOOD)
		end = header_check(iface, mbuf, ip);
	if (end == GOOD) {
		trim(mbuf, ip);
		if (ip->next_proto_id == IPPROTO_ICMP) {
			ks_icmp_input(iface, mbuf, now);
			return false;
		}
		end = ip->next_proto_id == IPPROTO_TCP ? tcp_check(iface, mbuf, ip)
						       : KS_IFACE_DROP_PROTOCOL;
	}
	if (ks_unlikely(end != GOOD)) {
		ks_iface_drop(iface, mbuf, end);
		return false;
	}
	mbuf->port = iface->index;
	ks_iface_count(iface, KS_IFACE_RX_TCP);
	return true;
}
