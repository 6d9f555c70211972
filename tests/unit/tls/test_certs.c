/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests by OpenSSL's calls. RSA keys are made once in a program: they take long.
 * Thread: one.
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "test_certs.h"

struct test_cert {
	X509 *x509;
	EVP_PKEY *key;
	char *pem;
	char *key_pem;
	char serial[64];
};

#define MUST(cond)                                                                 \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			ERR_print_errors_fp(stderr);                               \
			abort();                                                   \
		}                                                                  \
	} while (0)

static EVP_PKEY *
key_make(enum test_key kind)
{
	static EVP_PKEY *rsa[2];
	EVP_PKEY **slot = &rsa[kind == TEST_KEY_RSA1024];

	if (kind == TEST_KEY_P256)
		return EVP_EC_gen("P-256");
	if (*slot == NULL)
		*slot = EVP_RSA_gen(kind == TEST_KEY_RSA1024 ? 1024u : 2048u);
	MUST(*slot != NULL && EVP_PKEY_up_ref(*slot) == 1);
	return *slot;
}

static void
add_extension(X509 *x509, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, (X509 *)issuer, x509, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	MUST(ext != NULL && X509_add_ext(x509, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static void
add_extensions(X509 *x509, const X509 *issuer, const struct test_cert_params *params)
{
	add_extension(x509, issuer, NID_basic_constraints,
		      params->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x509, issuer, NID_key_usage,
		      params->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	add_extension(x509, issuer, NID_subject_key_identifier, "hash");
	if (params->eku == TEST_EKU_SERVER)
		add_extension(x509, issuer, NID_ext_key_usage, "serverAuth");
	if (params->eku == TEST_EKU_CLIENT)
		add_extension(x509, issuer, NID_ext_key_usage, "clientAuth");
	if (params->san != NULL)
		add_extension(x509, issuer, NID_subject_alt_name, params->san);
}

static void
add_name(X509_NAME *name, int nid, const char *value, size_t len, int type)
{
	MUST(X509_NAME_add_entry_by_NID(name, nid, type != 0 ? type : V_ASN1_UTF8STRING,
					(const unsigned char *)value,
					(int)(len != 0 ? len : strlen(value)), -1, 0) == 1);
}

/* Bytes as they are: the string table would put names in order that the tests want in disorder. */
static void
add_raw_name(X509_NAME *name, const struct test_cert_params *params)
{
	ASN1_OBJECT *object = OBJ_nid2obj(NID_commonName);
	size_t len = params->cn_len != 0 ? params->cn_len : strlen(params->cn);
	X509_NAME_ENTRY *entry = X509_NAME_ENTRY_new();
	ASN1_STRING *data;

	MUST(entry != NULL && X509_NAME_ENTRY_set_object(entry, object) == 1);
	data = X509_NAME_ENTRY_get_data(entry);
	MUST(ASN1_STRING_set(data, params->cn, (int)len) == 1);
	data->type = params->cn_type != 0 ? params->cn_type : V_ASN1_UTF8STRING;
	MUST(X509_NAME_add_entry(name, entry, -1, 0) == 1);
	X509_NAME_ENTRY_free(entry);
}

static void
set_subject(X509 *x509, const struct test_cert_params *params)
{
	X509_NAME *name = X509_NAME_new();

	MUST(name != NULL);
	for (size_t i = 0; i < TEST_CERT_ORGS_MAX && params->orgs[i] != NULL; i++)
		add_name(name, NID_organizationName, params->orgs[i], 0, 0);
	if (params->cn != NULL)
		add_raw_name(name, params);
	if (params->cn_more != NULL)
		add_name(name, NID_commonName, params->cn_more, 0, 0);
	MUST(X509_set_subject_name(x509, name) == 1);
	X509_NAME_free(name);
}

static void
set_serial(struct test_cert *cert)
{
	unsigned char bytes[8];
	BIGNUM *bn;

	MUST(RAND_bytes(bytes, sizeof(bytes)) == 1);
	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	MUST(bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert->x509)) != NULL);
	BN_free(bn);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(cert->serial + 2 * i, 3, "%02x", bytes[i]);
}

static char *
bio_text(BIO *bio)
{
	char *data, *text;
	long n = BIO_get_mem_data(bio, &data);

	MUST(n > 0);
	text = malloc((size_t)n + 1);
	MUST(text != NULL);
	memcpy(text, data, (size_t)n);
	text[n] = '\0';
	BIO_free(bio);
	return text;
}

static void
write_pem(struct test_cert *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(bio != NULL && PEM_write_bio_X509(bio, cert->x509) == 1);
	cert->pem = bio_text(bio);
	bio = BIO_new(BIO_s_mem());
	MUST(bio != NULL &&
	     PEM_write_bio_PKCS8PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL) == 1);
	cert->key_pem = bio_text(bio);
}

struct test_cert *
test_cert_make(const struct test_cert *issuer, const struct test_cert_params *params)
{
	struct test_cert *cert = calloc(1, sizeof(*cert));
	X509 *x509 = X509_new();

	MUST(cert != NULL && x509 != NULL && X509_set_version(x509, X509_VERSION_3) == 1);
	cert->x509 = x509;
	cert->key = key_make(params->key);
	if (issuer == NULL)
		issuer = cert;
	set_serial(cert);
	set_subject(x509, params);
	MUST(X509_set_issuer_name(x509, X509_get_subject_name(issuer->x509)) == 1);
	ASN1_TIME_set(X509_getm_notBefore(x509),
		      params->begin_s != 0 ? params->begin_s : TEST_CERT_BEGIN_S);
	ASN1_TIME_set(X509_getm_notAfter(x509),
		      params->end_s != 0 ? params->end_s : TEST_CERT_END_S);
	MUST(X509_set_pubkey(x509, cert->key) == 1);
	add_extensions(x509, issuer->x509, params);
	MUST(X509_sign(x509, issuer->key, EVP_sha256()) > 0);
	write_pem(cert);
	return cert;
}

void
test_cert_free(struct test_cert *cert)
{
	if (cert == NULL)
		return;
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	free(cert->pem);
	free(cert->key_pem);
	free(cert);
}

struct ks_str
test_cert_pem(const struct test_cert *cert)
{
	return (struct ks_str){cert->pem, (uint32_t)strlen(cert->pem)};
}

struct ks_str
test_cert_key_pem(const struct test_cert *cert)
{
	return (struct ks_str){cert->key_pem, (uint32_t)strlen(cert->key_pem)};
}

const char *
test_cert_serial(const struct test_cert *cert)
{
	return cert->serial;
}

char *
test_crl_make(const struct test_cert *issuer, const struct test_cert *const *revoked, size_t n,
	      int64_t next_update_s)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, TEST_CERT_BEGIN_S);
	BIO *bio = BIO_new(BIO_s_mem());

	MUST(crl != NULL && t != NULL && bio != NULL && X509_CRL_set_version(crl, 1) == 1);
	MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)) == 1);
	MUST(X509_CRL_set1_lastUpdate(crl, t) == 1);
	for (size_t i = 0; i < n; i++) {
		X509_REVOKED *entry = X509_REVOKED_new();

		MUST(X509_REVOKED_set_serialNumber(entry,
						   X509_get_serialNumber(revoked[i]->x509)) == 1);
		MUST(X509_REVOKED_set_revocationDate(entry, t) == 1);
		MUST(X509_CRL_add0_revoked(crl, entry) == 1);
	}
	ASN1_TIME_set(t, next_update_s != 0 ? next_update_s : TEST_CERT_END_S);
	MUST(X509_CRL_set1_nextUpdate(crl, t) == 1);
	MUST(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
	MUST(PEM_write_bio_X509_CRL(bio, crl) == 1);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return bio_text(bio);
}
