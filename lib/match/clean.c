/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values seen before and found clean: clients send the same User-Agent, Accept and parameters again
 * and again. An entry holds the whole name and value, compared byte for byte, and what was learned
 * of them; then they need neither be classified nor decoded nor scanned.
 *
 * Direct-mapped, the newest wins: somebody who fills it with rubbish makes us scan, nothing worse.
 * Credentials never come here.
 *
 * Thread: the matcher's worker.
 */
#include "match_priv.h"

/* Most names and values lie side by side in the head or the query: one hash over both then. */
static uint64_t
key_of(const struct ks_matcher *m, enum ks_place place, struct ks_str name, struct ks_str raw)
{
	uint64_t seed = m->db->seed ^ ((uint64_t)place + 1);
	size_t gap = (size_t)((uintptr_t)raw.p - ((uintptr_t)name.p + name.n));

	if (ks_likely(gap <= 2))
		return ks_hash64(seed, name.p, name.n + gap + raw.n);
	return ks_hash64(ks_hash64(seed, name.p, name.n), raw.p, raw.n);
}

static bool
same(const struct match_clean *e, enum ks_place place, struct ks_str name, struct ks_str raw)
{
	return e->place == place && e->name_len == name.n && e->raw_len == raw.n &&
	       memcmp(e->bytes, name.p, name.n) == 0 &&
	       memcmp(e->bytes + name.n, raw.p, raw.n) == 0;
}

const struct match_clean *
ks_match_clean_find(const struct ks_matcher *m, enum ks_place place, struct ks_str name,
		    struct ks_str raw)
{
	const struct match_clean *e;
	uint64_t key;

	if (name.n + (uint64_t)raw.n > MATCH_CLEAN_BYTES)
		return NULL;
	key = key_of(m, place, name, raw);
	e = &m->clean[key % MATCH_CLEAN_ENTRIES];
	return e->key == key && same(e, place, name, raw) ? e : NULL;
}

void
ks_match_clean_note(struct ks_matcher *m, const struct match_fold *fold, struct ks_str name,
		    struct ks_str raw, struct ks_str value)
{
	bool plain = ks_str_eq(raw, value);
	uint64_t bytes = (uint64_t)name.n + raw.n + (plain ? 0 : value.n);
	struct match_clean *e;

	if (m->npending == MATCH_PENDING_MAX || bytes > MATCH_CLEAN_BYTES)
		return;
	e = &m->pending[m->npending++];
	*e = (struct match_clean){
		.key = key_of(m, fold->place, name, raw),
		.field_hash = fold->hash,
		.value_hash = fold->value_hash,
		.chars = fold->chars,
		.name_len = (uint8_t)name.n,
		.raw_len = (uint8_t)raw.n,
		.value_len = (uint8_t)value.n,
		.place = fold->place,
		.type = fold->type,
		.value_differs = !plain,
	};
	memcpy(e->bytes, name.p, name.n);
	memcpy(e->bytes + name.n, raw.p, raw.n);
	if (!plain)
		memcpy(e->bytes + name.n + raw.n, value.p, value.n);
}

/* All or none: which value of a request made the hit is not asked here. */
void
ks_match_clean_commit(struct ks_matcher *m)
{
	if (m->nhits == 0 && m->gaps == 0)
		for (uint32_t i = 0; i < m->npending; i++)
			m->clean[m->pending[i].key % MATCH_CLEAN_ENTRIES] = m->pending[i];
	m->npending = 0;
}
