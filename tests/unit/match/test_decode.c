/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disguises: the same payload in every encoding that comes off, layers of them, and what happens
 * when there are more layers or bytes than may be taken off.
 */
#include "match_small.h"

static struct fixture f;

static bool
query_hits(const char *query, const char *rule)
{
	small_query(&f, query);
	if (fixture_hit(&f, rule) == NULL)
		printf("\nno hit: %s\n", query);
	return fixture_hit(&f, rule) != NULL;
}

static bool
json_hits(const char *body, const char *rule)
{
	fixture_run_json(&f, body);
	if (fixture_hit(&f, rule) == NULL)
		printf("\nno hit: %s\n", body);
	return fixture_hit(&f, rule) != NULL;
}

static void
test_plain_and_percent(void)
{
	small_init(&f);
	CU_ASSERT_TRUE(query_hits("a=union+select", "sql-marker"));
	CU_ASSERT_TRUE(query_hits("a=union%20select", "sql-marker"));
	CU_ASSERT_TRUE(query_hits("a=%75%6e%69on%20s%65lect", "sql-marker"));
	CU_ASSERT_TRUE(query_hits("a=%253Cscript%253E", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%25253Cscript%25253E", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%u003cscript%u003e", "tag-marker"));
	CU_ASSERT_FALSE((small_query(&f, "a=unionselect"), fixture_hit(&f, "sql-marker") != NULL));
}

static void
test_entities(void)
{
	CU_ASSERT_TRUE(query_hits("a=%26lt;script%26gt;", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%26%2360;script%26%2362;", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%26%23x3c;script%26%23x3E;", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%26%230000060script%26%23x3E", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=union%26Tab;select", "sql-marker"));
	CU_ASSERT_TRUE(json_hits("{\"kind\":\"&lt;script&gt;\"}", "tag-marker"));
}

static void
test_escapes(void)
{
	CU_ASSERT_TRUE(json_hits("{\"kind\":\"\\u003cscript\\u003e\"}", "tag-marker"));
	CU_ASSERT_TRUE(json_hits("{\"kind\":\"\\u0075nion\\nselect\"}", "sql-marker"));
	CU_ASSERT_TRUE(json_hits("{\"kind\":\"\\\\x3cscript\\\\x3e\"}", "tag-marker"));
	CU_ASSERT_TRUE(json_hits("{\"kind\":\"\\\\u003cscript\\\\u003e\"}", "tag-marker"));
	CU_ASSERT_TRUE(json_hits("{\"union\\u0020select\":1}", "sql-marker"));
}

static void
test_utf8_spellings(void)
{
	/* Two and three bytes for what one can say, and letters made wide. */
	CU_ASSERT_TRUE(query_hits("a=%c0%bcscript%c0%be", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%e0%80%bcscript%e0%80%be", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%ef%bc%9cscript%ef%bc%9e", "tag-marker"));
}

static void
test_comments_and_separators(void)
{
	CU_ASSERT_TRUE(query_hits("a=union/**/select", "sql-marker"));
	CU_ASSERT_TRUE(query_hits("a=union/*%20words%20*/select", "sql-marker"));
	CU_ASSERT_TRUE(query_hits("a=union/*!50000select*/", "sql-marker"));
	CU_ASSERT_TRUE(query_hits("a=run${IFS}marker", "shell-marker"));
	CU_ASSERT_TRUE(query_hits("a=run$IFS$9marker", "shell-marker"));
}

