/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile as its readers see it: life, derived figures, lists. See profile.h.
 *
 * Derived figures are computed anew at every merge from the whole model (about 40 ns a record),
 * which keeps them right by construction; nothing here is on the data path. Thread: the control
 * core makes a profile; afterwards it is read-only.
 */
#include <errno.h>
#include <stdlib.h>

#include "profile.h"

struct ks_profile *
ks_profile_create(uint64_t seed)
{
	static const struct profile_limits empty;
	struct ks_profile *profile = calloc(1, sizeof(*profile));

	if (profile == NULL)
		return NULL;
	profile->seed = seed;
	if (ks_score_model_init(&profile->model, &empty) != 0 ||
	    ks_score_profile_derive(profile, NULL) != 0) {
		ks_profile_destroy(profile);
		errno = ENOMEM;
		return NULL;
	}
	return profile;
}

void
ks_profile_destroy(struct ks_profile *profile)
{
	if (profile == NULL)
		return;
	ks_score_model_fini(&profile->model);
	ks_score_table_fini(&profile->marks);
	free(profile->call_order);
	free(profile->principal_order);
	free(profile);
}

/* ---- what is derived ---- */

static uint64_t
mark_add_n(struct ks_profile *profile, uint64_t key, uint64_t n)
{
	struct profile_mark *mark = ks_score_table_add(&profile->marks, key);

	return mark->n += n;
}

static uint64_t
mark_add(struct ks_profile *profile, uint64_t key)
{
	return mark_add_n(profile, key, 1);
}

static void
derive_field(struct ks_profile *profile, const struct model_field *field)
{
	struct model_call *call = table_find(&profile->model.calls, field->call);

	if (call == NULL)
		return;
	call->fields++;
	call->place[field->place].kinds++;
	mark_add(profile, mark_key(MARK_FIELD, field->hash, 0));
	/* Forty new fields of one request are one surprise, and must count as one here. */
	if (field->n == 1 &&
	    mark_add(profile, mark_key(MARK_ONCE, field->call + field->place, field->id)) == 1)
		call->place[field->place].once++;
}

/* Names over all calls: how many there are, and how many requests brought one that is in no other.
 */
static void
derive_name(struct ks_profile *profile, const struct model_field *field)
{
	struct profile_prior *name = &profile->name[field->place];
	struct profile_mark *mark =
		table_find(&profile->marks, mark_key(MARK_FIELD, field->hash, 0));
	uint64_t calls = mark == NULL ? 0 : mark->n & ~MARK_COUNTED;

	if (mark == NULL)
		return;
	if (!(mark->n & MARK_COUNTED))
		name->kinds++;
	mark->n |= MARK_COUNTED;
	if (calls == 1 && field->n == 1 &&
	    mark_add(profile, mark_key(MARK_ONCE, field->place, field->id)) == 1)
		name->once++;
}

/* Keeps the two most frequent; of equals the one with the smaller key, whatever their order. */
static void
top_offer(const struct model *model, uint32_t top[MODEL_TOP], uint32_t i)
{
	const struct model_edge *edge = table_at(&model->edges, i), *other;

	for (int rank = 0; rank < MODEL_TOP; rank++) {
		other = top[rank] == 0 ? NULL : table_at(&model->edges, top[rank] - 1);
		if (other != NULL &&
		    (other->n > edge->n || (other->n == edge->n && other->key < edge->key)))
			continue;
		memmove(&top[rank + 1], &top[rank], (MODEL_TOP - 1 - rank) * sizeof(*top));
		top[rank] = i + 1;
		return;
	}
}

static void
derive_type(struct ks_profile *profile, uint32_t i)
{
	const struct model_edge *edge = table_at(&profile->model.edges, i), *top;
	struct model_call *call = table_find(&profile->model.calls, edge->from);

	if (call == NULL)
		return;
	mark_add_n(profile, mark_key(MARK_TYPE, edge->to, 0), edge->n);
	mark_add_n(profile, mark_key(MARK_BLIND, edge->to, 0), edge->uninspected);
	call->types.kinds++;
	call->types.once += edge->n == 1;
	top = call->type_top == 0 ? NULL : table_at(&profile->model.edges, call->type_top - 1);
	if (top == NULL || edge->n > top->n || (edge->n == top->n && edge->key < top->key))
		call->type_top = i + 1;
}

