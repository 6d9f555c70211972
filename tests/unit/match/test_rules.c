/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that come with KubeScope: every file reads, every rule compiles, finds each of its hits
 * in every place that it names, and leaves each of its near-misses alone.
 */
#include "ks_json.h"
#include "match_fixture.h"
#include "match_rules.h"

#define RULES_MIN 180

static struct match_rules *set;
static struct fixture f;

static void
test_files_compile(void)
{
	const char *dir = getenv("KS_RULES_DIR");

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	set = match_rules_read(dir);
	fixture_init(&f, set->v, set->n, NULL);
	CU_ASSERT_EQUAL(ks_match_db_rules(f.db), set->n);
	CU_ASSERT_TRUE(set->n >= RULES_MIN);
}

/* The database refuses an id that comes twice; what it cannot know is whether the weights make
 * sense. */
static void
test_rules_are_sound(void)
{
	uint32_t per_class[KS_MATCH_CLASS_MAX] = {0};

	for (uint32_t i = 0; i < set->n; i++) {
		const struct ks_match_rule *rule = &set->v[i];

		per_class[rule->class]++;
		CU_ASSERT_EQUAL(strspn(rule->id, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				strlen(rule->id));
		CU_ASSERT_TRUE(rule->db >= 10 && rule->db <= 120);
		/* What may block by itself must weigh enough for it, at the default 90 dB. */
		CU_ASSERT_TRUE(!rule->block || rule->db >= 90);
		CU_ASSERT_TRUE(strlen(rule->words) + strlen(rule->id) + 3 < KS_FINDING_TEXT_BYTES);
		CU_ASSERT_TRUE(rule->class != KS_MATCH_LEAK || !rule->block);
	}
	for (uint32_t class = 0; class < KS_MATCH_CLASS_MAX; class ++)
		CU_ASSERT_TRUE(per_class[class] >= 15);
}

static void
test_every_rule_has_samples(void)
{
	uint32_t hits[MATCH_RULES_MAX] = {0}, misses[MATCH_RULES_MAX] = {0};

	for (uint32_t i = 0; i < set->nsamples; i++)
		(set->samples[i].hit ? hits : misses)[set->samples[i].rule]++;
	for (uint32_t i = 0; i < set->n; i++)
		CU_ASSERT_TRUE(hits[i] > 0 && misses[i] > 0);
}

/* ---- each sample in each place ---- */

static char text[16384];

static struct ks_str
percent_encoded(const char *s)
{
	uint32_t n = 0;

	for (; *s != '\0'; s++)
		n += (uint32_t)sprintf(text + n, "%%%02X", (unsigned char)*s);
	return (struct ks_str){text, n};
}

static void
run_query(struct fixture *fx, const char *s)
{
	static char query[16384];
	struct ks_str value = percent_encoded(s);

	snprintf(query, sizeof(query), "x=%.*s", (int)value.n, value.p);
	fixture_query(fx, query);
	fixture_run(fx);
}

static void
run_body(struct fixture *fx, const char *s)
{
	static char body[32768];
	static char escaped[16384];
	size_t n = ks_json_escape(fixture_str(s), escaped, sizeof(escaped));

	snprintf(body, sizeof(body), "{\"metadata\":{\"labels\":{\"a\":\"%.*s\"}}}", (int)n,
		 escaped);
	fixture_json(fx, body);
	fixture_run(fx);
}

/* Puts the sample where the rule looks, in a request that is normal otherwise. */
static void
run_in(struct fixture *fx, uint32_t where, const char *s)
{
	fixture_request(fx);
	if (where == KS_WHERE_PATH) {
		fx->ex->call.resource_request = false;
		fx->ex->call.path = fixture_str(s);
		fixture_run(fx);
	} else if (where == KS_WHERE_QUERY) {
		run_query(fx, s);
	} else if (where == KS_WHERE_BODY) {
		run_body(fx, s);
	} else if (where == KS_WHERE_RAW) {
		fixture_body(fx, "application/octet-stream", s);
		fixture_run(fx);
	} else {
		fixture_header(fx,
			       where == KS_WHERE_AGENT	  ? "User-Agent"
			       : where == KS_WHERE_COOKIE ? "Cookie"
							  : "X-Value",
			       s);
		fixture_run(fx);
	}
}

/* A cookie ends at a ';', and its value begins behind the '='. */
static const char *
as_cookie(const char *s)
{
	static char cookie[16384];
	size_t n = 2;

	memcpy(cookie, "x=", 2);
	for (; *s != '\0'; s++)
		n += (size_t)sprintf(cookie + n, *s == ';' ? "%%3B" : "%c", *s);
	return cookie;
}

static bool
sample_holds(const struct match_sample *sample, uint32_t where)
{
	const struct ks_match_rule *rule = &set->v[sample->rule];
	bool found;

	run_in(&f, where, where == KS_WHERE_COOKIE ? as_cookie(sample->text) : sample->text);
	found = fixture_hit(&f, rule->id) != NULL;
	if (found != sample->hit)
		printf("\n%s:%u: rule %s: %s in %u: %s\n", rule->file, rule->line, rule->id,
		       sample->hit ? "misses its hit" : "hits its miss", where, sample->text);
	return found == sample->hit;
}

static void
test_samples(void)
{
	for (uint32_t i = 0; i < set->nsamples; i++) {
		const struct ks_match_rule *rule = &set->v[set->samples[i].rule];

		for (uint32_t where = 1; where <= KS_WHERE_AGENT; where <<= 1)
			if (rule->where & where)
				CU_ASSERT_TRUE(sample_holds(&set->samples[i], where));
	}
}

static void
test_end(void)
{
	fixture_fini(&f);
	match_rules_free(set);
}

static const struct ks_test tests[] = {
	KS_TEST(test_files_compile),
	KS_TEST(test_rules_are_sound),
	KS_TEST(test_every_rule_has_samples),
	KS_TEST(test_samples),
	KS_TEST(test_end),
};
KS_TEST_MAIN("match rules", tests)
