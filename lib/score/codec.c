/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile as bytes: what it has learned, sorted by key, little-endian, with a checksum. The same
 * content gives the same bytes; what is derived is not written.
 *
 *   magic u64, version u32, zero u32, seed u64, requests u64, limits 3 × u32, counts 4 × u32,
 *   calls, fields, principals, edges; XXH3-64 of all before.
 *
 * The decoder trusts nothing: the checksum is no signature, and a file may come from elsewhere.
 * Thread: the control core.
 */
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "power.h"
#include "profile.h"

#define MAGIC 0x454c49464f52504bull /* "KPROFILE" backwards in memory order */
#define VERSION 1u
#define HEAD_BYTES 60u
#define SUM_BYTES 8u

/* ---- one description for both ways ---- */

struct stream {
	uint8_t *out;	   /**< writing: where, or NULL to measure */
	const uint8_t *in; /**< reading: from where, or NULL */
	size_t at;
	size_t end;
	bool bad;
};

static void
put_bytes(struct stream *s, void *data, size_t n)
{
	if (s->in != NULL) {
		if (s->end - s->at < n) {
			s->bad = true;
			memset(data, 0, n);
			return;
		}
		memcpy(data, s->in + s->at, n);
	} else if (s->out != NULL) {
		memcpy(s->out + s->at, data, n);
	}
	s->at += n;
}

/* All machines that this runs on are little-endian; the format says so, the build refuses others.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "profile format is little-endian");
#define PUT(s, field) put_bytes(s, &(field), sizeof(field))

/* A text: length, then bytes. The room behind it stays zero. */
static void
put_text(struct stream *s, char *text, uint16_t cap)
{
	uint16_t n = s->in != NULL ? 0 : (uint16_t)strlen(text);

	PUT(s, n);
	if (n >= cap) {
		s->bad = true;
		return;
	}
	put_bytes(s, text, n);
	if (s->in != NULL && memchr(text, '\0', n) != NULL)
		s->bad = true;
}

static void
put_length(struct stream *s, struct model_length *length)
{
	PUT(s, length->log_sum);
	PUT(s, length->log_sq);
	PUT(s, length->n);
	PUT(s, length->max);
}

static void
put_rate(struct stream *s, struct model_rate *rate)
{
	PUT(s, rate->sum);
	PUT(s, rate->n);
	PUT(s, rate->max);
}

static void
put_call(struct stream *s, void *rec)
{
	struct model_call *call = rec;

	PUT(s, call->key);
	PUT(s, call->requests);
	PUT(s, call->bodies);
	PUT(s, call->last_s);
	for (int i = 0; i < MODEL_SIZES; i++)
		put_length(s, &call->size[i]);
	put_text(s, call->name, sizeof(call->name));
}

static void
put_field(struct stream *s, void *rec)
{
	struct model_field *field = rec;

	PUT(s, field->key);
	PUT(s, field->call);
	PUT(s, field->hash);
	PUT(s, field->n);
	PUT(s, field->id);
	PUT(s, field->last_s);
	PUT(s, field->type_all);
	PUT(s, field->type_once);
	PUT(s, field->char_all);
	PUT(s, field->char_once);
	PUT(s, field->place);
	PUT(s, field->flags);
	PUT(s, field->nvalues);
	put_length(s, &field->len);
	if (field->place >= MODEL_PLACES || field->nvalues > MODEL_VALUES) {
		s->bad = true;
		return;
	}
	for (uint8_t i = 0; i < field->nvalues; i++) {
		PUT(s, field->values[i]);
		if (i > 0 && field->values[i] <= field->values[i - 1])
			s->bad = true;
		if (i < MODEL_TEXTS)
			put_text(s, field->text[i], MODEL_TEXT_BYTES);
	}
}

static void
put_principal(struct stream *s, void *rec)
{
	struct model_principal *p = rec;

	PUT(s, p->key);
	PUT(s, p->requests);
	PUT(s, p->last_s);
	PUT(s, p->group);
	if (p->group >= GROUP_MAX)
		s->bad = true;
	for (int w = 0; w < WINDOW_MAX; w++) {
		put_rate(s, &p->rate[w]);
		put_rate(s, &p->source[w]);
	}
	put_rate(s, &p->fails);
	put_text(s, p->name, sizeof(p->name));
}

static void
put_edge(struct stream *s, void *rec)
{
	struct model_edge *edge = rec;

	PUT(s, edge->key);
	PUT(s, edge->from);
	PUT(s, edge->to);
	PUT(s, edge->n);
	PUT(s, edge->uninspected);
	PUT(s, edge->last_s);
	PUT(s, edge->kind);
	PUT(s, edge->scope);
	PUT(s, edge->power);
	if (edge->kind >= EDGE_KIND_MAX || edge->power >= POWER_END)
		s->bad = true;
	if (edge->kind == EDGE_CALL)
		for (int w = 0; w < WINDOW_MAX; w++)
			put_rate(s, &edge->rate[w]);
	put_text(s, edge->text, sizeof(edge->text));
}

struct section {
	size_t table_off;
	uint32_t rec_bytes;
	uint32_t least_bytes; /**< no record is shorter: bounds the counts in a foreign file */
	void (*put)(struct stream *s, void *rec);
};

static const struct section sections[] = {
	{offsetof(struct model, calls), sizeof(struct model_call), 174, put_call},
	{offsetof(struct model, fields), sizeof(struct model_field), 75, put_field},
	{offsetof(struct model, principals), sizeof(struct model_principal), 135, put_principal},
	{offsetof(struct model, edges), sizeof(struct model_edge), 41, put_edge},
};
#define SECTIONS KS_ARRAY_SIZE(sections)

