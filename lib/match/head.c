/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a head: path, query, headers and cookies, each under its name. Values that were seen
 * before and found clean are folded and no more; all others are classified, decoded, gathered and
 * scanned.
 *
 * Credentials (Authorization and its likes) are measured, and scanned only when they hold a
 * character that no credential has: a token of RFC 9110 section 11.2 cannot carry code. Nothing of
 * them, nor of a cookie, is kept.
 *
 * Thread: the matcher's worker.
 */
#include <tmmintrin.h>

#include "ks_codec.h"
#include "match_priv.h"

#define NAME_MAX_BYTES 128u
#define NAME_DECODED_MAX (16u * 1024)

/* One value on its way: where it stands, as it came, as it is meant. */
struct part {
	enum ks_place place;
	uint8_t where; /* 0: folded only, its bytes are scanned elsewhere */
	uint8_t nature;
	uint8_t flags;
	bool secret;
	bool unfolded; /* scanned only */
	struct ks_str name;
	struct ks_str raw;
	struct ks_str value;
};

static struct ks_str
lower_name(struct ks_str name, char out[NAME_MAX_BYTES])
{
	uint32_t n = KS_MIN(name.n, NAME_MAX_BYTES);

	for (uint32_t i = 0; i < n; i++) {
		char c = name.p[i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return (struct ks_str){out, n};
}

/* Header names are the same in any case; all others are what they are. */
static struct ks_str
path_of(enum ks_place place, struct ks_str name, char out[NAME_MAX_BYTES])
{
	if (place == KS_PLACE_HEADER)
		return lower_name(name, out);
	return (struct ks_str){name.p, KS_MIN(name.n, NAME_MAX_BYTES)};
}

static int
fold_in(struct ks_matcher *m, const struct match_fold *fold, struct ks_str name,
	struct ks_str value)
{
	char text[NAME_MAX_BYTES];
	int field = ks_match_field_find(m, fold->hash);

	if (field < 0)
		field = ks_match_field_add(m, fold, path_of(fold->place, name, text));
	if (ks_likely(field >= 0))
		ks_match_field_fold(m, field, fold, value);
	return field;
}

static void
fold_known(struct ks_matcher *m, const struct match_clean *e, struct ks_str name)
{
	struct match_fold fold = {
		.place = (enum ks_place)e->place,
		.hash = e->field_hash,
		.chars = e->chars,
		.value_hash = e->value_hash,
		.type = (enum ks_value_type)e->type,
	};
	/* The meant value stands behind the raw one when it differs from it. */
	const char *p = e->bytes + e->name_len + (e->value_differs ? e->raw_len : 0);

	fold_in(m, &fold, name, (struct ks_str){p, e->value_len});
}

/* A value that is not known yet. */
static ks_noinline void
part_new(struct ks_matcher *m, const struct part *part, bool remember)
{
	char text[NAME_MAX_BYTES];
	struct ks_str path = path_of(part->place, part->name, text);
	struct match_fold fold = {
		.place = part->place,
		.hash = ks_match_field_hash(m->db, part->place, path),
		.chars = ks_match_chars(part->value),
		.secret = part->secret || ks_match_name_secret(path),
	};
	struct match_value value = {
		.name = part->name,
		.where = part->where,
		.nature = part->nature,
		.flags = part->flags,
	};

	fold.type = ks_match_type(part->value, fold.chars);
	if (!fold.secret && part->value.n > 0 && part->value.n <= 64)
		fold.value_hash = ks_hash64(m->db->seed, part->value.p, part->value.n);
	if (!part->unfolded)
		fold_in(m, &fold, part->name, part->value);
	if (part->where != 0)
		ks_match_text(m, &value, part->value, fold.chars);
	if (remember && !fold.secret && part->nature == NATURE_PLAIN)
		ks_match_clean_note(m, &fold, part->name, part->raw, part->value);
}

/* A value that is meant as it came. */
static void
part_add(struct ks_matcher *m, struct part *part)
{
	const struct match_clean *known =
		ks_match_clean_find(m, part->place, part->name, part->raw);

	if (ks_likely(known != NULL)) {
		if (!part->unfolded)
			fold_known(m, known, part->name);
		return;
	}
	part->value = part->raw;
	part_new(m, part, true);
}

/* ---- path ---- */

/* The whole path is a field only where there is no better name for its parts. */
static void
path(struct ks_matcher *m)
{
	const struct ks_kube_call *call = &m->ex->call;
	struct part whole = {
		.place = KS_PLACE_PATH,
		.where = KS_WHERE_PATH,
		.unfolded = call->resource_request,
		.name = KS_STR("path"),
		.raw = call->path,
	};
	struct part ns = {.place = KS_PLACE_PATH, .name = KS_STR("namespace"), .raw = call->ns};
	struct part name = {.place = KS_PLACE_PATH, .name = KS_STR("name"), .raw = call->name};

	if (whole.raw.n > 0)
		part_add(m, &whole);
	if (call->resource_request && ns.raw.n > 0)
		part_add(m, &ns);
	if (call->resource_request && name.raw.n > 0)
		part_add(m, &name);
}

/* ---- query ---- */

static bool
query_decode(struct ks_matcher *m, struct ks_str raw, struct ks_str *text, char *out, size_t cap)
{
	bool bad = false;
	int n;

	*text = raw;
	if (memchr(raw.p, '%', raw.n) == NULL && memchr(raw.p, '+', raw.n) == NULL)
		return true;
	n = ks_percent_decode(raw, true, out, cap, &bad);
	if (n < 0) {
		ks_match_gap(m, GAP_DECODED);
		return false;
	}
	*text = (struct ks_str){out, (uint32_t)n};
	return true;
}

static bool
is_plain_name(struct ks_str name)
{
	const uint32_t plain = KS_CHAR_LOWER | KS_CHAR_UPPER | KS_CHAR_DIGIT | KS_CHAR_NAME;

	return name.n <= 32 && (ks_match_chars(name) & MATCH_CHARS_PUBLIC & ~plain) == 0;
}

static void
scan_name(struct ks_matcher *m, const struct part *part, struct ks_str name)
{
	struct match_value value = {.name = KS_STR("(a name)"), .where = part->where};

	ks_match_text(m, &value, name, ks_match_chars(name));
}

/* Keeps the name that was just decoded while the values of this request are gathered. */
static struct ks_str
name_stored(struct ks_matcher *m, struct ks_str name)
{
	if (m->name_bytes + name.n > MATCH_NAME_TEXT_BYTES - NAME_DECODED_MAX)
		return KS_STR("(a name)");
	m->name_bytes += name.n;
	return name;
}

static ks_noinline void
query_new(struct ks_matcher *m, struct part *part)
{
	struct ks_str name;

	if (!query_decode(m, part->name, &name, m->name_text + m->name_bytes, NAME_DECODED_MAX))
		return;
	if (!is_plain_name(name))
		scan_name(m, part, name);
	if (!query_decode(m, part->raw, &part->value, m->plain, MATCH_DECODE_BYTES))
		return;

	bool decoded = name.p != part->name.p;

	part->name = decoded ? name_stored(m, name) : name;
	part_new(m, part, !decoded);
}

/* What a user runs in his container is code by its nature. */
static uint8_t
query_nature(const struct ks_exchange *ex, struct ks_str name)
{
	return ks_str_is(name, "command") && ks_match_kube_object(ex) &&
			       (ks_str_is(ex->call.subresource, "exec") ||
				ks_str_is(ex->call.subresource, "attach"))
		       ? NATURE_CODE
		       : NATURE_PLAIN;
}

static struct ks_str
not_null(struct ks_str s)
{
	return s.p != NULL ? s : KS_STR("");
}

static void
query(struct ks_matcher *m)
{
	struct part part = {.place = KS_PLACE_QUERY, .where = KS_WHERE_QUERY};
	uint32_t pos = 0;

	while (ks_kube_query_next(m->ex->call.query, &pos, &part.name, &part.raw)) {
		const struct match_clean *known;

		part.name = not_null(part.name);
		part.raw = not_null(part.raw);
		part.nature = query_nature(m->ex, part.name);
		known = ks_match_clean_find(m, part.place, part.name, part.raw);
		if (known != NULL)
			fold_known(m, known, part.name);
		else
			query_new(m, &part);
	}
}

/* ---- headers ---- */

/* Letters, digits and -._~+/= and the space after the scheme: nothing that code could do without is
 * among them. Sixteen bytes a turn: tokens are long. */
static bool
is_token68(struct ks_str text)
{
	static const uint8_t rows[16] = {0xac, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8,
					 0xf8, 0xf8, 0xf0, 0x54, 0x50, 0x5c, 0xd4, 0x74};
	static const uint8_t bits[16] = {1 << 0, 1 << 1, 1 << 2, 1 << 3,
					 1 << 4, 1 << 5, 1 << 6, 1 << 7};
	uint32_t i = 0;

	for (; i + 16 <= text.n; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text.p + i));
		__m128i low = _mm_and_si128(v, _mm_set1_epi8(0x0f));
		__m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), _mm_set1_epi8(0x0f));
		__m128i row =
			_mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)rows), low);
		__m128i bit = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)bits),
					       high);
		__m128i bad = _mm_cmpeq_epi8(_mm_and_si128(row, bit), _mm_setzero_si128());

		if (_mm_movemask_epi8(bad) != 0)
			return false;
	}
	for (; i < text.n; i++) {
		uint8_t c = (uint8_t)text.p[i];

		if ((rows[c & 15] & bits[c >> 4]) == 0)
			return false;
	}
	return true;
}

