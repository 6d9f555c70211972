/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every list of the gateway that is one table: what its columns are called and what they hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

struct list_row {
	const char *name; /**< of our command */
	const char *command;
	const struct ctl_column *columns;
	bool by_id; /**< --after counts */
};

static const struct ctl_column stages[] = {
	{"name", "STAGE", CTL_TEXT}, {"lcore", "LCORE"}, {"busy_ns", "BUSY", CTL_NS},
	{"items", "ITEMS"},	     {"turns", "TURNS"}, {"busy_turns", "BUSY TURNS"},
	{"stalls", "STALLS"},	     {"cycles", NULL},	 {NULL},
};
static const struct ctl_column links[] = {
	{"from", "FROM", CTL_TEXT}, {"to", "TO", CTL_TEXT}, {"size", "SIZE"},
	{"depth", "DEPTH"},	    {"depth_max", "MOST"},  {"bursts", "BURSTS"},
	{"items", "ITEMS"},	    {"stalls", "STALLS"},   {NULL},
};
static const struct ctl_column ports[] = {
	{"name", "PORT", CTL_TEXT},
	{"mac", "MAC", CTL_TEXT},
	{"mtu", "MTU"},
	{"link_up", "UP", CTL_BOOL},
	{"rx_packets", "RX PACKETS"},
	{"rx_bytes", "RX", CTL_BYTES},
	{"tx_packets", "TX PACKETS"},
	{"tx_bytes", "TX", CTL_BYTES},
	{"rx_missed", "MISSED"},
	{"rx_errors", "RX ERR"},
	{"tx_errors", "TX ERR"},
	{"rx_nombuf", "NO BUFFER"},
	{"offloads", "OFFLOADS", CTL_TEXT, true},
	{NULL},
};
static const struct ctl_column counters[] = {
	{"room", "ROOM", CTL_TEXT},
	{"name", "COUNTER", CTL_TEXT},
	{"value", "VALUE"},
	{"help", "WHAT IT COUNTS", CTL_TEXT, true},
	{NULL},
};
static const struct ctl_column connections[] = {
	{"peer", "PEER", CTL_TEXT, true},
	{"state", "STATE", CTL_TEXT},
	{"tls", "TLS", CTL_TEXT},
	{"age_s", "AGE S"},
	{"exchanges", "EXCHANGES"},
	{"principal", "PRINCIPAL", CTL_TEXT, true},
	{NULL},
};
static const struct ctl_column calls[] = {
	{"name", "CALL", CTL_TEXT, true},
	{"requests", "REQUESTS"},
	{"rate_10s", "PER S", CTL_RATE},
	{"flagged", "FLAGGED"},
	{"throttled", "THROTTLED"},
	{"blocked", "BLOCKED"},
	{"errors", "ERRORS"},
	{"score_max_db", "MOST DB"},
	{"last_s", "LAST", CTL_TIME},
	{NULL},
};
static const struct ctl_column principals[] = {
	{"name", "PRINCIPAL", CTL_TEXT, true},
	{"requests", "REQUESTS"},
	{"rate_10s", "PER S", CTL_RATE},
	{"flagged", "FLAGGED"},
	{"throttled", "THROTTLED"},
	{"blocked", "BLOCKED"},
	{"errors", "ERRORS"},
	{"score_max_db", "MOST DB"},
	{"last_s", "LAST", CTL_TIME},
	{NULL},
};
static const struct ctl_column exchanges[] = {
	{"id", "ID"},
	{"time_s", "TIME", CTL_TIME},
	{"source", "SOURCE", CTL_TEXT},
	{"principal", "PRINCIPAL", CTL_TEXT, true},
	{"call", "CALL", CTL_TEXT, true},
	{"verdict", "VERDICT", CTL_TEXT},
	{"score_db", "DB"},
	{"status", "STATUS"},
	{"end", "END", CTL_TEXT, true},
	{"response_bytes", "BYTES", CTL_BYTES},
	{"duration_us", "US"},
	{NULL},
};

static const struct list_row lists[] = {
	{"stages", "/kubescope/stages", stages},
	{"links", "/kubescope/links", links},
	{"ports", "/kubescope/ports", ports},
	{"counters", "/kubescope/counters", counters},
	{"connections", "/kubescope/connections", connections},
	{"calls", "/kubescope/calls", calls},
	{"principals", "/kubescope/principals", principals},
	{"exchanges", "/kubescope/exchanges", exchanges, true},
};

/** Rates come as decimal text and truth as numbers: the wire has no types for them. */
static void
row_types(json_t *row, const struct ctl_column *columns)
{
	for (; columns->key != NULL; columns++) {
		json_t *value = json_object_get(row, columns->key);

		if (columns->kind == CTL_RATE && json_is_string(value))
			json_object_set_new(row, columns->key,
					    json_real(strtod(json_string_value(value), NULL)));
		else if (columns->kind == CTL_BOOL && json_is_integer(value))
			json_object_set_new(row, columns->key,
					    json_boolean(json_integer_value(value) != 0));
	}
}

int
cmd_list(struct ctl *ctl, const char *name)
{
	const struct list_row *list = lists;
	json_t *rows, *row;
	size_t i;
	int rc;

	while (strcmp(list->name, name) != 0)
		list++;
	rc = ctl_list(ctl, list->command, list->by_id ? ctl->after : 0, &rows);
	if (rc != CTL_OK)
		return rc;
	json_array_foreach(rows, i, row) row_types(row, list->columns);
	if (ctl->json)
		return ctl_json_print(rows);
	ctl_table_print(ctl, rows, list->columns);
	json_decref(rows);
	return CTL_OK;
}
