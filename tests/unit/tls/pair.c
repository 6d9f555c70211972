/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server and a client session joined by two chains.
 * Thread: one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctx.h"
#include "pair.h"

#define POOL_CHUNKS 1024u

void
tls_certs_make(struct tls_certs *certs)
{
	struct test_cert_params ca = {.cn = "cluster-ca", .ca = true};
	struct test_cert_params server = {
		.cn = "kube-apiserver", .san = "DNS:api.test,IP:10.0.0.1", .eku = TEST_EKU_SERVER};
	struct test_cert_params client = {
		.cn = "system:node:n1", .orgs = {"system:nodes", "site:a"}, .eku = TEST_EKU_CLIENT};

	certs->ca = test_cert_make(NULL, &ca);
	certs->server = test_cert_make(certs->ca, &server);
	server.key = TEST_KEY_RSA2048;
	certs->server_rsa = test_cert_make(certs->ca, &server);
	certs->client = test_cert_make(certs->ca, &client);
}

void
tls_certs_free(struct tls_certs *certs)
{
	test_cert_free(certs->ca);
	test_cert_free(certs->server);
	test_cert_free(certs->server_rsa);
	test_cert_free(certs->client);
}

struct ks_tls_identity
tls_identity(const struct test_cert *cert)
{
	return (struct ks_tls_identity){test_cert_pem(cert), test_cert_key_pem(cert)};
}

static struct ks_tls_ctx *
checked(struct ks_tls_ctx *ctx, const struct ks_tls_error *err)
{
	if (ctx == NULL) {
		fprintf(stderr, "context: %s\n", err->text);
		abort();
	}
	return ctx;
}

struct ks_tls_ctx *
tls_server_ctx(const struct tls_certs *certs, const struct test_cert *leaf)
{
	struct ks_tls_identity identity = tls_identity(leaf);
	struct ks_tls_server_params params = {.identities = &identity,
					      .nidentities = 1,
					      .client_ca_pem = test_cert_pem(certs->ca),
					      .alpn = KS_TLS_ALPN_HTTP11 | KS_TLS_ALPN_H2};
	struct ks_tls_error err;

	return checked(ks_tls_server_ctx_create(&params, &err), &err);
}

struct ks_tls_ctx *
tls_client_ctx(const struct tls_certs *certs, const struct test_cert *leaf)
{
	struct ks_tls_client_params params = {.ca_pem = test_cert_pem(certs->ca),
					      .server_name = KS_STR("api.test"),
					      .alpn = KS_TLS_ALPN_HTTP11};
	struct ks_tls_error err;

	if (leaf != NULL)
		params.identity = tls_identity(leaf);
	return checked(ks_tls_client_ctx_create(&params, &err), &err);
}

void
tls_ctx_limit_12(struct ks_tls_ctx *ctx)
{
	SSL_CTX_set_max_proto_version(ctx->ssl, TLS1_2_VERSION);
}

void
tls_pair_init(struct tls_pair *pair, struct ks_tls_ctx *server, struct ks_tls_ctx *client)
{
	struct ks_chain *chains[] = {&pair->to_server, &pair->to_client,  &pair->server_in,
				     &pair->client_in, &pair->server_got, &pair->client_got};

	*pair = (struct tls_pair){.plain_max = UINT32_MAX};
	pair->pool = ks_chunk_pool_create("pair", POOL_CHUNKS);
	for (size_t i = 0; i < KS_ARRAY_SIZE(chains); i++)
		ks_chain_init(chains[i], pair->pool);
	if (server != NULL)
		pair->server = ks_tls_create(server);
	if (client != NULL)
		pair->client = ks_tls_create(client);
}

void
tls_pair_fini(struct tls_pair *pair)
{
	ks_tls_destroy(pair->server);
	ks_tls_destroy(pair->client);
	ks_pool_destroy(pair->pool);
}

static int
turn(struct tls_pair *pair, struct ks_tls *tls, struct ks_chain *in, struct ks_chain *out)
{
	struct ks_chain *got = tls == pair->server ? &pair->server_got : &pair->client_got;
	int rc = ks_tls_input(tls, in, got, pair->plain_max, out);

	pair->scarce += rc == -ENOBUFS;
	return rc;
}

int
tls_pair_server_turn(struct tls_pair *pair)
{
	return turn(pair, pair->server, &pair->server_in, &pair->to_client);
}

int
tls_pair_client_turn(struct tls_pair *pair)
{
	return turn(pair, pair->client, &pair->client_in, &pair->to_server);
}

static bool
hand_over(struct tls_pair *pair, struct ks_chain *to, struct ks_chain *from)
{
	uint32_t n = pair->slice != 0 ? pair->slice : UINT32_MAX;

	bool any = from->len > 0;
	bool moved = ks_chain_move(to, from, n) > 0;

	pair->scarce += any && !moved;
	return moved;
}

void
tls_pair_pump(struct tls_pair *pair)
{
	bool moved = true;
	uint32_t tries = 0;

	/* A turn that had no chunk is tried again even when nothing has moved. */
	while (moved || tries > 0) {
		uint64_t scarce = pair->scarce;

		tls_pair_client_turn(pair);
		moved = hand_over(pair, &pair->server_in, &pair->to_server);
		tls_pair_server_turn(pair);
		moved |= hand_over(pair, &pair->client_in, &pair->to_client);
		tries = pair->scarce != scarce ? 1000 : tries > 0 ? tries - 1 : 0;
		if (pair->scarce > 1000000)
			break;
	}
}

bool
tls_pair_open(const struct tls_pair *pair)
{
	return ks_tls_state(pair->server) == KS_TLS_OPEN &&
	       ks_tls_state(pair->client) == KS_TLS_OPEN;
}

static uint8_t
pattern(uint32_t i, uint8_t seed)
{
	return (uint8_t)(i * 31 + (i >> 8) * 7 + seed);
}

int
tls_pair_send(struct tls_pair *pair, struct ks_tls *from, uint32_t n, uint8_t seed)
{
	struct ks_chain *out = from == pair->server ? &pair->to_client : &pair->to_server;
	struct ks_chain plain;
	int rc;

	ks_chain_init(&plain, pair->pool);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t byte = pattern(i, seed);

		while (ks_chain_append(&plain, &byte, 1) != 0)
			pair->scarce++;
	}
	while ((rc = ks_tls_output(from, &plain, out)) == -ENOBUFS && pair->scarce++ < 1000000)
		;
	ks_chain_clear(&plain);
	return rc;
}

bool
tls_pair_got(struct ks_chain *got, uint32_t n, uint8_t seed)
{
	bool same = got->len == n;

	for (uint32_t i = 0; same && i < n; i++) {
		uint8_t byte = 0;

		ks_chain_peek(got, 0, &byte, 1);
		ks_chain_consume(got, 1);
		same = byte == pattern(i, seed);
	}
	return same;
}
