/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules into Hyperscan databases: one for the parts of the head, one for bodies. One each, because
 * the cost of a scan hardly depends on the number of rules, while every further scan has its own
 * start.
 *
 * Every rule reports once per scan (HS_FLAG_SINGLEMATCH): however often a body repeats itself, a
 * scan has at most as many hits as there are rules. `^` and `$` are the ends of a line, since many
 * values lie in one buffer, a line break between them. Refuses: rules that are incomplete, named
 * twice, or dear (pattern.c).
 *
 * Thread: control core; the result is read-only.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "place.h"

#define DEFAULT_JSON_DEPTH 64
#define DEFAULT_ROUNDS 3
#define ROUNDS_MAX 8
#define RULE_DB_MAX 200

const char *
ks_match_class_name(enum ks_match_class id)
{
#define CLASS_ROW(ID, name, words) name,
	static const char *const names[] = {KS_MATCH_CLASSES(CLASS_ROW)};
#undef CLASS_ROW

	return id < KS_MATCH_CLASS_MAX ? names[id] : "?";
}

int
ks_match_class_parse(const char *name, enum ks_match_class *out)
{
	for (enum ks_match_class id = 0; id < KS_MATCH_CLASS_MAX; id++) {
		if (strcmp(name, ks_match_class_name(id)) == 0) {
			*out = id;
			return 0;
		}
	}
	return -EINVAL;
}

static void ks_printf(3, 4) rule_error(char error[KS_MATCH_ERROR_BYTES],
				       const struct ks_match_rule *rule, const char *fmt, ...)
{
	int n = snprintf(error, KS_MATCH_ERROR_BYTES,
			 "%s:%u: rule %s: ", rule->file != NULL ? rule->file : "rules", rule->line,
			 rule->id[0] != '\0' ? rule->id : "(no id)");
	va_list args;

	va_start(args, fmt);
	if (n >= 0 && n < KS_MATCH_ERROR_BYTES)
		vsnprintf(error + n, KS_MATCH_ERROR_BYTES - (size_t)n, fmt, args);
	va_end(args);
}

static unsigned int
rule_flags(const struct ks_match_rule *rule)
{
	return HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE | (rule->caseless ? HS_FLAG_CASELESS : 0) |
	       (rule->dotall ? HS_FLAG_DOTALL : 0);
}

static int
rule_check_fields(const struct ks_match_rule *rule, char error[KS_MATCH_ERROR_BYTES])
{
	const char *why = NULL;

	if (rule->id[0] == '\0')
		why = "it has no id";
	else if (memchr(rule->id, '\0', sizeof(rule->id)) == NULL)
		why = "its id is too long";
	else if (rule->class >= KS_MATCH_CLASS_MAX)
		why = "its class is unknown";
	else if (rule->db == 0 || rule->db > RULE_DB_MAX)
		why = "db must be from 1 to 200";
	else if ((rule->where & (MATCH_WHERE_HEAD | MATCH_WHERE_BODY)) == 0)
		why = "it applies nowhere";
	else if (rule->pattern == NULL || rule->pattern[0] == '\0')
		why = "it has no pattern";
	else
		why = ks_match_pattern_check(rule->pattern);
	if (why == NULL)
		return 0;
	rule_error(error, rule, "%s", why);
	return -EINVAL;
}

static int
rule_check_expression(const struct ks_match_rule *rule, char error[KS_MATCH_ERROR_BYTES])
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *bad = NULL;

	if (hs_expression_info(rule->pattern, rule_flags(rule), &info, &bad) != HS_SUCCESS) {
		rule_error(error, rule, "%s", bad != NULL ? bad->message : "out of memory");
		hs_free_compile_error(bad);
		return -EINVAL;
	}
	free(info);
	return 0;
}

/* Copies a rule with its texts; `word` becomes part of the pattern. */
static int
rule_copy(struct match_rule *to, const struct ks_match_rule *from)
{
	char *pattern = NULL;

	to->r = *from;
	to->r.words = strdup(from->words != NULL ? from->words : ks_match_class_name(from->class));
	to->r.file = strdup(from->file != NULL ? from->file : "rules");
	if (asprintf(&pattern, from->word ? "\\b(?:%s)\\b" : "%s", from->pattern) < 0)
		pattern = NULL;
	to->r.pattern = pattern;
	return to->r.words != NULL && to->r.file != NULL && pattern != NULL ? 0 : -ENOMEM;
}

static int
check_unique(const struct match_rule *rules, uint32_t n, char error[KS_MATCH_ERROR_BYTES])
{
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(rules[i].r.id, rules[n].r.id) == 0) {
			rule_error(error, &rules[n].r, "named before in %s:%u", rules[i].r.file,
				   rules[i].r.line);
			return -EEXIST;
		}
	}
	return 0;
}

