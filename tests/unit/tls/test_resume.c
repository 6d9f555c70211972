/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumption: names come back, keys rotate, and no ticket outlives what it stands for.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "ctx.h"
#include "ks_test.h"
#include "pair.h"

static struct tls_certs certs;
static time_t clock_shift_s;

/* Stands before the C library's, OpenSSL's calls included. */
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

/* One connection with data both ways. @return what the server knows of the client. */
static struct ks_tls_peer
connect_once(struct ks_tls_ctx *server, struct ks_tls_ctx *client, bool want_resumed)
{
	struct ks_tls_peer peer;
	struct tls_pair pair;

	tls_pair_init(&pair, server, client);
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_open(&pair));
	CU_ASSERT_EQUAL(ks_tls_resumed(pair.server), want_resumed);
	CU_ASSERT_EQUAL(ks_tls_resumed(pair.client), want_resumed);
	tls_pair_send(&pair, pair.client, 400, 1);
	tls_pair_send(&pair, pair.server, 400, 2);
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 400, 1));
	CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, 400, 2));
	peer = *ks_tls_peer(pair.server);
	tls_pair_fini(&pair);
	return peer;
}

static void
names_come_back(bool tls12, bool with_cert)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, with_cert ? certs.client : NULL);
	struct ks_tls_peer first, again;

	if (tls12)
		tls_ctx_limit_12(client);
	first = connect_once(server, client, false);
	for (int i = 0; i < 3; i++) {
		again = connect_once(server, client, true);
		CU_ASSERT_EQUAL(memcmp(&first, &again, sizeof(first)), 0);
	}
	CU_ASSERT_STRING_EQUAL(again.cn, with_cert ? "system:node:n1" : "");
	CU_ASSERT_EQUAL(again.verdict, with_cert ? KS_TLS_PEER_VERIFIED : KS_TLS_PEER_NONE);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

static void
resumption_keeps_the_names(void)
{
	for (int i = 0; i < 4; i++)
		names_come_back(i & 1, i & 2);
}

/* A reload makes a new context, with another CA or CRL perhaps: old tickets are worth nothing
 * there. */
static void
a_new_context_wants_a_full_handshake(void)
{
	struct ks_tls_ctx *old = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *new = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, certs.client);

	connect_once(old, client, false);
	connect_once(old, client, true);
	connect_once(new, client, false);
	connect_once(new, client, true);
	ks_tls_ctx_destroy(old);
	ks_tls_ctx_destroy(new);
	ks_tls_ctx_destroy(client);
}

static void
ticket_keys_rotate(bool tls12)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *early = tls_client_ctx(&certs, certs.client);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, certs.client);
	uint8_t first[16], second[16];

	if (tls12) {
		tls_ctx_limit_12(early);
		tls_ctx_limit_12(client);
	}
	connect_once(server, early, false);
	memcpy(first, server->tickets.current.name, sizeof(first));
	clock_shift_s += KS_TLS_TICKET_LIFE_S - 60;
	connect_once(server, client, false);
	/* The key has turned, its tickets are still read; but not those that have aged. */
	clock_shift_s += 120;
	connect_once(server, client, true);
	connect_once(server, early, false);
	memcpy(second, server->tickets.current.name, sizeof(second));
	CU_ASSERT_EQUAL(memcmp(first, second, 8), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(first, second, sizeof(first)), 0);
	CU_ASSERT_EQUAL(memcmp(first, server->tickets.previous.name, sizeof(first)), 0);
	/* Long silence: both keys are gone, and wiped. */
	clock_shift_s += 3 * KS_TLS_TICKET_LIFE_S;
	connect_once(server, client, false);
	CU_ASSERT_EQUAL(server->tickets.previous.since_s, 0);
	connect_once(server, client, true);
	ks_tls_ctx_destroy(early);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

static void
ticket_keys_rotate_and_end(void)
{
	ticket_keys_rotate(false);
	ticket_keys_rotate(true);
}

/* The ticket would still be good, the certificate is not. */
static void
an_ended_certificate_is_not_resumed(void)
{
	struct test_cert_params p = {.cn = "short", .eku = TEST_EKU_CLIENT};
	struct test_cert *leaf;
	struct ks_tls_ctx *server, *client;
	struct ks_tls_peer peer;

	p.end_s = time(NULL) + 100;
	leaf = test_cert_make(certs.ca, &p);
	server = tls_server_ctx(&certs, certs.server);
	client = tls_client_ctx(&certs, leaf);
	connect_once(server, client, false);
	peer = connect_once(server, client, true);
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_VERIFIED);
	clock_shift_s += 200;
	peer = connect_once(server, client, false);
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	CU_ASSERT_STRING_EQUAL(peer.reason, "certificate has expired");
	/* Nor is the refusal resumed. */
	peer = connect_once(server, client, false);
	CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	test_cert_free(leaf);
}

