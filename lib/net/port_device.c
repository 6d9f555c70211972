/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bring-up of a DPDK Ethernet device: attach, negotiate offloads, one queue each way, start.
 *
 * Nothing is demanded of a device but that it moves frames: each offload that is missing has a
 * software form in this room. Promiscuous mode stays off; the device takes its own address and
 * broadcasts.
 * Thread: control core.
 */
#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>

#include "port.h"

KS_LOG_DEFINE(net);

#define DEFAULT_MTU 1500
#define DEFAULT_DESC 1024
/* Ethernet header, one VLAN tag and frame check sequence. */
#define FRAME_OVERHEAD_BYTES (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN)

#define RX_WANTED (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM)
#define TX_WANTED                                                       \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | \
	 RTE_ETH_TX_OFFLOAD_MULTI_SEGS)

static int
find_id(const char *device, uint16_t *id)
{
	struct rte_dev_iterator iterator;
	bool found = false;
	uint16_t match;

	RTE_ETH_FOREACH_MATCHING_DEV(match, device, &iterator)
	{
		*id = match;
		found = true;
		rte_eth_iterator_cleanup(&iterator);
		break;
	}
	return found ? 0 : -ENODEV;
}

/* EAL says "no bus knows this name" as EFAULT and "no driver took it" as ENOENT. */
static int
attach_error(int rc)
{
	return rc == -EFAULT || rc == -ENOENT ? -ENODEV : rc;
}

static int
attach(struct ks_port *port, const char *device)
{
	int rc;

	/* EAL takes PCI devices by itself when it was not told otherwise. */
	if (find_id(device, &port->id) == 0)
		return 0;
	rc = rte_dev_probe(device);
	if (rc < 0 && rc != -EEXIST)
		return attach_error(rc);
	port->attached_by_us = true;
	return find_id(device, &port->id);
}

/* A device that somebody else drives already must stay as it is. */
static int
own(const struct ks_port *port)
{
	struct rte_eth_dev_owner owner = {0};
	int rc = rte_eth_dev_owner_new(&owner.id);

	if (rc != 0)
		return rc;
	snprintf(owner.name, sizeof(owner.name), "kubescope-%s", port->name);
	return rte_eth_dev_owner_set(port->id, &owner) == 0 ? 0 : -EBUSY;
}

static uint32_t
buffer_bytes(struct rte_mempool *pool)
{
	return (uint32_t)rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
}

/* Frames larger than a buffer need a device that scatters them. */
static int
negotiate(const struct ks_port *port, const struct ks_port_params *params,
	  const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint64_t rx = RX_WANTED;

	if (buffer_bytes(params->pool) < port->mtu + (uint32_t)FRAME_OVERHEAD_BYTES) {
		if ((info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) == 0) {
			KS_LOG(net, ERR, "port_buffers_small port=%s mtu=%u buffer=%u", port->name,
			       port->mtu, buffer_bytes(params->pool));
			return -EINVAL;
		}
		rx |= RTE_ETH_RX_OFFLOAD_SCATTER;
	}
	conf->rxmode.mtu = port->mtu;
	conf->rxmode.offloads = rx & info->rx_offload_capa;
	conf->txmode.offloads = TX_WANTED & info->tx_offload_capa;
	return 0;
}