static int
rules_copy(struct ks_match_db *db, const struct ks_match_rule *rules, uint32_t n,
	   char error[KS_MATCH_ERROR_BYTES])
{
	for (uint32_t i = 0; i < n; i++) {
		int rc = rule_check_fields(&rules[i], error);

		if (rc != 0)
			return rc;
		db->n = i + 1;
		if (rule_copy(&db->rules[i], &rules[i]) != 0) {
			rule_error(error, &rules[i], "out of memory");
			return -ENOMEM;
		}
		rc = rule_check_expression(&db->rules[i].r, error);
		if (rc == 0)
			rc = check_unique(db->rules, i, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

struct expressions {
	const char **patterns;
	unsigned int *flags;
	unsigned int *ids;
	unsigned int n;
};

static int
expressions_init(struct expressions *e, const struct ks_match_db *db, uint32_t where)
{
	*e = (struct expressions){
		.patterns = calloc(db->n, sizeof(*e->patterns)),
		.flags = calloc(db->n, sizeof(*e->flags)),
		.ids = calloc(db->n, sizeof(*e->ids)),
	};
	if (e->patterns == NULL || e->flags == NULL || e->ids == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < db->n; i++) {
		if ((db->rules[i].r.where & where) == 0)
			continue;
		e->patterns[e->n] = db->rules[i].r.pattern;
		e->flags[e->n] = rule_flags(&db->rules[i].r);
		e->ids[e->n++] = i;
	}
	return 0;
}

static void
expressions_fini(struct expressions *e)
{
	free(e->patterns);
	free(e->flags);
	free(e->ids);
}

/* Compiles the rules that apply anywhere in `where`; no rule, no database. */
static int
compile(const struct ks_match_db *db, uint32_t where, hs_database_t **out,
	char error[KS_MATCH_ERROR_BYTES])
{
	struct expressions e;
	hs_compile_error_t *bad = NULL;
	int rc = expressions_init(&e, db, where);

	if (rc == 0 && e.n > 0 &&
	    hs_compile_multi(e.patterns, e.flags, e.ids, e.n, HS_MODE_BLOCK, NULL, out, &bad) !=
		    HS_SUCCESS) {
		const char *why = bad != NULL ? bad->message : "out of memory";

		rc = -EINVAL;
		if (bad != NULL && bad->expression >= 0 && (unsigned int)bad->expression < e.n)
			rule_error(error, &db->rules[e.ids[bad->expression]].r, "%s", why);
		else
			snprintf(error, KS_MATCH_ERROR_BYTES, "rules: %s", why);
		hs_free_compile_error(bad);
	}
	expressions_fini(&e);
	return rc;
}

static void
limits_set(struct ks_match_limits *to, const struct ks_match_limits *from)
{
	*to = from != NULL ? *from : (struct ks_match_limits){0};
	if (to->json_depth == 0)
		to->json_depth = DEFAULT_JSON_DEPTH;
	to->json_depth = KS_MIN(to->json_depth, MATCH_WALK_DEPTH_MAX);
	if (to->decode_rounds == 0)
		to->decode_rounds = DEFAULT_ROUNDS;
	to->decode_rounds = KS_MIN(to->decode_rounds, ROUNDS_MAX);
}

struct ks_match_db *
ks_match_db_create(const struct ks_match_rule *rules, uint32_t n,
		   const struct ks_match_limits *limits, uint64_t seed,
		   char error[KS_MATCH_ERROR_BYTES])
{
	struct ks_match_db *db = calloc(1, sizeof(*db));

	error[0] = '\0';
	if (db != NULL)
		db->rules = calloc((size_t)n + 1, sizeof(*db->rules));
	if (db == NULL || db->rules == NULL) {
		snprintf(error, KS_MATCH_ERROR_BYTES, "rules: out of memory");
		goto fail;
	}
	db->seed = seed;
	limits_set(&db->limits, limits);
	ks_match_place_init(db);
	if (rules_copy(db, rules, n, error) != 0 ||
	    compile(db, MATCH_WHERE_HEAD, &db->head, error) != 0 ||
	    compile(db, MATCH_WHERE_BODY, &db->body, error) != 0)
		goto fail;
	return db;
fail:
	ks_match_db_destroy(db);
	return NULL;
}

void
ks_match_db_destroy(struct ks_match_db *db)
{
	if (db == NULL)
		return;
	for (uint32_t i = 0; db->rules != NULL && i < db->n; i++) {
		free((char *)(uintptr_t)db->rules[i].r.pattern);
		free((char *)(uintptr_t)db->rules[i].r.words);
		free((char *)(uintptr_t)db->rules[i].r.file);
	}
	hs_free_database(db->head);
	hs_free_database(db->body);
	free(db->rules);
	free(db);
}

uint32_t
ks_match_db_rules(const struct ks_match_db *db)
{
	return db->n;
}
