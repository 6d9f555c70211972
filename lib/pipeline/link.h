/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link: a single-producer single-consumer ring between two stage instances, with what an operator
 * wants to know of it. The producer's and the consumer's numbers stand on cache lines of their own.
 */
#ifndef KS_PIPELINE_LINK_H
#define KS_PIPELINE_LINK_H

#include <rte_ring.h>

#include "ks_counter.h"

struct link {
	struct rte_ring *ring;
	char from[24], to[24];
	bool (*full)(void *arg); /**< failure injection: true means "full" */
	void *full_arg;
	struct {
		uint64_t bursts, items, stalls;
	} put __rte_cache_aligned; /**< written by the producer */
	struct {
		uint32_t depth_max;
	} get __rte_cache_aligned; /**< written by the consumer, who sees the depth for free */
};

/** @param size a power of two. @return 0 or -ENOMEM. */
int link_init(struct link *link, const char *from, const char *to, uint32_t size);
/** Whatever is still in it belongs to the caller. */
void link_fini(struct link *link);

/** @return how many went in; fewer than `n` counts as a stall. */
static inline uint32_t
link_put(struct link *link, void *const *objs, uint32_t n)
{
	uint32_t done;

	if (ks_unlikely(link->full != NULL) && link->full(link->full_arg))
		done = 0;
	else
		done = rte_ring_sp_enqueue_burst(link->ring, objs, n, NULL);
	ks_count(&link->put.bursts);
	ks_count_add(&link->put.items, done);
	if (ks_unlikely(done < n))
		ks_count(&link->put.stalls);
	return done;
}

static inline uint32_t
link_get(struct link *link, void **objs, uint32_t n)
{
	uint32_t left, done = rte_ring_sc_dequeue_burst(link->ring, objs, n, &left);

	if (ks_unlikely(done + left > link->get.depth_max))
		__atomic_store_n(&link->get.depth_max, done + left, __ATOMIC_RELAXED);
	return done;
}

#endif
