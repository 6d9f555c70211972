/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scorers together: the same verdicts and the same profile however principals are spread over them;
 * modes and advice; who is charged; floods; what teaches.
 */
#include "ks_test.h"

#include "score_fixture.h"

#define SCORERS_MAX 5
#define SETTLED 6000

static const struct ks_score_params params = {.seed = FIXTURE_SEED};
static struct fixture f;

/* ---- placements ---- */

static uint32_t
place_of(const struct ks_exchange *ex, uint32_t n)
{
	uint64_t hash = ex->principal.proven
				? ks_hash64(0, ex->principal.name, strlen(ex->principal.name))
				: ks_hash64(0, &ex->source, sizeof(ex->source));

	return (uint32_t)(hash >> 32) % n;
}

/* The town with strangers, forged tokens and bursts among it. */
static struct ks_exchange *
mixed_request(uint32_t i)
{
	static const char *const forged[] = {"t1", "t2", "t3", "t4"};
	struct fixture_spec spec = {"GET", "/api/v1/namespaces/shop/configmaps/settings", TOWN_WEB,
				    "web/v1.2", "10.1.0.1"};

	spec.now_ms = (uint64_t)i * 500 / TOWN_CALLS + i % 7;
	switch (i % 29) {
	case 3:
		spec.target = "/api/v1/secrets?limit=500";
		spec.agent = "curl/8";
		break;
	case 7:
		spec.token = forged[i % 4];
		spec.source = "10.66.0.1";
		break;
	case 11:
		spec.user = NULL;
		spec.target = "/version?x=1";
		break;
	default:
		if (i % 1000 < 700)
			return town_request(&f, i);
		spec.now_ms = (uint64_t)(i - i % 1000) * 500 / TOWN_CALLS + i % 1000 * 2;
	}
	return fixture_request(&f, &spec);
}

struct verdict {
	int16_t score_db;
	uint8_t verdict, nfindings;
	uint16_t retry_after_s;
	uint64_t findings;
};

static struct verdict
verdict_of(const struct ks_exchange *ex)
{
	struct verdict v = {ex->score_db, ex->verdict, ex->nfindings, ex->retry_after_s, 0};

	for (uint8_t i = 0; i < ex->nfindings; i++) {
		const struct ks_finding *finding = &ex->findings[i];

		v.findings = ks_hash64(v.findings, finding->observed, strlen(finding->observed));
		v.findings = ks_hash64(v.findings, finding->expected, strlen(finding->expected));
		v.findings = ks_hash64(v.findings, &finding->code, 1);
		v.findings = ks_hash64(v.findings, &finding->db, sizeof(finding->db));
	}
	return v;
}

static void
judge_spread(const struct ks_profile *profile, uint32_t n, struct verdict *out, uint32_t requests)
{
	struct ks_scorer *scorer[SCORERS_MAX];

	for (uint32_t i = 0; i < n; i++)
		scorer[i] = ks_scorer_create(&params, profile);
	for (uint32_t i = 0; i < requests; i++) {
		struct ks_exchange *ex = mixed_request(i);
		struct ks_scorer *owner = scorer[place_of(ex, n)];

		ks_scorer_judge(owner, ex, KS_MODE_ENFORCE);
		ex->status = i % 29 == 7 ? 401 : i % 5 == 0 ? 404 : 200;
		ks_scorer_outcome(owner, ex, false);
		out[i] = verdict_of(ex);
	}
	for (uint32_t i = 0; i < n; i++) {
		CU_ASSERT_PTR_NULL(ks_scorer_delta_take(scorer[i]));
		ks_scorer_destroy(scorer[i]);
	}
}

static void
frozen_profile_judges_alike_everywhere(void)
{
	enum { N = 8000 };
	static const uint32_t places[] = {1, 2, 5};
	static struct verdict v[3][N];
	struct town_state *t = town_learn(&params, SETTLED);
	uint32_t kinds[4] = {0};

	for (int i = 0; i < 3; i++)
		judge_spread(t->profile, places[i], v[i], N);
	for (uint32_t i = 0; i < N; i++) {
		CU_ASSERT(memcmp(&v[0][i], &v[1][i], sizeof(v[0][i])) == 0);
		CU_ASSERT(memcmp(&v[0][i], &v[2][i], sizeof(v[0][i])) == 0);
		kinds[v[0][i].verdict]++;
	}
	CU_ASSERT(kinds[KS_VERDICT_ALLOW] > 100);
	CU_ASSERT(kinds[KS_VERDICT_FLAG] > 100);
	CU_ASSERT(kinds[KS_VERDICT_THROTTLE] > 100);
	town_leave(t);
}

