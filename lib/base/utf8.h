/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One character of UTF-8, checked as RFC 3629 section 4 has it: no overlong form, no surrogate,
 * nothing above U+10FFFF.
 * Thread: pure functions.
 */
#ifndef KS_BASE_UTF8_H
#define KS_BASE_UTF8_H

#include "ks_base.h"

#define KS_UTF8_REPLACEMENT 0xfffdu
#define KS_UTF8_MAX_BYTES 4u

static inline bool
ks_utf8_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* The second byte is where overlong forms, surrogates and too large values show. */
static inline bool
ks_utf8_second(uint8_t lead, uint8_t c)
{
	switch (lead) {
	case 0xe0:
		return c >= 0xa0 && c <= 0xbf;
	case 0xed:
		return c >= 0x80 && c <= 0x9f;
	case 0xf0:
		return c >= 0x90 && c <= 0xbf;
	case 0xf4:
		return c >= 0x80 && c <= 0x8f;
	default:
		return ks_utf8_tail(c);
	}
}

/** Bytes of the character at `p`; 0 when it is none or cut off. */
static inline uint32_t
ks_utf8_len(const uint8_t *p, const uint8_t *end)
{
	size_t left = (size_t)(end - p);

	if (left == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < 2 || !ks_utf8_second(p[0], p[1]))
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if (left < 3 || !ks_utf8_tail(p[2]))
		return 0;
	if (p[0] < 0xf0)
		return 3;
	return left >= 4 && ks_utf8_tail(p[3]) ? 4 : 0;
}

/** Writes a character (at most KS_UTF8_MAX_BYTES). @return its bytes. */
static inline uint32_t
ks_utf8_put(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

#endif
