/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a world from its seed, runs it until every client has what it asked for, and checks what
 * must hold: every byte right, every exchange ended once, nothing left in any pool.
 */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <rte_random.h>
#include <stdio.h>

#define START_US 1000000u
#define WALL_S 1800000000u
#define LIMIT_US (900ull * 1000000)
#define TURNS_MAX 4000000u
#define STEP_US 5000u

uint64_t sim_wall_s = WALL_S;

struct world {
	struct cosmos *cosmos;
	struct world_result *result;
	struct world_tls tls;
	struct random random;
	struct ks_now now;
	struct wire wire[2];
	struct ks_iface *ifaces[2];
	struct ks_gateway *gw;
	uint32_t workers;
	struct host client_host, api_host;
	struct server server;
	struct clients clients;
	struct mix mix;
	struct ks_addr addrs[4];
	uint16_t fault_chance;
	bool trace;
	uint64_t recorded;
};

static void __attribute__((format(printf, 2, 3))) failed(struct world *w, const char *fmt, ...)
{
	va_list args;

	if (w->result->failure[0] != '\0')
		return;
	va_start(args, fmt);
	vsnprintf(w->result->failure, sizeof(w->result->failure), fmt, args);
	va_end(args);
}

static struct ks_addr
v4(const char *text)
{
	struct ks_addr addr;

	(void)ks_addr_parse(text, &addr);
	return addr;
}

/** A third of the worlds is calm; the others suffer from a few things at a time. */
static void
faults_choose(struct world *w, struct wire_faults *f)
{
	struct random *r = &w->random;

	memset(f, 0, sizeof(*f));
	f->delay_us = random_below(r, 3) == 0 ? 0 : random_below(r, 20000);
	if (random_below(r, 3) == 0)
		return;
	f->jitter_us = random_below(r, 5000);
	if (random_below(r, 2))
		f->loss = (uint16_t)random_below(r, 1500);
	if (random_below(r, 3) == 0)
		f->duplicate = (uint16_t)random_below(r, 1000);
	if (random_below(r, 3) == 0)
		f->reorder = (uint16_t)random_below(r, 1500);
	if (random_below(r, 4) == 0)
		f->corrupt = (uint16_t)random_below(r, 300);
	if (random_below(r, 4) == 0)
		f->truncate = (uint16_t)random_below(r, 300);
}

static int
wires_init(struct world *w, uint64_t seed)
{
	static const char *const name[] = {"cluster", "apiserver"};
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		rc = wire_init(&w->wire[i], name[i], w->cosmos->mbufs, seed * 2 + (uint64_t)i,
			       &w->now.mono_us);
		faults_choose(w, &w->wire[i].faults);
		w->wire[i].traced = w->trace;
	}
	return rc;
}