static void *
learn_spread(uint32_t n, uint32_t merge_every, size_t *bytes)
{
	struct ks_profile *profile = ks_profile_create(FIXTURE_SEED);
	struct ks_scorer *scorer[SCORERS_MAX];
	void *encoded;

	for (uint32_t i = 0; i < n; i++)
		scorer[i] = ks_scorer_create(&params, profile);
	for (uint32_t i = 0; i < SETTLED; i++) {
		struct ks_exchange *ex = mixed_request(i);

		fixture_pass(scorer[place_of(ex, n)], ex, KS_MODE_LEARN);
		if (i % merge_every == merge_every - 1)
			fixture_merge(&profile, scorer, n);
	}
	fixture_merge(&profile, scorer, n);
	encoded = ks_profile_encode(profile, bytes);
	for (uint32_t i = 0; i < n; i++)
		ks_scorer_destroy(scorer[i]);
	ks_profile_destroy(profile);
	return encoded;
}

static void
learning_ends_in_the_same_bytes(void)
{
	static const uint32_t places[] = {2, 5, 1}, every[] = {311, 97, 3000};
	size_t n, other;
	void *bytes = learn_spread(1, 500, &n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	for (int i = 0; i < 3; i++) {
		void *spread = learn_spread(places[i], every[i], &other);

		CU_ASSERT_EQUAL(other, n);
		CU_ASSERT(spread != NULL && other == n && memcmp(spread, bytes, n) == 0);
		free(spread);
	}
	free(bytes);
}

/* ---- modes ---- */

static void
signature(struct ks_exchange *ex, int db)
{
	struct ks_finding *finding = ks_exchange_finding_add(ex, KS_FINDING_SIGNATURE, db, 0);

	finding->certain = true;
}

static void
modes_and_advice(void)
{
	struct town_state *t = town_learn(&params, 0);
	static const struct {
		enum ks_mode mode;
		int db;
		enum ks_verdict advice, verdict;
	} cases[] = {
		{KS_MODE_LEARN, 100, KS_VERDICT_BLOCK, KS_VERDICT_FLAG},
		{KS_MODE_LEARN, 50, KS_VERDICT_FLAG, KS_VERDICT_FLAG},
		{KS_MODE_LEARN, 20, KS_VERDICT_ALLOW, KS_VERDICT_ALLOW},
		{KS_MODE_DETECT, 100, KS_VERDICT_BLOCK, KS_VERDICT_FLAG},
		{KS_MODE_DETECT, 50, KS_VERDICT_FLAG, KS_VERDICT_FLAG},
		{KS_MODE_ENFORCE, 100, KS_VERDICT_BLOCK, KS_VERDICT_BLOCK},
		{KS_MODE_ENFORCE, 89, KS_VERDICT_FLAG, KS_VERDICT_FLAG},
		{KS_MODE_ENFORCE, 39, KS_VERDICT_ALLOW, KS_VERDICT_ALLOW},
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(cases); i++) {
		struct ks_exchange *ex = town_request(&t->f, (uint32_t)i * 100);

		signature(ex, cases[i].db);
		ks_scorer_judge(t->scorer, ex, cases[i].mode);
		CU_ASSERT_EQUAL(ex->advice, cases[i].advice);
		CU_ASSERT_EQUAL(ex->verdict, cases[i].verdict);
		CU_ASSERT_EQUAL(ex->mode, cases[i].mode);
		CU_ASSERT_EQUAL(ex->score_db, cases[i].db);
	}
	town_leave(t);
}

static struct fixture_spec
theft(uint64_t now_ms)
{
	return (struct fixture_spec){"POST",	 "/api/v1/namespaces/kube-system/pods?x=1",
				     TOWN_WEB,	 "curl/8",
				     "10.9.9.9", "application/json",
				     NULL,	 NULL,
				     500,	 now_ms};
}

static void
novelty_blocks_only_when_asked(void)
{
	struct ks_score_params wish = {.seed = FIXTURE_SEED, .novelty_blocks = true};
	struct town_state *t = town_learn(&params, SETTLED), *w = town_learn(&wish, SETTLED);
	struct fixture_spec spec = theft(town_ms(SETTLED));

	fixture_request(&t->f, &spec);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT(t->f.ex.score_db >= 90);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_FLAG);
	/* A small defect does not make certain what is only new. */
	fixture_request(&t->f, &spec);
	signature(&t->f.ex, 20);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_FLAG);
	fixture_request(&t->f, &spec);
	signature(&t->f.ex, 60);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_BLOCK);
	fixture_request(&w->f, &spec);
	ks_scorer_judge(w->scorer, &w->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT_EQUAL(w->f.ex.verdict, KS_VERDICT_BLOCK);
	town_leave(t);
	town_leave(w);
}

