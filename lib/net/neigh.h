/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbour table: sets of eight entries, chosen by a keyed hash of the address. Bounded in memory
 * and in the work of one look-up; a full set gives up its least useful entry.
 *
 * Refuses to know ARP or ND: it keeps what they find out.
 * Thread: the RX stage.
 */
#ifndef KS_NET_NEIGH_H
#define KS_NET_NEIGH_H

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "ks_addr.h"

#define KS_NEIGH_WAYS 8u
#define KS_NEIGH_WAITING 8

enum ks_neigh_state {
	KS_NEIGH_FREE,
	KS_NEIGH_INCOMPLETE, /* asked, no answer yet; packets may wait */
	KS_NEIGH_REACHABLE,
};

struct ks_neigh {
	struct ks_addr addr;
	struct rte_ether_hdr header; /* as frames to it begin */
	uint8_t state;
	uint8_t tries; /* requests sent since it was last heard of */
	uint8_t nwaiting;
	uint64_t used_us; /* when a packet last went to it; 0: never */
	uint64_t confirmed_us;
	uint64_t retry_us;
	struct rte_mbuf *waiting[KS_NEIGH_WAITING]; /* oldest first */
};

struct ks_neigh_table {
	struct ks_neigh *entries;
	uint32_t nsets;	   /* a power of two */
	uint32_t nwaiting; /* packets in all queues */
	uint64_t key;
};

/** @param n entries, rounded up to whole sets and a power of two. @return 0 or -ENOMEM. */
int ks_neigh_table_init(struct ks_neigh_table *table, uint32_t n, uint64_t key);
void ks_neigh_table_fini(struct ks_neigh_table *table);
/** @return NULL when there is no entry for the address. */
struct ks_neigh *ks_neigh_find(const struct ks_neigh_table *table, const struct ks_addr *addr);
/**
 * The entry that a new neighbour of this address shall have: a free one, else the one that is
 * missed least. Unused entries come before used ones, unanswered before answered, old before new.
 * What waits in it is the caller's to drop.
 */
struct ks_neigh *ks_neigh_victim(const struct ks_neigh_table *table, const struct ks_addr *addr);

#endif
