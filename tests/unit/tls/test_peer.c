/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of certificates: a client's gives a verdict and never ends the handshake, a server's
 * must be right or the handshake ends with the fitting alert.
 */
#include <stdlib.h>

#include <openssl/asn1.h>

#include "ks_test.h"
#include "pair.h"

static struct tls_certs certs;

#define NOW_S 1700000000

struct server_options {
	const char *crl;
	const struct test_cert *ca; /* NULL: the ordinary one */
	bool tls12;
};

/* Shows `leaf` to a server and copies what it says. The handshake itself must always succeed. */
static struct ks_tls_peer
show(const struct test_cert *leaf, struct server_options options)
{
	const struct test_cert *ca = options.ca != NULL ? options.ca : certs.ca;
	struct ks_tls_identity identity = tls_identity(certs.server);
	struct ks_tls_server_params sp = {.identities = &identity,
					  .nidentities = 1,
					  .client_ca_pem = test_cert_pem(ca),
					  .verify_time_s = NOW_S};
	struct ks_tls_client_params cp = {.ca_pem = test_cert_pem(certs.ca),
					  .server_name = KS_STR("api.test"),
					  .identity = tls_identity(leaf),
					  .verify_time_s = NOW_S};
	struct ks_tls_ctx *server, *client;
	struct ks_tls_error err = {""};
	struct ks_tls_peer peer = {0};
	struct tls_pair pair;

	if (options.crl != NULL)
		sp.crl_pem = (struct ks_str){options.crl, (uint32_t)strlen(options.crl)};
	server = ks_tls_server_ctx_create(&sp, &err);
	client = ks_tls_client_ctx_create(&cp, &err);
	CU_ASSERT_STRING_EQUAL(err.text, "");
	if (options.tls12)
		tls_ctx_limit_12(client);
	tls_pair_init(&pair, server, client);
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_open(&pair));
	peer = *ks_tls_peer(pair.server);
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	return peer;
}

static struct ks_tls_peer
show_new(const struct test_cert_params *params)
{
	struct test_cert *cert = test_cert_make(certs.ca, params);
	struct ks_tls_peer peer = show(cert, (struct server_options){0});

	test_cert_free(cert);
	return peer;
}

static void
expect_refused(const struct test_cert_params *params, const char *reason)
{
	struct ks_tls_peer peer = show_new(params);

	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_EQUAL(peer.reason, reason);
}

static void
time_and_purpose_are_checked(void)
{
	struct test_cert_params p = {.cn = "u", .eku = TEST_EKU_CLIENT};
	struct ks_tls_peer peer;

	p.end_s = NOW_S - 1;
	expect_refused(&p, "certificate has expired");
	p.end_s = NOW_S + 60;
	peer = show_new(&p);
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_VERIFIED);
	CU_ASSERT_EQUAL(peer.not_after_s, NOW_S + 60);
	p.begin_s = NOW_S + 10;
	expect_refused(&p, "certificate is not yet valid");
	p.begin_s = 0;
	p.eku = TEST_EKU_SERVER;
	expect_refused(&p, "unsuitable certificate purpose");
	/* Go takes a certificate without the extension for any use, and so does the API server. */
	p.eku = TEST_EKU_NONE;
	CU_ASSERT_EQUAL(show_new(&p).verdict, KS_TLS_PEER_VERIFIED);
	p.key = TEST_KEY_RSA2048;
	CU_ASSERT_EQUAL(show_new(&p).verdict, KS_TLS_PEER_VERIFIED);
}

