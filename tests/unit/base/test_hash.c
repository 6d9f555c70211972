/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes against published vectors, the log limiter, and the clock.
 */
#include "ks_hash.h"
#include "ks_log.h"
#include "ks_test.h"

/* From the SipHash paper, appendix A: key 00…0f, input 00…0e. */
static void
siphash_vector(void)
{
	struct ks_hash_key key;
	uint8_t in[15];

	for (uint8_t i = 0; i < 16; i++)
		key.bytes[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		in[i] = i;
	CU_ASSERT_EQUAL(ks_siphash(&key, in, sizeof(in)), 0xa129ca6149be45e5);
	key.bytes[3] ^= 1;
	CU_ASSERT_NOT_EQUAL(ks_siphash(&key, in, sizeof(in)), 0xa129ca6149be45e5);
}

static void
hash64_has_a_seed_and_no_zero(void)
{
	CU_ASSERT_EQUAL(ks_hash64(7, "pods", 4), ks_hash64(7, "pods", 4));
	CU_ASSERT_NOT_EQUAL(ks_hash64(7, "pods", 4), ks_hash64(8, "pods", 4));
	CU_ASSERT_NOT_EQUAL(ks_hash64(7, "pods", 4), ks_hash64(7, "node", 4));
	/* XXH3-64 of nothing with seed 0, from its specification's test vectors. */
	CU_ASSERT_EQUAL(ks_hash64(0, "", 0), 0x2d06800538d394c2);
}

static void
token_hash_is_keyed(void)
{
	struct ks_hash_key a = {{1}}, b = {{2}};
	uint8_t x[16], y[16], z[16];

	ks_token_hash(&a, "token", 5, x);
	ks_token_hash(&a, "token", 5, y);
	ks_token_hash(&b, "token", 5, z);
	CU_ASSERT_EQUAL(memcmp(x, y, 16), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(x, z, 16), 0);
	ks_token_hash(&a, "tokem", 5, z);
	CU_ASSERT_NOT_EQUAL(memcmp(x, z, 16), 0);
}

static void
random_keys_differ(void)
{
	struct ks_hash_key a = {{0}}, b = {{0}};

	ks_hash_key_random(&a);
	ks_hash_key_random(&b);
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
}

static void
wipe_leaves_zeros(void)
{
	static const uint8_t zero[32];
	uint8_t secret[32];

	memset(secret, 0x5a, sizeof(secret));
	ks_wipe(secret, sizeof(secret));
	CU_ASSERT_EQUAL(memcmp(secret, zero, sizeof(zero)), 0);
}

static void
log_lines_are_held_back(void)
{
	struct ks_log_limiter limiter = {0};
	uint64_t held = 99;

	CU_ASSERT_TRUE(ks_log_limit(&limiter, 5, &held));
	CU_ASSERT_EQUAL(held, 0);
	for (uint64_t now = 6; now < 1000005; now += 1000)
		CU_ASSERT_FALSE(ks_log_limit(&limiter, now, &held));
	CU_ASSERT_TRUE(ks_log_limit(&limiter, 1000005, &held));
	CU_ASSERT_EQUAL(held, 1000);
	CU_ASSERT_TRUE(ks_log_limit(&limiter, 9000005, &held));
	CU_ASSERT_EQUAL(held, 0);
}

static void
clock_goes_forward(void)
{
	struct ks_now a, b;

	ks_now_read(&a);
	ks_now_read(&b);
	CU_ASSERT_TRUE(a.mono_us > 0 && b.mono_us >= a.mono_us);
	CU_ASSERT_TRUE(a.wall_s > 1700000000 && b.wall_s >= a.wall_s);
}

static const struct ks_test tests[] = {
	KS_TEST(siphash_vector),      KS_TEST(hash64_has_a_seed_and_no_zero),
	KS_TEST(token_hash_is_keyed), KS_TEST(random_keys_differ),
	KS_TEST(wipe_leaves_zeros),   KS_TEST(log_lines_are_held_back),
	KS_TEST(clock_goes_forward),
};

KS_TEST_MAIN("base_hash", tests)
