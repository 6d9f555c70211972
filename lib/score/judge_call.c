/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request under the model of its call: fields never seen, values of another kind, lengths out
 * of range, content type, missing body.
 *
 * A field that is as it always was costs one look at one cache line (two while its values are an
 * enumeration); everything else happens in cold functions.
 * Thread: the scorer's worker.
 */
#include <math.h>
#include <stdio.h>

#include "scorer.h"

/* Slots are asked for this many fields ahead: a body's fields are spread over the whole table. */
#define AHEAD 8

/* Characters that data seldom needs and injections live on. */
#define CHARS_ODD                                                                         \
	(KS_CHAR_QUOTE | KS_CHAR_BRACKET | KS_CHAR_ANGLE | KS_CHAR_SHELL | KS_CHAR_LINE | \
	 KS_CHAR_CONTROL | KS_CHAR_HIGH | KS_CHAR_SPACE)

#define SCALARS                                                                 \
	(~(1u << KS_VALUE_EMPTY | 1u << KS_VALUE_NULL | 1u << KS_VALUE_OBJECT | \
	   1u << KS_VALUE_ARRAY))

/*
 * A caller to whom this call is new brings its own program, and with it other headers, fields and
 * sizes than those who made the call so far: mostly the surprise that is counted as "new to the
 * caller".
 */
static int
shape_db(const struct judge *j, int db)
{
	return j->caller == NULL ? db / 2 : db;
}

static struct ks_finding *
raise_field(struct judge *j, const struct ks_field *field, enum ks_finding_code code, int db)
{
	struct ks_finding *f;

	db = shape_db(j, db);
	if (db < EVIDENCE_LEAST_DB)
		return NULL;
	f = ks_exchange_finding_add(j->ex, code, db, (uint32_t)j->call->requests);
	if (f != NULL)
		ks_finding_text_set(f->where, ks_field_path(&j->ex->fields, field));
	return f;
}

/* Header fields that have a model of their own, or say how somebody authenticates, which is no
 * property of the call. */
static bool
header_elsewhere(const struct judge *j, const struct ks_field *field)
{
	static const char *const names[] = {"user-agent", "authorization", "content-type",
					    "content-length", "host"};
	struct ks_str path = ks_field_path(&j->ex->fields, field);

	if (field->place != KS_PLACE_HEADER)
		return false;
	for (size_t i = 0; i < KS_ARRAY_SIZE(names); i++)
		if (ks_str_is(path, names[i]))
			return true;
	return false;
}

/* ---- fields never seen ---- */

static enum ks_finding_code
unknown_code(uint8_t place)
{
	switch (place) {
	case KS_PLACE_QUERY:
		return KS_FINDING_UNKNOWN_PARAMETER;
	case KS_PLACE_BODY:
		return KS_FINDING_UNKNOWN_FIELD;
	default:
		return KS_FINDING_UNKNOWN_HEADER;
	}
}

/* A name that no call has is measured against all requests; one that others have is half a
 * surprise. */
static int
name_db(const struct judge *j, const struct ks_field *field)
{
	uint8_t place = field->place;
	double n = place == KS_PLACE_BODY ? j->call->bodies : j->call->requests;
	int db = ks_score_novelty_db(n, j->call->place[place], j->profile->place[place].patience);
	const struct profile_prior *name = &j->profile->name[place];
	struct model_variety variety = {(uint32_t)name->kinds, (uint32_t)name->once};
	int global;

	if (mark_count(j->profile, mark_key(MARK_FIELD, field->hash, 0)) > 0)
		return db / 2;
	global = ks_score_novelty_db(name->n, variety, 1);
	return KS_MAX(db, global);
}

static ks_cold void
unknown_field(struct judge *j, const struct ks_field *field, uint64_t key)
{
	if (field->place == KS_PLACE_PATH || header_elsewhere(j, field) ||
	    j->call->fields >= j->scorer->params.max_fields_per_call)
		return;
	if (learned_lately(j->scorer, offsetof(struct model, fields), key))
		return;
	raise_field(j, field, unknown_code(field->place), name_db(j, field));
}

