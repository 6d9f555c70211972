/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as base64 and as percent-encoded text, into room of any size; what was decoded from
 * base64 comes out the same after a round trip.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool ok)
{
	if (!ok)
		abort();
}

static void
check_round(const uint8_t *bytes, int n)
{
	size_t cap = (size_t)n * 2 + 4;
	char *text = malloc(cap);
	uint8_t *back = malloc((size_t)n + 1);
	int m;

	demand(text != NULL && back != NULL);
	m = ks_base64url_encode(bytes, (size_t)n, text, cap);
	demand(m >= 0);
	demand(ks_base64_decode((struct ks_str){text, (uint32_t)m}, back, (size_t)n) == n);
	demand(memcmp(back, bytes, (size_t)n) == 0);
	free(text);
	free(back);
}

/* The first byte says how much room there is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;

	struct ks_str in = {(const char *)data + 1, (uint32_t)size - 1};
	size_t cap = data[0] == 0xff ? size : data[0];
	uint8_t *out = malloc(cap == 0 ? 1 : cap);
	bool bad;
	int n;

	demand(out != NULL);
	n = ks_base64_decode(in, out, cap);
	demand(n <= (int)cap && (n >= 0 || n == -EBADMSG || n == -E2BIG));
	if (n >= 0)
		check_round(out, n);
	n = ks_percent_decode(in, data[0] & 1, out, cap, &bad);
	demand(n == -E2BIG || (n >= 0 && (size_t)n <= cap && (uint32_t)n <= in.n));
	free(out);
	return 0;
}
