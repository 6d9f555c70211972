/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM in memory to OpenSSL's objects, with errors in words.
 * Thread: any; pure.
 */
#ifndef KS_TLS_PEM_H
#define KS_TLS_PEM_H

#include <openssl/x509.h>

#include "ks_tls.h"

/** One certificate with its key; what SNI chooses among. */
struct ks_tls_pair {
	X509 *leaf;
	STACK_OF(X509) * chain; /* without the leaf */
	EVP_PKEY *key;
};

/** Fills `err` (may be NULL) and appends OpenSSL's own reason where it has one; empties its queue.
 */
void ks_tls_error_set(struct ks_tls_error *err, const char *fmt, ...) ks_printf(2, 3);

/** All certificates of `pem`, at least one. @return NULL with `err` filled. */
STACK_OF(X509) * ks_tls_pem_certs(struct ks_str pem, const char *what, struct ks_tls_error *err);
/** All revocation lists of `pem`, at least one. @return NULL with `err` filled. */
STACK_OF(X509_CRL) * ks_tls_pem_crls(struct ks_str pem, struct ks_tls_error *err);
/** @return 0 or -EINVAL with `err` filled; the key fits the leaf. */
int ks_tls_pair_init(struct ks_tls_pair *pair, const struct ks_tls_identity *identity,
		     struct ks_tls_error *err);
void ks_tls_pair_fini(struct ks_tls_pair *pair);

#endif
