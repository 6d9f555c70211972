/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte chain: a queue of bytes in chunks of fixed size from one ks_pool.
 *
 * The one form in which bytes wait anywhere between the wire and the parser: TCP's reassembled
 * input, TLS plaintext, output waiting for the window. Received payload is copied in once and
 * the packet buffer is freed at once, so a stalled connection can never hold the NIC's buffers.
 * Thread: the owner of the pool.
 */
#ifndef KS_CHAIN_H
#define KS_CHAIN_H

#include "ks_pool.h"

#define KS_CHUNK_BYTES 2032u

struct ks_chunk {
	struct ks_chunk *next;
	uint32_t start; /**< first byte that still counts */
	uint32_t end;	/**< one past the last */
	uint8_t data[KS_CHUNK_BYTES];
};

struct ks_chain {
	struct ks_chunk *head;
	struct ks_chunk *tail;
	struct ks_pool *pool; /**< where chunks come from and go back to */
	uint32_t len;	      /**< bytes in all */
};

/** Pool fit for chains. */
struct ks_pool *ks_chunk_pool_create(const char *name, uint32_t n);

void ks_chain_init(struct ks_chain *chain, struct ks_pool *pool);
/** Frees all bytes; the chain is empty and usable afterwards. */
void ks_chain_clear(struct ks_chain *chain);

/** Copies `len` bytes to the end. All or nothing. @return 0 or -ENOBUFS. */
int ks_chain_append(struct ks_chain *chain, const void *data, size_t len);
/**
 * Room to write into at the tail, at least one byte; takes a chunk when the tail is full.
 * @return NULL when no chunk can be had. ks_chain_commit() must follow before any other call.
 */
uint8_t *ks_chain_reserve(struct ks_chain *chain, uint32_t *room);
/** Makes `n` (may be 0) bytes written after ks_chain_reserve() part of the chain. */
void ks_chain_commit(struct ks_chain *chain, uint32_t n);

/** The first contiguous bytes; `*len` is 0 and the result NULL when the chain is empty. */
static inline const uint8_t *
ks_chain_front(const struct ks_chain *chain, uint32_t *len)
{
	const struct ks_chunk *chunk = chain->head;

	if (chunk == NULL) {
		*len = 0;
		return NULL;
	}
	*len = chunk->end - chunk->start;
	return chunk->data + chunk->start;
}

/** The part of ks_chain_consume() that gives chunks back; not to be called by others. */
void ks_chain_consume_chunks(struct ks_chain *chain, uint32_t n);

/** Drops the first `n` bytes (at most len). */
static inline void
ks_chain_consume(struct ks_chain *chain, uint32_t n)
{
	struct ks_chunk *chunk = chain->head;

	if (chunk != NULL && n < chunk->end - chunk->start) {
		chunk->start += n;
		chain->len -= n;
		return;
	}
	ks_chain_consume_chunks(chain, n);
}

/** Copies up to `n` bytes from offset `off` without consuming. @return bytes copied. */
uint32_t ks_chain_peek(const struct ks_chain *chain, uint32_t off, void *dst, uint32_t n);
/** Moves all of `src` to the end of `dst`; both must use one pool. No copy, but for a first chunk
 * of few bytes that fits into the tail of `dst`. */
void ks_chain_splice(struct ks_chain *dst, struct ks_chain *src);
/** Moves the first `n` bytes (at most all); the partial last chunk and small ones are copied.
 *  @return bytes moved (fewer only when no chunk can be had). */
uint32_t ks_chain_move(struct ks_chain *dst, struct ks_chain *src, uint32_t n);
/** Offset of the first occurrence of the `n`-byte `needle` (n 1–8) at or after `from`; -1 if none.
 */
int64_t ks_chain_find(const struct ks_chain *chain, uint32_t from, const void *needle, uint32_t n);

#endif
