/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table of records: creation, adding, clearing, copying. See table.h.
 * Thread: the owner.
 */
#include <errno.h>
#include <stdlib.h>

#include "table.h"

#define REC_ALIGN 64u

/* Load of two thirds at most: probes stay short and always end at a free slot. */
static uint32_t
slots_for(uint32_t limit)
{
	uint64_t want = (uint64_t)limit + limit / 2 + 8, slots = 16;

	while (slots < want)
		slots *= 2;
	return (uint32_t)slots;
}

int
ks_score_table_init(struct ks_score_table *table, uint32_t rec_bytes, uint32_t limit)
{
	uint32_t slots = slots_for(limit);
	size_t bytes = (size_t)slots * rec_bytes;

	memset(table, 0, sizeof(*table));
	table->used = calloc(limit == 0 ? 1 : limit, sizeof(*table->used));
	/* calloc, not aligned_alloc: untouched pages of a large table must cost nothing. */
	table->raw = calloc(1, bytes + REC_ALIGN);
	if (table->used == NULL || table->raw == NULL) {
		ks_score_table_fini(table);
		return -ENOMEM;
	}
	table->mem =
		(uint8_t *)(((uintptr_t)table->raw + REC_ALIGN - 1) & ~(uintptr_t)(REC_ALIGN - 1));
	table->rec_bytes = rec_bytes;
	table->mask = slots - 1;
	table->limit = limit;
	return 0;
}

void
ks_score_table_fini(struct ks_score_table *table)
{
	free(table->raw);
	free(table->used);
	memset(table, 0, sizeof(*table));
}

void *
ks_score_table_add(struct ks_score_table *table, uint64_t key)
{
	uint32_t slot = (uint32_t)key & table->mask;
	uint64_t *rec;

	for (;; slot = (slot + 1) & table->mask) {
		rec = table_slot(table, slot);
		if (*rec == key)
			return rec;
		if (*rec == 0)
			break;
	}
	if (ks_unlikely(table->n == table->limit))
		return NULL;
	table->used[table->n++] = slot;
	*rec = key;
	return rec;
}

void
ks_score_table_clear(struct ks_score_table *table)
{
	for (uint32_t i = 0; i < table->n; i++)
		memset(table_at(table, i), 0, table->rec_bytes);
	table->n = 0;
}

int
ks_score_table_copy(struct ks_score_table *dst, const struct ks_score_table *src, uint32_t extra)
{
	uint32_t limit = src->n + extra;
	int rc;

	rc = ks_score_table_init(dst, src->rec_bytes, limit);
	if (rc != 0)
		return rc;
	if (dst->mask == src->mask) {
		memcpy(dst->mem, src->mem, (size_t)(src->mask + 1) * src->rec_bytes);
		memcpy(dst->used, src->used, (size_t)src->n * sizeof(*src->used));
		dst->n = src->n;
		return 0;
	}
	for (uint32_t i = 0; i < src->n; i++) {
		const uint64_t *rec = table_at(src, i);

		memcpy(ks_score_table_add(dst, *rec), rec, src->rec_bytes);
	}
	return 0;
}

size_t
ks_score_table_bytes(const struct ks_score_table *table)
{
	return (size_t)(table->mask + 1) * table->rec_bytes + (size_t)table->limit * 4;
}
