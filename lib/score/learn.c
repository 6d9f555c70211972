/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning: one exchange that ended well enters the delta. What finds no room is counted as lost.
 * Thread: the scorer's worker.
 */
#include "power.h"
#include "scorer.h"

#define CONTAINERS (1u << KS_VALUE_OBJECT | 1u << KS_VALUE_ARRAY)

static void *
record_of(struct ks_delta *delta, struct ks_score_table *table, uint64_t key)
{
	void *rec = ks_score_table_add(table, key);

	if (ks_unlikely(rec == NULL))
		delta->lost++;
	return rec;
}

static void
learn_value(struct model_field *rec, const struct ks_field_list *list, const struct ks_field *field)
{
	if (rec->flags & FIELD_MANY)
		return;
	/* No hash: a container, which has no value, or one that is too long for an enumeration. */
	if (field->value_hash == 0 && (field->type_mask & ~CONTAINERS) == 0)
		return;
	ks_score_field_value_add(rec, field->value_hash, ks_field_value(list, field));
}

static void
learn_field(struct model_field *rec, const struct request *rq, const struct ks_field *field)
{
	uint32_t type_old = rec->type_all;
	uint16_t char_old = rec->char_all;

	rec->n = add_sat(rec->n, 1);
	rec->id = rec->n == 1 ? rq->id : 0;
	rec->type_once = (rec->type_once & ~field->type_mask) | (field->type_mask & ~type_old);
	rec->char_once = (rec->char_once & ~field->char_mask) | (field->char_mask & ~char_old);
	rec->type_all |= field->type_mask;
	rec->char_all |= field->char_mask;
	rec->last_s = KS_MAX(rec->last_s, rq->now_s);
	rec->call = rq->call;
	rec->hash = field->hash;
	rec->place = field->place;
	ks_score_length_add(&rec->len, field->len_max);
	learn_value(rec, &rq->ex->fields, field);
}

/* A call that has all the fields it may have learns no more names, only about those it knows. */
static bool
field_has_room(const struct ks_scorer *scorer, const struct request *rq, uint64_t key)
{
	const struct model_call *call = table_find(&scorer->profile->model.calls, rq->call);

	if (call == NULL || call->fields < scorer->params.max_fields_per_call)
		return true;
	return table_find(&scorer->profile->model.fields, key) != NULL;
}

static void
learn_fields(struct ks_scorer *scorer, const struct request *rq)
{
	const struct ks_field_list *list = &rq->ex->fields;
	struct ks_delta *delta = scorer->active;

	for (uint16_t i = 0; i < list->n; i++) {
		uint64_t key = key_mix(rq->call, list->v[i].hash);
		struct model_field *rec;

		if (!field_has_room(scorer, rq, key))
			continue;
		rec = record_of(delta, &delta->model.fields, key);
		if (rec != NULL)
			learn_field(rec, rq, &list->v[i]);
	}
}

static void
learn_call(struct ks_delta *delta, const struct request *rq)
{
	struct model_call *call = record_of(delta, &delta->model.calls, rq->call);

	if (call == NULL)
		return;
	if (call->requests == 0)
		memcpy(call->name, rq->call_name, KS_MIN(rq->call_len, sizeof(call->name) - 1));
	call->requests++;
	call->bodies += rq->ex->body_bytes > 0;
	for (int i = 0; i < MODEL_SIZES; i++)
		ks_score_length_add(&call->size[i], rq->size[i]);
	call->last_s = KS_MAX(call->last_s, rq->now_s);
}

struct edge_end {
	uint64_t from;
	uint64_t to;
	enum model_edge_kind kind;
	uint8_t scope;
	struct ks_str text;
};

/* A set that is open (see PROFILE_SET_MAX) takes in nothing new. */
static bool
edge_has_room(const struct ks_scorer *scorer, const struct edge_end *end, uint64_t key)
{
	const struct model_principal *who;

	if (end->kind >= EDGE_OF_CALLER)
		return true;
	who = table_find(&scorer->profile->model.principals, end->from);
	if (who == NULL || who->variety[end->kind].kinds < PROFILE_SET_MAX)
		return true;
	return table_find(&scorer->profile->model.edges, key) != NULL;
}

