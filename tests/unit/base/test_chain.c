/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ks_chain against a flat array of bytes: random operations, with and without failing pools; no
 * chunk may leak and no empty chain may hold one.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_chain.h"
#include "ks_test.h"
#include "rand.h"

#define CHUNKS 64u
#define FLAT_MAX (CHUNKS * KS_CHUNK_BYTES)

struct flat {
	uint32_t len;
	uint8_t data[2 * FLAT_MAX];
};

struct pair {
	struct ks_pool *pool;
	struct ks_chain chain[2];
	struct flat flat[2];
	struct ks_rand r;
};

static void
flat_add(struct flat *flat, const void *data, uint32_t n)
{
	memcpy(flat->data + flat->len, data, n);
	flat->len += n;
}

static void
flat_drop(struct flat *flat, uint32_t n)
{
	flat->len -= n;
	memmove(flat->data, flat->data + n, flat->len);
}

static void
check(struct pair *t, uint32_t which)
{
	const struct ks_chain *chain = &t->chain[which];
	const struct flat *flat = &t->flat[which];
	static uint8_t copy[2 * FLAT_MAX];
	uint32_t len;
	const uint8_t *front = ks_chain_front(chain, &len);

	CU_ASSERT_EQUAL_FATAL(chain->len, flat->len);
	CU_ASSERT_EQUAL_FATAL(ks_chain_peek(chain, 0, copy, sizeof(copy)), flat->len);
	CU_ASSERT_EQUAL_FATAL(memcmp(copy, flat->data, flat->len), 0);
	CU_ASSERT_EQUAL_FATAL(front == NULL, flat->len == 0);
	CU_ASSERT_EQUAL_FATAL(len == 0, flat->len == 0);
	if (front != NULL)
		CU_ASSERT_EQUAL_FATAL(memcmp(front, flat->data, len), 0);
	if (flat->len == 0)
		CU_ASSERT_PTR_NULL_FATAL(chain->head);
}

static uint32_t
some_length(struct ks_rand *r)
{
	static const uint32_t scale[] = {2, 20, 600, KS_CHUNK_BYTES + 2, 3 * KS_CHUNK_BYTES};

	return ks_rand_below(r, scale[ks_rand_below(r, KS_ARRAY_SIZE(scale))]);
}

/* Few different bytes, so that searches meet many beginnings of a match. */
static void
some_bytes(struct ks_rand *r, uint8_t *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = (uint8_t)("abcd"[ks_rand_below(r, 4)]);
}

static void
do_append(struct pair *t, uint32_t which)
{
	uint8_t data[3 * KS_CHUNK_BYTES];
	uint32_t n = some_length(&t->r);
	uint32_t free_before = ks_pool_free_count(t->pool);
	int rc;

	some_bytes(&t->r, data, n);
	rc = ks_chain_append(&t->chain[which], data, n);
	CU_ASSERT_TRUE_FATAL(rc == 0 || rc == -ENOBUFS);
	if (rc == 0)
		flat_add(&t->flat[which], data, n);
	else
		CU_ASSERT_EQUAL_FATAL(ks_pool_free_count(t->pool), free_before);
}

static void
do_reserve(struct pair *t, uint32_t which)
{
	uint32_t room, n;
	uint8_t *p = ks_chain_reserve(&t->chain[which], &room);

	if (p == NULL) {
		CU_ASSERT_EQUAL_FATAL(room, 0);
		return;
	}
	CU_ASSERT_TRUE_FATAL(room >= 1 && room <= KS_CHUNK_BYTES);
	n = ks_rand_below(&t->r, 3) == 0 ? 0 : ks_rand_below(&t->r, room + 1);
	some_bytes(&t->r, p, n);
	flat_add(&t->flat[which], p, n);
	ks_chain_commit(&t->chain[which], n);
}

static void
do_consume(struct pair *t, uint32_t which)
{
	uint32_t n = some_length(&t->r);

	ks_chain_consume(&t->chain[which], n);
	flat_drop(&t->flat[which], KS_MIN(n, t->flat[which].len));
}