static void
derive_edge(struct ks_profile *profile, uint32_t i)
{
	const struct model_edge *edge = table_at(&profile->model.edges, i);
	struct model_principal *from;
	struct model_call *call;

	if (edge->kind == EDGE_TYPE) {
		derive_type(profile, i);
		return;
	}
	from = table_find(&profile->model.principals, edge->from);
	if (from == NULL)
		return;
	from->variety[edge->kind].kinds++;
	from->variety[edge->kind].once += edge->n == 1;
	top_offer(&profile->model, from->top[edge->kind], i);
	mark_add(profile, mark_key(MARK_PEER, edge->to + edge->scope, from->group));
	if (edge->kind != EDGE_CALL) {
		mark_add(profile, mark_key(MARK_END, edge->to, 0));
		return;
	}
	from->powers |= 1u << edge->power;
	call = table_find(&profile->model.calls, edge->to);
	if (mark_add(profile, mark_key(MARK_PAIR, edge->from, edge->to)) == 1) {
		mark_add(profile, mark_key(MARK_END, edge->to, 0));
		if (call != NULL)
			call->principals++;
	}
}

static void
derive_principal(struct ks_profile *profile, const struct model_principal *principal)
{
	struct profile_group *group = &profile->group[principal->group];

	group->member.n += principal->requests;
	group->member.kinds++;
	group->member.once += principal->requests <= 2;
	for (int kind = 0; kind < EDGE_OF_CALLER; kind++) {
		group->set[kind].n += principal->requests;
		group->set[kind].kinds += principal->variety[kind].kinds;
		group->set[kind].once += principal->variety[kind].once;
	}
	for (int w = 0; w < WINDOW_MAX; w++) {
		group->rate[w].n = add_sat(group->rate[w].n, principal->rate[w].n);
		group->rate[w].sum += principal->rate[w].sum;
		group->rate[w].max = KS_MAX(group->rate[w].max, principal->rate[w].max);
	}
}

static void
derive_call(struct ks_profile *profile, const struct model_call *call)
{
	profile->call.n += call->requests;
	profile->call.kinds++;
	profile->call.once += call->requests == 1;
	for (int place = 0; place < MODEL_PLACES; place++) {
		profile->place[place].n += place == KS_PLACE_BODY ? call->bodies : call->requests;
		profile->place[place].kinds += call->place[place].kinds;
		profile->place[place].once += call->place[place].once;
	}
	profile->type.n += call->requests;
	profile->type.kinds += call->types.kinds;
	profile->type.once += call->types.once;
}

static void
derive_patience(struct ks_profile *profile)
{
	struct profile_prior *prior[] = {
		&profile->call,
		&profile->type,
		&profile->place[KS_PLACE_QUERY],
		&profile->place[KS_PLACE_HEADER],
		&profile->place[KS_PLACE_COOKIE],
		&profile->place[KS_PLACE_BODY],
		&profile->place[KS_PLACE_PATH],
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(prior); i++)
		prior[i]->patience = (prior[i]->n + 1.0) / (prior[i]->once + 1.0);
	for (int g = 0; g < GROUP_MAX; g++) {
		struct profile_group *group = &profile->group[g];

		group->member.patience = (group->member.n + 1.0) / (group->member.once + 1.0);
		for (int kind = 0; kind < EDGE_OF_CALLER; kind++)
			group->set[kind].patience =
				(group->set[kind].n + 1.0) / (group->set[kind].once + 1.0);
	}
}

static void
derived_clear(struct ks_profile *profile)
{
	struct model *model = &profile->model;

	for (uint32_t i = 0; i < model->calls.n; i++) {
		struct model_call *call = table_at(&model->calls, i);

		memset((char *)call + offsetof(struct model_call, place), 0,
		       sizeof(*call) - offsetof(struct model_call, place));
	}
	for (uint32_t i = 0; i < model->principals.n; i++) {
		struct model_principal *p = table_at(&model->principals, i);

		memset((char *)p + offsetof(struct model_principal, powers), 0,
		       sizeof(*p) - offsetof(struct model_principal, powers));
	}
}