/* ---- values of another kind ---- */

static void
mask_words(char text[KS_FINDING_TEXT_BYTES], uint32_t mask)
{
	size_t n = 0;

	text[0] = '\0';
	for (int t = 0; t < KS_VALUE_TYPE_MAX && n < KS_FINDING_TEXT_BYTES; t++)
		if (mask & (1u << t))
			n += snprintf(text + n, KS_FINDING_TEXT_BYTES - n, "%s%s",
				      n == 0 ? "" : ", ", ks_value_type_name(t));
}

static void
char_words(char text[KS_FINDING_TEXT_BYTES], uint32_t mask)
{
	static const char *const names[] = {
		"lower case",	 "upper case",
		"digits",	 "blanks",
		"- _ .",	 "/ : @",
		", ; = & +",	 "quotes",
		"brackets",	 "< >",
		"$ | \\ ? *",	 "line ends",
		"control bytes", "bytes beyond ASCII",
	};
	size_t n = 0;

	text[0] = '\0';
	for (size_t c = 0; c < KS_ARRAY_SIZE(names) && n < KS_FINDING_TEXT_BYTES; c++)
		if (mask & (1u << c))
			n += snprintf(text + n, KS_FINDING_TEXT_BYTES - n, "%s%s",
				      n == 0 ? "" : " and ", names[c]);
}

static int
once_db(const struct model_field *known, uint32_t all, uint32_t once, uint32_t tests)
{
	struct model_variety variety = {__builtin_popcount(all), __builtin_popcount(once)};

	return ks_score_of_many_db(ks_score_novelty_db(known->n, variety, 1), tests);
}

static void
judge_type(struct judge *j, const struct ks_field *field, const struct model_field *known)
{
	uint32_t odd = field->type_mask & ~known->type_all;
	struct ks_finding *f;
	int db;

	if (odd == 0)
		return;
	db = once_db(known, known->type_all, known->type_once, j->ex->fields.n);
	/* Names, words and paths run into one another; a number that becomes text does not. */
	f = raise_field(j, field, KS_FINDING_VALUE_TYPE, db * 2 / 3);
	if (f == NULL)
		return;
	f->seen = known->n;
	mask_words(f->observed, odd);
	mask_words(f->expected, known->type_all);
}

static void
judge_characters(struct judge *j, const struct ks_field *field, const struct model_field *known)
{
	uint32_t odd = field->char_mask & ~known->char_all;
	struct ks_finding *f;
	int db;

	if (odd == 0)
		return;
	db = once_db(known, known->char_all, known->char_once, j->ex->fields.n);
	f = raise_field(j, field, KS_FINDING_VALUE_CHARACTERS, odd & CHARS_ODD ? db : db / 3);
	if (f == NULL)
		return;
	f->seen = known->n;
	char_words(f->observed, odd);
	char_words(f->expected, known->char_all);
}

static void
set_words(char text[KS_FINDING_TEXT_BYTES], const struct model_field *known)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < known->nvalues && i < MODEL_TEXTS; i++)
		n += snprintf(text + n, KS_FINDING_TEXT_BYTES - n, "%s%s", n == 0 ? "" : ", ",
			      known->text[i][0] == '\0' ? "(not shown)" : known->text[i]);
	if (known->nvalues > MODEL_TEXTS)
		snprintf(text + n, KS_FINDING_TEXT_BYTES - n, " and %d more",
			 known->nvalues - MODEL_TEXTS);
}

/* An enumeration: few values in many requests. Names of objects look like one while they are few:
 * therefore thirty requests for each value. */