static void
do_move(struct pair *t, uint32_t which)
{
	struct flat *src = &t->flat[which], *dst = &t->flat[!which];
	uint32_t n = some_length(&t->r);
	uint32_t moved = ks_chain_move(&t->chain[!which], &t->chain[which], n);

	CU_ASSERT_TRUE_FATAL(moved <= KS_MIN(n, src->len));
	flat_add(dst, src->data, moved);
	flat_drop(src, moved);
}

static void
do_splice(struct pair *t, uint32_t which)
{
	struct flat *src = &t->flat[which], *dst = &t->flat[!which];

	ks_chain_splice(&t->chain[!which], &t->chain[which]);
	flat_add(dst, src->data, src->len);
	src->len = 0;
}

static void
do_peek(struct pair *t, uint32_t which)
{
	const struct flat *flat = &t->flat[which];
	uint8_t copy[100];
	uint32_t off = ks_rand_below(&t->r, flat->len + 2), n = ks_rand_below(&t->r, 100);
	uint32_t want = off >= flat->len ? 0 : KS_MIN(n, flat->len - off);

	CU_ASSERT_EQUAL_FATAL(ks_chain_peek(&t->chain[which], off, copy, n), want);
	if (want > 0)
		CU_ASSERT_EQUAL_FATAL(memcmp(copy, flat->data + off, want), 0);
}

static void
do_find(struct pair *t, uint32_t which)
{
	const struct flat *flat = &t->flat[which];
	uint8_t needle[8];
	uint32_t n = 1 + ks_rand_below(&t->r, 8), from = ks_rand_below(&t->r, flat->len + 2);
	const uint8_t *hit = NULL;

	some_bytes(&t->r, needle, n);
	if (from < flat->len)
		hit = memmem(flat->data + from, flat->len - from, needle, n);
	CU_ASSERT_EQUAL_FATAL(ks_chain_find(&t->chain[which], from, needle, n),
			      hit == NULL ? -1 : hit - flat->data);
}

static void
do_clear(struct pair *t, uint32_t which)
{
	if (ks_rand_below(&t->r, 20) != 0)
		return;
	ks_chain_clear(&t->chain[which]);
	t->flat[which].len = 0;
}

static void
run(struct pair *t, uint32_t steps)
{
	static void (*const ops[])(struct pair *, uint32_t) = {
		do_append, do_reserve, do_consume, do_move, do_splice, do_peek, do_find, do_clear,
	};

	for (uint32_t i = 0; i < steps; i++) {
		ops[ks_rand_below(&t->r, KS_ARRAY_SIZE(ops))](t, ks_rand_below(&t->r, 2));
		check(t, 0);
		check(t, 1);
	}
	ks_chain_clear(&t->chain[0]);
	ks_chain_clear(&t->chain[1]);
	CU_ASSERT_EQUAL(ks_pool_free_count(t->pool), CHUNKS);
}

static bool
one_in_four(void *arg)
{
	return ks_rand_below(arg, 4) == 0;
}

static void
behaves_like_an_array(bool failing)
{
	struct pair *t = calloc(1, sizeof(*t));

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct ks_rand fail = {seed};

		t->pool = ks_chunk_pool_create("chunks", CHUNKS);
		t->r.state = seed;
		t->flat[0].len = t->flat[1].len = 0;
		ks_chain_init(&t->chain[0], t->pool);
		ks_chain_init(&t->chain[1], t->pool);
		if (failing)
			ks_pool_fail_set(t->pool, one_in_four, &fail);
		run(t, 600);
		ks_pool_destroy(t->pool);
	}
	free(t);
}

static void
like_an_array(void)
{
	behaves_like_an_array(false);
}

static void
like_an_array_when_the_pool_fails(void)
{
	behaves_like_an_array(true);
}

