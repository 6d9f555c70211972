/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client contexts: one server name, its CA, perhaps a certificate of our own. The name or address
 * must stand in the certificate's subjectAltName; the common name does not count (RFC 9525 section
 * 2). Thread: creation anywhere.
 */
#include <errno.h>
#include <stdio.h>

#include <openssl/x509v3.h>

#include "session.h"

static int
set_server_name(struct ks_tls_ctx *ctx, struct ks_str name, struct ks_tls_error *err)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx->ssl);

	if (name.n == 0 || name.n >= sizeof(ctx->server_name) || memchr(name.p, '\0', name.n)) {
		ks_tls_error_set(err, "server name: empty or too long");
		return -EINVAL;
	}
	memcpy(ctx->server_name, name.p, name.n);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, ctx->server_name) == 1) {
		/* RFC 6066 section 3: an address is no name for SNI. */
		ctx->server_name[0] = '\0';
		return 0;
	}
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set1_host(param, name.p, name.n) == 1)
		return 0;
	ks_tls_error_set(err, "server name");
	return -EINVAL;
}

static int
set_ca(struct ks_tls_ctx *ctx, struct ks_str pem, struct ks_tls_error *err)
{
	STACK_OF(X509) *cas = ks_tls_pem_certs(pem, "CA", err);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);
	int rc = 0;

	if (cas == NULL)
		return -EINVAL;
	for (int i = 0; rc == 0 && i < sk_X509_num(cas); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(cas, i)) != 1)
			rc = -ENOMEM;
	if (rc != 0)
		ks_tls_error_set(err, "CA");
	sk_X509_pop_free(cas, X509_free);
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx->ssl, ks_tls_peer_verify_server, NULL);
	return rc;
}

static int
set_identity(struct ks_tls_ctx *ctx, const struct ks_tls_identity *identity,
	     struct ks_tls_error *err)
{
	struct ks_tls_pair pair;
	int rc;

	if (identity->chain_pem.n == 0)
		return 0;
	if (ks_tls_pair_init(&pair, identity, err) != 0)
		return -EINVAL;
	rc = SSL_CTX_use_cert_and_key(ctx->ssl, pair.leaf, pair.key, pair.chain, 0) == 1 ? 0
											 : -EINVAL;
	if (rc != 0)
		ks_tls_error_set(err, "certificate");
	ks_tls_pair_fini(&pair);
	return rc;
}

static int
set_alpn(struct ks_tls_ctx *ctx, uint32_t alpn)
{
	static const unsigned char list[] = "\x02h2\x08http/1.1";
	uint32_t off = (alpn & KS_TLS_ALPN_H2) != 0 ? 0 : 3;
	uint32_t end = (alpn & KS_TLS_ALPN_HTTP11) != 0 ? sizeof(list) - 1 : 3;

	ctx->alpn = alpn;
	if (alpn == 0)
		return 0;
	return SSL_CTX_set_alpn_protos(ctx->ssl, list + off, end - off) == 0 ? 0 : -ENOMEM;
}

struct ks_tls_ctx *
ks_tls_client_ctx_create(const struct ks_tls_client_params *params, struct ks_tls_error *err)
{
	struct ks_tls_ctx *ctx = ks_tls_ctx_create(false, params->verify_time_s, err);

	if (ctx == NULL)
		return NULL;
	if (set_server_name(ctx, params->server_name, err) != 0 ||
	    set_ca(ctx, params->ca_pem, err) != 0 || set_identity(ctx, &params->identity, err) != 0)
		goto fail;
	if (set_alpn(ctx, params->alpn) != 0 || ks_tls_resume_init(ctx) != 0) {
		ks_tls_error_set(err, "out of memory");
		goto fail;
	}
	return ctx;
fail:
	ks_tls_ctx_destroy(ctx);
	return NULL;
}
