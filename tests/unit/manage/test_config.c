/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as text: defaults, ranges, every kind of mistake with its place, the sample.
 */
#include <errno.h>
#include <rte_log.h>

#include "config_check.h"
#include "config_schema.h"
#include "config_text.h"

static struct ks_config_errors errors;

static struct ks_config *
parse(const char *text)
{
	struct ks_config *config = NULL;
	int rc = ks_config_parse_string(text, NULL, &config, &errors);

	CU_ASSERT_EQUAL(rc == 0, config != NULL);
	CU_ASSERT_EQUAL(rc == 0, errors.nerrors == 0);
	return config;
}

static void
test_defaults(void)
{
	struct ks_config *config = parse(CONFIG_TEXT);

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_STRING_EQUAL(config->eal.lcores, "0-2");
	CU_ASSERT_TRUE(config->eal.huge);
	CU_ASSERT_STRING_EQUAL(config->eal.file_prefix, "kubescope");
	CU_ASSERT_EQUAL(config->nworkers, 1);
	CU_ASSERT_EQUAL(config->workers[0].nstages, 4);
	CU_ASSERT_EQUAL(config->workers[0].stages[3], KS_CONFIG_STAGE_SCORE);
	CU_ASSERT_EQUAL(config->workers[0].idle, KS_CONFIG_IDLE_SPIN);
	CU_ASSERT_EQUAL(config->nports, 2);
	CU_ASSERT_EQUAL(config->ports[1].mtu, 1500);
	CU_ASSERT_EQUAL(config->ports[1].addresses[0].len, 24);
	CU_ASSERT_EQUAL(config->services[0].mode, KS_MODE_LEARN);
	CU_ASSERT_EQUAL(config->services[0].overload, KS_CONFIG_FAIL_CLOSED);
	CU_ASSERT_EQUAL(config->services[0].listen.port, rte_cpu_to_be_16(6443));
	CU_ASSERT_STRING_EQUAL(config->services[0].upstream.server_name, "10.99.0.1");
	CU_ASSERT_STRING_EQUAL(config->services[0].identities[0].key.path, "s.key");
	CU_ASSERT_PTR_NULL(config->services[0].identities[0].key.data);
	CU_ASSERT_EQUAL(config->limits.body_bytes, 3u << 20);
	CU_ASSERT_EQUAL(config->limits.body_budget_bytes, 64u << 20);
	CU_ASSERT_EQUAL(config->score.flag_db, 40);
	CU_ASSERT_EQUAL(config->store.max_bytes, 1u << 30);
	CU_ASSERT_EQUAL(config->log_level, RTE_LOG_INFO);
	ks_config_free(config);
}

static void
test_values(void)
{
	struct ks_config *config =
		parse(CONFIG_TEXT
		      "limits = { body_budget_bytes = 5000000000; idle_timeout_ms = 0x2710; };"
		      "log = { level = \"warning\"; }; score = { novelty_blocks = true; };"
		      "store = { path = \"/x/y\"; max_bytes = 6000000000L; };");

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	CU_ASSERT_EQUAL(config->limits.body_budget_bytes, 5000000000ull);
	CU_ASSERT_EQUAL(config->limits.idle_timeout_ms, 10000);
	CU_ASSERT_EQUAL(config->log_level, RTE_LOG_WARNING);
	CU_ASSERT_TRUE(config->score.novelty_blocks);
	CU_ASSERT_EQUAL(config->store.max_bytes, 6000000000ull);
	CU_ASSERT_STRING_EQUAL(config->store.path, "/x/y");
	ks_config_free(config);
}

