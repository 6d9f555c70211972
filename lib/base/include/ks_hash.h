/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes, all from libraries: SipHash-2-4 (libsodium) where outsiders choose the input and must not
 * predict the result, XXH3 (libxxhash) where a seed is enough.
 * Thread: pure functions.
 */
#ifndef KS_HASH_H
#define KS_HASH_H

#include "ks_base.h"

/** Secret for the keyed hashes. */
struct ks_hash_key {
	uint8_t bytes[16];
};

/** Fills the key from the system's random source. */
void ks_hash_key_random(struct ks_hash_key *key);
/** SipHash-2-4, 64 bits: initial sequence numbers, cookies, look-up of outside data. */
uint64_t ks_siphash(const struct ks_hash_key *key, const void *data, size_t len);
/** Keyed BLAKE2b cut to 128 bits: what stands for a token in caches and records. */
void ks_token_hash(const struct ks_hash_key *key, const void *data, size_t len, uint8_t out[16]);
/** XXH3-64 with a seed: feature names inside one profile. Never 0. */
uint64_t ks_hash64(uint64_t seed, const void *data, size_t len);
/** Constant-time wipe that the compiler keeps. */
void ks_wipe(void *data, size_t len);

#endif
