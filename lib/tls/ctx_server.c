/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server contexts: identities chosen by SNI (RFC 6066 section 3), ALPN (RFC 7301), client
 * certificates asked for but not demanded, CRLs. Thread: creation anywhere; callbacks run in the
 * session's thread and only read.
 */
#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "session.h"

/* Names of the certificate as it carries them; NULL when it has none. */
static const ASN1_OCTET_STRING *
alt_names(const X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);

	return at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(cert, at));
}

/* The same names with a key of another kind: ECDSA beside RSA, the client's choice. */
static bool
are_twins(const struct ks_tls_pair *a, const struct ks_tls_pair *b)
{
	const ASN1_OCTET_STRING *x = alt_names(a->leaf);
	const ASN1_OCTET_STRING *y = alt_names(b->leaf);

	return EVP_PKEY_get_base_id(a->key) != EVP_PKEY_get_base_id(b->key) && x != NULL &&
	       y != NULL && ASN1_OCTET_STRING_cmp(x, y) == 0;
}

static const struct ks_tls_pair *
pair_by_name(const struct ks_tls_ctx *ctx, const char *name)
{
	for (uint32_t i = 0; i < ctx->npairs; i++)
		if (X509_check_host(ctx->pairs[i].leaf, name, 0, 0, NULL) == 1)
			return &ctx->pairs[i];
	return &ctx->pairs[0];
}

/* The default pair and its twins stand in the context already. */
static int
on_certificate(SSL *ssl, void *arg)
{
	const struct ks_tls_ctx *ctx = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct ks_tls_pair *pair;

	if (name == NULL)
		return 1;
	pair = pair_by_name(ctx, name);
	if (pair == ctx->pairs || are_twins(pair, ctx->pairs))
		return 1;
	SSL_certs_clear(ssl);
	for (uint32_t i = 0; i < ctx->npairs; i++) {
		const struct ks_tls_pair *p = &ctx->pairs[i];

		if ((p == pair || are_twins(p, pair)) &&
		    SSL_use_cert_and_key(ssl, p->leaf, p->key, p->chain, 0) != 1)
			return 0;
	}
	return 1;
}

/* The default pair and its twins go into the context; of the others it is only seen that they will
 * do, because OpenSSL refuses weak keys and digests where they are used. */
static int
pair_use(struct ks_tls_ctx *ctx, const struct ks_tls_pair *pair)
{
	SSL *probe;
	int ok;

	if (pair == ctx->pairs || are_twins(pair, ctx->pairs))
		return SSL_CTX_use_cert_and_key(ctx->ssl, pair->leaf, pair->key, pair->chain, 0);
	probe = SSL_new(ctx->ssl);
	if (probe == NULL)
		return 0;
	SSL_certs_clear(probe);
	ok = SSL_use_cert_and_key(probe, pair->leaf, pair->key, pair->chain, 0);
	SSL_free(probe);
	return ok;
}

static int
pairs_init(struct ks_tls_ctx *ctx, const struct ks_tls_server_params *params,
	   struct ks_tls_error *err)
{
	ctx->pairs = calloc(params->nidentities, sizeof(*ctx->pairs));
	if (ctx->pairs == NULL) {
		ks_tls_error_set(err, "out of memory");
		return -ENOMEM;
	}
	while (ctx->npairs < params->nidentities) {
		struct ks_tls_pair *pair = &ctx->pairs[ctx->npairs];

		if (ks_tls_pair_init(pair, &params->identities[ctx->npairs], err) != 0)
			return -EINVAL;
		ctx->npairs++;
		if (pair_use(ctx, pair) != 1) {
			ks_tls_error_set(err, "certificate");
			return -EINVAL;
		}
	}
	if (ctx->npairs > 1)
		SSL_CTX_set_cert_cb(ctx->ssl, on_certificate, ctx);
	return 0;
}

static int
add_cas(struct ks_tls_ctx *ctx, const STACK_OF(X509) * cas, struct ks_tls_error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);

	for (int i = 0; i < sk_X509_num(cas); i++) {
		X509 *ca = sk_X509_value(cas, i);

		if (X509_STORE_add_cert(store, ca) != 1 ||
		    SSL_CTX_add_client_CA(ctx->ssl, ca) != 1) {
			ks_tls_error_set(err, "client CA");
			return -ENOMEM;
		}
	}
	return 0;
}

