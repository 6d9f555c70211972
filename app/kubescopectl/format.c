/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as people read them. Names come from whoever talks to the API server: nothing that they
 * hold may move the cursor, change colours or turn the direction of the text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

void
ctl_time_format(uint64_t time_s, char out[32])
{
	time_t t = (time_t)time_s;
	struct tm tm;

	if (time_s == 0)
		strcpy(out, "-");
	else if (gmtime_r(&t, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strcpy(out, "?");
}

static void
bytes_format(double n, char out[CTL_CELL_BYTES])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	int unit = 0;

	for (; n >= 1024 && unit < 5; unit++)
		n /= 1024;
	snprintf(out, CTL_CELL_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", n, units[unit]);
}

static void
ns_format(double n, char out[CTL_CELL_BYTES])
{
	if (n < 1e3)
		snprintf(out, CTL_CELL_BYTES, "%.0f ns", n);
	else if (n < 1e6)
		snprintf(out, CTL_CELL_BYTES, "%.1f us", n / 1e3);
	else if (n < 1e9)
		snprintf(out, CTL_CELL_BYTES, "%.1f ms", n / 1e6);
	else
		snprintf(out, CTL_CELL_BYTES, "%.1f s", n / 1e9);
}

void
ctl_value_format(const json_t *value, enum ctl_kind kind, char out[CTL_CELL_BYTES])
{
	char time[32];

	if (kind == CTL_TEXT && json_is_string(value)) {
		snprintf(out, CTL_CELL_BYTES, "%s", json_string_value(value));
	} else if (kind == CTL_TIME) {
		ctl_time_format((uint64_t)json_integer_value(value), time);
		snprintf(out, CTL_CELL_BYTES, "%s", time);
	} else if (kind == CTL_RATE) {
		snprintf(out, CTL_CELL_BYTES, "%.1f",
			 json_is_string(value) ? 0.0 : json_number_value(value));
	} else if (kind == CTL_BOOL) {
		strcpy(out, json_is_true(value) ? "yes" : "no");
	} else if (kind == CTL_BYTES) {
		bytes_format(json_number_value(value), out);
	} else if (kind == CTL_NS) {
		ns_format(json_number_value(value), out);
	} else {
		snprintf(out, CTL_CELL_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
}

unsigned int
ctl_text_width(const char *text)
{
	unsigned int n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t
char_bytes(const char *p)
{
	size_t n = 1;

	while (((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/** Controls (also those of 8 bits), marks of direction, separators of lines. */
static bool
char_moves(const char *p, size_t bytes)
{
	const unsigned char *u = (const unsigned char *)p;

	if (bytes == 1)
		return u[0] < ' ' || u[0] == 0x7f;
	if (bytes == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	if (bytes == 3 && u[0] == 0xe2 && u[1] == 0x80)
		return u[2] >= 0x8b && (u[2] <= 0x8f || (u[2] >= 0xa8 && u[2] <= 0xae));
	if (bytes == 3 && u[0] == 0xe2 && u[1] == 0x81)
		return u[2] >= 0xa6 && u[2] <= 0xa9;
	return bytes == 3 && u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf;
}

void
ctl_text_cut(const char *text, unsigned int width, char out[CTL_CELL_BYTES])
{
	unsigned int left = width;
	bool cut = ctl_text_width(text) > width;
	size_t used = 0;

	while (*text != '\0' && left > (cut ? 1u : 0u)) {
		size_t bytes = char_bytes(text);

		if (used + bytes + 4 > CTL_CELL_BYTES)
			break;
		if (char_moves(text, bytes))
			out[used++] = '.';
		else
			memcpy(out + used, text, bytes), used += bytes;
		text += bytes;
		left--;
	}
	if (cut && width > 0) {
		memcpy(out + used, "\xe2\x80\xa6", 3);
		used += 3;
	}
	out[used] = '\0';
}

void
ctl_text_print(const char *text)
{
	char safe[CTL_CELL_BYTES];

	ctl_text_cut(text, CTL_CELL_BYTES, safe);
	fputs(safe, stderr);
}
