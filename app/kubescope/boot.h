/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon holds from boot to unwind: each step takes from it what earlier steps have put
 * there, and the unwinding goes in reverse. Thread: the main lcore, which becomes the control core.
 */
#ifndef KUBESCOPE_BOOT_H
#define KUBESCOPE_BOOT_H

#include "ks_config.h"
#include "ks_gateway.h"
#include "ks_rules.h"

struct boot {
	struct ks_config *config;
	struct ks_rules *rules;
	struct ks_match_db *match;
	struct rte_mempool *rx_mbufs[KS_CONFIG_PORTS_MAX];
	struct rte_mempool *tx_mbufs;
	struct ks_port *ports[KS_CONFIG_PORTS_MAX];
	struct ks_iface *ifaces[KS_CONFIG_PORTS_MAX];
	struct ks_tls_ctx *server_tls;
	struct ks_tls_ctx *client_tls[KS_UPSTREAM_CLASSES];
	struct ks_profile *profile;
	uint64_t seed; /**< of feature hashes: the profile's, or fresh */
	struct ks_store *store;
	struct ks_gateway *gateway;
	bool eal;
};

/* boot_config.c: what needs no device; enough for --check */
int boot_config(struct boot *boot, const char *path);
int boot_profile(struct boot *boot);
int boot_rules(struct boot *boot);
int boot_tls(struct boot *boot);

/* boot_net.c */
int boot_eal(struct boot *boot);
int boot_ports(struct boot *boot);
void boot_ports_close(struct boot *boot);

/* boot_gateway.c */
int boot_store(struct boot *boot);
int boot_gateway(struct boot *boot);

/* sizing.c: limits become memory */
struct sizing {
	uint32_t terminates;				 /**< instances */
	uint32_t chunks;				 /**< per instance */
	size_t chunk_bytes, arena_bytes, exchange_bytes; /**< per instance */
	size_t mbufs_bytes, total_bytes;
	uint32_t bodies_full;	/**< bodies of the largest size that fit at a time */
	uint32_t bodies_source; /**< of these, what one source may hold */
};
void sizing_get(const struct ks_config *config, struct sizing *out);
void sizing_print(const struct ks_config *config);
/** Buffers of one port, and of what we send. */
uint32_t sizing_rx_mbufs(const struct ks_config *config, uint32_t port);
uint32_t sizing_tx_mbufs(const struct ks_config *config);

/** Everything that was put into `boot`, in reverse. */
void boot_unwind(struct boot *boot);

#endif
