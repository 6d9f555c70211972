/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies whose every byte follows from a seed: JSON objects with one long string of hexadecimal
 * digits. Either end can write and check them piece by piece, wherever the stream is cut.
 */
#ifndef LOAD_PATTERN_H
#define LOAD_PATTERN_H

#include "ks_base.h"

#define PATTERN_HEAD "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"data\":{\"x\":\""
#define PATTERN_TAIL "\"}}"
/** Shortest body that holds head and tail. */
#define PATTERN_MIN ((uint32_t)(sizeof(PATTERN_HEAD) + sizeof(PATTERN_TAIL) - 2))

struct pattern {
	uint64_t seed;
	uint32_t bytes; /**< of the whole, at least PATTERN_MIN */
};

static inline char
pattern_at(const struct pattern *p, uint32_t i)
{
	const uint32_t head = sizeof(PATTERN_HEAD) - 1, tail = sizeof(PATTERN_TAIL) - 1;
	uint64_t x;

	if (i < head)
		return PATTERN_HEAD[i];
	if (i >= p->bytes - tail)
		return PATTERN_TAIL[i - (p->bytes - tail)];
	x = (p->seed + i / 8) * 0x9e3779b97f4a7c15ull;
	return "0123456789abcdef"[(x >> (32 + 4 * (i % 8))) & 15];
}

static inline void
pattern_write(const struct pattern *p, uint32_t off, char *out, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = pattern_at(p, off + i);
}

static inline bool
pattern_check(const struct pattern *p, uint32_t off, const char *in, uint32_t n)
{
	if ((uint64_t)off + n > p->bytes)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (in[i] != pattern_at(p, off + i))
			return false;
	return true;
}

#endif
