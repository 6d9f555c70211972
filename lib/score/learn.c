/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning: one exchange that ended well enters the delta. What finds no room is counted as lost.
 * Thread: the scorer's worker.
 */
#include "ks_counter.h"
#include "power.h"
#include "scorer.h"

#define CONTAINERS (1u << KS_VALUE_OBJECT | 1u << KS_VALUE_ARRAY)

/** One lesson: whose snapshot records say how much room there is. */
struct lesson {
	struct ks_scorer *scorer;
	struct ks_delta *delta;
	const struct request *rq;
	const struct model_call *call;	   /**< of the snapshot, or NULL */
	const struct model_principal *who; /**< likewise */
	struct freq_clock clock;
};

/* Slots are asked for this many fields ahead. */
#define AHEAD 8

static void *
record_of(const struct lesson *l, struct ks_score_table *table, uint64_t key)
{
	void *rec = ks_score_table_add(table, key);

	if (ks_unlikely(rec == NULL))
		ks_count(&l->scorer->lost);
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
	length_add(&rec->len, field->len_max);
	learn_value(rec, &rq->ex->fields, field);
}

/* A call that has all the fields it may have learns no more names, only about those it knows. */
static bool
field_has_room(const struct lesson *l, uint64_t key)
{
	if (l->call == NULL || l->call->fields < l->scorer->params.max_fields_per_call)
		return true;
	return table_find(&l->scorer->profile->model.fields, key) != NULL;
}

static void
learn_fields(const struct lesson *l)
{
	const struct ks_field_list *list = &l->rq->ex->fields;
	struct ks_score_table *table = &l->delta->model.fields;
	struct model_field *rec;
	uint64_t keys[AHEAD];

	for (uint16_t from = 0; from < list->n; from += AHEAD) {
		uint16_t n = KS_MIN(list->n - from, AHEAD);

		for (uint16_t i = 0; i < n; i++) {
			keys[i] = key_mix(l->rq->call, list->v[from + i].hash);
			table_prefetch(table, keys[i]);
		}
		for (uint16_t i = 0; i < n; i++) {
			if (!field_has_room(l, keys[i]))
				continue;
			rec = record_of(l, table, keys[i]);
			if (rec != NULL)
				learn_field(rec, l->rq, &list->v[from + i]);
		}
	}
}

static void
learn_call(const struct lesson *l)
{
	const struct request *rq = l->rq;
	struct model_call *call = record_of(l, &l->delta->model.calls, rq->call);

	if (call == NULL)
		return;
	if (call->requests == 0)
		memcpy(call->name, rq->call_name, KS_MIN(rq->call_len, sizeof(call->name) - 1));
	call->requests++;
	call->bodies += rq->ex->body_bytes > 0;
	for (int i = 0; i < MODEL_SIZES; i++)
		length_add(&call->size[i], rq->size[i]);
	call->last_s = KS_MAX(call->last_s, rq->now_s);
}

struct edge_end {
	uint64_t from;
	uint64_t to;
	enum model_edge_kind kind;
	uint8_t scope;
	const char *text;
};

/* A set that is open (see PROFILE_SET_MAX) takes in nothing new. */
static bool
edge_has_room(const struct lesson *l, const struct edge_end *end, uint64_t key)
{
	if (end->kind >= EDGE_OF_CALLER || l->who == NULL ||
	    l->who->variety[end->kind].kinds < PROFILE_SET_MAX)
		return true;
	return table_find(&l->scorer->profile->model.edges, key) != NULL;
}

static struct model_edge *
learn_edge(const struct lesson *l, const struct edge_end *end)
{
	uint64_t key = edge_key(end->from, end->kind, end->to, end->scope);
	struct model_edge *edge;

	if (!edge_has_room(l, end, key))
		return NULL;
	edge = record_of(l, &l->delta->model.edges, key);
	if (edge == NULL)
		return NULL;
	if (edge->n == 0) {
		edge->from = end->from;
		edge->to = end->to;
		edge->kind = end->kind;
		edge->scope = end->scope;
		memcpy(edge->text, end->text, strnlen(end->text, sizeof(edge->text) - 1));
	}
	edge->n = add_sat(edge->n, 1);
	edge->last_s = KS_MAX(edge->last_s, l->rq->now_s);
	return edge;
}

