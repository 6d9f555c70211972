/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCORE: judges what MATCH has seen and sends the verdict home; learns from outcomes and passes
 * them on to RECORD. Alone writes the state of the principals that are routed to it.
 *
 * Learning is handed over without locks. The control core asks for a delta and gives a new profile
 * by setting a pointer; this stage answers at the start of a turn. Each of the two words has one
 * writer at a time: whoever's turn it is, the other waits for it to change.
 */
#include <stdlib.h>

#include "stage.h"

struct score {
	struct stage base; /**< first */
	struct wiring *wiring;
	uint32_t index;
	const uint32_t *mode; /**< the gateway's, read each turn */
	bool freeze;
	struct ks_scorer *scorer;
	struct ks_exchange *held_verdict, *held_record;
	const struct ks_profile *current;

	/* between this stage and the control core */
	uint32_t delta_state; /**< enum delta_state */
	struct ks_delta *delta;
	const struct ks_profile *given;
};

enum delta_state { DELTA_NONE, DELTA_ASKED, DELTA_READY };

static void
learning_exchange(struct score *st)
{
	const struct ks_profile *given = __atomic_load_n(&st->given, __ATOMIC_ACQUIRE);

	if (ks_unlikely(given != st->current)) {
		ks_scorer_profile_set(st->scorer, given);
		__atomic_store_n(&st->current, given, __ATOMIC_RELEASE);
	}
	if (ks_unlikely(__atomic_load_n(&st->delta_state, __ATOMIC_ACQUIRE) == DELTA_ASKED)) {
		st->delta = ks_scorer_delta_take(st->scorer);
		__atomic_store_n(&st->delta_state, DELTA_READY, __ATOMIC_RELEASE);
	}
}

static bool
put_or_hold(struct score *st, struct link *link, struct ks_exchange *ex, struct ks_exchange **held)
{
	void *obj = ex;

	*held = NULL;
	if (link_put(link, &obj, 1) == 1)
		return true;
	*held = ex;
	st->base.stalls++;
	return false;
}

static bool
verdict_send(struct score *st, struct ks_exchange *ex)
{
	return put_or_hold(st, st->wiring->verdict[st->index][ex->owner], ex, &st->held_verdict);
}

static bool
record_send(struct score *st, struct ks_exchange *ex)
{
	return put_or_hold(st, st->wiring->record[st->index], ex, &st->held_record);
}

static uint32_t
judge(struct score *st, struct link *link, enum ks_mode mode)
{
	struct ks_exchange *ex;
	uint32_t done = 0;

	if (st->held_verdict != NULL && !verdict_send(st, st->held_verdict))
		return 0;
	while (done < STAGE_BURST && link_get(link, (void **)&ex, 1) == 1) {
		ks_scorer_judge(st->scorer, ex, mode);
		done++;
		if (!verdict_send(st, ex))
			break;
	}
	return done;
}

static uint32_t
learn(struct score *st, struct link *link)
{
	struct ks_exchange *ex;
	uint32_t done = 0;

	if (st->held_record != NULL && !record_send(st, st->held_record))
		return 0;
	while (done < STAGE_BURST && link_get(link, (void **)&ex, 1) == 1) {
		ks_scorer_outcome(st->scorer, ex, !st->freeze);
		done++;
		if (!record_send(st, ex))
			break;
	}
	return done;
}

static uint32_t
score_poll(struct stage *stage, const struct ks_now *now)
{
	struct score *st = (struct score *)stage;
	enum ks_mode mode = __atomic_load_n(st->mode, __ATOMIC_RELAXED);
	uint32_t done = 0;

	(void)now;
	learning_exchange(st);
	for (uint32_t i = 0; i < st->wiring->nmatch; i++)
		done += judge(st, st->wiring->matched[i][st->index], mode);
	for (uint32_t i = 0; i < st->wiring->nterminate; i++)
		done += learn(st, st->wiring->outcome[i][st->index]);
	return done;
}

struct stage *
stage_score_create(const struct ks_score_params *params, const struct ks_profile *profile,
		   const uint32_t *mode, struct wiring *wiring, uint32_t index)
{
	struct score *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->base.poll = score_poll;
	st->wiring = wiring;
	st->index = index;
	st->mode = mode;
	st->current = st->given = profile;
	st->scorer = ks_scorer_create(params, profile);
	if (st->scorer == NULL) {
		free(st);
		return NULL;
	}
	return &st->base;
}

void
stage_score_destroy(struct stage *stage)
{
	struct score *st = (struct score *)stage;

	if (st == NULL)
		return;
	if (st->delta != NULL)
		ks_delta_destroy(st->delta);
	ks_scorer_destroy(st->scorer);
	free(st);
}

void
stage_score_freeze(struct stage *stage, bool freeze)
{
	((struct score *)stage)->freeze = freeze;
}

void
stage_score_delta_ask(struct stage *stage)
{
	__atomic_store_n(&((struct score *)stage)->delta_state, DELTA_ASKED, __ATOMIC_RELEASE);
}

bool
stage_score_delta_got(struct stage *stage, struct ks_delta **delta)
{
	struct score *st = (struct score *)stage;

	if (__atomic_load_n(&st->delta_state, __ATOMIC_ACQUIRE) != DELTA_READY)
		return false;
	*delta = st->delta;
	st->delta = NULL;
	__atomic_store_n(&st->delta_state, DELTA_NONE, __ATOMIC_RELEASE);
	return true;
}

void
stage_score_profile_give(struct stage *stage, const struct ks_profile *profile)
{
	__atomic_store_n(&((struct score *)stage)->given, profile, __ATOMIC_RELEASE);
}

bool
stage_score_profile_taken(const struct stage *stage)
{
	const struct score *st = (const struct score *)stage;

	return __atomic_load_n(&st->current, __ATOMIC_ACQUIRE) == st->given;
}
