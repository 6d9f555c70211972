/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits become memory, before any is taken: what the operator allows is what must fit.
 */
#include "boot.h"

#include <inttypes.h>
#include <rte_common.h>
#include <stdio.h>

/** Bytes in flight of a busy instance, whatever its connections: records, answers, reassembly. */
#define CHUNKS_BASE 16384u
/** A connection that waits in the middle of something holds about one chunk each way. */
#define CHUNKS_PER_CONNECTION 2u
#define MBUFS_SLACK 8192u
#define MBUF_BYTES 2432u /**< 2 KiB, headroom and struct rte_mbuf */

uint32_t
sizing_rx_mbufs(const struct ks_config *config, uint32_t port)
{
	/* One ring of the device, one link to each TERMINATE, and what is in hand. */
	return config->ports[port].rx_desc + config->link_depth + MBUFS_SLACK;
}

uint32_t
sizing_tx_mbufs(const struct ks_config *config)
{
	uint32_t n = config->link_depth + MBUFS_SLACK;

	for (uint32_t i = 0; i < config->nports; i++)
		n += config->ports[i].tx_desc;
	return n;
}

static uint32_t
terminates(const struct ks_config *config)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < config->nworkers; w++)
		for (uint32_t i = 0; i < config->workers[w].nstages; i++)
			n += config->workers[w].stages[i] == KS_CONFIG_STAGE_TERMINATE;
	return n;
}

void
sizing_get(const struct ks_config *config, struct sizing *out)
{
	const struct ks_config_limits *l = &config->limits;
	uint64_t mbufs = sizing_tx_mbufs(config), body = rte_align64pow2(l->body_bytes);

	memset(out, 0, sizeof(*out));
	out->terminates = terminates(config);
	out->chunks = CHUNKS_BASE + l->connections * CHUNKS_PER_CONNECTION;
	out->chunk_bytes = (size_t)out->chunks * sizeof(struct ks_chunk);
	out->arena_bytes = l->body_budget_bytes / out->terminates;
	out->exchange_bytes = (size_t)l->exchanges * sizeof(struct ks_exchange);
	for (uint32_t i = 0; i < config->nports; i++)
		mbufs += sizing_rx_mbufs(config, i);
	out->mbufs_bytes = mbufs * MBUF_BYTES;
	out->bodies_full = out->arena_bytes / body;
	out->bodies_source = out->arena_bytes * l->body_share_source_percent / 100 / body;
	out->total_bytes =
		out->mbufs_bytes +
		out->terminates * (out->chunk_bytes + out->arena_bytes + out->exchange_bytes);
}

void
sizing_print(const struct ks_config *config)
{
	const struct ks_config_limits *l = &config->limits;
	struct sizing s;

	sizing_get(config, &s);
	printf("connections        %u per TERMINATE worker, %u workers\n", l->connections,
	       s.terminates);
	printf("requests under way %u per worker (%zu MiB)\n", l->exchanges,
	       s.exchange_bytes >> 20);
	printf("byte chains        %u chunks per worker (%zu MiB)\n", s.chunks,
	       s.chunk_bytes >> 20);
	printf("request bodies     %zu MiB per worker: %u of %u KiB fit, %u of one source\n",
	       s.arena_bytes >> 20, s.bodies_full, l->body_bytes >> 10, s.bodies_source);
	printf("packet buffers     %zu MiB, of %u MiB given to DPDK\n", s.mbufs_bytes >> 20,
	       config->eal.memory_mb);
	printf("in all             %zu MiB, and about 14 KiB for each TLS session\n",
	       s.total_bytes >> 20);
}
