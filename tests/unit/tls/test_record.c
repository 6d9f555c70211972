/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: transfers byte for byte, limits on plaintext, want of chunks at every point, the end of
 * a connection, and records that carry nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_test.h"
#include "pair.h"
#include "session.h"

static struct tls_certs certs;

static void
open_pair(struct tls_pair *pair, bool tls12)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, NULL);

	if (tls12)
		tls_ctx_limit_12(client);
	tls_pair_init(pair, server, client);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	tls_pair_pump(pair);
	CU_ASSERT_TRUE(tls_pair_open(pair));
}

/* Records in a chain of ciphertext. */
static uint32_t
count_records(const struct ks_chain *chain)
{
	uint32_t off = 0, n = 0;
	uint8_t h[5];

	while (ks_chain_peek(chain, off, h, 5) == 5) {
		off += 5u + ((uint32_t)h[3] << 8 | h[4]);
		n++;
	}
	CU_ASSERT_EQUAL(off, chain->len);
	return n;
}

static void
all_sizes_arrive(void)
{
	static const uint32_t sizes[] = {1,	100,   2031,  2032,  2033,   4064,  16383,
					 16384, 16385, 20000, 65536, 100000, 500000};

	for (int tls12 = 0; tls12 < 2; tls12++) {
		struct tls_pair pair;

		open_pair(&pair, tls12);
		for (size_t i = 0; i < KS_ARRAY_SIZE(sizes); i++) {
			uint32_t n = sizes[i];

			CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, n, (uint8_t)i), 0);
			CU_ASSERT_EQUAL(count_records(&pair.to_client), (n + 16383) / 16384);
			CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.client, n, (uint8_t)(i + 1)), 0);
			tls_pair_pump(&pair);
			CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, n, (uint8_t)i));
			CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, n, (uint8_t)(i + 1)));
		}
		CU_ASSERT_EQUAL(ks_pool_free_count(pair.pool), 1024);
		tls_pair_fini(&pair);
	}
}

static void
a_large_transfer_arrives(void)
{
	struct tls_pair pair;

	open_pair(&pair, false);
	pair.slice = 1460;
	for (uint8_t i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 800000, i), 0);
		tls_pair_pump(&pair);
		CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, 800000, i));
	}
	tls_pair_fini(&pair);
}

/* The reader takes what it may; the rest is kept, first inside and then in `in`. */
static void
plaintext_is_limited(void)
{
	struct ks_chain taken;
	struct tls_pair pair;
	int rounds = 0;

	open_pair(&pair, false);
	tls_pair_send(&pair, pair.client, 40000, 5);
	ks_chain_splice(&pair.server_in, &pair.to_server);
	ks_chain_init(&taken, pair.pool);
	pair.plain_max = 1000;
	while (taken.len < 40000 && rounds++ < 100) {
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		CU_ASSERT(pair.server_got.len <= 1000);
		/* Whole records are opened one at a time: two wait closed, one is in work. */
		CU_ASSERT_EQUAL(ks_tls_pending(pair.server),
				(taken.len + pair.server_got.len) % 16384 != 0 &&
					taken.len + pair.server_got.len < 40000);
		ks_chain_splice(&taken, &pair.server_got);
	}
	CU_ASSERT_EQUAL(rounds, 40);
	CU_ASSERT_TRUE(tls_pair_got(&taken, 40000, 5));
	tls_pair_fini(&pair);
}

static void
nothing_is_taken_before_a_record_is_whole(void)
{
	struct tls_pair pair;
	uint32_t len;

	open_pair(&pair, false);
	tls_pair_send(&pair, pair.client, 10000, 7);
	len = pair.to_server.len;
	ks_chain_move(&pair.server_in, &pair.to_server, len - 1);
	CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
	CU_ASSERT_EQUAL(pair.server_in.len, len - 1);
	CU_ASSERT_FALSE(ks_tls_pending(pair.server));
	ks_chain_splice(&pair.server_in, &pair.to_server);
	CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
	CU_ASSERT_EQUAL(pair.server_in.len, 0);
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 10000, 7));
	tls_pair_fini(&pair);
}

/* ---- want of chunks ---- */

