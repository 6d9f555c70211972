/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does not belong on a TLS port, and TLS that is broken: each gets the alert that RFC 8446
 * (section 6.2) or 5246 prescribes, or none where the peer does not speak TLS, and one reason.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_test.h"
#include "pair.h"
#include "session.h"

static struct tls_certs certs;

#define NO_ALERT (-1)

/* The fatal alert in clear that ends `out`; NO_ALERT when there is nothing. */
static int
alert_of(const struct ks_chain *out)
{
	uint8_t last[7];

	if (out->len == 0)
		return NO_ALERT;
	if (out->len < 7 || ks_chain_peek(out, out->len - 7, last, 7) != 7)
		return -2;
	if (last[0] != 21 || last[1] != 3 || last[3] != 0 || last[4] != 2 || last[5] != 2)
		return -3;
	return last[6];
}

static void
server_init(struct tls_pair *pair, bool tls12)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);

	if (tls12)
		tls_ctx_limit_12(server);
	tls_pair_init(pair, server, NULL);
	ks_tls_ctx_destroy(server);
}

/* Gives `bytes` to a new server, whole and then byte by byte. */
static void
expect(const void *bytes, size_t n, const char *reason, int alert)
{
	for (int slow = 0; slow < 2; slow++) {
		struct tls_pair pair;

		server_init(&pair, false);
		for (size_t i = 0; i < n; i += slow ? 1 : n) {
			ks_chain_append(&pair.server_in, (const uint8_t *)bytes + i, slow ? 1 : n);
			CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		}
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_FAILED);
		CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server), reason);
		CU_ASSERT_EQUAL(alert_of(&pair.to_client), alert);
		CU_ASSERT_EQUAL(pair.server_got.len, 0);
		/* Nothing changes any more. */
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		CU_ASSERT_EQUAL(alert_of(&pair.to_client), alert);
		tls_pair_fini(&pair);
	}
}

static void
plain_http_is_recognised(void)
{
	static const char *const heads[] = {
		"GET /api/v1/pods HTTP/1.1\r\nHost: a\r\n\r\n",
		"HEAD / HTTP/1.0\r\n\r\n",
		"POST /api HTTP/1.1\r\n",
		"PUT /api HTTP/1.1\r\n",
		"PATCH /api HTTP/1.1\r\n",
		"DELETE /api HTTP/1.1\r\n",
		"OPTIONS * HTTP/1.1\r\n",
		"CONNECT a:443 HTTP/1.1\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(heads); i++)
		expect(heads[i], strlen(heads[i]), "http request", NO_ALERT);
}

static void
what_is_no_tls_gets_no_alert(void)
{
	expect("SSH-2.0-OpenSSH_9.2\r\n", 21, "wrong version number", NO_ALERT);
	expect("\0\0\0\0\0\0\0\0", 8, "wrong version number", NO_ALERT);
	expect("\xff\xff\xff\xff\xff\xff", 6, "wrong version number", NO_ALERT);
}

static void
old_and_odd_hellos_are_refused(void)
{
	/* SSL 2 form: length, type 1, version 3.3, one suite, no session, 16 bytes of challenge. */
	static const uint8_t ssl2[] = {0x80, 28, 1, 3, 3, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f, 1, 2, 3};
	static const uint8_t no_hello[] = {22, 3, 1, 0, 4, 11, 0, 0, 0};
	static const uint8_t data_first[] = {23, 3, 3, 0, 1, 0};
	static const uint8_t too_long[] = {22, 3, 1, 0x50, 0, 1, 0, 0, 0};
	static const uint8_t empty_hello[] = {22, 3, 1, 0, 4, 1, 0, 0, 0};

	expect(ssl2, sizeof(ssl2), "unsupported protocol", 70);
	expect(no_hello, sizeof(no_hello), "unexpected message", 10);
	expect(data_first, sizeof(data_first), "unexpected message", 10);
	expect(too_long, sizeof(too_long), "packet length too long", 22);
	expect(empty_hello, sizeof(empty_hello), "length too short", 50);
}

/* A hello that only claims to be large must not get memory for it, however it is cut up. */
static void
a_huge_hello_is_refused_at_its_header(void)
{
	static const uint8_t whole[] = {22, 3, 1, 0, 4, 1, 0, 0x40, 1};
	static const uint8_t split[] = {22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 0, 22,
					3,  1, 0, 2, 2, 0, 22, 3, 1, 0, 1, 0};
	static const uint8_t alert_between[] = {22, 3, 1, 0, 1, 1, 21, 3, 1, 0, 2, 1, 0};

	expect(whole, sizeof(whole), "excessive message size", 47);
	expect(split, sizeof(split), "excessive message size", 47);
	expect(alert_between, sizeof(alert_between), "unexpected message", 10);
}

/* A client's first flight, to be spoilt. */
static uint32_t
hello_bytes(uint8_t *to, uint32_t cap, bool tls12)
{
	struct ks_tls_ctx *client = tls_client_ctx(&certs, NULL);
	struct tls_pair pair;
	uint32_t n;

	if (tls12)
		tls_ctx_limit_12(client);
	tls_pair_init(&pair, NULL, client);
	tls_pair_client_turn(&pair);
	n = ks_chain_peek(&pair.to_server, 0, to, cap);
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(client);
	return n;
}

/* The hello in records of `part` bytes each goes through, because it is small enough. */
static void
a_fragmented_hello_is_taken(void)
{
	uint8_t hello[2048];
	uint32_t n = hello_bytes(hello, sizeof(hello), false);

	for (uint32_t part = 1; part < 6; part++) {
		struct tls_pair pair;

		server_init(&pair, false);
		for (uint32_t off = 5; off < n; off += part) {
			uint32_t len = KS_MIN(part, n - off);
			uint8_t header[] = {22, 3, 1, 0, (uint8_t)len};

			ks_chain_append(&pair.server_in, header, sizeof(header));
			ks_chain_append(&pair.server_in, hello + off, len);
		}
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_HANDSHAKE);
		CU_ASSERT(pair.to_client.len > 500);
		tls_pair_fini(&pair);
	}
}

