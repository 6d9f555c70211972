/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sliding windows and the table that holds them. See frequency.h.
 * Thread: the scorer's.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "frequency.h"

#define US_PER_S 1000000u
#define WAIT_MAX_S 120u

struct ks_score_frequency {
	struct freq_entry *entries; /**< [0] is not used: index 0 means none */
	uint32_t *buckets;
	uint32_t mask;
	uint32_t n;
	uint32_t size;
	uint32_t newest;
	uint32_t oldest;
};

struct ks_score_frequency *
ks_score_frequency_create(uint32_t entries)
{
	struct ks_score_frequency *f = calloc(1, sizeof(*f));
	uint32_t buckets = 16;

	if (f == NULL)
		return NULL;
	while (buckets < entries)
		buckets *= 2;
	f->size = entries;
	f->mask = buckets - 1;
	f->entries = calloc((size_t)entries + 1, sizeof(*f->entries));
	f->buckets = calloc(buckets, sizeof(*f->buckets));
	if (f->entries == NULL || f->buckets == NULL) {
		ks_score_frequency_destroy(f);
		errno = ENOMEM;
		return NULL;
	}
	return f;
}

void
ks_score_frequency_destroy(struct ks_score_frequency *f)
{
	if (f == NULL)
		return;
	free(f->entries);
	free(f->buckets);
	free(f);
}

uint32_t
ks_score_frequency_used(const struct ks_score_frequency *f)
{
	return f->n;
}

static void
list_remove(struct ks_score_frequency *f, struct freq_entry *e)
{
	if (e->newer != 0)
		f->entries[e->newer].older = e->older;
	else
		f->newest = e->older;
	if (e->older != 0)
		f->entries[e->older].newer = e->newer;
	else
		f->oldest = e->newer;
}

static void
list_push(struct ks_score_frequency *f, struct freq_entry *e)
{
	uint32_t i = (uint32_t)(e - f->entries);

	e->newer = 0;
	e->older = f->newest;
	if (f->newest != 0)
		f->entries[f->newest].newer = i;
	else
		f->oldest = i;
	f->newest = i;
}

static void
chain_remove(struct ks_score_frequency *f, const struct freq_entry *e)
{
	uint32_t i = (uint32_t)(e - f->entries);
	uint32_t *link = &f->buckets[(uint32_t)e->key & f->mask];

	while (*link != i)
		link = &f->entries[*link].chain;
	*link = e->chain;
}

static struct freq_entry *
entry_take(struct ks_score_frequency *f)
{
	struct freq_entry *e;

	if (f->n < f->size)
		return &f->entries[++f->n];
	e = &f->entries[f->oldest];
	list_remove(f, e);
	chain_remove(f, e);
	return e;
}

struct freq_entry *
ks_score_frequency_find(struct ks_score_frequency *f, uint64_t key)
{
	for (uint32_t i = f->buckets[(uint32_t)key & f->mask]; i != 0; i = f->entries[i].chain)
		if (f->entries[i].key == key)
			return &f->entries[i];
	return NULL;
}

struct freq_entry *
ks_score_frequency_get(struct ks_score_frequency *f, uint64_t key, uint64_t now_us)
{
	uint32_t now_s = (uint32_t)(now_us / US_PER_S);
	struct freq_entry *e = ks_score_frequency_find(f, key);

	if (ks_likely(e != NULL)) {
		if (e->stamp_s != now_s) {
			list_remove(f, e);
			list_push(f, e);
			e->stamp_s = now_s;
		}
		return e;
	}
	e = entry_take(f);
	memset(e, 0, sizeof(*e));
	e->key = key;
	e->stamp_s = now_s;
	e->chain = f->buckets[(uint32_t)key & f->mask];
	f->buckets[(uint32_t)key & f->mask] = (uint32_t)(e - f->entries);
	list_push(f, e);
	return e;
}

/* ---- windows ---- */

void
ks_score_window_close(struct freq_window *window, uint32_t index)
{
	if (window->good)
		window->ready = KS_MAX(window->ready, window->peak);
	window->before = index == window->index + 1 ? window->count : 0;
	window->index = index;
	window->count = 0;
	window->peak = 0;
	window->good = 0;
}

uint32_t
ks_score_window_wait_s(const struct freq_window *window, enum model_window w, uint64_t now_us,
		       double most)
{
	double us = (double)freq_window_s(w) * US_PER_S;
	double left = us - now_us % ((uint64_t)freq_window_s(w) * US_PER_S);
	double wait = 0;

	/* In this window what is before goes; in the next one the count itself goes. */
	if (window->count > most)
		wait = left + us * (1.0 - most / window->count);
	else if (window->before > 0)
		wait = left - us * (most - window->count) / window->before;
	return (uint32_t)KS_MAX(1.0, KS_MIN(ceil(wait / US_PER_S), (double)WAIT_MAX_S));
}
