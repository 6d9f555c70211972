/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that come with KubeScope: every file reads, every rule compiles, finds each of its hits
 * in every place that it names, and leaves each of its near-misses alone. The files are read here
 * with libconfig alone, so that this room's test does not lean on the reader of `manage`.
 */
#include <dirent.h>
#include <libconfig.h>

#include "ks_json.h"
#include "match_fixture.h"

#define RULES_MAX 1024
#define FILES_MAX 32
#define RULES_MIN 180

struct sample {
	uint32_t rule;
	bool hit;
	const char *text;
};

static struct {
	config_t config[FILES_MAX];
	uint32_t nfiles;
	struct ks_match_rule rules[RULES_MAX];
	uint32_t n;
	struct sample samples[4 * RULES_MAX];
	uint32_t nsamples;
	struct fixture f;
} set;

static const struct {
	const char *name;
	uint32_t where;
} places[] = {
	{"path", KS_WHERE_PATH},     {"query", KS_WHERE_QUERY}, {"header", KS_WHERE_HEADER},
	{"cookie", KS_WHERE_COOKIE}, {"body", KS_WHERE_BODY},	{"raw", KS_WHERE_RAW},
	{"agent", KS_WHERE_AGENT},
};

static uint32_t
where_of(const config_setting_t *list)
{
	uint32_t where = 0;

	for (int i = 0; list != NULL && i < config_setting_length(list); i++)
		for (size_t k = 0; k < KS_ARRAY_SIZE(places); k++)
			if (strcmp(config_setting_get_string_elem(list, i), places[k].name) == 0)
				where |= places[k].where;
	return where;
}

static uint32_t
samples_read(const config_setting_t *list, bool hit)
{
	int n = list != NULL ? config_setting_length(list) : 0;

	for (int i = 0; i < n; i++)
		set.samples[set.nsamples++] = (struct sample){
			.rule = set.n,
			.hit = hit,
			.text = config_setting_get_string_elem(list, i),
		};
	return (uint32_t)n;
}

static bool
flag_of(const config_setting_t *setting, const char *name)
{
	int value = 0;

	return config_setting_lookup_bool(setting, name, &value) == CONFIG_TRUE && value != 0;
}

static void
rule_read(const config_setting_t *s, const char *file)
{
	struct ks_match_rule *rule = &set.rules[set.n];
	const char *id = "", *class = "";
	const config_setting_t *test = config_setting_get_member(s, "test");
	int db = 0;

	config_setting_lookup_string(s, "id", &id);
	config_setting_lookup_string(s, "class", &class);
	config_setting_lookup_int(s, "db", &db);
	config_setting_lookup_string(s, "pattern", &rule->pattern);
	config_setting_lookup_string(s, "words", &rule->words);
	snprintf(rule->id, sizeof(rule->id), "%s", id);
	CU_ASSERT_EQUAL_FATAL(ks_match_class_parse(class, &rule->class), 0);
	rule->db = (uint16_t)db;
	rule->block = flag_of(s, "block");
	rule->caseless = flag_of(s, "caseless");
	rule->dotall = flag_of(s, "dotall");
	rule->word = flag_of(s, "word");
	rule->where = where_of(config_setting_get_member(s, "where"));
	rule->file = file;
	rule->line = config_setting_source_line(s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rule->words);
	CU_ASSERT_PTR_NOT_NULL_FATAL(test);
	CU_ASSERT_FATAL(samples_read(config_setting_get_member(test, "hit"), true) > 0);
	CU_ASSERT_FATAL(samples_read(config_setting_get_member(test, "miss"), false) > 0);
	set.n++;
}

static void
file_read(const char *dir, const char *name)
{
	config_t *config = &set.config[set.nfiles++];
	char path[512];
	const config_setting_t *list;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	config_init(config);
	if (config_read_file(config, path) != CONFIG_TRUE)
		printf("%s:%d: %s\n", path, config_error_line(config), config_error_text(config));
	list = config_lookup(config, "rules");
	CU_ASSERT_PTR_NOT_NULL_FATAL(list);
	for (int i = 0; i < config_setting_length(list); i++)
		rule_read(config_setting_get_elem(list, (unsigned int)i),
			  config_setting_source_file(list) != NULL
				  ? config_setting_source_file(list)
				  : name);
}