struct injection {
	uint64_t calls;
	uint64_t at;	 /* the call that fails, counted from 0 */
	uint32_t times;	 /* and how many after it */
	uint32_t random; /* of 256 calls, so many fail; 0: none */
	uint64_t state;
};

static bool
inject(void *arg)
{
	struct injection *inj = arg;
	uint64_t call = inj->calls++;

	inj->state = inj->state * 6364136223846793005u + 1442695040888963407u;
	return (call >= inj->at && call - inj->at < inj->times) ||
	       (inj->state >> 40 & 255) < inj->random;
}

/* Handshake, data both ways, close: the same story under all injections. @return gets from the
 * pool. */
static uint64_t
story(struct injection *inj, bool tls12)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, certs.client);
	struct tls_pair pair;

	if (tls12)
		tls_ctx_limit_12(client);
	tls_pair_init(&pair, server, client);
	ks_pool_fail_set(pair.pool, inject, inj);
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_open(&pair));
	CU_ASSERT_STRING_EQUAL(ks_tls_peer(pair.server)->cn, "system:node:n1");
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.client, 900, 1), 0);
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 23000, 2), 0);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.client, 40, 3), 0);
	ks_tls_shutdown(pair.client, &pair.to_server);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_CLOSED);
	ks_pool_fail_set(pair.pool, NULL, NULL);
	CU_ASSERT_EQUAL(pair.server_got.len, 940);
	ks_chain_move(&pair.to_client, &pair.server_got, 900);
	CU_ASSERT_TRUE(tls_pair_got(&pair.to_client, 900, 1));
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 40, 3));
	CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, 23000, 2));
	CU_ASSERT_EQUAL(ks_pool_free_count(pair.pool), 1024);
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
	return inj->calls;
}

static void
chunks_run_out_at_every_point(void)
{
	static const uint32_t times[] = {1, 2, 5, 20};

	for (int tls12 = 0; tls12 < 2; tls12++) {
		struct injection none = {.times = 0};
		uint64_t calls = story(&none, tls12);

		CU_ASSERT(calls > 20);
		for (size_t t = 0; t < KS_ARRAY_SIZE(times); t++)
			for (uint64_t at = 0; at < calls; at += 1 + (t > 1)) {
				struct injection inj = {.at = at, .times = times[t]};

				story(&inj, tls12);
			}
	}
}

static void
chunks_run_out_at_random(void)
{
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct injection inj = {.state = seed, .random = 32 + (uint32_t)(seed % 6) * 32};

		story(&inj, seed & 1);
	}
}

/* What was asked for while half a record was out comes after the record. */
static void
shutdown_waits_for_the_record(void)
{
	struct ks_chain plain, hog;
	struct tls_pair pair;
	uint8_t byte = 'x';

	open_pair(&pair, false);
	ks_chain_init(&plain, pair.pool);
	for (int i = 0; i < 16384; i++)
		ks_chain_append(&plain, &byte, 1);
	ks_chain_init(&hog, pair.pool);
	while (ks_pool_free_count(pair.pool) > 3)
		ks_chain_append(&hog, &byte, 1);
	CU_ASSERT_EQUAL(ks_tls_output(pair.server, &plain, &pair.to_client), -ENOBUFS);
	CU_ASSERT_EQUAL(pair.to_client.len, 3 * KS_CHUNK_BYTES);
	CU_ASSERT_EQUAL(plain.len, 16384);
	ks_tls_shutdown(pair.server, &pair.to_client);
	CU_ASSERT_EQUAL(ks_tls_output(pair.server, &plain, &pair.to_client), -ENOBUFS);
	ks_chain_clear(&hog);
	CU_ASSERT_EQUAL(ks_tls_output(pair.server, &plain, &pair.to_client), 0);
	CU_ASSERT_EQUAL(plain.len, 0);
	CU_ASSERT_EQUAL(count_records(&pair.to_client), 2);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(pair.client_got.len, 16384);
	CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_CLOSED);
	tls_pair_fini(&pair);
}

/* Half a record is out; what the peer sends meanwhile is read, a KeyUpdate that wants an answer
 * too. */