static bool
signed_by_any(X509_CRL *crl, const STACK_OF(X509) * cas)
{
	for (int i = 0; i < sk_X509_num(cas); i++) {
		X509 *ca = sk_X509_value(cas, i);

		if (X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(crl)) == 0 &&
		    X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
			return true;
	}
	return false;
}

static int
add_crls(struct ks_tls_ctx *ctx, struct ks_str pem, const STACK_OF(X509) * cas,
	 struct ks_tls_error *err)
{
	STACK_OF(X509_CRL) *crls = ks_tls_pem_crls(pem, err);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);
	int rc = 0;

	if (crls == NULL)
		return -EINVAL;
	for (int i = 0; rc == 0 && i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i);

		if (!signed_by_any(crl, cas))
			rc = -EINVAL;
		else if (X509_STORE_add_crl(store, crl) != 1)
			rc = -ENOMEM;
	}
	if (rc != 0)
		ks_tls_error_set(err, "CRL: not signed by any of the client CAs");
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx->ssl),
				    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return rc;
}

static int
client_certs_init(struct ks_tls_ctx *ctx, const struct ks_tls_server_params *params,
		  struct ks_tls_error *err)
{
	STACK_OF(X509) * cas;
	int rc;

	if (params->client_ca_pem.n == 0)
		return 0;
	cas = ks_tls_pem_certs(params->client_ca_pem, "client CA", err);
	if (cas == NULL)
		return -EINVAL;
	rc = add_cas(ctx, cas, err);
	if (rc == 0 && params->crl_pem.n > 0)
		rc = add_crls(ctx, params->crl_pem, cas, err);
	sk_X509_pop_free(cas, X509_free);
	SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx->ssl, ks_tls_peer_verify_client, NULL);
	return rc;
}

static bool
offers(const uint8_t *list, uint32_t n, struct ks_str name)
{
	for (uint32_t i = 0; i < n && list[i] < n - i; i += 1u + list[i]) {
		struct ks_str item = {(const char *)list + i + 1, list[i]};

		if (ks_str_eq(item, name))
			return true;
	}
	return false;
}

/* RFC 7301 section 3.2: nothing in common ends the handshake with no_application_protocol. */
static int
on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
	const unsigned char *list, unsigned int n, void *arg)
{
	static const struct {
		enum ks_tls_alpn bit;
		struct ks_str name;
	} ours[] = {{KS_TLS_ALPN_H2, {"h2", 2}}, {KS_TLS_ALPN_HTTP11, {"http/1.1", 8}}};
	const struct ks_tls_ctx *ctx = arg;

	for (size_t i = 0; i < KS_ARRAY_SIZE(ours); i++) {
		if ((ctx->alpn & ours[i].bit) == 0 || !offers(list, n, ours[i].name))
			continue;
		*chosen = (const unsigned char *)ours[i].name.p;
		*chosen_len = (unsigned char)ours[i].name.n;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

struct ks_tls_ctx *
ks_tls_server_ctx_create(const struct ks_tls_server_params *params, struct ks_tls_error *err)
{
	struct ks_tls_ctx *ctx;

	if (params->nidentities == 0) {
		ks_tls_error_set(err, "certificate: a server needs one");
		return NULL;
	}
	if (params->crl_pem.n > 0 && params->client_ca_pem.n == 0) {
		ks_tls_error_set(err, "CRL: there is no client CA that it could belong to");
		return NULL;
	}
	ctx = ks_tls_ctx_create(true, params->verify_time_s, err);
	if (ctx == NULL)
		return NULL;
	if (pairs_init(ctx, params, err) != 0 || client_certs_init(ctx, params, err) != 0)
		goto fail;
	if (ks_tls_tickets_init(ctx) != 0) {
		ks_tls_error_set(err, "tickets");
		goto fail;
	}
	if (params->tls13_only)
		SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_3_VERSION);
	ctx->alpn = params->alpn;
	if (ctx->alpn != 0)
		SSL_CTX_set_alpn_select_cb(ctx->ssl, on_alpn, ctx);
	return ctx;
fail:
	ks_tls_ctx_destroy(ctx);
	return NULL;
}
