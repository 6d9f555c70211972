/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 (RFC 4648 sections 4 and 5) and percent decoding (RFC 3986 section 2.1).
 *
 * Bits left over in the last base64 character are not looked at: Go's decoder, which the API server
 * uses for tokens, ignores them too, and what it reads must be what we read.
 * Thread: pure functions.
 */
#include <errno.h>
#include <limits.h>

#include "hex.h"
#include "ks_codec.h"

#define VALID 0x40
#define V(n) ((n) | VALID)

/* Value of a character in either alphabet, marked VALID; 0 for all others. */
static const uint8_t base64_value[256] = {
	['A'] = V(0),  ['B'] = V(1),  ['C'] = V(2),  ['D'] = V(3),  ['E'] = V(4),  ['F'] = V(5),
	['G'] = V(6),  ['H'] = V(7),  ['I'] = V(8),  ['J'] = V(9),  ['K'] = V(10), ['L'] = V(11),
	['M'] = V(12), ['N'] = V(13), ['O'] = V(14), ['P'] = V(15), ['Q'] = V(16), ['R'] = V(17),
	['S'] = V(18), ['T'] = V(19), ['U'] = V(20), ['V'] = V(21), ['W'] = V(22), ['X'] = V(23),
	['Y'] = V(24), ['Z'] = V(25), ['a'] = V(26), ['b'] = V(27), ['c'] = V(28), ['d'] = V(29),
	['e'] = V(30), ['f'] = V(31), ['g'] = V(32), ['h'] = V(33), ['i'] = V(34), ['j'] = V(35),
	['k'] = V(36), ['l'] = V(37), ['m'] = V(38), ['n'] = V(39), ['o'] = V(40), ['p'] = V(41),
	['q'] = V(42), ['r'] = V(43), ['s'] = V(44), ['t'] = V(45), ['u'] = V(46), ['v'] = V(47),
	['w'] = V(48), ['x'] = V(49), ['y'] = V(50), ['z'] = V(51), ['0'] = V(52), ['1'] = V(53),
	['2'] = V(54), ['3'] = V(55), ['4'] = V(56), ['5'] = V(57), ['6'] = V(58), ['7'] = V(59),
	['8'] = V(60), ['9'] = V(61), ['+'] = V(62), ['-'] = V(62), ['/'] = V(63), ['_'] = V(63),
};

static const char base64url_char[64] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Padding is at most two '=' and only to a multiple of four. @return length without it or -1. */
static int64_t
base64_unpadded(struct ks_str in)
{
	uint32_t n = in.n;

	if (n > 0 && in.p[n - 1] == '=') {
		if (n % 4 != 0)
			return -1;
		n -= in.p[n - 2] == '=' ? 2 : 1;
	}
	return n % 4 == 1 ? -1 : (int64_t)n;
}

/* The last two or three characters give one or two bytes. */
static bool
base64_last(const uint8_t *p, uint32_t n, uint8_t *out)
{
	uint8_t a = base64_value[p[0]], b = base64_value[p[1]];
	uint8_t c = n == 3 ? base64_value[p[2]] : VALID;

	if ((a & b & c & VALID) == 0)
		return false;
	b &= 63;
	c &= 63;
	out[0] = (uint8_t)(a << 2 | b >> 4);
	if (n == 3)
		out[1] = (uint8_t)(b << 4 | c >> 2);
	return true;
}

int
ks_base64_decode(struct ks_str in, void *out, size_t cap)
{
	const uint8_t *p = (const uint8_t *)in.p;
	int64_t n = base64_unpadded(in);
	uint8_t *dst = out;

	if (n < 0)
		return -EBADMSG;

	size_t bytes = (size_t)n / 4 * 3 + (n % 4 == 0 ? 0 : (size_t)n % 4 - 1);

	if (bytes > cap || bytes > INT_MAX)
		return -E2BIG;
	for (; n >= 4; n -= 4, p += 4, dst += 3) {
		uint8_t a = base64_value[p[0]], b = base64_value[p[1]];
		uint8_t c = base64_value[p[2]], d = base64_value[p[3]];

		if (ks_unlikely((a & b & c & d & VALID) == 0))
			return -EBADMSG;
		b &= 63;
		c &= 63;
		d &= 63;
		dst[0] = (uint8_t)(a << 2 | b >> 4);
		dst[1] = (uint8_t)(b << 4 | c >> 2);
		dst[2] = (uint8_t)(c << 6 | d);
	}
	if (n > 0 && !base64_last(p, (uint32_t)n, dst))
		return -EBADMSG;
	return (int)bytes;
}

int
ks_base64url_encode(const void *in, size_t len, char *out, size_t cap)
{
	const uint8_t *p = in;
	size_t bytes = len / 3 * 4 + (len % 3 == 0 ? 0 : len % 3 + 1);

	if (len > INT_MAX / 2 || bytes > cap)
		return -E2BIG;
	for (; len >= 3; len -= 3, p += 3, out += 4) {
		out[0] = base64url_char[p[0] >> 2];
		out[1] = base64url_char[(p[0] << 4 | p[1] >> 4) & 63];
		out[2] = base64url_char[(p[1] << 2 | p[2] >> 6) & 63];
		out[3] = base64url_char[p[2] & 63];
	}
	if (len > 0) {
		uint8_t second = len == 2 ? p[1] : 0;

		out[0] = base64url_char[p[0] >> 2];
		out[1] = base64url_char[(p[0] << 4 | second >> 4) & 63];
		if (len == 2)
			out[2] = base64url_char[second << 2 & 63];
	}
	return (int)bytes;
}

/* @return the byte of the two digits that follow a '%', or -1. */
static int
percent_value(const uint8_t *p, const uint8_t *end)
{
	int high, low;

	if (end - p < 3)
		return -1;
	high = ks_hex_value(p[1]);
	low = ks_hex_value(p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

int
ks_percent_decode(struct ks_str in, bool plus, void *out, size_t cap, bool *bad)
{
	const uint8_t *p = (const uint8_t *)in.p, *end = p + in.n;
	uint8_t *dst = out, *dst_end = dst + cap;

	*bad = false;
	while (p < end) {
		int c = *p;

		if (dst == dst_end || dst - (uint8_t *)out == INT_MAX)
			return -E2BIG;
		if (c == '%') {
			c = percent_value(p, end);
			if (c >= 0) {
				p += 2;
			} else {
				*bad = true;
				c = '%';
			}
		} else if (c == '+' && plus) {
			c = ' ';
		}
		*dst++ = (uint8_t)c;
		p++;
	}
	return (int)(dst - (uint8_t *)out);
}