static void
judge_value(struct judge *j, const struct ks_field *field, const struct model_field *known)
{
	struct model_variety variety = {known->nvalues, 0};
	struct ks_finding *f;
	int db;

	if ((known->flags & FIELD_MANY) || known->nvalues == 0 || known->n < 30u * known->nvalues ||
	    (field->type_mask & SCALARS) == 0 || field->place == KS_PLACE_HEADER ||
	    ks_score_field_value_has(known, field->value_hash))
		return;
	db = ks_score_of_many_db(ks_score_novelty_db(known->n, variety, 1), j->ex->fields.n);
	f = raise_field(j, field, KS_FINDING_VALUE_NOT_IN_SET, db);
	if (f == NULL)
		return;
	f->seen = known->n;
	ks_finding_text_set(f->observed, ks_field_value(&j->ex->fields, field));
	if (f->observed[0] == '\0')
		ks_finding_text_set(f->observed, KS_STR("something else"));
	set_words(f->expected, known);
}

static void
judge_length(struct judge *j, const struct ks_field *field, const struct model_field *known)
{
	int db = ks_score_of_many_db(ks_score_length_db(&known->len, field->len_max),
				     j->ex->fields.n);
	struct ks_finding *f = raise_field(j, field, KS_FINDING_SIZE_LARGE, db);

	if (f == NULL)
		return;
	f->seen = known->n;
	snprintf(f->observed, sizeof(f->observed), "%u bytes long", field->len_max);
	snprintf(f->expected, sizeof(f->expected), "%u", known->len.max);
}

static ks_cold void
odd_field(struct judge *j, const struct ks_field *field, const struct model_field *snapshot)
{
	const struct ks_delta *delta[] = {j->scorer->active, j->scorer->pending};
	struct model_field known;

	if (header_elsewhere(j, field))
		return;
	known = *snapshot;
	for (size_t i = 0; i < KS_ARRAY_SIZE(delta); i++) {
		const struct model_field *late =
			delta[i] == NULL ? NULL : table_find(&delta[i]->model.fields, known.key);

		if (late != NULL)
			ks_score_field_merge(&known, late);
	}
	judge_type(j, field, &known);
	judge_characters(j, field, &known);
	judge_value(j, field, &known);
	judge_length(j, field, &known);
}

static bool
field_is_odd(const struct model_field *known, const struct ks_field *field)
{
	if ((field->type_mask & ~known->type_all) | (field->char_mask & ~known->char_all))
		return true;
	if (field->len_max > known->len.max)
		return true;
	return !(known->flags & FIELD_MANY) && !ks_score_field_value_has(known, field->value_hash);
}

static void
judge_fields(struct judge *j)
{
	const struct ks_field_list *list = &j->ex->fields;
	const struct ks_score_table *table = &j->profile->model.fields;
	uint64_t keys[AHEAD];

	for (uint16_t from = 0; from < list->n; from += AHEAD) {
		uint16_t n = KS_MIN(list->n - from, AHEAD);

		for (uint16_t i = 0; i < n; i++) {
			keys[i] = key_mix(j->rq.call, list->v[from + i].hash);
			table_prefetch(table, keys[i]);
		}
		for (uint16_t i = 0; i < n; i++) {
			const struct ks_field *field = &list->v[from + i];
			const struct model_field *known = table_find(table, keys[i]);

			if (ks_unlikely(known == NULL))
				unknown_field(j, field, keys[i]);
			else if (ks_unlikely(field_is_odd(known, field)))
				odd_field(j, field, known);
		}
	}
}

/* ---- the whole request ---- */

static ks_cold void
odd_size(struct judge *j, enum model_size which)
{
	static const char *const names[MODEL_SIZES] = {
		"length of the URL",	   "length of the body",    "number of parameters",
		"number of header fields", "number of body fields", "depth of the body",
	};
	const struct ks_delta *delta[] = {j->scorer->active, j->scorer->pending};
	struct model_call known = *j->call;
	struct ks_finding *f;
	int db;

	for (size_t i = 0; i < KS_ARRAY_SIZE(delta); i++) {
		const struct model_call *late =
			delta[i] == NULL ? NULL : table_find(&delta[i]->model.calls, known.key);

		if (late != NULL)
			ks_score_call_merge(&known, late);
	}
	db = ks_score_of_many_db(ks_score_length_db(&known.size[which], j->rq.size[which]),
				 MODEL_SIZES);
	db = shape_db(j, db);
	if (db < EVIDENCE_LEAST_DB)
		return;
	f = ks_exchange_finding_add(j->ex, KS_FINDING_SIZE_LARGE, db, known.size[which].n);
	if (f == NULL)
		return;
	snprintf(f->where, sizeof(f->where), "the %s", names[which]);
	snprintf(f->observed, sizeof(f->observed), "%u", j->rq.size[which]);
	snprintf(f->expected, sizeof(f->expected), "%u", known.size[which].max);
}

