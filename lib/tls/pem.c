/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM in memory. Refuses encrypted keys: OpenSSL would ask the terminal for a password.
 * Thread: any; pure.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pem.h"

void
ks_tls_error_set(struct ks_tls_error *err, const char *fmt, ...)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	va_list ap;
	int n;

	ERR_clear_error();
	if (err == NULL)
		return;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (reason != NULL && n >= 0 && (size_t)n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", reason);
}

static int
no_password(char *buf, int size, int writing, void *arg)
{
	return -1;
}

static BIO *
pem_open(struct ks_str pem)
{
	return pem.n > INT32_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
}

/* A reader that found nothing more ends with "no start line"; anything else is broken input. */
static bool
ended_well(void)
{
	unsigned long e = ERR_peek_last_error();
	bool well = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

	if (well)
		ERR_clear_error();
	return well;
}

STACK_OF(X509) * ks_tls_pem_certs(struct ks_str pem, const char *what, struct ks_tls_error *err)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *bio = pem_open(pem);
	X509 *cert;

	while (certs != NULL && bio != NULL &&
	       (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL)
		if (sk_X509_push(certs, cert) == 0)
			X509_free(cert);
	BIO_free(bio);
	if (ended_well() && sk_X509_num(certs) > 0)
		return certs;
	ks_tls_error_set(err, "%s: no certificate in PEM form", what);
	sk_X509_pop_free(certs, X509_free);
	return NULL;
}

STACK_OF(X509_CRL) * ks_tls_pem_crls(struct ks_str pem, struct ks_tls_error *err)
{
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	BIO *bio = pem_open(pem);
	X509_CRL *crl;

	while (crls != NULL && bio != NULL &&
	       (crl = PEM_read_bio_X509_CRL(bio, NULL, no_password, NULL)) != NULL)
		if (sk_X509_CRL_push(crls, crl) == 0)
			X509_CRL_free(crl);
	BIO_free(bio);
	if (ended_well() && sk_X509_CRL_num(crls) > 0)
		return crls;
	ks_tls_error_set(err, "CRL: no revocation list in PEM form");
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return NULL;
}

static EVP_PKEY *
pem_key(struct ks_str pem, struct ks_tls_error *err)
{
	BIO *bio = pem_open(pem);
	EVP_PKEY *key = NULL;

	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (key == NULL)
		ks_tls_error_set(err, "key: no private key in PEM form without password");
	return key;
}

int
ks_tls_pair_init(struct ks_tls_pair *pair, const struct ks_tls_identity *identity,
		 struct ks_tls_error *err)
{
	*pair = (struct ks_tls_pair){0};
	pair->chain = ks_tls_pem_certs(identity->chain_pem, "certificate", err);
	if (pair->chain == NULL)
		return -EINVAL;
	pair->leaf = sk_X509_shift(pair->chain);
	pair->key = pem_key(identity->key_pem, err);
	if (pair->key == NULL)
		goto fail;
	if (X509_check_private_key(pair->leaf, pair->key) == 1)
		return 0;
	ks_tls_error_set(err, "key: does not belong to the certificate");
fail:
	ks_tls_pair_fini(pair);
	return -EINVAL;
}

void
ks_tls_pair_fini(struct ks_tls_pair *pair)
{
	X509_free(pair->leaf);
	sk_X509_pop_free(pair->chain, X509_free);
	EVP_PKEY_free(pair->key);
	*pair = (struct ks_tls_pair){0};
}
