/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON string content to text and back (RFC 8259 section 7).
 * Thread: pure functions.
 */
#include <errno.h>
#include <limits.h>

#include "hex.h"
#include "ks_json.h"
#include "utf8.h"

static inline bool
is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

/* @return the code unit of \uXXXX at `p`, or -1 when there is none. */
static int32_t
code_unit(const uint8_t *p, const uint8_t *end)
{
	int32_t unit = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = ks_hex_value(p[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* \uXXXX, or two of them for a character outside the first plane. @return bytes read, 0 if none. */
static uint32_t
unicode_escape(const uint8_t *p, const uint8_t *end, uint32_t *c)
{
	int32_t unit = code_unit(p, end);
	int32_t low;

	if (unit < 0)
		return 0;
	*c = (uint32_t)unit;
	if (!is_surrogate(*c))
		return 6;
	low = *c < 0xdc00 ? code_unit(p + 6, end) : -1;
	if (low < 0xdc00 || low > 0xdfff) {
		*c = KS_UTF8_REPLACEMENT;
		return 6;
	}
	*c = 0x10000 + ((*c - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
	return 12;
}

/* @return bytes read at the backslash `p`; one, as it is, when no escape follows. */
static uint32_t
escape_read(const uint8_t *p, const uint8_t *end, uint32_t *c)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint32_t n;

	*c = '\\';
	if (end - p < 2)
		return 1;
	at = p[1] == '\0' ? NULL : strchr(names, p[1]);
	if (at != NULL) {
		*c = (uint32_t)values[at - names];
		return 2;
	}
	n = unicode_escape(p, end, c);
	return n == 0 ? 1 : n;
}

int
ks_json_unescape(struct ks_str text, void *out, size_t cap)
{
	const uint8_t *p = (const uint8_t *)text.p, *end = p + text.n;
	uint8_t *dst = out;
	size_t room = KS_MIN(cap, (size_t)INT_MAX);

	while (p < end) {
		const uint8_t *stop = memchr(p, '\\', (size_t)(end - p));
		size_t plain = (size_t)((stop == NULL ? end : stop) - p);
		uint8_t bytes[KS_UTF8_MAX_BYTES];
		uint32_t c, n;

		if (plain > room)
			return -E2BIG;
		memmove(dst, p, plain);
		dst += plain;
		room -= plain;
		if (stop == NULL)
			break;
		p = stop + escape_read(stop, end, &c);
		n = ks_utf8_put(c, bytes);
		if (n > room)
			return -E2BIG;
		memcpy(dst, bytes, n);
		dst += n;
		room -= n;
	}
	return (int)(dst - (uint8_t *)out);
}

/* Escape of a control character, quote or backslash. @return its bytes (at most 6). */
static uint32_t
escape_write(uint8_t c, char *out)
{
	static const char hex[] = "0123456789abcdef";
	static const char short_of[256] = {
		['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
		['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
	};

	out[0] = '\\';
	if (short_of[c] != 0) {
		out[1] = short_of[c];
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	return 6;
}

size_t
ks_json_escape(struct ks_str in, char *out, size_t cap)
{
	const uint8_t *p = (const uint8_t *)in.p, *end = p + in.n;
	size_t done = 0;

	while (p < end) {
		char bytes[6];
		uint32_t read = ks_utf8_len(p, end), n = read;

		if (read == 0) {
			read = 1;
			n = ks_utf8_put(KS_UTF8_REPLACEMENT, (uint8_t *)bytes);
		} else if (*p < 0x20 || *p == '"' || *p == '\\') {
			n = escape_write(*p, bytes);
		} else {
			memcpy(bytes, p, read);
		}
		if (n > cap - done)
			break;
		memcpy(out + done, bytes, n);
		done += n;
		p += read;
	}
	return done;
}
