/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies as the gateway's telemetry makes them (ks_telemetry.h says how): columns become rows,
 * pieces of long texts are joined, \xHH becomes bytes, and bytes that are no UTF-8 become U+FFFD.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* More pages than this are a gateway that does not come to an end. */
#define PAGES_MAX 4096
#define PIECES_MAX 64

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/** Resolves \xHH in place. @return length. */
static size_t
escapes_resolve(char *text)
{
	size_t n = 0;

	for (const char *p = text; *p != '\0'; n++) {
		if (p[0] == '\\' && p[1] == 'x' && hex_value(p[2]) >= 0 && hex_value(p[3]) >= 0) {
			text[n] = (char)(hex_value(p[2]) << 4 | hex_value(p[3]));
			p += 4;
		} else {
			text[n] = *p++;
		}
	}
	text[n] = '\0';
	return n;
}

/** Length of the UTF-8 character at `p`; 0 when it is none (RFC 3629 section 4). */
static size_t
utf8_length(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first, last, low, high, length;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		if (forms[i].length > left ||
		    (forms[i].length > 1 && (p[1] < forms[i].low || p[1] > forms[i].high)))
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

json_t *
ctl_text_decode(const char *wire)
{
	char *raw = strdup(wire), *clean;
	size_t n, used = 0;
	json_t *text;

	if (raw == NULL)
		return NULL;
	n = escapes_resolve(raw);
	clean = malloc(3 * n + 1);
	if (clean == NULL) {
		free(raw);
		return NULL;
	}
	for (size_t i = 0; i < n;) {
		size_t length = utf8_length((const unsigned char *)raw + i, n - i);

		if (length == 0 || raw[i] == '\0')
			memcpy(clean + used, "\xef\xbf\xbd", 3);
		else
			memcpy(clean + used, raw + i, length);
		used += length == 0 || raw[i] == '\0' ? 3 : length;
		i += length == 0 ? 1 : length;
	}
	text = json_stringn(clean, used);
	free(clean);
	free(raw);
	return text;
}

/** Pieces "name", "name/1", ... of one text, joined; `row` is the index in arrays, -1 for plain. */
static char *
pieces_join(const json_t *reply, const char *name, long row)
{
	char *whole = calloc(1, PIECES_MAX * 128 + 1), key[96];
	size_t used = 0;

	for (int piece = 0; piece < PIECES_MAX && whole != NULL; piece++) {
		const json_t *part;

		snprintf(key, sizeof(key), piece == 0 ? "%s" : "%s/%d", name, piece);
		part = json_object_get(reply, key);
		if (part != NULL && row >= 0)
			part = json_array_get(part, (size_t)row);
		if (!json_is_string(part) || json_string_length(part) > 127)
			break;
		memcpy(whole + used, json_string_value(part), json_string_length(part) + 1);
		used += json_string_length(part);
	}
	return whole;
}

static json_t *
value_decode(const json_t *reply, const char *name, long row, json_t *value)
{
	char *whole;
	json_t *text;

	if (!json_is_string(value))
		return json_incref(value);
	whole = pieces_join(reply, name, row);
	text = whole == NULL ? NULL : ctl_text_decode(whole);
	free(whole);
	return text;
}

json_t *
ctl_reply_object(const json_t *reply)
{
	json_t *object = json_object(), *value;
	const char *name;

	json_object_foreach((json_t *)reply, name, value)
	{
		if (json_is_array(value) || strchr(name, '/') != NULL)
			continue;
		json_object_set_new(object, name, value_decode(reply, name, -1, value));
	}
	return object;
}

int
ctl_reply_rows(const json_t *reply, json_t *rows)
{
	json_int_t n = json_integer_value(json_object_get(reply, "rows"));

	for (json_int_t i = 0; i < n; i++) {
		json_t *row = json_object(), *column;
		const char *name;

		json_object_foreach((json_t *)reply, name, column)
		{
			json_t *value;

			if (!json_is_array(column) || strchr(name, '/') != NULL)
				continue;
			value = json_array_get(column, (size_t)i);
			if (value == NULL) {
				json_decref(row);
				return -1;
			}
			json_object_set_new(row, name, value_decode(reply, name, (long)i, value));
		}
		json_array_append_new(rows, row);
	}
	return 0;
}

int
ctl_list(struct ctl *ctl, const char *command, uint64_t cursor, json_t **rows)
{
	int rc = CTL_OK;

	*rows = json_array();
	for (int page = 0; page < PAGES_MAX && rc == CTL_OK; page++) {
		char params[24];
		json_t *reply;

		snprintf(params, sizeof(params), "%" PRIu64, cursor);
		rc = ctl_request(ctl, command, params, &reply);
		if (rc != CTL_OK)
			break;
		if (ctl_reply_rows(reply, *rows) != 0) {
			fprintf(stderr, "kubescopectl: %s: columns of unequal length\n", command);
			rc = CTL_REFUSED;
		}
		cursor = (uint64_t)json_integer_value(json_object_get(reply, "next"));
		json_decref(reply);
		if (cursor == 0)
			break;
	}
	if (rc != CTL_OK) {
		json_decref(*rows);
		*rows = NULL;
	}
	return rc;
}
