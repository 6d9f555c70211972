/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tokens the API server has accepted: a set-associative cache of keyed hashes. A token that
 * falls out is merely claimed again until its next answer. The hash is keyed, so nobody can aim at
 * a set. Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

/** A token without an expiry is believed for so long after each answer. */
#define PROOF_DEFAULT_S 3600

static struct proof *
proof_set(const struct ks_proxy *px, const uint8_t hash[16])
{
	uint32_t index;

	memcpy(&index, hash, sizeof(index));
	return px->proofs[index % PROOF_SETS];
}

static struct proof *
proof_find(const struct ks_proxy *px, const uint8_t hash[16])
{
	struct proof *set = proof_set(px, hash);

	for (uint32_t i = 0; i < PROOF_WAYS; i++)
		if (set[i].exp_s != 0 && memcmp(set[i].hash, hash, 16) == 0)
			return &set[i];
	return NULL;
}

bool
proof_known(const struct ks_proxy *px, const uint8_t hash[16], uint64_t now_s)
{
	const struct proof *p = proof_find(px, hash);

	return p != NULL && p->exp_s > now_s;
}

void
proof_add(struct ks_proxy *px, const uint8_t hash[16], uint64_t exp_s)
{
	struct proof *set = proof_set(px, hash), *slot = proof_find(px, hash);

	if (exp_s == 0)
		exp_s = px->now.wall_s + PROOF_DEFAULT_S;
	if (slot == NULL) {
		slot = &set[0];
		for (uint32_t i = 1; i < PROOF_WAYS; i++)
			if (set[i].exp_s < slot->exp_s)
				slot = &set[i];
		px->proof_count += slot->exp_s == 0;
		memcpy(slot->hash, hash, 16);
		count(px, KS_PROXY_PROOFS);
	}
	slot->exp_s = exp_s;
}

void
proof_drop(struct ks_proxy *px, const uint8_t hash[16])
{
	struct proof *p = proof_find(px, hash);

	if (p == NULL)
		return;
	memset(p, 0, sizeof(*p));
	px->proof_count--;
}
