/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RECORD: the last stage of an exchange. Shows it to the control core's books and sends it home to
 * be freed. Runs on the control core.
 */
#include <stdlib.h>

#include "stage.h"

struct record {
	struct stage base; /**< first */
	struct wiring *wiring;
	void (*fn)(void *arg, const struct ks_exchange *ex);
	void *arg;
	struct ks_exchange *held;
};

static bool
send_home(struct record *st, struct ks_exchange *ex)
{
	void *obj = ex;

	st->held = NULL;
	if (link_put(st->wiring->freed[ex->owner], &obj, 1) == 1)
		return true;
	st->held = ex;
	st->base.stalls++;
	return false;
}

static uint32_t
take(struct record *st, struct link *link)
{
	struct ks_exchange *ex;
	uint32_t done = 0;

	while (done < 4 * STAGE_BURST && (st->held == NULL || send_home(st, st->held)) &&
	       link_get(link, (void **)&ex, 1) == 1) {
		st->fn(st->arg, ex);
		(void)send_home(st, ex);
		done++;
	}
	return done;
}

static uint32_t
record_poll(struct stage *stage, const struct ks_now *now)
{
	struct record *st = (struct record *)stage;
	uint32_t done = 0;

	(void)now;
	for (uint32_t i = 0; i < st->wiring->nscore; i++)
		done += take(st, st->wiring->record[i]);
	return done;
}

struct stage *
stage_record_create(struct wiring *wiring, void (*fn)(void *arg, const struct ks_exchange *ex),
		    void *arg)
{
	struct record *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->base.poll = record_poll;
	st->wiring = wiring;
	st->fn = fn;
	st->arg = arg;
	return &st->base;
}

void
stage_record_destroy(struct stage *stage)
{
	free(stage);
}
