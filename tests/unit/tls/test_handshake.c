/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes of the two versions with all kinds of keys, SNI, ALPN, the client's certificate, and
 * that a seed repeats them byte for byte.
 */
#include <stdlib.h>
#include <time.h>

#include "ks_test.h"
#include "pair.h"

static struct tls_certs certs;
static time_t clock_shift_s;

/* Stands before the C library's, OpenSSL's calls included: a replay must not depend on the day. */
time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += clock_shift_s;
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

static void
shake(struct tls_pair *pair, struct ks_tls_ctx *server, struct ks_tls_ctx *client)
{
	tls_pair_init(pair, server, client);
	tls_pair_pump(pair);
}

static void
one_kind(bool tls12, bool rsa, bool with_cert, uint32_t slice)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, rsa ? certs.server_rsa : certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, with_cert ? certs.client : NULL);
	const struct ks_tls_peer *peer;
	struct tls_pair pair;

	if (tls12)
		tls_ctx_limit_12(client);
	tls_pair_init(&pair, server, client);
	pair.slice = slice;
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_open(&pair));
	CU_ASSERT_STRING_EQUAL(ks_tls_version(pair.server), tls12 ? "TLSv1.2" : "TLSv1.3");
	CU_ASSERT_STRING_EQUAL(ks_tls_version(pair.client), ks_tls_version(pair.server));
	CU_ASSERT_EQUAL(ks_tls_alpn(pair.server), KS_TLS_ALPN_HTTP11);
	CU_ASSERT_EQUAL(ks_tls_alpn(pair.client), KS_TLS_ALPN_HTTP11);
	CU_ASSERT_FALSE(ks_tls_resumed(pair.server));
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server), "");
	peer = ks_tls_peer(pair.server);
	CU_ASSERT_EQUAL(peer->verdict, with_cert ? KS_TLS_PEER_VERIFIED : KS_TLS_PEER_NONE);
	CU_ASSERT_STRING_EQUAL(peer->cn, with_cert ? "system:node:n1" : "");
	CU_ASSERT_EQUAL(peer->norgs, with_cert ? 2 : 0);

	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.client, 3000, 1), 0);
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 70000, 2), 0);
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 3000, 1));
	CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, 70000, 2));
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

static void
every_kind_of_handshake(void)
{
	for (int i = 0; i < 8; i++)
		one_kind(i & 1, i & 2, i & 4, 0);
}

static void
bytes_come_one_at_a_time(void)
{
	for (int i = 0; i < 4; i++)
		one_kind(i & 1, false, i & 2, 1);
	one_kind(false, true, true, 7);
}

static void
the_peer_is_told_in_words(void)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, certs.client);
	const struct ks_tls_peer *peer;
	struct tls_pair pair;

	shake(&pair, server, client);
	peer = ks_tls_peer(pair.server);
	CU_ASSERT_EQUAL(peer->verdict, KS_TLS_PEER_VERIFIED);
	CU_ASSERT_STRING_EQUAL(peer->orgs[0], "system:nodes");
	CU_ASSERT_STRING_EQUAL(peer->orgs[1], "site:a");
	CU_ASSERT_STRING_EQUAL(peer->serial, test_cert_serial(certs.client));
	CU_ASSERT_EQUAL(peer->not_after_s, TEST_CERT_END_S);
	CU_ASSERT_STRING_EQUAL(peer->reason, "");
	CU_ASSERT_EQUAL(ks_tls_peer(pair.client)->verdict, KS_TLS_PEER_NONE);
	/* Contexts may go first. */
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.client, 100, 9), 0);
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 100, 9));
	tls_pair_fini(&pair);
}

static struct ks_tls_ctx *
client_for(struct ks_str name, uint32_t alpn)
{
	struct ks_tls_client_params params = {
		.ca_pem = test_cert_pem(certs.ca), .server_name = name, .alpn = alpn};

	return ks_tls_client_ctx_create(&params, NULL);
}

static void
alpn_case(uint32_t server_alpn, uint32_t client_alpn, enum ks_tls_alpn want, bool ok)
{
	struct ks_tls_identity identity = tls_identity(certs.server);
	struct ks_tls_server_params params = {
		.identities = &identity, .nidentities = 1, .alpn = server_alpn};
	struct ks_tls_ctx *server = ks_tls_server_ctx_create(&params, NULL);
	struct ks_tls_ctx *client = client_for(KS_STR("api.test"), client_alpn);
	struct tls_pair pair;

	shake(&pair, server, client);
	CU_ASSERT_EQUAL(tls_pair_open(&pair), ok);
	if (ok) {
		CU_ASSERT_EQUAL(ks_tls_alpn(pair.server), want);
		CU_ASSERT_EQUAL(ks_tls_alpn(pair.client), want);
	} else {
		CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server), "no application protocol");
		CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.client),
				       "tlsv1 alert no application protocol");
	}
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

