/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the TLS fuzzers share: contexts and sessions whose keys follow from a seed, so that recorded
 * flights of one program run are understood by every other, Finished and data included.
 * Thread: one.
 */
#ifndef FUZZ_TLS_H
#define FUZZ_TLS_H

#include <stdlib.h>

#include "session.h"
#include "test_certs.h"

#define FUZZ_TIME_S 1700000000
#define FUZZ_CHUNKS 256u

/* Where the random numbers of each part start. */
enum { FUZZ_SEED_CERTS = 1, FUZZ_SEED_SERVER = 2, FUZZ_SEED_CLIENT = 3, FUZZ_SEED_FLIGHT = 4 };

struct fuzz_tls {
	struct ks_tls_ctx *server;
	struct ks_tls_ctx *client;
	struct ks_pool *pool;
};

static inline struct ks_tls_identity
fuzz_identity(const struct test_cert *cert)
{
	return (struct ks_tls_identity){test_cert_pem(cert), test_cert_key_pem(cert)};
}

static inline void
fuzz_tls_make(struct fuzz_tls *tls, bool tls12)
{
	struct test_cert_params ca_params = {.cn = "ca", .ca = true};
	struct test_cert_params server_params = {.cn = "s", .san = "DNS:api.test"};
	struct test_cert_params client_params = {.cn = "system:node:n1", .orgs = {"system:nodes"}};
	struct test_cert *ca, *server, *client;
	struct ks_tls_server_params sp = {.nidentities = 1,
					  .alpn = KS_TLS_ALPN_H2 | KS_TLS_ALPN_HTTP11,
					  .verify_time_s = FUZZ_TIME_S};
	struct ks_tls_client_params cp = {.server_name = KS_STR("api.test"),
					  .alpn = KS_TLS_ALPN_H2 | KS_TLS_ALPN_HTTP11,
					  .verify_time_s = FUZZ_TIME_S};
	struct ks_tls_identity identity;

	ks_tls_random_seed(FUZZ_SEED_CERTS);
	ca = test_cert_make(NULL, &ca_params);
	server = test_cert_make(ca, &server_params);
	client = test_cert_make(ca, &client_params);
	identity = fuzz_identity(server);
	sp.identities = &identity;
	sp.client_ca_pem = cp.ca_pem = test_cert_pem(ca);
	cp.identity = fuzz_identity(client);
	tls->server = ks_tls_server_ctx_create(&sp, NULL);
	tls->client = ks_tls_client_ctx_create(&cp, NULL);
	tls->pool = ks_chunk_pool_create("fuzz", FUZZ_CHUNKS);
	if (tls->server == NULL || tls->client == NULL || tls->pool == NULL)
		abort();
	if (tls12)
		SSL_CTX_set_max_proto_version(tls->client->ssl, TLS1_2_VERSION);
	test_cert_free(ca);
	test_cert_free(server);
	test_cert_free(client);
}

static inline void
fuzz_tls_free(struct fuzz_tls *tls)
{
	ks_tls_ctx_destroy(tls->server);
	ks_tls_ctx_destroy(tls->client);
	ks_pool_destroy(tls->pool);
}

/* What one side has said, behind a byte of options. */
struct fuzz_half {
	uint8_t bytes[8192];
	uint32_t len;
};

static inline void
fuzz_pass(struct fuzz_half *half, struct ks_chain *from, struct ks_chain *to)
{
	half->len += ks_chain_peek(from, 0, half->bytes + half->len,
				   (uint32_t)sizeof(half->bytes) - half->len);
	ks_chain_splice(to, from);
}

static inline void
fuzz_say(struct ks_tls *tls, struct ks_chain *out, const char *words)
{
	struct ks_chain plain;

	ks_chain_init(&plain, out->pool);
	ks_chain_append(&plain, words, strlen(words));
	ks_tls_output(tls, &plain, out);
}

/* A handshake, a request and its answer, a KeyUpdate, the end; both halves are recorded. */
static inline void
fuzz_connection(struct fuzz_tls *tls, uint8_t options, struct fuzz_half *to_server,
		struct fuzz_half *to_client)
{
	struct ks_chain c2s, s2c, server_in, client_in, plain;
	struct ks_chain *chains[] = {&c2s, &s2c, &server_in, &client_in, &plain};
	struct ks_tls *server, *client;