static void
another_ca_is_refused(void)
{
	struct test_cert_params ca = {.cn = "cluster-ca", .ca = true};
	struct test_cert_params p = {.cn = "system:masters", .eku = TEST_EKU_CLIENT};
	struct test_cert *other = test_cert_make(NULL, &ca);
	struct test_cert *leaf = test_cert_make(other, &p);
	struct test_cert *alone = test_cert_make(NULL, &p);
	struct ks_tls_peer peer = show(leaf, (struct server_options){0});

	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_NOT_EQUAL(peer.reason, "");
	/* The names stay readable, for the record of who tried. */
	CU_ASSERT_STRING_EQUAL(peer.cn, "system:masters");
	peer = show(alone, (struct server_options){.tls12 = true});
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_NOT_EQUAL(peer.reason, "");
	peer = show(leaf, (struct server_options){.ca = other});
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_VERIFIED);
	test_cert_free(other);
	test_cert_free(leaf);
	test_cert_free(alone);
}

/* The CA file holds the issuing CA only, not its root: it is an anchor all the same. */
static void
an_intermediate_may_be_the_anchor(void)
{
	struct test_cert_params ca = {.cn = "issuing", .ca = true, .end_s = NOW_S + 500};
	struct test_cert_params p = {.cn = "u", .eku = TEST_EKU_CLIENT};
	struct test_cert *issuing = test_cert_make(certs.ca, &ca);
	struct test_cert *leaf = test_cert_make(issuing, &p);
	struct ks_tls_peer peer = show(leaf, (struct server_options){.ca = issuing});

	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_VERIFIED);
	/* The verdict cannot outlive the CA. */
	CU_ASSERT_EQUAL(peer.not_after_s, NOW_S + 500);
	test_cert_free(issuing);
	test_cert_free(leaf);
}

static void
revoked_is_refused(void)
{
	const struct test_cert *revoked[] = {certs.client};
	struct test_cert_params other_params = {.cn = "other", .eku = TEST_EKU_CLIENT};
	struct test_cert *other = test_cert_make(certs.ca, &other_params);
	char *crl = test_crl_make(certs.ca, revoked, 1, 0);
	char *stale = test_crl_make(certs.ca, NULL, 0, NOW_S - 1);
	struct ks_tls_peer peer = show(certs.client, (struct server_options){.crl = crl});

	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_EQUAL(peer.reason, "certificate revoked");
	peer = show(other, (struct server_options){.crl = crl});
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_VERIFIED);
	peer = show(other, (struct server_options){.crl = stale});
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_EQUAL(peer.reason, "CRL has expired");
	free(crl);
	free(stale);
	test_cert_free(other);
}

/* A list that fits no CA would protect nothing and look as if it did. */
static void
a_foreign_crl_is_refused(void)
{
	struct test_cert_params ca = {.cn = "cluster-ca", .ca = true};
	struct test_cert *other = test_cert_make(NULL, &ca);
	char *crl = test_crl_make(other, NULL, 0, 0);
	struct ks_tls_identity identity = tls_identity(certs.server);
	struct ks_tls_server_params p = {.identities = &identity,
					 .nidentities = 1,
					 .client_ca_pem = test_cert_pem(certs.ca),
					 .crl_pem = {crl, (uint32_t)strlen(crl)}};
	struct ks_tls_error err;

	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not signed by any of the client CAs"));
	free(crl);
	test_cert_free(other);
}

/* Two CAs and a list of one of them: the other's certificates are none the worse. */
static void
a_ca_without_crl_is_allowed(void)
{
	struct test_cert_params ca = {.cn = "second-ca", .ca = true};
	struct test_cert_params p = {.cn = "u", .eku = TEST_EKU_CLIENT};
	struct test_cert *second = test_cert_make(NULL, &ca);
	struct test_cert *leaf = test_cert_make(second, &p);
	const struct test_cert *revoked[] = {leaf};
	char *crl = test_crl_make(second, revoked, 1, 0);
	char both[8192];
	struct ks_tls_identity identity = tls_identity(certs.server);
	struct ks_tls_server_params sp = {.identities = &identity,
					  .nidentities = 1,
					  .client_ca_pem = {both, 0},
					  .crl_pem = {crl, (uint32_t)strlen(crl)}};
	struct ks_tls_ctx *server, *client;
	struct tls_pair pair;

	sp.client_ca_pem.n = (uint32_t)snprintf(both, sizeof(both), "%s%s",
						test_cert_pem(certs.ca).p, test_cert_pem(second).p);
	server = ks_tls_server_ctx_create(&sp, NULL);
	for (int i = 0; i < 2; i++) {
		client = tls_client_ctx(&certs, i == 0 ? certs.client : leaf);
		tls_pair_init(&pair, server, client);
		tls_pair_pump(&pair);
		CU_ASSERT_EQUAL(ks_tls_peer(pair.server)->verdict,
				i == 0 ? KS_TLS_PEER_VERIFIED : KS_TLS_PEER_REFUSED);
		tls_pair_fini(&pair);
		ks_tls_ctx_destroy(client);
	}
	ks_tls_ctx_destroy(server);
	free(crl);
	test_cert_free(second);
	test_cert_free(leaf);
}

