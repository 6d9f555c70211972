/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a rule file: refused with reasons, or rules that `match` may compile: bounded texts,
 * a class, a place, unique ids.
 */
#include <stdlib.h>

#include "ks_rules.h"

static void
check(const struct ks_rules *rules)
{
	if (rules->n == 0 || rules->n > KS_RULES_MAX)
		abort();
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct ks_match_rule *rule = &rules->v[i];

		if (rule->id[0] == '\0' || rule->where == 0 || rule->db < 1 || rule->db > 200 ||
		    rule->class >= KS_MATCH_CLASS_MAX || rule->pattern == NULL ||
		    strlen(rule->pattern) >= KS_RULES_PATTERN_BYTES || rule->file == NULL)
			abort();
	}
	for (uint32_t i = 0; i < rules->nsamples; i++)
		if (rules->samples[i].rule >= rules->n || rules->samples[i].text == NULL)
			abort();
}

/* libconfig 1.5 forgets some strings when a syntax error follows them; the leak checker must know.
 */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ks_config_errors errors;
	struct ks_rules *rules = NULL;
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (ks_rules_parse_string(text, &rules, &errors) == 0)
		check(rules);
	else if (errors.nerrors == 0 || rules != NULL)
		abort();
	ks_rules_free(rules);
	free(text);
	return 0;
}
