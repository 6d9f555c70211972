/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a validated frame to what the transport reads, and from a TCP segment to an IPv4 packet.
 * Refuses to know the neighbours: Ethernet is put in front by the interface.
 *
 * What we send is never fragmented (DF), so its identification means nothing and is 0 (RFC 6864
 * section 4.1).
 * Thread: pure functions.
 */
#include <assert.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "cksum.h"
#include "ks_iface.h"

#define TTL 64
#define IPV4_BYTES ((uint16_t)sizeof(struct rte_ipv4_hdr))

void
ks_packet_read(const struct rte_mbuf *mbuf, struct ks_packet *out)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(mbuf, const struct rte_ipv4_hdr *, mbuf->l2_len);
	uint16_t before = (uint16_t)(mbuf->l2_len + mbuf->l3_len);
	const struct rte_tcp_hdr *tcp =
		rte_pktmbuf_mtod_offset(mbuf, const struct rte_tcp_hdr *, before);

	out->tuple.local = ks_addr_from_v4(ip->dst_addr);
	out->tuple.remote = ks_addr_from_v4(ip->src_addr);
	out->tuple.local_port = tcp->dst_port;
	out->tuple.remote_port = tcp->src_port;
	out->tuple.iface = mbuf->port;
	out->tuple.zero = 0;
	out->l4 = (const uint8_t *)tcp;
	out->l4_bytes = (uint16_t)(mbuf->pkt_len - before);
	out->ecn = ip->type_of_service & 3;
}

/* Sum of a segment that may lie in several buffers; those after an odd one count byte-swapped. */
static uint64_t
segment_sum(const struct rte_mbuf *mbuf, uint32_t off)
{
	uint64_t sum = 0;
	bool odd = false;

	for (; mbuf != NULL; mbuf = mbuf->next, off = 0) {
		uint32_t n = mbuf->data_len - off;
		uint16_t part =
			ks_cksum_fold(ks_cksum_add(0, rte_pktmbuf_mtod(mbuf, uint8_t *) + off, n));

		sum += odd ? rte_bswap16(part) : part;
		odd ^= n & 1;
	}
	return sum;
}

static void
tcp_cksum(struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip, const struct ks_port_caps *caps)
{
	struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(mbuf, struct rte_tcp_hdr *, IPV4_BYTES);
	uint64_t pseudo = ks_cksum_pseudo_v4(ip, (uint16_t)(mbuf->pkt_len - IPV4_BYTES));

	if (caps->tx_tcp_cksum) {
		/* The device adds the segment to what it finds in the field. */
		tcp->cksum = ks_cksum_fold(pseudo);
		mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
		return;
	}
	tcp->cksum = 0;
	tcp->cksum = (uint16_t)~ks_cksum_fold(pseudo + segment_sum(mbuf, IPV4_BYTES));
}

static void
ip_cksum(struct rte_mbuf *mbuf, struct rte_ipv4_hdr *ip, const struct ks_port_caps *caps)
{
	ip->hdr_checksum = 0;
	if (caps->tx_ip_cksum)
		mbuf->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	else
		ip->hdr_checksum = (uint16_t)~ks_cksum_fold(ks_cksum_add(0, ip, IPV4_BYTES));
}

void
ks_packet_finish_tcp(struct rte_mbuf *mbuf, const struct ks_tuple *tuple,
		     const struct ks_port_caps *caps)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(mbuf, IPV4_BYTES);

	/* Whoever writes the segment leaves KS_PACKET_HEADROOM_BYTES before it. */
	assert(ip != NULL && ks_addr_is_v4(&tuple->remote));
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)mbuf->pkt_len),
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = TTL,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = ks_addr_v4(&tuple->local),
		.dst_addr = ks_addr_v4(&tuple->remote),
	};
	mbuf->l2_len = RTE_ETHER_HDR_LEN;
	mbuf->l3_len = IPV4_BYTES;
	tcp_cksum(mbuf, ip, caps);
	ip_cksum(mbuf, ip, caps);
}
