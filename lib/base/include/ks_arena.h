/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena of contiguous blocks (binary buddy) in one mapping: request heads, bodies, field lists.
 *
 * Contiguous, because Hyperscan in block mode and the body decoders want it so; a buddy, because
 * the budget must be exact: what was admitted is reserved, what is freed can be admitted again.
 * Thread: one owner allocates and frees; others may read and write the blocks handed to them.
 */
#ifndef KS_ARENA_H
#define KS_ARENA_H

#include "ks_base.h"

struct ks_arena;

#define KS_ARENA_MIN_BYTES 2048u

/**
 * @param bytes the budget; rounded up to a multiple of `max_block`.
 * @param max_block largest block, a power of two ≥ KS_ARENA_MIN_BYTES.
 */
struct ks_arena *ks_arena_create(const char *name, size_t bytes, size_t max_block);
void ks_arena_destroy(struct ks_arena *arena);
/** @return a 64-byte aligned block of at least `bytes`, or NULL (counted). 0 bytes gives NULL. */
void *ks_arena_alloc(struct ks_arena *arena, size_t bytes);
/** Size that a block of `bytes` really takes; 0 when larger than the largest block. */
size_t ks_arena_block_bytes(const struct ks_arena *arena, size_t bytes);
/** NULL is allowed. */
void ks_arena_free(struct ks_arena *arena, void *block);

struct ks_arena_stats {
	const char *name;
	size_t size_bytes;
	size_t used_bytes;
	size_t used_max_bytes;
	uint64_t refused; /**< allocations that found no block */
};
void ks_arena_stats_get(const struct ks_arena *arena, struct ks_arena_stats *out);
void ks_arena_fail_set(struct ks_arena *arena, bool (*fail)(void *arg), void *arg);

#endif