/* ---- what teaches ---- */

static uint64_t
requests_of(const struct ks_profile *profile, const char *name)
{
	struct ks_profile_principal principal;

	for (uint32_t i = 0; ks_profile_principal_at(profile, i, &principal) == 0; i++)
		if (strcmp(principal.name, name) == 0)
			return principal.requests;
	return 0;
}

static void
end_with(struct town_state *t, struct fixture_spec spec, enum ks_mode mode, uint16_t status)
{
	fixture_request(&t->f, &spec);
	ks_scorer_judge(t->scorer, &t->f.ex, mode);
	t->f.ex.status = status;
	ks_scorer_outcome(t->scorer, &t->f.ex, true);
	fixture_merge(&t->profile, &t->scorer, 1);
}

static void
only_the_good_teaches(void)
{
	struct town_state *t = town_learn(&params, SETTLED);
	uint64_t before = requests_of(t->profile, TOWN_WEB);
	struct fixture_spec good = town[0], odd = theft(town_ms(SETTLED)), forged = town[0];

	good.now_ms = town_ms(SETTLED);
	end_with(t, good, KS_MODE_DETECT, 403);
	end_with(t, good, KS_MODE_DETECT, 401);
	end_with(t, good, KS_MODE_DETECT, 503);
	end_with(t, odd, KS_MODE_DETECT, 200);
	forged.token = "forged";
	forged.now_ms = good.now_ms;
	end_with(t, forged, KS_MODE_LEARN, 200);
	CU_ASSERT_EQUAL(requests_of(t->profile, TOWN_WEB), before);
	end_with(t, good, KS_MODE_DETECT, 404);
	end_with(t, good, KS_MODE_DETECT, 200);
	CU_ASSERT_EQUAL(requests_of(t->profile, TOWN_WEB), before + 2);
	/* What is learned in learn mode is learned whatever it is. */
	end_with(t, odd, KS_MODE_LEARN, 200);
	CU_ASSERT_EQUAL(requests_of(t->profile, TOWN_WEB), before + 3);
	odd.now_ms += 60000;
	fixture_request(&t->f, &odd);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_DETECT);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_ALLOW);
	town_leave(t);
}

static void
frozen_learns_nothing(void)
{
	struct town_state *t = town_learn(&params, 0);

	for (uint32_t i = 0; i < 500; i++) {
		ks_scorer_judge(t->scorer, town_request(&t->f, i), KS_MODE_LEARN);
		t->f.ex.status = 200;
		ks_scorer_outcome(t->scorer, &t->f.ex, false);
	}
	CU_ASSERT_PTR_NULL(ks_scorer_delta_take(t->scorer));
	town_leave(t);
}

