/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `alerts` and `alert ID`: what was abnormal, and why. An alert with all its findings takes as many
 * requests as its texts need.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static const struct ctl_column columns[] = {
	{"id", "ID"},
	{"time_s", "TIME", CTL_TIME},
	{"source", "SOURCE", CTL_TEXT},
	{"principal", "PRINCIPAL", CTL_TEXT, true},
	{"call", "CALL", CTL_TEXT, true},
	{"verdict", "VERDICT", CTL_TEXT},
	{"advice", "ADVICE", CTL_TEXT},
	{"score_db", "DB"},
	{"reason", "WHY", CTL_TEXT, true},
	{NULL},
};

static const char *const finding_keys[] = {"code",     "family", "where", "observed",
					   "expected", "words",	 "db",	  "seen"};

/** One page of the alert's findings appended to it; `*skip` becomes where the next page begins. */
static int
alert_page(struct ctl *ctl, uint64_t id, uint64_t *skip, json_t **alert, json_t *findings)
{
	char params[48];
	json_t *reply;
	int rc;

	snprintf(params, sizeof(params), "%" PRIu64 ",%" PRIu64, id, *skip);
	rc = ctl_request(ctl, "/kubescope/alert", params, &reply);
	if (rc != CTL_OK)
		return rc;
	if (*alert == NULL)
		*alert = ctl_reply_object(reply);
	if (ctl_reply_rows(reply, findings) != 0) {
		fprintf(stderr, "kubescopectl: alert %" PRIu64 ": columns of unequal length\n", id);
		rc = CTL_REFUSED;
	}
	*skip = (uint64_t)json_integer_value(json_object_get(reply, "next"));
	json_decref(reply);
	return rc;
}

/** The whole alert: its values, and "findings" as an array of objects. */
static int
alert_fetch(struct ctl *ctl, uint64_t id, json_t **alert)
{
	json_t *findings = json_array();
	uint64_t skip = 0;
	int rc;

	*alert = NULL;
	do
		rc = alert_page(ctl, id, &skip, alert, findings);
	while (rc == CTL_OK && skip != 0);
	if (rc == CTL_OK) {
		json_object_set_new(*alert, "findings", findings);
		return CTL_OK;
	}
	json_decref(findings);
	json_decref(*alert);
	*alert = NULL;
	return rc;
}

/** The alert as other programs read it: a fixed set of keys, time in ISO 8601. */
static json_t *
alert_public(const json_t *alert)
{
	static const char *const keys[] = {"source", "principal", "call",   "verdict",
					   "advice", "mode",	  "status", "score_db"};
	json_t *out = json_object(), *findings = json_array(), *finding;
	char time[32];
	size_t i;

	ctl_time_format((uint64_t)json_integer_value(json_object_get(alert, "time_s")), time);
	json_object_set(out, "id", json_object_get(alert, "id"));
	json_object_set_new(out, "time", json_string(time));
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		json_object_set(out, keys[k], json_object_get(alert, keys[k]));
	json_array_foreach(json_object_get(alert, "findings"), i, finding)
	{
		json_t *one = json_object();

		for (size_t k = 0; k < sizeof(finding_keys) / sizeof(finding_keys[0]); k++)
			json_object_set(one, finding_keys[k],
					json_object_get(finding, finding_keys[k]));
		json_array_append_new(findings, one);
	}
	json_object_set_new(out, "findings", findings);
	return out;
}

/** Details of every row; one that went away between the two requests is left out. */
static int
alerts_public(struct ctl *ctl, const json_t *rows, json_t *out)
{
	size_t i;
	json_t *row, *alert;

	json_array_foreach((json_t *)rows, i, row)
	{
		uint64_t id = (uint64_t)json_integer_value(json_object_get(row, "id"));
		int rc = alert_fetch(ctl, id, &alert);

		if (rc == CTL_CONNECT)
			return rc;
		if (rc != CTL_OK)
			continue;
		json_array_append_new(out, alert_public(alert));
		json_decref(alert);
	}
	return CTL_OK;
}

static uint64_t
last_id(const json_t *rows, uint64_t before)
{
	size_t n = json_array_size(rows);

	if (n == 0)
		return before;
	return (uint64_t)json_integer_value(json_object_get(json_array_get(rows, n - 1), "id"));
}

