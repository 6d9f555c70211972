/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FEED: stands in TERMINATE's place where requests do not come from the wire. Owns nothing but the
 * ends of its links: exchanges and their memory belong to the feeder that the caller has given.
 */
#include <stdlib.h>

#include "stage.h"

struct ks_feed {
	struct stage base; /**< first */
	struct wiring *wiring;
	const struct ks_gateway_feeder *feeder;
	uint32_t index;
};

static uint32_t
returns(struct ks_feed *feed, struct link *link,
	void (*fn)(void *arg, struct ks_feed *feed, struct ks_exchange *ex))
{
	struct ks_exchange *ex[STAGE_BURST];
	uint32_t n = link_get(link, (void **)ex, STAGE_BURST);

	for (uint32_t i = 0; i < n; i++)
		fn(feed->feeder->arg, feed, ex[i]);
	return n;
}

static uint32_t
feed_poll(struct stage *stage, const struct ks_now *now)
{
	struct ks_feed *feed = (struct ks_feed *)stage;
	const struct ks_gateway_feeder *feeder = feed->feeder;
	uint32_t done = 0;

	for (uint32_t i = 0; i < feed->wiring->nscore; i++)
		done += returns(feed, feed->wiring->verdict[i][feed->index], feeder->judged);
	done += returns(feed, feed->wiring->freed[feed->index], feeder->freed);
	return done + feeder->poll(feeder->arg, feed, now);
}

static int
put(struct link *link, struct ks_exchange *ex)
{
	void *obj = ex;

	return link_put(link, &obj, 1) == 1 ? 0 : -EAGAIN;
}

uint32_t
ks_feed_index(const struct ks_feed *feed)
{
	return feed->index;
}

int
ks_feed_submit(struct ks_feed *feed, struct ks_exchange *ex)
{
	uint32_t to = route(ex->route_hash, feed->wiring->nmatch);

	return put(feed->wiring->submit[feed->index][to], ex);
}

int
ks_feed_outcome(struct ks_feed *feed, struct ks_exchange *ex)
{
	uint32_t to = route(ex->route_hash, feed->wiring->nscore);

	return put(feed->wiring->outcome[feed->index][to], ex);
}

struct stage *
stage_feed_create(const struct ks_gateway_feeder *feeder, struct wiring *wiring, uint32_t index)
{
	struct ks_feed *feed = calloc(1, sizeof(*feed));

	if (feed == NULL)
		return NULL;
	feed->base.poll = feed_poll;
	feed->wiring = wiring;
	feed->feeder = feeder;
	feed->index = index;
	return &feed->base;
}

void
stage_feed_destroy(struct stage *stage)
{
	free(stage);
}
