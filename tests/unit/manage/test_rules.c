/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files: what they become, and every kind of mistake with its place.
 */
#include <errno.h>
#include <unistd.h>

#include "config_text.h"
#include "ks_rules.h"

static struct ks_config_errors errors;

#define RULE                                                       \
	"{ id = \"sqli-1\"; class = \"sql_injection\"; db = 60;\n" \
	"  where = [ \"query\", \"body\" ]; pattern = \"union\\\\s+select\"; }\n"
#define RULES "rules = (\n" RULE ");\n"

static struct ks_rules *
parse(const char *text)
{
	struct ks_rules *rules = NULL;
	int rc = ks_rules_parse_string(text, &rules, &errors);

	CU_ASSERT_EQUAL(rc == 0, rules != NULL);
	CU_ASSERT_EQUAL(rc == 0, errors.nerrors == 0);
	return rules;
}

static void
test_defaults(void)
{
	struct ks_rules *rules = parse(RULES);
	const struct ks_match_rule *rule;

	CU_ASSERT_PTR_NOT_NULL_FATAL(rules);
	CU_ASSERT_EQUAL(rules->n, 1);
	rule = &rules->v[0];
	CU_ASSERT_STRING_EQUAL(rule->id, "sqli-1");
	CU_ASSERT_EQUAL(rule->class, KS_MATCH_SQLI);
	CU_ASSERT_EQUAL(rule->db, 60);
	CU_ASSERT_EQUAL(rule->where, KS_WHERE_QUERY | KS_WHERE_BODY);
	CU_ASSERT_STRING_EQUAL(rule->pattern, "union\\s+select");
	CU_ASSERT_FALSE(rule->block || rule->caseless || rule->dotall || rule->word);
	CU_ASSERT_PTR_NULL(rule->words);
	CU_ASSERT_STRING_EQUAL(rule->file, "(text)");
	CU_ASSERT_EQUAL(rule->line, 2);
	CU_ASSERT_EQUAL(rules->nsamples, 0);
	ks_rules_free(rules);
}

static void
test_everything(void)
{
	struct ks_rules *rules = parse(
		"rules = (" RULE ", { id = \"agent-2\"; class = \"scanner\"; db = 1;\n"
		"where = [ \"path\", \"query\", \"header\", \"cookie\", \"body\", \"raw\", "
		"\"agent\" ];\n"
		"block = true; caseless = true; dotall = true; word = true; pattern = \"x\";\n"
		"words = \"a tool\"; test = { hit = \"h1\"; miss = [ \"m1\", \"m2\" ]; }; } );");
	const struct ks_match_rule *rule;

	CU_ASSERT_PTR_NOT_NULL_FATAL(rules);
	CU_ASSERT_EQUAL(rules->n, 2);
	rule = &rules->v[1];
	CU_ASSERT_TRUE(rule->block && rule->caseless && rule->dotall && rule->word);
	CU_ASSERT_EQUAL(rule->where, 0x7f);
	CU_ASSERT_STRING_EQUAL(rule->words, "a tool");
	CU_ASSERT_EQUAL(rules->nsamples, 3);
	CU_ASSERT_TRUE(rules->samples[0].hit);
	CU_ASSERT_EQUAL(rules->samples[2].rule, 1);
	CU_ASSERT_FALSE(rules->samples[2].hit);
	CU_ASSERT_STRING_EQUAL(rules->samples[2].text, "m2");
	ks_rules_free(rules);
}

