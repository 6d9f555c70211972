/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client session fed with whatever comes from a server. Seeds are the server's half of
 * handshakes, see record_seeds.c. Bit 5 of the first byte: TLS 1.2 only, bit 6: a session is
 * remembered.
 */
#include "fuzz_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz_tls kinds[4];
static SSL_SESSION *remembered[4];

static void
make(void)
{
	static struct fuzz_half half[2];

	for (int i = 0; i < 4; i++) {
		fuzz_tls_make(&kinds[i], i & 1);
		if ((i & 2) == 0)
			continue;
		fuzz_connection(&kinds[i], 0, &half[0], &half[1]);
		remembered[i] = SSL_SESSION_dup(kinds[i].client->resume.session);
	}
}

/* An input must not depend on those before it. */
static void
forget(int kind)
{
	struct ks_tls_resume *resume = &kinds[kind].client->resume;

	SSL_SESSION_free(resume->session);
	resume->session = remembered[kind] != NULL ? SSL_SESSION_dup(remembered[kind]) : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ks_chain none, out;
	struct ks_tls *client;
	int kind;

	if (kinds[0].pool == NULL)
		make();
	if (size == 0)
		return 0;
	kind = data[0] >> 5 & 3;
	ks_tls_random_seed(FUZZ_SEED_CLIENT);
	client = ks_tls_create(kinds[kind].client);
	ks_chain_init(&none, kinds[kind].pool);
	ks_chain_init(&out, kinds[kind].pool);
	ks_tls_input(client, &none, &none, 0, &out);
	ks_chain_clear(&out);
	ks_tls_random_seed(FUZZ_SEED_FLIGHT);
	fuzz_feed(kinds[kind].pool, client, data, size);
	forget(kind);
	return 0;
}
