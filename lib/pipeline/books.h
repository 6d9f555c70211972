/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control core's books: one bounded table of rows by name (API calls, principals), and rings of
 * the last records. Least recent rows give way. Thread: under the control core's lock.
 */
#ifndef KS_PIPELINE_BOOKS_H
#define KS_PIPELINE_BOOKS_H

#include "ks_control.h"

#define BOOK_ROWS 4096u

struct rte_hash;

struct book_row {
	struct ks_control_row view;
	uint64_t key;
	uint64_t window_s; /**< start of the ten seconds being counted */
	uint32_t window, window_last;
};

struct book {
	struct rte_hash *index;
	struct book_row *rows;
	uint32_t n, next_victim;
};

int book_init(struct book *book, const char *name);
void book_fini(struct book *book);
void book_add(struct book *book, const char *name, const struct ks_exchange *ex);
uint32_t book_list(const struct book *book, uint32_t skip, struct ks_control_row *out, uint32_t n,
		   uint64_t now_s);

/** Ring of records; ids grow by one from one record to the next. */
struct record_ring {
	struct ks_record *v;
	uint32_t size;
	uint64_t first_id, last_id; /**< of those that are there; last < first: empty */
};

int record_ring_init(struct record_ring *ring, uint32_t size, uint64_t next_id);
void record_ring_fini(struct record_ring *ring);
/** @return the slot for the next record, with its id set. */
struct ks_record *record_ring_add(struct record_ring *ring);
const struct ks_record *record_ring_at(const struct record_ring *ring, uint64_t id);
uint32_t record_ring_list(const struct record_ring *ring, uint64_t after, struct ks_record *out,
			  uint32_t n);

#endif
