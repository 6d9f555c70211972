/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule file: its tree into rules, by a table of keys. Refuses unknown keys, wrong types,
 * unknown classes and places, values out of range; goes on after an error so that all are told at
 * once. Thread: the control core, at load.
 */
#include <libconfig.h>

#include "config_value.h"
#include "rules_parse.h"

#define ID_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"

struct reader {
	struct rules_set *set;
	const struct config_source *source;
	struct ks_match_rule *rule;
	const char *key; /**< for errors: the rule's id when known, then the key */
	struct config_place place;
};

#define READER_ERROR(r, ...) config_error((r)->set->errors, (r)->place, (r)->key, __VA_ARGS__)

static const struct {
	const char *name;
	uint32_t mask;
} where_names[] = {
	{"path", KS_WHERE_PATH},     {"query", KS_WHERE_QUERY}, {"header", KS_WHERE_HEADER},
	{"cookie", KS_WHERE_COOKIE}, {"body", KS_WHERE_BODY},	{"raw", KS_WHERE_RAW},
	{"agent", KS_WHERE_AGENT},
};

static void
id_set(struct reader *r, const config_setting_t *setting)
{
	const char *id = config_setting_get_string(setting);
	size_t n = strlen(id);

	if (n == 0 || n >= sizeof(r->rule->id) || strspn(id, ID_CHARS) != n)
		READER_ERROR(r, "\"%.60s\" is no id: at most %zu of a-z, 0-9 and -", id,
			     sizeof(r->rule->id) - 1);
	else
		memcpy(r->rule->id, id, n + 1);
}

static void
class_set(struct reader *r, const config_setting_t *setting)
{
	const char *name = config_setting_get_string(setting);
	char names[256];
	size_t used = 0;

	if (ks_match_class_parse(name, &r->rule->class) == 0)
		return;
	for (int i = 0; i < KS_MATCH_CLASS_MAX && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 i == 0 ? "" : ", ",
					 ks_match_class_name((enum ks_match_class)i));
	READER_ERROR(r, "\"%.60s\" is not one of %s", name, names);
}

static void
db_set(struct reader *r, const config_setting_t *setting)
{
	long long db = config_setting_get_int64(setting);

	if (db < 1 || db > 200)
		READER_ERROR(r, "%lld is out of range: 1 to 200 dB", db);
	else
		r->rule->db = (uint16_t)db;
}

static const char *
text_keep(struct reader *r, const config_setting_t *setting, size_t cap)
{
	const char *text = config_setting_get_string(setting);
	size_t n = strlen(text);

	if (n == 0 || n >= cap) {
		READER_ERROR(r, n == 0 ? "must not be empty" : "%zu characters are too many", n);
		return NULL;
	}
	return rules_text_keep(r->set, text);
}

static void
pattern_set(struct reader *r, const config_setting_t *setting)
{
	r->rule->pattern = text_keep(r, setting, KS_RULES_PATTERN_BYTES);
}

static void
words_set(struct reader *r, const config_setting_t *setting)
{
	r->rule->words = text_keep(r, setting, KS_RULES_WORDS_BYTES);
}

static void
block_set(struct reader *r, const config_setting_t *setting)
{
	r->rule->block = config_setting_get_bool(setting) != 0;
}

static void
caseless_set(struct reader *r, const config_setting_t *setting)
{
	r->rule->caseless = config_setting_get_bool(setting) != 0;
}

static void
dotall_set(struct reader *r, const config_setting_t *setting)
{
	r->rule->dotall = config_setting_get_bool(setting) != 0;
}

static void
word_set(struct reader *r, const config_setting_t *setting)
{
	r->rule->word = config_setting_get_bool(setting) != 0;
}

static uint32_t
where_mask(const char *name)
{
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(where_names); i++)
		if (strcmp(where_names[i].name, name) == 0)
			return where_names[i].mask;
	return 0;
}

/** Element `i` of an array of strings; a lone string counts as an array of one. */
static const char *
strings_at(const config_setting_t *setting, int i)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return i == 0 ? config_setting_get_string(setting) : NULL;
	return i < config_setting_length(setting) ? config_setting_get_string_elem(setting, i)
						  : NULL;
}

static void
where_set(struct reader *r, const config_setting_t *setting)
{
	const char *name;

	for (int i = 0; (name = strings_at(setting, i)) != NULL; i++) {
		if (where_mask(name) == 0)
			READER_ERROR(r,
				     "\"%.60s\" is not one of path, query, header, cookie, body, "
				     "raw, agent",
				     name);
		r->rule->where |= where_mask(name);
	}
	if (r->rule->where == 0)
		READER_ERROR(r, "must name at least one place");
}

static void
hit_set(struct reader *r, const config_setting_t *setting)
{
	const char *text;

	for (int i = 0; (text = strings_at(setting, i)) != NULL; i++)
		rules_sample_add(r->set, true, text);
}

static void
miss_set(struct reader *r, const config_setting_t *setting)
{
	const char *text;

	for (int i = 0; (text = strings_at(setting, i)) != NULL; i++)
		rules_sample_add(r->set, false, text);
}

/* ---- keys ---- */

enum key_type { KEY_STRING, KEY_INT, KEY_BOOL, KEY_STRINGS, KEY_GROUP };
static const char *const key_type_words[] = {"a string", "an integer", "true or false",
					     "an array of strings", "a group { }"};

struct key_row {
	const char *name;
	enum key_type type;
	bool required;
	void (*set)(struct reader *r, const config_setting_t *setting);
};

