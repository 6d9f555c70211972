/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a head ends in a byte chain.
 *
 * An empty line ends it (RFC 9112 section 2.1). An empty line written with bare line feeds ends it
 * here as well: the parser then refuses the head at once with the reason, instead of the connection
 * waiting for bytes that its peer believes to have sent. Each byte is looked at once over all
 * calls. Thread: pure function.
 */
#include <emmintrin.h>
#include <errno.h>

#include "ks_http.h"

/* The byte at `off`, which lies `back` bytes before position `i` of `chunk`. */
static inline char
byte_before(const struct ks_chain *chain, const struct ks_chunk *chunk, uint32_t i, uint32_t off)
{
	char c = 0;

	if (ks_likely(i > chunk->start))
		return (char)chunk->data[i - 1];
	ks_chain_peek(chain, off - 1, &c, 1);
	return c;
}

/*
 * Does the LF at offset `off` end an empty line? What stands before it (and before a CR in between)
 * is either another LF or the start of the bytes; only there CR LF is the one line that may precede
 * a head.
 */
static bool
ends_head(const struct ks_chain *chain, const struct ks_chunk *chunk, uint32_t i, uint32_t off)
{
	char before[2];

	if (off == 0)
		return true;
	before[1] = byte_before(chain, chunk, i, off);
	if (before[1] == '\n')
		return true;
	if (before[1] != '\r' || off == 1)
		return false;
	if (ks_likely(i >= chunk->start + 2))
		return chunk->data[i - 2] == '\n';
	ks_chain_peek(chain, off - 2, before, 1);
	return before[0] == '\n';
}

/* Next LF in data[from, to), or `to`. */
static inline uint32_t
next_lf(const uint8_t *data, uint32_t from, uint32_t to)
{
	const __m128i lf = _mm_set1_epi8('\n');

	for (; to - from >= 16; from += 16) {
		__m128i v = _mm_loadu_si128((const void *)(data + from));
		int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(v, lf));

		if (mask != 0)
			return from + (uint32_t)__builtin_ctz((unsigned int)mask);
	}
	while (from < to && data[from] != '\n')
		from++;
	return from;
}

int
ks_http1_head_find(const struct ks_chain *chain, uint32_t *scanned, uint32_t max)
{
	const struct ks_chunk *chunk = chain->head;
	uint32_t limit = KS_MIN(chain->len, max), off = 0;

	for (; chunk != NULL && off < limit; chunk = chunk->next) {
		uint32_t len = chunk->end - chunk->start;
		uint32_t skip = *scanned > off ? KS_MIN(*scanned - off, len) : 0;
		uint32_t to = chunk->start + KS_MIN(len, limit - off);

		for (uint32_t i = next_lf(chunk->data, chunk->start + skip, to); i < to;
		     i = next_lf(chunk->data, i + 1, to)) {
			uint32_t at = off + (i - chunk->start);

			if (ends_head(chain, chunk, i, at)) {
				*scanned = at + 1;
				return (int)(at + 1);
			}
		}
		off += len;
	}
	*scanned = KS_MAX(*scanned, limit);
	return chain->len >= max ? -E2BIG : -EAGAIN;
}
