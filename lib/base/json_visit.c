/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON visitor: one pass, no recursion, no heap. RFC 8259 as it stands: no comments, no trailing
 * comma, no byte order mark, no control character or bad UTF-8 in strings.
 *
 * The nesting is a bit per level (object or array), so the depth costs nothing and is bounded by
 * KS_JSON_DEPTH_MAX whatever the caller says.
 * Thread: pure function.
 */
#include <emmintrin.h>
#include <errno.h>

#include "hex.h"
#include "ks_json.h"
#include "utf8.h"

#define KS_JSON_DEPTH_MAX 1024u

struct parser {
	const uint8_t *p; /* next byte; the bad one on error */
	const uint8_t *end;
	ks_json_fn fn;
	void *arg;
	uint16_t depth;
	uint16_t max_depth;
	uint64_t object[KS_JSON_DEPTH_MAX / 64]; /* bit per level: object, else array */
};

/* What may come next. */
enum expect {
	EXPECT_VALUE,
	EXPECT_KEY,
	EXPECT_AFTER_VALUE,
	EXPECT_END,
};

enum { CLASS_PLAIN, CLASS_QUOTE, CLASS_ESCAPE, CLASS_CONTROL, CLASS_HIGH };

static const uint8_t string_class[256] = {
	[0x00 ... 0x1f] = CLASS_CONTROL,
	['"'] = CLASS_QUOTE,
	['\\'] = CLASS_ESCAPE,
	[0x80 ... 0xff] = CLASS_HIGH,
};

static inline bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool
is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static inline void
skip_space(struct parser *ps)
{
	const uint8_t *p = ps->p, *end = ps->end;

	while (p < end && is_space(*p))
		p++;
	ps->p = p;
}

static inline int
emit(struct parser *ps, enum ks_json_event event, const uint8_t *text, const uint8_t *text_end,
     bool escaped)
{
	struct ks_json_item item = {
		.event = event,
		.escaped = escaped,
		.depth = ps->depth,
		.text = {(const char *)text, (uint32_t)(text_end - text)},
	};

	return ps->fn(ps->arg, &item);
}

/*
 * First byte at or after `p` that a string may not hold as it is: quote, backslash, control
 * character, or the first of a character beyond ASCII. As signed bytes, the last two are those
 * below 0x20: one comparison for both.
 */
static inline const uint8_t *
scan_plain(const uint8_t *p, const uint8_t *end)
{
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i escape = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i stop = _mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, escape)),
			_mm_cmplt_epi8(v, space));
		int mask = _mm_movemask_epi8(stop);

		if (mask != 0)
			return p + __builtin_ctz((unsigned int)mask);
	}
	while (p < end && string_class[*p] == CLASS_PLAIN)
		p++;
	return p;
}

/* @return the byte after the escape, or NULL with ps->p at the bad byte. */
static ks_noinline const uint8_t *
skip_escape(struct parser *ps, const uint8_t *p)
{
	const uint8_t *digit = p + 2;

	if (ps->end - p < 2) {
		ps->p = ps->end;
		return NULL;
	}
	ps->p = p + 1;
	if (p[1] != 'u')
		return strchr("\"\\/bfnrt", p[1]) != NULL && p[1] != '\0' ? p + 2 : NULL;
	for (; digit < p + 6; digit++) {
		ps->p = digit;
		if (digit == ps->end || ks_hex_value(*digit) < 0)
			return NULL;
	}
	return digit;
}

/* Text beyond ASCII comes in runs: all of one is checked here before the fast scan goes on. */
static ks_noinline const uint8_t *
skip_high(struct parser *ps, const uint8_t *p)
{
	while (p < ps->end && *p >= 0x80) {
		uint32_t n = ks_utf8_len(p, ps->end);

		if (n == 0) {
			ps->p = p;
			return NULL;
		}
		p += n;
	}
	return p;
}

/* From the byte after the opening quote. @return the closing quote, or NULL with ps->p set. */
static inline const uint8_t *
string_end(struct parser *ps, const uint8_t *p, bool *escaped)
{
	*escaped = false;
	for (;;) {
		p = scan_plain(p, ps->end);
		if (ks_unlikely(p == ps->end))
			break;
		if (ks_likely(*p == '"'))
			return p;
		if (*p == '\\') {
			*escaped = true;
			p = skip_escape(ps, p);
		} else if (*p >= 0x80) {
			p = skip_high(ps, p);
		} else {
			break;
		}
		if (p == NULL)
			return NULL;
	}
	ps->p = p;
	return NULL;
}

static inline int
visit_string(struct parser *ps, enum ks_json_event event)
{
	const uint8_t *text = ps->p + 1;
	bool escaped;
	const uint8_t *end = string_end(ps, text, &escaped);

	if (end == NULL)
		return -EBADMSG;
	ps->p = end + 1;
	return emit(ps, event, text, end, escaped);
}

/* At least one digit. @return false with ps->p at the byte that is none. */
static inline bool
skip_digits(struct parser *ps)
{
	const uint8_t *p = ps->p;

	while (p < ps->end && is_digit(*p))
		p++;

	bool any = p > ps->p;

	ps->p = p;
	return any;
}

static inline bool
take(struct parser *ps, uint8_t a, uint8_t b)
{
	if (ps->p == ps->end || (*ps->p != a && *ps->p != b))
		return false;
	ps->p++;
	return true;
}

