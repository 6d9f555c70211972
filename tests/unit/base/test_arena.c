/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ks_arena: random allocation against a map of owned bytes, exhaustion, and that everything given
 * back merges into whole blocks again.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_arena.h"
#include "ks_test.h"
#include "rand.h"

#define MAX_BLOCK (64u * KS_ARENA_MIN_BYTES)
#define BLOCKS 5u
#define LIVE 400u

struct held {
	uint8_t *p;
	size_t bytes;
	uint8_t mark;
};

static size_t
used_bytes(const struct ks_arena *arena)
{
	struct ks_arena_stats stats;

	ks_arena_stats_get(arena, &stats);
	return stats.used_bytes;
}

/* All of the budget can be had as largest blocks: nothing is left split. */
static void
assert_whole(struct ks_arena *arena)
{
	void *block[BLOCKS];

	CU_ASSERT_EQUAL(used_bytes(arena), 0);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		block[i] = ks_arena_alloc(arena, MAX_BLOCK);
		CU_ASSERT_PTR_NOT_NULL(block[i]);
	}
	CU_ASSERT_PTR_NULL(ks_arena_alloc(arena, 1));
	for (uint32_t i = 0; i < BLOCKS; i++)
		ks_arena_free(arena, block[i]);
}

static bool
marked(const struct held *held)
{
	for (size_t i = 0; i<held->bytes; i += held->bytes> 64 ? 61 : 1)
		if (held->p[i] != held->mark)
			return false;
	return held->p[held->bytes - 1] == held->mark;
}

static size_t
some_size(struct ks_rand *r)
{
	return 1 + ks_rand_below(r, KS_ARENA_MIN_BYTES << ks_rand_below(r, 7));
}

static void
turn(struct ks_arena *arena, struct held *held, struct ks_rand *r, size_t *used)
{
	if (held->p != NULL) {
		CU_ASSERT_TRUE_FATAL(marked(held));
		*used -= ks_arena_block_bytes(arena, held->bytes);
		ks_arena_free(arena, held->p);
		held->p = NULL;
		return;
	}
	held->bytes = some_size(r);
	held->p = ks_arena_alloc(arena, held->bytes);
	if (held->p == NULL)
		return;
	held->mark = (uint8_t)ks_rand_next(r);
	memset(held->p, held->mark, held->bytes);
	CU_ASSERT_EQUAL_FATAL((uintptr_t)held->p % 64, 0);
	*used += ks_arena_block_bytes(arena, held->bytes);
}

static void
blocks_never_overlap_and_always_merge(void)
{
	for (uint32_t seed = 1; seed <= 10; seed++) {
		struct ks_arena *arena = ks_arena_create("random", BLOCKS * MAX_BLOCK, MAX_BLOCK);
		struct held held[LIVE] = {0};
		struct ks_rand r = {seed};
		struct ks_arena_stats stats;
		size_t used = 0;

		CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
		for (uint32_t i = 0; i < 20000; i++) {
			turn(arena, &held[ks_rand_below(&r, LIVE)], &r, &used);
			CU_ASSERT_EQUAL_FATAL(used_bytes(arena), used);
		}
		ks_arena_stats_get(arena, &stats);
		CU_ASSERT_TRUE(stats.refused > 0);
		CU_ASSERT_TRUE(stats.used_max_bytes <= stats.size_bytes);
		for (uint32_t i = 0; i < LIVE; i++)
			ks_arena_free(arena, held[i].p);
		assert_whole(arena);
		ks_arena_destroy(arena);
	}
}

static void
block_sizes_are_powers_of_two(void)
{
	struct ks_arena *arena = ks_arena_create("sizes", MAX_BLOCK, MAX_BLOCK);

	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, 0), 0);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, 1), 2048);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, 2048), 2048);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, 2049), 4096);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, 4096), 4096);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, 4097), 8192);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, MAX_BLOCK), MAX_BLOCK);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, MAX_BLOCK + 1), 0);
	CU_ASSERT_EQUAL(ks_arena_block_bytes(arena, SIZE_MAX), 0);
	ks_arena_destroy(arena);
}

