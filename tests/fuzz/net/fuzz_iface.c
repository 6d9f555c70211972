/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interface among hostile neighbours. The input is a list of records {op, length (2, little
 * endian), bytes}:
 *   op & 3  0 a frame comes in, 1 the same in two buffers, 2 we send to the address in the first
 *           four bytes, 3 so many milliseconds pass
 *   op & 4  checksums of the frame are put right first, so that what lies behind them is reached
 *   op & 8  the frame lies in memory of exactly its size: AddressSanitizer sees each overrun
 *
 * Beyond not crashing: every frame ends in a counter, what comes up is inside its buffer, what goes
 * out is well formed, and no buffer is lost.
 */
#include <rte_eal.h>
#include <stdlib.h>

#include "ks_iface.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAME_MAX 1600u
#define POOL 1023u

struct world {
	struct rte_mempool *pool;
	struct ks_port *port;
	struct ks_iface *iface;
	struct ks_now now;
	struct rte_mbuf *in;
};

static const struct rte_ether_addr our_mac = {{0x02, 0, 0, 0, 0, 0x01}};

static void
demand(bool ok)
{
	if (!ok)
		abort();
}

static uint16_t
sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Only Ethernet with ARP or IPv4 may leave, from us and whole. */
static void
check_out(const struct rte_mbuf *mbuf)
{
	const uint8_t *b = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	demand(mbuf->nb_segs == 1 && mbuf->pkt_len >= 42 && memcmp(b + 6, &our_mac, 6) == 0);
	if (b[12] == 8 && b[13] == 6) {
		demand(mbuf->pkt_len == 42 && memcmp(b + 22, &our_mac, 6) == 0);
		return;
	}
	demand(b[12] == 8 && b[13] == 0 && (b[0] & 1) == 0);
	demand(b[14] >> 4 == 4 && ((uint32_t)b[16] << 8 | b[17]) == mbuf->pkt_len - 14);
	demand(sum16(b + 14, (b[14] & 15u) * 4, 0) == 0xffff);
}

static uint16_t
wire_rx(void *arg, struct rte_mbuf **pkts, uint16_t n)
{
	struct world *w = arg;

	if (w->in == NULL)
		return 0;
	pkts[0] = w->in;
	w->in = NULL;
	return 1;
}