static void
expect_name(const char *name, size_t len, int type, const char *reason)
{
	struct test_cert_params p = {
		.cn = name, .cn_len = len, .cn_type = type, .eku = TEST_EKU_CLIENT};
	struct ks_tls_peer peer = show_new(&p);

	if (reason == NULL) {
		CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_VERIFIED);
		CU_ASSERT_STRING_EQUAL(peer.cn, name);
		return;
	}
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_EQUAL(peer.reason, reason);
	CU_ASSERT_STRING_EQUAL(peer.cn, "");
}

static void
hostile_names_are_refused(void)
{
	static const char nul[] = "admin\0.evil";
	char longest[256];

	expect_name(nul, sizeof(nul) - 1, 0, "name holds a NUL");
	expect_name("a\r\nX-Remote-User: b", 0, 0, "name holds a control character");
	expect_name("a\x1b[2J", 0, 0, "name holds a control character");
	expect_name("a\x7f", 0, 0, "name holds a control character");
	expect_name("a\xc2\x9b", 0, 0, "name holds a control character");
	expect_name("a\xe4", 0, V_ASN1_T61STRING, "name is not UTF-8");
	expect_name("\0a", 2, V_ASN1_BMPSTRING, "name of an unsupported string type");
	expect_name("\0\0\0a", 4, V_ASN1_UNIVERSALSTRING, "name of an unsupported string type");
	memset(longest, 'x', sizeof(longest));
	expect_name(longest, 256, 0, "name too long");
	longest[255] = '\0';
	expect_name(longest, 255, 0, NULL);
	expect_name("J\xc3\xb6rg \xe4\xb8\xad \xf0\x9f\x9a\x80", 0, 0, NULL);
	expect_name("plain", 0, V_ASN1_PRINTABLESTRING, NULL);
	expect_name("mail@host", 0, V_ASN1_IA5STRING, NULL);
}

static void
organisations_are_bounded(void)
{
	static char names[TEST_CERT_ORGS_MAX][8];
	char longest[129];
	struct test_cert_params p = {.cn = "u", .eku = TEST_EKU_CLIENT};
	struct ks_tls_peer peer;

	for (int i = 0; i < KS_TLS_ORGS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "g%d", i);
		p.orgs[i] = names[i];
	}
	peer = show_new(&p);
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_VERIFIED);
	CU_ASSERT_EQUAL(peer.norgs, KS_TLS_ORGS_MAX);
	CU_ASSERT_STRING_EQUAL(peer.orgs[15], "g15");
	p.orgs[KS_TLS_ORGS_MAX] = "one more";
	peer = show_new(&p);
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_EQUAL(peer.reason, "too many organisations");
	CU_ASSERT_EQUAL(peer.norgs, 0);
	memset(longest, 'o', 128);
	longest[128] = '\0';
	p = (struct test_cert_params){.cn = "u", .orgs = {longest}, .eku = TEST_EKU_CLIENT};
	CU_ASSERT_EQUAL(show_new(&p).verdict, KS_TLS_PEER_REFUSED);
}

