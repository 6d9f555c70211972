/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tickets of one server context: keys that live in memory only and rotate, and what a
 * ticket says about the client's certificate. RFC 5077 section 4, RFC 8446 section 4.6.1. Thread:
 * any; the keys are behind a lock that is held for a copy of them.
 */
#ifndef KS_TLS_TICKET_H
#define KS_TLS_TICKET_H

#include <openssl/ssl.h>

#include "ks_base.h"

/* A ticket is good for this long; a key makes tickets for as long and then reads for as long. */
#define KS_TLS_TICKET_LIFE_S 3600u

struct ks_tls_ticket_key {
	uint8_t name[16]; /* 8 bytes of the context's generation, 8 of the key */
	uint8_t aes[32];
	uint8_t hmac[32];
	uint64_t since_s; /* 0: not in use */
};

struct ks_tls_tickets {
	CRYPTO_RWLOCK *lock;
	EVP_CIPHER *cipher;
	uint8_t generation[8];
	struct ks_tls_ticket_key current;
	struct ks_tls_ticket_key previous;
};

struct ks_tls_ctx;

/** Sets tickets up in `ctx->ssl`. @return 0 or -ENOMEM. */
int ks_tls_tickets_init(struct ks_tls_ctx *ctx);
void ks_tls_tickets_fini(struct ks_tls_tickets *tickets);

#endif