static void
reading_goes_on_while_a_record_is_stuck(void)
{
	struct ks_chain plain, hog;
	struct tls_pair pair;
	uint8_t byte = 'x';

	open_pair(&pair, false);
	SSL_key_update(pair.client->openssl.ssl, SSL_KEY_UPDATE_REQUESTED);
	tls_pair_send(&pair, pair.client, 1000, 4);
	ks_chain_splice(&pair.server_in, &pair.to_server);
	ks_chain_init(&plain, pair.pool);
	for (int i = 0; i < 30000; i++)
		ks_chain_append(&plain, &byte, 1);
	ks_chain_init(&hog, pair.pool);
	while (ks_pool_free_count(pair.pool) > 2)
		ks_chain_append(&hog, &byte, 1);
	CU_ASSERT_EQUAL(ks_tls_output(pair.server, &plain, &pair.to_client), -ENOBUFS);
	CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), -ENOBUFS);
	ks_chain_clear(&hog);
	CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
	CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 1000, 4));
	CU_ASSERT_EQUAL(plain.len, 30000);
	CU_ASSERT_EQUAL(ks_tls_output(pair.server, &plain, &pair.to_client), 0);
	CU_ASSERT_EQUAL(plain.len, 0);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(pair.client_got.len, 30000);
	ks_chain_clear(&pair.client_got);
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 500, 5), 0);
	tls_pair_pump(&pair);
	CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, 500, 5));
	tls_pair_fini(&pair);
}

/* Without a single chunk the close_notify waits and goes with the next call. */
static void
close_notify_is_not_lost(void)
{
	struct injection inj = {.times = UINT32_MAX};
	struct ks_chain empty;
	struct tls_pair pair;

	open_pair(&pair, false);
	ks_chain_init(&empty, pair.pool);
	ks_pool_fail_set(pair.pool, inject, &inj);
	ks_tls_shutdown(pair.server, &pair.to_client);
	CU_ASSERT_EQUAL(pair.to_client.len, 0);
	CU_ASSERT_EQUAL(ks_tls_output(pair.server, &empty, &pair.to_client), -ENOBUFS);
	ks_pool_fail_set(pair.pool, NULL, NULL);
	CU_ASSERT_EQUAL(ks_tls_output(pair.server, &empty, &pair.to_client), 0);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_CLOSED);
	tls_pair_fini(&pair);
}

/* ---- the end ---- */

static void
closing_is_told_from_truncation(void)
{
	for (int tls12 = 0; tls12 < 2; tls12++) {
		struct tls_pair pair;

		open_pair(&pair, tls12);
		tls_pair_send(&pair, pair.client, 300, 1);
		tls_pair_pump(&pair);
		/* A FIN now would be a truncation: the state says so. */
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_OPEN);
		tls_pair_send(&pair, pair.client, 200, 2);
		ks_tls_shutdown(pair.client, &pair.to_server);
		ks_tls_shutdown(pair.client, &pair.to_server);
		CU_ASSERT_EQUAL(count_records(&pair.to_server), 2);
		tls_pair_pump(&pair);
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_CLOSED);
		CU_ASSERT_EQUAL(pair.server_got.len, 500);
		/* Half-close: the other direction goes on. */
		CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 5000, 3), 0);
		ks_tls_shutdown(pair.server, &pair.to_client);
		tls_pair_pump(&pair);
		CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, 5000, 3));
		CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_CLOSED);
		/* After our own close_notify there is nothing more to say. */
		CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 1, 4), -EPROTO);
		CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_CLOSED);
		ks_chain_append(&pair.server_in, "late", 4);
		CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
		CU_ASSERT_EQUAL(pair.server_in.len, 0);
		tls_pair_fini(&pair);
	}
}

static void
output_needs_an_open_session(void)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct tls_pair pair;

	tls_pair_init(&pair, server, NULL);
	ks_tls_ctx_destroy(server);
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 10, 0), -EPROTO);
	ks_tls_shutdown(pair.server, &pair.to_client);
	CU_ASSERT_EQUAL(pair.to_client.len, 0);
	CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_HANDSHAKE);
	tls_pair_fini(&pair);
}

/* ---- records without data ---- */

