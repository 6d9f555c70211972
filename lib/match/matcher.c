/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matcher of one worker: all memory that looking at a request takes, had once. The large
 * buffers are mapped but stay untouched until a value of that size comes.
 *
 * Thread: control core creates and destroys, the worker uses.
 */
#include <errno.h>
#include <stdlib.h>

#include "match_priv.h"

#define DECODED_BASE (64u * 1024)
#define DECODED_FACTOR 4

static int
gather_init(struct match_gather *g, const hs_database_t *hs)
{
	g->hs = hs;
	g->bytes = malloc(MATCH_GATHER_BYTES);
	g->v = calloc(MATCH_GATHER_VALUES, sizeof(*g->v));
	return g->bytes != NULL && g->v != NULL ? 0 : -ENOMEM;
}

static void
gather_fini(struct match_gather *g)
{
	free(g->bytes);
	free(g->v);
}

static int
scratch_init(struct ks_matcher *m)
{
	if ((m->db->head != NULL && hs_alloc_scratch(m->db->head, &m->scratch) != HS_SUCCESS) ||
	    (m->db->body != NULL && hs_alloc_scratch(m->db->body, &m->scratch) != HS_SUCCESS) ||
	    gather_init(&m->head, m->db->head) != 0)
		return -ENOMEM;
	for (uint8_t nature = 0; nature < NATURE_MAX; nature++)
		if (gather_init(&m->body[nature], m->db->body) != 0)
			return -ENOMEM;
	return 0;
}

static int
tables_init(struct ks_matcher *m)
{
	m->hits = calloc(MATCH_HITS_MAX, sizeof(*m->hits));
	m->rule_epoch = calloc((size_t)m->db->n + 1, sizeof(*m->rule_epoch));
	m->rule_hit = calloc((size_t)m->db->n + 1, sizeof(*m->rule_hit));
	m->slots = calloc(MATCH_INDEX_SLOTS, sizeof(*m->slots));
	m->clean = calloc(MATCH_CLEAN_ENTRIES, sizeof(*m->clean));
	m->pending = calloc(MATCH_PENDING_MAX, sizeof(*m->pending));
	m->secret = calloc(MATCH_SECRET_ENTRIES, sizeof(*m->secret));
	m->keys.stack = calloc(MATCH_KEYS_MAX, sizeof(*m->keys.stack));
	m->keys.table = calloc(MATCH_KEYS_SLOTS, sizeof(*m->keys.table));
	for (int i = 0; i < 2; i++) {
		m->walk[i].frames = calloc(MATCH_WALK_DEPTH_MAX + 1, sizeof(struct match_frame));
		if (m->walk[i].frames == NULL)
			return -ENOMEM;
	}
	return m->hits != NULL && m->rule_epoch != NULL && m->rule_hit != NULL &&
			       m->slots != NULL && m->clean != NULL && m->pending != NULL &&
			       m->secret != NULL && m->keys.stack != NULL && m->keys.table != NULL
		       ? 0
		       : -ENOMEM;
}

static int
texts_init(struct ks_matcher *m)
{
	m->key_text = malloc(MATCH_KEY_TEXT_BYTES);
	m->name_text = malloc(MATCH_NAME_TEXT_BYTES);
	m->decode[0] = malloc(MATCH_DECODE_BYTES);
	m->decode[1] = malloc(MATCH_DECODE_BYTES);
	m->plain = malloc(MATCH_DECODE_BYTES);
	m->embed = malloc(MATCH_DECODE_BYTES);
	return m->key_text != NULL && m->name_text != NULL && m->decode[0] != NULL &&
			       m->decode[1] != NULL && m->plain != NULL && m->embed != NULL
		       ? 0
		       : -ENOMEM;
}

struct ks_matcher *
ks_matcher_create(const struct ks_match_db *db)
{
	struct ks_matcher *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->db = db;
	if (scratch_init(m) != 0 || tables_init(m) != 0 || texts_init(m) != 0) {
		ks_matcher_destroy(m);
		errno = ENOMEM;
		return NULL;
	}
	return m;
}

void
ks_matcher_destroy(struct ks_matcher *m)
{
	if (m == NULL)
		return;
	hs_free_scratch(m->scratch);
	gather_fini(&m->head);
	for (uint8_t nature = 0; nature < NATURE_MAX; nature++)
		gather_fini(&m->body[nature]);
	free(m->walk[0].frames);
	free(m->walk[1].frames);
	free(m->hits);
	free(m->rule_epoch);
	free(m->rule_hit);
	free(m->slots);
	free(m->clean);
	free(m->pending);
	free(m->secret);
	free(m->keys.stack);
	free(m->keys.table);
	free(m->key_text);
	free(m->name_text);
	free(m->decode[0]);
	free(m->decode[1]);
	free(m->plain);
	free(m->embed);
	free(m);
}

/* After 2^32 requests old marks would look new. */
static ks_cold void
epoch_wrap(struct ks_matcher *m)
{
	memset(m->rule_epoch, 0, m->db->n * sizeof(*m->rule_epoch));
	memset(m->slots, 0, MATCH_INDEX_SLOTS * sizeof(*m->slots));
	m->epoch = 1;
}

static void
request_begin(struct ks_matcher *m, struct ks_exchange *ex)
{
	m->ex = ex;
	ex->body_fields = 0;
	ex->body_depth = 0;
	if (ks_unlikely(++m->epoch == 0))
		epoch_wrap(m);
	m->slot_mask = MATCH_INDEX_SMALL - 1;
	m->nhits = 0;
	m->gaps = 0;
	m->fault = FAULT_NONE;
	m->key_bytes = 0;
	m->name_bytes = 0;
	/* A head is small, and whether its values are known already must make no difference. */
	m->decode_left = UINT64_MAX;
}

static void
body_begin(struct ks_matcher *m)
{
	uint32_t limit = m->db->limits.decoded_bytes;

	m->decode_left =
		limit != 0 ? limit : (uint64_t)DECODED_FACTOR * m->ex->body_bytes + DECODED_BASE;
}

void
ks_match_exchange(struct ks_matcher *m, struct ks_exchange *ex)
{
	request_begin(m, ex);
	ks_match_head(m);
	body_begin(m);
	ks_match_body(m);
	ks_match_findings(m);
	m->stats.exchanges++;
	m->ex = NULL;
}

void
ks_match_stats_get(const struct ks_matcher *m, struct ks_match_stats *out)
{
	*out = m->stats;
}
