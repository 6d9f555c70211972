/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What server and client contexts have in common. AEAD ciphers with forward secrecy only (RFC
 * 9325), no compression, no renegotiation, no early data. Thread: creation and destruction
 * anywhere; the reference count is atomic.
 */
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>

#include "bio.h"
#include "ctx.h"

#define CIPHERS_12                                                   \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"
/* 112 bits: RSA 2048 and up, no SHA-1 in signatures. */
#define SECURITY_LEVEL 2
#define CHAIN_DEPTH_MAX 8

static void
set_limits(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	/* Chains are what the operator gave: the store of client CAs must not complete them. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN |
				      SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
	SSL_CTX_set_max_cert_list(ssl, KS_TLS_CERTS_BYTES_MAX);
	SSL_CTX_set_max_pipelines(ssl, 1);
	SSL_CTX_set_read_ahead(ssl, 0);
	SSL_CTX_set_max_early_data(ssl, 0);
}

static bool
set_algorithms(SSL_CTX *ssl)
{
	return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ssl, CIPHERS_12) == 1 &&
	       SSL_CTX_set_ciphersuites(ssl, CIPHERS_13) == 1 &&
	       SSL_CTX_set1_groups_list(ssl, GROUPS) == 1;
}

static void
set_verification(SSL_CTX *ssl, uint64_t verify_time_s)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);

	/* Any certificate of the CA file is an anchor, as for the API server (Go's CertPool). */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
	if (verify_time_s != 0)
		X509_VERIFY_PARAM_set_time(param, (time_t)verify_time_s);
}

struct ks_tls_ctx *
ks_tls_ctx_create(bool server, uint64_t verify_time_s, struct ks_tls_error *err)
{
	struct ks_tls_ctx *ctx = calloc(1, sizeof(*ctx));

	if (ctx == NULL) {
		ks_tls_error_set(err, "out of memory");
		return NULL;
	}
	/* What the system's openssl.cnf says must not change what we offer. */
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ERR_clear_error();
	ctx->refs = 1;
	ctx->server = server;
	ctx->verify_time_s = verify_time_s;
	ctx->bio_method = ks_tls_bio_method_create();
	ctx->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (ctx->bio_method == NULL || ctx->ssl == NULL || !set_algorithms(ctx->ssl)) {
		ks_tls_error_set(err, "TLS library");
		ks_tls_ctx_destroy(ctx);
		return NULL;
	}
	set_limits(ctx->ssl);
	set_verification(ctx->ssl, verify_time_s);
	return ctx;
}

struct ks_tls_ctx *
ks_tls_ctx_ref(struct ks_tls_ctx *ctx)
{
	__atomic_add_fetch(&ctx->refs, 1, __ATOMIC_RELAXED);
	return ctx;
}

void
ks_tls_ctx_destroy(struct ks_tls_ctx *ctx)
{
	if (ctx == NULL || __atomic_sub_fetch(&ctx->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (uint32_t i = 0; i < ctx->npairs; i++)
		ks_tls_pair_fini(&ctx->pairs[i]);
	free(ctx->pairs);
	ks_tls_resume_fini(&ctx->resume);
	SSL_CTX_free(ctx->ssl);
	ks_tls_tickets_fini(&ctx->tickets);
	BIO_meth_free(ctx->bio_method);
	free(ctx);
}

uint64_t
ks_tls_ctx_now_s(const struct ks_tls_ctx *ctx)
{
	return ctx->verify_time_s != 0 ? ctx->verify_time_s : (uint64_t)time(NULL);
}
