/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes one layer of disguise off a text. What programs behind the API would decode, and what
 * attackers use to look like something else, comes off in one pass: percent encoding (RFC 3986
 * section 2.1), HTML character references, \x and \u escapes, overlong UTF-8 and full-width forms,
 * SQL comments that stand for a space, and the shell's $IFS. Layers on top of each other come off
 * in further rounds.
 *
 * Output is never longer than input. base64 (RFC 4648) is a decoder of its own, because it takes a
 * whole value or nothing.
 *
 * Thread: pure functions.
 */
#include "ks_codec.h"
#include "match_priv.h"

/* Nothing is written before something changes: most texts hold a '%' or a '$' and no encoding. */
struct cursor {
	const uint8_t *text;
	const uint8_t *p;
	const uint8_t *end;
	uint8_t *out;
	bool changed;
	bool hidden;
};

static inline int
hex_value(uint8_t c)
{
	uint8_t lower = c | 0x20;

	if ((uint8_t)(c - '0') < 10)
		return c - '0';
	if ((uint8_t)(lower - 'a') < 6)
		return lower - 'a' + 10;
	return -1;
}

/* Value of `n` hexadecimal digits, or -1. */
static int32_t
hex_number(const uint8_t *p, const uint8_t *end, int n)
{
	int32_t value = 0;

	if (end - p < n)
		return -1;
	for (int i = 0; i < n; i++) {
		int digit = hex_value(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* From the first change on what stays as it is must be copied. */
static inline void
change(struct cursor *c)
{
	size_t n = (size_t)(c->p - c->text);

	if (c->changed)
		return;
	c->changed = true;
	memcpy(c->out, c->text, n);
	c->out += n;
}

static void
put_byte(struct cursor *c, uint32_t used, uint8_t byte)
{
	change(c);
	c->p += used;
	*c->out++ = byte;
}

/* Takes `used` bytes of input for one character. */
static void
put(struct cursor *c, uint32_t used, uint32_t code)
{
	if (code < 0x80) {
		put_byte(c, used, (uint8_t)code);
		return;
	}
	change(c);
	c->p += used;
	if (code < 0x800) {
		*c->out++ = (uint8_t)(0xc0 | code >> 6);
	} else {
		*c->out++ = (uint8_t)(0xe0 | (code >> 12 & 0x0f));
		*c->out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	}
	*c->out++ = (uint8_t)(0x80 | (code & 0x3f));
}

static void
keep(struct cursor *c, size_t n)
{
	if (c->changed) {
		memcpy(c->out, c->p, n);
		c->out += n;
	}
	c->p += n;
}

/* %XX gives a byte; %uXXXX, as some servers still take it, a character. */
static void
take_percent(struct cursor *c)
{
	int32_t code = hex_number(c->p + 1, c->end, 2);

	if (code >= 0) {
		put_byte(c, 3, (uint8_t)code);
		c->hidden = true;
		return;
	}
	if (c->end - c->p >= 6 && (c->p[1] | 0x20) == 'u')
		code = hex_number(c->p + 2, c->end, 4);
	if (code < 0) {
		keep(c, 1);
		return;
	}
	put(c, 6, (uint32_t)code);
	c->hidden = true;
}

/* \xHH and \uHHHH, as string literals and JSON inside of strings have them. */
static void
take_backslash(struct cursor *c)
{
	int digits = c->end - c->p >= 4 && c->p[1] == 'x' ? 2 : 0;
	int32_t code;

	if (c->end - c->p >= 6 && c->p[1] == 'u')
		digits = 4;
	code = digits > 0 ? hex_number(c->p + 2, c->end, digits) : -1;
	if (code < 0) {
		keep(c, 1);
		return;
	}
	put(c, 2 + (uint32_t)digits, (uint32_t)code);
	c->hidden = true;
}

static const struct {
	const char *name;
	char value;
} entities[] = {
	{"lt", '<'},	 {"gt", '>'},	{"amp", '&'},	   {"quot", '"'},   {"apos", '\''},
	{"nbsp", ' '},	 {"Tab", '\t'}, {"NewLine", '\n'}, {"lpar", '('},   {"rpar", ')'},
	{"colon", ':'},	 {"sol", '/'},	{"bsol", '\\'},	   {"equals", '='}, {"semi", ';'},
	{"dollar", '$'}, {"lcub", '{'}, {"rcub", '}'},	   {"period", '.'}, {"comma", ','},
};

/* Number of the character and the bytes it took, or 0. */
static uint32_t
numeric_entity(const struct cursor *c, uint32_t *code)
{
	bool hex = c->end - c->p > 3 && (c->p[2] | 0x20) == 'x';
	const uint8_t *p = c->p + (hex ? 3 : 2), *first = p;

	*code = 0;
	while (p < c->end && p - first < 8) {
		int digit = hex_value(*p);

		if (digit < 0 || (!hex && digit > 9))
			break;
		*code = *code * (hex ? 16u : 10u) + (uint32_t)digit;
		p++;
	}
	if (p == first || *code > 0xffff)
		return 0;
	return (uint32_t)(p - c->p) + (p < c->end && *p == ';' ? 1 : 0);
}

static uint32_t
named_entity(const struct cursor *c, uint32_t *code)
{
	const uint8_t *name = c->p + 1;
	size_t left = (size_t)(c->end - name);

	for (size_t i = 0; i < KS_ARRAY_SIZE(entities); i++) {
		size_t n = strlen(entities[i].name);

		if (left > n && name[n] == ';' && memcmp(name, entities[i].name, n) == 0) {
			*code = (uint8_t)entities[i].value;
			return (uint32_t)n + 2;
		}
	}
	return 0;
}

static void
take_entity(struct cursor *c)
{
	uint32_t code = 0, used;

	if (c->end - c->p > 2 && c->p[1] == '#')
		used = numeric_entity(c, &code);
	else
		used = named_entity(c, &code);
	/* A character must not take more room than its reference. */
	if (used < 3 || (code >= 0x800 && used < 4)) {
		keep(c, 1);
		return;
	}
	put(c, used, code);
	c->hidden = true;
}

/* Overlong forms of ASCII in two and three bytes, and U+FF01 to U+FF5E, which are ASCII made wide.
 */
static void
take_utf8(struct cursor *c)
{
	size_t left = (size_t)(c->end - c->p);
	const uint8_t *p = c->p;
	uint32_t wide;

	if (p[0] <= 0xc1 && left >= 2 && (p[1] & 0xc0) == 0x80) {
		put(c, 2, (uint32_t)(p[0] & 1) << 6 | (p[1] & 0x3f));
		c->hidden = true;
		return;
	}
	if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) {
		keep(c, 1);
		return;
	}
	wide = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	if (p[0] == 0xe0 && wide < 0x80) {
		put(c, 3, wide);
		c->hidden = true;
	} else if (wide >= 0xff01 && wide <= 0xff5e) {
		put(c, 3, wide - 0xff01 + '!');
	} else {
		keep(c, 1);
	}
}

#define COMMENT_MAX 64

/* A comment is a space to a database; MySQL runs what stands in one that begins with '!'. */
static void
take_comment(struct cursor *c)
{
	const uint8_t *p = c->p + 2;
	size_t left = (size_t)(c->end - p);
	const uint8_t *close = memmem(p, KS_MIN(left, (size_t)COMMENT_MAX), "*/", 2);

	if (close == NULL) {
		keep(c, 1);
		return;
	}
	if (*p != '!') {
		put(c, (uint32_t)(close + 2 - c->p), ' ');
		return;
	}
	for (p++; p < close && (uint8_t)(*p - '0') < 10;)
		p++;
	put(c, (uint32_t)(p - c->p), ' ');
}

static void
take_dollar(struct cursor *c)
{
	size_t left = (size_t)(c->end - c->p);

	if (left >= 6 && memcmp(c->p, "${IFS}", 6) == 0)
		put(c, 6, ' ');
	else if (left >= 4 && memcmp(c->p, "$IFS", 4) == 0)
		put(c, left >= 6 && c->p[4] == '$' && c->p[5] == '9' ? 6 : 4, ' ');
	else
		keep(c, 1);
}

/* Bytes at which a decoder may begin. */
static const uint8_t start[256] = {
	['%'] = 1,  ['&'] = 1,	['\\'] = 1, ['/'] = 1,	['$'] = 1,
	[0xc0] = 1, [0xc1] = 1, [0xe0] = 1, [0xef] = 1,
};

static void
take(struct cursor *c)
{
	switch (*c->p) {
	case '%':
		take_percent(c);
		break;
	case '&':
		take_entity(c);
		break;
	case '\\':
		take_backslash(c);
		break;
	case '$':
		take_dollar(c);
		break;
	case '/':
		if (c->end - c->p >= 4 && c->p[1] == '*')
			take_comment(c);
		else
			keep(c, 1);
		break;
	default:
		take_utf8(c);
		break;
	}
}

int64_t
ks_match_decode(struct ks_str text, char *out, bool *hidden)
{
	struct cursor c = {
		.text = (const uint8_t *)text.p,
		.p = (const uint8_t *)text.p,
		.end = (const uint8_t *)text.p + text.n,
		.out = (uint8_t *)out,
	};

	while (c.p < c.end) {
		const uint8_t *next = c.p;

		while (next < c.end && !start[*next])
			next++;
		keep(&c, (size_t)(next - c.p));
		if (c.p < c.end)
			take(&c);
	}
	*hidden = c.hidden;
	return c.changed ? (const char *)c.out - out : -1;
}

/* ---- base64 ---- */

#define BASE64_MIN 16
#define PEEK_CHARS 16

static bool
known_file(const uint8_t *p, size_t n)
{
	static const struct {
		const char *bytes;
		size_t n;
	} magic[] = {{"\x7f"
		      "ELF",
		      4},
		     {"MZ", 2},
		     {"\xca\xfe\xba\xbe", 4},
		     {"PK\x03\x04", 4},
		     {"\xac\xed\x00\x05", 4}};

	for (size_t i = 0; i < KS_ARRAY_SIZE(magic); i++)
		if (n >= magic[i].n && memcmp(p, magic[i].bytes, magic[i].n) == 0)
			return true;
	return false;
}

/* Nearly all of it is what people and programs write. */
static bool
readable(const uint8_t *p, size_t n)
{
	size_t odd = 0;

	for (size_t i = 0; i < n; i++)
		odd += (ks_match_char[p[i]] & (KS_CHAR_CONTROL | KS_CHAR_HIGH)) != 0;
	return odd * 8 <= n;
}

static bool
may_be_base64(struct ks_str text, uint32_t chars)
{
	const uint32_t mixed = KS_CHAR_LOWER | KS_CHAR_UPPER;

	return text.n >= BASE64_MIN && text.n % 4 != 1 && (chars & CHAR_NO_BASE64) == 0 &&
	       (chars & mixed) == mixed;
}

int64_t
ks_match_decode_base64(struct ks_str text, uint32_t chars, char *out, size_t cap)
{
	struct ks_str peek = {text.p, PEEK_CHARS};
	uint8_t *bytes = (uint8_t *)out;
	int n;

	if (!may_be_base64(text, chars))
		return -1;
	if (text.n > PEEK_CHARS) {
		n = ks_base64_decode(peek, out, cap);
		if (n <= 0 || (!readable(bytes, (size_t)n) && !known_file(bytes, (size_t)n)))
			return -1;
	}
	n = ks_base64_decode(text, out, cap);
	if (n <= 0 || (!readable(bytes, (size_t)n) && !known_file(bytes, (size_t)n)))
		return -1;
	return n;
}