static void
every_unit_can_be_had(void)
{
	uint32_t n = BLOCKS * MAX_BLOCK / KS_ARENA_MIN_BYTES;
	struct ks_arena *arena = ks_arena_create("units", BLOCKS * MAX_BLOCK, MAX_BLOCK);
	void **units = calloc(n, sizeof(*units));

	for (uint32_t i = 0; i < n; i++) {
		units[i] = ks_arena_alloc(arena, KS_ARENA_MIN_BYTES);
		CU_ASSERT_PTR_NOT_NULL_FATAL(units[i]);
	}
	CU_ASSERT_PTR_NULL(ks_arena_alloc(arena, 1));
	CU_ASSERT_EQUAL(used_bytes(arena), BLOCKS * MAX_BLOCK);
	/* Every second unit free: half of the budget, but no block of two units. */
	for (uint32_t i = 0; i < n; i += 2)
		ks_arena_free(arena, units[i]);
	CU_ASSERT_PTR_NULL(ks_arena_alloc(arena, KS_ARENA_MIN_BYTES + 1));
	for (uint32_t i = 1; i < n; i += 2)
		ks_arena_free(arena, units[i]);
	assert_whole(arena);
	free(units);
	ks_arena_destroy(arena);
}

static void
the_budget_is_whole_blocks(void)
{
	struct ks_arena *arena = ks_arena_create("odd", 2 * MAX_BLOCK + 1, MAX_BLOCK);
	struct ks_arena_stats stats;

	ks_arena_stats_get(arena, &stats);
	CU_ASSERT_EQUAL(stats.size_bytes, 3 * MAX_BLOCK);
	CU_ASSERT_STRING_EQUAL(stats.name, "odd");
	ks_arena_destroy(arena);
}

static void
refuses_impossible_sizes(void)
{
	CU_ASSERT_PTR_NULL(ks_arena_create("no", 0, 4096));
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_PTR_NULL(ks_arena_create("no", 4096, 0));
	CU_ASSERT_PTR_NULL(ks_arena_create("no", 4096, 3000));
	CU_ASSERT_PTR_NULL(ks_arena_create("no", 4096, 1024));
	CU_ASSERT_PTR_NULL(ks_arena_create("no", SIZE_MAX, 4096));
	ks_arena_destroy(NULL);
}

static bool
always(void *arg)
{
	return *(bool *)arg;
}

static void
counts_refusals(void)
{
	struct ks_arena *arena = ks_arena_create("refuses", MAX_BLOCK, MAX_BLOCK);
	struct ks_arena_stats stats;
	bool on = true;

	CU_ASSERT_PTR_NULL(ks_arena_alloc(arena, 0));
	CU_ASSERT_PTR_NULL(ks_arena_alloc(arena, MAX_BLOCK + 1));
	ks_arena_fail_set(arena, always, &on);
	CU_ASSERT_PTR_NULL(ks_arena_alloc(arena, 1));
	on = false;
	ks_arena_free(arena, ks_arena_alloc(arena, 1));
	ks_arena_fail_set(arena, NULL, NULL);
	ks_arena_free(arena, NULL);
	ks_arena_stats_get(arena, &stats);
	CU_ASSERT_EQUAL(stats.refused, 3);
	CU_ASSERT_EQUAL(stats.used_max_bytes, 2048);
	ks_arena_destroy(arena);
}

static const struct ks_test tests[] = {
	KS_TEST(blocks_never_overlap_and_always_merge),
	KS_TEST(block_sizes_are_powers_of_two),
	KS_TEST(every_unit_can_be_had),
	KS_TEST(the_budget_is_whole_blocks),
	KS_TEST(refuses_impossible_sizes),
	KS_TEST(counts_refusals),
};

KS_TEST_MAIN("base_arena", tests)
