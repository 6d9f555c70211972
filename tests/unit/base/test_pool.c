/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ks_pool: exhaustion, order, handles of ended lives, failure injection, poison.
 */
#include <errno.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

#include "ks_pool.h"
#include "ks_test.h"
#include "rand.h"

#define MANY 4096u

static void
gives_each_object_once(void)
{
	/* 1 … 200 bytes: strides with odd and even multiples of a cache line. */
	for (size_t size = 1; size <= 4096; size = size * 3 + 7) {
		struct ks_pool *pool = ks_pool_create("each", 100, size);
		uint8_t *objs[100];

		CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
		for (uint32_t i = 0; i < 100; i++) {
			objs[i] = ks_pool_get(pool);
			CU_ASSERT_PTR_NOT_NULL_FATAL(objs[i]);
			CU_ASSERT_EQUAL((uintptr_t)objs[i] % 64, 0);
			memset(objs[i], (int)i, size);
		}
		CU_ASSERT_PTR_NULL(ks_pool_get(pool));
		CU_ASSERT_EQUAL(ks_pool_free_count(pool), 0);
		for (uint32_t i = 0; i < 100; i++) {
			CU_ASSERT_EQUAL(objs[i][0], i);
			CU_ASSERT_EQUAL(objs[i][size - 1], i);
			ks_pool_put(pool, objs[i]);
		}
		CU_ASSERT_EQUAL(ks_pool_free_count(pool), 100);
		ks_pool_destroy(pool);
	}
}

static void
gives_the_last_freed_first(void)
{
	struct ks_pool *pool = ks_pool_create("lifo", 8, 32);
	void *a = ks_pool_get(pool), *b = ks_pool_get(pool);

	ks_pool_put(pool, a);
	ks_pool_put(pool, b);
	CU_ASSERT_PTR_EQUAL(ks_pool_get(pool), b);
	CU_ASSERT_PTR_EQUAL(ks_pool_get(pool), a);
	ks_pool_destroy(pool);
}

static void
a_handle_ends_with_its_life(void)
{
	struct ks_pool *pool = ks_pool_create("handles", 4, 100);
	void *a = ks_pool_get(pool);
	ks_handle_t first = ks_pool_handle(pool, a);
	ks_handle_t second;

	CU_ASSERT_NOT_EQUAL(first, 0);
	CU_ASSERT_PTR_EQUAL(ks_pool_at(pool, first), a);
	ks_pool_put(pool, a);
	CU_ASSERT_PTR_NULL(ks_pool_at(pool, first));
	CU_ASSERT_PTR_EQUAL(ks_pool_get(pool), a);
	second = ks_pool_handle(pool, a);
	CU_ASSERT_NOT_EQUAL(first, second);
	CU_ASSERT_PTR_NULL(ks_pool_at(pool, first));
	CU_ASSERT_PTR_EQUAL(ks_pool_at(pool, second), a);
	ks_pool_destroy(pool);
}

static void
garbage_is_no_handle(void)
{
	struct ks_pool *pool = ks_pool_create("garbage", MANY, 64);
	struct ks_rand r = {1};
	uint32_t hits = 0;

	CU_ASSERT_PTR_NULL(ks_pool_at(pool, 0));
	CU_ASSERT_PTR_NULL(ks_pool_at(pool, UINT64_MAX));
	for (uint64_t index = 0; index < MANY; index++)
		hits += ks_pool_at(pool, index) != NULL;
	for (uint32_t i = 0; i < 100000; i++)
		hits += ks_pool_at(pool, ks_rand_next(&r)) != NULL;
	CU_ASSERT_EQUAL(hits, 0);
	ks_pool_destroy(pool);
}

/* Random gets and puts against a table of what is out. */
static void
many_lives(void)
{
	struct ks_pool *pool = ks_pool_create("lives", MANY, 200);
	static void *out[MANY];
	static ks_handle_t handle[MANY], ended[MANY];
	struct ks_rand r = {2};
	uint32_t n = 0;

	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t at = ks_rand_below(&r, MANY);

		if (out[at] == NULL) {
			out[at] = ks_pool_get(pool);
			CU_ASSERT_PTR_NOT_NULL_FATAL(out[at]);
			handle[at] = ks_pool_handle(pool, out[at]);
			n++;
		} else {
			CU_ASSERT_PTR_EQUAL_FATAL(ks_pool_at(pool, handle[at]), out[at]);
			ks_pool_put(pool, out[at]);
			ended[at] = handle[at];
			out[at] = NULL;
			n--;
		}
		CU_ASSERT_PTR_NULL_FATAL(ks_pool_at(pool, ended[ks_rand_below(&r, MANY)]));
		CU_ASSERT_EQUAL_FATAL(ks_pool_free_count(pool), MANY - n);
	}
	ks_pool_destroy(pool);
}

