/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequence arithmetic, a segment as it was read, and its options. Plain values, no state.
 * RFC 9293 section 3.4 (comparisons), section 3.2 and RFC 7323, RFC 2018 (options).
 * Thread: pure functions.
 */
#ifndef KS_TCP_SEG_H
#define KS_TCP_SEG_H

#include <rte_tcp.h>

#include "ks_tcp.h"

#define KS_TCP_HDR_BYTES 20u
#define KS_TCP_OPT_MAX_BYTES 40u
#define KS_TCP_TS_OPT_BYTES 12u	 /* with the two NOPs in front that align it */
#define KS_TCP_SACK_BLOCKS 4u	 /* as many as fit beside no other option */
#define KS_TCP_WSCALE_MAX 14u	 /* RFC 7323 section 2.3 */
#define KS_TCP_MSS_DEFAULT4 536u /* RFC 9293 section 3.7.1 */
#define KS_TCP_MSS_DEFAULT6 1220u
/* A peer that asks for less makes us pay a header for a handful of bytes: taken as this. */
#define KS_TCP_MSS_MIN 88u

static inline bool
seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool
seq_leq(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline bool
seq_gt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static inline bool
seq_geq(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

static inline uint32_t
load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

static inline uint16_t
load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void
store_be32(uint8_t *p, uint32_t v)
{
	v = rte_cpu_to_be_32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/** A stretch of sequence space. */
struct ks_tcp_range {
	uint32_t start;
	uint32_t end; /**< one past the last */
};

struct ks_tcp_opts {
	bool has_ts;
	bool has_mss;
	bool has_wscale;
	bool sack_ok;
	uint8_t wscale; /**< already limited to KS_TCP_WSCALE_MAX */
	uint8_t nsack;
	uint16_t mss;
	uint32_t tsval;
	uint32_t tsecr;
	struct ks_tcp_range sack[KS_TCP_SACK_BLOCKS];
};

/** A segment that came in, in host order. */
struct ks_tcp_seg {
	const struct ks_tuple *tuple;
	const uint8_t *opt;
	const uint8_t *payload;
	uint32_t seq;
	uint32_t ack;
	uint32_t tsval; /**< meaning only with has_ts */
	uint32_t tsecr;
	uint16_t len; /**< payload bytes; the slow path trims them */
	uint16_t wnd; /**< as on the wire */
	uint8_t flags;
	uint8_t opt_bytes;
	bool has_ts;
	bool opts_plain; /**< no option, or the timestamp alone in its usual place */
};

/** Fills `seg` from the packet. @return 0, or -EBADMSG for flags or lengths that cannot be. */
int ks_tcp_seg_read(struct ks_tcp_seg *seg, const struct ks_tcp_packet *pkt);

/** @return 0, or -EBADMSG when an option's length runs over the end or under its kind's size. */
int ks_tcp_options_parse(const uint8_t *opt, uint32_t opt_bytes, struct ks_tcp_opts *out);

/* Writers return how many bytes they wrote, always a multiple of 4. */
uint8_t ks_tcp_options_write_ts(uint8_t *p, uint32_t tsval, uint32_t tsecr);
uint8_t ks_tcp_options_write_sack(uint8_t *p, const struct ks_tcp_range *blocks, uint32_t n);
/** MSS and, as `opts` has them, SACK permitted, timestamps and window scale. */
uint8_t ks_tcp_options_write_syn(uint8_t *p, const struct ks_tcp_opts *opts);

#endif
