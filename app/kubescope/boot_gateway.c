/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration values become the parameters of the rooms.
 */
#include <errno.h>
#include <stdio.h>

#include "boot.h"

/** Kept apart from max_connections: each class needs room to open while the other is full. */
#define WRITE_TIMEOUT_MS 60000u
#define BODY_GRACE_MS 5000u

int
boot_store(struct boot *boot)
{
	const struct ks_config_store *c = &boot->config->store;
	const struct ks_store_params params = {c->path, c->retention_days, c->max_bytes};
	int rc;

	if (c->path[0] == '\0')
		return 0;
	rc = ks_store_open(&params, &boot->store);
	if (rc != 0)
		fprintf(stderr, "store %s: %s\n", c->path, strerror(-rc));
	return rc;
}

static void
limits_map(const struct ks_config *c, struct ks_proxy_limits *l)
{
	const struct ks_config_upstream *u = &c->services[0].upstream;

	*l = (struct ks_proxy_limits){
		.sessions = c->limits.connections,
		.handshakes = KS_MAX(c->limits.half_open, 64u),
		.exchanges = c->limits.exchanges,
		.upstreams = u->max_connections,
		.body_bytes = c->limits.body_bytes,
		.body_min_rate = c->limits.body_rate_bytes_per_s,
		.body_grace_ms = BODY_GRACE_MS,
		.source_share_percent = c->limits.body_share_source_percent,
		.connection_share_percent = c->limits.share_source_percent,
		.principal_share_percent = c->limits.body_share_principal_percent,
		.handshake_timeout_ms = c->limits.handshake_timeout_ms,
		.head_timeout_ms = c->limits.head_timeout_ms,
		.idle_timeout_ms = c->limits.idle_timeout_ms,
		.write_timeout_ms = WRITE_TIMEOUT_MS,
		.connect_timeout_ms = u->connect_timeout_ms,
		.upstream_idle_ms = u->idle_timeout_ms,
		.retry_ms = u->retry_ms,
		.response_timeout_ms = u->response_timeout_ms,
		.http = {c->limits.head_bytes, c->limits.target_bytes, c->limits.fields},
	};
}

static uint16_t
upstream_iface(const struct ks_config *c)
{
	for (uint32_t p = 0; p < c->nports; p++)
		for (uint32_t a = 0; a < c->ports[p].naddresses; a++)
			if (ks_addr_eq(&c->ports[p].addresses[a].addr,
				       &c->services[0].upstream.local_address))
				return p;
	return c->nports - 1;
}

static void
proxy_map(const struct boot *boot, struct ks_proxy_params *p)
{
	const struct ks_config_service *s = &boot->config->services[0];

	limits_map(boot->config, &p->limits);
	p->fail_open = s->overload == KS_CONFIG_FAIL_OPEN;
	p->server_tls = boot->server_tls;
	memcpy(p->client_tls, boot->client_tls, sizeof(p->client_tls));
	memcpy(p->servers, s->upstream.servers, sizeof(p->servers));
	p->nservers = s->upstream.nservers;
	p->upstream_local = s->upstream.local_address;
	p->upstream_iface = upstream_iface(boot->config);
	ks_hash_key_random(&p->identity.token_key);
	if (s->service_account_issuer[0] != '\0')
		p->identity.service_account_issuer = s->service_account_issuer;
}

static void
terminate_map(const struct boot *boot, struct ks_gateway_terminate *t)
{
	const struct ks_config_limits *l = &boot->config->limits;
	struct sizing sizing;

	sizing_get(boot->config, &sizing);
	t->chunks = sizing.chunks;
	t->arena_bytes = sizing.arena_bytes;
	t->tcp = (struct ks_tcp_params){
		.max_conns = l->connections + boot->config->services[0].upstream.max_connections,
		.max_half_open = l->half_open,
		.max_time_wait = l->time_wait,
		.max_listeners = KS_CONFIG_SERVICES_MAX,
		.rcv_buf_bytes = l->receive_buffer_bytes,
		.snd_buf_bytes = l->send_buffer_bytes,
		.keepalive_ms = 60000,
	};
	proxy_map(boot, &t->proxy);
}

static void
workers_map(const struct ks_config *c, struct ks_gateway_params *p)
{
	static const uint8_t kind[KS_CONFIG_STAGE_MAX] = {
		[KS_CONFIG_STAGE_RX] = KS_STAGE_RX,
		[KS_CONFIG_STAGE_TERMINATE] = KS_STAGE_TERMINATE,
		[KS_CONFIG_STAGE_MATCH] = KS_STAGE_MATCH,
		[KS_CONFIG_STAGE_SCORE] = KS_STAGE_SCORE,
	};

	p->nworkers = c->nworkers;
	for (uint32_t w = 0; w < c->nworkers; w++) {
		const struct ks_config_worker *from = &c->workers[w];
		struct ks_gateway_worker *to = &p->workers[w];

		to->lcore = from->lcore;
		to->nstages = from->nstages;
		to->idle_sleep_us = from->idle == KS_CONFIG_IDLE_SPIN ? 0 : from->idle_sleep_us;
		for (uint32_t i = 0; i < from->nstages; i++)
			to->stages[i] = kind[from->stages[i]];
	}
}

static void
score_map(const struct ks_config_score *c, struct ks_score_params *p)
{
	*p = (struct ks_score_params){
		.flag_db = c->flag_db,
		.block_db = c->block_db,
		.throttle_db = c->throttle_db,
		.novelty_blocks = c->novelty_blocks,
		.max_principals = c->max_principals,
		.max_calls = c->max_calls,
		.max_fields_per_call = c->max_fields_per_call,
	};
}

int
boot_gateway(struct boot *boot)
{
	const struct ks_config *c = boot->config;
	static struct ks_gateway_params p;
	char error[256];
	int rc;

	p = (struct ks_gateway_params){
		.nifaces = c->nports,
		.mbufs = boot->tx_mbufs,
		.listen = c->services[0].listen,
		.packet_ring = c->link_depth,
		.match = boot->match,
		.profile = boot->profile,
		.freeze = c->score.freeze,
		.mode = c->services[0].mode,
		.profile_path = c->profile.path[0] != '\0' ? c->profile.path : NULL,
		.profile_save_s = c->profile.save_interval_s,
		.store = boot->store,
	};
	memcpy(p.ifaces, boot->ifaces, sizeof(boot->ifaces));
	workers_map(c, &p);
	terminate_map(boot, &p.terminate);
	score_map(&c->score, &p.score);
	p.score.seed = boot->seed;
	boot->profile = NULL; /* the gateway's from now on */
	rc = ks_gateway_create(&p, &boot->gateway, error);
	if (rc != 0)
		fprintf(stderr, "%s\n", error);
	return rc;
}
