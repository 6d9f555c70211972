/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte chain. Between calls no chunk of a chain is empty, so the first bytes are always in the head
 * and an empty chain holds no memory. Only ks_chain_reserve() may leave one empty chunk behind the
 * tail, until its commit.
 * Thread: the owner of the pool.
 */
#include <assert.h>
#include <errno.h>

#include "ks_chain.h"

/*
 * Chunks that are moved with fewer bytes than this are copied into the tail where they fit: a peer
 * that sends byte by byte must not take 2 KiB for each of them.
 */
#define COALESCE_BYTES 512u
#define NEEDLE_MAX 8u

static inline uint32_t
chunk_len(const struct ks_chunk *chunk)
{
	return chunk->end - chunk->start;
}

static inline uint32_t
tail_room(const struct ks_chain *chain)
{
	return chain->tail == NULL ? 0 : KS_CHUNK_BYTES - chain->tail->end;
}

static struct ks_chunk *
chunk_get(struct ks_pool *pool)
{
	struct ks_chunk *chunk = ks_pool_get(pool);

	if (chunk == NULL)
		return NULL;
	chunk->next = NULL;
	chunk->start = 0;
	chunk->end = 0;
	return chunk;
}

static void
chunks_put(struct ks_pool *pool, struct ks_chunk *chunk)
{
	while (chunk != NULL) {
		struct ks_chunk *next = chunk->next;

		ks_pool_put(pool, chunk);
		chunk = next;
	}
}

static inline void
link_tail(struct ks_chain *chain, struct ks_chunk *chunk)
{
	if (chain->tail == NULL)
		chain->head = chunk;
	else
		chain->tail->next = chunk;
	chain->tail = chunk;
}

struct ks_pool *
ks_chunk_pool_create(const char *name, uint32_t n)
{
	return ks_pool_create(name, n, sizeof(struct ks_chunk));
}

void
ks_chain_init(struct ks_chain *chain, struct ks_pool *pool)
{
	*chain = (struct ks_chain){.pool = pool};
}

void
ks_chain_clear(struct ks_chain *chain)
{
	chunks_put(chain->pool, chain->head);
	ks_chain_init(chain, chain->pool);
}

/* The length has 32 bits. Asked where a chunk comes in: what it has room for is counted at once. */
static inline bool
may_grow(const struct ks_chain *chain, size_t n)
{
	return n + KS_CHUNK_BYTES <= UINT32_MAX - chain->len;
}

/* All chunks for `len` bytes in a list, or none of them. */
static int
chunks_get(struct ks_pool *pool, size_t len, struct ks_chunk **out)
{
	*out = NULL;
	for (size_t had = 0; had < len; had += KS_CHUNK_BYTES) {
		struct ks_chunk *chunk = chunk_get(pool);

		if (chunk == NULL) {
			chunks_put(pool, *out);
			return -ENOBUFS;
		}
		chunk->next = *out;
		*out = chunk;
	}
	return 0;
}

static inline const uint8_t *
fill_tail(struct ks_chain *chain, const uint8_t *data, size_t n)
{
	memcpy(chain->tail->data + chain->tail->end, data, n);
	chain->tail->end += (uint32_t)n;
	chain->len += (uint32_t)n;
	return data + n;
}

static ks_noinline int
append_slow(struct ks_chain *chain, const uint8_t *data, size_t len)
{
	size_t part = tail_room(chain);
	struct ks_chunk *chunk;
	int rc;

	if (!may_grow(chain, len))
		return -ENOBUFS;
	rc = chunks_get(chain->pool, len - part, &chunk);
	if (rc != 0)
		return rc;
	if (part > 0)
		data = fill_tail(chain, data, part);
	for (len -= part; len > 0; len -= part) {
		struct ks_chunk *next = chunk->next;

		chunk->next = NULL;
		link_tail(chain, chunk);
		part = KS_MIN(len, KS_CHUNK_BYTES);
		data = fill_tail(chain, data, part);
		chunk = next;
	}
	return 0;
}

int
ks_chain_append(struct ks_chain *chain, const void *data, size_t len)
{
	if (ks_unlikely(len == 0))
		return 0;
	if (ks_unlikely(len > tail_room(chain)))
		return append_slow(chain, data, len);
	fill_tail(chain, data, len);
	return 0;
}

uint8_t *
ks_chain_reserve(struct ks_chain *chain, uint32_t *room)
{
	struct ks_chunk *chunk = chain->tail;

	if (chunk == NULL || chunk->end == KS_CHUNK_BYTES) {
		chunk = may_grow(chain, 0) ? chunk_get(chain->pool) : NULL;
		if (chunk == NULL) {
			*room = 0;
			return NULL;
		}
		if (chain->tail == NULL)
			chain->head = chunk;
		else
			chain->tail->next = chunk;
	}
	*room = KS_CHUNK_BYTES - chunk->end;
	return chunk->data + chunk->end;
}

