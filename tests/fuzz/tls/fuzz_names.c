/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate's names: any DER that OpenSSL takes for a certificate. What comes out is UTF-8
 * without control characters, whole, or nothing with a reason.
 */
#include <stdlib.h>

#include <openssl/err.h>

#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *name, size_t cap)
{
	size_t n = strnlen(name, cap);

	if (n == cap)
		abort();
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ks_tls_peer peer = {0};
	const uint8_t *p = data;
	X509 *cert = d2i_X509(NULL, &p, (long)size);

	ERR_clear_error();
	if (cert == NULL)
		return 0;
	if (ks_tls_peer_names(&peer, cert) != NULL && (peer.cn[0] != '\0' || peer.norgs != 0))
		abort();
	check(peer.cn, sizeof(peer.cn));
	check(peer.serial, sizeof(peer.serial));
	for (uint32_t i = 0; i < peer.norgs; i++)
		check(peer.orgs[i], sizeof(peer.orgs[i]));
	X509_free(cert);
	return 0;
}
