/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface: frames are sorted by type on the way in, packets get their next hop on the way
 * out. What a frame means is decided in the files of ARP, IPv4 and ICMP.
 * Thread: creation on the control core, all else on the RX stage.
 */
#include <errno.h>
#include <rte_prefetch.h>
#include <rte_random.h>
#include <stdlib.h>

#include "iface.h"

#define NEIGHBOURS 1024
#define NEIGHBOURS_MAX (1u << 20)
#define ECHO_PER_S 1000
#define ECHO_BURST 200
#define REQUESTS_PER_S 1000
#define REQUESTS_BURST 200
#define PREFETCH 4

#define KS_IFACE_DESC_ROW(ID, name, help) KS_COUNTER_DESC_ROW(KS_IFACE_, ID, name, help)
const struct ks_counter_desc ks_iface_counter_desc[KS_IFACE_COUNTER_MAX] = {
	KS_IFACE_COUNTERS(KS_IFACE_DESC_ROW)};
#undef KS_IFACE_DESC_ROW

static const struct ks_addr no_addr;

static bool
is_host(const struct ks_addr *addr)
{
	uint32_t v4 = rte_be_to_cpu_32(ks_addr_v4(addr));

	return ks_addr_is_v4(addr) && v4 != 0 && v4 >> 24 != 127 && v4 >> 28 < 0xe;
}

static int
params_check(const struct ks_iface_params *params)
{
	if (params->port == NULL || params->pool == NULL || params->naddr == 0 ||
	    params->naddr > KS_IFACE_ADDRS || params->prefix_len > 32 ||
	    params->neighbours > NEIGHBOURS_MAX)
		return -EINVAL;
	for (uint8_t i = 0; i < params->naddr; i++)
		if (!is_host(&params->addr[i]))
			return -EINVAL;
	if (!ks_addr_eq(&params->gateway, &no_addr) && !is_host(&params->gateway))
		return -EINVAL;
	return 0;
}

static void
addresses_set(struct ks_iface *iface, const struct ks_iface_params *params)
{
	uint32_t mask = params->prefix_len == 0 ? 0 : UINT32_MAX << (32 - params->prefix_len);

	for (uint8_t i = 0; i < params->naddr; i++)
		iface->addr[i] = ks_addr_v4(&params->addr[i]);
	iface->naddr = params->naddr;
	iface->mask = rte_cpu_to_be_32(mask);
	iface->net = iface->addr[0] & iface->mask;
	if (!ks_addr_eq(&params->gateway, &no_addr))
		iface->gateway = ks_addr_v4(&params->gateway);
}

static void
rate_init(struct ks_rate *rate, uint32_t per_s, uint32_t burst)
{
	*rate = (struct ks_rate){.cost_us = 1000000 / per_s, .burst = burst};
	rate->credit_us = (uint64_t)rate->cost_us * burst;
}

int
ks_iface_create(const struct ks_iface_params *params, struct ks_iface **out)
{
	const struct ks_port_caps *caps;
	struct ks_iface *iface;
	int rc = params_check(params);

	if (rc != 0)
		return rc;
	iface = calloc(1, sizeof(*iface));
	if (iface == NULL)
		return -ENOMEM;
	rc = ks_neigh_table_init(&iface->neigh,
				 params->neighbours == 0 ? NEIGHBOURS : params->neighbours,
				 rte_rand());
	if (rc != 0) {
		free(iface);
		return rc;
	}
	caps = ks_port_caps_get(params->port);
	iface->rx_ip_cksum = caps->rx_ip_cksum;
	iface->rx_l4_cksum = caps->rx_l4_cksum;
	iface->tx_multi_seg = caps->tx_multi_seg;
	iface->port = params->port;
	iface->pool = params->pool;
	iface->mac = *ks_port_mac(params->port);
	iface->index = params->index;
	iface->last_hop = iface->neigh.entries;
	addresses_set(iface, params);
	rate_init(&iface->echo_rate, ECHO_PER_S, ECHO_BURST);
	rate_init(&iface->request_rate, REQUESTS_PER_S, REQUESTS_BURST);
	*out = iface;
	return 0;
}

void
ks_iface_destroy(struct ks_iface *iface)
{
	if (iface == NULL)
		return;
	ks_arp_fini(iface);
	rte_pktmbuf_free_bulk(iface->tx, iface->ntx);
	ks_neigh_table_fini(&iface->neigh);
	free(iface);
}

bool
ks_rate_take(struct ks_rate *rate, uint64_t now_us)
{
	uint64_t full = (uint64_t)rate->cost_us * rate->burst;

	rate->credit_us = KS_MIN(full, rate->credit_us + (now_us - rate->last_us));
	rate->last_us = now_us;
	if (rate->credit_us < rate->cost_us)
		return false;
	rate->credit_us -= rate->cost_us;
	return true;
}

void
ks_iface_drop(struct ks_iface *iface, struct rte_mbuf *mbuf, enum ks_iface_counter counter)
{
	ks_iface_count(iface, counter);
	rte_pktmbuf_free(mbuf);
}

struct rte_mbuf *
ks_iface_writable(struct ks_iface *iface, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *copy;

	if (RTE_MBUF_DIRECT(mbuf) && rte_mbuf_refcnt_read(mbuf) == 1 && mbuf->nb_segs == 1)
		return mbuf;
	copy = rte_pktmbuf_copy(mbuf, iface->pool, 0, UINT32_MAX);
	if (copy == NULL || copy->nb_segs > 1) {
		rte_pktmbuf_free(copy);
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_NO_BUFFER);
		return NULL;
	}
	rte_pktmbuf_free(mbuf);
	return copy;
}

/*
 * Headers are read in place, so a frame in several buffers is made whole first; so is one that
 * the device could not send.
 */