	for (size_t i = 0; i < KS_ARRAY_SIZE(chains); i++)
		ks_chain_init(chains[i], tls->pool);
	to_server->len = to_client->len = 1;
	to_server->bytes[0] = to_client->bytes[0] = options;
	/* Each turn that makes keys draws from a seed of its own, as it does in the fuzzers. */
	ks_tls_random_seed(FUZZ_SEED_CLIENT);
	client = ks_tls_create(tls->client);
	ks_tls_input(client, &client_in, &plain, 65536, &c2s);
	fuzz_pass(to_server, &c2s, &server_in);
	ks_tls_random_seed(FUZZ_SEED_SERVER);
	server = ks_tls_create(tls->server);
	for (int i = 0; i < 3; i++) {
		ks_tls_input(server, &server_in, &plain, 65536, &s2c);
		fuzz_pass(to_client, &s2c, &client_in);
		ks_tls_random_seed(FUZZ_SEED_FLIGHT);
		ks_tls_input(client, &client_in, &plain, 65536, &c2s);
		fuzz_pass(to_server, &c2s, &server_in);
	}
	fuzz_say(client, &c2s, "GET /api/v1/pods HTTP/1.1\r\nHost: api.test\r\n\r\n");
	fuzz_say(server, &s2c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	if (SSL_version(client->openssl.ssl) == TLS1_3_VERSION)
		SSL_key_update(client->openssl.ssl, SSL_KEY_UPDATE_REQUESTED);
	fuzz_say(client, &c2s, "more");
	ks_tls_shutdown(client, &c2s);
	ks_tls_shutdown(server, &s2c);
	fuzz_pass(to_server, &c2s, &server_in);
	fuzz_pass(to_client, &s2c, &client_in);
	ks_tls_input(server, &server_in, &plain, 65536, &s2c);
	ks_tls_input(client, &client_in, &plain, 65536, &c2s);
	if (ks_tls_state(server) != KS_TLS_CLOSED || ks_tls_state(client) != KS_TLS_CLOSED)
		abort();
	ks_tls_destroy(server);
	ks_tls_destroy(client);
	for (size_t i = 0; i < KS_ARRAY_SIZE(chains); i++)
		ks_chain_clear(chains[i]);
}

/* One in `*arg` gets from the pool fails. */
static inline bool
fuzz_fail(void *arg)
{
	static uint32_t calls;

	return calls++ % *(uint32_t *)arg == 0;
}

/*
 * Feeds `data` to a session. The first byte says how: in which pieces, with which limit on
 * plaintext, whether chunks run short (bits 5 and 6 are
 * the client fuzzer's). Whatever comes, the session ends in a known state and no
 * chunk is lost.
 */
static inline void
fuzz_feed(struct ks_pool *pool, struct ks_tls *tls, const uint8_t *data, size_t size)
{
	static const uint32_t slices[] = {65536, 1, 5, 100, 1460, 2032, 4000, 16389};
	uint32_t slice = slices[data[0] & 7];
	uint32_t plain_max = data[0] & 8 ? 100 : 65536;
	uint32_t every = data[0] & 16 ? 3 : UINT32_MAX;
	struct ks_chain in, plain, out;

	ks_chain_init(&in, pool);
	ks_chain_init(&plain, pool);
	ks_chain_init(&out, pool);
	ks_pool_fail_set(pool, data[0] & 16 ? fuzz_fail : NULL, &every);
	for (size_t off = 1, n; off < size; off += n) {
		n = KS_MIN(size - off, (size_t)slice);
		if (ks_chain_append(&in, data + off, n) != 0 && in.len > 20000)
			break;
		for (int i = 0; i < 8; i++) {
			int rc = ks_tls_input(tls, &in, &plain, plain_max, &out);

			if (plain.len > plain_max || out.len > 100000)
				abort();
			ks_chain_clear(&plain);
			if (rc == 0 && !ks_tls_pending(tls))
				break;
		}
	}
	ks_pool_fail_set(pool, NULL, NULL);
	ks_tls_input(tls, &in, &plain, plain_max, &out);
	if ((ks_tls_state(tls) == KS_TLS_FAILED) != (ks_tls_reason(tls)[0] != '\0'))
		abort();
	ks_tls_shutdown(tls, &out);
	ks_chain_clear(&in);
	ks_chain_clear(&plain);
	ks_chain_clear(&out);
	if (ks_pool_free_count(pool) != FUZZ_CHUNKS)
		abort();
	ks_tls_destroy(tls);
}

#endif