/** New alerts as one JSON object a line. */
static int
follow_json(struct ctl *ctl, const json_t *rows)
{
	json_t *out = json_array(), *alert;
	size_t i;
	int rc = alerts_public(ctl, rows, out);

	json_array_foreach(out, i, alert)
	{
		json_dumpf(alert, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	}
	json_decref(out);
	return rc;
}

static int
alerts_follow(struct ctl *ctl)
{
	int rc = CTL_OK;
	json_t *rows;

	for (;;) {
		rc = ctl_list(ctl, "/kubescope/alerts", ctl->after, &rows);
		if (rc != CTL_OK)
			return rc;
		if (json_array_size(rows) > 0 && ctl->json)
			rc = follow_json(ctl, rows);
		else if (json_array_size(rows) > 0)
			ctl_table_print(ctl, rows, columns);
		ctl->after = last_id(rows, ctl->after);
		json_decref(rows);
		/* A reader that has gone is the usual end of a pipe. */
		if (fflush(stdout) != 0)
			return CTL_OK;
		if (rc != CTL_OK)
			return rc;
		sleep(1);
	}
}

int
cmd_alerts(struct ctl *ctl)
{
	json_t *rows, *out;
	int rc;

	if (ctl->follow)
		return alerts_follow(ctl);
	rc = ctl_list(ctl, "/kubescope/alerts", ctl->after, &rows);
	if (rc != CTL_OK)
		return rc;
	if (ctl->json) {
		out = json_array();
		rc = alerts_public(ctl, rows, out);
		json_decref(rows);
		if (rc == CTL_OK)
			return ctl_json_print(out);
		json_decref(out);
		return rc;
	}
	ctl_table_print(ctl, rows, columns);
	json_decref(rows);
	return CTL_OK;
}

/* ---- one alert ---- */

/** One value under its title; empty ones are left out. */
static void
line_print(const json_t *object, const char *title, const char *key, enum ctl_kind kind)
{
	char cell[CTL_CELL_BYTES], safe[CTL_CELL_BYTES];

	ctl_value_format(json_object_get(object, key), kind, cell);
	ctl_text_cut(cell, CTL_CELL_BYTES, safe);
	if (safe[0] != '\0')
		printf("  %-10s  %s\n", title, safe);
}

static void
finding_print(const json_t *finding)
{
	char safe[CTL_CELL_BYTES];
	const char *words = json_string_value(json_object_get(finding, "words"));

	ctl_text_cut(words == NULL ? "" : words, CTL_CELL_BYTES, safe);
	/* The words end with the evidence in decibans. */
	printf("\n  %s\n", safe);
	line_print(finding, "  code", "code", CTL_TEXT);
	line_print(finding, "  kind", "family", CTL_TEXT);
	line_print(finding, "  where", "where", CTL_TEXT);
	line_print(finding, "  seen", "observed", CTL_TEXT);
	line_print(finding, "  usual", "expected", CTL_TEXT);
}

static void
alert_print(const struct ctl *ctl, const json_t *alert)
{
	const char *verdict = json_string_value(json_object_get(alert, "verdict"));
	json_t *finding;
	size_t i;

	printf("%salert %" JSON_INTEGER_FORMAT "%s\n", ctl_colour(ctl, "heading"),
	       json_integer_value(json_object_get(alert, "id")), ctl_colour(ctl, "end"));
	line_print(alert, "time", "time_s", CTL_TIME);
	line_print(alert, "source", "source", CTL_TEXT);
	line_print(alert, "principal", "principal", CTL_TEXT);
	line_print(alert, "acts as", "effective", CTL_TEXT);
	line_print(alert, "call", "call", CTL_TEXT);
	line_print(alert, "program", "user_agent", CTL_TEXT);
	printf("  %-10s  %s%s%s\n", "verdict", ctl_colour(ctl, verdict == NULL ? "" : verdict),
	       verdict == NULL ? "?" : verdict, ctl_colour(ctl, "end"));
	line_print(alert, "advice", "advice", CTL_TEXT);
	line_print(alert, "mode", "mode", CTL_TEXT);
	line_print(alert, "status", "status", CTL_NUMBER);
	line_print(alert, "end", "end", CTL_TEXT);
	line_print(alert, "evidence", "score_db", CTL_NUMBER);
	json_array_foreach(json_object_get(alert, "findings"), i, finding) finding_print(finding);
}

int
cmd_alert(struct ctl *ctl)
{
	json_t *alert;
	int rc = alert_fetch(ctl, strtoull(ctl->args[0], NULL, 10), &alert);

	if (rc != CTL_OK)
		return rc;
	if (ctl->json)
		rc = ctl_json_print(alert_public(alert));
	else
		alert_print(ctl, alert);
	json_decref(alert);
	return rc;
}
