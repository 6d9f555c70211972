/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port: where frames come from and go to. Either a DPDK Ethernet device or any other pair of
 * burst functions (the virtual wire of the simulation, a recording).
 *
 * Thread: open, close and stats on the control core; the bursts on the one worker that polls it.
 */
#ifndef KS_PORT_H
#define KS_PORT_H

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "ks_base.h"

struct ks_port;

struct ks_port_ops {
	uint16_t (*rx_burst)(void *arg, struct rte_mbuf **pkts, uint16_t n);
	/** Takes ownership of what it accepts; returns how many. */
	uint16_t (*tx_burst)(void *arg, struct rte_mbuf **pkts, uint16_t n);
};

struct ks_port_params {
	const char *name;   /**< ours, for display */
	const char *device; /**< PCI address, or a vdev string such as "net_af_packet0,iface=g0" */
	uint16_t mtu;	    /**< 0: 1500 */
	uint16_t rx_desc;   /**< 0: 1024 */
	uint16_t tx_desc;   /**< 0: 1024 */
	struct rte_mempool *pool; /**< receive buffers */
};

/** What the device does for us; negotiated at open, constant afterwards. */
struct ks_port_caps {
	bool rx_ip_cksum; /**< bad IPv4 header checksums come marked */
	bool rx_l4_cksum; /**< bad TCP checksums come marked */
	bool tx_ip_cksum;
	bool tx_tcp_cksum;
	bool tx_multi_seg;
};

struct ks_port_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t rx_missed, rx_errors, tx_errors, rx_nombuf;
	bool link_up;
};

/**
 * Attaches (vdev: creates) and starts a DPDK device.
 * @return 0; -ENODEV no such device, -EINVAL bad string, other -errno of the driver. Logged.
 */
int ks_port_open(const struct ks_port_params *params, struct ks_port **out);
/** A port over functions of the caller; `arg` is handed to both. No offloads. */
int ks_port_open_ops(const char *name, const struct ks_port_ops *ops, void *arg,
		     const struct rte_ether_addr *mac, uint16_t mtu, struct ks_port **out);
void ks_port_close(struct ks_port *port);

uint16_t ks_port_rx_burst(struct ks_port *port, struct rte_mbuf **pkts, uint16_t n);
/** Sends what the device takes; the caller keeps the rest. */
uint16_t ks_port_tx_burst(struct ks_port *port, struct rte_mbuf **pkts, uint16_t n);

const char *ks_port_name(const struct ks_port *port);
const struct rte_ether_addr *ks_port_mac(const struct ks_port *port);
uint16_t ks_port_mtu(const struct ks_port *port);
const struct ks_port_caps *ks_port_caps_get(const struct ks_port *port);
void ks_port_stats_get(struct ks_port *port, struct ks_port_stats *out);

#endif