struct head {
	uint64_t magic;
	uint64_t seed;
	uint64_t requests;
	uint32_t version;
	uint32_t zero;
	uint32_t count[SECTIONS];
};

static void
put_head(struct stream *s, struct head *head, struct profile_limits *limits)
{
	PUT(s, head->magic);
	PUT(s, head->version);
	PUT(s, head->zero);
	PUT(s, head->seed);
	PUT(s, head->requests);
	PUT(s, limits->principals);
	PUT(s, limits->calls);
	PUT(s, limits->fields_per_call);
	for (size_t i = 0; i < SECTIONS; i++)
		PUT(s, head->count[i]);
}

static struct ks_score_table *
section_table(const struct ks_profile *profile, const struct section *section)
{
	return (void *)((char *)(uintptr_t)&profile->model + section->table_off);
}

/* ---- writing ---- */

static int
key_compare(const void *a, const void *b, void *arg)
{
	const struct ks_score_table *table = arg;
	const uint64_t *x = table_at(table, *(const uint32_t *)a);
	const uint64_t *y = table_at(table, *(const uint32_t *)b);

	return *x < *y ? -1 : *x > *y;
}

static int
put_sorted(struct stream *s, struct ks_score_table *table, const struct section *section)
{
	uint32_t *order = malloc((table->n + 1) * sizeof(*order));

	if (order == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < table->n; i++)
		order[i] = i;
	qsort_r(order, table->n, sizeof(*order), key_compare, table);
	for (uint32_t i = 0; i < table->n; i++)
		section->put(s, table_at(table, order[i]));
	free(order);
	return 0;
}

static int
put_profile(struct stream *s, const struct ks_profile *profile)
{
	struct profile_limits limits = profile->limits;
	struct head head = {
		.magic = MAGIC,
		.version = VERSION,
		.seed = profile->seed,
		.requests = profile->model.requests,
	};
	int rc = 0;

	for (size_t i = 0; i < SECTIONS; i++)
		head.count[i] = section_table(profile, &sections[i])->n;
	put_head(s, &head, &limits);
	for (size_t i = 0; i < SECTIONS && rc == 0; i++)
		rc = put_sorted(s, section_table(profile, &sections[i]), &sections[i]);
	return rc;
}

void *
ks_profile_encode(const struct ks_profile *profile, size_t *bytes)
{
	struct stream s = {0};
	uint64_t sum;
	int rc = put_profile(&s, profile);

	if (rc == 0) {
		s.out = malloc(s.at + SUM_BYTES);
		rc = s.out == NULL ? -ENOMEM : 0;
	}
	if (rc == 0) {
		s.at = 0;
		rc = put_profile(&s, profile);
	}
	if (rc != 0) {
		free(s.out);
		errno = -rc;
		return NULL;
	}
	sum = XXH3_64bits(s.out, s.at);
	memcpy(s.out + s.at, &sum, sizeof(sum));
	*bytes = s.at + SUM_BYTES;
	return s.out;
}

/* ---- reading ---- */

/* Ascending keys: none twice, none missing its place, none zero. */
static int
get_section(struct stream *s, struct ks_profile *profile, const struct section *section,
	    uint32_t count)
{
	struct ks_score_table *table = section_table(profile, section);
	union {
		struct model_call call;
		struct model_field field;
		struct model_principal principal;
		struct model_edge edge;
		uint64_t key;
	} rec;
	uint64_t before = 0;

	if (count > (s->end - s->at) / section->least_bytes)
		return -EBADMSG;
	ks_score_table_fini(table);
	if (ks_score_table_init(table, section->rec_bytes, count) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		memset(&rec, 0, sizeof(rec));
		section->put(s, &rec);
		if (s->bad || rec.key <= before)
			return -EBADMSG;
		before = rec.key;
		memcpy(ks_score_table_add(table, rec.key), &rec, section->rec_bytes);
	}
	return 0;
}

static int
get_head(struct stream *s, struct head *head, struct profile_limits *limits)
{
	uint64_t sum;

	if (s->end < HEAD_BYTES + SUM_BYTES)
		return -EBADMSG;
	put_head(s, head, limits);
	if (head->magic != MAGIC)
		return -EBADMSG;
	/* Before the checksum: another version may keep it elsewhere. */
	if (head->version != VERSION)
		return -EPROTO;
	s->end -= SUM_BYTES;
	memcpy(&sum, s->in + s->end, sizeof(sum));
	return sum == XXH3_64bits(s->in, s->end) && head->zero == 0 ? 0 : -EBADMSG;
}

struct ks_profile *
ks_profile_decode(const void *data, size_t bytes)
{
	struct stream s = {.in = data, .end = bytes};
	struct profile_limits limits;
	struct ks_profile *profile;
	struct head head;
	int rc;

	rc = get_head(&s, &head, &limits);
	if (rc != 0) {
		errno = -rc;
		return NULL;
	}
	profile = calloc(1, sizeof(*profile));
	if (profile == NULL)
		return NULL;
	profile->seed = head.seed;
	profile->limits = limits;
	profile->model.requests = head.requests;
	for (size_t i = 0; i < SECTIONS && rc == 0; i++)
		rc = get_section(&s, profile, &sections[i], head.count[i]);
	if (rc == 0 && s.at != s.end)
		rc = -EBADMSG;
	if (rc == 0)
		rc = ks_score_profile_derive(profile, NULL);
	if (rc == 0)
		return profile;
	ks_profile_destroy(profile);
	errno = -rc;
	return NULL;
}
