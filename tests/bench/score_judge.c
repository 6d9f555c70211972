/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a judgement and its outcome cost: a GET with a dozen fields, a POST with 150 body fields, by
 * one caller and by many, on a settled profile; and what a merge costs the control core. One line
 * each, in CPU time of the thread.
 */
#include <time.h>

#include "../unit/score/score_fixture.h"

#define CALLERS 256
#define ROUNDS 400000u
/* Slow enough that even one caller alone is no burst. */
#define STEP_US 200000u

static double
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
request_make(struct fixture *f, uint32_t caller, uint32_t body_fields)
{
	char user[64], source[32], path[48];
	struct fixture_spec spec = {
		.method = body_fields > 0 ? "POST" : "GET",
		.target = body_fields > 0
				  ? "/apis/apps/v1/namespaces/shop/deployments?fieldManager=x"
				  : "/api/v1/namespaces/shop/configmaps/settings?timeout=10s",
		.user = user,
		.agent = "web/v1.2 (linux/amd64)",
		.source = source,
		.type = body_fields > 0 ? "application/json" : NULL,
		.body_bytes = body_fields * 40,
	};

	snprintf(user, sizeof(user), "system:serviceaccount:shop:web-%u", caller);
	snprintf(source, sizeof(source), "10.1.%u.%u", caller >> 8, caller & 255);
	fixture_request(f, &spec);
	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "x-header-%d", i);
		fixture_header(f, KS_HTTP_OTHER, path, "a-value");
	}
	for (uint32_t i = 0; i < body_fields; i++) {
		snprintf(path, sizeof(path), "spec.template.spec.containers[].field%u", i);
		fixture_field(f, KS_PLACE_BODY, path, i % 3 == 0 ? "true" : "word",
			      1u << KS_VALUE_NAME);
	}
}

static void
pass(struct ks_scorer *scorer, struct fixture *f, uint64_t *now_us, enum ks_mode mode)
{
	struct ks_exchange *ex = &f->ex;

	*now_us += STEP_US;
	ex->now.mono_us = *now_us;
	ex->now.wall_s = *now_us / 1000000;
	ex->nfindings = 0;
	ks_scorer_judge(scorer, ex, mode);
	ex->status = 200;
	ks_scorer_outcome(scorer, ex, true);
}

static void
bench(uint32_t callers, uint32_t body_fields)
{
	static struct fixture f[CALLERS];
	const struct ks_score_params params = {.seed = FIXTURE_SEED};
	struct ks_profile *profile = ks_profile_create(FIXTURE_SEED);
	struct ks_scorer *scorer = ks_scorer_create(&params, profile);
	double start, judge = 0, whole = 0, merge = 0;
	uint32_t rounds = body_fields > 0 ? ROUNDS / 8 : ROUNDS, merges = 0, odd = 0;
	uint64_t now_us = 1000000000;

	for (uint32_t i = 0; i < callers; i++)
		request_make(&f[i], i, body_fields);
	for (uint32_t i = 0; i < KS_MAX(200 * callers, 4000u); i++)
		pass(scorer, &f[i % callers], &now_us, KS_MODE_LEARN);
	fixture_merge(&profile, &scorer, 1);
	for (uint32_t done = 0; done < rounds; done += 10000) {
		start = now_ns();
		for (uint32_t i = 0; i < 10000; i++) {
			pass(scorer, &f[i % callers], &now_us, KS_MODE_ENFORCE);
			odd += f[i % callers].ex.nfindings;
		}
		whole += now_ns() - start;
		start = now_ns();
		fixture_merge(&profile, &scorer, 1);
		merge += now_ns() - start;
		merges++;
	}
	start = now_ns();
	for (uint32_t i = 0; i < rounds; i++) {
		f[i % callers].ex.nfindings = 0;
		f[i % callers].ex.now.mono_us = now_us += STEP_US;
		ks_scorer_judge(scorer, &f[i % callers].ex, KS_MODE_ENFORCE);
	}
	judge = now_ns() - start;
	printf("callers %3u fields %3u: judge %5.0f ns, with outcome %5.0f ns, merge %5.1f us, "
	       "findings %u\n",
	       callers, f[0].ex.fields.n, judge / rounds, whole / rounds, merge / merges / 1000,
	       odd);
	ks_scorer_destroy(scorer);
	ks_profile_destroy(profile);
}

int
main(void)
{
	bench(1, 0);
	bench(CALLERS, 0);
	bench(1, 150);
	bench(CALLERS, 150);
	return 0;
}
