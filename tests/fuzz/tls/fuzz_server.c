/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server session fed with whatever comes: hellos, certificates, Finished, records. Seeds are the
 * client's half of handshakes, see record_seeds.c.
 */
#include "fuzz_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_tls tls;

	if (tls.pool == NULL)
		fuzz_tls_make(&tls, false);
	if (size == 0)
		return 0;
	ks_tls_random_seed(FUZZ_SEED_SERVER);
	fuzz_feed(tls.pool, ks_tls_create(tls.server), data, size);
	return 0;
}
