/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, rules and packet buffers of the simulation: the same in every world.
 */
#include "world.h"

#include <errno.h>
#include <stdio.h>

#include "test_certs.h"

#define SIM_WALL_S 1800000000u
#define MBUFS 8191u

static struct ks_tls_ctx *
server_ctx(const struct test_cert *cert, const struct test_cert *ca)
{
	struct ks_tls_error err;
	const struct ks_tls_identity id = {test_cert_pem(cert), test_cert_key_pem(cert)};
	const struct ks_tls_server_params params = {
		.identities = &id,
		.nidentities = 1,
		.client_ca_pem = test_cert_pem(ca),
		.alpn = KS_TLS_ALPN_HTTP11,
		.verify_time_s = SIM_WALL_S,
	};
	struct ks_tls_ctx *ctx = ks_tls_server_ctx_create(&params, &err);

	if (ctx == NULL)
		fprintf(stderr, "sim: %s\n", err.text);
	return ctx;
}

static struct ks_tls_ctx *
client_ctx(const struct test_cert *ca, const char *server, const struct test_cert *cert)
{
	struct ks_tls_error err;
	struct ks_tls_client_params params = {
		.ca_pem = test_cert_pem(ca),
		.server_name = {server, (uint32_t)strlen(server)},
		.alpn = KS_TLS_ALPN_HTTP11,
		.verify_time_s = SIM_WALL_S,
	};
	struct ks_tls_ctx *ctx;

	if (cert != NULL)
		params.identity =
			(struct ks_tls_identity){test_cert_pem(cert), test_cert_key_pem(cert)};
	ctx = ks_tls_client_ctx_create(&params, &err);
	if (ctx == NULL)
		fprintf(stderr, "sim: %s\n", err.text);
	return ctx;
}

static void
certs_init(struct cosmos *c)
{
	c->ca = test_cert_make(NULL, &(struct test_cert_params){.cn = "sim-ca", .ca = true});
	c->gateway = test_cert_make(c->ca, &(struct test_cert_params){.cn = "gateway",
								      .san = "IP:10.98.0.2",
								      .eku = TEST_EKU_SERVER});
	c->api = test_cert_make(c->ca, &(struct test_cert_params){.cn = "api",
								  .san = "IP:10.99.0.1",
								  .eku = TEST_EKU_SERVER});
	c->front = test_cert_make(
		c->ca, &(struct test_cert_params){.cn = "front-proxy", .eku = TEST_EKU_CLIENT});
	c->user = test_cert_make(
		c->ca,
		&(struct test_cert_params){.cn = "alice", .orgs = {"dev"}, .eku = TEST_EKU_CLIENT});
}

int
world_tls_init(const struct cosmos *c, struct world_tls *t)
{
	t->server = server_ctx(c->gateway, c->ca);
	t->api = server_ctx(c->api, c->ca);
	t->plain = client_ctx(c->ca, "10.99.0.1", NULL);
	t->front = client_ctx(c->ca, "10.99.0.1", c->front);
	t->user = client_ctx(c->ca, "10.98.0.2", c->user);
	return t->server != NULL && t->api != NULL && t->plain != NULL && t->front != NULL &&
			       t->user != NULL
		       ? 0
		       : -EINVAL;
}

void
world_tls_fini(struct world_tls *t)
{
	ks_tls_ctx_destroy(t->server);
	ks_tls_ctx_destroy(t->api);
	ks_tls_ctx_destroy(t->plain);
	ks_tls_ctx_destroy(t->front);
	ks_tls_ctx_destroy(t->user);
}

static int
match_init(struct cosmos *c)
{
	static const struct ks_match_rule rule = {
		.id = "sim-marker",
		.class = KS_MATCH_SQLI,
		.db = 90,
		.block = true,
		.where = KS_WHERE_QUERY | KS_WHERE_PATH,
		.pattern = "union select",
		.words = "a marker of the simulation",
		.file = "sim",
		.line = 1,
	};
	const struct ks_match_limits limits = {0};
	char error[KS_MATCH_ERROR_BYTES];

	c->match = ks_match_db_create(&rule, 1, &limits, 0, error);
	if (c->match == NULL)
		fprintf(stderr, "sim: %s\n", error);
	return c->match == NULL ? -EINVAL : 0;
}

int
cosmos_init(struct cosmos *c)
{
	memset(c, 0, sizeof(*c));
	c->mbufs = rte_pktmbuf_pool_create("sim", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					   SOCKET_ID_ANY);
	if (c->mbufs == NULL)
		return -ENOMEM;
	/* Keys and signatures too: their lengths decide how streams are cut. */
	ks_tls_random_seed(1);
	certs_init(c);
	ks_tls_random_seed(0);
	return match_init(c);
}

void
cosmos_fini(struct cosmos *c)
{
	ks_match_db_destroy(c->match);
	test_cert_free(c->user);
	test_cert_free(c->front);
	test_cert_free(c->api);
	test_cert_free(c->gateway);
	test_cert_free(c->ca);
	rte_mempool_free(c->mbufs);
}
