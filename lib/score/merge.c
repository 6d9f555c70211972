/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging: base and deltas become the next profile; what is above the limits goes, oldest first.
 *
 * Below the limits the result depends on nothing but the set of observations. At the limits it
 * depends on when deltas were taken as well: a thing that was dropped and comes back starts anew.
 * Thread: the control core.
 */
#include <errno.h>
#include <stdlib.h>

#include "delta.h"
#include "profile.h"

static void
calls_merge(struct model *dst, const struct model *src)
{
	for (uint32_t i = 0; i < src->calls.n; i++) {
		const struct model_call *call = table_at(&src->calls, i);

		ks_score_call_merge(ks_score_table_add(&dst->calls, call->key), call);
	}
}

static void
fields_merge(struct model *dst, const struct model *src)
{
	for (uint32_t i = 0; i < src->fields.n; i++) {
		const struct model_field *field = table_at(&src->fields, i);

		ks_score_field_merge(ks_score_table_add(&dst->fields, field->key), field);
	}
}

static void
principals_merge(struct model *dst, const struct model *src)
{
	for (uint32_t i = 0; i < src->principals.n; i++) {
		const struct model_principal *p = table_at(&src->principals, i);

		ks_score_principal_merge(ks_score_table_add(&dst->principals, p->key), p);
	}
}

static void
edges_merge(struct model *dst, const struct model *src)
{
	for (uint32_t i = 0; i < src->edges.n; i++) {
		const struct model_edge *edge = table_at(&src->edges, i);

		ks_score_edge_merge(ks_score_table_add(&dst->edges, edge->key), edge);
	}
}

static int
model_copy(struct model *dst, const struct model *src, struct ks_delta *const *deltas, uint32_t n)
{
	uint32_t calls = 0, fields = 0, principals = 0, edges = 0;
	int rc;

	for (uint32_t i = 0; i < n; i++) {
		calls += deltas[i]->model.calls.n;
		fields += deltas[i]->model.fields.n;
		principals += deltas[i]->model.principals.n;
		edges += deltas[i]->model.edges.n;
	}
	rc = ks_score_table_copy(&dst->calls, &src->calls, calls);
	if (rc == 0)
		rc = ks_score_table_copy(&dst->fields, &src->fields, fields);
	if (rc == 0)
		rc = ks_score_table_copy(&dst->principals, &src->principals, principals);
	if (rc == 0)
		rc = ks_score_table_copy(&dst->edges, &src->edges, edges);
	dst->requests = src->requests;
	return rc;
}

/* The widest wins: which scorer's delta comes first must not matter. */
static void
limits_merge(struct profile_limits *dst, const struct profile_limits *src)
{
	dst->principals = KS_MAX(dst->principals, src->principals);
	dst->calls = KS_MAX(dst->calls, src->calls);
	dst->fields_per_call = KS_MAX(dst->fields_per_call, src->fields_per_call);
}

struct ks_profile *
ks_profile_merge(const struct ks_profile *base, struct ks_delta *const *deltas, uint32_t n)
{
	struct ks_profile *profile = calloc(1, sizeof(*profile));
	int rc;

	if (profile == NULL)
		return NULL;
	profile->seed = base->seed;
	profile->limits = base->limits;
	rc = model_copy(&profile->model, &base->model, deltas, n);
	if (rc != 0)
		goto fail;
	for (uint32_t i = 0; i < n; i++) {
		const struct model *model = &deltas[i]->model;

		limits_merge(&profile->limits, &deltas[i]->limits);
		profile->model.requests += model->requests;
		calls_merge(&profile->model, model);
		fields_merge(&profile->model, model);
		principals_merge(&profile->model, model);
		edges_merge(&profile->model, model);
	}
	rc = ks_score_profile_evict(profile);
	if (rc < 0)
		goto fail;
	rc = ks_score_profile_derive(profile, rc == 0 ? base : NULL);
	if (rc != 0)
		goto fail;
	return profile;
fail:
	ks_profile_destroy(profile);
	errno = -rc;
	return NULL;
}

/* ---- what is too much goes ---- */

