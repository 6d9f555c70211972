/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzzers of heads share: the way of a head through chain, search and copy, and what must
 * be true of every head that a parser takes.
 */
#ifndef FUZZ_HEAD_H
#define FUZZ_HEAD_H

#include <errno.h>
#include <stdlib.h>

#include "ks_http.h"

#define MUST(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

#define FUZZ_HEAD_MAX 16384u

static const struct ks_http_limits fuzz_limits = {FUZZ_HEAD_MAX, 4096, KS_HTTP_FIELDS_MAX};

static inline struct ks_pool *
fuzz_pool(void)
{
	static struct ks_pool *pool;

	if (pool == NULL)
		pool = ks_chunk_pool_create("fuzz", 256);
	MUST(pool != NULL);
	return pool;
}

/* The end of the head, found with bytes coming in pieces, is the end found at once. */
static inline int
find_in_pieces(const uint8_t *data, uint32_t size)
{
	uint32_t step = size > 0 ? 1u + data[0] : 1, scanned = 0, at = 0;
	struct ks_chain chain;
	int pieces = -EAGAIN, whole;

	ks_chain_init(&chain, fuzz_pool());
	for (; at < size && pieces == -EAGAIN; at += step) {
		MUST(ks_chain_append(&chain, data + at, KS_MIN(step, size - at)) == 0);
		pieces = ks_http1_head_find(&chain, &scanned, FUZZ_HEAD_MAX);
	}
	if (at < size)
		MUST(ks_chain_append(&chain, data + at, size - at) == 0);
	scanned = 0;
	whole = ks_http1_head_find(&chain, &scanned, FUZZ_HEAD_MAX);
	MUST(whole == pieces);
	ks_chain_clear(&chain);
	return whole;
}

/* An exact copy: a step outside of it is seen. */
static inline char *
exact_copy(const uint8_t *data, uint32_t size)
{
	char *copy = malloc(size == 0 ? 1 : size);

	MUST(copy != NULL);
	memcpy(copy, data, size);
	return copy;
}

static inline bool
inside(const struct ks_http_head *head, struct ks_str s)
{
	return s.p >= head->base && s.p + s.n <= head->base + head->bytes;
}

static inline void
check_text(struct ks_str s)
{
	for (uint32_t i = 0; i < s.n; i++)
		MUST(((uint8_t)s.p[i] >= 0x20 && s.p[i] != 0x7f) || s.p[i] == '\t');
}

static inline void
check_fields(const struct ks_http_head *head)
{
	MUST(head->nfields <= KS_HTTP_FIELDS_MAX);
	for (uint32_t i = 0; i < head->nfields; i++) {
		struct ks_str name = ks_http_field_name(head, &head->fields[i]);
		struct ks_str value = ks_http_field_value(head, &head->fields[i]);

		MUST(inside(head, name) && inside(head, value) && name.n > 0);
		MUST(head->fields[i].id < KS_HTTP_FIELD_ID_MAX);
		check_text(name);
		check_text(value);
	}
	if (head->framing == KS_HTTP_BODY_CHUNKED)
		MUST(ks_http_find(head, KS_HTTP_CONTENT_LENGTH).p == NULL);
}

/* All that is not hop-by-hop stands in `again` in the same order. */
static inline void
check_forwarded(const struct ks_http_head *head, const struct ks_http_head *again)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < head->nfields; i++) {
		const struct ks_http_field *field = &head->fields[i];

		if (field->id == KS_HTTP_CONTENT_LENGTH || ks_http_field_is_hop(head, field))
			continue;
		MUST(at < again->nfields);
		MUST(again->fields[at].id == field->id);
		MUST(ks_str_eq(ks_http_field_name(again, &again->fields[at]),
			       ks_http_field_name(head, field)));
		MUST(ks_str_eq(ks_http_field_value(again, &again->fields[at]),
			       ks_http_field_value(head, field)));
		at++;
	}
	MUST(at <= again->nfields);
}

#endif