static void
credential(struct ks_matcher *m, struct ks_str name, struct ks_str value)
{
	struct match_fold fold = {
		.place = KS_PLACE_HEADER,
		.type = KS_VALUE_WORD,
		.chars = KS_CHAR_LOWER,
		.secret = true,
	};
	struct match_value scan = {
		.name = name,
		.where = KS_WHERE_HEADER,
		.flags = VALUE_WITHHELD | VALUE_NO_LEAK,
	};
	char text[NAME_MAX_BYTES];

	fold.hash = ks_match_field_hash(m->db, fold.place, lower_name(name, text));
	if (ks_unlikely(!is_token68(value))) {
		fold.type = KS_VALUE_TEXT;
		fold.chars = ks_match_chars(value);
		ks_match_text(m, &scan, value, fold.chars);
	}
	fold_in(m, &fold, name, value);
}

static void
cookies(struct ks_matcher *m, struct ks_str list)
{
	struct part part = {.place = KS_PLACE_COOKIE, .where = KS_WHERE_COOKIE, .secret = true};

	for (uint32_t i = 0; i < list.n;) {
		const char *end = memchr(list.p + i, ';', list.n - i);
		struct ks_str pair = {list.p + i,
				      end != NULL ? (uint32_t)(end - list.p) - i : list.n - i};
		const char *eq;

		i += pair.n + 1;
		while (pair.n > 0 && pair.p[0] == ' ')
			pair = (struct ks_str){pair.p + 1, pair.n - 1};
		eq = memchr(pair.p, '=', pair.n);
		part.name = (struct ks_str){pair.p, eq != NULL ? (uint32_t)(eq - pair.p) : 0};
		part.raw = (struct ks_str){pair.p + part.name.n, pair.n - part.name.n};
		if (eq != NULL)
			part.raw = (struct ks_str){part.raw.p + 1, part.raw.n - 1};
		part.value = part.raw;
		if (!is_plain_name(part.name))
			scan_name(m, &part, part.name);
		part_new(m, &part, false);
	}
}

