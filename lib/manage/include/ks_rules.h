/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files: folders of libconfig text become the array of rules that `match` compiles.
 *
 *   rules = ( {
 *       id = "sqli-union-select";         # a-z 0-9 and -, unique over all files
 *       class = "sql_injection";          # a name of KS_MATCH_CLASSES
 *       db = 60;                          # evidence, 1 to 200 decibans
 *       block = true;                     # may block by itself in enforce mode; default false
 *       where = [ "query", "body" ];      # path query header cookie body raw agent
 *       pattern = "union\\s+select";      # Hyperscan's PCRE subset
 *       caseless = true;                  # defaults are false
 *       dotall = false;
 *       word = true;                      # not inside a larger word
 *       words = "asks another table";     # for the operator; optional
 *       test = { hit = "x' UNION SELECT 1"; miss = [ "union station", "selection" ]; };
 *   } );
 *
 * Patterns are not compiled here. Thread: the control core; reads files.
 */
#ifndef KS_RULES_H
#define KS_RULES_H

#include "ks_config.h"
#include "ks_match.h"

#define KS_RULES_MAX 16384
#define KS_RULES_PATTERN_BYTES 2048
#define KS_RULES_WORDS_BYTES 96

/** A sample that the rule must hit, or must not. */
struct ks_rule_sample {
	uint32_t rule; /**< index in ks_rules.v */
	bool hit;
	const char *text;
};

struct ks_rules {
	struct ks_match_rule *v; /**< in the order of folders, file names and lines */
	uint32_t n;
	struct ks_rule_sample *samples;
	uint32_t nsamples;
};

/**
 * Reads every *.conf of every folder, in order of their names.
 * @param errors is cleared and filled, each as "file:line: key: reason".
 * @return 0 with *out (to be freed by ks_rules_free(); an empty set is an error), -EINVAL see
 * `errors`, -ENOMEM.
 */
int ks_rules_load(const struct ks_config_rules *config, struct ks_rules **out,
		  struct ks_config_errors *errors);
/** The same from one text that touches no file (no includes). */
int ks_rules_parse_string(const char *text, struct ks_rules **out, struct ks_config_errors *errors);
/** NULL is allowed. */
void ks_rules_free(struct ks_rules *rules);

#endif