static ks_cold void
unknown_type(struct judge *j, uint64_t key)
{
	const struct model_edge *usual;
	struct ks_finding *f;
	int db;

	if (learned_lately(j->scorer, offsetof(struct model, edges), key))
		return;
	db = shape_db(j, ks_score_novelty_db(j->call->requests, j->call->types,
					     j->profile->type.patience));
	if (mark_count(j->profile, mark_key(MARK_TYPE, j->rq.type, 0)) > 0)
		db /= 2;
	if (db < EVIDENCE_LEAST_DB)
		return;
	f = ks_exchange_finding_add(j->ex, KS_FINDING_UNKNOWN_CONTENT_TYPE, db,
				    (uint32_t)j->call->requests);
	if (f == NULL)
		return;
	ks_finding_text_set(f->where, KS_STR("content-type"));
	ks_finding_text_set(f->observed, (struct ks_str){j->rq.type_text, strlen(j->rq.type_text)});
	usual = j->call->type_top == 0 ? NULL
				       : table_at(&j->profile->model.edges, j->call->type_top - 1);
	snprintf(f->expected, sizeof(f->expected), "%s", usual == NULL ? "none" : usual->text);
}

static ks_cold void
body_missing(struct judge *j)
{
	struct model_variety empty = {0, 0};
	int db;

	if (j->call->bodies != j->call->requests)
		return;
	db = shape_db(j, ks_score_novelty_db(j->call->requests, empty, 1));
	if (db >= EVIDENCE_LEAST_DB)
		ks_exchange_finding_add(j->ex, KS_FINDING_BODY_MISSING, db,
					(uint32_t)j->call->requests);
}

/* What could not be looked at is no surprise with a content type of which that is usual (one that
 * is only scanned as bytes). What MATCH is certain about stays. */
static ks_cold void
judge_coverage(struct judge *j)
{
	double n = mark_count(j->profile, mark_key(MARK_TYPE, j->rq.type, 0));
	double blind = mark_count(j->profile, mark_key(MARK_BLIND, j->rq.type, 0));
	int usual_db = (int)(-10.0 * log10((blind + 1.0) / (n + 2.0)));
	struct ks_exchange *ex = j->ex;
	uint8_t kept = 0;

	if (n == 0)
		return;
	for (uint8_t i = 0; i < ex->nfindings; i++) {
		struct ks_finding *f = &ex->findings[i];

		if (f->code == KS_FINDING_UNINSPECTED && !f->certain) {
			f->db = (int16_t)KS_MIN((int)f->db, usual_db);
			if (f->db < EVIDENCE_LEAST_DB)
				continue;
		}
		if (kept != i)
			ex->findings[kept] = *f;
		kept++;
	}
	ex->nfindings = kept;
}

void
ks_score_judge_call(struct judge *j)
{
	if (ks_unlikely(ks_exchange_has(j->ex, KS_FINDING_UNINSPECTED)))
		judge_coverage(j);
	if (j->call == NULL)
		return;
	judge_fields(j);
	for (int i = 0; i < MODEL_SIZES; i++)
		if (ks_unlikely(j->rq.size[i] > j->call->size[i].max))
			odd_size(j, i);
	if (j->rq.type != 0) {
		uint64_t key = edge_key(j->rq.call, EDGE_TYPE, j->rq.type, 0);

		if (ks_unlikely(table_find(&j->profile->model.edges, key) == NULL))
			unknown_type(j, key);
	}
	if (ks_unlikely(j->ex->body_bytes == 0 && j->call->bodies > 0))
		body_missing(j);
}
