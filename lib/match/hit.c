/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence: of every rule the best hit of a request, and what became of it as findings.
 *
 * A rule keeps its weight where code is never normal. Where a program reads free values, it flags
 * but does not block. Where code is what belongs there (commands, scripts, files in a ConfigMap),
 * the classes that only say "this is code" are worth 20 dB; files that are hostile by their
 * content, leaked credentials and known attacks on Kubernetes keep their weight. What a controller
 * of the cluster writes is a copy of what somebody sent before, and was judged then: 20 dB,
 * whatever the class.
 *
 * Thread: the matcher's worker.
 */
#include <stdio.h>
#include <strings.h>

#include "match_priv.h"

#define OBSERVED_MAX 40u
#define LEAK_SHOWN 4u
#define CHANCE_TAIL 24u

static bool
says_code(const struct ks_match_rule *rule)
{
	return rule->class != KS_MATCH_FILE && rule->class != KS_MATCH_LEAK &&
	       rule->class != KS_MATCH_KUBE;
}

static int16_t
worth(const struct ks_match_rule *rule, uint8_t nature)
{
	if (nature == NATURE_COPY || (nature == NATURE_CODE && says_code(rule)))
		return KS_MIN(rule->db, MATCH_NORMAL_DB);
	return (int16_t)rule->db;
}

bool
ks_match_rule_applies(const struct ks_match_db *db, uint32_t rule, uint8_t where, uint8_t flags)
{
	const struct ks_match_rule *r = &db->rules[rule].r;

	return (r->where & where) != 0 &&
	       (r->class != KS_MATCH_LEAK || (flags & VALUE_NO_LEAK) == 0);
}

static bool
certain_in(const struct ks_match_rule *rule, uint8_t nature)
{
	return rule->block && nature != NATURE_COPY &&
	       (nature == NATURE_PLAIN || rule->class == KS_MATCH_FILE);
}

static struct match_hit *
hit_of(const struct ks_matcher *m, uint32_t rule)
{
	return m->rule_epoch[rule] == m->epoch ? &m->hits[m->rule_hit[rule]] : NULL;
}

bool
ks_match_hit_wanted(const struct ks_matcher *m, uint32_t rule, uint8_t nature)
{
	const struct ks_match_rule *r = &m->db->rules[rule].r;
	const struct match_hit *hit = hit_of(m, rule);

	return hit == NULL || worth(r, nature) > hit->db || certain_in(r, nature) > hit->certain;
}

/* A free place, or that of the weakest hit when the new one is stronger. */
static struct match_hit *
hit_place(struct ks_matcher *m, uint32_t rule, int16_t db)
{
	struct match_hit *hit = hit_of(m, rule);
	uint32_t weak = 0;

	if (hit != NULL)
		return hit;
	if (m->nhits < MATCH_HITS_MAX)
		return &m->hits[m->nhits++];
	for (uint32_t i = 1; i < m->nhits; i++)
		if (m->hits[i].db < m->hits[weak].db)
			weak = i;
	if (m->hits[weak].db >= db)
		return NULL;
	m->rule_epoch[m->hits[weak].rule] = 0;
	return &m->hits[weak];
}

static const char *
where_prefix(const struct match_value *value)
{
	if (value->where == KS_WHERE_QUERY)
		return "query ";
	if (value->where == KS_WHERE_COOKIE)
		return "cookie ";
	if (value->where & (KS_WHERE_HEADER | KS_WHERE_AGENT))
		return "header ";
	return value->name.n == 0 ? "body" : "";
}

static void
where_text(char text[KS_FINDING_TEXT_BYTES], const struct match_value *value)
{
	char joined[2 * KS_FINDING_TEXT_BYTES];
	int n = snprintf(joined, sizeof(joined), "%s%.*s", where_prefix(value),
			 (int)KS_MIN(value->name.n, (uint32_t)KS_FINDING_TEXT_BYTES),
			 value->name.n > 0 ? value->name.p : "");

	ks_finding_text_set(text, (struct ks_str){joined, (uint32_t)n});
}

static void
observed_text(char text[KS_FINDING_TEXT_BYTES], const struct ks_match_rule *rule,
	      const struct match_value *value, struct ks_str observed)
{
	char masked[64];
	int n;

	if ((value->flags & VALUE_WITHHELD) == 0 && rule->class != KS_MATCH_LEAK) {
		observed.n = KS_MIN(observed.n, OBSERVED_MAX);
		ks_finding_text_set(text, observed);
		return;
	}
	if (value->flags & VALUE_WITHHELD)
		n = snprintf(masked, sizeof(masked), "(%u characters withheld)", observed.n);
	else
		n = snprintf(masked, sizeof(masked), "%.*s... (%u characters)", (int)LEAK_SHOWN,
			     observed.n >= 4 * LEAK_SHOWN ? observed.p : "", observed.n);
	ks_finding_text_set(text, (struct ks_str){masked, (uint32_t)n});
}

static bool
has_word(struct ks_str text, const char *word)
{
	size_t n = strlen(word);

	for (uint32_t i = 0; i + n <= text.n; i++)
		if (strncasecmp(text.p + i, word, n) == 0)
			return true;
	return false;
}

/* Documentation is full of keys that are none. What comes from a generator has many different
 * characters in its last part and does not call itself an example. */