static void
alpn_is_agreed_in_our_order(void)
{
	const uint32_t h1 = KS_TLS_ALPN_HTTP11, h2 = KS_TLS_ALPN_H2;

	alpn_case(h1 | h2, h1 | h2, KS_TLS_ALPN_H2, true);
	alpn_case(h1, h1 | h2, KS_TLS_ALPN_HTTP11, true);
	alpn_case(h1 | h2, h1, KS_TLS_ALPN_HTTP11, true);
	alpn_case(h1 | h2, 0, KS_TLS_ALPN_NONE, true);
	alpn_case(0, h1 | h2, KS_TLS_ALPN_NONE, true);
	alpn_case(h1, h2, KS_TLS_ALPN_NONE, false);
	alpn_case(h2, h1, KS_TLS_ALPN_NONE, false);
}

/* Three identities; the name decides which one a client is shown, and only that one satisfies it.
 */
static void
sni_chooses_the_identity(void)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {{"api.test", true},   {"b.test", true},	  {"x.c.test", true},
		     {"10.0.0.1", true},   {"other.test", false}, {"c.test", false},
		     {"x.y.c.test", false}};
	struct test_cert_params b = {.cn = "b", .san = "DNS:b.test", .key = TEST_KEY_RSA2048};
	struct test_cert_params c = {.cn = "c", .san = "DNS:*.c.test"};
	struct test_cert *cert_b = test_cert_make(certs.ca, &b);
	struct test_cert *cert_c = test_cert_make(certs.ca, &c);
	struct ks_tls_identity identities[] = {tls_identity(certs.server), tls_identity(cert_b),
					       tls_identity(cert_c),
					       tls_identity(certs.server_rsa)};
	struct ks_tls_server_params params = {.identities = identities, .nidentities = 4};
	struct ks_tls_ctx *server = ks_tls_server_ctx_create(&params, NULL);

	for (size_t i = 0; i < KS_ARRAY_SIZE(cases); i++) {
		struct ks_str name = {cases[i].name, (uint32_t)strlen(cases[i].name)};
		struct ks_tls_ctx *client = client_for(name, 0);
		struct tls_pair pair;

		shake(&pair, server, client);
		CU_ASSERT_EQUAL(tls_pair_open(&pair), cases[i].ok);
		tls_pair_fini(&pair);
		ks_tls_ctx_destroy(client);
	}
	ks_tls_ctx_destroy(server);
	test_cert_free(cert_b);
	test_cert_free(cert_c);
}

static void
tls13_only_refuses_tls12(void)
{
	struct ks_tls_identity identity = tls_identity(certs.server);
	struct ks_tls_server_params params = {
		.identities = &identity, .nidentities = 1, .tls13_only = true};
	struct ks_tls_ctx *server = ks_tls_server_ctx_create(&params, NULL);
	struct ks_tls_ctx *client = client_for(KS_STR("api.test"), 0);
	struct tls_pair pair;

	shake(&pair, server, client);
	CU_ASSERT_TRUE(tls_pair_open(&pair));
	tls_pair_fini(&pair);
	tls_ctx_limit_12(client);
	shake(&pair, server, client);
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server), "unsupported protocol");
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.client), "tlsv1 alert protocol version");
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

/* Both directions of a connection as they crossed the wire. */
struct recording {
	uint8_t bytes[32768];
	uint32_t len;
};

static void
record(struct recording *rec, const struct ks_chain *chain)
{
	rec->len += ks_chain_peek(chain, 0, rec->bytes + rec->len,
				  (uint32_t)sizeof(rec->bytes) - rec->len);
}

static void
record_connection(struct recording *rec, struct ks_tls_ctx *server, struct ks_tls_ctx *client)
{
	struct tls_pair pair;

	tls_pair_init(&pair, server, client);
	for (int i = 0; i < 4; i++) {
		tls_pair_client_turn(&pair);
		if (i == 3)
			tls_pair_send(&pair, pair.client, 500, 3);
		record(rec, &pair.to_server);
		ks_chain_splice(&pair.server_in, &pair.to_server);
		tls_pair_server_turn(&pair);
		record(rec, &pair.to_client);
		ks_chain_splice(&pair.client_in, &pair.to_client);
	}
	CU_ASSERT_TRUE(tls_pair_open(&pair));
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 500, 3));
	tls_pair_fini(&pair);
}