static void
append_is_all_or_nothing(void)
{
	struct ks_pool *pool = ks_chunk_pool_create("two", 2);
	static uint8_t data[3 * KS_CHUNK_BYTES];
	struct ks_chain chain;

	ks_chain_init(&chain, pool);
	CU_ASSERT_EQUAL(ks_chain_append(&chain, data, 10), 0);
	CU_ASSERT_EQUAL(ks_chain_append(&chain, data, 2 * KS_CHUNK_BYTES - 9), -ENOBUFS);
	CU_ASSERT_EQUAL(chain.len, 10);
	CU_ASSERT_EQUAL(ks_pool_free_count(pool), 1);
	CU_ASSERT_EQUAL(ks_chain_append(&chain, data, 2 * KS_CHUNK_BYTES - 10), 0);
	CU_ASSERT_EQUAL(chain.len, 2 * KS_CHUNK_BYTES);
	CU_ASSERT_EQUAL(ks_pool_free_count(pool), 0);
	ks_chain_clear(&chain);
	ks_pool_destroy(pool);
}

/* A peer that sends byte by byte must not make each byte cost a chunk. */
static void
single_bytes_share_chunks(void)
{
	struct ks_pool *pool = ks_chunk_pool_create("bytes", 16);
	struct ks_chain dst, src;

	ks_chain_init(&dst, pool);
	ks_chain_init(&src, pool);
	for (uint32_t i = 0; i < 4000; i++) {
		CU_ASSERT_EQUAL_FATAL(ks_chain_append(&src, "x", 1), 0);
		if (i % 2 == 0)
			ks_chain_splice(&dst, &src);
		else
			CU_ASSERT_EQUAL_FATAL(ks_chain_move(&dst, &src, 1), 1);
	}
	CU_ASSERT_EQUAL(dst.len, 4000);
	CU_ASSERT_EQUAL(ks_pool_free_count(pool), 14);
	ks_chain_clear(&dst);
	ks_pool_destroy(pool);
}

static void
find_refuses_long_needles(void)
{
	struct ks_pool *pool = ks_chunk_pool_create("find", 2);
	struct ks_chain chain;

	ks_chain_init(&chain, pool);
	ks_chain_append(&chain, "0123456789", 10);
	CU_ASSERT_EQUAL(ks_chain_find(&chain, 0, "01234567", 8), 0);
	CU_ASSERT_EQUAL(ks_chain_find(&chain, 0, "012345678", 9), -1);
	CU_ASSERT_EQUAL(ks_chain_find(&chain, 0, "", 0), -1);
	ks_chain_clear(&chain);
	ks_pool_destroy(pool);
}

/* No pool of a test is that large, so the length is made up. */
static void
the_length_cannot_overflow(void)
{
	struct ks_pool *pool = ks_chunk_pool_create("long", 2);
	struct ks_chain chain;
	uint32_t room;

	ks_chain_init(&chain, pool);
	chain.len = UINT32_MAX - KS_CHUNK_BYTES - 2;
	CU_ASSERT_EQUAL(ks_chain_append(&chain, "abc", 3), -ENOBUFS);
	CU_ASSERT_EQUAL(ks_chain_append(&chain, "ab", 2), 0);
	CU_ASSERT_EQUAL(ks_pool_free_count(pool), 1);
	ks_chain_clear(&chain);
	chain.len = UINT32_MAX - KS_CHUNK_BYTES + 1;
	CU_ASSERT_PTR_NULL(ks_chain_reserve(&chain, &room));
	CU_ASSERT_EQUAL(ks_pool_free_count(pool), 2);
	ks_pool_destroy(pool);
}

static const struct ks_test tests[] = {
	KS_TEST(like_an_array),
	KS_TEST(like_an_array_when_the_pool_fails),
	KS_TEST(append_is_all_or_nothing),
	KS_TEST(single_bytes_share_chunks),
	KS_TEST(find_refuses_long_needles),
	KS_TEST(the_length_cannot_overflow),
};

KS_TEST_MAIN("base_chain", tests)
