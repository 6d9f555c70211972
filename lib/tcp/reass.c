/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly: what came ahead of its turn, in a sorted list of chunks, and the SACK blocks that
 * tell of it (RFC 9293 section 3.10.7.4, RFC 2018 section 4).
 *
 * A chunk starts with the sequence of its first byte; bytes that continue it are added to it, so
 * small segments share chunks. Of bytes that come twice the first to come are kept. The list is
 * bounded in chunks, and it leaves the last of the pool to what is in order. Where even that is
 * used up, what is in order takes the place of what lies furthest ahead (RFC 2018 section 8 allows
 * it): otherwise two connections could wait for each other's memory. Thread: the owner of the
 * stack.
 */
#include <errno.h>

#include "stack.h"

#define HEAD_BYTES 8u /* the sequence, padded */

static inline uint32_t
chunk_seq(const struct ks_chunk *chunk)
{
	uint32_t seq;

	memcpy(&seq, chunk->data, sizeof(seq));
	return seq;
}

static inline uint32_t
chunk_end(const struct ks_chunk *chunk)
{
	return chunk_seq(chunk) + (chunk->end - chunk->start);
}

static struct ks_chunk *
new_chunk(struct ks_tcp_conn *conn, struct ks_chunk *prev, uint32_t seq)
{
	struct ks_tcp_stack *stack = conn->stack;
	struct ks_chunk *chunk;

	if (conn->ooo_chunks > stack->rcv_buf / KS_CHUNK_BYTES ||
	    ks_pool_free_count(stack->chunks) <= stack->chunks_low)
		return NULL;
	chunk = ks_pool_get(stack->chunks);
	if (chunk == NULL)
		return NULL;
	chunk->start = HEAD_BYTES;
	chunk->end = HEAD_BYTES;
	memcpy(chunk->data, &seq, sizeof(seq));
	chunk->next = prev != NULL ? prev->next : conn->ooo_head;
	if (prev != NULL)
		prev->next = chunk;
	else
		conn->ooo_head = chunk;
	if (chunk->next == NULL)
		conn->ooo_tail = chunk;
	conn->ooo_chunks++;
	conn->flags |= KS_TCP_F_OOO;
	return chunk;
}

/* Last chunk that begins at or before `seq`. */
static struct ks_chunk *
find_before(const struct ks_tcp_conn *conn, uint32_t seq)
{
	struct ks_chunk *prev = NULL;

	if (conn->ooo_tail != NULL && seq_leq(chunk_seq(conn->ooo_tail), seq))
		return conn->ooo_tail;
	for (struct ks_chunk *chunk = conn->ooo_head;
	     chunk != NULL && seq_leq(chunk_seq(chunk), seq); chunk = chunk->next)
		prev = chunk;
	return prev;
}

/*
 * Stores the first bytes of a gap of `len` behind `prev` (NULL: before all).
 * @return the chunk they went to, NULL when there is none; `*n` how many.
 */
static struct ks_chunk *
store(struct ks_tcp_conn *conn, struct ks_chunk *prev, uint32_t seq, const uint8_t *data,
      uint32_t *n)
{
	struct ks_chunk *chunk = prev;

	if (chunk == NULL || chunk_end(chunk) != seq || chunk->end == KS_CHUNK_BYTES)
		chunk = new_chunk(conn, prev, seq);
	if (chunk == NULL)
		return NULL;
	*n = KS_MIN(*n, KS_CHUNK_BYTES - chunk->end);
	memcpy(chunk->data + chunk->end, data, *n);
	chunk->end += *n;
	return chunk;
}

/* The stretch without a gap that holds `seq`. */
static struct ks_tcp_range
range_around(const struct ks_tcp_conn *conn, uint32_t seq)
{
	const struct ks_chunk *chunk = conn->ooo_head;
	struct ks_tcp_range range = {chunk_seq(chunk), chunk_end(chunk)};

	while ((chunk = chunk->next) != NULL) {
		if (chunk_seq(chunk) == range.end) {
			range.end = chunk_end(chunk);
			continue;
		}
		if (seq_lt(seq, chunk_seq(chunk)))
			break;
		range = (struct ks_tcp_range){chunk_seq(chunk), chunk_end(chunk)};
	}
	return range;
}

