/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interface: the IP side of one port. Answers ARP (RFC 826) and ICMP echo (RFC 792), keeps the
 * neighbour cache with a bounded wait queue, validates IPv4 (RFC 791, RFC 1812 section 5.2.2), and
 * turns frames into TCP packets and TCP packets into frames.
 *
 * The RX stage owns interfaces: input and output run there. `ks_packet_*` are pure and run
 * anywhere. Every frame ends in exactly one counter of KS_IFACE_COUNTERS or is handed up.
 */
#ifndef KS_IFACE_H
#define KS_IFACE_H

#include <rte_mbuf.h>

#include "ks_addr.h"
#include "ks_counter.h"
#include "ks_port.h"

struct ks_iface;

struct ks_iface_params {
	const char *name;
	uint16_t index;		/**< what stands in ks_tuple.iface and mbuf->port */
	struct ks_port *port;	/**< borrowed */
	struct ks_addr addr[8]; /**< addresses that we own */
	uint8_t naddr;
	uint8_t prefix_len;	  /**< of the connected network; IPv4: 0–32 */
	struct ks_addr gateway;	  /**< next hop for all others; all zero: none */
	struct rte_mempool *pool; /**< for frames that we make (ARP, ICMP) */
	uint32_t neighbours;	  /**< cache size; 0: 1024 */
};

#define KS_IFACE_COUNTERS(X)                                                                      \
	X(RX_TCP, "rx_tcp", "TCP packets handed up")                                              \
	X(RX_ARP, "rx_arp", "ARP frames taken")                                                   \
	X(RX_ICMP_ECHO, "rx_icmp_echo", "ICMP echo requests answered")                            \
	X(RX_ICMP_OTHER, "rx_icmp_other", "other ICMP messages taken")                            \
	X(DROP_RUNT, "drop_runt", "frames shorter than their headers say")                        \
	X(DROP_NOT_FOR_US, "drop_not_for_us", "frames or packets for another address")            \
	X(DROP_ETHERTYPE, "drop_ethertype", "frames of an unknown type")                          \
	X(DROP_IP_HEADER, "drop_ip_header", "malformed IPv4 headers")                             \
	X(DROP_IP_CKSUM, "drop_ip_cksum", "bad IPv4 header checksums")                            \
	X(DROP_IP_SOURCE, "drop_ip_source", "senders that cannot be (loopback, multicast, ours)") \
	X(DROP_FRAGMENT, "drop_fragment", "IPv4 fragments")                                       \
	X(DROP_PROTOCOL, "drop_protocol", "protocols that we do not speak")                       \
	X(DROP_TCP_HEADER, "drop_tcp_header", "malformed TCP headers")                            \
	X(DROP_TCP_CKSUM, "drop_tcp_cksum", "bad TCP checksums")                                  \
	X(DROP_ARP_BAD, "drop_arp_bad", "malformed or impossible ARP")                            \
	X(DROP_ICMP_BAD, "drop_icmp_bad", "malformed ICMP or bad ICMP checksums")                 \
	X(DROP_ICMP_RATE, "drop_icmp_rate", "echo requests over the rate that is answered")       \
	X(DROP_NO_BUFFER, "drop_no_buffer", "no buffer for a frame of our own, or to join one")   \
	X(DROP_UNRESOLVED, "drop_unresolved", "packets whose next hop did not answer ARP")        \
	X(DROP_NO_ROUTE, "drop_no_route", "packets without a next hop")                           \
	X(DROP_TX_FULL, "drop_tx_full", "frames that the device did not take")                    \
	X(TX_FRAMES, "tx_frames", "frames given to the device")

#define KS_IFACE_COUNTER_ROW(ID, name, help) KS_COUNTER_ENUM_ROW(KS_IFACE_, ID, name, help)
enum ks_iface_counter { KS_IFACE_COUNTERS(KS_IFACE_COUNTER_ROW) KS_IFACE_COUNTER_MAX };
#undef KS_IFACE_COUNTER_ROW
extern const struct ks_counter_desc ks_iface_counter_desc[KS_IFACE_COUNTER_MAX];

int ks_iface_create(const struct ks_iface_params *params, struct ks_iface **out);
void ks_iface_destroy(struct ks_iface *iface);

/**
 * Polls the port once: reads up to `n` frames, deals with all that is not TCP for us, and leaves
 * validated TCP packets in `tcp` (IP and TCP checked, mbuf trimmed to the IP length,
 * mbuf->l2_len/l3_len set, mbuf->port = index). @return how many.
 */
uint16_t ks_iface_rx_burst(struct ks_iface *iface, struct rte_mbuf **tcp, uint16_t n,
			   const struct ks_now *now);
/**
 * Sends IP packets (data starts at the IP header): resolves the next hop, prepends Ethernet,
 * queues for ks_iface_flush(). Takes ownership of all; their headroom must be theirs alone (no
 * clones). Packets for a next hop that is not known yet wait for its answer, eight at most each.
 */
void ks_iface_tx_burst(struct ks_iface *iface, struct rte_mbuf **ip, uint16_t n,
		       const struct ks_now *now);
/** Hands queued frames to the device, retries and expires ARP. Once a turn.
 *  @return frames that left in this call. */
uint16_t ks_iface_flush(struct ks_iface *iface, const struct ks_now *now);

const uint64_t *ks_iface_counters(const struct ks_iface *iface);
struct ks_port *ks_iface_port(const struct ks_iface *iface);
/** True when the address is one of ours. */
bool ks_iface_owns(const struct ks_iface *iface, const struct ks_addr *addr);

/* ---- packets: pure, any thread ---- */

/** A validated TCP packet, pointing into its mbuf. */
struct ks_packet {
	struct ks_tuple tuple; /**< local = destination: as the receiver sees it */
	const uint8_t *l4;     /**< TCP header */
	uint16_t l4_bytes;     /**< TCP header and payload */
	uint8_t ecn;	       /**< RFC 3168 section 5 codepoint */
};
/** Reads what ks_iface_rx_burst() validated. */
void ks_packet_read(const struct rte_mbuf *mbuf, struct ks_packet *out);

/** Where a TCP segment is to be written and how it becomes an IP packet. */
#define KS_PACKET_HEADROOM_BYTES 80u /**< Ethernet + VLAN + the larger IP header, rounded up */
/**
 * Puts the IP header before `l4_bytes` of TCP already in the mbuf (data starts at the TCP header)
 * and does both checksums, or asks the device for them as `caps` allows.
 */
void ks_packet_finish_tcp(struct rte_mbuf *mbuf, const struct ks_tuple *tuple,
			  const struct ks_port_caps *caps);

/* ---- steering: pure, any thread ---- */

/** Symmetric: both directions of a flow give the same value. Keyed, so that it cannot be aimed. */
uint32_t ks_steer_hash(const struct ks_tuple *tuple, uint32_t key);
/** Range of local ports of upstream connections that codes their owner. */
uint16_t ks_steer_port_first(uint16_t owner, uint16_t nowners);
uint16_t ks_steer_port_count(uint16_t nowners);
/** @return the owner coded in our own port (host order), or nowners when not in any range. */
uint16_t ks_steer_port_owner(uint16_t port, uint16_t nowners);

#endif
