/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field list: all values under one normalised path of a request folded into one row, found
 * again by its hash. The index is ours, the rows are the exchange's; a slot of an older request is
 * an empty slot, so nothing is cleared between requests.
 *
 * What a secret's place holds is counted and measured, never kept and never hashed: a short secret
 * could be guessed from its hash.
 *
 * Thread: the matcher's worker.
 */
#include <strings.h>

#include "match_priv.h"

#define PATH_MAX_BYTES 200u
#define VALUE_MAX_BYTES 64u

uint64_t
ks_match_field_hash(const struct ks_match_db *db, enum ks_place place, struct ks_str path)
{
	return ks_hash64(db->seed + place + 1, path.p, path.n);
}

static inline uint32_t
slot_of(const struct ks_matcher *m, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & m->slot_mask;
}

int
ks_match_field_find(struct ks_matcher *m, uint64_t hash)
{
	const struct ks_field *v = m->ex->fields.v;
	uint32_t i = slot_of(m, hash);

	for (; m->slots[i].epoch == m->epoch; i = (i + 1) & m->slot_mask)
		if (v[m->slots[i].field].hash == hash)
			return m->slots[i].field;
	return -1;
}

static void
index_put(struct ks_matcher *m, uint64_t hash, uint16_t field)
{
	uint32_t i = slot_of(m, hash);

	while (m->slots[i].epoch == m->epoch)
		i = (i + 1) & m->slot_mask;
	m->slots[i] = (struct match_slot){.epoch = m->epoch, .field = field};
}

/* From the few slots that most requests need to all of them. */
static ks_cold void
index_grow(struct ks_matcher *m)
{
	const struct ks_field_list *list = &m->ex->fields;

	memset(m->slots, 0, sizeof(*m->slots) * MATCH_INDEX_SMALL);
	m->slot_mask = MATCH_INDEX_SLOTS - 1;
	for (uint16_t i = 0; i < list->n; i++)
		index_put(m, list->v[i].hash, i);
}

static bool
text_add(struct ks_field_list *list, struct ks_str text, uint32_t *off)
{
	if (list->text_cap - list->text_bytes < text.n)
		return false;
	*off = list->text_bytes;
	if (text.n > 0)
		memcpy(list->text + *off, text.p, text.n);
	list->text_bytes += text.n;
	return true;
}

static ks_cold int
full(struct ks_matcher *m)
{
	m->ex->fields.overflow = true;
	ks_match_gap(m, GAP_FIELDS);
	return -1;
}

int
ks_match_field_add(struct ks_matcher *m, const struct match_fold *fold, struct ks_str path)
{
	struct ks_field_list *list = &m->ex->fields;
	struct ks_field *f;
	uint32_t off;

	if (path.n > PATH_MAX_BYTES)
		path = (struct ks_str){path.p + path.n - PATH_MAX_BYTES, PATH_MAX_BYTES};
	if (ks_unlikely(list->n >= KS_MIN(list->cap, MATCH_FIELDS_MAX)) ||
	    ks_unlikely(!text_add(list, path, &off)))
		return full(m);
	f = &list->v[list->n];
	*f = (struct ks_field){
		.hash = fold->hash,
		.path_off = off,
		.path_len = (uint16_t)path.n,
		.place = fold->place,
		.depth = fold->depth,
	};
	if (ks_unlikely(m->slot_mask < MATCH_INDEX_SLOTS - 1 && list->n >= MATCH_INDEX_SMALL / 2))
		index_grow(m);
	index_put(m, fold->hash, list->n);
	return list->n++;
}

static void
value_keep(struct ks_matcher *m, struct ks_field *f, const struct match_fold *fold,
	   struct ks_str value)
{
	struct ks_field_list *list = &m->ex->fields;
	uint32_t off;

	if (fold->secret || value.n == 0 || value.n > VALUE_MAX_BYTES)
		return;
	f->value_hash =
		fold->value_hash != 0 ? fold->value_hash : ks_hash64(m->db->seed, value.p, value.n);
	if (text_add(list, value, &off)) {
		f->value_off = off;
		f->value_len = (uint16_t)value.n;
	}
}

void
ks_match_field_fold(struct ks_matcher *m, int field, const struct match_fold *fold,
		    struct ks_str value)
{
	struct ks_field *f = &m->ex->fields.v[field];

	if (f->count++ == 0)
		value_keep(m, f, fold, value);
	f->len_max = KS_MAX(f->len_max, value.n);
	f->type_mask |= 1u << fold->type;
	f->char_mask |= (uint16_t)(fold->chars & MATCH_CHARS_PUBLIC);
}

/* ---- names of secrets ---- */

static bool
contains(struct ks_str text, const char *word, size_t n)
{
	for (uint32_t i = 0; i + n <= text.n; i++)
		if ((text.p[i] | 0x20) == word[0] && strncasecmp(text.p + i, word, n) == 0)
			return true;
	return false;
}

bool
ks_match_name_secret(struct ks_str name)
{
	static const char *const words[] = {"passw",   "passphrase", "pwd",	   "secret",
					    "token",   "credential", "auth",	   "apikey",
					    "api-key", "api_key",    "access-key", "accesskey",
					    "cookie",  "session",    "private",	   "signature"};

	for (size_t i = 0; i < KS_ARRAY_SIZE(words); i++)
		if (contains(name, words[i], strlen(words[i])))
			return true;
	return false;
}
