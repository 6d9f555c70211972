/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How single observations enter a record and how two records of one thing become one. See model.h.
 * Thread: the owner of the record.
 */
#include "model.h"

static void
length_merge(struct model_length *dst, const struct model_length *src)
{
	dst->log_sum += src->log_sum;
	dst->log_sq += src->log_sq;
	dst->n = add_sat(dst->n, src->n);
	dst->max = KS_MAX(dst->max, src->max);
}

void
ks_score_rate_add(struct model_rate *rate, uint32_t peak)
{
	rate->sum += peak;
	rate->n = add_sat(rate->n, 1);
	rate->max = KS_MAX(rate->max, peak);
}

static void
rate_merge(struct model_rate *dst, const struct model_rate *src)
{
	dst->sum += src->sum;
	dst->n = add_sat(dst->n, src->n);
	dst->max = KS_MAX(dst->max, src->max);
}

/* ---- values of an enumeration ---- */

bool
ks_score_field_value_has(const struct model_field *field, uint64_t hash)
{
	for (uint8_t i = 0; i < field->nvalues; i++)
		if (field->values[i] == hash)
			return true;
	return false;
}

static void
values_forget(struct model_field *field)
{
	field->flags |= FIELD_MANY;
	field->nvalues = 0;
	memset(field->values, 0, sizeof(field->values));
	memset(field->text, 0, sizeof(field->text));
}

/* The texts of the smallest hashes are kept: which ones these are does not depend on the order. */
static void
text_insert(struct model_field *field, uint8_t at, struct ks_str text)
{
	size_t n = KS_MIN(text.n, (size_t)MODEL_TEXT_BYTES - 1);

	if (at >= MODEL_TEXTS)
		return;
	memmove(field->text[at + 1 < MODEL_TEXTS ? at + 1 : at], field->text[at],
		(MODEL_TEXTS - 1 - at) * sizeof(field->text[0]));
	memset(field->text[at], 0, sizeof(field->text[at]));
	memcpy(field->text[at], text.p, n);
}

void
ks_score_field_value_add(struct model_field *field, uint64_t hash, struct ks_str text)
{
	uint8_t at = 0;

	if (field->flags & FIELD_MANY)
		return;
	while (at < field->nvalues && field->values[at] < hash)
		at++;
	if (at < field->nvalues && field->values[at] == hash)
		return;
	if (hash == 0 || field->nvalues == MODEL_VALUES) {
		values_forget(field);
		return;
	}
	memmove(&field->values[at + 1], &field->values[at],
		(field->nvalues - at) * sizeof(field->values[0]));
	field->values[at] = hash;
	field->nvalues++;
	text_insert(field, at, text);
}

static void
values_merge(struct model_field *dst, const struct model_field *src)
{
	if (src->flags & FIELD_MANY)
		values_forget(dst);
	for (uint8_t i = 0; i < src->nvalues; i++) {
		const char *text = i < MODEL_TEXTS ? src->text[i] : "";

		ks_score_field_value_add(dst, src->values[i], (struct ks_str){text, strlen(text)});
	}
}

/* ---- records ---- */

void
ks_score_call_merge(struct model_call *dst, const struct model_call *src)
{
	if (dst->name[0] == '\0')
		memcpy(dst->name, src->name, sizeof(dst->name));
	dst->requests += src->requests;
	dst->bodies += src->bodies;
	for (int i = 0; i < MODEL_SIZES; i++)
		length_merge(&dst->size[i], &src->size[i]);
	dst->last_s = KS_MAX(dst->last_s, src->last_s);
}

/* "Once" is a counter that stops at two: one that both sides saw is no longer seen once. */
void
ks_score_field_merge(struct model_field *dst, const struct model_field *src)
{
	uint32_t type_once = dst->type_once, char_once = dst->char_once;

	if (src->n == 0)
		return;
	dst->type_once = (type_once & ~src->type_all) | (src->type_once & ~dst->type_all);
	dst->char_once = (char_once & ~src->char_all) | (src->char_once & ~dst->char_all);
	dst->type_all |= src->type_all;
	dst->char_all |= src->char_all;
	dst->id = dst->n == 0 ? src->id : 0;
	dst->n = add_sat(dst->n, src->n);
	dst->call = src->call;
	dst->hash = src->hash;
	dst->place = src->place;
	dst->last_s = KS_MAX(dst->last_s, src->last_s);
	length_merge(&dst->len, &src->len);
	values_merge(dst, src);
}

void
ks_score_principal_merge(struct model_principal *dst, const struct model_principal *src)
{
	if (dst->name[0] == '\0') {
		memcpy(dst->name, src->name, sizeof(dst->name));
		dst->group = src->group;
	}
	dst->requests += src->requests;
	for (int w = 0; w < WINDOW_MAX; w++) {
		rate_merge(&dst->rate[w], &src->rate[w]);
		rate_merge(&dst->source[w], &src->source[w]);
	}
	rate_merge(&dst->fails, &src->fails);
	dst->last_s = KS_MAX(dst->last_s, src->last_s);
}

void
ks_score_edge_merge(struct model_edge *dst, const struct model_edge *src)
{
	if (dst->n == 0) {
		memcpy(dst, src, sizeof(*dst));
		return;
	}
	dst->n = add_sat(dst->n, src->n);
	dst->uninspected = add_sat(dst->uninspected, src->uninspected);
	for (int w = 0; w < WINDOW_MAX; w++)
		rate_merge(&dst->rate[w], &src->rate[w]);
	dst->last_s = KS_MAX(dst->last_s, src->last_s);
}
