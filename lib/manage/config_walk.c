/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the parsed file along the schema table: every key must have a row, every value must be of
 * the row's type, every required row must be there. Goes on after an error, so that all are told at
 * once. Thread: the control core, at load.
 */
#include <stdarg.h>

#include "config_schema.h"
#include "config_value.h"
#include "config_walk.h"

#define PATH_BYTES 192

/** Where the walk is: one element of a list, or the root. */
struct scope {
	const struct config_walk *walk;
	char path[PATH_BYTES]; /**< "services[]." as the schema says it, or "" */
	char key[PATH_BYTES];  /**< "services[0]." as people read it */
	char *base;	       /**< the struct that offsets count from */
	bool seen[CONFIG_ROWS_MAX];
};

static void scope_fill(struct scope *scope, const config_setting_t *group);

/** Keys of any length come from the file; none that long is known, so cutting them loses nothing.
 */
static void ks_printf(2, 3) path_set(char path[PATH_BYTES], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, PATH_BYTES, fmt, args);
	va_end(args);
}

static struct config_spot
spot_of(const struct scope *scope, const config_setting_t *setting, const char *key)
{
	const struct config_walk *walk = scope->walk;

	return (struct config_spot){
		.errors = walk->errors,
		.place = config_source_place(walk->source, setting->line),
		.key = key,
		.touch_files = walk->touch_files,
	};
}

/** @return the container's length, or -1 with an error when it is none or holds too many. */
static int
container_length(const struct config_spot *spot, const struct config_row *row,
		 const config_setting_t *setting)
{
	int n;

	if (!config_setting_is_list(setting) &&
	    (row->type == CONFIG_LIST || !config_setting_is_array(setting))) {
		config_error(spot->errors, spot->place, spot->key, "expected %s, found %s",
			     row->type == CONFIG_LIST ? "a list ( { }, { } )" : "an array [ ]",
			     config_setting_words(setting));
		return -1;
	}
	n = config_setting_length(setting);
	if ((uint32_t)n > row->max_count) {
		config_error(spot->errors, spot->place, spot->key, "%d entries: at most %u", n,
			     row->max_count);
		return -1;
	}
	if (n == 0 && row->required) {
		config_error(spot->errors, spot->place, spot->key, "must not be empty");
		return -1;
	}
	return n;
}

static void
many_set(struct scope *scope, const struct config_row *row, const config_setting_t *setting,
	 const char *key)
{
	struct config_spot spot = spot_of(scope, setting, key);
	uint32_t *count = (uint32_t *)(void *)(scope->base + row->count_offset);
	int n = container_length(&spot, row, setting);
	char name[PATH_BYTES];

	for (int i = 0; i < n; i++) {
		const config_setting_t *elem = config_setting_get_elem(setting, (unsigned int)i);
		struct config_spot at;

		path_set(name, "%s[%d]", key, i);
		at = spot_of(scope, elem, name);
		if (config_value_set(&at, row, elem,
				     scope->base + row->offset + (size_t)*count * row->size))
			(*count)++;
	}
}

static void
list_set(struct scope *scope, const struct config_row *row, const config_setting_t *setting,
	 const char *key)
{
	struct config_spot spot = spot_of(scope, setting, key);
	uint32_t *count = (uint32_t *)(void *)(scope->base + row->count_offset);
	int n = container_length(&spot, row, setting);

	for (int i = 0; i < n; i++) {
		const config_setting_t *elem = config_setting_get_elem(setting, (unsigned int)i);
		struct scope inner = {.walk = scope->walk};

		path_set(inner.path, "%s[].", row->path);
		path_set(inner.key, "%s[%d].", key, i);
		if (!config_setting_is_group(elem)) {
			spot = spot_of(scope, elem, key);
			config_error(spot.errors, spot.place, key, "expected a group { }, found %s",
				     config_setting_words(elem));
			continue;
		}
		inner.base = scope->base + row->offset + (size_t)(*count)++ * row->size;
		scope_fill(&inner, elem);
	}
}

static void group_walk(struct scope *scope, const config_setting_t *group, const char *sub);

static void
row_set(struct scope *scope, const struct config_row *row, const config_setting_t *setting,
	const char *sub)
{
	char key[PATH_BYTES];
	struct config_spot spot;

	path_set(key, "%s%s", scope->key, sub);
	spot = spot_of(scope, setting, key);
	scope->seen[row - config_schema] = true;
	if (row->type == CONFIG_GROUP && config_setting_is_group(setting))
		group_walk(scope, setting, sub);
	else if (row->type == CONFIG_GROUP)
		config_error(spot.errors, spot.place, key, "expected a group { }, found %s",
			     config_setting_words(setting));
	else if (row->type == CONFIG_LIST)
		list_set(scope, row, setting, key);
	else if (row->many)
		many_set(scope, row, setting, key);
	else
		config_value_set(&spot, row, setting, scope->base + row->offset);
}

/** @param sub path inside the scope: "" or "upstream" */
static void
group_walk(struct scope *scope, const config_setting_t *group, const char *sub)
{
	int n = config_setting_length(group);

	for (int i = 0; i < n; i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned int)i);
		char inner[PATH_BYTES], path[PATH_BYTES];
		const struct config_row *row;
		struct config_spot spot;

		path_set(inner, "%s%s%s", sub, sub[0] == '\0' ? "" : ".",
			 config_setting_name(setting));
		path_set(path, "%s%s", scope->path, inner);
		row = config_schema_find(path);
		if (row != NULL) {
			row_set(scope, row, setting, inner);
			continue;
		}
		path_set(path, "%s%s", scope->key, inner);
		spot = spot_of(scope, setting, path);
		config_error(spot.errors, spot.place, path, "unknown key");
	}
}

static void
scope_missing(const struct scope *scope, const config_setting_t *group)
{
	size_t skip = strlen(scope->path);
	char key[PATH_BYTES];

	for (uint32_t i = 0; i < config_schema_rows; i++) {
		const struct config_row *row = &config_schema[i];
		struct config_spot spot;

		if (!row->required || scope->seen[i] || !config_row_in_scope(row, scope->path))
			continue;
		path_set(key, "%s%s", scope->key, row->path + skip);
		spot = spot_of(scope, group, key);
		config_error(spot.errors, spot.place, key, "is missing");
	}
}

static void
scope_fill(struct scope *scope, const config_setting_t *group)
{
	for (uint32_t i = 0; i < config_schema_rows; i++)
		if (config_row_in_scope(&config_schema[i], scope->path))
			config_value_default(&config_schema[i],
					     scope->base + config_schema[i].offset);
	group_walk(scope, group, "");
	scope_missing(scope, group);
}

void
config_walk_root(const struct config_walk *walk, const config_setting_t *root,
		 struct ks_config *config)
{
	struct scope scope = {.walk = walk, .base = (char *)config};

	scope_fill(&scope, root);
}
