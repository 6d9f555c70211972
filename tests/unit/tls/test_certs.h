/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, made while the test runs: nothing on disk can expire or leak.
 * Thread: one.
 */
#ifndef TEST_CERTS_H
#define TEST_CERTS_H

#include "ks_base.h"

enum test_key { TEST_KEY_P256, TEST_KEY_RSA2048, TEST_KEY_RSA1024 };
enum test_eku { TEST_EKU_NONE, TEST_EKU_SERVER, TEST_EKU_CLIENT };

#define TEST_CERT_ORGS_MAX 20

/* Validity of a certificate that does not say otherwise: 2020-01-01 to 2049-12-31. */
#define TEST_CERT_BEGIN_S 1577836800
#define TEST_CERT_END_S 2524521600

struct test_cert_params {
	const char *cn;	     /**< UTF-8 */
	size_t cn_len;	     /**< 0: up to the NUL */
	int cn_type;	     /**< ASN.1 string type, 0: UTF8String */
	const char *cn_more; /**< a second common name behind the first */
	const char *orgs[TEST_CERT_ORGS_MAX];
	const char *san; /**< as openssl.cnf has it: "DNS:a.example,IP:10.0.0.1" */
	enum test_key key;
	enum test_eku eku;
	bool ca;
	int64_t begin_s; /**< 0: TEST_CERT_BEGIN_S */
	int64_t end_s;
};

struct test_cert;

/** @param issuer NULL: signs itself. Ends the test program when OpenSSL fails. */
struct test_cert *test_cert_make(const struct test_cert *issuer,
				 const struct test_cert_params *params);
void test_cert_free(struct test_cert *cert);
/** Both are good until test_cert_free(). */
struct ks_str test_cert_pem(const struct test_cert *cert);
struct ks_str test_cert_key_pem(const struct test_cert *cert);
/** Serial number as lower-case hexadecimal. */
const char *test_cert_serial(const struct test_cert *cert);

/** Revocation list of `issuer` with `n` certificates in it. The caller frees the text. */
char *test_crl_make(const struct test_cert *issuer, const struct test_cert *const *revoked,
		    size_t n, int64_t next_update_s);

#endif