/* A full handshake and a resumed one, each with data, all random numbers from `seed`. */
static struct recording *
record_seeded(uint64_t seed, bool tls12, bool rsa)
{
	struct recording *rec = calloc(1, sizeof(*rec));
	struct ks_tls_identity identity = tls_identity(rsa ? certs.server_rsa : certs.server);
	struct ks_tls_server_params sp = {.identities = &identity,
					  .nidentities = 1,
					  .client_ca_pem = test_cert_pem(certs.ca),
					  .verify_time_s = 1700000000};
	struct ks_tls_client_params cp = {.ca_pem = test_cert_pem(certs.ca),
					  .server_name = KS_STR("10.0.0.1"),
					  .identity = tls_identity(certs.client),
					  .verify_time_s = 1700000000};
	struct ks_tls_ctx *server, *client;

	ks_tls_random_seed(seed);
	server = ks_tls_server_ctx_create(&sp, NULL);
	client = ks_tls_client_ctx_create(&cp, NULL);
	if (tls12)
		tls_ctx_limit_12(client);
	record_connection(rec, server, client);
	record_connection(rec, server, client);
	ks_tls_random_seed(0);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	return rec;
}

static void
seed_case(bool tls12, bool rsa)
{
	struct recording *a, *b, *c, *d;

	a = record_seeded(42, tls12, rsa);
	clock_shift_s += 86399;
	b = record_seeded(42, tls12, rsa);
	c = record_seeded(43, tls12, rsa);
	d = record_seeded(0, tls12, rsa);
	CU_ASSERT(a->len > 2000 && a->len < sizeof(a->bytes));
	CU_ASSERT_EQUAL(a->len, b->len);
	CU_ASSERT_EQUAL(memcmp(a->bytes, b->bytes, a->len), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(a->bytes, c->bytes, a->len), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(a->bytes, d->bytes, a->len), 0);
	free(a);
	free(b);
	free(c);
	free(d);
}

static void
a_seed_repeats_every_byte(void)
{
	seed_case(false, false);
	seed_case(false, true);
	seed_case(true, false);
	seed_case(true, true);
}

/* A context that cannot work must not come to be, and says why. */
static void
bad_contexts_are_refused_in_words(void)
{
	struct ks_tls_identity good = tls_identity(certs.server);
	struct ks_tls_identity crossed = {test_cert_pem(certs.server),
					  test_cert_key_pem(certs.client)};
	struct ks_tls_identity garbage = {KS_STR("garbage"), KS_STR("garbage")};
	struct ks_tls_server_params p = {.identities = &good};
	struct ks_tls_error err;

	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	CU_ASSERT_STRING_EQUAL(err.text, "certificate: a server needs one");
	p.nidentities = 1;
	p.identities = &garbage;
	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no certificate in PEM form"));
	p.identities = &crossed;
	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "does not belong to the certificate"));
	p.identities = &good;
	p.client_ca_pem = KS_STR("no CA here");
	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "client CA"));
	p.client_ca_pem = test_cert_pem(certs.ca);
	p.crl_pem = KS_STR("no list here");
	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "CRL"));
	CU_ASSERT_PTR_NULL(client_for(KS_STR(""), 0));
	CU_ASSERT_PTR_NULL(client_for(KS_STR("a\0b"), 0));
}

static void
weak_keys_are_refused(void)
{
	struct test_cert_params weak = {.cn = "w", .san = "DNS:w.test", .key = TEST_KEY_RSA1024};
	struct test_cert *cert = test_cert_make(certs.ca, &weak);
	struct ks_tls_identity identities[] = {tls_identity(certs.server), tls_identity(cert)};
	struct ks_tls_server_params p = {.identities = identities + 1, .nidentities = 1};
	struct ks_tls_error err;

	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "key too small"));
	p.identities = identities;
	p.nidentities = 2;
	CU_ASSERT_PTR_NULL(ks_tls_server_ctx_create(&p, &err));
	test_cert_free(cert);
}

static const struct ks_test tests[] = {
	KS_TEST(every_kind_of_handshake),   KS_TEST(bytes_come_one_at_a_time),
	KS_TEST(the_peer_is_told_in_words), KS_TEST(alpn_is_agreed_in_our_order),
	KS_TEST(sni_chooses_the_identity),  KS_TEST(tls13_only_refuses_tls12),
	KS_TEST(a_seed_repeats_every_byte), KS_TEST(bad_contexts_are_refused_in_words),
	KS_TEST(weak_keys_are_refused),
};

int
main(void)
{
	int rc;

	tls_certs_make(&certs);
	rc = ks_test_run("tls handshake", tests, KS_ARRAY_SIZE(tests));
	tls_certs_free(&certs);
	return rc;
}
