/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RX: owns the interfaces. Takes frames in, hands TCP packets to the owner of their flow, and sends
 * what the owners have made. The one place where packets are dropped: a full link here is loss on
 * the wire. Steering: client flows by symmetric hash, upstream flows by the owner coded in our
 * local port.
 */
#include <stdlib.h>

#include "stage.h"

struct rx {
	struct stage base; /**< first */
	struct wiring *wiring;
	struct ks_iface *ifaces[KS_GATEWAY_PORTS_MAX];
	uint32_t nifaces;
	rte_be16_t service_port;
	uint32_t steer_key;
};

static uint32_t
owner_of(const struct rx *rx, const struct rte_mbuf *m)
{
	uint32_t n = rx->wiring->nterminate;
	struct ks_packet pkt;

	if (n == 1)
		return 0;
	ks_packet_read(m, &pkt);
	if (pkt.tuple.local_port != rx->service_port) {
		uint16_t port = rte_be_to_cpu_16(pkt.tuple.local_port);
		uint16_t owner = ks_steer_port_owner(port, n);

		if (owner < n)
			return owner;
	}
	return route(ks_steer_hash(&pkt.tuple, rx->steer_key), n);
}

static void
hand_over(struct rx *rx, uint32_t owner, struct rte_mbuf **pkts, uint32_t n)
{
	uint32_t done;

	if (n == 0)
		return;
	done = link_put(rx->wiring->packets_in[owner], (void **)pkts, n);
	if (ks_unlikely(done < n)) {
		rx->base.stalls++;
		rte_pktmbuf_free_bulk(pkts + done, n - done);
	}
}

/** Runs of packets of one owner go over in one piece; order within a flow is kept. */
static uint32_t
input(struct rx *rx, struct ks_iface *iface, const struct ks_now *now)
{
	struct rte_mbuf *pkts[STAGE_BURST];
	uint32_t n = ks_iface_rx_burst(iface, pkts, STAGE_BURST, now);
	uint32_t start = 0, owner = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t own = owner_of(rx, pkts[i]);

		if (own == owner)
			continue;
		hand_over(rx, owner, pkts + start, i - start);
		start = i;
		owner = own;
	}
	hand_over(rx, owner, pkts + start, n - start);
	return n;
}

static void
output_run(struct rx *rx, struct rte_mbuf **pkts, uint32_t n, const struct ks_now *now)
{
	uint32_t start = 0;

	for (uint32_t i = 1; i <= n; i++) {
		if (i < n && pkts[i]->port == pkts[start]->port)
			continue;
		ks_iface_tx_burst(rx->ifaces[pkts[start]->port], pkts + start, i - start, now);
		start = i;
	}
}

static uint32_t
output(struct rx *rx, struct link *link, const struct ks_now *now)
{
	struct rte_mbuf *pkts[STAGE_BURST];
	uint32_t n, sum = 0;

	do {
		n = link_get(link, (void **)pkts, STAGE_BURST);
		if (n > 0)
			output_run(rx, pkts, n, now);
		sum += n;
	} while (n == STAGE_BURST && sum < 16 * STAGE_BURST);
	return sum;
}

static uint32_t
rx_poll(struct stage *stage, const struct ks_now *now)
{
	struct rx *rx = (struct rx *)stage;
	uint32_t done = 0;

	for (uint32_t i = 0; i < rx->wiring->nterminate; i++)
		done += output(rx, rx->wiring->packets_out[i], now);
	for (uint32_t i = 0; i < rx->nifaces; i++) {
		done += ks_iface_flush(rx->ifaces[i], now);
		done += input(rx, rx->ifaces[i], now);
	}
	return done;
}

struct stage *
stage_rx_create(const struct ks_gateway_params *params, struct wiring *wiring)
{
	struct rx *rx = calloc(1, sizeof(*rx));

	if (rx == NULL)
		return NULL;
	rx->base.poll = rx_poll;
	rx->wiring = wiring;
	rx->nifaces = params->nifaces;
	memcpy(rx->ifaces, params->ifaces, sizeof(rx->ifaces));
	rx->service_port = params->listen.port;
	memcpy(&rx->steer_key, params->terminate.tcp.key.bytes, sizeof(rx->steer_key));
	return &rx->base;
}

void
stage_rx_destroy(struct stage *stage)
{
	free(stage);
}
