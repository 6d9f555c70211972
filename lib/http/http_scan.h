/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for the end of an element in a head: 16 bytes a step where they are there, one by one in
 * the last bytes of the block, so nothing is ever read outside of it.
 * Classes of characters: RFC 9110 sections 5.5 and 5.6.2, RFC 3986 section 3.3.
 * Thread: pure functions.
 */
#ifndef KS_HTTP_SCAN_H
#define KS_HTTP_SCAN_H

#include <emmintrin.h>

#include "ks_base.h"

#define KS_HTTP_CHAR_TOKEN 1u /* tchar */
#define KS_HTTP_CHAR_PATH 2u  /* pchar, "/" */
#define KS_HTTP_CHAR_HOST 4u  /* letters, digits, "-", ".", "_", "~" */

extern const uint8_t ks_http_chars[256];

static inline bool
ks_http_is_char(char c, uint8_t class)
{
	return (ks_http_chars[(uint8_t)c] & class) != 0;
}

/** First byte at or after `p` that is not of `class`, or `end`. */
static inline const char *
ks_http_skip_class(const char *p, const char *end, uint8_t class)
{
	while (p < end && ks_http_is_char(*p, class))
		p++;
	return p;
}

static inline bool
ks_http_is_control(char c)
{
	return (uint8_t)c < 0x20 || c == 0x7f;
}

/** First control character other than a tab, or `end`. */
static inline const char *
ks_http_skip_text(const char *p, const char *end)
{
	const __m128i space = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t');
	const __m128i del = _mm_set1_epi8(0x7f);

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const void *)p);
		__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, space), v);
		__m128i bad = _mm_andnot_si128(_mm_cmpeq_epi8(v, tab), low);
		int mask = _mm_movemask_epi8(_mm_or_si128(bad, _mm_cmpeq_epi8(v, del)));

		if (mask != 0)
			return p + __builtin_ctz((unsigned int)mask);
	}
	while (p < end && (!ks_http_is_control(*p) || *p == '\t'))
		p++;
	return p;
}

/** First byte that is not a visible ASCII character or is '#', or `end`. */
static inline const char *
ks_http_skip_visible(const char *p, const char *end)
{
	const __m128i first = _mm_set1_epi8(0x21), del = _mm_set1_epi8(0x7f);
	const __m128i hash = _mm_set1_epi8('#');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const void *)p);
		/* signed: bytes from 0x80 on are negative */
		__m128i bad = _mm_or_si128(_mm_cmplt_epi8(v, first), _mm_cmpeq_epi8(v, del));
		int mask = _mm_movemask_epi8(_mm_or_si128(bad, _mm_cmpeq_epi8(v, hash)));

		if (mask != 0)
			return p + __builtin_ctz((unsigned int)mask);
	}
	while (p<end && * p> 0x20 && *p < 0x7f && *p != '#')
		p++;
	return p;
}

#endif