static void
a_refused_client_is_looked_at_each_time(void)
{
	struct test_cert_params p = {.cn = "wrong", .eku = TEST_EKU_SERVER};
	struct test_cert *leaf = test_cert_make(certs.ca, &p);

	for (int tls12 = 0; tls12 < 2; tls12++) {
		struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
		struct ks_tls_ctx *client = tls_client_ctx(&certs, leaf);

		if (tls12)
			tls_ctx_limit_12(client);
		for (int i = 0; i < 3; i++) {
			struct ks_tls_peer peer = connect_once(server, client, false);

			CU_ASSERT_EQUAL(peer.verdict, KS_TLS_PEER_REFUSED);
		}
		ks_tls_ctx_destroy(server);
		ks_tls_ctx_destroy(client);
	}
	test_cert_free(leaf);
}

/* The client's side: a remembered session does not outlive the server's certificate. */
static void
an_ended_server_is_not_resumed(void)
{
	struct test_cert_params p = {.cn = "s",
				     .san = "DNS:api.test",
				     .eku = TEST_EKU_SERVER,
				     .end_s = time(NULL) + 100};
	struct test_cert *leaf = test_cert_make(certs.ca, &p);
	struct ks_tls_ctx *server = tls_server_ctx(&certs, leaf);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, NULL);
	struct tls_pair pair;

	connect_once(server, client, false);
	connect_once(server, client, true);
	clock_shift_s += 200;
	tls_pair_init(&pair, server, client);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_FAILED);
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.client), "certificate has expired");
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	test_cert_free(leaf);
}

/* A connection that broke off must not take the remembered session with it. */
static void
broken_connections_do_not_forget(void)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, NULL);
	struct ks_tls *many[8];

	connect_once(server, client, false);
	for (size_t i = 0; i < KS_ARRAY_SIZE(many); i++)
		many[i] = ks_tls_create(client);
	for (size_t i = 0; i < KS_ARRAY_SIZE(many); i++)
		ks_tls_destroy(many[i]);
	connect_once(server, client, true);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

/* Virtual time in both contexts: years apart from the machine's, and resumption works all the same.
 */
static void
simulated_time_resumes(void)
{
	struct ks_tls_identity identity = tls_identity(certs.server);
	struct ks_tls_server_params sp = {
		.identities = &identity, .nidentities = 1, .verify_time_s = 1600000000};
	struct ks_tls_client_params cp = {.ca_pem = test_cert_pem(certs.ca),
					  .server_name = KS_STR("api.test"),
					  .verify_time_s = 1600000000};
	struct ks_tls_ctx *server = ks_tls_server_ctx_create(&sp, NULL);
	struct ks_tls_ctx *client = ks_tls_client_ctx_create(&cp, NULL);

	connect_once(server, client, false);
	clock_shift_s += 1000000;
	connect_once(server, client, true);
	connect_once(server, client, true);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

/* ---- several workers ---- */

struct worker {
	pthread_t thread;
	struct ks_tls_ctx *server;
	struct ks_tls_ctx *client;
	uint32_t resumed;
	uint32_t verified;
};

#define WORKERS 4
#define ROUNDS 40

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct tls_pair pair;

		tls_pair_init(&pair, w->server, w->client);
		tls_pair_pump(&pair);
		w->resumed += tls_pair_open(&pair) && ks_tls_resumed(pair.server);
		w->verified += ks_tls_peer(pair.server)->verdict == KS_TLS_PEER_VERIFIED;
		tls_pair_fini(&pair);
	}
	return NULL;
}

/* One context for all: tickets are made and the session is remembered by all at once. */
static void
contexts_are_shared_by_threads(void)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, certs.client);
	struct worker workers[WORKERS] = {0};

	for (int i = 0; i < WORKERS; i++) {
		workers[i].server = server;
		workers[i].client = client;
		CU_ASSERT_EQUAL(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		CU_ASSERT_EQUAL(workers[i].verified, ROUNDS);
		/* Only those that began before the first ticket came had to do without. */
		CU_ASSERT(workers[i].resumed >= ROUNDS - 1);
	}
	CU_ASSERT_EQUAL(server->refs, 1);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

static const struct ks_test tests[] = {
	KS_TEST(resumption_keeps_the_names),
	KS_TEST(a_new_context_wants_a_full_handshake),
	KS_TEST(ticket_keys_rotate_and_end),
	KS_TEST(an_ended_certificate_is_not_resumed),
	KS_TEST(a_refused_client_is_looked_at_each_time),
	KS_TEST(an_ended_server_is_not_resumed),
	KS_TEST(broken_connections_do_not_forget),
	KS_TEST(simulated_time_resumes),
	KS_TEST(contexts_are_shared_by_threads),
};

int
main(void)
{
	int rc;

	tls_certs_make(&certs);
	rc = ks_test_run("tls resume", tests, KS_ARRAY_SIZE(tests));
	tls_certs_free(&certs);
	return rc;
}
