/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the wire's header (RFC 9293 section 3.1) and our structs. Checksums are the work of
 * `net`. Thread: pure functions.
 */
#include <errno.h>

#include "seg.h"

/* NOP, NOP, timestamp, 10: where every stack of today puts it (RFC 7323 appendix A). */
#define TS_PLAIN 0x0101080au

/* SYN with FIN or RST, and nothing at all, are no states of a connection but of a scanner. */
static inline bool
flags_possible(uint8_t flags)
{
	uint8_t control = flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG);

	if (control & RTE_TCP_SYN_FLAG)
		return control == RTE_TCP_SYN_FLAG;
	return (flags & (RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG)) != 0;
}

static inline void
read_plain_options(struct ks_tcp_seg *seg)
{
	seg->has_ts = false;
	seg->opts_plain = seg->opt_bytes == 0;
	if (seg->opt_bytes != KS_TCP_TS_OPT_BYTES || load_be32(seg->opt) != TS_PLAIN)
		return;
	seg->has_ts = true;
	seg->opts_plain = true;
	seg->tsval = load_be32(seg->opt + 4);
	seg->tsecr = load_be32(seg->opt + 8);
}

int
ks_tcp_seg_read(struct ks_tcp_seg *seg, const struct ks_tcp_packet *pkt)
{
	const struct rte_tcp_hdr *hdr = (const struct rte_tcp_hdr *)pkt->l4;
	uint32_t hdr_bytes;

	if (pkt->l4_bytes < KS_TCP_HDR_BYTES)
		return -EBADMSG;
	hdr_bytes = (hdr->data_off >> 4) * 4u;
	if (hdr_bytes < KS_TCP_HDR_BYTES || hdr_bytes > pkt->l4_bytes)
		return -EBADMSG;
	if (!flags_possible(hdr->tcp_flags) || pkt->tuple->remote_port == 0)
		return -EBADMSG;
	seg->tuple = pkt->tuple;
	seg->opt = pkt->l4 + KS_TCP_HDR_BYTES;
	seg->opt_bytes = (uint8_t)(hdr_bytes - KS_TCP_HDR_BYTES);
	seg->payload = pkt->l4 + hdr_bytes;
	seg->len = (uint16_t)(pkt->l4_bytes - hdr_bytes);
	seg->seq = load_be32(pkt->l4 + 4);
	seg->ack = load_be32(pkt->l4 + 8);
	seg->wnd = load_be16(pkt->l4 + 14);
	seg->flags = hdr->tcp_flags;
	read_plain_options(seg);
	return 0;
}

int
ks_tcp_segment_write(const struct ks_tcp_segment *seg, uint8_t *l4, size_t cap)
{
	uint32_t hdr_bytes = KS_TCP_HDR_BYTES + seg->opt_bytes;
	const struct ks_chunk *chunk = seg->chunk;
	uint32_t off = seg->chunk_off;
	uint32_t left = seg->len;
	uint8_t *p = l4 + hdr_bytes;

	if (hdr_bytes + left > cap)
		return -E2BIG;
	memcpy(l4, &seg->tuple->local_port, 2);
	memcpy(l4 + 2, &seg->tuple->remote_port, 2);
	store_be32(l4 + 4, seg->seq);
	store_be32(l4 + 8, seg->ack);
	l4[12] = (uint8_t)(hdr_bytes / 4 << 4);
	l4[13] = seg->flags;
	store_be16(l4 + 14, seg->wnd);
	memset(l4 + 16, 0, 4);
	memcpy(l4 + KS_TCP_HDR_BYTES, seg->opt, seg->opt_bytes);
	while (left > 0) {
		uint32_t n = KS_MIN(left, chunk->end - off);

		memcpy(p, chunk->data + off, n);
		p += n;
		left -= n;
		chunk = chunk->next;
		off = left > 0 ? chunk->start : 0;
	}
	return (int)(p - l4);
}
