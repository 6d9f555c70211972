/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile files: whatever the bytes are, decoding refuses or gives a profile that can be listed,
 * merged, judged with, and written again to the same bytes. The checksum is put right first, so that the
 * fuzzer gets behind it.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "../../unit/score/score_fixture.h"

#define INPUT_MAX 65536u
#define SUM_BYTES 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
profile_list(const struct ks_profile *profile)
{
	struct ks_profile_principal principal;
	struct ks_profile_stats stats;
	struct ks_profile_call call;
	uint32_t n = 0;

	ks_profile_stats_get(profile, &stats);
	while (ks_profile_call_at(profile, n, &call) == 0)
		n++;
	if (n != stats.calls)
		abort();
	for (n = 0; ks_profile_principal_at(profile, n, &principal) == 0; n++)
		if (memchr(principal.name, '\0', KS_PRINCIPAL_NAME_BYTES) == NULL)
			abort();
	if (n != stats.principals)
		abort();
}

static void
profile_judge(const struct ks_profile *profile)
{
	static const struct ks_score_params params = {.seed = FIXTURE_SEED,
						      .max_principals = 16,
						      .max_calls = 16,
						      .max_fields_per_call = 16};
	static struct fixture f;
	struct ks_scorer *scorer = ks_scorer_create(&params, profile);
	struct ks_profile *next;
	struct ks_delta *delta;

	if (scorer == NULL)
		return;
	for (uint32_t i = 0; i < TOWN_CALLS; i++)
		fixture_pass(scorer, town_request(&f, i * 1001), KS_MODE_ENFORCE);
	delta = ks_scorer_delta_take(scorer);
	if (delta != NULL) {
		next = ks_profile_merge(profile, &delta, 1);
		ks_profile_destroy(next);
		ks_delta_destroy(delta);
	}
	ks_scorer_destroy(scorer);
}

static void
profile_again(const struct ks_profile *profile, const uint8_t *bytes, size_t size)
{
	size_t n;
	void *again = ks_profile_encode(profile, &n);

	if (again == NULL || n != size || memcmp(again, bytes, n) != 0)
		abort();
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[INPUT_MAX];
	struct ks_profile *profile;
	uint64_t sum;

	if (size > sizeof(bytes))
		return 0;
	ks_profile_destroy(ks_profile_decode(data, size));
	if (size < SUM_BYTES)
		return 0;
	memcpy(bytes, data, size);
	sum = XXH3_64bits(bytes, size - SUM_BYTES);
	memcpy(bytes + size - SUM_BYTES, &sum, sizeof(sum));
	profile = ks_profile_decode(bytes, size);
	if (profile == NULL)
		return 0;
	profile_list(profile);
	profile_judge(profile);
	profile_again(profile, bytes, size);
	ks_profile_destroy(profile);
	return 0;
}
