/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the rules of one text into a set.
 */
#ifndef KS_RULES_PARSE_H
#define KS_RULES_PARSE_H

#include "config_source.h"
#include "ks_rules.h"

struct text_node;

struct rules_set {
	struct ks_rules rules;
	struct text_node *texts; /**< every string that a rule points to */
	struct ks_config_errors *errors;
	bool no_memory;
};

/** Adds what the text says; errors are added to the set's. */
void rules_parse(struct rules_set *set, const struct config_source *source);

/** A copy that lives as long as the set; NULL sets `no_memory`. */
char *rules_text_keep(struct rules_set *set, const char *text);
/** A new cleared rule at the end, NULL sets `no_memory`. */
struct ks_match_rule *rules_add(struct rules_set *set);
/** A sample of the last rule. */
void rules_sample_add(struct rules_set *set, bool hit, const char *text);

#endif
