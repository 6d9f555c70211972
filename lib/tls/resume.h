/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client context remembers for resumption: the newest session of its server.
 * Thread: any; a lock is held for the exchange of a pointer or a copy of the session.
 */
#ifndef KS_TLS_RESUME_H
#define KS_TLS_RESUME_H

#include <openssl/ssl.h>

#include "ks_base.h"

struct ks_tls_resume {
	CRYPTO_RWLOCK *lock;
	SSL_SESSION *session; /* never part of a connection, so nobody changes it */
	uint64_t chain_end_s; /* when the server's certificates behind it end */
};

struct ks_tls_ctx;

/** Sets the cache up in `ctx->ssl`. @return 0 or -ENOMEM. */
int ks_tls_resume_init(struct ks_tls_ctx *ctx);
void ks_tls_resume_fini(struct ks_tls_resume *resume);
/** Gives the remembered session to a new connection. @return when its certificates end, 0: none. */
uint64_t ks_tls_resume_use(struct ks_tls_ctx *ctx, SSL *ssl);

#endif