static void
header(struct ks_matcher *m, const struct ks_http_field *field)
{
	struct part part = {.place = KS_PLACE_HEADER, .where = KS_WHERE_HEADER};

	part.name = ks_http_field_name(&m->ex->head, field);
	part.raw = ks_http_field_value(&m->ex->head, field);
	switch (field->id) {
	case KS_HTTP_AUTHORIZATION:
	case KS_HTTP_PROXY_AUTHORIZATION:
		credential(m, part.name, part.raw);
		return;
	case KS_HTTP_COOKIE:
		cookies(m, part.raw);
		return;
	case KS_HTTP_SEC_WEBSOCKET_PROTOCOL:
		/* May carry a bearer token (kube-apiserver's base64url.bearer.authorization). */
		part.secret = true;
		part.flags = VALUE_WITHHELD | VALUE_NO_LEAK;
		break;
	case KS_HTTP_USER_AGENT:
		part.where = KS_WHERE_AGENT | KS_WHERE_HEADER;
		break;
	default:
		break;
	}
	part_add(m, &part);
}

void
ks_match_head(struct ks_matcher *m)
{
	const struct ks_http_head *head = &m->ex->head;

	path(m);
	query(m);
	for (uint16_t i = 0; i < head->nfields; i++)
		header(m, &head->fields[i]);
	ks_match_scan_flush(m);
	ks_match_clean_commit(m);
}
