/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's environment, packet buffers, ports and interfaces.
 */
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>

#include "boot.h"

#define EAL_ARGS_MAX (16 + KS_CONFIG_EAL_ARGS_MAX)

struct eal_args {
	char text[EAL_ARGS_MAX][KS_CONFIG_TEXT_BYTES + 32];
	char *v[EAL_ARGS_MAX + 1];
	int n;
};

static void
arg(struct eal_args *args, const char *text)
{
	snprintf(args->text[args->n], sizeof(args->text[0]), "%s", text);
	args->v[args->n] = args->text[args->n];
	args->v[++args->n] = NULL;
}

static bool
needs_pci(const struct ks_config *config)
{
	for (uint32_t i = 0; i < config->nports; i++)
		if (strncmp(config->ports[i].device, "net_", 4) != 0)
			return true;
	return false;
}

static void
eal_args_fill(struct eal_args *args, const struct ks_config *config)
{
	const struct ks_config_eal *eal = &config->eal;
	char text[KS_CONFIG_TEXT_BYTES + 32];

	arg(args, "kubescope");
	snprintf(text, sizeof(text), "--lcores=%s", eal->lcores);
	arg(args, text);
	snprintf(text, sizeof(text), "--file-prefix=%s", eal->file_prefix);
	arg(args, text);
	arg(args, "-m");
	snprintf(text, sizeof(text), "%u", eal->memory_mb);
	arg(args, text);
	arg(args, eal->huge ? "--huge-unlink" : "--no-huge");
	if (!needs_pci(config))
		arg(args, "--no-pci");
	for (uint32_t i = 0; i < eal->nargs; i++)
		arg(args, eal->args[i]);
}

int
boot_eal(struct boot *boot)
{
	const struct ks_config *config = boot->config;
	struct eal_args args = {.n = 0};

	/* EAL puts its telemetry socket there; systemd sets the same variable for services. */
	if (setenv("RUNTIME_DIRECTORY", config->telemetry.runtime_directory, 1) != 0)
		return -errno;
	eal_args_fill(&args, config);
	if (rte_eal_init(args.n, args.v) < 0) {
		fprintf(stderr, "DPDK's environment: %s\n", rte_strerror(rte_errno));
		return -rte_errno;
	}
	boot->eal = true;
	rte_log_set_global_level(config->log_level);
	(void)rte_log_set_level_pattern("kubescope.*", config->log_level);
	return 0;
}

static struct rte_mempool *
mbufs_create(const char *name, uint32_t n)
{
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create(name, n, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

	if (pool == NULL)
		fprintf(stderr, "packet buffers %s: %u: %s (raise eal.memory_mb)\n", name, n,
			rte_strerror(rte_errno));
	return pool;
}

static int
port_open(struct boot *boot, uint32_t i)
{
	const struct ks_config_port *c = &boot->config->ports[i];
	struct ks_port_params params = {
		.name = c->name,
		.device = c->device,
		.mtu = c->mtu,
		.rx_desc = c->rx_desc,
		.tx_desc = c->tx_desc,
	};
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "rx%u", i);
	boot->rx_mbufs[i] = mbufs_create(name, sizing_rx_mbufs(boot->config, i));
	if (boot->rx_mbufs[i] == NULL)
		return -ENOMEM;
	params.pool = boot->rx_mbufs[i];
	rc = ks_port_open(&params, &boot->ports[i]);
	if (rc != 0)
		fprintf(stderr, "port %s (%s): %s\n", c->name, c->device, strerror(-rc));
	return rc;
}

static int
iface_create(struct boot *boot, uint32_t i)
{
	const struct ks_config_port *c = &boot->config->ports[i];
	struct ks_iface_params params = {
		.name = c->name,
		.index = i,
		.port = boot->ports[i],
		.gateway = c->gateway,
		.pool = boot->tx_mbufs,
	};
	int rc;

	for (uint32_t a = 0; a < c->naddresses; a++) {
		params.addr[params.naddr++] = c->addresses[a].addr;
		params.prefix_len = c->addresses[a].len;
	}
	rc = ks_iface_create(&params, &boot->ifaces[i]);
	if (rc != 0)
		fprintf(stderr, "interface %s: %s\n", c->name, strerror(-rc));
	return rc;
}

int
boot_ports(struct boot *boot)
{
	boot->tx_mbufs = mbufs_create("tx", sizing_tx_mbufs(boot->config));
	if (boot->tx_mbufs == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < boot->config->nports; i++) {
		int rc = port_open(boot, i);

		if (rc == 0)
			rc = iface_create(boot, i);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void
boot_ports_close(struct boot *boot)
{
	for (uint32_t i = 0; i < KS_CONFIG_PORTS_MAX; i++) {
		ks_iface_destroy(boot->ifaces[i]);
		ks_port_close(boot->ports[i]);
		rte_mempool_free(boot->rx_mbufs[i]);
	}
	rte_mempool_free(boot->tx_mbufs);
}
