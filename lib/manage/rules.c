/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of rules that grows while files are read: its memory, its order, its duplicates.
 * Reading one file is rules_parse.c's. Thread: the control core, at load.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "config_source.h"
#include "rules_parse.h"

struct text_node {
	struct text_node *next;
	char text[];
};

char *
rules_text_keep(struct rules_set *set, const char *text)
{
	size_t n = strlen(text) + 1;
	struct text_node *node = malloc(sizeof(*node) + n);

	if (node == NULL) {
		set->no_memory = true;
		return NULL;
	}
	node->next = set->texts;
	set->texts = node;
	return memcpy(node->text, text, n);
}

/** Grows an array by doubling. @return the place of element `n`, cleared, or NULL. */
static void *
array_add(struct rules_set *set, void **array, uint32_t n, size_t size)
{
	/* n is a power of two exactly when the array is full. */
	if ((n & (n - 1)) == 0) {
		void *more = realloc(*array, (n == 0 ? 1 : 2 * (size_t)n) * size);

		if (more == NULL) {
			set->no_memory = true;
			return NULL;
		}
		*array = more;
	}
	return memset((char *)*array + n * size, 0, size);
}

struct ks_match_rule *
rules_add(struct rules_set *set)
{
	struct ks_match_rule *rule =
		array_add(set, (void **)&set->rules.v, set->rules.n, sizeof(*rule));

	if (rule != NULL)
		set->rules.n++;
	return rule;
}

void
rules_sample_add(struct rules_set *set, bool hit, const char *text)
{
	struct ks_rule_sample *sample =
		array_add(set, (void **)&set->rules.samples, set->rules.nsamples, sizeof(*sample));

	if (sample == NULL)
		return;
	sample->rule = set->rules.n - 1;
	sample->hit = hit;
	sample->text = rules_text_keep(set, text);
	set->rules.nsamples++;
}

void
ks_rules_free(struct ks_rules *rules)
{
	struct rules_set *set;

	if (rules == NULL)
		return;
	set = ks_container_of(rules, struct rules_set, rules);
	while (set->texts != NULL) {
		struct text_node *node = set->texts;

		set->texts = node->next;
		free(node);
	}
	free(rules->v);
	free(rules->samples);
	free(set);
}

static int
rule_compare(const void *a, const void *b)
{
	const struct ks_match_rule *x = *(const struct ks_match_rule *const *)a;
	const struct ks_match_rule *y = *(const struct ks_match_rule *const *)b;
	int order = strcmp(x->id, y->id);

	/* Equal ids in the order of reading, so that the later one is the duplicate. */
	return order != 0 ? order : (x > y) - (x < y);
}

static int
rules_unique_check(struct rules_set *set)
{
	const struct ks_rules *rules = &set->rules;
	const struct ks_match_rule **order = calloc(rules->n + 1, sizeof(*order));

	if (order == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->n; i++)
		order[i] = &rules->v[i];
	qsort(order, rules->n, sizeof(*order), rule_compare);
	for (uint32_t i = 1; i < rules->n; i++)
		if (order[i]->id[0] != '\0' && strcmp(order[i - 1]->id, order[i]->id) == 0)
			config_error(set->errors,
				     (struct config_place){order[i]->file, order[i]->line},
				     order[i]->id, "this id is taken: %s:%u", order[i - 1]->file,
				     order[i - 1]->line);
	free(order);
	return 0;
}

static struct rules_set *
rules_begin(struct ks_config_errors *errors)
{
	struct rules_set *set = calloc(1, sizeof(*set));

	memset(errors, 0, sizeof(*errors));
	if (set != NULL)
		set->errors = errors;
	return set;
}

static int
rules_end(struct rules_set *set, struct ks_rules **out)
{
	int rc = set->no_memory ? -ENOMEM : rules_unique_check(set);

	if (rc == 0 && set->rules.n == 0 && set->errors->nerrors == 0)
		config_error(set->errors, (struct config_place){"", 0}, "rules",
			     "there is not one rule");
	if (rc == 0 && set->errors->nerrors > 0)
		rc = -EINVAL;
	set->errors = NULL;
	if (rc != 0) {
		ks_rules_free(&set->rules);
		return rc;
	}
	*out = &set->rules;
	return 0;
}

static void
file_load(struct rules_set *set, const char *folder, const char *name)
{
	char path[KS_CONFIG_PATH_BYTES + 256];
	struct config_source source;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (config_source_init(&source, set->errors) != 0) {
		set->no_memory = true;
		return;
	}
	rc = config_source_read(&source, path);
	if (rc == 0)
		rules_parse(set, &source);
	else if (rc == -ENOENT)
		config_error(set->errors, (struct config_place){"", 0}, path, "no such file");
	config_source_fini(&source);
}

static int
is_rule_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static void
folder_load(struct rules_set *set, const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_rule_file, alphasort);

	if (n < 0) {
		config_error(set->errors, (struct config_place){"", 0}, folder, "%s",
			     strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		file_load(set, folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (n == 0)
		config_warning(set->errors, (struct config_place){"", 0}, folder,
			       "no rule file (*.conf) in it");
}

int
ks_rules_load(const struct ks_config_rules *config, struct ks_rules **out,
	      struct ks_config_errors *errors)
{
	struct rules_set *set = rules_begin(errors);

	*out = NULL;
	if (set == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->ndirectories; i++)
		folder_load(set, config->directories[i]);
	return rules_end(set, out);
}

int
ks_rules_parse_string(const char *text, struct ks_rules **out, struct ks_config_errors *errors)
{
	struct rules_set *set = rules_begin(errors);
	struct config_source source;

	*out = NULL;
	if (set == NULL)
		return -ENOMEM;
	if (config_source_init(&source, errors) != 0)
		set->no_memory = true;
	else if (config_source_string(&source, text, "(text)", false) == 0)
		rules_parse(set, &source);
	config_source_fini(&source);
	return rules_end(set, out);
}
