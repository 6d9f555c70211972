/* SPDX-License-Identifier: Apache-2.0 */
#include "books.h"

#include <errno.h>
#include <rte_hash.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_S 10u
#define VICTIM_TRIES 16u

int
book_init(struct book *book, const char *name)
{
	static unsigned int serial;
	char unique[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters params = {
		.name = unique,
		.entries = BOOK_ROWS * 2,
		.key_len = sizeof(uint64_t),
		.socket_id = SOCKET_ID_ANY,
	};

	snprintf(unique, sizeof(unique), "ks_%s_%u", name, serial++);
	book->n = book->next_victim = 0;
	book->rows = calloc(BOOK_ROWS, sizeof(*book->rows));
	book->index = rte_hash_create(&params);
	return book->rows == NULL || book->index == NULL ? -ENOMEM : 0;
}

void
book_fini(struct book *book)
{
	rte_hash_free(book->index);
	free(book->rows);
}

/** The least recent of a few neighbours: as good as exact where names come and go. */
static struct book_row *
evict(struct book *book)
{
	struct book_row *oldest = NULL;

	for (uint32_t i = 0; i < VICTIM_TRIES; i++) {
		struct book_row *row = &book->rows[book->next_victim++ % BOOK_ROWS];

		if (oldest == NULL || row->view.last_s < oldest->view.last_s)
			oldest = row;
	}
	rte_hash_del_key(book->index, &oldest->key);
	return oldest;
}

static struct book_row *
row_find(struct book *book, const char *name)
{
	uint64_t key = ks_hash64(0, name, strlen(name));
	struct book_row *row;
	void *data;

	if (rte_hash_lookup_data(book->index, &key, &data) >= 0)
		return data;
	row = book->n < BOOK_ROWS ? &book->rows[book->n++] : evict(book);
	memset(row, 0, sizeof(*row));
	row->key = key;
	snprintf(row->view.name, sizeof(row->view.name), "%s", name);
	if (rte_hash_add_key_data(book->index, &key, row) != 0)
		return NULL;
	return row;
}

static void
window_roll(struct book_row *row, uint64_t now_s)
{
	uint64_t start = now_s - now_s % WINDOW_S;

	if (start == row->window_s)
		return;
	row->window_last = start == row->window_s + WINDOW_S ? row->window : 0;
	row->window = 0;
	row->window_s = start;
}

void
book_add(struct book *book, const char *name, const struct ks_exchange *ex)
{
	struct book_row *row = row_find(book, name);

	if (row == NULL)
		return;
	window_roll(row, ex->now.wall_s);
	row->window++;
	row->view.requests++;
	row->view.flagged += ex->verdict == KS_VERDICT_FLAG;
	row->view.throttled += ex->verdict == KS_VERDICT_THROTTLE;
	row->view.blocked += ex->verdict == KS_VERDICT_BLOCK;
	row->view.errors += ex->status >= 400;
	row->view.last_s = ex->now.wall_s;
	row->view.score_max_db = KS_MAX(row->view.score_max_db, ex->score_db);
}

uint32_t
book_list(const struct book *book, uint32_t skip, struct ks_control_row *out, uint32_t n,
	  uint64_t now_s)
{
	uint32_t done = 0;

	for (uint32_t i = skip; i < book->n && done < n; i++) {
		struct book_row row = book->rows[i];

		window_roll(&row, now_s);
		row.view.rate_10s = (double)KS_MAX(row.window, row.window_last) / WINDOW_S;
		out[done++] = row.view;
	}
	return done;
}

int
record_ring_init(struct record_ring *ring, uint32_t size, uint64_t next_id)
{
	ring->v = calloc(size, sizeof(*ring->v));
	ring->size = size;
	ring->first_id = next_id;
	ring->last_id = next_id - 1;
	return ring->v == NULL ? -ENOMEM : 0;
}

void
record_ring_fini(struct record_ring *ring)
{
	free(ring->v);
}

struct ks_record *
record_ring_add(struct record_ring *ring)
{
	struct ks_record *slot = &ring->v[++ring->last_id % ring->size];

	if (ring->last_id - ring->first_id >= ring->size)
		ring->first_id = ring->last_id - ring->size + 1;
	slot->id = ring->last_id;
	return slot;
}

const struct ks_record *
record_ring_at(const struct record_ring *ring, uint64_t id)
{
	if (id < ring->first_id || id > ring->last_id)
		return NULL;
	return &ring->v[id % ring->size];
}

uint32_t
record_ring_list(const struct record_ring *ring, uint64_t after, struct ks_record *out, uint32_t n)
{
	uint32_t done = 0;

	if (after >= ring->last_id)
		return 0;
	for (uint64_t id = KS_MAX(after + 1, ring->first_id); id <= ring->last_id && done < n; id++)
		out[done++] = ring->v[id % ring->size];
	return done;
}
