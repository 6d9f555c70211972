/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes over libsodium and libxxhash. No algorithm of our own.
 * Thread: pure functions.
 */
#include <sodium.h>

/* Names are short: inlined, XXH3 costs 2 ns for one of them, a call into the library twice that. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "ks_hash.h"

_Static_assert(crypto_shorthash_KEYBYTES == sizeof(struct ks_hash_key), "SipHash key");
_Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "SipHash result");
_Static_assert(crypto_generichash_KEYBYTES_MIN <= sizeof(struct ks_hash_key), "BLAKE2b key");
_Static_assert(crypto_generichash_BYTES_MIN <= 16, "BLAKE2b result");

void
ks_hash_key_random(struct ks_hash_key *key)
{
	/* Lets libsodium choose its fastest code for this processor; without, it is only slower. */
	int ready = sodium_init();

	(void)ready;
	randombytes_buf(key->bytes, sizeof(key->bytes));
}

uint64_t
ks_siphash(const struct ks_hash_key *key, const void *data, size_t len)
{
	uint64_t out;

	crypto_shorthash((unsigned char *)&out, data, len, key->bytes);
	return out;
}

void
ks_token_hash(const struct ks_hash_key *key, const void *data, size_t len, uint8_t out[16])
{
	crypto_generichash(out, 16, data, len, key->bytes, sizeof(key->bytes));
}

uint64_t
ks_hash64(uint64_t seed, const void *data, size_t len)
{
	uint64_t hash = XXH3_64bits_withSeed(data, len, seed);

	return ks_likely(hash != 0) ? hash : 1;
}

void
ks_wipe(void *data, size_t len)
{
	sodium_memzero(data, len);
}
