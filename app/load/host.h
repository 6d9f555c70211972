/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host on our own stack: one port with its addresses, TCP, and the memory of both. Clients and
 * the stand-in API server of load program and simulation live on such hosts. Thread: whoever polls
 * it. Time comes in through `now`.
 */
#ifndef LOAD_HOST_H
#define LOAD_HOST_H

#include <rte_mempool.h>

#include "ks_http.h"
#include "ks_iface.h"
#include "ks_leg.h"

#define HOST_BURST 64u

struct host_params {
	struct ks_port *port; /**< borrowed */
	const struct ks_addr *addrs;
	uint8_t naddrs; /**< at most 8 */
	uint8_t prefix_len;
	struct rte_mempool *mbufs; /**< borrowed */
	uint32_t conns;
	uint32_t chunks;
	uint32_t msl_ms; /**< short where thousands of connections come and go */
	uint64_t seed;
	uint64_t start_us;
};

struct host {
	struct ks_iface *iface;
	struct ks_tcp_stack *tcp;
	struct ks_timer_wheel *wheel;
	struct ks_pool *chunks;
	struct rte_mempool *mbufs;
	const struct ks_port_caps *caps;
	struct rte_mbuf *out[HOST_BURST];
	uint32_t nout;
	struct ks_now now;
};

/** @return 0 or -errno; on error nothing is left behind. */
int host_init(struct host *host, const struct host_params *params);
void host_fini(struct host *host);
/** Frames in, timers. The caller then looks at ks_tcp_event_next(). @return how much was done. */
uint32_t host_poll(struct host *host, const struct ks_now *now);
/** What TCP has to send goes out. */
void host_flush(struct host *host);

#endif
