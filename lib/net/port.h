/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a port is inside: either functions of the caller or the number of a DPDK device.
 */
#ifndef KS_NET_PORT_H
#define KS_NET_PORT_H

#include "ks_log.h"
#include "ks_port.h"

KS_LOG_DECLARE(net);

#define KS_PORT_NAME_BYTES 32

struct ks_port {
	struct ks_port_ops ops; /* rx_burst NULL: a DPDK device */
	void *arg;
	uint16_t id; /* DPDK's number */
	uint16_t mtu;
	bool attached_by_us; /* so we detach it */
	struct rte_ether_addr mac;
	struct ks_port_caps caps;
	struct ks_port_stats sw; /* of ports over functions; one writer, the polling worker */
	char name[KS_PORT_NAME_BYTES];
};

/** Stops and, where ks_port_open() attached it, detaches the device. */
void ks_port_device_close(struct ks_port *port);
void ks_port_device_stats_get(const struct ks_port *port, struct ks_port_stats *out);

#endif
