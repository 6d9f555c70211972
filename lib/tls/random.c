/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that follow from a seed, for simulation: keys, nonces, session ids and tickets of
 * a replay are the same bytes. Never for production; the one place in the room with process-wide
 * state, because OpenSSL's random source is that.
 *
 * The RAND_METHOD is deprecated in OpenSSL 3, but a provider of its own would have to serve seeding
 * and locking too, and gives the same bytes.
 * Thread: replays need one thread; others are merely served.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/rand.h>

#include "ks_tls.h"

static uint64_t seeded_state;

/* SplitMix64 (Steele, Lea, Flood 2014): every state is good, and one addition is all there is to
 * share. */
static uint64_t
seeded_next(void)
{
	uint64_t z = __atomic_add_fetch(&seeded_state, 0x9e3779b97f4a7c15, __ATOMIC_RELAXED);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int
seeded_bytes(unsigned char *buf, int num)
{
	for (int i = 0; i < num; i += 8) {
		uint64_t word = seeded_next();

		memcpy(buf + i, &word, (size_t)KS_MIN(8, num - i));
	}
	return 1;
}

static int
seeded_status(void)
{
	return 1;
}

void
ks_tls_random_seed(uint64_t seed)
{
	static const RAND_METHOD seeded = {
		.bytes = seeded_bytes,
		.pseudorand = seeded_bytes,
		.status = seeded_status,
	};

	__atomic_store_n(&seeded_state, seed, __ATOMIC_RELAXED);
	RAND_set_rand_method(seed != 0 ? &seeded : NULL);
}
