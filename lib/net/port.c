/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: the part that is the same for devices and for functions of the caller.
 * Thread: see ks_port.h.
 */
#include <errno.h>
#include <rte_ethdev.h>
#include <stdlib.h>

#include "ks_counter.h"
#include "port.h"

#define DEFAULT_MTU 1500

int
ks_port_open_ops(const char *name, const struct ks_port_ops *ops, void *arg,
		 const struct rte_ether_addr *mac, uint16_t mtu, struct ks_port **out)
{
	struct ks_port *port;

	if (ops->rx_burst == NULL || ops->tx_burst == NULL)
		return -EINVAL;
	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return -ENOMEM;
	port->ops = *ops;
	port->arg = arg;
	port->mtu = mtu == 0 ? DEFAULT_MTU : mtu;
	port->mac = *mac;
	port->sw.link_up = true;
	strncpy(port->name, name, sizeof(port->name) - 1);
	*out = port;
	return 0;
}

void
ks_port_close(struct ks_port *port)
{
	if (port == NULL)
		return;
	if (port->ops.rx_burst == NULL)
		ks_port_device_close(port);
	free(port);
}

static uint64_t
total_bytes(struct rte_mbuf *const *pkts, uint16_t n)
{
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < n; i++)
		bytes += pkts[i]->pkt_len;
	return bytes;
}

static uint16_t
rx_ops(struct ks_port *port, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t got = port->ops.rx_burst(port->arg, pkts, n);

	ks_count_add(&port->sw.rx_packets, got);
	ks_count_add(&port->sw.rx_bytes, total_bytes(pkts, got));
	return got;
}

/* The bytes are added up first: what was taken may be freed by then. */
static uint16_t
tx_ops(struct ks_port *port, struct rte_mbuf **pkts, uint16_t n)
{
	uint64_t bytes = total_bytes(pkts, n), left;
	uint16_t sent = port->ops.tx_burst(port->arg, pkts, n);

	left = total_bytes(pkts + sent, (uint16_t)(n - sent));
	ks_count_add(&port->sw.tx_packets, sent);
	ks_count_add(&port->sw.tx_bytes, bytes - left);
	return sent;
}

uint16_t
ks_port_rx_burst(struct ks_port *port, struct rte_mbuf **pkts, uint16_t n)
{
	if (port->ops.rx_burst != NULL)
		return rx_ops(port, pkts, n);
	return rte_eth_rx_burst(port->id, 0, pkts, n);
}

uint16_t
ks_port_tx_burst(struct ks_port *port, struct rte_mbuf **pkts, uint16_t n)
{
	if (port->ops.rx_burst != NULL)
		return tx_ops(port, pkts, n);
	return rte_eth_tx_burst(port->id, 0, pkts, n);
}

const char *
ks_port_name(const struct ks_port *port)
{
	return port->name;
}

const struct rte_ether_addr *
ks_port_mac(const struct ks_port *port)
{
	return &port->mac;
}

uint16_t
ks_port_mtu(const struct ks_port *port)
{
	return port->mtu;
}

const struct ks_port_caps *
ks_port_caps_get(const struct ks_port *port)
{
	return &port->caps;
}

void
ks_port_stats_get(struct ks_port *port, struct ks_port_stats *out)
{
	if (port->ops.rx_burst == NULL) {
		ks_port_device_stats_get(port, out);
		return;
	}
	*out = (struct ks_port_stats){
		.rx_packets = ks_count_read(&port->sw.rx_packets),
		.rx_bytes = ks_count_read(&port->sw.rx_bytes),
		.tx_packets = ks_count_read(&port->sw.tx_packets),
		.tx_bytes = ks_count_read(&port->sw.tx_bytes),
		.link_up = true,
	};
}
