/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of an interface, for the files of this room that share it.
 * Thread: the RX stage.
 */
#ifndef KS_NET_IFACE_H
#define KS_NET_IFACE_H

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "ks_iface.h"
#include "neigh.h"

#define KS_IFACE_ADDRS 8
#define KS_IFACE_TXQ 256

/** Tokens that come back with time: `cost_us` of it each, at most `burst` at once. */
struct ks_rate {
	uint64_t last_us;
	uint64_t credit_us;
	uint32_t cost_us;
	uint32_t burst;
};

struct ks_iface {
	uint64_t counters[KS_IFACE_COUNTER_MAX];
	struct ks_port *port;
	struct rte_mempool *pool;
	struct rte_ether_addr mac;
	uint16_t index;
	bool rx_ip_cksum; /* the device marks bad ones */
	bool rx_l4_cksum;
	bool tx_multi_seg;
	uint8_t naddr;
	rte_be32_t addr[KS_IFACE_ADDRS];
	rte_be32_t net;	    /* connected network … */
	rte_be32_t mask;    /* … and its mask */
	rte_be32_t gateway; /* 0: none */
	struct ks_neigh *last_hop;
	struct ks_neigh_table neigh;
	uint64_t sweep_us; /* when the next part of the neighbours is looked at */
	uint32_t sweep_part;
	struct ks_rate echo_rate;
	struct ks_rate request_rate;
	uint16_t ntx;
	struct rte_mbuf *tx[KS_IFACE_TXQ];
};

static inline void
ks_iface_count(struct ks_iface *iface, enum ks_iface_counter counter)
{
	ks_count(&iface->counters[counter]);
}

static inline bool
ks_iface_owns_v4(const struct ks_iface *iface, rte_be32_t addr)
{
	for (uint8_t i = 0; i < iface->naddr; i++)
		if (iface->addr[i] == addr)
			return true;
	return false;
}

static inline bool
ks_iface_on_link(const struct ks_iface *iface, rte_be32_t addr)
{
	return (addr & iface->mask) == iface->net;
}

/** All ones in the host part: nobody's address. Networks of one or two addresses have none. */
static inline bool
ks_iface_is_broadcast(const struct ks_iface *iface, rte_be32_t addr)
{
	return ks_iface_on_link(iface, addr) && (addr | iface->mask) == UINT32_MAX &&
	       ~rte_be_to_cpu_32(iface->mask) > 1;
}

/** Ends a frame in a counter. */
void ks_iface_drop(struct ks_iface *iface, struct rte_mbuf *mbuf, enum ks_iface_counter counter);
/** Queues a whole frame; takes ownership. */
void ks_iface_send(struct ks_iface *iface, struct rte_mbuf *frame);
/** @return a frame that may be written to: `mbuf` itself or a copy of it; NULL (counted) when there
 *  is no buffer. Takes ownership of `mbuf`. */
struct rte_mbuf *ks_iface_writable(struct ks_iface *iface, struct rte_mbuf *mbuf);
/** @return true when one more event of this kind is within its rate. */
bool ks_rate_take(struct ks_rate *rate, uint64_t now_us);

/** @return true when the frame is a valid TCP packet for us; otherwise it has been dealt with. */
bool ks_ipv4_input(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct ks_now *now);
/** An ICMP message to us; `mbuf` ends where the message ends. */
void ks_icmp_input(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct ks_now *now);
void ks_arp_input(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct ks_now *now);
/** Sends an IP packet to the neighbour, or lets it wait for its answer. */
void ks_arp_output(struct ks_iface *iface, struct rte_mbuf *ip, rte_be32_t hop, uint64_t now_us);
/** Retries and expires a part of the neighbours. */
void ks_arp_sweep(struct ks_iface *iface, uint64_t now_us);
/** Drops all that waits. */
void ks_arp_fini(struct ks_iface *iface);

#endif