/* RFC 2018 section 4: the block with the newest segment stands first, then the last reported. */
static void
report(struct ks_tcp_conn *conn, struct ks_tcp_range fresh)
{
	struct ks_tcp_range old[KS_TCP_SACK_BLOCKS];
	uint32_t nold = conn->nsack, n = 1;

	memcpy(old, conn->sack, sizeof(old));
	conn->sack[0] = fresh;
	for (uint32_t i = 0; i < nold && n < KS_TCP_SACK_BLOCKS; i++)
		if (seq_lt(old[i].start, fresh.start) || seq_gt(old[i].end, fresh.end))
			conn->sack[n++] = old[i];
	conn->nsack = (uint8_t)n;
}

ks_noinline int
ks_tcp_reass_insert(struct ks_tcp_conn *conn, uint32_t seq, const uint8_t *data, uint32_t len)
{
	struct ks_chunk *prev = find_before(conn, seq);
	uint32_t newest = seq;
	int kept = 0;

	while (len > 0) {
		const struct ks_chunk *next = prev != NULL ? prev->next : conn->ooo_head;
		uint32_t n = len;

		if (prev != NULL && seq_gt(chunk_end(prev), seq)) {
			n = KS_MIN(len, chunk_end(prev) - seq);
		} else if (next != NULL && seq_leq(chunk_seq(next), seq)) {
			prev = (struct ks_chunk *)next;
			continue;
		} else {
			if (next != NULL)
				n = KS_MIN(len, chunk_seq(next) - seq);
			prev = store(conn, prev, seq, data, &n);
			if (prev == NULL)
				break;
			newest = seq;
			kept += (int)n;
		}
		seq += n;
		data += n;
		len -= n;
	}
	if (len > 0 && kept == 0)
		return -ENOBUFS;
	if (conn->flags & KS_TCP_F_SACK)
		report(conn, range_around(conn, newest));
	return kept;
}

static void
forget_reported(struct ks_tcp_conn *conn)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < conn->nsack; i++)
		if (seq_gt(conn->sack[i].start, conn->rcv_nxt))
			conn->sack[n++] = conn->sack[i];
	conn->nsack = (uint8_t)n;
}

static struct ks_chunk *
take_head(struct ks_tcp_conn *conn)
{
	struct ks_chunk *chunk = conn->ooo_head;

	conn->ooo_head = chunk->next;
	conn->ooo_chunks--;
	if (conn->ooo_head == NULL) {
		conn->ooo_tail = NULL;
		conn->flags &= ~KS_TCP_F_OOO;
	}
	chunk->next = NULL;
	return chunk;
}

ks_noinline uint32_t
ks_tcp_reass_drain(struct ks_tcp_conn *conn)
{
	uint32_t moved = 0;

	while (conn->ooo_head != NULL && seq_leq(chunk_seq(conn->ooo_head), conn->rcv_nxt)) {
		struct ks_chunk *chunk = take_head(conn);
		uint32_t end = chunk_end(chunk);
		struct ks_chain one = {.head = chunk, .tail = chunk, .pool = conn->rx.pool};

		if (seq_leq(end, conn->rcv_nxt)) {
			ks_pool_put(conn->rx.pool, chunk);
			continue;
		}
		chunk->start += conn->rcv_nxt - chunk_seq(chunk);
		one.len = chunk->end - chunk->start;
		moved += one.len;
		ks_chain_splice(&conn->rx, &one);
		conn->rcv_nxt = end;
	}
	forget_reported(conn);
	return moved;
}

static void
forget_beyond(struct ks_tcp_conn *conn, uint32_t end)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < conn->nsack; i++) {
		struct ks_tcp_range block = conn->sack[i];

		if (seq_gt(block.end, end))
			block.end = end;
		if (seq_lt(block.start, block.end))
			conn->sack[n++] = block;
	}
	conn->nsack = (uint8_t)n;
}

ks_cold bool
ks_tcp_reass_give_last(struct ks_tcp_conn *conn)
{
	struct ks_chunk *last = conn->ooo_tail, *prev = conn->ooo_head;

	if (last == NULL)
		return false;
	if (prev == last) {
		ks_tcp_reass_clear(conn);
		return true;
	}
	while (prev->next != last)
		prev = prev->next;
	prev->next = NULL;
	conn->ooo_tail = prev;
	conn->ooo_chunks--;
	ks_pool_put(conn->rx.pool, last);
	forget_beyond(conn, chunk_end(prev));
	return true;
}

void
ks_tcp_reass_clear(struct ks_tcp_conn *conn)
{
	while (conn->ooo_head != NULL)
		ks_pool_put(conn->rx.pool, take_head(conn));
	conn->nsack = 0;
}