static bool
looks_generated(struct ks_str text)
{
	uint32_t n = KS_MIN(text.n, (uint32_t)CHANCE_TAIL), distinct = 0;
	struct ks_str tail = {text.p + text.n - n, n};
	uint64_t seen[4] = {0};

	for (uint32_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)tail.p[i];

		distinct += (seen[c >> 6] >> (c & 63) & 1) == 0;
		seen[c >> 6] |= 1ull << (c & 63);
	}
	return distinct * 3 >= n && !has_word(tail, "example") && !has_word(tail, "xxxx") &&
	       !has_word(tail, "redacted");
}

void
ks_match_hit_add(struct ks_matcher *m, uint32_t rule, const struct match_value *value,
		 struct ks_str observed)
{
	const struct ks_match_rule *r = &m->db->rules[rule].r;
	int16_t db = worth(r, value->nature);
	struct match_hit *hit;

	if (!ks_match_hit_wanted(m, rule, value->nature) ||
	    (r->class == KS_MATCH_LEAK && !looks_generated(observed)))
		return;
	hit = hit_place(m, rule, db);
	if (hit == NULL)
		return;
	m->rule_epoch[rule] = m->epoch;
	m->rule_hit[rule] = (uint8_t)(hit - m->hits);
	hit->rule = rule;
	hit->db = db;
	hit->certain = certain_in(r, value->nature);
	where_text(hit->where, value);
	observed_text(hit->observed, r, value, observed);
}

/* ---- findings ---- */

static bool
stronger(const struct match_hit *a, const struct match_hit *b)
{
	return a->certain != b->certain ? a->certain : a->db > b->db;
}

static void
signature_finding(struct ks_matcher *m, const struct match_hit *hit)
{
	const struct ks_match_rule *r = &m->db->rules[hit->rule].r;
	struct ks_finding *f = ks_exchange_finding_add(m->ex, KS_FINDING_SIGNATURE, hit->db, 0);
	char words[2 * KS_FINDING_TEXT_BYTES];
	int n;

	if (f == NULL)
		return;
	/* The id must survive when the words are too long. */
	n = snprintf(words, sizeof(words), "%.*s (%s)",
		     (int)(KS_FINDING_TEXT_BYTES - 4 - strlen(r->id)), r->words, r->id);
	f->certain = hit->certain;
	memcpy(f->where, hit->where, sizeof(f->where));
	memcpy(f->observed, hit->observed, sizeof(f->observed));
	ks_finding_text_set(f->expected, (struct ks_str){words, (uint32_t)n});
	m->stats.hits++;
}

static ks_cold void
signature_findings(struct ks_matcher *m)
{
	uint32_t left = (1u << m->nhits) - 1;

	for (uint32_t k = 0; k < MATCH_SIGNATURE_FINDINGS_MAX && left != 0; k++) {
		uint32_t best = (uint32_t)__builtin_ctz(left);

		for (uint32_t i = best + 1; i < m->nhits; i++)
			if ((left >> i & 1) && stronger(&m->hits[i], &m->hits[best]))
				best = i;
		signature_finding(m, &m->hits[best]);
		left &= ~(1u << best);
	}
}

static struct ks_str
text_of(const char *words)
{
	return (struct ks_str){words, (uint32_t)strlen(words)};
}

static ks_cold void
gap_findings(struct ks_matcher *m)
{
#define GAP_ROW(ID, certain, db, where, words) {certain, db, where, words},
	static const struct {
		bool certain;
		int16_t db;
		const char *where;
		const char *words;
	} gaps[] = {MATCH_GAPS(GAP_ROW)};
#undef GAP_ROW

	m->stats.uninspected++;
	for (uint32_t i = 0; i < GAP_MAX; i++) {
		struct ks_finding *f;

		if ((m->gaps >> i & 1) == 0)
			continue;
		f = ks_exchange_finding_add(m->ex, KS_FINDING_UNINSPECTED, gaps[i].db, 0);
		if (f == NULL)
			continue;
		f->certain = gaps[i].certain;
		ks_finding_text_set(f->where, text_of(gaps[i].where));
		ks_finding_text_set(f->observed, text_of(gaps[i].words));
	}
}

static ks_cold void
fault_finding(struct ks_matcher *m)
{
#define FAULT_ROW(ID, db, words) {db, words},
	static const struct {
		int16_t db;
		const char *words;
	} faults[] = {MATCH_FAULTS(FAULT_ROW)};
#undef FAULT_ROW
	struct ks_finding *f =
		ks_exchange_finding_add(m->ex, KS_FINDING_BODY_MALFORMED, faults[m->fault].db, 0);
	char text[KS_FINDING_TEXT_BYTES];
	int n;

	m->stats.malformed++;
	if (f == NULL)
		return;
	n = snprintf(text, sizeof(text), "%s", faults[m->fault].words);
	if (m->fault == FAULT_GRAMMAR)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " at byte %u of %u", m->fault_at,
			      m->ex->body_bytes);
	/* A program behind a proxy call may well take what is no JSON to us. */
	f->certain = ks_match_kube_object(m->ex);
	ks_finding_text_set(f->where, KS_STR("the body"));
	ks_finding_text_set(f->expected, KS_STR("JSON"));
	ks_finding_text_set(f->observed, (struct ks_str){text, (uint32_t)n});
}

void
ks_match_findings(struct ks_matcher *m)
{
	if (ks_unlikely(m->nhits > 0))
		signature_findings(m);
	if (ks_unlikely(m->gaps != 0))
		gap_findings(m);
	if (ks_unlikely(m->fault != FAULT_NONE))
		fault_finding(m);
}
