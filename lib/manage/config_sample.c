/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the schema as a configuration file with every key, its default and what it is for.
 * A list is shown with one element.
 * Thread: any.
 */
#include "config_schema.h"

static const char *
row_name(const struct config_row *row)
{
	const char *dot = strrchr(row->path, '.');

	return dot == NULL ? row->path : dot + 1;
}

/** Is `row` inside the group or list `outer`? */
static bool
row_inside(const struct config_row *row, const struct config_row *outer)
{
	size_t n = strlen(outer->path);

	return strncmp(row->path, outer->path, n) == 0 &&
	       (row->path[n] == '.' || row->path[n] == '[');
}

static void
indent_print(FILE *f, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++)
		fputc('\t', f);
}

static void
help_print(FILE *f, const struct config_row *row, unsigned int depth)
{
	indent_print(f, depth);
	fputs("# ", f);
	for (const char *p = row->help; *p != '\0'; p++) {
		fputc(*p, f);
		if (*p == '\n') {
			indent_print(f, depth);
			fputs("# ", f);
		}
	}
	if (row->type == CONFIG_UINT)
		fprintf(f, " (%llu to %llu%s%s)", (unsigned long long)row->min,
			(unsigned long long)row->max, row->unit != NULL ? " " : "",
			row->unit != NULL ? row->unit : "");
	for (int i = 0; row->names != NULL && row->names[i] != NULL; i++)
		if (row->names[i][0] != '\0')
			fprintf(f, "%s%s", i == 0 || row->names[i - 1][0] == '\0' ? " [" : ", ",
				row->names[i]);
	fputs(row->names != NULL ? "]" : "", f);
	if (row->many || row->type == CONFIG_LIST)
		fprintf(f, "; at most %u", row->max_count);
	fputs(row->required ? "; required" : "", f);
	fputs(row->apply == CONFIG_LIVE ? "; live\n" : "\n", f);
}

static void
value_print(FILE *f, const struct config_row *row, unsigned int depth)
{
	bool bare = row->type == CONFIG_BOOL || row->type == CONFIG_UINT || row->many;
	const char *value = row->def != NULL ? row->def : row->example;

	if (value == NULL)
		value = row->many ? "[ ]" : "";
	indent_print(f, depth);
	fprintf(f, bare ? "%s = %s;\n" : "%s = \"%s\";\n", row_name(row), value);
}

/** Prints row `i` and what is inside it. @return the first row behind. */
static uint32_t
row_print(FILE *f, uint32_t i, unsigned int depth)
{
	const struct config_row *row = &config_schema[i++];
	bool list = row->type == CONFIG_LIST;

	if (depth == 0)
		fputc('\n', f);
	help_print(f, row, depth);
	if (!list && row->type != CONFIG_GROUP) {
		value_print(f, row, depth);
		return i;
	}
	indent_print(f, depth);
	fprintf(f, list ? "%s = ( {\n" : "%s = {\n", row_name(row));
	while (i < config_schema_rows && row_inside(&config_schema[i], row))
		i = row_print(f, i, depth + 1);
	indent_print(f, depth);
	fputs(list ? "} );\n" : "};\n", f);
	return i;
}

void
ks_config_schema_print(FILE *f)
{
	fputs("# Every key of KubeScope's configuration with its default or an example: generated "
	      "from the\n"
	      "# table that the program reads by. What is not marked \"required\" may be left out; "
	      "\"live\" keys\n"
	      "# follow a reload, all others a restart. Paths are relative to the file that they "
	      "stand in;\n"
	      "# @include \"file\" puts another file in.\n",
	      f);
	for (uint32_t i = 0; i < config_schema_rows;)
		i = row_print(f, i, 0);
}