/* A piece of the smallest configuration, what it becomes, and what must be said of it. */
static const struct mistake {
	const char *from, *to, *said;
} mistakes[] = {
	{"lcores", "lcorse", "(text):1: eal.lcorse: unknown key"},
	{"eal = { lcores = \"0-2\"; };", "", "eal.lcores: is missing"},
	{"name = \"k\";", "", "(text):5: services[0].name: is missing"},
	{"\"0-2\"", "5", "(text):1: eal.lcores: expected a string, found an integer"},
	{"lcore = 1", "lcore = \"1\"", "(text):2: placement[0].lcore: expected an integer"},
	{"lcore = 1", "lcore = 1.5", "found a number with a fraction"},
	{"lcore = 1", "lcore = -1", "placement[0].lcore: -1 is out of range: 0 to 1023"},
	{"lcore = 1", "lcore = 9", "placement[0]: lcore 9 is not in eal.lcores"},
	{"lcore = 1", "lcore = 99999999999999999999", "(text):2: the number is too large"},
	{"lcore = 1;", "lcore = 1; idle = \"nap\";", "\"nap\" is not one of spin, backoff"},
	{"\"rx\", ", "", "placement: no lcore polls stage rx"},
	{"\"rx\", ", "\"rx\", \"rx\", ", "stage rx stands there twice"},
	{"\"rx\", ", "\"record\", ", "\"record\" is not one of rx, terminate, match, score"},
	{"} );\nports", "}, { lcore = 2; stages = [ \"rx\" ]; } );\nports",
	 "stage rx is polled by 2 lcores"},
	{"} );\nports", "}, { lcore = 1; stages = [ \"match\" ]; } );\nports",
	 "placement[1]: lcore 1 is in placement[0] already"},
	{"\"10.98.0.2/24\"", "\"10.98.0.2\"",
	 "(text):3: ports[0].addresses[0]: \"10.98.0.2\" is not"},
	{"\"10.98.0.2/24\"", "\"10.98.0.2/33\"", "is not an address with the length"},
	{"\"10.98.0.2/24\"", "\"10.98.0.2/24x\"", "is not an address with the length"},
	{"\"10.98.0.2/24\"", "", "ports[0].addresses: must not be empty"},
	{"\"10.98.0.2/24\"", "\"10.98.0.2/24\", \"10.98.0.3/16\"", "the same prefix length"},
	{"[ \"10.98.0.2/24\" ]", "\"10.98.0.2/24\"", "expected an array [ ], found a string"},
	{"\"10.99.0.2/24\"", "\"10.98.0.2/24\"", "ports[1]: addresses[0] is another port's"},
	{"\"net_null1\"", "\"net_null0\"", "ports[1]: device \"net_null0\" is ports[0]'s already"},
	{"name = \"a\";", "name = \"a\"; gateway = \"10.1.0.1\";",
	 "ports[1]: the gateway is not in"},
	{"name = \"a\";", "name = \"a\"; gateway = \"x\";", "\"x\" is not an address"},
	{"name = \"a\";", "name = \"a\"; mtu = 100;", "100 is out of range: 576 to 9216 bytes"},
	{"name = \"a\";", "name = \"0123456789012345678901234567890123\";",
	 "are too many: at most 31"},
	{"10.98.0.2:6443", "10.98.0.2",
	 "services[0].listen: \"10.98.0.2\" is not an address with a port"},
	{"10.98.0.2:6443", "10.98.0.2:0", "is not an address with a port"},
	{"10.98.0.2:6443", "10.98.0.9:6443", "listen address 10.98.0.9 is no port's address"},
	{"\"10.99.0.2\"", "\"10.99.0.7\"", "local_address 10.99.0.7 is no port's address"},
	{"10.99.0.1:6443", "10.77.0.1:6443", "upstream server 10.77.0.1 is not in the network of"},
	{"ca = \"ca.crt\"", "front_proxy = { certificate = \"f\"; }; ca = \"c\"", "needs both"},
	{"name = \"k\";", "name = \"k\"; crl = \"r\";", "crl without client_ca"},
	{"name = \"k\";", "name = \"k\"; mode = \"off\";", "is not one of learn, detect, enforce"},
	{"name = \"k\";", "name = \"k\"; tls13_only = 1;",
	 "expected true or false, found an integer"},
	{"( { certificate = \"s.crt\"; key = \"s.key\"; } )", "{ certificate = \"s.crt\"; }",
	 "services[0].identities: expected a list"},
	{"( { certificate = \"s.crt\"; key = \"s.key\"; } )", "( 5 )",
	 "expected a group { }, found an integer"},
	{"key = \"s.key\";", "", "services[0].identities[0].key: is missing"},
	{"upstream = {", "upstream = { colour = { x = 1; };",
	 "services[0].upstream.colour: unknown key"},
	{"rules = {", "limits = { body_bytes = 1000000; body_budget_bytes = 5000; }; rules = {",
	 "smaller than limits.body_bytes"},
	{"rules = {", "links = { depth = 1000; }; rules = {", "1000 is not a power of two"},
	{"rules = {", "score = { block_db = 10; }; rules = {", "smaller than score.flag_db"},
	{"rules = {", "log = { level = \"\"; }; rules = {", "is not one of error, warning"},
	{"rules = {", "log = 5; rules = {", "log: expected a group { }, found an integer"},
	{"rules = {", "rules = { decode_rounds = 3; decode_rounds = 4;",
	 "(text):9: duplicate setting"},
	{"rules = {", "rules = ", "(text):9: syntax error"},
	{"rules = {", "@include \"x\"\nrules = {", "(text):9: @include: not possible here"},
};

