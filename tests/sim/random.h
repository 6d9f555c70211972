/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers of a simulation: SplitMix64, so that a seed is a whole run.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include "ks_base.h"

struct random {
	uint64_t state;
};

static inline uint64_t
random_u64(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/** Below `n` (n > 0). */
static inline uint32_t
random_below(struct random *r, uint32_t n)
{
	return (uint32_t)(((random_u64(r) >> 32) * n) >> 32);
}

static inline bool
random_chance(struct random *r, uint32_t in_ten_thousand)
{
	return in_ten_thousand > 0 && random_below(r, 10000) < in_ten_thousand;
}

#endif