/* The delta is lent: not twice at a time, usable after its scorer has gone. */
static void
delta_is_lent(void)
{
	struct ks_profile *profile = ks_profile_create(FIXTURE_SEED), *next;
	struct ks_scorer *scorer = ks_scorer_create(&params, profile);
	struct ks_delta *first, *second;
	struct ks_profile_stats stats;

	CU_ASSERT_PTR_NULL(ks_scorer_delta_take(scorer));
	fixture_pass(scorer, town_request(&f, 0), KS_MODE_LEARN);
	first = ks_scorer_delta_take(scorer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	fixture_pass(scorer, town_request(&f, 1), KS_MODE_LEARN);
	CU_ASSERT_PTR_NULL(ks_scorer_delta_take(scorer));
	ks_delta_destroy(first);
	second = ks_scorer_delta_take(scorer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	ks_scorer_destroy(scorer);
	next = ks_profile_merge(profile, &second, 1);
	ks_profile_stats_get(next, &stats);
	CU_ASSERT_EQUAL(stats.requests, 1);
	ks_delta_destroy(second);
	ks_profile_destroy(next);
	ks_profile_destroy(profile);
}

/* ---- floods ---- */

static enum ks_verdict
flood(struct town_state *t, struct fixture_spec spec, uint64_t from_ms, uint32_t per_s, uint32_t n,
      uint32_t *first)
{
	*first = 0;
	for (uint32_t i = 0; i < n; i++) {
		spec.now_ms = from_ms + (uint64_t)i * 1000 / per_s;
		fixture_request(&t->f, &spec);
		fixture_pass(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
		if (t->f.ex.verdict == KS_VERDICT_THROTTLE && *first == 0)
			*first = i + 1;
	}
	return t->f.ex.verdict;
}

static void
burst_is_throttled_within_a_hundred(void)
{
	struct town_state *t = town_learn(&params, SETTLED);
	uint64_t now_ms = town_ms(SETTLED);
	struct fixture_spec bystander = town[0];
	uint32_t first;

	CU_ASSERT_EQUAL(flood(t, town[1], now_ms, 1000, 1000, &first), KS_VERDICT_THROTTLE);
	CU_ASSERT(first > 20 && first <= 100);
	CU_ASSERT(fixture_db(&t->f.ex, KS_FINDING_FREQUENCY_CALL) >= 100);
	CU_ASSERT(t->f.ex.retry_after_s >= 1 && t->f.ex.retry_after_s <= 120);
	CU_ASSERT_PTR_NOT_NULL(strstr(t->f.ex.findings[0].observed, "requests in"));
	/* The replica at another address, and another program's calls, go on. */
	bystander.now_ms = now_ms + 1000;
	fixture_request(&t->f, &bystander);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_ALLOW);
	/* Long after, the same caller is welcome again, and its flood has not become usual. */
	now_ms += 600000;
	CU_ASSERT_EQUAL(flood(t, town[1], now_ms, 2, 10, &first), KS_VERDICT_ALLOW);
	fixture_merge(&t->profile, &t->scorer, 1);
	CU_ASSERT_EQUAL(flood(t, town[1], now_ms + 60000, 1000, 200, &first), KS_VERDICT_THROTTLE);
	CU_ASSERT(first <= 100);
	town_leave(t);
}

static void
modest_bursts_pass(void)
{
	struct town_state *t = town_learn(&params, SETTLED);
	uint64_t now_ms = town_ms(SETTLED);
	uint32_t first;

	for (int i = 0; i < 10; i++, now_ms += 120000) {
		CU_ASSERT(flood(t, town[6], now_ms, 40, 20, &first) <= KS_VERDICT_ALLOW);
		CU_ASSERT_EQUAL(first, 0);
	}
	town_leave(t);
}

/* Whoever waits as long as he was told is let in again. */
static void
retry_after_is_true(void)
{
	struct town_state *t = town_learn(&params, SETTLED);
	struct fixture_spec spec = town[1];
	uint32_t first;

	flood(t, spec, town_ms(SETTLED), 200, 400, &first);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_THROTTLE);
	spec.now_ms = (t->f.ex.now.mono_us - 1000000000ull) / 1000 + 1000u * t->f.ex.retry_after_s;
	fixture_request(&t->f, &spec);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT_NOT_EQUAL(t->f.ex.verdict, KS_VERDICT_THROTTLE);
	town_leave(t);
}

static void
leases_and_node_status_are_never_throttled(void)
{
	static const struct fixture_spec exempt[] = {
		{"PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1",
		 "system:node:node-1", "kubelet/v1.30", "10.2.0.1", "application/json", NULL, NULL,
		 300},
		{"PATCH", "/api/v1/nodes/node-1/status", "system:node:node-1", "kubelet/v1.30",
		 "10.2.0.1", "application/strategic-merge-patch+json", NULL, NULL, 300},
	};
	struct town_state *t = town_learn(&params, SETTLED);
	uint32_t first;

	for (size_t i = 0; i < KS_ARRAY_SIZE(exempt); i++) {
		flood(t, exempt[i], town_ms(SETTLED) + i * 600000, 1000, 500, &first);
		CU_ASSERT_EQUAL(first, 0);
		CU_ASSERT(t->f.ex.score_db >= 60);
	}
	town_leave(t);
}

/* A thousand requests with forged tokens in web's name: web itself is not held back. */
static void
forgers_are_charged_themselves(void)
{
	struct town_state *t = town_learn(&params, SETTLED);
	struct fixture_spec forged = town[0], web = town[0];
	char token[16];
	uint32_t throttled = 0;

	forged.source = "10.66.6.6";
	for (uint32_t i = 0; i < 2000; i++) {
		snprintf(token, sizeof(token), "t%u", i);
		forged.token = token;
		forged.now_ms = town_ms(SETTLED) + i;
		fixture_request(&t->f, &forged);
		ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
		throttled += t->f.ex.verdict == KS_VERDICT_THROTTLE;
		t->f.ex.status = 401;
		ks_scorer_outcome(t->scorer, &t->f.ex, true);
	}
	/* A new token each time does not help: its source is charged. */
	CU_ASSERT(throttled > 1000);
	web.now_ms = town_ms(SETTLED) + 2001;
	fixture_request(&t->f, &web);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_ALLOW);
	CU_ASSERT_EQUAL(t->f.ex.nfindings, 0);
	/* The same refused token again says itself. */
	fixture_request(&t->f, &forged);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_ENFORCE);
	CU_ASSERT(ks_exchange_has(&t->f.ex, KS_FINDING_TOKEN_FORGED));
	CU_ASSERT_PTR_NULL(ks_scorer_delta_take(t->scorer));
	town_leave(t);
}