static void
counts_what_happened(void)
{
	struct ks_pool *pool = ks_pool_create("counted", 3, 65);
	struct ks_pool_stats stats;
	void *a, *b;

	a = ks_pool_get(pool);
	b = ks_pool_get(pool);
	ks_pool_put(pool, a);
	ks_pool_stats_get(pool, &stats);
	CU_ASSERT_STRING_EQUAL(stats.name, "counted");
	CU_ASSERT_EQUAL(stats.size, 3);
	CU_ASSERT_EQUAL(stats.used, 1);
	CU_ASSERT_EQUAL(stats.used_max, 2);
	CU_ASSERT_EQUAL(stats.obj_bytes, 128);
	CU_ASSERT_EQUAL(stats.empty, 0);
	for (int i = 0; i < 5; i++)
		ks_pool_get(pool);
	ks_pool_stats_get(pool, &stats);
	CU_ASSERT_EQUAL(stats.used_max, 3);
	CU_ASSERT_EQUAL(stats.empty, 3);
	ks_pool_put(pool, b);
	ks_pool_destroy(pool);
}

static bool
every_third(void *arg)
{
	uint32_t *calls = arg;

	return ++*calls % 3 == 0;
}

static void
fails_when_told(void)
{
	struct ks_pool *pool = ks_pool_create("fails", 100, 16);
	struct ks_pool_stats stats;
	uint32_t calls = 0, got = 0;

	ks_pool_fail_set(pool, every_third, &calls);
	for (int i = 0; i < 30; i++)
		got += ks_pool_get(pool) != NULL;
	CU_ASSERT_EQUAL(calls, 30);
	CU_ASSERT_EQUAL(got, 20);
	ks_pool_fail_set(pool, NULL, NULL);
	for (int i = 0; i < 30; i++)
		got += ks_pool_get(pool) != NULL;
	CU_ASSERT_EQUAL(got, 50);
	ks_pool_stats_get(pool, &stats);
	CU_ASSERT_EQUAL(stats.empty, 10);
	CU_ASSERT_EQUAL(stats.used, 50);
	ks_pool_destroy(pool);
}

static void
refuses_impossible_sizes(void)
{
	CU_ASSERT_PTR_NULL(ks_pool_create("no", 0, 8));
	CU_ASSERT_EQUAL(errno, EINVAL);
	CU_ASSERT_PTR_NULL(ks_pool_create("no", 8, 0));
	CU_ASSERT_PTR_NULL(ks_pool_create("no", UINT32_MAX, 8));
	CU_ASSERT_PTR_NULL(ks_pool_create("no", 1, SIZE_MAX));
	ks_pool_destroy(NULL);
}

static void
poisons_what_is_free(void)
{
#ifdef WITH_ASAN
	struct ks_pool *pool = ks_pool_create("poison", 4, 128);
	uint8_t *a = ks_pool_get(pool);

	CU_ASSERT_PTR_NULL(__asan_region_is_poisoned(a, 128));
	CU_ASSERT_TRUE(__asan_address_is_poisoned(a + 128));
	ks_pool_put(pool, a);
	CU_ASSERT_TRUE(__asan_address_is_poisoned(a));
	CU_ASSERT_TRUE(__asan_address_is_poisoned(a + 127));
	ks_pool_destroy(pool);
#else
	CU_PASS("only AddressSanitizer can see it");
#endif
}

static const struct ks_test tests[] = {
	KS_TEST(gives_each_object_once),
	KS_TEST(gives_the_last_freed_first),
	KS_TEST(a_handle_ends_with_its_life),
	KS_TEST(garbage_is_no_handle),
	KS_TEST(many_lives),
	KS_TEST(counts_what_happened),
	KS_TEST(fails_when_told),
	KS_TEST(refuses_impossible_sizes),
	KS_TEST(poisons_what_is_free),
};

KS_TEST_MAIN("base_pool", tests)
