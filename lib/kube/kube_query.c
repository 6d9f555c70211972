/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries, read as Go's net/url and the API machinery's conversions read them, because verb and
 * name of a call depend on them. Thread: pure functions over the caller's memory.
 */
#include "ks_codec.h"
#include "ks_kube.h"
#include "kube_path.h"

bool
ks_kube_query_next(struct ks_str query, uint32_t *pos, struct ks_str *name, struct ks_str *value)
{
	const char *end, *p, *stop, *equals;

	if (*pos >= query.n)
		return false;
	end = query.p + query.n;
	p = query.p + *pos;
	while (p < end && *p == '&')
		p++;
	if (p >= end)
		return false;
	stop = memchr(p, '&', (size_t)(end - p));
	if (stop == NULL)
		stop = end;
	equals = memchr(p, '=', (size_t)(stop - p));
	if (equals == NULL)
		equals = stop;
	*name = (struct ks_str){p, (uint32_t)(equals - p)};
	*value = (struct ks_str){equals, 0};
	if (equals < stop)
		*value = (struct ks_str){equals + 1, (uint32_t)(stop - equals - 1)};
	*pos = (uint32_t)(stop - query.p);
	return true;
}

#define SHORT_BYTES 32

/* Decoded text, when it fits: names and values that are looked for are short.
 * @return false for a text that Go would drop, or a long one. */
static bool
decode_short(struct ks_str raw, char out[SHORT_BYTES], struct ks_str *text)
{
	bool bad;
	int n;

	if (raw.n > 3 * SHORT_BYTES)
		return false;
	n = ks_percent_decode(raw, true, out, SHORT_BYTES, &bad);
	if (n < 0 || bad)
		return false;
	*text = (struct ks_str){out, (uint32_t)n};
	return true;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool
go_keeps(struct ks_str raw)
{
	for (uint32_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == ';')
			return false;
		if (raw.p[i] == '%' &&
		    (raw.n - i < 3 || !is_hex(raw.p[i + 1]) || !is_hex(raw.p[i + 2])))
			return false;
	}
	return true;
}

static bool
name_is(struct ks_str raw, const char *name)
{
	char buf[SHORT_BYTES];
	struct ks_str text;

	if (ks_likely(raw.n == strlen(name) && memcmp(raw.p, name, raw.n) == 0))
		return true;
	if (ks_likely(memchr(raw.p, '%', raw.n) == NULL))
		return false;
	return decode_short(raw, buf, &text) && ks_str_is(text, name);
}

bool
ks_kube_query_find(struct ks_str query, const char *name, struct ks_str *value)
{
	struct ks_str key;
	uint32_t pos = 0;

	while (ks_kube_query_next(query, &pos, &key, value))
		if (name_is(key, name) && go_keeps(*value))
			return true;
	return false;
}

bool
ks_kube_query_flag(struct ks_str query, const char *name)
{
	char buf[SHORT_BYTES];
	struct ks_str value, text;

	if (!ks_kube_query_find(query, name, &value))
		return false;
	if (!decode_short(value, buf, &text))
		return true;
	return !ks_str_is(text, "0") && !(text.n == 5 && strncasecmp(text.p, "false", 5) == 0);
}

/*
 * One term of a field selector: @return 1 and the value when it says metadata.name = value, 0 for
 * another term, -1 for none.
 */
static int
selector_term(struct ks_str term, struct ks_str *value)
{
	const char *equals = memchr(term.p, '=', term.n);
	const char *end = term.p + term.n, *field_end, *text;

	if (equals == NULL)
		return -1;
	field_end = equals > term.p && equals[-1] == '!' ? equals - 1 : equals;
	text = equals + 1;
	if (field_end == equals && text < end && *text == '=')
		text++;
	*value = (struct ks_str){text, (uint32_t)(end - text)};
	if (memchr(text, '=', value->n) != NULL)
		return -1;
	return field_end == equals &&
	       ks_str_is((struct ks_str){term.p, (uint32_t)(field_end - term.p)}, "metadata.name");
}

static bool
term_before(struct ks_str a, struct ks_str b)
{
	int order = memcmp(a.p, b.p, KS_MIN(a.n, b.n));

	return order < 0 || (order == 0 && a.n < b.n);
}

/* The terms are sorted before they are read, so of several names the least term counts. A selector
 * that does not parse pins nothing; nor does one with backslash escapes, which no name can hold. */
static struct ks_str
selector_name(struct ks_str selector)
{
	struct ks_str least = {NULL, 0}, name = {NULL, 0}, value;
	const char *p = selector.p, *end = selector.p + selector.n;

	if (memchr(p, '\\', selector.n) != NULL)
		return name;
	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma == NULL ? end : comma;
		struct ks_str term = {p, (uint32_t)(stop - p)};
		int found = term.n == 0 ? 0 : selector_term(term, &value);

		if (found < 0)
			return (struct ks_str){NULL, 0};
		if (found > 0 && (least.p == NULL || term_before(term, least))) {
			least = term;
			name = value;
		}
		p = stop + 1;
	}
	return name;
}

/* A name that could stand in a path; others are ignored there. */
static bool
path_segment_name(struct ks_str name)
{
	return !ks_str_is(name, ".") && !ks_str_is(name, "..") &&
	       memchr(name.p, '/', name.n) == NULL && memchr(name.p, '%', name.n) == NULL;
}

void
ks_kube_query_object(struct ks_str query, char *scratch, struct ks_str *name)
{
	struct ks_str raw, found;
	bool bad;
	int n;

	if (!ks_kube_query_find(query, "fieldSelector", &raw))
		return;
	n = ks_percent_decode(raw, true, scratch, raw.n, &bad);
	if (n <= 0 || bad)
		return;
	found = selector_name((struct ks_str){scratch, (uint32_t)n});
	if (found.n > 0 && path_segment_name(found))
		*name = found;
}
