/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a delta. See delta.h.
 * Thread: the scorer's, then whoever it was handed to; the state is the hand-over.
 */
#include <errno.h>
#include <stdlib.h>

#include "delta.h"

/* One period's worth of what can be touched; more than that is not learned in that period. */
#define DELTA_CALLS 1024u
#define DELTA_FIELDS 16384u
#define DELTA_PRINCIPALS 16384u
#define DELTA_EDGES 65536u

int
ks_score_model_init(struct model *model, const struct profile_limits *limits)
{
	uint64_t fields = (uint64_t)limits->calls * limits->fields_per_call;
	uint64_t edges = (uint64_t)limits->principals * 4 + limits->calls * 2;
	int rc;

	memset(model, 0, sizeof(*model));
	rc = ks_score_table_init(&model->calls, sizeof(struct model_call),
				 KS_MIN(limits->calls, DELTA_CALLS));
	if (rc == 0)
		rc = ks_score_table_init(&model->fields, sizeof(struct model_field),
					 KS_MIN(fields, DELTA_FIELDS));
	if (rc == 0)
		rc = ks_score_table_init(&model->principals, sizeof(struct model_principal),
					 KS_MIN(limits->principals, DELTA_PRINCIPALS));
	if (rc == 0)
		rc = ks_score_table_init(&model->edges, sizeof(struct model_edge),
					 KS_MIN(edges, DELTA_EDGES));
	if (rc != 0)
		ks_score_model_fini(model);
	return rc;
}

void
ks_score_model_fini(struct model *model)
{
	ks_score_table_fini(&model->calls);
	ks_score_table_fini(&model->fields);
	ks_score_table_fini(&model->principals);
	ks_score_table_fini(&model->edges);
}

struct ks_delta *
ks_score_delta_create(uint64_t seed, const struct profile_limits *limits)
{
	struct ks_delta *delta = calloc(1, sizeof(*delta));

	if (delta == NULL)
		return NULL;
	if (ks_score_model_init(&delta->model, limits) != 0) {
		free(delta);
		errno = ENOMEM;
		return NULL;
	}
	delta->seed = seed;
	delta->limits = *limits;
	return delta;
}

static void
delta_free(struct ks_delta *delta)
{
	ks_score_model_fini(&delta->model);
	free(delta);
}

static void
delta_empty(struct ks_delta *delta)
{
	ks_score_table_clear(&delta->model.calls);
	ks_score_table_clear(&delta->model.fields);
	ks_score_table_clear(&delta->model.principals);
	ks_score_table_clear(&delta->model.edges);
	delta->model.requests = 0;
}

void
ks_score_delta_send(struct ks_delta *delta)
{
	__atomic_store_n(&delta->state, DELTA_AWAY, __ATOMIC_RELAXED);
}

bool
ks_score_delta_home(const struct ks_delta *delta)
{
	return __atomic_load_n(&delta->state, __ATOMIC_ACQUIRE) == DELTA_HOME;
}

void
ks_score_delta_leave(struct ks_delta *delta)
{
	uint8_t away = DELTA_AWAY;

	/* When it comes home at this very moment, the exchange fails and it is ours to free. */
	if (__atomic_compare_exchange_n(&delta->state, &away, DELTA_ORPHAN, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return;
	delta_free(delta);
}

void
ks_delta_destroy(struct ks_delta *delta)
{
	uint8_t away = DELTA_AWAY;

	if (delta == NULL)
		return;
	delta_empty(delta);
	if (__atomic_compare_exchange_n(&delta->state, &away, DELTA_HOME, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return;
	delta_free(delta);
}