static const struct mistake {
	const char *from, *to, *said;
} mistakes[] = {
	{"id = \"sqli-1\";", "", "(text):2: rule: id is missing"},
	{"\"sqli-1\"", "\"SQLi 1\"", "(text):2: id: \"SQLi 1\" is no id"},
	{"\"sqli-1\"", "\"\"", "\"\" is no id"},
	{"\"sqli-1\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
	 "is no id: at most 47"},
	{"\"sqli-1\"", "5", "id: expected a string, found an integer"},
	{"class = \"sql_injection\"; ", "", "(text):2: sqli-1: class is missing"},
	{"sql_injection", "sqli",
	 "sqli-1: class: \"sqli\" is not one of sql_injection, shell_code"},
	{"db = 60", "db = 0", "sqli-1: db: 0 is out of range"},
	{"db = 60", "db = 201", "201 is out of range"},
	{"db = 60", "db = 6.0", "db: expected an integer, found a number with a fraction"},
	{"\"query\", ", "\"uri\", ", "(text):3: sqli-1: where: \"uri\" is not one of path, query"},
	{"\"query\", \"body\"", "", "must name at least one place"},
	{"[ \"query\", \"body\" ]", "( \"query\", 5 )", "where: expected an array of strings"},
	{"pattern = \"union\\\\s+select\";", "", "pattern is missing"},
	{"union\\\\s+select", "", "pattern: must not be empty"},
	{"db = 60;", "db = 60; block = 1;", "block: expected true or false"},
	{"db = 60;", "db = 60; colour = 1;", "(text):2: sqli-1: unknown key colour"},
	{"db = 60;", "db = 60; test = 1;", "test: expected a group"},
	{"db = 60;", "db = 60; test = { hits = \"x\"; };", "unknown key hits"},
	{"db = 60;", "db = 60; test = { hit = [ 1 ]; };", "hit: expected an array of strings"},
	{"rules", "rule", "(text):1: rule: unknown key"},
	{"rules = (\n" RULE ")", "rules = " RULE, "rules: expected a list"},
	{RULE, "", "there is not one rule"},
	{RULE, "7", "rules: expected a group { }, found an integer"},
	{RULE, RULE "," RULE, "(text):4: sqli-1: this id is taken: (text):2"},
	{RULE, RULE RULE, "syntax error"},
	{"\"sqli-1\"", "\"sqli-1", "(text):3: the string does not end"},
};

static void
test_mistakes(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(mistakes); i++) {
		char *text = text_replace(RULES, mistakes[i].from, mistakes[i].to);
		struct ks_rules *rules = parse(text);

		CU_ASSERT_PTR_NULL(rules);
		if (!errors_hold(&errors, mistakes[i].said)) {
			CU_FAIL("the mistake is not told as expected");
			printf("\n  expected: %s\n", mistakes[i].said);
			ks_config_errors_print(&errors, stdout);
		}
		free(text);
		ks_rules_free(rules);
	}
}

static void
test_long_texts(void)
{
	char text[8192], longer[4096];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[KS_RULES_PATTERN_BYTES] = '\0';
	snprintf(text, sizeof(text), "rules = ( { id = \"x\"; pattern = \"%s\"; } );", longer);
	ks_rules_free(parse(text));
	CU_ASSERT_TRUE(errors_hold(&errors, "pattern: 2048 characters are too many"));
	longer[KS_RULES_PATTERN_BYTES - 1] = '\0';
	snprintf(text, sizeof(text),
		 "rules = ( { id = \"x\"; class = \"leak\"; class = \"%s\"; } );", longer);
	ks_rules_free(parse(text));
	CU_ASSERT_TRUE(errors_hold(&errors, "duplicate setting name"));
}

static void
file_put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void
test_folders(void)
{
	char dir[] = "/tmp/ks-rules-XXXXXX", command[64];
	struct ks_config_rules config = {.ndirectories = 1};
	struct ks_rules *rules = NULL;
	char *second = text_replace(RULES, "sqli-1", "sqli-2");

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	strcpy(config.directories[0], dir);
	file_put(dir, "20-b.conf", RULES);
	file_put(dir, "10-a.conf", second);
	file_put(dir, "README", "not a rule file");
	file_put(dir, ".hidden.conf", "nor this");
	CU_ASSERT_EQUAL(ks_rules_load(&config, &rules, &errors), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rules);
	CU_ASSERT_EQUAL(rules->n, 2);
	CU_ASSERT_STRING_EQUAL(rules->v[0].id, "sqli-2");
	CU_ASSERT_PTR_NOT_NULL(strstr(rules->v[1].file, "/20-b.conf"));
	ks_rules_free(rules);
	file_put(dir, "10-a.conf", RULES);
	CU_ASSERT_EQUAL(ks_rules_load(&config, &rules, &errors), -EINVAL);
	CU_ASSERT_TRUE(errors_hold(&errors, "20-b.conf:2: sqli-1: this id is taken: "));
	strcpy(config.directories[0], "/tmp/ks-rules-none");
	CU_ASSERT_EQUAL(ks_rules_load(&config, &rules, &errors), -EINVAL);
	CU_ASSERT_PTR_NULL(rules);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(command), 0);
	free(second);
}

static const struct ks_test tests[] = {
	KS_TEST(test_defaults),	  KS_TEST(test_everything), KS_TEST(test_mistakes),
	KS_TEST(test_long_texts), KS_TEST(test_folders),
};

KS_TEST_MAIN("manage/rules", tests)