struct age {
	uint32_t last_s;
	uint64_t key;
};

static int
age_compare(const void *a, const void *b)
{
	const struct age *x = a, *y = b;

	if (x->last_s != y->last_s)
		return x->last_s < y->last_s ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static bool
age_before(const struct age *x, const struct age *limit)
{
	return age_compare(x, limit) < 0;
}

struct evict {
	struct ks_score_table *table;
	size_t last_off;		      /**< where a record keeps its last_s */
	const struct ks_score_table *parents; /**< records without a parent here go; or NULL */
	const struct ks_score_table *parents2;
	size_t parent_off;
};

static struct age
age_of(const struct evict *evict, uint32_t i)
{
	const uint8_t *rec = table_at(evict->table, i);
	struct age age;

	memcpy(&age.last_s, rec + evict->last_off, sizeof(age.last_s));
	memcpy(&age.key, rec, sizeof(age.key));
	return age;
}

/* The age from which on records stay, so that a sixteenth below the limit is left: sorting is not
 * for every merge. */
static int
evict_line(const struct evict *evict, uint32_t limit, struct age *line)
{
	uint32_t n = evict->table->n, keep = limit - limit / 16;
	struct age *ages;

	*line = (struct age){0};
	if (n <= limit)
		return 0;
	ages = malloc(n * sizeof(*ages));
	if (ages == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		ages[i] = age_of(evict, i);
	qsort(ages, n, sizeof(*ages), age_compare);
	*line = ages[n - keep];
	free(ages);
	return 0;
}

static bool
evict_orphan(const struct evict *evict, const uint8_t *rec)
{
	uint64_t parent;

	if (evict->parents == NULL)
		return false;
	memcpy(&parent, rec + evict->parent_off, sizeof(parent));
	if (table_find(evict->parents, parent) != NULL)
		return false;
	return evict->parents2 == NULL || table_find(evict->parents2, parent) == NULL;
}

static int
evict_table(const struct evict *evict, uint32_t limit)
{
	struct ks_score_table kept;
	struct age line;

	if (evict_line(evict, limit, &line) != 0 ||
	    ks_score_table_init(&kept, evict->table->rec_bytes, evict->table->n) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < evict->table->n; i++) {
		const uint8_t *rec = table_at(evict->table, i);
		struct age age = age_of(evict, i);

		if (age_before(&age, &line) || evict_orphan(evict, rec))
			continue;
		memcpy(ks_score_table_add(&kept, age.key), rec, kept.rec_bytes);
	}
	ks_score_table_fini(evict->table);
	*evict->table = kept;
	return 0;
}

int
ks_score_profile_evict(struct ks_profile *profile)
{
	struct model *model = &profile->model;
	const struct profile_limits *limits = &profile->limits;
	uint64_t fields =
		(uint64_t)limits->calls * KS_MIN(PROFILE_FIELDS_MEAN, limits->fields_per_call);
	uint64_t edges = (uint64_t)limits->principals * PROFILE_EDGES_MEAN;
	const struct evict evict[] = {
		{&model->calls, offsetof(struct model_call, last_s)},
		{&model->principals, offsetof(struct model_principal, last_s)},
		{&model->fields, offsetof(struct model_field, last_s), &model->calls, NULL,
		 offsetof(struct model_field, call)},
		{&model->edges, offsetof(struct model_edge, last_s), &model->principals,
		 &model->calls, offsetof(struct model_edge, from)},
	};
	const uint64_t limit[] = {limits->calls, limits->principals, fields, edges};
	int rc = 0;

	if (limits->principals == 0) /* nobody has learned yet: no limits are known */
		return 0;
	if (model->calls.n <= limit[0] && model->principals.n <= limit[1] &&
	    model->fields.n <= limit[2] && model->edges.n <= limit[3])
		return 0;
	for (size_t i = 0; i < KS_ARRAY_SIZE(evict) && rc == 0; i++)
		rc = evict_table(&evict[i], KS_MIN(limit[i], (uint64_t)UINT32_MAX));
	return rc == 0 ? 1 : rc;
}
