/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for people: as wide as their content, but not wider than the terminal; where something
 * must go, the widest of the columns that may be cut gives way first. Without a terminal nothing is
 * cut.
 */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

#define COLUMNS_MAX 16
#define GAP 2
#define FLEX_LEAST 8

const char *
ctl_colour(const struct ctl *ctl, const char *word)
{
	static const struct {
		const char *word, *sequence;
	} colours[] = {
		{"block", "\033[1;31m"},   {"throttle", "\033[1;33m"}, {"flag", "\033[36m"},
		{"enforce", "\033[1;32m"}, {"detect", "\033[36m"},     {"learn", "\033[36m"},
		{"heading", "\033[1m"},	   {"end", "\033[0m"},
	};

	for (size_t i = 0; ctl->colour && i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strcmp(colours[i].word, word) == 0)
			return colours[i].sequence;
	return "";
}

static unsigned int
shown_columns(const struct ctl_column *columns, const struct ctl_column **shown)
{
	unsigned int n = 0;

	for (; columns->key != NULL; columns++)
		if (columns->title != NULL && n < COLUMNS_MAX)
			shown[n++] = columns;
	return n;
}

static void
widths_measure(const json_t *rows, const struct ctl_column **columns, unsigned int n,
	       unsigned int *widths)
{
	char cell[CTL_CELL_BYTES];
	size_t i;
	json_t *row;

	for (unsigned int c = 0; c < n; c++)
		widths[c] = ctl_text_width(columns[c]->title);
	json_array_foreach((json_t *)rows, i, row)
	{
		for (unsigned int c = 0; c < n; c++) {
			unsigned int width;

			ctl_value_format(json_object_get(row, columns[c]->key), columns[c]->kind,
					 cell);
			width = ctl_text_width(cell);
			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
}

static void
widths_fit(const struct ctl_column **columns, unsigned int n, unsigned int *widths,
	   unsigned int limit)
{
	unsigned int sum = GAP * (n - 1);

	for (unsigned int c = 0; c < n; c++)
		sum += widths[c];
	while (sum > limit) {
		unsigned int widest = n;

		for (unsigned int c = 0; c < n; c++)
			if (columns[c]->flex && widths[c] > FLEX_LEAST &&
			    (widest == n || widths[c] > widths[widest]))
				widest = c;
		if (widest == n)
			return;
		widths[widest]--;
		sum--;
	}
}

static void
cell_print(const struct ctl *ctl, const char *text, const struct ctl_column *column,
	   unsigned int width, bool last)
{
	char cut[CTL_CELL_BYTES];
	const char *colour = ctl_colour(ctl, text);
	bool right =
		column->kind != CTL_TEXT && column->kind != CTL_TIME && column->kind != CTL_BOOL;
	unsigned int used;

	ctl_text_cut(text, width, cut);
	used = ctl_text_width(cut);
	if (right)
		printf("%*s", (int)(width - used), "");
	printf("%s%s%s", colour, cut, colour[0] != '\0' ? ctl_colour(ctl, "end") : "");
	if (!last)
		printf("%*s", (int)(GAP + (right ? 0 : width - used)), "");
}

static void
row_print(const struct ctl *ctl, const json_t *row, const struct ctl_column **columns,
	  unsigned int n, const unsigned int *widths)
{
	char cell[CTL_CELL_BYTES];

	for (unsigned int c = 0; c < n; c++) {
		if (row != NULL)
			ctl_value_format(json_object_get(row, columns[c]->key), columns[c]->kind,
					 cell);
		else
			snprintf(cell, sizeof(cell), "%s", columns[c]->title);
		cell_print(ctl, cell, columns[c], widths[c], c + 1 == n);
	}
	putchar('\n');
}

void
ctl_table_print(const struct ctl *ctl, const json_t *rows, const struct ctl_column *columns)
{
	const struct ctl_column *shown[COLUMNS_MAX];
	unsigned int widths[COLUMNS_MAX], n = shown_columns(columns, shown);
	size_t i;
	json_t *row;

	widths_measure(rows, shown, n, widths);
	if (ctl->width > 0)
		widths_fit(shown, n, widths, ctl->width);
	fputs(ctl_colour(ctl, "heading"), stdout);
	row_print(ctl, NULL, shown, n, widths);
	fputs(ctl_colour(ctl, "end"), stdout);
	json_array_foreach((json_t *)rows, i, row) row_print(ctl, row, shown, n, widths);
}
