/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thing that must be known of YAML before anything decodes it: whether it multiplies. A
 * document of 400 bytes whose anchors hold aliases of the anchors before them unfolds to gigabytes
 * in the API server (CVE-2019-11253). Text is not parsed for that: anchors and the aliases that
 * name them are counted where YAML allows them to stand.
 *
 * Refuses to judge by expansion: legitimate manifests have a handful of aliases, and 32 uses of
 * anchors are taken for a bomb.
 *
 * Thread: pure function.
 */
#include "match_priv.h"

#define ANCHORS_MAX 64u
#define ALIASES_MAX 32u
#define NAME_MAX_BYTES 64u

struct anchors {
	uint64_t hash[ANCHORS_MAX];
	uint32_t n;
};

static bool
is_name_char(char c)
{
	const uint32_t name = KS_CHAR_LOWER | KS_CHAR_UPPER | KS_CHAR_DIGIT | KS_CHAR_NAME;

	return (ks_match_char[(uint8_t)c] & name) != 0;
}

/* Name behind '&' or '*', when the mark stands where a node may begin. */
static struct ks_str
node_name(struct ks_str text, uint32_t at)
{
	struct ks_str name = {text.p + at + 1, 0};

	if (at > 0 && strchr(" \n[,{:-\t", text.p[at - 1]) == NULL)
		return name;
	while (at + 1 + name.n < text.n && name.n < NAME_MAX_BYTES && is_name_char(name.p[name.n]))
		name.n++;
	return name;
}

static bool
known(const struct anchors *anchors, uint64_t hash)
{
	for (uint32_t i = 0; i < anchors->n; i++)
		if (anchors->hash[i] == hash)
			return true;
	return false;
}

bool
ks_match_yaml_multiplies(struct ks_str text)
{
	struct anchors anchors = {.n = 0};
	uint32_t aliases = 0;

	for (uint32_t i = 0; i < text.n && aliases <= ALIASES_MAX; i++) {
		struct ks_str name;
		uint64_t hash;

		if (ks_likely(text.p[i] != '&' && text.p[i] != '*'))
			continue;
		name = node_name(text, i);
		if (name.n == 0)
			continue;
		hash = ks_hash64(0, name.p, name.n);
		if (text.p[i] == '*')
			aliases += known(&anchors, hash);
		else if (anchors.n < ANCHORS_MAX && !known(&anchors, hash))
			anchors.hash[anchors.n++] = hash;
	}
	return aliases > ALIASES_MAX;
}
