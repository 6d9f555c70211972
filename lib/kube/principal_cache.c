/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache from tokens to what they say. What it gives is what reading would give, so losing an
 * entry costs time and nothing else: sets of two, the one not used last goes. Thread: one owner.
 */
#include <stdlib.h>

#include "token.h"

#define TOKEN_KEPT_BYTES 2048
#define WAYS 2
#define ENTRIES_MAX (1u << 20)

struct entry {
	uint64_t hash;
	uint32_t token_len; /* 0: free */
	char token[TOKEN_KEPT_BYTES];
	struct ks_principal principal;
};

struct set {
	struct entry entries[WAYS];
	uint32_t last; /* the one that was used last */
};

struct ks_principal_cache {
	struct ks_identity_config config;
	uint64_t seed;
	uint32_t mask;
	struct set *sets;
};

struct ks_principal_cache *
ks_principal_cache_create(const struct ks_identity_config *config, uint32_t entries)
{
	struct ks_principal_cache *cache = calloc(1, sizeof(*cache));
	uint32_t sets = 1;

	if (cache == NULL)
		return NULL;
	while (sets * WAYS < KS_MIN(entries, ENTRIES_MAX))
		sets *= 2;
	cache->config = *config;
	cache->mask = sets - 1;
	memcpy(&cache->seed, config->token_key.bytes, sizeof(cache->seed));
	cache->sets = calloc(sets, sizeof(*cache->sets));
	if (cache->sets == NULL) {
		free(cache);
		return NULL;
	}
	return cache;
}

void
ks_principal_cache_destroy(struct ks_principal_cache *cache)
{
	if (cache == NULL)
		return;
	ks_wipe(cache->sets, (cache->mask + 1) * sizeof(*cache->sets));
	free(cache->sets);
	ks_wipe(cache, sizeof(*cache));
	free(cache);
}

static bool
entry_is(const struct entry *entry, uint64_t hash, struct ks_str token)
{
	return entry->hash == hash && entry->token_len == token.n &&
	       memcmp(entry->token, token.p, token.n) == 0;
}

static ks_noinline const struct entry *
entry_fill(struct ks_principal_cache *cache, struct set *set, uint64_t hash, struct ks_str token)
{
	struct entry *entry;

	set->last = (set->last + 1) % WAYS;
	entry = &set->entries[set->last];
	entry->hash = hash;
	entry->token_len = token.n;
	memcpy(entry->token, token.p, token.n);
	memset(&entry->principal, 0, sizeof(entry->principal));
	ks_principal_from_token(&cache->config, token, &entry->principal);
	return entry;
}

static const struct entry *
entry_get(struct ks_principal_cache *cache, struct ks_str token)
{
	uint64_t hash = ks_hash64(cache->seed, token.p, token.n);
	struct set *set = &cache->sets[hash & cache->mask];

	for (uint32_t i = 0; i < WAYS; i++)
		if (entry_is(&set->entries[i], hash, token)) {
			set->last = i;
			return &set->entries[i];
		}
	return entry_fill(cache, set, hash, token);
}

/* Groups and the effective user are of the request, not of the token. */
static void
copy_token_part(struct ks_principal *out, const struct ks_principal *from)
{
	out->kind = from->kind;
	out->has_token = from->has_token;
	out->token_exp_s = from->token_exp_s;
	memcpy(out->name, from->name, sizeof(out->name));
	memcpy(out->pod, from->pod, sizeof(out->pod));
	memcpy(out->pod_uid, from->pod_uid, sizeof(out->pod_uid));
	memcpy(out->node, from->node, sizeof(out->node));
	memcpy(out->token_hash, from->token_hash, sizeof(out->token_hash));
}

int
ks_principal_cache_read(struct ks_principal_cache *cache, const struct ks_tls_peer *peer,
			const struct ks_http_head *head, uint64_t now_s, struct ks_principal *out)
{
	struct ks_token token;
	int rc = ks_principal_begin(peer, head, now_s, &token, out);

	if (rc < 0 || token.text.n == 0)
		return rc;
	if (token.text.n <= TOKEN_KEPT_BYTES)
		copy_token_part(out, &entry_get(cache, token.text)->principal);
	else
		ks_principal_from_token(&cache->config, token.text, out);
	return 0;
}
