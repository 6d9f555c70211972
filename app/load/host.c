/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <errno.h>

static void
out_send(struct host *host)
{
	if (host->nout > 0)
		ks_iface_tx_burst(host->iface, host->out, host->nout, &host->now);
	host->nout = 0;
}

static int
emit(void *arg, const struct ks_tcp_segment *seg)
{
	struct host *host = arg;
	struct rte_mbuf *m = rte_pktmbuf_alloc(host->mbufs);
	int n;

	if (m == NULL)
		return -ENOBUFS;
	n = ks_tcp_segment_write(seg, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_tailroom(m));
	if (n < 0) {
		rte_pktmbuf_free(m);
		return n;
	}
	m->data_len = m->pkt_len = n;
	ks_packet_finish_tcp(m, seg->tuple, host->caps);
	host->out[host->nout++] = m;
	if (host->nout == HOST_BURST)
		out_send(host);
	return 0;
}

static int
stack_init(struct host *host, const struct host_params *params)
{
	struct ks_tcp_params tcp = {
		.max_conns = params->conns,
		.max_half_open = params->conns,
		.max_time_wait = params->conns,
		.max_listeners = 4,
		.msl_ms = params->msl_ms,
		.chunks = host->chunks,
		.wheel = host->wheel,
		.emit = emit,
		.emit_arg = host,
	};
	uint64_t words[2] = {ks_hash64(params->seed, "host", 4), params->seed};

	memcpy(tcp.key.bytes, words, sizeof(tcp.key.bytes));
	host->tcp = ks_tcp_stack_create(&tcp);
	return host->tcp == NULL ? -errno : 0;
}

int
host_init(struct host *host, const struct host_params *params)
{
	struct ks_iface_params iface = {
		.name = "host",
		.port = params->port,
		.naddr = params->naddrs,
		.prefix_len = params->prefix_len,
		.pool = params->mbufs,
	};
	int rc;

	memset(host, 0, sizeof(*host));
	memcpy(iface.addr, params->addrs, params->naddrs * sizeof(iface.addr[0]));
	host->mbufs = params->mbufs;
	host->caps = ks_port_caps_get(params->port);
	host->chunks = ks_chunk_pool_create("host", params->chunks);
	host->wheel = ks_timer_wheel_create(params->start_us);
	if (host->chunks == NULL || host->wheel == NULL) {
		host_fini(host);
		return -ENOMEM;
	}
	rc = stack_init(host, params);
	if (rc == 0)
		rc = ks_iface_create(&iface, &host->iface);
	if (rc != 0)
		host_fini(host);
	return rc;
}

void
host_fini(struct host *host)
{
	rte_pktmbuf_free_bulk(host->out, host->nout);
	ks_iface_destroy(host->iface);
	if (host->tcp != NULL)
		ks_tcp_stack_destroy(host->tcp);
	ks_timer_wheel_destroy(host->wheel);
	ks_pool_destroy(host->chunks);
	memset(host, 0, sizeof(*host));
}

uint32_t
host_poll(struct host *host, const struct ks_now *now)
{
	struct rte_mbuf *pkts[HOST_BURST];
	uint32_t n;

	host->now = *now;
	n = ks_iface_rx_burst(host->iface, pkts, HOST_BURST, now);
	for (uint32_t i = 0; i < n; i++) {
		struct ks_packet pkt;
		struct ks_tcp_packet seg;

		ks_packet_read(pkts[i], &pkt);
		seg = (struct ks_tcp_packet){&pkt.tuple, pkt.l4, pkt.l4_bytes, pkt.ecn};
		ks_tcp_input(host->tcp, &seg, now);
	}
	rte_pktmbuf_free_bulk(pkts, n);
	return n + ks_timer_wheel_advance(host->wheel, now->mono_us, 1024);
}

void
host_flush(struct host *host)
{
	ks_tcp_flush(host->tcp, &host->now);
	out_send(host);
	ks_iface_flush(host->iface, &host->now);
}