static void
refusals_add_up(void)
{
	struct town_state *t = town_learn(&params, SETTLED);
	struct fixture_spec spec = town[0];
	int before = 0;

	for (uint32_t i = 0; i < 100; i++) {
		spec.now_ms = town_ms(SETTLED) + i * 400;
		fixture_request(&t->f, &spec);
		ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_DETECT);
		CU_ASSERT(fixture_db(&t->f.ex, KS_FINDING_FREQUENCY_FAILURES) >= before);
		before = fixture_db(&t->f.ex, KS_FINDING_FREQUENCY_FAILURES);
		CU_ASSERT(i > 15 || before == 0);
		t->f.ex.status = 403;
		ks_scorer_outcome(t->scorer, &t->f.ex, true);
	}
	CU_ASSERT(before >= 30);
	town_leave(t);
}

/* Sources without end: nothing grows but what was taken at the start. */
static void
a_million_strangers_take_no_memory(void)
{
	static const struct ks_score_params small = {.seed = FIXTURE_SEED,
						     .max_principals = 128,
						     .max_calls = 16,
						     .max_fields_per_call = 32};
	struct town_state *t = town_learn(&small, 500);
	struct fixture_spec spec = {"GET", "/livez", NULL, "probe/1"};
	struct ks_scorer_stats stats;
	uint32_t n = 100000;
	char source[32];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(source, sizeof(source), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		spec.source = source;
		spec.now_ms = town_ms(500) + i;
		fixture_request(&t->f, &spec);
		fixture_pass(t->scorer, &t->f.ex, KS_MODE_DETECT);
		if (i % 1000 == 0)
			fixture_merge(&t->profile, &t->scorer, 1);
	}
	CU_ASSERT(requests_of(t->profile, "system:anonymous") > n - 1000);
	ks_scorer_stats_get(t->scorer, &stats);
	CU_ASSERT_EQUAL(stats.judged, n + 500);
	CU_ASSERT(stats.learned <= stats.judged && stats.learned > n - 1000);
	CU_ASSERT_EQUAL(stats.windows, stats.windows_max);
	CU_ASSERT_EQUAL(stats.windows_max, 4 * 128);
	town_leave(t);
}

/* More new calls in one period than a delta can hold: counted, and the rest goes on. */
static void
what_finds_no_room_is_counted(void)
{
	static const struct ks_score_params small = {.seed = FIXTURE_SEED,
						     .max_principals = 16,
						     .max_calls = 4,
						     .max_fields_per_call = 4};
	struct town_state *t = town_learn(&small, 0);
	struct fixture_spec spec = {"GET", NULL, "alice", "kubectl/1"};
	struct ks_scorer_stats stats;
	char target[32];

	for (uint32_t i = 0; i < 20; i++) {
		snprintf(target, sizeof(target), "/thing-%u", i);
		spec.target = target;
		spec.now_ms = i * 1000;
		fixture_request(&t->f, &spec);
		fixture_pass(t->scorer, &t->f.ex, KS_MODE_LEARN);
	}
	ks_scorer_stats_get(t->scorer, &stats);
	CU_ASSERT_EQUAL(stats.learned, 20);
	CU_ASSERT(stats.lost >= 16);
	fixture_merge(&t->profile, &t->scorer, 1);
	CU_ASSERT_EQUAL(requests_of(t->profile, "alice"), 20);
	town_leave(t);
}

static const struct ks_test tests[] = {
	KS_TEST(frozen_profile_judges_alike_everywhere),
	KS_TEST(learning_ends_in_the_same_bytes),
	KS_TEST(modes_and_advice),
	KS_TEST(novelty_blocks_only_when_asked),
	KS_TEST(only_the_good_teaches),
	KS_TEST(frozen_learns_nothing),
	KS_TEST(delta_is_lent),
	KS_TEST(burst_is_throttled_within_a_hundred),
	KS_TEST(modest_bursts_pass),
	KS_TEST(retry_after_is_true),
	KS_TEST(leases_and_node_status_are_never_throttled),
	KS_TEST(forgers_are_charged_themselves),
	KS_TEST(refusals_add_up),
	KS_TEST(a_million_strangers_take_no_memory),
	KS_TEST(what_finds_no_room_is_counted),
};

KS_TEST_MAIN("score/scorer", tests)
