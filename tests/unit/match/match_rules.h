/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads all rule files of a folder with libconfig alone, for tests, fuzzers and benchmarks of this
 * room: they must not lean on the reader of `manage`, which is a room above. What is wrong with a
 * file ends the program with a message.
 */
#ifndef MATCH_RULES_H
#define MATCH_RULES_H

#include <dirent.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>

#include "ks_match.h"

#define MATCH_RULES_MAX 1024
#define MATCH_RULES_FILES_MAX 32

struct match_sample {
	uint32_t rule;
	bool hit;
	const char *text;
};

struct match_rules {
	config_t config[MATCH_RULES_FILES_MAX];
	uint32_t nfiles;
	struct ks_match_rule v[MATCH_RULES_MAX];
	uint32_t n;
	struct match_sample samples[4 * MATCH_RULES_MAX];
	uint32_t nsamples;
};

static inline void
match_rules_fail(const char *file, unsigned int line, const char *why)
{
	fprintf(stderr, "%s:%u: %s\n", file, line, why);
	exit(2);
}

static inline uint32_t
match_rules_where(const config_setting_t *list)
{
	static const char *const names[] = {"path", "query", "header", "cookie",
					    "body", "raw",   "agent"};
	uint32_t where = 0;

	for (int i = 0; list != NULL && i < config_setting_length(list); i++)
		for (size_t k = 0; k < KS_ARRAY_SIZE(names); k++)
			if (strcmp(config_setting_get_string_elem(list, i), names[k]) == 0)
				where |= 1u << k;
	return where;
}

static inline void
match_rules_samples(struct match_rules *set, const config_setting_t *list, bool hit)
{
	for (int i = 0; list != NULL && i < config_setting_length(list); i++)
		set->samples[set->nsamples++] = (struct match_sample){
			.rule = set->n,
			.hit = hit,
			.text = config_setting_get_string_elem(list, i),
		};
}

static inline bool
match_rules_flag(const config_setting_t *setting, const char *name)
{
	int value = 0;

	return config_setting_lookup_bool(setting, name, &value) == CONFIG_TRUE && value != 0;
}

static inline void
match_rules_add(struct match_rules *set, const config_setting_t *s, const char *file)
{
	struct ks_match_rule *rule = &set->v[set->n];
	const char *id = "", *class = "";
	const config_setting_t *test = config_setting_get_member(s, "test");
	int db = 0;

	config_setting_lookup_string(s, "id", &id);
	config_setting_lookup_string(s, "class", &class);
	config_setting_lookup_int(s, "db", &db);
	config_setting_lookup_string(s, "pattern", &rule->pattern);
	config_setting_lookup_string(s, "words", &rule->words);
	snprintf(rule->id, sizeof(rule->id), "%s", id);
	rule->file = file;
	rule->line = config_setting_source_line(s);
	if (ks_match_class_parse(class, &rule->class) != 0)
		match_rules_fail(file, rule->line, "no such class");
	if (test == NULL || rule->words == NULL || rule->pattern == NULL)
		match_rules_fail(file, rule->line, "without test, words or pattern");
	rule->db = (uint16_t)db;
	rule->block = match_rules_flag(s, "block");
	rule->caseless = match_rules_flag(s, "caseless");
	rule->dotall = match_rules_flag(s, "dotall");
	rule->word = match_rules_flag(s, "word");
	rule->where = match_rules_where(config_setting_get_member(s, "where"));
	match_rules_samples(set, config_setting_get_member(test, "hit"), true);
	match_rules_samples(set, config_setting_get_member(test, "miss"), false);
	set->n++;
}

static inline void
match_rules_file(struct match_rules *set, const char *dir, const char *name)
{
	config_t *config = &set->config[set->nfiles++];
	char path[512];
	const config_setting_t *list;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	config_init(config);
	if (config_read_file(config, path) != CONFIG_TRUE)
		match_rules_fail(path, (unsigned int)config_error_line(config),
				 config_error_text(config));
	list = config_lookup(config, "rules");
	if (list == NULL)
		match_rules_fail(path, 1, "no rules");
	for (int i = 0; i < config_setting_length(list); i++) {
		const config_setting_t *rule = config_setting_get_elem(list, (unsigned int)i);

		match_rules_add(set, rule, config_setting_source_file(rule));
	}
}

/** Free it with match_rules_free(): the rules' texts belong to it. */
static inline struct match_rules *
match_rules_read(const char *dir)
{
	struct match_rules *set = calloc(1, sizeof(*set));
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (set == NULL || d == NULL)
		match_rules_fail(dir, 0, "cannot be read");
	while ((entry = readdir(d)) != NULL) {
		size_t n = strlen(entry->d_name);

		if (n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0)
			match_rules_file(set, dir, entry->d_name);
	}
	closedir(d);
	return set;
}

static inline void
match_rules_free(struct match_rules *set)
{
	for (uint32_t i = 0; i < set->nfiles; i++)
		config_destroy(&set->config[i]);
	free(set);
}

#endif
