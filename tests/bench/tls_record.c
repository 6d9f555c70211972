/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TLS costs through our chains: nanoseconds of one record written and read (200 B, 2 KB, 16
 * KB), handshakes of the server's side per second, bytes of memory of an idle session. No sockets.
 * CPU time of the thread, best of several rounds: absolute figures move with the machine.
 *
 * tls_record [milliseconds for each figure, 300]
 * One JSON line per figure.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pair.h"

#define BATCH 32
#define IDLE 256

static struct tls_certs certs;
static uint64_t budget_ns = 300000000;

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

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
	if (!tls_pair_open(pair))
		abort();
}

static void
fill(struct ks_chain *chain, uint32_t n)
{
	static const uint8_t bytes[16384];

	ks_chain_append(chain, bytes, n);
}

/* BATCH records one way; each is written and read by a call of its own. */
static void
batch(struct tls_pair *pair, struct ks_chain *wire, uint32_t n, uint64_t best[2])
{
	struct ks_chain plain[BATCH], got;
	uint64_t t0, t1, t2;

	ks_chain_init(&got, pair->pool);
	for (int i = 0; i < BATCH; i++) {
		ks_chain_init(&plain[i], pair->pool);
		fill(&plain[i], n);
	}
	t0 = cpu_ns();
	for (int i = 0; i < BATCH; i++)
		ks_tls_output(pair->server, &plain[i], &wire[i]);
	t1 = cpu_ns();
	for (int i = 0; i < BATCH; i++) {
		ks_tls_input(pair->client, &wire[i], &got, UINT32_MAX, &pair->to_server);
		if (got.len != n)
			abort();
		ks_chain_clear(&got);
	}
	t2 = cpu_ns();
	best[0] = KS_MIN(best[0], (t1 - t0) / BATCH);
	best[1] = KS_MIN(best[1], (t2 - t1) / BATCH);
}

static void
records(uint32_t n, bool tls12)
{
	uint64_t best[2] = {UINT64_MAX, UINT64_MAX};
	uint64_t end = cpu_ns() + budget_ns;
	struct ks_chain wire[BATCH];
	struct tls_pair pair;

	open_pair(&pair, tls12);
	for (int i = 0; i < BATCH; i++)
		ks_chain_init(&wire[i], pair.pool);
	while (cpu_ns() < end)
		batch(&pair, wire, n, best);
	printf("{\"figure\":\"tls_record\",\"version\":\"%s\",\"bytes\":%u,\"write_ns\":%lu,"
	       "\"read_ns\":%lu}\n",
	       ks_tls_version(pair.server), n, best[0], best[1]);
	tls_pair_fini(&pair);
}

struct shake {
	const char *what;
	bool tls12;
	bool rsa;
	bool cert;
	bool resume;
};

/* CPU time of the server's turns of one handshake, session created and destroyed. */
static uint64_t
shake_once(struct tls_pair *pair, struct ks_tls_ctx *server, struct ks_tls_ctx *client)
{
	uint64_t spent = 0, t;

	t = cpu_ns();
	pair->server = ks_tls_create(server);
	spent += cpu_ns() - t;
	pair->client = ks_tls_create(client);
	for (int i = 0; i < 4; i++) {
		ks_chain_splice(&pair->client_in, &pair->to_client);
		tls_pair_client_turn(pair);
		ks_chain_splice(&pair->server_in, &pair->to_server);
		t = cpu_ns();
		tls_pair_server_turn(pair);
		spent += cpu_ns() - t;
	}
	if (!tls_pair_open(pair))
		abort();
	t = cpu_ns();
	ks_tls_destroy(pair->server);
	spent += cpu_ns() - t;
	ks_tls_destroy(pair->client);
	return spent;
}

static void
handshakes(const struct shake *kind)
{
	struct ks_tls_ctx *server =
		tls_server_ctx(&certs, kind->rsa ? certs.server_rsa : certs.server);
	uint64_t end = cpu_ns() + budget_ns * 2;
	uint64_t best = UINT64_MAX;
	struct tls_pair pair;

	tls_pair_init(&pair, NULL, NULL);
	while (cpu_ns() < end) {
		struct ks_tls_ctx *client =
			tls_client_ctx(&certs, kind->cert ? certs.client : NULL);
		uint64_t spent;

		if (kind->tls12)
			tls_ctx_limit_12(client);
		spent = shake_once(&pair, server, client);
		if (kind->resume)
			spent = shake_once(&pair, server, client);
		best = KS_MIN(best, spent);
		ks_tls_ctx_destroy(client);
	}
	pair.server = pair.client = NULL;
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	printf("{\"figure\":\"tls_handshake\",\"what\":\"%s\",\"server_us\":%.1f,"
	       "\"server_per_core_s\":%.0f}\n",
	       kind->what, (double)best / 1e3, 1e9 / (double)best);
}

/* Heap that IDLE server sessions hold after their handshake, chains not counted. */
static void
memory(const char *what, bool tls12, bool cert)
{
	struct ks_tls_ctx *server = tls_server_ctx(&certs, certs.server);
	struct ks_tls_ctx *client = tls_client_ctx(&certs, cert ? certs.client : NULL);
	static struct ks_tls *idle[IDLE];
	struct tls_pair pair;
	size_t before;

	if (tls12)
		tls_ctx_limit_12(client);
	tls_pair_init(&pair, NULL, NULL);
	shake_once(&pair, server, client);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (int i = 0; i < IDLE; i++) {
		struct ks_tls_ctx *fresh = tls_client_ctx(&certs, cert ? certs.client : NULL);

		if (tls12)
			tls_ctx_limit_12(fresh);
		pair.server = idle[i] = ks_tls_create(server);
		pair.client = ks_tls_create(fresh);
		tls_pair_pump(&pair);
		if (!tls_pair_open(&pair))
			abort();
		ks_tls_destroy(pair.client);
		ks_tls_ctx_destroy(fresh);
	}
	printf("{\"figure\":\"tls_idle_session\",\"what\":\"%s\",\"bytes\":%zu}\n", what,
	       (mallinfo2().uordblks + mallinfo2().hblkhd - before) / IDLE);
	for (int i = 0; i < IDLE; i++)
		ks_tls_destroy(idle[i]);
	pair.server = pair.client = NULL;
	tls_pair_fini(&pair);
	ks_tls_ctx_destroy(server);
	ks_tls_ctx_destroy(client);
}

int
main(int argc, char **argv)
{
	static const uint32_t sizes[] = {200, 2000, 2048, 16384};
	static const struct shake kinds[] = {
		{"1.3 ecdsa full", false, false, false, false},
		{"1.3 rsa full", false, true, false, false},
		{"1.3 ecdsa client certificate", false, false, true, false},
		{"1.3 ecdsa resumed", false, false, false, true},
		{"1.3 ecdsa client certificate resumed", false, false, true, true},
		{"1.2 ecdsa full", true, false, false, false},
	};

	if (argc > 1)
		budget_ns = strtoull(argv[1], NULL, 10) * 1000000u;
	tls_certs_make(&certs);
	for (size_t i = 0; i < KS_ARRAY_SIZE(sizes); i++)
		records(sizes[i], false);
	records(2000, true);
	for (size_t i = 0; i < KS_ARRAY_SIZE(kinds); i++)
		handshakes(&kinds[i]);
	memory("1.3", false, false);
	memory("1.3 client certificate", false, true);
	memory("1.2", true, false);
	tls_certs_free(&certs);
	return 0;
}