static uint16_t
wire_tx(void *arg, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		check_out(pkts[i]);
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static struct world *
world_once(void)
{
	static const char *const words[] = {
		"fuzz", "--no-huge", "--no-shconf",    "--no-pci",
		"-m",	"64",	     "--no-telemetry", "--log-level=error"};
	static const struct ks_port_ops ops = {wire_rx, wire_tx};
	static struct world world;
	char *argv[KS_ARRAY_SIZE(words)];

	if (world.pool != NULL)
		return &world;
	for (size_t i = 0; i < KS_ARRAY_SIZE(words); i++)
		argv[i] = (char *)(uintptr_t)words[i];
	demand(rte_eal_init(KS_ARRAY_SIZE(argv), argv) >= 0);
	world.pool = rte_pktmbuf_pool_create("fuzz", POOL, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	demand(world.pool != NULL);
	demand(ks_port_open_ops("wire", &ops, &world, &our_mac, 1500, &world.port) == 0);
	return &world;
}

static void
fix_l4(uint8_t *ip, uint32_t ip_bytes, uint32_t l4_bytes)
{
	uint8_t *l4 = ip + ip_bytes;
	uint32_t at = ip[9] == 6 ? 16 : 2;
	uint32_t sum = ip[9] == 6 ? 6 + l4_bytes + sum16(ip + 12, 8, 0) : 0;
	uint16_t right;

	if (l4_bytes < at + 2 || (ip[9] != 6 && ip[9] != 1))
		return;
	l4[at] = l4[at + 1] = 0;
	right = (uint16_t)~sum16(l4, l4_bytes, sum);
	l4[at] = (uint8_t)(right >> 8);
	l4[at + 1] = (uint8_t)right;
}

static void
fix(uint8_t *b, uint32_t n)
{
	uint32_t ip_bytes = n > 34 ? (b[14] & 15u) * 4 : 0;
	uint32_t total = n > 34 ? (uint32_t)b[16] << 8 | b[17] : 0;
	uint16_t right;

	if (ip_bytes < 20 || total < ip_bytes || 14 + total > n)
		return;
	b[24] = b[25] = 0;
	right = (uint16_t)~sum16(b + 14, ip_bytes, 0);
	b[24] = (uint8_t)(right >> 8);
	b[25] = (uint8_t)right;
	fix_l4(b + 14, ip_bytes, total - ip_bytes);
}

static void
free_exact(void *addr, void *opaque)
{
	free(opaque);
}

/* The reference count of the memory stands before the frame, so that the frame ends where it ends.
 */
static struct rte_mbuf *
buffer_exact(struct world *w, const uint8_t *bytes, uint16_t n)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(w->pool);
	struct rte_mbuf_ext_shared_info *shared = malloc(sizeof(*shared) + n);
	uint8_t *frame = (uint8_t *)(shared + 1);

	demand(mbuf != NULL && shared != NULL);
	shared->free_cb = free_exact;
	shared->fcb_opaque = shared;
	rte_mbuf_ext_refcnt_set(shared, 1);
	memcpy(frame, bytes, n);
	rte_pktmbuf_attach_extbuf(mbuf, frame, RTE_BAD_IOVA, n, shared);
	mbuf->data_off = 0;
	mbuf->data_len = n;
	mbuf->pkt_len = n;
	return mbuf;
}

static struct rte_mbuf *
buffer(struct world *w, const uint8_t *bytes, uint16_t n, bool exact)
{
	struct rte_mbuf *mbuf;

	if (exact && n > 0)
		return buffer_exact(w, bytes, n);
	mbuf = rte_pktmbuf_alloc(w->pool);
	demand(mbuf != NULL);
	memcpy(rte_pktmbuf_append(mbuf, n), bytes, n);
	return mbuf;
}

static void
check_up(const struct rte_mbuf *mbuf)
{
	struct ks_packet packet;
	uint32_t bytes;

	ks_packet_read(mbuf, &packet);
	demand(mbuf->nb_segs == 1 && packet.l4_bytes >= 20);
	demand(packet.l4 + packet.l4_bytes ==
	       rte_pktmbuf_mtod(mbuf, const uint8_t *) + mbuf->data_len);
	bytes = (packet.l4[12] >> 4) * 4u;
	demand(bytes >= 20 && bytes <= packet.l4_bytes);
	demand(packet.tuple.iface == 3 && packet.tuple.zero == 0);
}

static uint64_t
ended(const struct world *w)
{
	uint64_t sum = 0;

	for (int i = 0; i < KS_IFACE_TX_FRAMES; i++)
		sum += ks_iface_counters(w->iface)[i];
	return sum;
}

static void
come_in(struct world *w, uint8_t op, uint8_t *bytes, uint16_t n)
{
	uint64_t before = ended(w);
	struct rte_mbuf *up[2];
	uint16_t cut = op & 1 ? n / 2 : n;

	if (op & 4)
		fix(bytes, n);
	w->in = buffer(w, bytes, cut, op & 8);
	if (cut < n)
		demand(rte_pktmbuf_chain(w->in,
					 buffer(w, bytes + cut, (uint16_t)(n - cut), op & 8)) == 0);
	if (ks_iface_rx_burst(w->iface, up, 2, &w->now) == 1) {
		check_up(up[0]);
		rte_pktmbuf_free(up[0]);
	}
	demand(ended(w) > before);
}

static void
go_out(struct world *w, const uint8_t *bytes, uint16_t n)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(w->pool);
	struct ks_tuple tuple = {0};
	rte_be32_t dst;

	demand(mbuf != NULL);
	if (n < sizeof(dst)) {
		rte_pktmbuf_free(mbuf);
		return;
	}
	memcpy(&dst, bytes, sizeof(dst));
	tuple.local = ks_addr_from_v4(RTE_BE32(0x0a620002));
	tuple.remote = ks_addr_from_v4(dst);
	memset(rte_pktmbuf_append(mbuf, 20), 0x50, 20);
	ks_packet_finish_tcp(mbuf, &tuple, ks_port_caps_get(w->port));
	ks_iface_tx_burst(w->iface, &mbuf, 1, &w->now);
}

static void
act(struct world *w, uint8_t op, const uint8_t *bytes, uint16_t n)
{
	uint8_t copy[FRAME_MAX];

	memcpy(copy, bytes, n);
	if ((op & 3) == 2)
		go_out(w, copy, n);
	else
		come_in(w, op, copy, n);
}

/* @return bytes of the record after its head. */
static size_t
step(struct world *w, const uint8_t *record, size_t left)
{
	uint16_t n = (uint16_t)(record[1] | record[2] << 8);

	if ((record[0] & 3) == 3) {
		w->now.mono_us += n * 1000u;
		n = 0;
	} else {
		n = (uint16_t)KS_MIN(KS_MIN(n, FRAME_MAX), left);
		act(w, record[0], record + 3, n);
	}
	ks_iface_flush(w->iface, &w->now);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = world_once();
	struct ks_iface_params params = {.name = "fuzz",
					 .index = 3,
					 .port = w->port,
					 .naddr = 1,
					 .prefix_len = 24,
					 .pool = w->pool,
					 .neighbours = 16};

	params.addr[0] = ks_addr_from_v4(RTE_BE32(0x0a620002));
	params.gateway = ks_addr_from_v4(RTE_BE32(0x0a6200fe));
	demand(ks_iface_create(&params, &w->iface) == 0);
	w->now.mono_us = 1000000;
	while (size >= 3) {
		size_t n = 3 + step(w, data, size - 3);

		data += n;
		size -= n;
	}
	ks_iface_destroy(w->iface);
	demand(rte_mempool_in_use_count(w->pool) == 0);
	return 0;
}
