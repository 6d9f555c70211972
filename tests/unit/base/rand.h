/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded random numbers (splitmix64) for property tests: a failing run is repeated by its seed.
 */
#ifndef KS_TEST_RAND_H
#define KS_TEST_RAND_H

#include <stdint.h>

struct ks_rand {
	uint64_t state;
};

static inline uint64_t
ks_rand_next(struct ks_rand *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 … n−1 */
static inline uint32_t
ks_rand_below(struct ks_rand *r, uint32_t n)
{
	return (uint32_t)(ks_rand_next(r) % n);
}

#endif
