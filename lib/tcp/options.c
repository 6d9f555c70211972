/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP options both ways: MSS (RFC 9293 section 3.7.1), window scale and timestamps (RFC 7323
 * sections 2 and 3), SACK permitted and SACK (RFC 2018 sections 2 and 3). Unknown kinds are stepped
 * over; a length that cannot be makes the whole segment bad.
 * Thread: pure functions.
 */
#include <errno.h>

#include "seg.h"

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_OK = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
};

static void
read_sack(const uint8_t *p, uint32_t len, struct ks_tcp_opts *out)
{
	for (uint32_t i = 0; i + 8 <= len && out->nsack < KS_TCP_SACK_BLOCKS; i += 8) {
		out->sack[out->nsack].start = load_be32(p + i);
		out->sack[out->nsack].end = load_be32(p + i + 4);
		out->nsack++;
	}
}

/* `len` is the whole option with its two bytes of kind and length. */
static int
read_one(uint8_t kind, const uint8_t *p, uint32_t len, struct ks_tcp_opts *out)
{
	static const uint8_t exact[] = {
		[OPT_MSS] = 4, [OPT_WSCALE] = 3, [OPT_SACK_OK] = 2, [OPT_TS] = 10};

	if (kind < sizeof(exact) && exact[kind] != 0 && exact[kind] != len)
		return -EBADMSG;
	switch (kind) {
	case OPT_MSS:
		out->has_mss = true;
		out->mss = load_be16(p + 2);
		return 0;
	case OPT_WSCALE:
		out->has_wscale = true;
		out->wscale = KS_MIN(p[2], KS_TCP_WSCALE_MAX);
		return 0;
	case OPT_SACK_OK:
		out->sack_ok = true;
		return 0;
	case OPT_SACK:
		if (len < 10 || (len - 2) % 8 != 0)
			return -EBADMSG;
		read_sack(p + 2, len - 2, out);
		return 0;
	case OPT_TS:
		out->has_ts = true;
		out->tsval = load_be32(p + 2);
		out->tsecr = load_be32(p + 6);
		return 0;
	default:
		return 0;
	}
}

ks_noinline int
ks_tcp_options_parse(const uint8_t *opt, uint32_t opt_bytes, struct ks_tcp_opts *out)
{
	uint32_t i = 0;

	*out = (struct ks_tcp_opts){0};
	while (i < opt_bytes && opt[i] != OPT_END) {
		uint32_t len;
		int rc;

		if (opt[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= opt_bytes)
			return -EBADMSG;
		len = opt[i + 1];
		if (len < 2 || len > opt_bytes - i)
			return -EBADMSG;
		rc = read_one(opt[i], opt + i, len, out);
		if (rc != 0)
			return rc;
		i += len;
	}
	return 0;
}

uint8_t
ks_tcp_options_write_ts(uint8_t *p, uint32_t tsval, uint32_t tsecr)
{
	p[0] = OPT_NOP;
	p[1] = OPT_NOP;
	p[2] = OPT_TS;
	p[3] = 10;
	store_be32(p + 4, tsval);
	store_be32(p + 8, tsecr);
	return KS_TCP_TS_OPT_BYTES;
}

uint8_t
ks_tcp_options_write_sack(uint8_t *p, const struct ks_tcp_range *blocks, uint32_t n)
{
	p[0] = OPT_NOP;
	p[1] = OPT_NOP;
	p[2] = OPT_SACK;
	p[3] = (uint8_t)(2 + 8 * n);
	for (uint32_t i = 0; i < n; i++) {
		store_be32(p + 4 + 8 * i, blocks[i].start);
		store_be32(p + 8 + 8 * i, blocks[i].end);
	}
	return (uint8_t)(4 + 8 * n);
}

uint8_t
ks_tcp_options_write_syn(uint8_t *p, const struct ks_tcp_opts *opts)
{
	uint8_t *start = p;

	p[0] = OPT_MSS;
	p[1] = 4;
	store_be16(p + 2, opts->mss);
	p += 4;
	if (opts->has_wscale) {
		p[0] = OPT_NOP;
		p[1] = OPT_WSCALE;
		p[2] = 3;
		p[3] = opts->wscale;
		p += 4;
	}
	if (opts->sack_ok) {
		p[0] = OPT_NOP;
		p[1] = OPT_NOP;
		p[2] = OPT_SACK_OK;
		p[3] = 2;
		p += 4;
	}
	if (opts->has_ts)
		p += ks_tcp_options_write_ts(p, opts->tsval, opts->tsecr);
	return (uint8_t)(p - start);
}
