/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scanning. Short values of a request are laid one after another into a buffer and scanned at once:
 * a scan costs 50 to 100 ns to begin and 0.1 to 0.2 ns a byte, and a request has a dozen values of
 * 20 bytes. Long values are scanned where they lie.
 *
 * A hit in the buffer says only that a rule matched somewhere in it, perhaps across two values, and
 * a rule reports once. So the values behind it are found by halving: a half in which no rule
 * matches that could tell something new is left alone. A value counts only when it matches by
 * itself. In a buffer all values are of one nature, so one hit of a rule is as good as any other of
 * it there; that bounds the work on a body that consists of nothing but hits.
 *
 * Thread: the matcher's worker. Nothing is allocated.
 */
#include <string.h>

#include "match_priv.h"

/* Between two values: a line break on either side for `^` and `$`, and a byte that no class of a
 * rule is likely to hold, so that matches across values stay rare. */
#define SEPARATOR "\n\x01\n"
#define SEPARATOR_BYTES 3u

#define SCAN_HITS_MAX 64u

struct scan {
	struct ks_matcher *m;
	const struct match_gather *g;
	uint8_t where;
	uint8_t nature;
	uint8_t flags;
	uint32_t n;
	struct {
		uint32_t rule;
		uint32_t end;
	} hits[SCAN_HITS_MAX];
};

/* Only the head of it: the hits need no clearing. */
static inline void
scan_init(struct scan *scan, struct ks_matcher *m, uint8_t where, uint8_t nature, uint8_t flags)
{
	scan->m = m;
	scan->g = NULL;
	scan->where = where;
	scan->nature = nature;
	scan->flags = flags;
	scan->n = 0;
}

static int
on_match(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags,
	 void *arg)
{
	struct scan *scan = arg;

	(void)from;
	(void)flags;
	if (!ks_match_rule_applies(scan->m->db, id, scan->where, scan->flags) ||
	    !ks_match_hit_wanted(scan->m, id, scan->nature))
		return 0;
	scan->hits[scan->n].rule = id;
	scan->hits[scan->n].end = (uint32_t)to;
	return ++scan->n == SCAN_HITS_MAX;
}

/* @return number of rules that matched and whose hit would tell something new. */
static uint32_t
scan_bytes(struct scan *scan, const hs_database_t *hs, struct ks_str text)
{
	scan->n = 0;
	hs_scan(hs, text.p, text.n, 0, scan->m->scratch, on_match, scan);
	return scan->n;
}

/* ---- one value ---- */

#define EXCERPT_WINDOW 256u

static bool
matches(struct ks_matcher *m, const hs_database_t *hs, uint32_t rule, struct ks_str text)
{
	struct scan scan;

	scan_init(&scan, m, 0xff, NATURE_PLAIN, 0);
	scan_bytes(&scan, hs, text);
	for (uint32_t i = 0; i < scan.n; i++)
		if (scan.hits[i].rule == rule)
			return true;
	return false;
}

/*
 * The bytes that matched. The scan knows only where they end; where they begin is found by asking
 * for the shortest text up to there that still matches.
 */
static struct ks_str
excerpt(struct ks_matcher *m, const hs_database_t *hs, uint32_t rule, struct ks_str text)
{
	uint32_t low = text.n > EXCERPT_WINDOW ? text.n - EXCERPT_WINDOW : 0, high = text.n;

	while (low + 1 < high) {
		uint32_t middle = low + (high - low) / 2;
		struct ks_str rest = {text.p + middle, text.n - middle};

		if (matches(m, hs, rule, rest))
			low = middle;
		else
			high = middle;
	}
	return (struct ks_str){text.p + low, text.n - low};
}

static ks_cold void
value_hits(struct scan *scan, const hs_database_t *hs, const struct match_value *value,
	   struct ks_str text)
{
	for (uint32_t i = 0; i < scan->n; i++) {
		uint32_t rule = scan->hits[i].rule;
		struct ks_str up_to = {text.p, scan->hits[i].end};

		ks_match_hit_add(scan->m, rule, value, excerpt(scan->m, hs, rule, up_to));
	}
}

static void
scan_value(struct ks_matcher *m, const hs_database_t *hs, const struct match_value *value,
	   struct ks_str text)
{
	struct scan scan;

	scan_init(&scan, m, value->where, value->nature, value->flags);
	if (ks_unlikely(scan_bytes(&scan, hs, text) > 0))
		value_hits(&scan, hs, value, text);
}

/* ---- many values ---- */

/* Finds the values behind a hit; at most ten levels deep, as a buffer holds 1024 values. */
static ks_cold void
halve(struct scan *scan, uint32_t from, uint32_t to)
{
	const struct match_gather *g = scan->g;
	const struct match_value *first = &g->v[from], *last = &g->v[to - 1];
	struct ks_str text = {g->bytes + first->off, last->off + last->len - first->off};
	uint32_t middle = from + (to - from) / 2;

	if (to - from == 1) {
		scan_value(scan->m, g->hs, first, text);
		return;
	}
	if (scan_bytes(scan, g->hs, text) == 0)
		return;
	halve(scan, from, middle);
	halve(scan, middle, to);
}

static ks_noinline void
gather_flush(struct ks_matcher *m, struct match_gather *g, uint8_t nature)
{
	const uint32_t middle = (g->n + 1) / 2;
	struct ks_str text = {g->bytes, g->used};
	struct scan scan;

	scan_init(&scan, m, g->where, nature, g->flags);
	scan.g = g;
	m->stats.bytes += g->used;
	if (ks_unlikely(scan_bytes(&scan, g->hs, text) > 0)) {
		halve(&scan, 0, middle);
		if (middle < g->n)
			halve(&scan, middle, g->n);
	}
	g->used = 0;
	g->n = 0;
	g->where = 0;
}

static void
gather_add(struct match_gather *g, const struct match_value *value, struct ks_str text)
{
	struct match_value *v = &g->v[g->n];

	g->flags = g->n++ == 0 ? value->flags : g->flags & value->flags;
	v->name.p = value->name.p;
	v->name.n = value->name.n;
	v->where = value->where;
	v->nature = value->nature;
	v->flags = value->flags;
	v->off = g->used;
	v->len = text.n;
	memcpy(g->bytes + g->used, text.p, text.n);
	memcpy(g->bytes + g->used + text.n, SEPARATOR, SEPARATOR_BYTES);
	g->used += text.n + SEPARATOR_BYTES;
	g->where |= value->where;
}

void
ks_match_scan_add(struct ks_matcher *m, const struct match_value *value, struct ks_str text)
{
	struct match_gather *g =
		value->where & MATCH_WHERE_HEAD ? &m->head : &m->body[value->nature];

	if (text.n < MATCH_HIT_MIN || g->hs == NULL)
		return;
	if (ks_unlikely(text.n > MATCH_GATHER_VALUE_MAX)) {
		m->stats.bytes += text.n;
		scan_value(m, g->hs, value, text);
		return;
	}
	if (ks_unlikely(g->n == MATCH_GATHER_VALUES ||
			MATCH_GATHER_BYTES - g->used < text.n + SEPARATOR_BYTES))
		gather_flush(m, g, value->nature);
	gather_add(g, value, text);
}

void
ks_match_scan_flush(struct ks_matcher *m)
{
	/* Query values of exec are code, all else in a head is not: one buffer, judged as plain. */
	if (m->head.n > 0)
		gather_flush(m, &m->head, NATURE_PLAIN);
	for (uint8_t nature = 0; nature < NATURE_MAX; nature++)
		if (m->body[nature].n > 0)
			gather_flush(m, &m->body[nature], nature);
}
