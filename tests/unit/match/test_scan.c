/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scanning: values side by side in one buffer stay apart, hits are told once with what matched and
 * where, and neither the place nor the size of a payload hides it.
 */
#include "match_small.h"

#define BIG (3u << 20)

static struct fixture f;

static void
test_places(void)
{
	small_init(&f);
	fixture_request(&f);
	f.ex->call.path = KS_STR("/x/run marker");
	fixture_run(&f);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "path");

	small_query(&f, "first=1&second=run+marker");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "query second");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->observed, "run marker");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->expected,
			       "runs the marker (shell-marker)");
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
	CU_ASSERT_TRUE(fixture_hit(&f, "shell-marker")->certain);

	small_query(&f, "run%20marker=1");
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));

	fixture_request(&f);
	fixture_header(&f, "X-Thing", "run marker");
	fixture_run(&f);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "header X-Thing");

	fixture_request(&f);
	fixture_header(&f, "Cookie", "a=b; c=run marker; d=e");
	fixture_run(&f);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "cookie c");

	fixture_run_json(&f, "{\"metadata\":{\"labels\":{\"x/y\":\"run marker\"}}}");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "metadata.labels.*");

	fixture_run_json(&f, "{\"metadata\":{\"labels\":{\"run marker\":\"1\"}}}");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "a key of the body");
}

static void
test_rules_apply_where_they_say(void)
{
	small_query(&f, "a=only-in-query&b=scanner/1");
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "query-only"));
	CU_ASSERT_PTR_NULL(fixture_hit(&f, "agent-marker"));

	fixture_request(&f);
	fixture_header(&f, "X-A", "only-in-query scanner/1");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);

	fixture_request(&f);
	fixture_header(&f, "User-Agent", "scanner/1 run marker");
	fixture_run(&f);
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "agent-marker"));
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
}

/* The wrong place first: a rule reports once per scan, and that must not be its last word. */
static void
test_a_hit_elsewhere_hides_nothing(void)
{
	fixture_request(&f);
	f.ex->call.path = KS_STR("/only-in-query");
	fixture_query(&f, "a=only-in-query");
	fixture_run(&f);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "query-only")->where, "query a");
}

static void
test_values_stay_apart(void)
{
	small_query(&f, "a=run&b=marker&c=union&d=select&e=key_0123&g=456789abcdef");
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	fixture_request(&f);
	fixture_header(&f, "X-A", "run ");
	fixture_header(&f, "X-B", "marker");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	fixture_run_json(&f,
			 "{\"a\":\"run\",\"b\":\"marker\",\"c\":[\"union\",\"select\",\"run \"],"
			 "\"d\":\"marker\"}");
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	/* Nor do they hide what is whole among them. */
	fixture_run_json(&f, "{\"a\":\"run\",\"b\":\"marker\",\"c\":[\"union\",\"select\",\"run "
			     "marker\"],\"d\":\"marker\"}");
	CU_ASSERT_EQUAL(f.ex->nfindings, 1);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "c[]");
}

static void
test_line_ends_are_ends_of_values(void)
{
	small_query(&f, "a=1&b=/secret/file&c=2");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "line-start")->where, "query b");
	small_query(&f, "a=1&b=x/secret/file&c=/secret/filex");
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
}

static void
test_one_finding_per_rule(void)
{
	small_query(&f, "a=run+marker&b=run+marker&c=run++marker&d=union+select");
	CU_ASSERT_EQUAL(f.ex->nfindings, 2);
}

/* Hits that weigh less come first; the last tells more and must replace them. */
static void
test_the_best_place_counts(void)
{
	fixture_run_json(&f, "{\"spec\":{\"args\":[\"run marker\",\"run  marker\"],"
			     "\"env\":[{\"value\":\"run marker\"}]},"
			     "\"metadata\":{\"name\":\"run marker\"}}");
	CU_ASSERT_EQUAL(f.ex->nfindings, 1);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "metadata.name");
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
	CU_ASSERT_TRUE(fixture_hit(&f, "shell-marker")->certain);
}

static void
test_leaks_are_masked(void)
{
	small_query(&f, "a=key_Q7xW2mZk9Lr4tVb6");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "leak-marker")->observed, "key_... (20 characters)");
	CU_ASSERT_FALSE(fixture_hit(&f, "leak-marker")->certain);
	/* What no generator makes is a placeholder. */
	small_query(&f, "a=key_aaaaaaaaaaaaaaaa");
	CU_ASSERT_PTR_NULL(fixture_hit(&f, "leak-marker"));
	small_query(&f, "a=key_Q7xW2mZEXAMPLEb6");
	CU_ASSERT_PTR_NULL(fixture_hit(&f, "leak-marker"));
}

static void
test_credentials_are_withheld(void)
{
	fixture_request(&f);
	fixture_header(&f, "Authorization", "Bearer key_Q7xW2mZk9Lr4tVb6");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	fixture_request(&f);
	fixture_header(&f, "Authorization", "Bearer 'run marker'");
	fixture_run(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture_hit(&f, "shell-marker"));
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->observed,
			       "(10 characters withheld)");
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "header Authorization");
}

