/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds one text from a configuration file and its includes, and remembers where each line came
 * from.
 *
 * The scanner here knows only as much of libconfig's grammar as it needs to see includes and
 * numbers: comments, strings, names. Integers that need more than 32 bits get the "L" that
 * libconfig wants. Bounded: files, depth and bytes. Thread: the control core, at load.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "config_source.h"

struct scanner {
	struct config_source *source;
	const char *p, *end;
	unsigned int line; /**< of the file, from 1 */
	uint32_t file;
	uint32_t depth;
	bool line_start; /**< only blanks since the last line end */
};

static struct config_place
scanner_place(const struct scanner *s)
{
	return (struct config_place){s->source->files[s->file], s->line};
}

int
config_source_init(struct config_source *source, struct ks_config_errors *errors)
{
	memset(source, 0, sizeof(*source));
	source->errors = errors;
	source->files = calloc(CONFIG_SOURCE_FILES_MAX, sizeof(source->files[0]));
	return source->files == NULL ? -ENOMEM : 0;
}

void
config_source_fini(struct config_source *source)
{
	free(source->text);
	free(source->files);
	memset(source, 0, sizeof(*source));
}

static int
source_put(struct config_source *source, const char *bytes, size_t n)
{
	if (n > CONFIG_SOURCE_BYTES_MAX - source->n)
		return -E2BIG;
	if (source->n + n + 1 > source->cap) {
		size_t cap = KS_MAX(source->cap * 2, source->n + n + 4096);
		char *text = realloc(source->text, cap);

		if (text == NULL)
			return -ENOMEM;
		source->text = text;
		source->cap = cap;
	}
	memcpy(source->text + source->n, bytes, n);
	source->n += n;
	source->text[source->n] = '\0';
	for (size_t i = 0; i < n; i++)
		source->lines += bytes[i] == '\n';
	return 0;
}

static int
source_part(struct config_source *source, uint32_t file, unsigned int line)
{
	if (source->nparts == CONFIG_SOURCE_PARTS_MAX)
		return -E2BIG;
	source->parts[source->nparts].first = source->lines;
	source->parts[source->nparts].line = line;
	source->parts[source->nparts++].file = file;
	return 0;
}

struct config_place
config_source_place(const struct config_source *source, unsigned int line)
{
	uint32_t i = source->nparts;

	if (i == 0 || line == 0)
		return (struct config_place){i == 0 ? "" : source->files[0], line};
	while (i > 1 && source->parts[i - 1].first > line - 1)
		i--;
	return (struct config_place){source->files[source->parts[i - 1].file],
				     source->parts[i - 1].line +
					     (line - 1 - source->parts[i - 1].first)};
}

static int scan(struct scanner *s);

static int
source_file(struct config_source *source, const char *path, uint32_t *file)
{
	if (source->nfiles == CONFIG_SOURCE_FILES_MAX || strlen(path) >= KS_CONFIG_PATH_BYTES)
		return -E2BIG;
	strcpy(source->files[source->nfiles], path);
	*file = source->nfiles++;
	return 0;
}

static int
scan_text(struct config_source *source, struct ks_str text, uint32_t file, uint32_t depth)
{
	struct scanner s = {.source = source,
			    .p = text.p,
			    .end = text.p + text.n,
			    .line = 1,
			    .file = file,
			    .depth = depth,
			    .line_start = true};
	int rc = source_part(source, file, 1);

	return rc != 0 ? rc : scan(&s);
}

static int
scan_file(struct config_source *source, const char *path, uint32_t depth)
{
	char *data;
	size_t bytes;
	uint32_t file;
	int rc = source_file(source, path, &file);

	if (rc != 0)
		return rc;
	rc = config_file_read(path, CONFIG_SOURCE_BYTES_MAX, &data, &bytes);
	if (rc != 0)
		return rc;
	rc = scan_text(source, (struct ks_str){data, (uint32_t)bytes}, file, depth);
	free(data);
	return rc;
}

/** Copies up to `to`, counting lines. */
static int
scan_copy(struct scanner *s, const char *to)
{
	const char *from = s->p;

	for (; s->p < to; s->p++)
		s->line += *s->p == '\n';
	return source_put(s->source, from, (size_t)(to - from));
}

static int
include_file(struct scanner *s, const char *path)
{
	struct config_source *source = s->source;
	char full[KS_CONFIG_PATH_BYTES];
	int rc;

	if (!source->includes) {
		config_error(source->errors, scanner_place(s), "@include", "not possible here");
		return -EINVAL;
	}
	if (s->depth == CONFIG_SOURCE_DEPTH_MAX) {
		config_error(source->errors, scanner_place(s), "@include",
			     "more than %u files deep: does one include itself?",
			     CONFIG_SOURCE_DEPTH_MAX);
		return -EINVAL;
	}
	rc = config_path_resolve(source->files[s->file], path, full);
	if (rc == 0)
		rc = scan_file(source, full, s->depth + 1);
	if (rc != 0 && rc != -EINVAL) {
		config_error(source->errors, scanner_place(s), "@include", "%s: %s", path,
			     strerror(-rc));
		return -EINVAL;
	}
	return rc;
}

/** At "@include". The rest of its line is left out. */
static int
scan_include(struct scanner *s)
{
	char path[KS_CONFIG_PATH_BYTES];
	const char *eol = memchr(s->p, '\n', (size_t)(s->end - s->p));
	const char *p = s->p + strlen("@include"), *quote;
	int rc;

	if (eol == NULL)
		eol = s->end;
	while (p < eol && (*p == ' ' || *p == '\t'))
		p++;
	quote = p < eol && *p == '"' ? memchr(p + 1, '"', (size_t)(eol - p - 1)) : NULL;
	if (quote == NULL || quote == p + 1 || (size_t)(quote - p) >= sizeof(path)) {
		config_error(s->source->errors, scanner_place(s), "@include",
			     "expected a path in double quotes");
		return -EINVAL;
	}
	memcpy(path, p + 1, (size_t)(quote - p - 1));
	path[quote - p - 1] = '\0';
	rc = include_file(s, path);
	if (rc == 0)
		rc = source_put(s->source, "\n", 1);
	if (rc != 0)
		return rc;
	s->p = eol < s->end ? eol + 1 : eol;
	s->line++;
	s->line_start = true;
	return source_part(s->source, s->file, s->line);
}

