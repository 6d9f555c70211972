/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP (RFC 792): echo is answered, within a rate (RFC 1122 section 3.2.2.6; the rate, because a
 * flood of pings must not cost what requests need). All other messages are taken and have no
 * effect: an unauthenticated message must not change a connection. Thread: the RX stage.
 */
#include <rte_icmp.h>

#include "cksum.h"
#include "iface.h"

#define TTL 64

static bool
is_right(const struct rte_mbuf *mbuf, uint32_t off)
{
	uint32_t n = mbuf->data_len - off;

	return n >= sizeof(struct rte_icmp_hdr) &&
	       ks_cksum_is_right(ks_cksum_add(0, rte_pktmbuf_mtod_offset(mbuf, void *, off), n));
}

/* The frame goes back where it came from. RFC 1624: only the type changes under the checksum. */
static void
turn_round(struct ks_iface *iface, struct rte_mbuf *mbuf)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
	uint32_t ip_bytes = rte_ipv4_hdr_len(ip);
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)((uint8_t *)ip + ip_bytes);
	uint32_t l4_bytes = mbuf->data_len - RTE_ETHER_HDR_LEN - ip_bytes;
	rte_be32_t src = ip->src_addr;

	eth->dst_addr = eth->src_addr;
	eth->src_addr = iface->mac;
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = src;
	ip->time_to_live = TTL;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~ks_cksum_fold(ks_cksum_add(0, ip, ip_bytes));
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~ks_cksum_fold(ks_cksum_add(0, icmp, l4_bytes));
}

void
ks_icmp_input(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct ks_now *now)
{
	uint32_t off = mbuf->l2_len + mbuf->l3_len;
	const struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(mbuf, struct rte_icmp_hdr *, off);

	if (!is_right(mbuf, off)) {
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_ICMP_BAD);
		return;
	}
	if (icmp->icmp_type != RTE_IP_ICMP_ECHO_REQUEST || icmp->icmp_code != 0) {
		ks_iface_drop(iface, mbuf, KS_IFACE_RX_ICMP_OTHER);
		return;
	}
	if (!ks_rate_take(&iface->echo_rate, now->mono_us)) {
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_ICMP_RATE);
		return;
	}
	mbuf = ks_iface_writable(iface, mbuf);
	if (mbuf == NULL)
		return;
	turn_round(iface, mbuf);
	ks_iface_count(iface, KS_IFACE_RX_ICMP_ECHO);
	ks_iface_send(iface, mbuf);
}