static ks_noinline struct rte_mbuf *
make_whole(struct ks_iface *iface, struct rte_mbuf *mbuf)
{
	if (RTE_MBUF_DIRECT(mbuf) && rte_mbuf_refcnt_read(mbuf) == 1 &&
	    rte_pktmbuf_linearize(mbuf) == 0)
		return mbuf;
	return ks_iface_writable(iface, mbuf);
}

/* @return the frame when it is a TCP packet for us; otherwise it has been dealt with. */
static inline struct rte_mbuf *
frame_input(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct ks_now *now)
{
	const struct rte_ether_hdr *eth;
	bool to_us;

	if (ks_unlikely(mbuf->nb_segs > 1)) {
		mbuf = make_whole(iface, mbuf);
		if (mbuf == NULL)
			return NULL;
	}
	if (ks_unlikely(mbuf->data_len < RTE_ETHER_HDR_LEN)) {
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_RUNT);
		return NULL;
	}
	eth = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	to_us = rte_is_same_ether_addr(&eth->dst_addr, &iface->mac);
	if (ks_likely(eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))) {
		/* RFC 1122 section 3.3.6: no unicast packet in a broadcast frame. */
		if (ks_likely(to_us))
			return ks_ipv4_input(iface, mbuf, now) ? mbuf : NULL;
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_NOT_FOR_US);
	} else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
		if (to_us || rte_is_broadcast_ether_addr(&eth->dst_addr))
			ks_arp_input(iface, mbuf, now);
		else
			ks_iface_drop(iface, mbuf, KS_IFACE_DROP_NOT_FOR_US);
	} else {
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_ETHERTYPE);
	}
	return NULL;
}

uint16_t
ks_iface_rx_burst(struct ks_iface *iface, struct rte_mbuf **tcp, uint16_t n,
		  const struct ks_now *now)
{
	uint16_t got = ks_port_rx_burst(iface->port, tcp, n), up = 0;

	for (uint16_t i = 0; i < got && i < PREFETCH; i++)
		rte_prefetch0(rte_pktmbuf_mtod(tcp[i], void *));
	for (uint16_t i = 0; i < got; i++) {
		struct rte_mbuf *mbuf = tcp[i];

		if (i + PREFETCH < got)
			rte_prefetch0(rte_pktmbuf_mtod(tcp[i + PREFETCH], void *));
		mbuf = frame_input(iface, mbuf, now);
		if (mbuf != NULL)
			tcp[up++] = mbuf;
	}
	return up;
}

/* What the device does not take stays in the queue, in order. */
static uint16_t
push(struct ks_iface *iface)
{
	uint16_t sent = 0, n;

	do {
		n = ks_port_tx_burst(iface->port, iface->tx + sent, (uint16_t)(iface->ntx - sent));
		sent = (uint16_t)(sent + n);
	} while (n > 0 && sent < iface->ntx);
	if (sent > 0 && sent < iface->ntx)
		memmove(iface->tx, iface->tx + sent, (iface->ntx - sent) * sizeof(iface->tx[0]));
	iface->ntx = (uint16_t)(iface->ntx - sent);
	ks_count_add(&iface->counters[KS_IFACE_TX_FRAMES], sent);
	return sent;
}

void
ks_iface_send(struct ks_iface *iface, struct rte_mbuf *frame)
{
	if (ks_unlikely(frame->nb_segs > 1) && !iface->tx_multi_seg) {
		frame = make_whole(iface, frame);
		if (frame == NULL)
			return;
	}
	if (ks_unlikely(iface->ntx == KS_IFACE_TXQ) && push(iface) == 0) {
		ks_iface_drop(iface, frame, KS_IFACE_DROP_TX_FULL);
		return;
	}
	iface->tx[iface->ntx++] = frame;
}

/* @return 0 when there is none. */
static inline rte_be32_t
next_hop(const struct ks_iface *iface, rte_be32_t dst)
{
	const rte_be32_t multicast = rte_cpu_to_be_32(0xe0000000);

	if (ks_unlikely((dst & multicast) == multicast || ks_iface_owns_v4(iface, dst) ||
			ks_iface_is_broadcast(iface, dst)))
		return 0;
	return ks_iface_on_link(iface, dst) ? dst : iface->gateway;
}

void
ks_iface_tx_burst(struct ks_iface *iface, struct rte_mbuf **ip, uint16_t n,
		  const struct ks_now *now)
{
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *hdr =
			rte_pktmbuf_mtod(ip[i], const struct rte_ipv4_hdr *);
		rte_be32_t hop = 0;

		if (ks_likely(ip[i]->data_len >= sizeof(*hdr) && hdr->version == 4))
			hop = next_hop(iface, hdr->dst_addr);
		if (ks_unlikely(hop == 0))
			ks_iface_drop(iface, ip[i], KS_IFACE_DROP_NO_ROUTE);
		else
			ks_arp_output(iface, ip[i], hop, now->mono_us);
	}
}

uint16_t
ks_iface_flush(struct ks_iface *iface, const struct ks_now *now)
{
	if (ks_unlikely(now->mono_us >= iface->sweep_us))
		ks_arp_sweep(iface, now->mono_us);
	return iface->ntx == 0 ? 0 : push(iface);
}

const uint64_t *
ks_iface_counters(const struct ks_iface *iface)
{
	return iface->counters;
}

struct ks_port *
ks_iface_port(const struct ks_iface *iface)
{
	return iface->port;
}

bool
ks_iface_owns(const struct ks_iface *iface, const struct ks_addr *addr)
{
	return ks_addr_is_v4(addr) && ks_iface_owns_v4(iface, ks_addr_v4(addr));
}