/* Offers a group in its key share that we do not have first: HelloRetryRequest, a second hello. */
static void
a_second_huge_hello_is_refused(void)
{
	static const uint8_t huge[] = {22, 3, 3, 0, 4, 1, 1, 0, 0};
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, NULL);
	struct tls_pair pair;

	SSL_CTX_set1_groups_list(server->ssl, "P-384");
	for (int spoil = 0; spoil < 2; spoil++) {
		tls_pair_init(&pair, server, client);
		tls_pair_client_turn(&pair);
		ks_chain_splice(&pair.server_in, &pair.to_server);
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		CU_ASSERT_EQUAL(pair.server->hellos, 1);
		if (spoil) {
			ks_chain_append(&pair.server_in, huge, sizeof(huge));
			CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
			CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server),
					       "excessive message size");
			CU_ASSERT_EQUAL(alert_of(&pair.to_client), 47);
		} else {
			tls_pair_pump(&pair);
			CU_ASSERT_TRUE(tls_pair_open(&pair));
			CU_ASSERT_EQUAL(pair.server->hellos, 2);
		}
		tls_pair_fini(&pair);
	}
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

static void
cut_hellos_only_wait(void)
{
	uint8_t hello[2048];
	uint32_t n = hello_bytes(hello, sizeof(hello), false);

	for (uint32_t cut = 0; cut < n; cut++) {
		struct tls_pair pair;

		server_init(&pair, false);
		ks_chain_append(&pair.server_in, hello, cut);
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_HANDSHAKE);
		CU_ASSERT_EQUAL(pair.to_client.len, 0);
		/* Half a record is nobody's yet: it waits in the counted pool. */
		CU_ASSERT_EQUAL(pair.server_in.len, cut);
		tls_pair_fini(&pair);
	}
}