static int
ifaces_init(struct world *w)
{
	for (uint16_t i = 0; i < 2; i++) {
		struct ks_iface_params p = {
			.name = i == 0 ? "cluster" : "apiserver",
			.index = i,
			.port = w->wire[i].end[i == 0 ? 1 : 0].port,
			.naddr = 1,
			.prefix_len = 24,
			.pool = w->cosmos->mbufs,
			.neighbours = 64,
		};
		int rc;

		p.addr[0] = v4(i == 0 ? "10.98.0.2" : "10.99.0.2");
		rc = ks_iface_create(&p, &w->ifaces[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void
limits_set(struct ks_proxy_limits *l)
{
	*l = (struct ks_proxy_limits){
		.sessions = 32,
		.handshakes = 32,
		.exchanges = 16,
		.upstreams = 8,
		.body_bytes = 128 * 1024,
		.body_min_rate = 1,
		.body_grace_ms = 60000,
		.source_share_percent = 100,
		.principal_share_percent = 100,
		.connection_share_percent = 100,
		.upstream_idle_ms = 60000,
		.retry_ms = 1000,
		.handshake_timeout_ms = 60000,
		.head_timeout_ms = 60000,
		.idle_timeout_ms = 300000,
		.write_timeout_ms = 120000,
		.connect_timeout_ms = 60000,
		.response_timeout_ms = 120000,
		.http = {16384, 4096, KS_HTTP_FIELDS_MAX},
	};
}

/** Either all on one worker or each stage, and two of some, on its own. */
static void
placement_choose(struct world *w, struct ks_gateway_params *p)
{
	static const uint8_t one[] = {KS_STAGE_RX, KS_STAGE_TERMINATE, KS_STAGE_MATCH,
				      KS_STAGE_SCORE};
	static const uint8_t many[] = {KS_STAGE_RX,    KS_STAGE_TERMINATE, KS_STAGE_MATCH,
				       KS_STAGE_SCORE, KS_STAGE_TERMINATE, KS_STAGE_MATCH,
				       KS_STAGE_SCORE};
	bool spread = random_below(&w->random, 4) == 0;

	p->nworkers = spread ? KS_ARRAY_SIZE(many) : 1;
	if (spread) {
		for (uint32_t i = 0; i < p->nworkers; i++) {
			p->workers[i].stages[0] = many[i];
			p->workers[i].nstages = 1;
		}
	} else {
		memcpy(p->workers[0].stages, one, sizeof(one));
		p->workers[0].nstages = sizeof(one);
	}
	w->workers = p->nworkers;
}

static void
recorded(void *arg, const struct ks_exchange *ex)
{
	struct world *w = arg;

	(void)ex;
	w->recorded++;
}

static int
gateway_init(struct world *w, uint64_t seed)
{
	static struct ks_gateway_params p;
	char error[256];
	int rc;

	memset(&p, 0, sizeof(p));
	placement_choose(w, &p);
	p.ifaces[0] = w->ifaces[0];
	p.ifaces[1] = w->ifaces[1];
	p.nifaces = 2;
	p.mbufs = w->cosmos->mbufs;
	(void)ks_endpoint_parse("10.98.0.2:6443", &p.listen);
	p.packet_ring = 512;
	p.match = w->cosmos->match;
	p.score = (struct ks_score_params){
		.max_principals = 64, .max_calls = 64, .max_fields_per_call = 64};
	p.mode = KS_MODE_DETECT;
	p.seed = seed | 1;
	p.start_us = START_US;
	p.terminate.chunks = 2048;
	p.terminate.arena_bytes = 8u << 20;
	p.terminate.tcp = (struct ks_tcp_params){
		.max_conns = 64,
		.max_half_open = 64,
		.max_time_wait = 64,
		.max_listeners = 2,
		.rcv_buf_bytes = 64 * 1024,
		.snd_buf_bytes = 64 * 1024,
		.cc = random_below(&w->random, 2) ? KS_TCP_CC_CUBIC : KS_TCP_CC_NEWRENO,
		.msl_ms = 1000,
		.user_timeout_ms = 120000,
	};
	limits_set(&p.terminate.proxy.limits);
	p.terminate.proxy.server_tls = w->tls.server;
	p.terminate.proxy.client_tls[KS_UPSTREAM_PLAIN] = w->tls.plain;
	p.terminate.proxy.client_tls[KS_UPSTREAM_FRONT] = w->tls.front;
	(void)ks_endpoint_parse("10.99.0.1:6443", &p.terminate.proxy.servers[0]);
	p.terminate.proxy.nservers = 1;
	p.terminate.proxy.upstream_local = v4("10.99.0.2");
	p.terminate.proxy.upstream_iface = 1;
	rc = ks_gateway_create(&p, &w->gw, error);
	if (rc != 0)
		failed(w, "gateway: %s", error);
	else
		ks_gateway_on_record(w->gw, recorded, w);
	return rc;
}

static int
mix_make(struct world *w)
{
	struct random *r = &w->random;
	int rc = 0;

	for (int i = 0; i < 6 && rc == 0; i++) {
		bool body = random_below(r, 2) == 0;
		uint32_t in = 1u << random_below(r, 17), out = 1u << random_below(r, 18);

		rc = mix_pattern_add(&w->mix, body ? "POST" : "GET",
				     body ? in + random_below(r, in) : 0,
				     out + random_below(r, out), random_below(r, 2) == 0,
				     random_below(r, 1u << 20));
	}
	return rc;
}

static int
hosts_init(struct world *w, uint64_t seed)
{
	struct host_params p = {
		.port = w->wire[0].end[0].port,
		.addrs = w->addrs,
		.naddrs = KS_ARRAY_SIZE(w->addrs),
		.prefix_len = 24,
		.mbufs = w->cosmos->mbufs,
		.conns = 64,
		.chunks = 2048,
		.msl_ms = 1000,
		.seed = seed + 1,
		.start_us = START_US,
	};
	struct ks_addr api = v4("10.99.0.1");
	int rc;

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(w->addrs); i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.98.0.%u", 10 + i);
		w->addrs[i] = v4(text);
	}
	rc = host_init(&w->client_host, &p);
	if (rc != 0)
		return rc;
	p.port = w->wire[1].end[1].port;
	p.addrs = &api;
	p.naddrs = 1;
	p.seed++;
	return host_init(&w->api_host, &p);
}

static int
peers_init(struct world *w)
{
	struct clients_params p = {
		.host = &w->client_host,
		.tls = w->tls.user,
		.mix = &w->mix,
		.addrs = w->addrs,
		.naddrs = KS_ARRAY_SIZE(w->addrs),
		.n = 1 + random_below(&w->random, 6),
		.opening = 4,
		.requests = 1 + random_below(&w->random, 8),
		.per_connection = random_below(&w->random, 4),
	};
	struct ks_endpoint listen;
	int rc;

	(void)ks_endpoint_parse("10.98.0.2:6443", &p.server);
	(void)ks_endpoint_parse("10.99.0.1:6443", &listen);
	rc = server_init(&w->server, &w->api_host, w->tls.api, &listen, 64);
	if (rc == 0)
		rc = mix_make(w);
	if (rc == 0)
		rc = clients_init(&w->clients, &p);
	return rc;
}

static bool
fault(void *arg)
{
	struct world *w = arg;

	return random_chance(&w->random, w->fault_chance);
}

static int
world_init(struct world *w, uint64_t seed)
{
	int rc;

	w->random.state = seed;
	w->now = (struct ks_now){START_US, WALL_S};
	sim_wall_s = WALL_S;
	ks_tls_random_seed(seed | 1);
	rte_srand(seed); /* net keys its tables with it */
	rc = world_tls_init(w->cosmos, &w->tls);
	if (rc == 0)
		rc = wires_init(w, seed);
	if (rc == 0)
		rc = ifaces_init(w);
	if (rc == 0)
		rc = gateway_init(w, seed);
	if (rc == 0)
		rc = hosts_init(w, seed);
	if (rc == 0)
		rc = peers_init(w);
	if (rc == 0 && random_below(&w->random, 3) == 0) {
		w->fault_chance = (uint16_t)(1 + random_below(&w->random, 300));
		ks_gateway_fault_set(w->gw, fault, w);
	}
	return rc;
}

static uint32_t
turn(struct world *w)
{
	uint32_t done;

	done = host_poll(&w->client_host, &w->now);
	done += clients_poll(&w->clients);
	host_flush(&w->client_host);
	for (uint32_t i = 0; i < w->workers; i++)
		done += ks_gateway_turn(w->gw, i, &w->now);
	done += ks_gateway_control_turn(w->gw, &w->now);
	done += host_poll(&w->api_host, &w->now);
	done += server_poll(&w->server);
	host_flush(&w->api_host);
	w->result->turns++;
	return done;
}

static void
clock_advance(struct world *w)
{
	const uint64_t due[] = {
		wire_next_us(&w->wire[0]),
		wire_next_us(&w->wire[1]),
		ks_gateway_next_us(w->gw),
		ks_timer_wheel_next_us(w->client_host.wheel),
		ks_timer_wheel_next_us(w->api_host.wheel),
	};
	uint64_t next = w->now.mono_us + STEP_US;

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(due); i++)
		next = KS_MIN(next, due[i]);
	w->now.mono_us = KS_MAX(next, w->now.mono_us + 1);
	w->now.wall_s = sim_wall_s = WALL_S + w->now.mono_us / 1000000;
}

static bool
exhausted(const struct world *w)
{
	return w->now.mono_us > START_US + LIMIT_US || w->result->turns > TURNS_MAX;
}

static void
run(struct world *w)
{
	while (!clients_done(&w->clients) && !exhausted(w))
		if (turn(w) == 0)
			clock_advance(w);
	if (!clients_done(&w->clients))
		failed(w, "stuck: %u of %u clients done after %" PRIu64 " ms", w->clients.finished,
		       w->clients.p.n, (w->now.mono_us - START_US) / 1000);
}

/** Nothing injected any more and no new requests: everything must come to rest. */
static void
settle(struct world *w)
{
	uint64_t until = w->now.mono_us + 200 * 1000000ull;
	struct ks_proxy_stats stats;
	uint32_t busy;

	ks_gateway_fault_set(w->gw, NULL, NULL);
	w->clients.draining = true;
	do {
		if (turn(w) == 0)
			clock_advance(w);
		busy = 0;
		for (uint32_t i = 0; i < (w->workers > 1 ? 2u : 1u); i++) {
			ks_proxy_stats_get(ks_gateway_proxy(w->gw, i), &stats);
			busy += stats.exchanges;
		}
	} while (busy > 0 && w->now.mono_us < until);
	if (busy > 0)
		failed(w, "%u exchanges never ended", busy);
}

static void
check_ends(struct world *w)
{
	for (uint32_t i = 0; i < (w->workers > 1 ? 2u : 1u); i++) {
		const uint64_t *c = ks_proxy_counters(ks_gateway_proxy(w->gw, i));
		uint64_t ends = 0;

		for (int e = KS_PROXY_END_ANSWERED; e <= KS_PROXY_END_SHUTDOWN; e++)
			ends += c[e];
		if (ends != c[KS_PROXY_EXCHANGES])
			failed(w, "%" PRIu64 " exchanges but %" PRIu64 " ends",
			       c[KS_PROXY_EXCHANGES], ends);
	}
}

static void
check(struct world *w)
{
	const struct clients_stats *s = &w->clients.stats;

	if (s->bad_answers > 0)
		failed(w, "%" PRIu64 " wrong answers", s->bad_answers);
	if (w->server.bad_bodies > 0)
		failed(w, "%" PRIu64 " wrong request bodies", w->server.bad_bodies);
	if (w->server.bad_requests > 0)
		failed(w, "%" PRIu64 " malformed requests reached the API server",
		       w->server.bad_requests);
	if (w->server.front_proxy_requests != w->server.requests)
		failed(w, "requests without the identity of their user");
	check_ends(w);
}

static void
world_fini(struct world *w)
{
	clients_fini(&w->clients);
	server_fini(&w->server);
	mix_free(&w->mix);
	ks_gateway_destroy(w->gw);
	host_fini(&w->client_host);
	host_fini(&w->api_host);
	for (int i = 0; i < 2; i++) {
		ks_iface_destroy(w->ifaces[i]);
		wire_fini(&w->wire[i]);
	}
	world_tls_fini(&w->tls);
	ks_tls_random_seed(0);
}

void
world_run(struct cosmos *cosmos, const struct world_params *params, struct world_result *result)
{
	static struct world w;

	memset(result, 0, sizeof(*result));
	memset(&w, 0, sizeof(w));
	w.cosmos = cosmos;
	w.result = result;
	w.trace = params->trace;
	if (world_init(&w, params->seed) != 0) {
		failed(&w, "the world could not be made");
		return;
	}
	run(&w);
	settle(&w);
	check(&w);
	result->virtual_us = w.now.mono_us - START_US;
	result->answered = w.clients.stats.answered;
	result->retried = w.clients.stats.retried;
	result->frames = w.wire[0].frames + w.wire[1].frames;
	result->lost = w.wire[0].lost + w.wire[1].lost;
	result->trace = w.wire[0].trace ^ w.wire[1].trace * 31;
	world_fini(&w);
	if (rte_mempool_in_use_count(cosmos->mbufs) != 0)
		failed(&w, "%u packet buffers leaked", rte_mempool_in_use_count(cosmos->mbufs));
}
