/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of configuration and rule files as lines for people: "file:line: key: reason".
 * Keeps the first KS_CONFIG_ERRORS_MAX and counts the rest, so a hostile file costs no memory.
 * Thread: the caller's.
 */
#include <stdarg.h>
#include <stdio.h>

#include "config_error.h"

static void
error_add(struct ks_config_errors *errors, const char *head, bool warning, const char *fmt,
	  va_list args)
{
	char *text;
	size_t used;

	if (warning)
		errors->nwarnings++;
	else
		errors->nerrors++;
	if (errors->n == KS_CONFIG_ERRORS_MAX)
		return;
	errors->v[errors->n].warning = warning;
	text = errors->v[errors->n++].text;
	used = (size_t)snprintf(text, KS_CONFIG_ERROR_BYTES, "%s", head);
	if (used < KS_CONFIG_ERROR_BYTES)
		vsnprintf(text + used, KS_CONFIG_ERROR_BYTES - used, fmt, args);
	/* Keys and values come from the file: what they hold must not move the terminal. */
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '.';
}

static const char *
error_head(char *head, size_t cap, struct config_place place, const char *key)
{
	int used = 0;

	head[0] = '\0';
	if (place.file[0] != '\0')
		used = snprintf(head, cap, "%s:%u: ", place.file, place.line);
	if (key[0] != '\0' && used >= 0 && (size_t)used < cap)
		snprintf(head + used, cap - (size_t)used, "%s: ", key);
	return head;
}

void
config_error(struct ks_config_errors *errors, struct config_place place, const char *key,
	     const char *fmt, ...)
{
	char head[KS_CONFIG_ERROR_BYTES];
	va_list args;

	va_start(args, fmt);
	error_add(errors, error_head(head, sizeof(head), place, key), false, fmt, args);
	va_end(args);
}

void
config_warning(struct ks_config_errors *errors, struct config_place place, const char *key,
	       const char *fmt, ...)
{
	char head[KS_CONFIG_ERROR_BYTES];
	va_list args;

	va_start(args, fmt);
	error_add(errors, error_head(head, sizeof(head), place, key), true, fmt, args);
	va_end(args);
}

void
ks_config_errors_print(const struct ks_config_errors *errors, FILE *f)
{
	uint32_t all = errors->nerrors + errors->nwarnings;

	for (uint32_t i = 0; i < errors->n; i++)
		fprintf(f, "%s%s\n", errors->v[i].warning ? "warning: " : "", errors->v[i].text);
	if (all > errors->n)
		fprintf(f, "and %u more\n", all - errors->n);
}
