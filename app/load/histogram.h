/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies in log-linear buckets: 32 to each power of two, so a quantile is right within 3 %.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include "ks_base.h"

#define HISTOGRAM_SUB 32u
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * 40u)

struct histogram {
	uint64_t n, max;
	uint64_t v[HISTOGRAM_BUCKETS];
};

static inline void
histogram_add(struct histogram *h, uint64_t value)
{
	uint32_t exp = value < HISTOGRAM_SUB ? 0 : 59 - __builtin_clzll(value);
	uint32_t at = exp * HISTOGRAM_SUB + (uint32_t)(value >> exp);

	h->v[KS_MIN(at, HISTOGRAM_BUCKETS - 1)]++;
	h->n++;
	h->max = KS_MAX(h->max, value);
}

static inline uint64_t
histogram_quantile(const struct histogram *h, double q)
{
	uint64_t left = (uint64_t)(q * (double)h->n);

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->v[i] > left) {
			uint32_t exp = i < 2 * HISTOGRAM_SUB ? 0 : i / HISTOGRAM_SUB - 1;

			return (uint64_t)(i - exp * HISTOGRAM_SUB) << exp;
		}
		left -= h->v[i];
	}
	return h->max;
}

#endif