static void
caps_set(struct ks_port *port, const struct rte_eth_conf *conf)
{
	uint64_t rx = conf->rxmode.offloads, tx = conf->txmode.offloads;

	port->caps = (struct ks_port_caps){
		.rx_ip_cksum = (rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0,
		.rx_l4_cksum = (rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0,
		.tx_ip_cksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0,
		.tx_tcp_cksum = (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0,
		.tx_multi_seg = (tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0,
	};
}

static int
setup_queues(const struct ks_port *port, const struct ks_port_params *params,
	     const struct rte_eth_dev_info *info, const struct rte_eth_conf *conf)
{
	uint16_t rx_desc = params->rx_desc == 0 ? DEFAULT_DESC : params->rx_desc;
	uint16_t tx_desc = params->tx_desc == 0 ? DEFAULT_DESC : params->tx_desc;
	struct rte_eth_rxconf rxconf = info->default_rxconf;
	struct rte_eth_txconf txconf = info->default_txconf;
	int socket = rte_eth_dev_socket_id(port->id);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx_desc, &tx_desc);

	rxconf.offloads = conf->rxmode.offloads;
	txconf.offloads = conf->txmode.offloads;
	if (rc == 0)
		rc = rte_eth_rx_queue_setup(port->id, 0, rx_desc, (unsigned int)socket, &rxconf,
					    params->pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(port->id, 0, tx_desc, (unsigned int)socket, &txconf);
	return rc;
}

/* Rings have no address of their own; both ends of a wire must differ. */
static int
mac_set(struct ks_port *port)
{
	int rc = rte_eth_macaddr_get(port->id, &port->mac);

	if (rc != 0 || !rte_is_zero_ether_addr(&port->mac))
		return rc;
	rte_eth_random_addr(port->mac.addr_bytes);
	(void)rte_eth_dev_default_mac_addr_set(port->id, &port->mac);
	return 0;
}

static int
configure(struct ks_port *port, const struct ks_port_params *params)
{
	struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);

	if (rc == 0)
		rc = negotiate(port, params, &info, &conf);
	if (rc == 0)
		rc = rte_eth_dev_configure(port->id, 1, 1, &conf);
	if (rc == 0)
		rc = setup_queues(port, params, &info, &conf);
	if (rc == 0)
		rc = mac_set(port);
	if (rc == 0)
		rc = rte_eth_dev_start(port->id);
	if (rc != 0)
		return rc;
	/* Devices that know no modes take everything; the interface filters by address anyway. */
	(void)rte_eth_promiscuous_disable(port->id);
	caps_set(port, &conf);
	return 0;
}

int
ks_port_open(const struct ks_port_params *params, struct ks_port **out)
{
	char mac[RTE_ETHER_ADDR_FMT_SIZE];
	struct ks_port *port;
	int rc;

	if (params->pool == NULL || params->device == NULL || params->device[0] == '\0')
		return -EINVAL;
	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return -ENOMEM;
	port->mtu = params->mtu == 0 ? DEFAULT_MTU : params->mtu;
	strncpy(port->name, params->name, sizeof(port->name) - 1);
	rc = attach(port, params->device);
	if (rc == 0)
		rc = own(port);
	if (rc != 0)
		goto err_free;
	rc = configure(port, params);
	if (rc != 0)
		goto err_close;
	rte_ether_format_addr(mac, sizeof(mac), &port->mac);
	KS_LOG(net, INFO,
	       "port_up port=%s id=%u mac=%s mtu=%u rx_ip_cksum=%d rx_l4_cksum=%d tx_ip_cksum=%d "
	       "tx_tcp_cksum=%d tx_multi_seg=%d",
	       port->name, port->id, mac, port->mtu, port->caps.rx_ip_cksum, port->caps.rx_l4_cksum,
	       port->caps.tx_ip_cksum, port->caps.tx_tcp_cksum, port->caps.tx_multi_seg);
	*out = port;
	return 0;

err_close:
	ks_port_device_close(port);
err_free:
	KS_LOG(net, ERR, "port_open_failed port=%s device=%s error=\"%s\"", params->name,
	       params->device, strerror(-rc));
	free(port);
	return rc;
}

void
ks_port_device_close(struct ks_port *port)
{
	struct rte_eth_dev_info info = {.device = NULL};

	(void)rte_eth_dev_info_get(port->id, &info);
	(void)rte_eth_dev_stop(port->id);
	(void)rte_eth_dev_close(port->id);
	if (port->attached_by_us && info.device != NULL)
		(void)rte_dev_remove(info.device);
}

void
ks_port_device_stats_get(const struct ks_port *port, struct ks_port_stats *out)
{
	struct rte_eth_stats stats = {0};
	struct rte_eth_link link = {0};

	(void)rte_eth_stats_get(port->id, &stats);
	(void)rte_eth_link_get_nowait(port->id, &link);
	*out = (struct ks_port_stats){
		.rx_packets = stats.ipackets,
		.rx_bytes = stats.ibytes,
		.tx_packets = stats.opackets,
		.tx_bytes = stats.obytes,
		.rx_missed = stats.imissed,
		.rx_errors = stats.ierrors,
		.tx_errors = stats.oerrors,
		.rx_nombuf = stats.rx_nombuf,
		.link_up = link.link_status == RTE_ETH_LINK_UP,
	};
}