static struct model_edge *
learn_edge(struct ks_scorer *scorer, const struct request *rq, const struct edge_end *end)
{
	uint64_t key = edge_key(end->from, end->kind, end->to, end->scope);
	struct ks_delta *delta = scorer->active;
	struct model_edge *edge;

	if (!edge_has_room(scorer, end, key))
		return NULL;
	edge = record_of(delta, &delta->model.edges, key);
	if (edge == NULL)
		return NULL;
	if (edge->n == 0) {
		edge->from = end->from;
		edge->to = end->to;
		edge->kind = end->kind;
		edge->scope = end->scope;
		memcpy(edge->text, end->text.p, KS_MIN(end->text.n, sizeof(edge->text) - 1));
	}
	edge->n = add_sat(edge->n, 1);
	edge->last_s = KS_MAX(edge->last_s, rq->now_s);
	return edge;
}

/* A window teaches when it is over: its peak goes into the rate, and this one may teach later. */
static void
learn_windows(struct freq_entry *entry, uint64_t now_us, struct model_rate rate[WINDOW_MAX])
{
	if (entry == NULL)
		return;
	for (int w = 0; w < WINDOW_MAX; w++) {
		struct freq_window *window = &entry->window[w];

		if (window->ready != 0) {
			ks_score_rate_add(&rate[w], window->ready);
			window->ready = 0;
		}
		if (window->index == (uint32_t)(now_us / ks_score_window_us(w)))
			window->good = 1;
	}
}

static void
learn_fails(struct freq_entry *entry, struct model_rate *rate)
{
	struct freq_window *fails;

	if (ks_likely(entry == NULL))
		return;
	fails = &entry->window[WINDOW_60S];
	if (fails->ready != 0) {
		ks_score_rate_add(rate, fails->ready);
		fails->ready = 0;
	}
	fails->good = 1;
}

static void
learn_principal(struct ks_scorer *scorer, const struct request *rq)
{
	struct ks_score_frequency *frequency = scorer->frequency;
	struct ks_delta *delta = scorer->active;
	struct model_principal *p = record_of(delta, &delta->model.principals, rq->principal);
	uint64_t now_us = rq->ex->now.mono_us;

	if (p == NULL)
		return;
	if (p->requests == 0) {
		memcpy(p->name, rq->name, KS_MIN(strlen(rq->name), sizeof(p->name) - 1));
		p->group = rq->group;
	}
	p->requests++;
	p->last_s = KS_MAX(p->last_s, rq->now_s);
	learn_fails(ks_score_frequency_find(frequency, freq_key_fails(rq)), &p->fails);
	learn_windows(ks_score_frequency_find(frequency, freq_key_source(rq)), now_us, p->source);
	if (rq->proven) /* anonymous callers are as many as their sources */
		learn_windows(ks_score_frequency_find(frequency, rq->actor), now_us, p->rate);
}

static void
learn_edges(struct ks_scorer *scorer, const struct request *rq)
{
	struct ks_str program = {rq->program_text, strlen(rq->program_text)};
	char address[KS_ADDR_TEXT_BYTES];
	struct model_edge *call, *type;

	call = learn_edge(scorer, rq,
			  &(struct edge_end){rq->principal,
					     rq->call,
					     EDGE_CALL,
					     rq->scope,
					     {rq->call_name, rq->call_len}});
	if (call != NULL && call->n == 1)
		call->power = ks_score_power_of(&rq->ex->call, rq->scope);
	if (call != NULL)
		learn_windows(ks_score_frequency_find(scorer->frequency, freq_key_call(rq)),
			      rq->ex->now.mono_us, call->rate);
	learn_edge(scorer, rq,
		   &(struct edge_end){rq->principal, rq->program, EDGE_PROGRAM, 0, program});
	if (rq->type != 0) {
		type = learn_edge(scorer, rq,
				  &(struct edge_end){rq->call,
						     rq->type,
						     EDGE_TYPE,
						     0,
						     {rq->type_text, strlen(rq->type_text)}});
		if (type != NULL && ks_exchange_has(rq->ex, KS_FINDING_UNINSPECTED))
			type->uninspected = add_sat(type->uninspected, 1);
	}
	if (rq->anonymous)
		return;
	ks_addr_format(&rq->ex->source, address);
	learn_edge(scorer, rq,
		   &(struct edge_end){
			   rq->principal, rq->source, EDGE_SOURCE, 0, {address, strlen(address)}});
}

void
ks_score_learn(struct ks_scorer *scorer, const struct request *rq)
{
	learn_call(scorer->active, rq);
	learn_fields(scorer, rq);
	learn_principal(scorer, rq);
	learn_edges(scorer, rq);
	scorer->active->model.requests++;
}
