/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a database refuses, and that it says where and why.
 */
#include "match_fixture.h"

static char error[KS_MATCH_ERROR_BYTES];

static struct ks_match_rule
rule_with(const char *pattern)
{
	return (struct ks_match_rule){
		.id = "the-rule",
		.class = KS_MATCH_SHELL,
		.db = 50,
		.where = KS_WHERE_QUERY,
		.pattern = pattern,
		.file = "shell.conf",
		.line = 12,
	};
}

static bool
compiles(const struct ks_match_rule *rules, uint32_t n)
{
	struct ks_match_db *db = ks_match_db_create(rules, n, NULL, 1, error);
	bool good = db != NULL;

	ks_match_db_destroy(db);
	return good;
}

/* @return true when the pattern is refused with a reason that holds these words. */
static bool
refused(const char *pattern, const char *words)
{
	struct ks_match_rule rule = rule_with(pattern);

	if (compiles(&rule, 1))
		return false;
	if (strncmp(error, "shell.conf:12: rule the-rule: ", 30) != 0 ||
	    strstr(error, words) == NULL) {
		printf("\n%s: %s\n", pattern, error);
		return false;
	}
	return true;
}

static bool
accepted(const char *pattern)
{
	struct ks_match_rule rule = rule_with(pattern);
	bool good = compiles(&rule, 1);

	if (!good)
		printf("\n%s\n", error);
	return good;
}

static void
test_dear_patterns_are_refused(void)
{
	CU_ASSERT_TRUE(refused(".*marker", "begins with"));
	CU_ASSERT_TRUE(refused("\\s*marker", "begins with"));
	CU_ASSERT_TRUE(refused("(?:abc|def)+marker", "begins with"));
	CU_ASSERT_TRUE(refused(".{0,9}marker", "begins with"));
	CU_ASSERT_TRUE(refused("mark.*er", "broad class"));
	CU_ASSERT_TRUE(refused("mark[^x]+er", "broad class"));
	CU_ASSERT_TRUE(refused("mark\\S{3,}er", "broad class"));
	CU_ASSERT_TRUE(refused("mark[^x]{0,300}er", "more than 256"));
	CU_ASSERT_TRUE(refused("[a-z]{4}[0-9]{8}", "no literal"));
	CU_ASSERT_TRUE(refused("or", "no literal"));
	CU_ASSERT_TRUE(refused("(?:marker|x)[a-z]", "no literal"));
	CU_ASSERT_TRUE(refused("(?:marker)?[a-z]{3}", "no literal"));
	CU_ASSERT_TRUE(refused("\\d\\d\\d\\d", "no literal"));
}

static void
test_patterns_with_a_literal_are_accepted(void)
{
	CU_ASSERT_TRUE(accepted("marker"));
	CU_ASSERT_TRUE(accepted("mark.{0,64}er"));
	CU_ASSERT_TRUE(accepted("mark[a-z]*er"));
	CU_ASSERT_TRUE(accepted("(?:abc|defg)\\s{1,4}x"));
	CU_ASSERT_TRUE(accepted("\\{\\{\\d"));
	CU_ASSERT_TRUE(accepted("\\bor[\\s+(]1"));
	CU_ASSERT_TRUE(accepted("gh[pousr]_[A-Za-z0-9]{36}"));
	CU_ASSERT_TRUE(accepted("\\x7f\\x45\\x4c\\x46"));
	CU_ASSERT_TRUE(accepted("a{4}"));
	CU_ASSERT_TRUE(accepted("(?:(?:ab|cd)e|fgh)i"));
}

static void
test_what_cannot_be_parsed_is_refused(void)
{
	CU_ASSERT_TRUE(refused("marker(", ""));
	CU_ASSERT_TRUE(refused("marker)", ""));
	CU_ASSERT_TRUE(refused("marker[", ""));
	CU_ASSERT_TRUE(refused("(?=marker)marker", "look-around"));
	CU_ASSERT_TRUE(refused("(?<!a)marker", "look-around"));
	CU_ASSERT_TRUE(refused("(mark)er\\1", ""));
	CU_ASSERT_TRUE(refused("(((((((((((((((((((abc)))))))))))))))))))", "nested"));
	CU_ASSERT_TRUE(refused("", "no pattern"));
}

static void
test_incomplete_rules_are_refused(void)
{
	struct ks_match_rule rule = rule_with("marker");

	rule.id[0] = '\0';
	CU_ASSERT_FALSE(compiles(&rule, 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "no id"));
	rule = rule_with("marker");
	memset(rule.id, 'x', sizeof(rule.id));
	CU_ASSERT_FALSE(compiles(&rule, 1));
	rule = rule_with("marker");
	rule.db = 0;
	CU_ASSERT_FALSE(compiles(&rule, 1));
	rule.db = 201;
	CU_ASSERT_FALSE(compiles(&rule, 1));
	rule = rule_with("marker");
	rule.where = 0;
	CU_ASSERT_FALSE(compiles(&rule, 1));
	rule = rule_with("marker");
	rule.class = KS_MATCH_CLASS_MAX;
	CU_ASSERT_FALSE(compiles(&rule, 1));
	rule = rule_with(NULL);
	CU_ASSERT_FALSE(compiles(&rule, 1));
}

static void
test_an_id_comes_once(void)
{
	struct ks_match_rule rules[2] = {rule_with("marker"), rule_with("another")};

	rules[1].line = 40;
	CU_ASSERT_FALSE(compiles(rules, 2));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "shell.conf:40: rule the-rule: named before"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "shell.conf:12"));
}

static void
test_no_rules_match_nothing(void)
{
	struct fixture f;

	fixture_init(&f, NULL, 0, NULL);
	CU_ASSERT_EQUAL(ks_match_db_rules(f.db), 0);
	fixture_query(&f, "x=1");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_QUERY, "x"));
	fixture_fini(&f);
}

static void
test_class_names(void)
{
	for (int i = 0; i < KS_MATCH_CLASS_MAX; i++) {
		enum ks_match_class class = KS_MATCH_CLASS_MAX;
		const char *name = ks_match_class_name((enum ks_match_class)i);

		CU_ASSERT_EQUAL(ks_match_class_parse(name, &class), 0);
		CU_ASSERT_EQUAL((int)class, i);
	}
	enum ks_match_class class = KS_MATCH_CLASS_MAX;

	CU_ASSERT_TRUE(ks_match_class_parse("no such class", &class) < 0);
	CU_ASSERT_STRING_EQUAL(ks_match_class_name(KS_MATCH_CLASS_MAX), "?");
}

static const struct ks_test tests[] = {
	KS_TEST(test_dear_patterns_are_refused),
	KS_TEST(test_patterns_with_a_literal_are_accepted),
	KS_TEST(test_what_cannot_be_parsed_is_refused),
	KS_TEST(test_incomplete_rules_are_refused),
	KS_TEST(test_an_id_comes_once),
	KS_TEST(test_no_rules_match_nothing),
	KS_TEST(test_class_names),
};
KS_TEST_MAIN("match pattern", tests)