/* A window teaches when it is over: its peak goes into the rate, and this one may teach later. */
static void
learn_windows(const struct lesson *l, uint64_t key, struct model_rate rate[WINDOW_MAX])
{
	struct freq_entry *entry = ks_score_frequency_find(l->scorer->frequency, key);

	if (ks_unlikely(entry == NULL)) /* evicted since the judgement */
		return;
	for (int w = 0; w < WINDOW_MAX; w++) {
		struct freq_window *window = &entry->window[w];

		if (ks_unlikely(window->ready != 0)) {
			ks_score_rate_add(&rate[w], window->ready);
			window->ready = 0;
		}
		if (window->index == l->clock.index[w])
			window->good = 1;
	}
}

static void
learn_fails(const struct lesson *l, struct model_rate *rate)
{
	struct freq_entry *entry =
		ks_score_frequency_find(l->scorer->frequency, freq_key_fails(l->rq));
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
learn_principal(const struct lesson *l)
{
	const struct request *rq = l->rq;
	struct model_principal *p = record_of(l, &l->delta->model.principals, rq->principal);

	if (p == NULL)
		return;
	if (p->requests == 0) {
		memcpy(p->name, rq->name, strnlen(rq->name, sizeof(p->name) - 1));
		p->group = rq->group;
	}
	p->requests++;
	p->last_s = KS_MAX(p->last_s, rq->now_s);
	learn_fails(l, &p->fails);
	learn_windows(l, freq_key_source(rq), p->source);
	if (rq->proven) /* anonymous callers are as many as their sources */
		learn_windows(l, rq->actor, p->rate);
}

static void
learn_type(const struct lesson *l)
{
	const struct request *rq = l->rq;
	struct edge_end end = {rq->call, rq->type, EDGE_TYPE, 0, rq->type_text};
	struct model_edge *type = learn_edge(l, &end);

	if (type != NULL && ks_exchange_has(rq->ex, KS_FINDING_UNINSPECTED))
		type->uninspected = add_sat(type->uninspected, 1);
}

static void
learn_edges(const struct lesson *l)
{
	const struct request *rq = l->rq;
	struct edge_end call = {rq->principal, rq->call, EDGE_CALL, rq->scope, rq->call_name};
	struct edge_end program = {rq->principal, rq->program, EDGE_PROGRAM, 0, rq->program_text};
	struct edge_end source = {rq->principal, rq->source, EDGE_SOURCE, 0, ""};
	struct model_edge *edge = learn_edge(l, &call);
	char address[KS_ADDR_TEXT_BYTES];

	if (edge != NULL) {
		if (edge->n == 1)
			edge->power = ks_score_power_of(&rq->ex->call, rq->scope);
		learn_windows(l, freq_key_call(rq), edge->rate);
	}
	learn_edge(l, &program);
	if (rq->type != 0)
		learn_type(l);
	if (rq->anonymous)
		return;
	edge = learn_edge(l, &source);
	if (edge != NULL && edge->n == 1) {
		ks_addr_format(&rq->ex->source, address);
		memcpy(edge->text, address, strnlen(address, sizeof(edge->text) - 1));
	}
}

void
ks_score_learn(struct ks_scorer *scorer, const struct request *rq)
{
	struct lesson l = {
		.scorer = scorer,
		.delta = scorer->active,
		.rq = rq,
		.call = table_find(&scorer->profile->model.calls, rq->call),
		.who = table_find(&scorer->profile->model.principals, rq->principal),
		.clock = freq_clock_at(rq->ex->now.mono_us),
	};

	learn_call(&l);
	learn_fields(&l);
	learn_principal(&l);
	learn_edges(&l);
	l.delta->model.requests++;
	ks_count(&scorer->learned);
}
