/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MATCH: takes exchanges from TERMINATE, lets the match room look at them, hands them to SCORE.
 * What a full link does not take waits here, and while something waits nothing more is taken.
 */
#include <stdlib.h>

#include "stage.h"

struct match {
	struct stage base; /**< first */
	struct wiring *wiring;
	uint32_t index;
	struct ks_matcher *matcher;
	struct ks_exchange *held; /**< the one that the link to SCORE did not take */
};

static bool
pass_on(struct match *st, struct ks_exchange *ex)
{
	uint32_t to = route(ex->route_hash, st->wiring->nscore);
	void *obj = ex;

	if (link_put(st->wiring->matched[st->index][to], &obj, 1) == 1)
		return true;
	st->held = ex;
	st->base.stalls++;
	return false;
}

static bool
held_cleared(struct match *st)
{
	struct ks_exchange *ex = st->held;

	st->held = NULL;
	return ex == NULL || pass_on(st, ex);
}

/** A burst from each owner: a busy one does not keep the others waiting. */
static uint32_t
take(struct match *st, struct link *link)
{
	struct ks_exchange *ex;
	uint32_t done = 0;

	while (done < STAGE_BURST && held_cleared(st) && link_get(link, (void **)&ex, 1) == 1) {
		ks_match_exchange(st->matcher, ex);
		(void)pass_on(st, ex);
		done++;
	}
	return done;
}

static uint32_t
match_poll(struct stage *stage, const struct ks_now *now)
{
	struct match *st = (struct match *)stage;
	uint32_t done = 0;

	(void)now;
	for (uint32_t i = 0; i < st->wiring->nterminate; i++)
		done += take(st, st->wiring->submit[i][st->index]);
	return done;
}

struct stage *
stage_match_create(const struct ks_match_db *db, struct wiring *wiring, uint32_t index)
{
	struct match *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->base.poll = match_poll;
	st->wiring = wiring;
	st->index = index;
	st->matcher = ks_matcher_create(db);
	if (st->matcher == NULL) {
		free(st);
		return NULL;
	}
	return &st->base;
}

void
stage_match_destroy(struct stage *stage)
{
	if (stage == NULL)
		return;
	ks_matcher_destroy(((struct match *)stage)->matcher);
	free(stage);
}

void
stage_match_stats(const struct stage *stage, struct ks_match_stats *out)
{
	ks_match_stats_get(((const struct match *)stage)->matcher, out);
}