static void test_set(struct reader *r, const config_setting_t *setting);

/* `id` stands first: errors of the other keys name it. */
static const struct key_row rule_keys[] = {
	{"id", KEY_STRING, true, id_set},
	{"class", KEY_STRING, true, class_set},
	{"db", KEY_INT, true, db_set},
	{"block", KEY_BOOL, false, block_set},
	{"where", KEY_STRINGS, true, where_set},
	{"pattern", KEY_STRING, true, pattern_set},
	{"caseless", KEY_BOOL, false, caseless_set},
	{"dotall", KEY_BOOL, false, dotall_set},
	{"word", KEY_BOOL, false, word_set},
	{"words", KEY_STRING, false, words_set},
	{"test", KEY_GROUP, false, test_set},
	{NULL},
};

static const struct key_row test_keys[] = {
	{"hit", KEY_STRINGS, false, hit_set},
	{"miss", KEY_STRINGS, false, miss_set},
	{NULL},
};

static bool
strings_fit(const config_setting_t *setting)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return true;
	if (!config_setting_is_array(setting) && !config_setting_is_list(setting))
		return false;
	for (int i = 0; i < config_setting_length(setting); i++)
		if (config_setting_get_string_elem(setting, i) == NULL)
			return false;
	return true;
}

static bool
type_fits(enum key_type type, const config_setting_t *setting)
{
	switch (type) {
	case KEY_STRING:
		return config_setting_type(setting) == CONFIG_TYPE_STRING;
	case KEY_INT:
		return config_setting_type(setting) == CONFIG_TYPE_INT ||
		       config_setting_type(setting) == CONFIG_TYPE_INT64;
	case KEY_BOOL:
		return config_setting_type(setting) == CONFIG_TYPE_BOOL;
	case KEY_STRINGS:
		return strings_fit(setting);
	default:
		return config_setting_is_group(setting);
	}
}

static const struct key_row *
key_find(const struct key_row *rows, const char *name)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

static void
key_set(struct reader *r, const struct key_row *row, const config_setting_t *setting)
{
	char key[128];

	snprintf(key, sizeof(key), "%s%s%s", r->rule->id, r->rule->id[0] == '\0' ? "" : ": ",
		 row->name);
	r->key = key;
	r->place = config_source_place(r->source, setting->line);
	if (type_fits(row->type, setting))
		row->set(r, setting);
	else
		READER_ERROR(r, "expected %s, found %s", key_type_words[row->type],
			     config_setting_words(setting));
	r->key = "";
}

/** Known keys in the table's order, then complaints about the others. */
static void
keys_read(struct reader *r, const struct key_row *rows, const config_setting_t *group)
{
	struct config_place place = config_source_place(r->source, group->line);

	for (const struct key_row *row = rows; row->name != NULL; row++) {
		const config_setting_t *setting = config_setting_get_member(group, row->name);

		if (setting != NULL)
			key_set(r, row, setting);
		else if (row->required)
			config_error(r->set->errors, place,
				     r->rule->id[0] != '\0' ? r->rule->id : "rule", "%s is missing",
				     row->name);
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned int)i);

		if (key_find(rows, config_setting_name(setting)) != NULL)
			continue;
		config_error(r->set->errors, config_source_place(r->source, setting->line),
			     r->rule->id, "unknown key %.60s", config_setting_name(setting));
	}
}

static void
test_set(struct reader *r, const config_setting_t *setting)
{
	keys_read(r, test_keys, setting);
}

/* ---- files ---- */

static void
rule_read(struct rules_set *set, const struct config_source *source, const config_setting_t *group)
{
	struct reader r = {.set = set, .source = source, .key = "rules"};

	r.place = config_source_place(source, group->line);
	if (!config_setting_is_group(group)) {
		READER_ERROR(&r, "expected a group { }, found %s", config_setting_words(group));
		return;
	}
	if (set->rules.n == KS_RULES_MAX) {
		READER_ERROR(&r, "more than %u rules", KS_RULES_MAX);
		return;
	}
	r.rule = rules_add(set);
	if (r.rule == NULL)
		return;
	r.rule->file = rules_text_keep(set, r.place.file);
	r.rule->line = r.place.line;
	keys_read(&r, rule_keys, group);
}

static void
root_read(struct rules_set *set, const struct config_source *source, const config_setting_t *root)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *list = config_setting_get_elem(root, (unsigned int)i);
		struct config_place place = config_source_place(source, list->line);

		if (strcmp(config_setting_name(list), "rules") != 0) {
			config_error(set->errors, place, config_setting_name(list), "unknown key");
			continue;
		}
		if (!config_setting_is_list(list)) {
			config_error(set->errors, place, "rules",
				     "expected a list ( { }, { } ), found %s",
				     config_setting_words(list));
			continue;
		}
		for (int j = 0; j < config_setting_length(list) && !set->no_memory; j++)
			rule_read(set, source, config_setting_get_elem(list, (unsigned int)j));
	}
}

void
rules_parse(struct rules_set *set, const struct config_source *source)
{
	config_t tree;

	config_init(&tree);
	/* Includes are in the text already; should one be left, it must not find a file. */
	config_set_include_dir(&tree, "/dev/null");
	if (config_read_string(&tree, source->text) == CONFIG_TRUE)
		root_read(set, source, config_root_setting(&tree));
	else
		config_error(set->errors,
			     config_source_place(source, (unsigned int)config_error_line(&tree)),
			     "", "%s", config_error_text(&tree));
	config_destroy(&tree);
}
