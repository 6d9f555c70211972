/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning as a round between the control core and the scorers: ask all for their deltas, merge
 * them into the next profile, give it to all, and only when all judge by it let go of the old one.
 * Thread: the control core.
 */
#include <stdlib.h>

#include "gateway_int.h"

#include "ks_log.h"

KS_LOG_DECLARE(pipeline);

#define ROUND_US 1000000u

static struct stage **
scorers(struct ks_gateway *gw, uint32_t *n)
{
	*n = gw->nstages[KS_STAGE_SCORE];
	return gw->stages[KS_STAGE_SCORE];
}

static void
ask(struct ks_gateway *gw)
{
	struct learning *l = &gw->learning;
	uint32_t n;
	struct stage **st = scorers(gw, &n);

	for (uint32_t i = 0; i < n; i++) {
		l->got[i] = false;
		stage_score_delta_ask(st[i]);
	}
	l->ndeltas = 0;
	l->save_round = gw->control.save_wanted;
	l->state = LEARNING_ASKED;
}

static bool
all_answered(struct ks_gateway *gw)
{
	struct learning *l = &gw->learning;
	uint32_t n, answered = 0;
	struct stage **st = scorers(gw, &n);

	for (uint32_t i = 0; i < n; i++) {
		struct ks_delta *delta = NULL;

		if (!l->got[i] && stage_score_delta_got(st[i], &delta)) {
			l->got[i] = true;
			if (delta != NULL)
				l->deltas[l->ndeltas++] = delta;
		}
		answered += l->got[i];
	}
	return answered == n;
}

static void
deltas_drop(struct learning *l)
{
	for (uint32_t i = 0; i < l->ndeltas; i++)
		ks_delta_destroy(l->deltas[i]);
	l->ndeltas = 0;
}

/** The scorers judge by their deltas until the profile that contains them is there: without memory
 * for it the deltas are kept, and it is tried again. */
static void
publish(struct ks_gateway *gw, const struct ks_now *now)
{
	struct learning *l = &gw->learning;
	struct ks_profile *next;
	uint32_t n;
	struct stage **st = scorers(gw, &n);

	if (now->mono_us < l->retry_us)
		return;
	next = ks_profile_merge(l->profile, l->deltas, l->ndeltas);
	if (next == NULL) {
		KS_LOG(pipeline, ERR, "profile_merge_failed deltas=%u", l->ndeltas);
		l->retry_us = now->mono_us + ROUND_US;
		return;
	}
	l->old = l->profile;
	l->profile = next;
	for (uint32_t i = 0; i < n; i++)
		stage_score_profile_give(st[i], next);
	ks_profile_stats_get(next, &gw->control.profile);
	l->state = LEARNING_GIVEN;
}

static bool
all_taken(struct ks_gateway *gw)
{
	uint32_t n;
	struct stage **st = scorers(gw, &n);

	for (uint32_t i = 0; i < n; i++)
		if (!stage_score_profile_taken(st[i]))
			return false;
	return true;
}

static void
rest(struct learning *l)
{
	ks_profile_destroy(l->old);
	l->old = NULL;
	deltas_drop(l);
	l->state = LEARNING_REST;
}

static int
save(struct ks_gateway *gw)
{
	if (gw->p.profile_path == NULL)
		return -ENOENT;
	return ks_store_profile_save(gw->p.profile_path, gw->learning.profile);
}

static void
save_when_due(struct ks_gateway *gw, const struct ks_now *now)
{
	struct learning *l = &gw->learning;
	struct ks_control *c = &gw->control;
	bool due = gw->p.profile_save_s > 0 && now->mono_us >= l->save_next_us;

	if (!due && l->save_round == c->save_done)
		return;
	c->save_result = save(gw);
	if (c->save_result != 0 && gw->p.profile_path != NULL)
		KS_LOG(pipeline, ERR, "profile_save_failed path=%s errno=%d", gw->p.profile_path,
		       -c->save_result);
	c->save_done = l->save_round;
	pthread_cond_broadcast(&c->saved);
	l->save_next_us = now->mono_us + gw->p.profile_save_s * 1000000ull;
}

void
learning_turn(struct ks_gateway *gw, const struct ks_now *now)
{
	struct learning *l = &gw->learning;

	switch (l->state) {
	case LEARNING_REST:
		/* A save on command wants what was learned up to now: it waits for a round. */
		if (now->mono_us < l->next_us && gw->control.save_wanted == gw->control.save_done)
			break;
		l->next_us = now->mono_us + ROUND_US;
		ask(gw);
		break;
	case LEARNING_ASKED:
		if (!all_answered(gw))
			break;
		if (l->ndeltas == 0) {
			l->state = LEARNING_REST;
			save_when_due(gw, now);
			break;
		}
		publish(gw, now);
		break;
	case LEARNING_GIVEN:
		if (!all_taken(gw))
			break;
		rest(l);
		save_when_due(gw, now);
		break;
	}
}

void
learning_init(struct ks_gateway *gw)
{
	gw->learning.profile = gw->p.profile;
	if (gw->p.profile != NULL)
		ks_profile_stats_get(gw->p.profile, &gw->control.profile);
}

/** Workers have stopped: what they have learned since the last round is merged here. */
void
learning_fini(struct ks_gateway *gw)
{
	struct learning *l = &gw->learning;
	uint32_t n;
	struct stage **st = scorers(gw, &n);
	struct ks_now now = gw->control.now;

	if (l->profile == NULL)
		return;
	for (int round = 0; n > 0 && st[n - 1] != NULL && round < 8; round++) {
		for (uint32_t i = 0; i < n; i++)
			(void)st[i]->poll(st[i], &now);
		l->next_us = round < 4 ? 0 : UINT64_MAX;
		learning_turn(gw, &now);
	}
	/* One that was never complete has nothing to say. */
	if (gw->p.profile_path != NULL && gw->nworkers == gw->p.nworkers)
		(void)save(gw);
	for (uint32_t i = 0; i < n; i++)
		stage_score_destroy(st[i]);
	gw->nstages[KS_STAGE_SCORE] = 0;
	rest(l);
	ks_profile_destroy(l->profile);
	l->profile = NULL;
}