/* Every byte of a hello spoilt in turn: the server goes on or fails with an alert, never else. */
static void
spoilt_hellos_fail_cleanly(void)
{
	uint8_t hello[2048];

	for (int tls12 = 0; tls12 < 2; tls12++) {
		uint32_t n = hello_bytes(hello, sizeof(hello), tls12);

		for (uint32_t i = 5; i < n; i++) {
			struct tls_pair pair;

			server_init(&pair, false);
			hello[i] ^= 0xff;
			ks_chain_append(&pair.server_in, hello, n);
			hello[i] ^= 0xff;
			CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
			if (ks_tls_state(pair.server) == KS_TLS_FAILED) {
				CU_ASSERT(alert_of(&pair.to_client) > 0);
				CU_ASSERT_STRING_NOT_EQUAL(ks_tls_reason(pair.server), "");
			}
			tls_pair_fini(&pair);
		}
	}
}

/* The client's second flight of TLS 1.2 with the byte at `at` spoilt: certificates and all in
 * clear.
 * @return how long the flight is. */
static uint32_t
spoil_flight(struct ks_tls_ctx *server, struct ks_tls_ctx *client, uint32_t at)
{
	struct tls_pair pair;
	uint32_t len;
	uint8_t *byte;

	tls_pair_init(&pair, server, client);
	tls_pair_client_turn(&pair);
	ks_chain_splice(&pair.server_in, &pair.to_server);
	tls_pair_server_turn(&pair);
	ks_chain_splice(&pair.client_in, &pair.to_client);
	tls_pair_client_turn(&pair);
	byte = (uint8_t *)(uintptr_t)ks_chain_front(&pair.to_server, &len);
	CU_ASSERT_FATAL(len == pair.to_server.len && len > at);
	byte[at] ^= 0x55;
	tls_pair_pump(&pair);
	CU_ASSERT_NOT_EQUAL(ks_tls_state(pair.server), KS_TLS_OPEN);
	CU_ASSERT_NOT_EQUAL(ks_tls_state(pair.client), KS_TLS_OPEN);
	tls_pair_fini(&pair);
	return len;
}

static void
spoilt_handshakes_never_open(void)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, certs.client);

	tls_ctx_limit_12(client);
	for (uint32_t at = 0, len = 1; at < len; at += 2)
		len = spoil_flight(server, client, at) - 1;
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

/* An alert under keys: not readable here, but the client reads it. */
static void
spoilt_record(bool tls12)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, NULL);
	struct tls_pair pair;
	uint32_t room;
	uint8_t *byte;

	if (tls12)
		tls_ctx_limit_12(client);
	tls_pair_init(&pair, server, client);
	tls_pair_pump(&pair);
	tls_pair_send(&pair, pair.client, 100, 1);
	tls_pair_send(&pair, pair.client, 100, 2);
	byte = (uint8_t *)(uintptr_t)ks_chain_front(&pair.to_server, &room);
	CU_ASSERT_EQUAL(room, pair.to_server.len);
	byte[room - 20] ^= 1;
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_FAILED);
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server), "decryption failed or bad record mac");
	/* What came before it counts. */
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 100, 1));
	CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_FAILED);
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.client), "sslv3 alert bad record mac");
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 1, 1), -EPROTO);
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

static void
spoilt_records_fail_with_an_alert(void)
{
	spoilt_record(false);
	spoilt_record(true);
}

/* The alert must get out even when there is no chunk at the moment of failure. */
static bool
always(void *arg)
{
	return true;
}

static void
the_alert_waits_for_a_chunk(void)
{
	static const uint8_t bad[][9] = {{22, 3, 1, 0, 4, 1, 0, 0x40, 1},
					 {22, 3, 1, 0, 4, 1, 0, 0, 0}};
	static const int alerts[] = {47, 50};

	for (int i = 0; i < 2; i++) {
		struct tls_pair pair;

		server_init(&pair, false);
		ks_chain_append(&pair.server_in, bad[i], sizeof(bad[i]));
		ks_pool_fail_set(pair.pool, always, NULL);
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), -ENOBUFS);
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_FAILED);
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), -ENOBUFS);
		ks_pool_fail_set(pair.pool, NULL, NULL);
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		CU_ASSERT_EQUAL(alert_of(&pair.to_client), alerts[i]);
		CU_ASSERT_EQUAL(pair.to_client.len, 7);
		tls_pair_fini(&pair);
	}
}

