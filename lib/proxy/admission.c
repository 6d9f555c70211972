/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admission of request bodies: the whole size is reserved before the first byte is read, and no
 * source and no principal may hold more than its share of the budget.
 *
 * Shares are kept in fixed tables indexed by a keyed hash. Two that fall together share one limit,
 * which errs to the strict side and needs no memory that an attacker could fill. Thread: the
 * TERMINATE owner.
 */
#include "proxy_int.h"

static uint16_t
source_slot(const struct ks_proxy *px, const struct ks_addr *source)
{
	return ks_siphash(&px->share_key, source, sizeof(*source)) % SHARE_SLOTS;
}

static uint16_t
actor_slot(const struct ks_proxy *px, const struct ks_exchange *ex)
{
	uint64_t actor = ks_exchange_actor_key(ex, 0);

	return ks_siphash(&px->share_key, &actor, sizeof(actor)) % SHARE_SLOTS;
}

/** A small body still holds an exchange: it is charged for at least that part of the budget. */
static uint32_t
charge_for(const struct ks_proxy *px, size_t block, size_t budget)
{
	size_t least = budget / px->p.limits.exchanges;

	return KS_MIN(KS_MAX(block, least), (size_t)UINT32_MAX);
}

/**
 * Clients that stop half-way hold what they were given until they are too slow. What must be waited
 * for therefore leaves a part of exchanges and memory to requests that are whole already: else a
 * thousand idlers with a few kilobytes each would stand in everybody's way.
 */
static bool
may_wait(const struct ks_proxy *px, size_t block, const struct ks_arena_stats *stats)
{
	return ks_pool_free_count(px->exchanges) > px->p.limits.exchanges / 4 &&
	       stats->used_bytes + block <= stats->size_bytes - stats->size_bytes / 16;
}

int
admission_body(struct ks_proxy *px, struct ks_exchange *ex, uint64_t bytes, bool whole)
{
	struct ks_arena_stats stats;
	size_t block;
	uint32_t charge;

	if (bytes > px->p.limits.body_bytes)
		return -E2BIG;
	block = ks_arena_block_bytes(px->p.arena, bytes);
	ks_arena_stats_get(px->p.arena, &stats);
	charge = charge_for(px, block, stats.size_bytes);
	ex->charge_source = source_slot(px, &ex->source);
	ex->charge_actor = actor_slot(px, ex);
	if (px->source_share[ex->charge_source] + (uint64_t)charge >
		    stats.size_bytes / 100 * px->p.limits.source_share_percent ||
	    px->actor_share[ex->charge_actor] + (uint64_t)charge >
		    stats.size_bytes / 100 * px->p.limits.principal_share_percent)
		return -EDQUOT;
	if (!whole && !may_wait(px, block, &stats))
		return -ENOMEM;
	ex->body = ks_arena_alloc(px->p.arena, bytes);
	if (ex->body == NULL)
		return -ENOMEM;
	ex->charge_bytes = charge;
	px->source_share[ex->charge_source] += charge;
	px->actor_share[ex->charge_actor] += charge;
	return 0;
}

void
admission_release(struct ks_proxy *px, struct ks_exchange *ex)
{
	px->source_share[ex->charge_source] -= ex->charge_bytes;
	px->actor_share[ex->charge_actor] -= ex->charge_bytes;
	ex->charge_bytes = 0;
}

bool
admission_connection(struct ks_proxy *px, const struct ks_addr *source, uint16_t *slot)
{
	const struct ks_proxy_limits *l = &px->p.limits;

	*slot = source_slot(px, source);
	if (px->source_conns[*slot] >= (uint64_t)l->sessions * l->connection_share_percent / 100)
		return false;
	px->source_conns[*slot]++;
	return true;
}

void
admission_connection_end(struct ks_proxy *px, uint16_t slot)
{
	px->source_conns[slot]--;
}
