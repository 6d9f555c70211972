/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all models: records of one size under a 64-bit key, open addressing, no deletion.
 *
 * Why not rte_hash: it keeps key, data pointer and record in three cache lines and takes its memory
 * from the EAL, which the pure rooms do without; here key and record share a line, a table is
 * copied with one memcpy when a profile is merged, and it is cleared in the time of what it holds.
 * Keys are seeded 64-bit hashes and stand for the thing itself: two of a million meet with 3e-8. A
 * table that is full refuses new records; who owns it decides what goes, by building a new one.
 *
 * Every record begins with its key; 0 marks a free slot.
 * Thread: the owner; any reader while nobody writes.
 */
#ifndef KS_SCORE_TABLE_H
#define KS_SCORE_TABLE_H

#include "ks_base.h"

struct ks_score_table {
	uint8_t *mem;	/**< aligned to a cache line */
	void *raw;	/**< as allocated */
	uint32_t *used; /**< slots in the order in which they were taken */
	uint32_t rec_bytes;
	uint32_t mask;
	uint32_t n;
	uint32_t limit;
};

/** Room for `limit` records. @return 0 or -ENOMEM. */
int ks_score_table_init(struct ks_score_table *table, uint32_t rec_bytes, uint32_t limit);
void ks_score_table_fini(struct ks_score_table *table);
/** Finds or adds (zeroed but for its key). @return NULL when full. */
void *ks_score_table_add(struct ks_score_table *table, uint64_t key);
/** Forgets all records; work in proportion to what it held. */
void ks_score_table_clear(struct ks_score_table *table);
/** A copy with room for `extra` more records. @return 0 or -ENOMEM. */
int ks_score_table_copy(struct ks_score_table *dst, const struct ks_score_table *src,
			uint32_t extra);
size_t ks_score_table_bytes(const struct ks_score_table *table);

static inline void *
table_slot(const struct ks_score_table *table, uint32_t slot)
{
	return table->mem + (size_t)slot * table->rec_bytes;
}

/** The i-th record that was added. */
static inline void *
table_at(const struct ks_score_table *table, uint32_t i)
{
	return table_slot(table, table->used[i]);
}

static inline void *
table_find(const struct ks_score_table *table, uint64_t key)
{
	for (uint32_t slot = (uint32_t)key & table->mask;; slot = (slot + 1) & table->mask) {
		uint64_t *rec = table_slot(table, slot);

		if (*rec == key)
			return rec;
		if (*rec == 0)
			return NULL;
	}
}

static inline void
table_prefetch(const struct ks_score_table *table, uint64_t key)
{
	__builtin_prefetch(table_slot(table, (uint32_t)key & table->mask));
}

/** One key of two parts: the folded product mixes well where both parts are hashes. Never 0. */
static inline uint64_t
key_mix(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
	uint64_t key = (uint64_t)p ^ (uint64_t)(p >> 64);

	return ks_likely(key != 0) ? key : 1;
}

#endif