static void
test_excerpt_is_short_and_printable(void)
{
	fixture_request(&f);
	fixture_header_n(&f, "X-A", (struct ks_str){"run \n\t \n marker", 15});
	fixture_run(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture_hit(&f, "shell-marker"));
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->observed, "run .. . marker");
}

/* The same clean request again and again, then with one byte changed. */
static void
test_known_values_are_not_trusted_for_others(void)
{
	for (int i = 0; i < 3; i++) {
		fixture_request(&f);
		fixture_query(&f, "a=run-marker&b=x");
		fixture_header(&f, "X-A", "run-marker");
		fixture_run(&f);
		CU_ASSERT_EQUAL(f.ex->nfindings, 0);
		CU_ASSERT_EQUAL(f.ex->fields.n, 4);
	}
	for (int i = 0; i < 3; i++) {
		fixture_request(&f);
		fixture_query(&f, "a=run-marker&b=x");
		fixture_header(&f, "X-A", "run marker");
		fixture_run(&f);
		CU_ASSERT_EQUAL(f.ex->nfindings, 1);
	}
	fixture_request(&f);
	fixture_query(&f, "a=run-marker&b=x");
	fixture_header(&f, "X-A", "run-marker");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
}

/* ---- size ---- */

static char *
big_string(const char *payload)
{
	char *body = malloc(BIG + 1);
	size_t n = strlen(payload);
	size_t head = (size_t)sprintf(body, "{\"metadata\":{\"annotations\":{\"a\":\"");

	memset(body + head, 'x', BIG - head);
	memcpy(body + BIG - n - 4, payload, n);
	memcpy(body + BIG - 4, "\"}}}", 4);
	body[BIG] = '\0';
	return body;
}

static void
test_payload_in_the_last_bytes(void)
{
	char *body = big_string(" run marker");

	fixture_run_json(&f, body);
	CU_ASSERT_EQUAL(f.ex->nfindings, 1);
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
	free(body);
	body = big_string(" %3Cscript%3E");
	fixture_run_json(&f, body);
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "tag-marker"));
	free(body);
	body = big_string(" \\u003cscript\\u003e");
	fixture_run_json(&f, body);
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "tag-marker"));
	free(body);
}

/* 3 MiB of short values, the payload in the last. */
static char *
many_values(const char *value, const char *last)
{
	char *body = malloc(BIG + 64);
	size_t n = (size_t)sprintf(body, "{\"metadata\":{\"finalizers\":[");

	while (n + strlen(value) + strlen(last) + 16 < BIG)
		n += (size_t)sprintf(body + n, "\"%s\",", value);
	sprintf(body + n, "\"%s\"]}}", last);
	return body;
}

static void
test_payload_in_the_last_value(void)
{
	char *body = many_values("short", "run marker");

	fixture_run_json(&f, body);
	CU_ASSERT_EQUAL(f.ex->nfindings, 1);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "metadata.finalizers[]");
	free(body);
	/* Each pair of neighbours looks like the payload to the buffer's scan. */
	body = many_values("marker run", "run marker");
	fixture_run_json(&f, body);
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
	free(body);
	/* A rule that does not apply, in every value. */
	body = many_values("only-in-query scanner/1", "run marker");
	fixture_run_json(&f, body);
	CU_ASSERT_EQUAL(f.ex->nfindings, 1);
	free(body);
}

static void
test_stats(void)
{
	struct ks_match_stats before, after;

	ks_match_stats_get(f.matcher, &before);
	small_query(&f, "never-seen-before=run+marker");
	ks_match_stats_get(f.matcher, &after);
	CU_ASSERT_EQUAL(after.exchanges, before.exchanges + 1);
	CU_ASSERT_EQUAL(after.hits, before.hits + 1);
	CU_ASSERT_TRUE(after.values > before.values);
	CU_ASSERT_TRUE(after.bytes > before.bytes);
	fixture_fini(&f);
}

static const struct ks_test tests[] = {
	KS_TEST(test_places),
	KS_TEST(test_rules_apply_where_they_say),
	KS_TEST(test_a_hit_elsewhere_hides_nothing),
	KS_TEST(test_values_stay_apart),
	KS_TEST(test_line_ends_are_ends_of_values),
	KS_TEST(test_one_finding_per_rule),
	KS_TEST(test_the_best_place_counts),
	KS_TEST(test_leaks_are_masked),
	KS_TEST(test_credentials_are_withheld),
	KS_TEST(test_excerpt_is_short_and_printable),
	KS_TEST(test_known_values_are_not_trusted_for_others),
	KS_TEST(test_payload_in_the_last_bytes),
	KS_TEST(test_payload_in_the_last_value),
	KS_TEST(test_stats),
};
KS_TEST_MAIN("match scan", tests)