static int
call_compare(const void *a, const void *b, void *arg)
{
	const struct ks_score_table *calls = arg;
	const struct model_call *x = table_at(calls, *(const uint32_t *)a);
	const struct model_call *y = table_at(calls, *(const uint32_t *)b);

	return strcmp(x->name, y->name);
}

static int
principal_compare(const void *a, const void *b, void *arg)
{
	const struct ks_score_table *principals = arg;
	const struct model_principal *x = table_at(principals, *(const uint32_t *)a);
	const struct model_principal *y = table_at(principals, *(const uint32_t *)b);

	return strcmp(x->name, y->name);
}

/* Sorting 65 536 names takes the control core 25 ms: not every second when nobody is new. */
static uint32_t *
order_make(struct ks_score_table *table, int (*compare)(const void *, const void *, void *),
	   const uint32_t *before, uint32_t before_n)
{
	uint32_t *order = malloc((table->n + 1) * sizeof(*order));

	if (order == NULL)
		return NULL;
	if (before != NULL && before_n == table->n) {
		memcpy(order, before, table->n * sizeof(*order));
		return order;
	}
	for (uint32_t i = 0; i < table->n; i++)
		order[i] = i;
	qsort_r(order, table->n, sizeof(*order), compare, table);
	return order;
}

int
ks_score_profile_derive(struct ks_profile *profile, const struct ks_profile *base)
{
	struct model *model = &profile->model;

	derived_clear(profile);
	if (ks_score_table_init(&profile->marks, sizeof(struct profile_mark),
				3 * model->fields.n + 3 * model->edges.n) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->fields.n; i++)
		derive_field(profile, table_at(&model->fields, i));
	for (uint32_t i = 0; i < model->edges.n; i++)
		derive_edge(profile, i);
	for (uint32_t i = 0; i < model->principals.n; i++)
		derive_principal(profile, table_at(&model->principals, i));
	for (uint32_t i = 0; i < model->calls.n; i++)
		derive_call(profile, table_at(&model->calls, i));
	for (uint32_t i = 0; i < model->fields.n; i++)
		derive_name(profile, table_at(&model->fields, i));
	derive_patience(profile);
	profile->call_order =
		order_make(&model->calls, call_compare, base == NULL ? NULL : base->call_order,
			   base == NULL ? 0 : base->model.calls.n);
	profile->principal_order = order_make(&model->principals, principal_compare,
					      base == NULL ? NULL : base->principal_order,
					      base == NULL ? 0 : base->model.principals.n);
	if (profile->call_order == NULL || profile->principal_order == NULL)
		return -ENOMEM;
	return 0;
}

/* ---- looking at it ---- */

void
ks_profile_stats_get(const struct ks_profile *profile, struct ks_profile_stats *out)
{
	const struct model *model = &profile->model;

	*out = (struct ks_profile_stats){
		.requests = model->requests,
		.calls = model->calls.n,
		.principals = model->principals.n,
		.fields = model->fields.n,
		.bytes = sizeof(*profile) + ks_score_table_bytes(&model->calls) +
			 ks_score_table_bytes(&model->fields) +
			 ks_score_table_bytes(&model->principals) +
			 ks_score_table_bytes(&model->edges) +
			 ks_score_table_bytes(&profile->marks),
	};
}

int
ks_profile_call_at(const struct ks_profile *profile, uint32_t i, struct ks_profile_call *out)
{
	const struct model_call *call;

	if (i >= profile->model.calls.n)
		return -ENOENT;
	call = table_at(&profile->model.calls, profile->call_order[i]);
	*out = (struct ks_profile_call){call->name, call->requests, call->fields, call->principals};
	return 0;
}

int
ks_profile_principal_at(const struct ks_profile *profile, uint32_t i,
			struct ks_profile_principal *out)
{
	const struct model_principal *p;

	if (i >= profile->model.principals.n)
		return -ENOENT;
	p = table_at(&profile->model.principals, profile->principal_order[i]);
	*out = (struct ks_profile_principal){
		.name = p->name,
		.requests = p->requests,
		.calls = p->variety[EDGE_CALL].kinds,
		.sources = p->variety[EDGE_SOURCE].kinds,
	};
	return 0;
}

uint64_t
ks_profile_seed(const struct ks_profile *profile)
{
	return profile->seed;
}