static int
scan_string(struct scanner *s)
{
	const char *p = s->p + 1;

	while (p < s->end && *p != '"')
		p += *p == '\\' && p + 1 < s->end ? 2 : 1;
	if (p < s->end)
		return scan_copy(s, p + 1);
	/* libconfig would only say "syntax error" at the end of the file. */
	config_error(s->source->errors, scanner_place(s), "", "the string does not end");
	return -EINVAL;
}

static int
scan_comment(struct scanner *s)
{
	const char *p = s->p;

	if (p[0] == '/' && p + 1 < s->end && p[1] == '*') {
		for (p += 2; p < s->end && !(p[0] == '/' && p[-1] == '*' && p - s->p > 2); p++)
			;
		return scan_copy(s, p < s->end ? p + 1 : s->end);
	}
	p = memchr(p, '\n', (size_t)(s->end - p));
	return scan_copy(s, p == NULL ? s->end : p);
}

static int
scan_number(struct scanner *s)
{
	const char *p = s->p + (*s->p == '-' || *s->p == '+'), *digits = p;
	bool hex = p + 1 < s->end && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	bool negative = *s->p == '-', plain;
	char text[32];
	uint64_t value;

	if (hex)
		for (p += 2; p < s->end && isxdigit((unsigned char)*p);)
			p++;
	else
		while (p < s->end && isdigit((unsigned char)*p))
			p++;
	plain = p == s->end || strchr(".eEL", *p) == NULL;
	if (p < s->end && (*p == '.' || *p == 'e' || *p == 'E'))
		return scan_copy(s, p);
	if ((size_t)(p - digits) >= sizeof(text))
		goto too_large;
	memcpy(text, digits, (size_t)(p - digits));
	text[p - digits] = '\0';
	errno = 0;
	value = strtoull(text, NULL, hex ? 16 : 10);
	if (errno != 0 || value > (uint64_t)INT64_MAX)
		goto too_large;
	if (scan_copy(s, p) != 0)
		return -E2BIG;
	if (plain && value > (uint64_t)INT32_MAX + (negative ? 1 : 0))
		return source_put(s->source, "L", 1);
	return 0;
too_large:
	config_error(s->source->errors, scanner_place(s), "", "the number is too large");
	return -EINVAL;
}

static int
scan_word(struct scanner *s)
{
	const char *p = s->p;

	while (p < s->end && (isalnum((unsigned char)*p) || strchr("-_*.", *p) != NULL) &&
	       *p != '\0')
		p++;
	return scan_copy(s, KS_MAX(p, s->p + 1));
}

static bool
at_include(const struct scanner *s)
{
	static const char word[] = "@include";

	return s->line_start && (size_t)(s->end - s->p) >= sizeof(word) - 1 &&
	       memcmp(s->p, word, sizeof(word) - 1) == 0;
}

static int
scan_token(struct scanner *s)
{
	char c = *s->p;
	bool more = s->p + 1 < s->end;

	if (at_include(s))
		return scan_include(s);
	s->line_start = c == '\n' || (s->line_start && (c == ' ' || c == '\t' || c == '\r'));
	if (c == '\0') {
		config_error(s->source->errors, scanner_place(s), "", "a NUL byte");
		return -EINVAL;
	}
	if (c == '"')
		return scan_string(s);
	if (c == '#' || (c == '/' && more && (s->p[1] == '/' || s->p[1] == '*')))
		return scan_comment(s);
	if (isdigit((unsigned char)c) ||
	    ((c == '-' || c == '+') && more && isdigit((unsigned char)s->p[1])))
		return scan_number(s);
	if (isalpha((unsigned char)c) || c == '*' || c == '_')
		return scan_word(s);
	return scan_copy(s, s->p + 1);
}

static int
scan(struct scanner *s)
{
	int rc = 0;

	while (rc == 0 && s->p < s->end)
		rc = scan_token(s);
	return rc;
}

static int
source_result(struct config_source *source, const char *name, int rc)
{
	if (rc == 0)
		return source_put(source, "\n", 1) == 0 ? 0 : -EINVAL;
	if (rc == -E2BIG)
		config_error(source->errors, (struct config_place){name, 0}, "",
			     "larger than %u bytes or more than %u files", CONFIG_SOURCE_BYTES_MAX,
			     CONFIG_SOURCE_FILES_MAX);
	else if (rc != -EINVAL && rc != -ENOENT)
		config_error(source->errors, (struct config_place){name, 0}, "", "%s",
			     strerror(-rc));
	return rc == -ENOENT ? -ENOENT : -EINVAL;
}

int
config_source_read(struct config_source *source, const char *path)
{
	source->includes = true;
	return source_result(source, path, scan_file(source, path, 0));
}

int
config_source_string(struct config_source *source, const char *text, const char *name,
		     bool includes)
{
	size_t n = strlen(text);
	uint32_t file;
	int rc = source_file(source, name, &file);

	source->includes = includes;
	if (rc == 0)
		rc = n > CONFIG_SOURCE_BYTES_MAX
			     ? -E2BIG
			     : scan_text(source, (struct ks_str){text, (uint32_t)n}, file, 0);
	return source_result(source, name, rc);
}