static void
test_mistakes(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(mistakes); i++) {
		char *text = text_replace(CONFIG_TEXT, mistakes[i].from, mistakes[i].to);
		struct ks_config *config = parse(text);

		CU_ASSERT_PTR_NULL(config);
		if (!errors_hold(&errors, mistakes[i].said)) {
			CU_FAIL("the mistake is not told as expected");
			printf("\n  %s -> %s\n  expected: %s\n", mistakes[i].from, mistakes[i].to,
			       mistakes[i].said);
			ks_config_errors_print(&errors, stdout);
		}
		free(text);
		ks_config_free(config);
	}
}

/** One value out of range for every number of the table that is not inside a list. */
static void
test_every_range(void)
{
	uint32_t tried = 0;

	for (uint32_t i = 0; i < config_schema_rows; i++) {
		const struct config_row *row = &config_schema[i];
		const char *dot = strchr(row->path, '.');
		char text[2048], said[128];

		if (row->type != CONFIG_UINT || !config_row_in_scope(row, "") ||
		    strncmp(row->path, "eal.", 4) == 0 || strncmp(row->path, "rules.", 6) == 0)
			continue;
		for (int low = row->min == 0; low < 2; low++, tried++) {
			unsigned long long bad = low == 0 ? row->min - 1 : row->max + 1;

			snprintf(text, sizeof(text), "%s%.*s = { %s = %llu; };", CONFIG_TEXT,
				 (int)(dot - row->path), row->path, dot + 1, bad);
			snprintf(said, sizeof(said), "(text):10: %s: %llu is out of range",
				 row->path, bad);
			CU_ASSERT_PTR_NULL(parse(text));
			CU_ASSERT_TRUE(errors_hold(&errors, said));
		}
	}
	CU_ASSERT_TRUE(tried > 40);
}

static void
test_all_told_and_bounded(void)
{
	char text[8192] = CONFIG_TEXT;

	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), "wrong%d = %d;\n", i, i);
	CU_ASSERT_PTR_NULL(parse(text));
	CU_ASSERT_EQUAL(errors.nerrors, 100);
	CU_ASSERT_EQUAL(errors.n, KS_CONFIG_ERRORS_MAX);
	CU_ASSERT_TRUE(errors_hold(&errors, "(text):10: wrong0: unknown key"));
	CU_ASSERT_TRUE(errors_hold(&errors, "(text):41: wrong31: unknown key"));
}