static void
files_read(void)
{
	const char *dir = getenv("KS_RULES_DIR");
	struct dirent *entry;
	DIR *d;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	d = opendir(dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((entry = readdir(d)) != NULL) {
		size_t n = strlen(entry->d_name);

		if (n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0)
			file_read(dir, entry->d_name);
	}
	closedir(d);
}

static void
test_files_compile(void)
{
	files_read();
	fixture_init(&set.f, set.rules, set.n, NULL);
	CU_ASSERT_EQUAL(ks_match_db_rules(set.f.db), set.n);
	CU_ASSERT_TRUE(set.n >= RULES_MIN);
}

/* The database refuses an id that comes twice; what it cannot know is whether the weights make
 * sense. */
static void
test_rules_are_sound(void)
{
	uint32_t per_class[KS_MATCH_CLASS_MAX] = {0};

	for (uint32_t i = 0; i < set.n; i++) {
		const struct ks_match_rule *rule = &set.rules[i];

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
run_query(struct fixture *f, const char *s)
{
	static char query[16384];
	struct ks_str value = percent_encoded(s);

	snprintf(query, sizeof(query), "x=%.*s", (int)value.n, value.p);
	fixture_query(f, query);
	fixture_run(f);
}

static void
run_body(struct fixture *f, const char *s)
{
	static char body[32768];
	static char escaped[16384];
	size_t n = ks_json_escape(fixture_str(s), escaped, sizeof(escaped));

	snprintf(body, sizeof(body), "{\"metadata\":{\"labels\":{\"a\":\"%.*s\"}}}", (int)n,
		 escaped);
	fixture_json(f, body);
	fixture_run(f);
}

/* Puts the sample where the rule looks, in a request that is normal otherwise. */
static void
run_in(struct fixture *f, uint32_t where, const char *s)
{
	fixture_request(f);
	if (where == KS_WHERE_PATH) {
		f->ex->call.resource_request = false;
		f->ex->call.path = fixture_str(s);
		fixture_run(f);
	} else if (where == KS_WHERE_QUERY) {
		run_query(f, s);
	} else if (where == KS_WHERE_BODY) {
		run_body(f, s);
	} else if (where == KS_WHERE_RAW) {
		fixture_body(f, "application/octet-stream", s);
		fixture_run(f);
	} else {
		fixture_header(f,
			       where == KS_WHERE_AGENT	  ? "User-Agent"
			       : where == KS_WHERE_COOKIE ? "Cookie"
							  : "X-Value",
			       s);
		fixture_run(f);
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
sample_holds(const struct sample *sample, uint32_t where)
{
	const struct ks_match_rule *rule = &set.rules[sample->rule];
	bool found;

	run_in(&set.f, where, where == KS_WHERE_COOKIE ? as_cookie(sample->text) : sample->text);
	found = fixture_hit(&set.f, rule->id) != NULL;
	if (found != sample->hit)
		printf("\n%s:%u: rule %s: %s in %u: %s\n", rule->file, rule->line, rule->id,
		       sample->hit ? "misses its hit" : "hits its miss", where, sample->text);
	return found == sample->hit;
}

static void
test_samples(void)
{
	for (uint32_t i = 0; i < set.nsamples; i++) {
		const struct ks_match_rule *rule = &set.rules[set.samples[i].rule];

		for (uint32_t where = 1; where <= KS_WHERE_AGENT; where <<= 1)
			if (rule->where & where)
				CU_ASSERT_TRUE(sample_holds(&set.samples[i], where));
	}
}

static void
test_end(void)
{
	fixture_fini(&set.f);
	for (uint32_t i = 0; i < set.nfiles; i++)
		config_destroy(&set.config[i]);
}

static const struct ks_test tests[] = {
	KS_TEST(test_files_compile),
	KS_TEST(test_rules_are_sound),
	KS_TEST(test_samples),
	KS_TEST(test_end),
};
KS_TEST_MAIN("match rules", tests)
