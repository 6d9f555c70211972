/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbour table; see neigh.h.
 * Thread: the RX stage.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_hash.h"
#include "neigh.h"

int
ks_neigh_table_init(struct ks_neigh_table *table, uint32_t n, uint64_t key)
{
	uint32_t nsets = 1;

	while (nsets < (n + KS_NEIGH_WAYS - 1) / KS_NEIGH_WAYS)
		nsets *= 2;
	table->entries = calloc((size_t)nsets * KS_NEIGH_WAYS, sizeof(*table->entries));
	table->nsets = nsets;
	table->nwaiting = 0;
	table->key = key;
	return table->entries == NULL ? -ENOMEM : 0;
}

void
ks_neigh_table_fini(struct ks_neigh_table *table)
{
	free(table->entries);
	table->entries = NULL;
}

static struct ks_neigh *
set_of(const struct ks_neigh_table *table, const struct ks_addr *addr)
{
	uint64_t hash = ks_hash64(table->key, addr, sizeof(*addr));

	return &table->entries[(hash & (table->nsets - 1)) * KS_NEIGH_WAYS];
}

struct ks_neigh *
ks_neigh_find(const struct ks_neigh_table *table, const struct ks_addr *addr)
{
	struct ks_neigh *set = set_of(table, addr);

	for (uint32_t i = 0; i < KS_NEIGH_WAYS; i++)
		if (set[i].state != KS_NEIGH_FREE && ks_addr_eq(&set[i].addr, addr))
			return &set[i];
	return NULL;
}

/* Larger is missed more. The answered ones are never given up for a flood of unanswered. */
static uint64_t
worth(const struct ks_neigh *neigh)
{
	if (neigh->state == KS_NEIGH_FREE)
		return 0;
	if (neigh->state == KS_NEIGH_INCOMPLETE)
		return 1 + (neigh->used_us >> 2);
	if (neigh->used_us == 0)
		return ((uint64_t)1 << 62) + (neigh->confirmed_us >> 2);
	return ((uint64_t)1 << 63) + (neigh->used_us >> 2);
}

struct ks_neigh *
ks_neigh_victim(const struct ks_neigh_table *table, const struct ks_addr *addr)
{
	struct ks_neigh *set = set_of(table, addr), *least = set;

	for (uint32_t i = 1; i < KS_NEIGH_WAYS; i++)
		if (worth(&set[i]) < worth(least))
			least = &set[i];
	return least;
}