static inline int
visit_number(struct parser *ps)
{
	const uint8_t *text = ps->p;

	take(ps, '-', '-');
	if (!take(ps, '0', '0') && !skip_digits(ps))
		return -EBADMSG;
	if (take(ps, '.', '.') && !skip_digits(ps))
		return -EBADMSG;
	if (take(ps, 'e', 'E')) {
		take(ps, '+', '-');
		if (!skip_digits(ps))
			return -EBADMSG;
	}
	return emit(ps, KS_JSON_NUMBER, text, ps->p, false);
}

static int
visit_literal(struct parser *ps, enum ks_json_event event, const char *word, uint32_t n)
{
	const uint8_t *text = ps->p;

	for (uint32_t i = 0; i < n; i++, ps->p++)
		if (ps->p == ps->end || *ps->p != (uint8_t)word[i])
			return -EBADMSG;
	return emit(ps, event, text, ps->p, false);
}

static inline bool
in_object(const struct parser *ps)
{
	uint32_t level = ps->depth - 1u;

	return ps->object[level / 64] >> level % 64 & 1;
}

static inline int
open_container(struct parser *ps, bool object)
{
	uint32_t level = ps->depth;
	uint64_t bit = (uint64_t)1 << level % 64;
	int rc;

	if (ks_unlikely(level >= ps->max_depth))
		return -E2BIG;
	rc = emit(ps, object ? KS_JSON_OBJECT_BEGIN : KS_JSON_ARRAY_BEGIN, ps->p, ps->p, false);
	ps->p++;
	ps->depth++;
	if (object)
		ps->object[level / 64] |= bit;
	else
		ps->object[level / 64] &= ~bit;
	return rc;
}

static inline int
close_container(struct parser *ps)
{
	bool object = in_object(ps);

	ps->depth--;
	ps->p++;
	return emit(ps, object ? KS_JSON_OBJECT_END : KS_JSON_ARRAY_END, ps->p, ps->p, false);
}

static inline enum expect
after_value(const struct parser *ps)
{
	return ps->depth == 0 ? EXPECT_END : EXPECT_AFTER_VALUE;
}

/* Opens a container, and closes it again at once when it is empty. */
static inline int
visit_container(struct parser *ps, bool object, enum expect *next)
{
	int rc = open_container(ps, object);

	if (ks_unlikely(rc != 0))
		return rc;
	*next = object ? EXPECT_KEY : EXPECT_VALUE;
	skip_space(ps);
	if (ps->p == ps->end || *ps->p != (object ? '}' : ']'))
		return 0;
	rc = close_container(ps);
	*next = after_value(ps);
	return rc;
}

static inline int
visit_value(struct parser *ps, enum expect *next)
{
	*next = after_value(ps);
	switch (*ps->p) {
	case '"':
		return visit_string(ps, KS_JSON_STRING);
	case '{':
		return visit_container(ps, true, next);
	case '[':
		return visit_container(ps, false, next);
	case 't':
		return visit_literal(ps, KS_JSON_TRUE, "true", 4);
	case 'f':
		return visit_literal(ps, KS_JSON_FALSE, "false", 5);
	case 'n':
		return visit_literal(ps, KS_JSON_NULL, "null", 4);
	default:
		return visit_number(ps);
	}
}

static inline int
visit_key(struct parser *ps, enum expect *next)
{
	int rc;

	if (*ps->p != '"')
		return -EBADMSG;
	rc = visit_string(ps, KS_JSON_KEY);
	if (ks_unlikely(rc != 0))
		return rc;
	skip_space(ps);
	if (!take(ps, ':', ':'))
		return -EBADMSG;
	*next = EXPECT_VALUE;
	return 0;
}

static inline int
visit_after(struct parser *ps, enum expect *next)
{
	bool object = in_object(ps);
	int rc;

	if (*ps->p == ',') {
		ps->p++;
		*next = object ? EXPECT_KEY : EXPECT_VALUE;
		return 0;
	}
	if (*ps->p != (object ? '}' : ']'))
		return -EBADMSG;
	rc = close_container(ps);
	*next = after_value(ps);
	return rc;
}

static int
visit_document(struct parser *ps)
{
	enum expect expect = EXPECT_VALUE;
	int rc = 0;

	while (rc == 0) {
		skip_space(ps);
		if (ps->p == ps->end)
			return expect == EXPECT_END ? 0 : -EBADMSG;
		if (expect == EXPECT_VALUE)
			rc = visit_value(ps, &expect);
		else if (expect == EXPECT_AFTER_VALUE)
			rc = visit_after(ps, &expect);
		else if (expect == EXPECT_KEY)
			rc = visit_key(ps, &expect);
		else
			rc = -EBADMSG;
	}
	return rc;
}

int
ks_json_visit(struct ks_str doc, uint16_t max_depth, ks_json_fn fn, void *arg, uint32_t *err_off)
{
	const uint8_t *start = (const uint8_t *)doc.p;
	struct parser ps;
	int rc;

	ps.p = start;
	ps.end = start + doc.n;
	ps.fn = fn;
	ps.arg = arg;
	ps.depth = 0;
	ps.max_depth = KS_MIN(max_depth, KS_JSON_DEPTH_MAX);
	rc = visit_document(&ps);
	if (rc != 0 && err_off != NULL)
		*err_off = (uint32_t)(ps.p - start);
	return rc;
}
