/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL as the handshake's maker and as a record engine: both are one SSL object over one BIO.
 * Thread: the owner of the session.
 */
#ifndef KS_TLS_RECORD_OPENSSL_H
#define KS_TLS_RECORD_OPENSSL_H

#include <openssl/ssl.h>

#include "bio.h"
#include "record.h"

struct ks_tls_openssl {
	struct ks_tls_record record;
	SSL *ssl;
	uint32_t
		retry_bytes; /* plaintext that OpenSSL has taken but not sent; it must come again */
	uint32_t quiet;	     /* records in a row without data for the application */
	struct ks_tls_bio bio;
};

/** Makes the SSL object over `bio_method`. @return 0 or -ENOMEM. */
int ks_tls_openssl_init(struct ks_tls_openssl *openssl, SSL_CTX *ctx, const BIO_METHOD *bio_method);

/** What OpenSSL has to say about the failure of the last call, static; empties its queue. */
const char *ks_tls_openssl_reason(void);

#endif