static void
test_base64(void)
{
	/* "<script>alert</script>", "union select name", with and without padding */
	CU_ASSERT_TRUE(query_hits("a=PHNjcmlwdD5hbGVydDwvc2NyaXB0Pg==", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=PHNjcmlwdD5hbGVydDwvc2NyaXB0Pg", "tag-marker"));
	CU_ASSERT_TRUE(json_hits("{\"data\":{\"a\":\"dW5pb24gc2VsZWN0IG5hbWU=\"}}", "sql-marker"));
	CU_ASSERT_TRUE(json_hits("{\"a\":\"data:text/plain;base64,dW5pb24gc2VsZWN0IG5hbWU=\"}",
				 "sql-marker"));
	/* A program's first bytes: what comes out of base64 may be a file. */
	CU_ASSERT_TRUE(json_hits("{\"binaryData\":{\"a\":\"f0VMRgIBAQAAAAAAAAAAAAMAPgABAAAA\"}}",
				 "raw-only"));
	CU_ASSERT_FALSE((fixture_run_json(&f, "{\"a\":\"\\u007fELF\"}"),
			 fixture_hit(&f, "raw-only") != NULL));
}

static void
test_layers(void)
{
	/* base64 of "%3Cscript%3E here", base64 within an entity's text, percent over an entity */
	CU_ASSERT_TRUE(query_hits("a=JTNDc2NyaXB0JTNFIGhlcmU=", "tag-marker"));
	CU_ASSERT_TRUE(query_hits("a=%2526lt;script%2526gt;", "tag-marker"));
	/* base64 of the base64 of "union select name" */
	CU_ASSERT_TRUE(query_hits("a=ZFc1cGIyNGdjMlZzWldOMElHNWhiV1U9", "sql-marker"));
}

static void
test_rounds_over(void)
{
	/* Percent over percent: the query's own decoding, three rounds, and still one to go. */
	small_query(&f, "a=%2525252541");
	CU_ASSERT_TRUE(fixture_uninspected(&f, "encoded more often"));
	CU_ASSERT_TRUE(fixture_finding(&f, KS_FINDING_UNINSPECTED)->certain);
	small_query(&f, "a=%25252541");
	CU_ASSERT_FALSE(fixture_uninspected(&f, "encoded more often"));
	/* Text of a script may look like that as often as it likes. */
	fixture_run_json(&f, "{\"spec\":{\"args\":[\"%25252525252541\"]}}");
	CU_ASSERT_FALSE(fixture_uninspected(&f, "encoded more often"));
}

static void
test_bytes_over(void)
{
	const struct ks_match_limits limits = {.decoded_bytes = 64};
	struct fixture small;

	fixture_init(&small, small_rules, KS_ARRAY_SIZE(small_rules), &limits);
	fixture_run_json(&small, "{\"a\":\"%3C 123456789 123456789 123456789 123456789\"}");
	CU_ASSERT_FALSE(fixture_uninspected(&small, "more encoded text"));
	fixture_run_json(&small, "{\"a\":\"%3C 123456789 123456789 123456789 123456789\","
				 "\"b\":\"%3C 123456789 123456789 123456789 123456789\"}");
	CU_ASSERT_TRUE(fixture_uninspected(&small, "more encoded text"));
	CU_ASSERT_TRUE(fixture_finding(&small, KS_FINDING_UNINSPECTED)->certain);
	fixture_fini(&small);
}

static void
test_rounds_are_a_limit(void)
{
	const struct ks_match_limits limits = {.decode_rounds = 1};
	struct fixture one;

	fixture_init(&one, small_rules, KS_ARRAY_SIZE(small_rules), &limits);
	small_query(&one, "a=%253Cscript%253E");
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&one, "tag-marker"));
	small_query(&one, "a=%25253Cscript%25253E");
	CU_ASSERT_PTR_NULL(fixture_hit(&one, "tag-marker"));
	CU_ASSERT_TRUE(fixture_uninspected(&one, "encoded more often"));
	fixture_fini(&one);
}

/* What ends in the middle of an encoding is text as any other. */
static void
test_cut_encodings(void)
{
	static const char *const cut[] = {"a=%",
					  "a=%2",
					  "a=%25%",
					  "a=%26",
					  "a=%26%23",
					  "a=%26%23x",
					  "a=%26lt",
					  "a=%5c",
					  "a=%5cx",
					  "a=%5cu00",
					  "a=%c0",
					  "a=%e0%80",
					  "a=/*",
					  "a=$",
					  "a=${IFS",
					  "a=%25u12",
					  "a=PHNjcmlwdD5hbGVyd=",
					  "a==",
					  "=",
					  "&&",
					  "a"};

	for (size_t i = 0; i < KS_ARRAY_SIZE(cut); i++) {
		small_query(&f, cut[i]);
		CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	}
	fixture_fini(&f);
}

static const struct ks_test tests[] = {
	KS_TEST(test_plain_and_percent),
	KS_TEST(test_entities),
	KS_TEST(test_escapes),
	KS_TEST(test_utf8_spellings),
	KS_TEST(test_comments_and_separators),
	KS_TEST(test_base64),
	KS_TEST(test_layers),
	KS_TEST(test_rounds_over),
	KS_TEST(test_bytes_over),
	KS_TEST(test_rounds_are_a_limit),
	KS_TEST(test_cut_encodings),
};
KS_TEST_MAIN("match decode", tests)