/* As Go's crypto/x509/pkix has it, and so the API server. */
static void
the_last_common_name_counts(void)
{
	struct test_cert_params p = {.cn = "first", .cn_more = "last", .eku = TEST_EKU_CLIENT};

	CU_ASSERT_STRING_EQUAL(show_new(&p).cn, "last");
}

/* ---- the server's certificate ---- */

static void
server_case(const struct test_cert_params *params, const struct test_cert *ca, const char *name,
	    const char *reason)
{
	struct test_cert *leaf = test_cert_make(certs.ca, params);
	struct ks_tls_identity identity = tls_identity(leaf);
	struct ks_tls_server_params sp = {.identities = &identity, .nidentities = 1};
	struct ks_tls_client_params cp = {.ca_pem = test_cert_pem(ca),
					  .server_name = {name, (uint32_t)strlen(name)},
					  .verify_time_s = NOW_S};
	struct ks_tls_ctx *server = ks_tls_server_ctx_create(&sp, NULL);
	struct ks_tls_ctx *client = ks_tls_client_ctx_create(&cp, NULL);
	struct tls_pair pair;

	tls_pair_init(&pair, server, client);
	tls_pair_pump(&pair);
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.client), reason);
	CU_ASSERT_EQUAL(tls_pair_open(&pair), reason[0] == '\0');
	if (reason[0] != '\0') {
		CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_FAILED);
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_FAILED);
		CU_ASSERT_PTR_NOT_NULL(strstr(ks_tls_reason(pair.server), "alert"));
	}
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	test_cert_free(leaf);
}

static void
the_server_must_be_the_right_one(void)
{
	struct test_cert_params ca = {.cn = "another-ca", .ca = true};
	struct test_cert *other = test_cert_make(NULL, &ca);
	struct test_cert_params p = {.cn = "cn.test",
				     .san = "DNS:api.test,IP:10.0.0.1,IP:fd00::1",
				     .eku = TEST_EKU_SERVER};

	server_case(&p, certs.ca, "api.test", "");
	server_case(&p, certs.ca, "10.0.0.1", "");
	server_case(&p, certs.ca, "fd00::1", "");
	server_case(&p, certs.ca, "evil.test", "hostname mismatch");
	server_case(&p, certs.ca, "10.0.0.2", "IP address mismatch");
	/* RFC 9525: the common name is no server name. */
	server_case(&p, certs.ca, "cn.test", "hostname mismatch");
	p.san = NULL;
	server_case(&p, certs.ca, "cn.test", "hostname mismatch");
	p.san = "DNS:api.test";
	server_case(&p, other, "api.test", "unable to get local issuer certificate");
	p.end_s = NOW_S + 1;
	p.begin_s = NOW_S - 100;
	server_case(&p, certs.ca, "api.test", "");
	p.end_s = NOW_S - 1;
	server_case(&p, certs.ca, "api.test", "certificate has expired");
	p.begin_s = NOW_S + 1;
	p.end_s = 0;
	server_case(&p, certs.ca, "api.test", "certificate is not yet valid");
	p.begin_s = 0;
	p.eku = TEST_EKU_CLIENT;
	server_case(&p, certs.ca, "api.test", "unsuitable certificate purpose");
	test_cert_free(other);
}

static const struct ks_test tests[] = {
	KS_TEST(time_and_purpose_are_checked),	    KS_TEST(another_ca_is_refused),
	KS_TEST(an_intermediate_may_be_the_anchor), KS_TEST(revoked_is_refused),
	KS_TEST(a_foreign_crl_is_refused),	    KS_TEST(a_ca_without_crl_is_allowed),
	KS_TEST(hostile_names_are_refused),	    KS_TEST(organisations_are_bounded),
	KS_TEST(the_last_common_name_counts),	    KS_TEST(the_server_must_be_the_right_one),
};

int
main(void)
{
	int rc;

	tls_certs_make(&certs);
	rc = ks_test_run("tls peer", tests, KS_ARRAY_SIZE(tests));
	tls_certs_free(&certs);
	return rc;
}
