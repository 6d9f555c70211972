/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile: merging is commutative and associative, bytes are canonical and come back whole,
 * damage is seen, limits hold, and what is shown is what was learned.
 */
#include <errno.h>
#include <xxhash.h>

#include "ks_test.h"

#include "score_fixture.h"

#define REQUESTS 1500

static const struct ks_score_params params = {.seed = FIXTURE_SEED};
static struct fixture f;

static void *
bytes_of(const struct ks_profile *profile, size_t *n)
{
	void *bytes = ks_profile_encode(profile, n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	return bytes;
}

static bool
profiles_equal(const struct ks_profile *a, const struct ks_profile *b)
{
	size_t an, bn;
	void *ab = bytes_of(a, &an), *bb = bytes_of(b, &bn);
	bool equal = an == bn && memcmp(ab, bb, an) == 0;

	free(ab);
	free(bb);
	return equal;
}

/* Three scorers with what they learned of the town, each request with one of them. */
static void
learn_in_three(struct ks_scorer *scorer[3], const struct ks_profile *empty,
	       struct ks_delta *delta[3])
{
	for (int i = 0; i < 3; i++)
		scorer[i] = ks_scorer_create(&params, empty);
	for (uint32_t i = 0; i < REQUESTS; i++)
		fixture_pass(scorer[i % TOWN_CALLS % 3], town_request(&f, i), KS_MODE_LEARN);
	for (int i = 0; i < 3; i++) {
		delta[i] = ks_scorer_delta_take(scorer[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(delta[i]);
	}
}

static void
merge_is_commutative_and_associative(void)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct ks_profile *empty = ks_profile_create(FIXTURE_SEED), *whole;
	struct ks_scorer *scorer[3];
	struct ks_delta *delta[3];

	learn_in_three(scorer, empty, delta);
	whole = ks_profile_merge(empty, delta, 3);
	for (size_t i = 0; i < KS_ARRAY_SIZE(orders); i++) {
		struct ks_delta *some[3] = {delta[orders[i][0]], delta[orders[i][1]],
					    delta[orders[i][2]]};
		struct ks_profile *all = ks_profile_merge(empty, some, 3);
		struct ks_profile *first = ks_profile_merge(empty, some, 1);
		struct ks_profile *rest = ks_profile_merge(first, some + 1, 2);
		struct ks_profile *same = ks_profile_merge(rest, NULL, 0);

		CU_ASSERT(profiles_equal(all, whole));
		CU_ASSERT(profiles_equal(rest, whole));
		CU_ASSERT(profiles_equal(same, whole));
		CU_ASSERT_FALSE(profiles_equal(first, whole));
		ks_profile_destroy(all);
		ks_profile_destroy(first);
		ks_profile_destroy(rest);
		ks_profile_destroy(same);
	}
	for (int i = 0; i < 3; i++) {
		ks_delta_destroy(delta[i]);
		ks_scorer_destroy(scorer[i]);
	}
	ks_profile_destroy(whole);
	ks_profile_destroy(empty);
}

static void
bytes_come_back_whole(void)
{
	struct town_state *t = town_learn(&params, REQUESTS);
	struct ks_profile_stats before, after;
	struct ks_profile *back;
	size_t n;
	void *bytes = bytes_of(t->profile, &n);

	back = ks_profile_decode(bytes, n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT(profiles_equal(back, t->profile));
	ks_profile_stats_get(t->profile, &before);
	ks_profile_stats_get(back, &after);
	CU_ASSERT_EQUAL(after.requests, REQUESTS);
	CU_ASSERT_EQUAL(before.calls, after.calls);
	CU_ASSERT_EQUAL(before.principals, after.principals);
	CU_ASSERT_EQUAL(before.fields, after.fields);
	ks_profile_destroy(back);
	free(bytes);
	town_leave(t);
}

/* A profile that was stored judges as the one that was not. */
static void
stored_profile_judges_the_same(void)
{
	struct town_state *t = town_learn(&params, REQUESTS);
	struct fixture_spec odd = {"GET", "/api/v1/secrets?watch=1", TOWN_WEB, "curl/8",
				   "10.1.0.9"};
	struct ks_profile *back;
	struct ks_scorer *other;
	uint8_t findings;
	int score;
	size_t n;
	void *bytes = bytes_of(t->profile, &n);

	back = ks_profile_decode(bytes, n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	other = ks_scorer_create(&params, back);
	odd.now_ms = town_ms(REQUESTS);
	ks_scorer_judge(t->scorer, fixture_request(&f, &odd), KS_MODE_DETECT);
	score = f.ex.score_db;
	findings = f.ex.nfindings;
	CU_ASSERT(score > 30);
	ks_scorer_judge(other, fixture_request(&f, &odd), KS_MODE_DETECT);
	CU_ASSERT_EQUAL(f.ex.score_db, score);
	CU_ASSERT_EQUAL(f.ex.nfindings, findings);
	ks_scorer_destroy(other);
	ks_profile_destroy(back);
	free(bytes);
	town_leave(t);
}

static void
expect_refused(const void *bytes, size_t n, int why)
{
	struct ks_profile *profile = ks_profile_decode(bytes, n);

	CU_ASSERT_PTR_NULL(profile);
	CU_ASSERT_EQUAL(errno, why);
	ks_profile_destroy(profile);
}

static void
damage_is_seen(void)
{
	struct town_state *t = town_learn(&params, 300);
	size_t n;
	uint8_t *bytes = bytes_of(t->profile, &n);

	expect_refused(bytes, 0, EBADMSG);
	expect_refused("", 0, EBADMSG);
	for (size_t cut = 1; cut < n; cut += 97)
		expect_refused(bytes, n - cut, EBADMSG);
	for (size_t at = 0; at < n; at += 61) {
		/* The version alone says "another version" instead. */
		if (at >= 8 && at < 12)
			continue;
		bytes[at] ^= 0x10;
		expect_refused(bytes, n, EBADMSG);
		bytes[at] ^= 0x10;
	}
	bytes[8]++;
	expect_refused(bytes, n, EPROTO);
	free(bytes);
	town_leave(t);
}

/* Right checksum, wrong content: the decoder must not rely on the writer's honesty. */
static void
forged_content_is_refused(void)
{
	struct town_state *t = town_learn(&params, 300);
	uint32_t accepted = 0, refused = 0;
	uint64_t sum;
	size_t n;
	uint8_t *bytes = bytes_of(t->profile, &n);

	for (size_t at = 12; at < n - 8; at += 3) {
		struct ks_profile *profile;
		uint8_t before = bytes[at];

		bytes[at] ^= 0xff;
		sum = XXH3_64bits(bytes, n - 8);
		memcpy(bytes + n - 8, &sum, 8);
		profile = ks_profile_decode(bytes, n);
		accepted += profile != NULL;
		refused += profile == NULL;
		ks_profile_destroy(profile);
		bytes[at] = before;
	}
	/* A count may be anything; a key out of order, a text too long or a foreign kind may not.
	 */
	CU_ASSERT(accepted > 100);
	CU_ASSERT(refused > 20);
	free(bytes);
	town_leave(t);
}

static void
lists_are_in_order(void)
{
	struct town_state *t = town_learn(&params, REQUESTS);
	struct ks_profile_principal principal;
	struct ks_profile_stats stats;
	struct ks_profile_call call;
	uint64_t requests = 0;
	char before[256] = "";
	uint32_t n = 0;

	ks_profile_stats_get(t->profile, &stats);
	for (; ks_profile_call_at(t->profile, n, &call) == 0; n++) {
		CU_ASSERT(strcmp(before, call.key) < 0);
		snprintf(before, sizeof(before), "%s", call.key);
		requests += call.requests;
		CU_ASSERT(call.fields >= 1);
		if (strcmp(call.key, "list v1 pods") == 0) {
			CU_ASSERT_EQUAL(call.principals, 2);
			CU_ASSERT_EQUAL(call.requests, 2 * REQUESTS / TOWN_CALLS);
		}
	}
	CU_ASSERT_EQUAL(n, stats.calls);
	CU_ASSERT_EQUAL(requests, REQUESTS);
	before[0] = '\0';
	requests = 0;
	for (n = 0; ks_profile_principal_at(t->profile, n, &principal) == 0; n++) {
		CU_ASSERT(strcmp(before, principal.name) < 0);
		snprintf(before, sizeof(before), "%s", principal.name);
		requests += principal.requests;
		if (strcmp(principal.name, TOWN_WEB) == 0) {
			CU_ASSERT_EQUAL(principal.calls, 2);
			CU_ASSERT_EQUAL(principal.sources, 2);
		}
	}
	CU_ASSERT_EQUAL(n, stats.principals);
	CU_ASSERT_EQUAL(n, 7);
	CU_ASSERT_EQUAL(requests, REQUESTS);
	CU_ASSERT_EQUAL(ks_profile_call_at(t->profile, UINT32_MAX, &call), -ENOENT);
	town_leave(t);
}

/* Callers, calls and fields without end: the profile stays within its limits and forgets the
 * oldest. */
static void
limits_hold(void)
{
	static const struct ks_score_params small = {.seed = FIXTURE_SEED,
						     .max_principals = 64,
						     .max_calls = 32,
						     .max_fields_per_call = 16};
	struct ks_profile *profile = ks_profile_create(FIXTURE_SEED);
	struct ks_scorer *scorer = ks_scorer_create(&small, profile);
	struct ks_profile_principal principal;
	struct ks_profile_stats stats;
	size_t largest = 0;

	for (uint32_t i = 0; i < 20000; i++) {
		char user[32], path[64], field[32];
		struct fixture_spec spec = {"GET", path, user, "x/1", NULL};

		snprintf(user, sizeof(user), "user-%06u", i);
		snprintf(path, sizeof(path), "/thing-%u", i / 8);
		snprintf(field, sizeof(field), "x-%u", i);
		spec.now_ms = (uint64_t)i * 100;
		fixture_request(&f, &spec);
		fixture_field(&f, KS_PLACE_HEADER, field, "1", 1u << KS_VALUE_INT);
		fixture_pass(scorer, &f.ex, KS_MODE_LEARN);
		if (i % 20 != 19)
			continue;
		fixture_merge(&profile, &scorer, 1);
		ks_profile_stats_get(profile, &stats);
		largest = KS_MAX(largest, stats.bytes);
		CU_ASSERT(stats.principals <= 64);
		CU_ASSERT(stats.calls <= 32);
		CU_ASSERT(stats.fields <= 32 * 16);
	}
	CU_ASSERT(largest < 2 * 1024 * 1024);
	CU_ASSERT_EQUAL(ks_profile_principal_at(profile, stats.principals - 1, &principal), 0);
	CU_ASSERT_STRING_EQUAL(principal.name, "user-019999");
	ks_scorer_destroy(scorer);
	ks_profile_destroy(profile);
}

static const struct ks_test tests[] = {
	KS_TEST(merge_is_commutative_and_associative),
	KS_TEST(bytes_come_back_whole),
	KS_TEST(stored_profile_judges_the_same),
	KS_TEST(damage_is_seen),
	KS_TEST(forged_content_is_refused),
	KS_TEST(lists_are_in_order),
	KS_TEST(limits_hold),
};

KS_TEST_MAIN("score/profile", tests)
