/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of a context: what all its sessions share. Counted references, because sessions outlive
 * the reload that replaces their context. Thread: immutable after creation but for ticket keys and
 * the remembered session, which lock.
 */
#ifndef KS_TLS_CTX_H
#define KS_TLS_CTX_H

#include <openssl/ssl.h>

#include "ks_tls.h"
#include "pem.h"
#include "resume.h"
#include "ticket.h"

/* What the peer may send as its certificates: a chain of four with RSA-4096 keys has 8 KB. */
#define KS_TLS_CERTS_BYTES_MAX (32 * 1024)
#define KS_TLS_SERVER_NAME_BYTES 256

struct ks_tls_ctx {
	SSL_CTX *ssl;
	BIO_METHOD *bio_method;
	uint32_t refs;
	uint32_t alpn;
	uint64_t verify_time_s;
	bool server;
	/* server */
	struct ks_tls_pair *pairs;
	uint32_t npairs;
	struct ks_tls_tickets tickets;
	/* client */
	char server_name[KS_TLS_SERVER_NAME_BYTES]; /* for SNI; empty when it is an address */
	struct ks_tls_resume resume;
};

struct ks_tls_ctx *ks_tls_ctx_ref(struct ks_tls_ctx *ctx);

/** What server and client have in common: versions, ciphers, groups, modes, limits, time. */
struct ks_tls_ctx *ks_tls_ctx_create(bool server, uint64_t verify_time_s, struct ks_tls_error *err);

/** The time that certificates and tickets are judged by. */
uint64_t ks_tls_ctx_now_s(const struct ks_tls_ctx *ctx);

#endif