/* More certificate than any client has: refused by its length. */
static void
certificates_are_bounded(void)
{
	struct test_cert_params p = {.cn = "u", .eku = TEST_EKU_CLIENT, .key = TEST_KEY_RSA2048};
	struct test_cert *leaf = test_cert_make(certs.ca, &p);
	struct ks_str pem = test_cert_pem(leaf);
	struct ks_tls_client_params cp = {.ca_pem = test_cert_pem(certs.ca),
					  .server_name = KS_STR("api.test"),
					  .identity = tls_identity(leaf)};
	char *chain = malloc(pem.n * 64u + 1);
	struct ks_tls_ctx *server, *client;
	struct tls_pair pair;

	for (uint32_t i = 0; i < 64; i++)
		memcpy(chain + i * pem.n, pem.p, pem.n + 1);
	cp.identity.chain_pem = (struct ks_str){chain, pem.n * 64};
	client = ks_tls_client_ctx_create(&cp, NULL);
	server = tls_server_ctx(&certs, certs.server);
	tls_pair_init(&pair, server, client);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_FAILED);
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server), "excessive message size");
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	test_cert_free(leaf);
	free(chain);
}

/* Servers that are none, towards our client. */
static void
clients_meet_strange_servers(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *reason;
	} cases[] = {
		{"HTTP/1.1 400 Bad Request\r\n\r\n", 28, "wrong version number"},
		{"\x15\x03\x03\0\x02\x02\x28", 7, "sslv3 alert handshake failure"},
		{"\x15\x03\x03\0\x02\x01\x00", 7, "closed in the handshake"},
		{"\x16\x03\x03\0\x04\x02\xff\xff\xff", 9, "excessive message size"},
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(cases); i++) {
		struct ks_tls_ctx *client = tls_client_ctx(&certs, NULL);
		struct tls_pair pair;

		tls_pair_init(&pair, NULL, client);
		ks_tls_ctx_destroy(client);
		tls_pair_client_turn(&pair);
		ks_chain_append(&pair.client_in, cases[i].bytes, cases[i].n);
		CU_ASSERT_EQUAL(tls_pair_client_turn(&pair), 0);
		CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_FAILED);
		CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.client), cases[i].reason);
		tls_pair_fini(&pair);
	}
}

/* Records that the rules of TLS 1.3 tell to ignore, without end (RFC 8446 section 5). */
static void
a_flood_within_the_handshake_ends(void)
{
	static const uint8_t ccs[] = {20, 3, 3, 0, 1, 1};
	uint8_t hello[2048];
	uint32_t n = hello_bytes(hello, sizeof(hello), false);
	struct tls_pair pair;

	server_init(&pair, false);
	ks_chain_append(&pair.server_in, hello, n);
	for (int i = 0; i < 20000; i++)
		ks_chain_append(&pair.server_in, ccs, sizeof(ccs));
	CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
	CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_FAILED);
	CU_ASSERT(pair.server_in.len > 20000);
	tls_pair_fini(&pair);
}

static const struct ks_test tests[] = {
	KS_TEST(plain_http_is_recognised),	 KS_TEST(what_is_no_tls_gets_no_alert),
	KS_TEST(old_and_odd_hellos_are_refused), KS_TEST(a_huge_hello_is_refused_at_its_header),
	KS_TEST(a_fragmented_hello_is_taken),	 KS_TEST(a_second_huge_hello_is_refused),
	KS_TEST(cut_hellos_only_wait),		 KS_TEST(spoilt_hellos_fail_cleanly),
	KS_TEST(spoilt_handshakes_never_open),	 KS_TEST(spoilt_records_fail_with_an_alert),
	KS_TEST(the_alert_waits_for_a_chunk),	 KS_TEST(certificates_are_bounded),
	KS_TEST(clients_meet_strange_servers),	 KS_TEST(a_flood_within_the_handshake_ends),
};

int
main(void)
{
	int rc;

	tls_certs_make(&certs);
	rc = ks_test_run("tls bad", tests, KS_ARRAY_SIZE(tests));
	tls_certs_free(&certs);
	return rc;
}