static void
keys_are_updated_both_ways(void)
{
	struct tls_pair pair;

	open_pair(&pair, false);
	for (int i = 0; i < 10; i++) {
		SSL_key_update(pair.client->openssl.ssl, SSL_KEY_UPDATE_REQUESTED);
		CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.client, 100, 1), 0);
		tls_pair_pump(&pair);
		CU_ASSERT_TRUE(tls_pair_got(&pair.server_got, 100, 1));
		CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.server, 3000, 2), 0);
		tls_pair_pump(&pair);
		CU_ASSERT_TRUE(tls_pair_got(&pair.client_got, 3000, 2));
	}
	tls_pair_fini(&pair);
}

/* KeyUpdates only, `n` of them, and then data. */
static void
flood(uint32_t n, bool bearable)
{
	struct tls_pair pair;

	open_pair(&pair, false);
	for (uint32_t i = 0; i < n; i++) {
		SSL_key_update(pair.client->openssl.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		ks_tls_bio_lend(&pair.client->openssl.bio, NULL, 0, &pair.to_server);
		CU_ASSERT_EQUAL(SSL_do_handshake(pair.client->openssl.ssl), 1);
	}
	CU_ASSERT_EQUAL(count_records(&pair.to_server), n);
	CU_ASSERT_EQUAL(tls_pair_send(&pair, pair.client, 10, 1), 0);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(tls_pair_got(&pair.server_got, 10, 1), bearable);
	CU_ASSERT_EQUAL(ks_tls_state(pair.server), bearable ? KS_TLS_OPEN : KS_TLS_FAILED);
	CU_ASSERT_STRING_EQUAL(ks_tls_reason(pair.server),
			       bearable ? "" : "too many records without data");
	tls_pair_fini(&pair);
}

static void
a_flood_of_key_updates_ends(void)
{
	flood(32, true);
	flood(33, false);
	flood(500, false);
}

/* TLS 1.2: the peer may ask, the answer is no (RFC 5246 section 7.2.2). */
static void
renegotiation_is_refused(void)
{
	struct tls_pair pair;

	open_pair(&pair, true);
	SSL_clear_options(pair.client->openssl.ssl, SSL_OP_NO_RENEGOTIATION);
	CU_ASSERT_EQUAL(SSL_renegotiate(pair.client->openssl.ssl), 1);
	ks_tls_bio_lend(&pair.client->openssl.bio, NULL, 0, &pair.to_server);
	SSL_do_handshake(pair.client->openssl.ssl);
	CU_ASSERT(pair.to_server.len > 50);
	ks_chain_splice(&pair.server_in, &pair.to_server);
	CU_ASSERT_EQUAL(tls_pair_server_turn(&pair), 0);
	CU_ASSERT_EQUAL(ks_tls_state(pair.server), KS_TLS_OPEN);
	CU_ASSERT_EQUAL(count_records(&pair.to_client), 1);
	tls_pair_pump(&pair);
	CU_ASSERT_EQUAL(ks_tls_state(pair.client), KS_TLS_FAILED);
	tls_pair_fini(&pair);
}

static const struct ks_test tests[] = {
	KS_TEST(all_sizes_arrive),
	KS_TEST(a_large_transfer_arrives),
	KS_TEST(plaintext_is_limited),
	KS_TEST(nothing_is_taken_before_a_record_is_whole),
	KS_TEST(chunks_run_out_at_every_point),
	KS_TEST(chunks_run_out_at_random),
	KS_TEST(shutdown_waits_for_the_record),
	KS_TEST(reading_goes_on_while_a_record_is_stuck),
	KS_TEST(close_notify_is_not_lost),
	KS_TEST(closing_is_told_from_truncation),
	KS_TEST(output_needs_an_open_session),
	KS_TEST(keys_are_updated_both_ways),
	KS_TEST(a_flood_of_key_updates_ends),
	KS_TEST(renegotiation_is_refused),
};

int
main(void)
{
	int rc;

	tls_certs_make(&certs);
	rc = ks_test_run("tls record", tests, KS_ARRAY_SIZE(tests));
	tls_certs_free(&certs);
	return rc;
}