void
ks_chain_commit(struct ks_chain *chain, uint32_t n)
{
	struct ks_chunk **fresh = chain->tail == NULL ? &chain->head : &chain->tail->next;

	if (*fresh != NULL && n == 0) {
		ks_pool_put(chain->pool, *fresh);
		*fresh = NULL;
		return;
	}
	if (*fresh != NULL)
		chain->tail = *fresh;
	if (n == 0)
		return;
	assert(n <= KS_CHUNK_BYTES - chain->tail->end);
	chain->tail->end += n;
	chain->len += n;
}

/* The head chunk ends, or the caller asks for more than there is. */
void
ks_chain_consume_chunks(struct ks_chain *chain, uint32_t n)
{
	n = KS_MIN(n, chain->len);
	chain->len -= n;
	while (n > 0) {
		struct ks_chunk *chunk = chain->head;
		uint32_t part = KS_MIN(n, chunk_len(chunk));

		chunk->start += part;
		n -= part;
		if (chunk->start < chunk->end)
			break;
		chain->head = chunk->next;
		ks_pool_put(chain->pool, chunk);
	}
	if (chain->head == NULL)
		chain->tail = NULL;
}

uint32_t
ks_chain_peek(const struct ks_chain *chain, uint32_t off, void *dst, uint32_t n)
{
	const struct ks_chunk *chunk = chain->head;
	uint32_t done = 0;

	for (; chunk != NULL && off >= chunk_len(chunk); chunk = chunk->next)
		off -= chunk_len(chunk);
	for (; chunk != NULL && done < n; chunk = chunk->next) {
		uint32_t part = KS_MIN(n - done, chunk_len(chunk) - off);

		memcpy((uint8_t *)dst + done, chunk->data + chunk->start + off, part);
		done += part;
		off = 0;
	}
	return done;
}

/* Takes over a chunk that is in no list any more. */
static void
adopt(struct ks_chain *dst, struct ks_chunk *chunk)
{
	uint32_t n = chunk_len(chunk);

	if (n < COALESCE_BYTES && n <= tail_room(dst)) {
		fill_tail(dst, chunk->data + chunk->start, n);
		ks_pool_put(dst->pool, chunk);
		return;
	}
	chunk->next = NULL;
	link_tail(dst, chunk);
	dst->len += n;
}

static struct ks_chunk *
take_head(struct ks_chain *chain)
{
	struct ks_chunk *chunk = chain->head;

	chain->head = chunk->next;
	chain->len -= chunk_len(chunk);
	if (chain->head == NULL)
		chain->tail = NULL;
	return chunk;
}

void
ks_chain_splice(struct ks_chain *dst, struct ks_chain *src)
{
	assert(dst->pool == src->pool && dst != src && may_grow(dst, src->len));
	if (src->head == NULL)
		return;
	adopt(dst, take_head(src));
	if (src->head == NULL)
		return;
	dst->tail->next = src->head;
	dst->tail = src->tail;
	dst->len += src->len;
	ks_chain_init(src, src->pool);
}

uint32_t
ks_chain_move(struct ks_chain *dst, struct ks_chain *src, uint32_t n)
{
	uint32_t left = KS_MIN(n, src->len);
	uint32_t moved = 0;

	assert(dst->pool == src->pool && dst != src && may_grow(dst, left));
	while (left > 0 && chunk_len(src->head) <= left) {
		struct ks_chunk *chunk = take_head(src);
		uint32_t part = chunk_len(chunk);

		adopt(dst, chunk);
		left -= part;
		moved += part;
	}
	if (left == 0 || ks_chain_append(dst, src->head->data + src->head->start, left) != 0)
		return moved;
	ks_chain_consume(src, left);
	return moved + left;
}

/* The rest of the needle may stand in the chunks that follow. */
static bool
match_at(const struct ks_chunk *chunk, uint32_t pos, const uint8_t *needle, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, pos++) {
		if (pos == chunk->end) {
			chunk = chunk->next;
			if (chunk == NULL)
				return false;
			pos = chunk->start;
		}
		if (chunk->data[pos] != needle[i])
			return false;
	}
	return true;
}

static int64_t
find_in(const struct ks_chunk *chunk, uint32_t off, const uint8_t *needle, uint32_t n)
{
	uint32_t pos = chunk->start + off;

	while (pos < chunk->end) {
		const uint8_t *hit = memchr(chunk->data + pos, needle[0], chunk->end - pos);

		if (hit == NULL)
			return -1;
		pos = (uint32_t)(hit - chunk->data);
		if (match_at(chunk, pos, needle, n))
			return pos - chunk->start;
		pos++;
	}
	return -1;
}

int64_t
ks_chain_find(const struct ks_chain *chain, uint32_t from, const void *needle, uint32_t n)
{
	uint32_t base = 0;

	if (n == 0 || n > NEEDLE_MAX)
		return -1;
	for (const struct ks_chunk *chunk = chain->head; chunk != NULL; chunk = chunk->next) {
		uint32_t off = from > base ? from - base : 0;

		if (off < chunk_len(chunk)) {
			int64_t at = find_in(chunk, off, needle, n);

			if (at >= 0)
				return base + at;
		}
		base += chunk_len(chunk);
	}
	return -1;
}