static void
test_hostile_text(void)
{
	char deep[20001];

	CU_ASSERT_PTR_NULL(parse(""));
	CU_ASSERT_PTR_NULL(parse("\"\\"));
	CU_ASSERT_PTR_NULL(parse("/*"));
	CU_ASSERT_PTR_NULL(parse("@include"));
	CU_ASSERT_PTR_NULL(parse("x = \"\033[2Jboo\"; \033"));
	for (uint32_t i = 0; i < errors.n; i++)
		CU_ASSERT_PTR_NULL(strchr(errors.v[i].text, '\033'));
	memset(deep, '(', sizeof(deep) - 1);
	memcpy(deep, "a = ", 4);
	deep[sizeof(deep) - 1] = '\0';
	CU_ASSERT_PTR_NULL(parse(deep));
	/* Numbers and includes in strings, comments and names are neither. */
	ks_config_free(parse("# 99999999999999999999\n/* @include */ //1e5\n" CONFIG_TEXT
			     "store = { path = \"99999999999999999999/*\n@include \\\"x\"; };"));
	CU_ASSERT_EQUAL(errors.nerrors, 0);
}

static void
test_warning(void)
{
	char *text =
		text_replace(CONFIG_TEXT, "name = \"k\";", "name = \"k\"; client_ca = \"ca\";");
	struct ks_config *config = parse(text);

	CU_ASSERT_PTR_NOT_NULL(config);
	CU_ASSERT_EQUAL(errors.nwarnings, 1);
	CU_ASSERT_TRUE(errors_hold(&errors, "client_ca without upstream.front_proxy"));
	ks_config_free(config);
	free(text);
}

static void
test_lcores(void)
{
	static const struct {
		const char *list;
		uint32_t lcore;
		int result;
	} cases[] = {
		{"0,1", 1, 1},
		{"0,1", 2, 0},
		{"0-7", 7, 1},
		{"1-3,9", 4, 0},
		{"0@1,1@0", 1, 1},
		{"(0,2-3)@(0-1),5@4", 3, 1},
		{"(0,2-3)@(0-1),5@4", 4, 0},
		{"", 0, -EINVAL},
		{"0,", 0, -EINVAL},
		{"3-1", 3, -EINVAL},
		{"(0,1", 0, -EINVAL},
		{"0@", 0, -EINVAL},
		{"x", 0, -EINVAL},
		{"0 1", 0, -EINVAL},
		{"99999999999999999999", 0, -EINVAL},
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(cases); i++)
		CU_ASSERT_EQUAL(config_lcores_have(cases[i].list, cases[i].lcore), cases[i].result);
}

static char *
conf_read(const char *name)
{
	char path[1024];
	char *text = calloc(1, 1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", KS_CONF_DIR, name);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_TRUE(fread(text, 1, (1 << 16) - 1, f) > 100);
	fclose(f);
	return text;
}

static void
test_sample_is_the_table(void)
{
	char *file = conf_read("kubescope.conf.sample"), *table = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&table, &n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	ks_config_schema_print(f);
	fclose(f);
	CU_ASSERT_STRING_EQUAL(file, table);
	free(file);
	free(table);
}

static void
test_shipped_files(void)
{
	static const char *const names[] = {"kubescope.conf.sample", "lab.conf", "appliance.conf"};

	for (size_t i = 0; i < KS_ARRAY_SIZE(names); i++) {
		char *text = conf_read(names[i]);
		struct ks_config *config = parse(text);

		CU_ASSERT_PTR_NOT_NULL(config);
		CU_ASSERT_EQUAL(errors.nwarnings, 0);
		ks_config_errors_print(&errors, stdout);
		ks_config_free(config);
		free(text);
	}
}

static const struct ks_test tests[] = {
	KS_TEST(test_defaults),
	KS_TEST(test_values),
	KS_TEST(test_mistakes),
	KS_TEST(test_every_range),
	KS_TEST(test_all_told_and_bounded),
	KS_TEST(test_hostile_text),
	KS_TEST(test_warning),
	KS_TEST(test_lcores),
	KS_TEST(test_sample_is_the_table),
	KS_TEST(test_shipped_files),
};

KS_TEST_MAIN("manage/config", tests)
