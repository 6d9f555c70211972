/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this room share: EAL once, a wire in memory as a port, and frames built by
 * hand, octet by octet where the code under test would do the same with DPDK's structures.
 */
#ifndef KS_TEST_NET_ENV_H
#define KS_TEST_NET_ENV_H

#include <rte_eal.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <stdio.h>

#include "ks_iface.h"
#include "ks_test.h"

#define WIRE_MAX 1024

struct wire {
	struct rte_mbuf *in[WIRE_MAX]; /* to the interface */
	uint16_t nin;
	struct rte_mbuf *out[WIRE_MAX]; /* from it */
	uint16_t nout;
	uint16_t take; /* how many the device takes yet */
};

/* A frame under construction. */
struct frame {
	uint8_t b[2048];
	uint16_t n;
};

struct env {
	struct rte_mempool *pool;
	struct wire wire;
	struct ks_port *port;
	struct ks_iface *iface;
	struct ks_now now;
};

static const struct rte_ether_addr our_mac = {{0x02, 0, 0, 0, 0, 0x01}};
static const struct rte_ether_addr peer_mac = {{0x02, 0, 0, 0, 0, 0x02}};
static const struct rte_ether_addr other_mac = {{0x02, 0, 0, 0, 0, 0x03}};
static const struct rte_ether_addr all_mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

#define OUR_IP "10.98.0.2"
#define OUR_SECOND_IP "10.98.0.3"
#define PEER_IP "10.98.0.1"
#define GATEWAY_IP "10.98.0.254"

static inline uint16_t
wire_rx(void *arg, struct rte_mbuf **pkts, uint16_t n)
{
	struct wire *wire = arg;
	uint16_t got = KS_MIN(n, wire->nin);

	memcpy(pkts, wire->in, got * sizeof(*pkts));
	wire->nin = (uint16_t)(wire->nin - got);
	memmove(wire->in, wire->in + got, wire->nin * sizeof(*pkts));
	return got;
}

static inline uint16_t
wire_tx(void *arg, struct rte_mbuf **pkts, uint16_t n)
{
	struct wire *wire = arg;
	uint16_t take = KS_MIN(n, KS_MIN(wire->take, (uint16_t)(WIRE_MAX - wire->nout)));

	memcpy(wire->out + wire->nout, pkts, take * sizeof(*pkts));
	wire->nout = (uint16_t)(wire->nout + take);
	wire->take = (uint16_t)(wire->take - take);
	return take;
}

static const struct ks_port_ops wire_ops = {wire_rx, wire_tx};

static inline struct ks_addr
ip_addr(const char *text)
{
	struct ks_addr addr;

	if (ks_addr_parse(text, &addr) != 0)
		memset(&addr, 0, sizeof(addr));
	return addr;
}

static inline rte_be32_t
ip4(const char *text)
{
	struct ks_addr addr = ip_addr(text);

	return ks_addr_v4(&addr);
}

static inline int
eal_once(void)
{
	static const char *const words[] = {
		"test", "--no-huge", "--no-shconf",    "--no-pci",
		"-m",	"64",	     "--no-telemetry", "--log-level=error"};
	char *argv[KS_ARRAY_SIZE(words)];
	static bool done;

	for (size_t i = 0; i < KS_ARRAY_SIZE(words); i++)
		argv[i] = (char *)(uintptr_t)words[i];
	if (!done && rte_eal_init(KS_ARRAY_SIZE(argv), argv) < 0)
		return -1;
	done = true;
	return 0;
}

static inline struct rte_mempool *
pool_once(void)
{
	static struct rte_mempool *pool;

	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("test", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return pool;
}

static inline void
env_init(struct env *env, uint32_t neighbours)
{
	struct ks_iface_params params = {
		.name = "g0",
		.index = 7,
		.addr = {ip_addr(OUR_IP), ip_addr(OUR_SECOND_IP)},
		.naddr = 2,
		.prefix_len = 24,
		.gateway = ip_addr(GATEWAY_IP),
		.pool = pool_once(),
		.neighbours = neighbours,
	};

	memset(env, 0, sizeof(*env));
	env->pool = params.pool;
	env->wire.take = UINT16_MAX;
	env->now.mono_us = 1000000;
	CU_ASSERT_EQUAL_FATAL(
		ks_port_open_ops("wire", &wire_ops, &env->wire, &our_mac, 0, &env->port), 0);
	params.port = env->port;
	CU_ASSERT_EQUAL_FATAL(ks_iface_create(&params, &env->iface), 0);
}

static inline void
wire_clear(struct env *env)
{
	rte_pktmbuf_free_bulk(env->wire.out, env->wire.nout);
	env->wire.nout = 0;
}

/* No buffer may be left anywhere. */
static inline void
env_fini(struct env *env)
{
	ks_iface_destroy(env->iface);
	ks_port_close(env->port);
	wire_clear(env);
	rte_pktmbuf_free_bulk(env->wire.in, env->wire.nin);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(env->pool), 0);
}

static inline uint64_t
counter(const struct env *env, enum ks_iface_counter id)
{
	return ks_iface_counters(env->iface)[id];
}

/* One frame in, through one burst. @return the TCP packet that came up, or NULL. */
static inline struct rte_mbuf *
put_mbuf(struct env *env, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *up[4];
	uint16_t n;

	env->wire.in[env->wire.nin++] = mbuf;
	n = ks_iface_rx_burst(env->iface, up, KS_ARRAY_SIZE(up), &env->now);
	CU_ASSERT_TRUE_FATAL(n <= 1);
	ks_iface_flush(env->iface, &env->now);
	return n == 1 ? up[0] : NULL;
}

static inline struct rte_mbuf *
mbuf_of(struct env *env, const struct frame *f)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(env->pool);

	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, f->n), f->b, f->n);
	return mbuf;
}

static inline struct rte_mbuf *
put(struct env *env, const struct frame *f)
{
	return put_mbuf(env, mbuf_of(env, f));
}

/* The frame must end in exactly this counter, and nothing may come up. */
static inline void
ends_in(struct env *env, const struct frame *f, enum ks_iface_counter id)
{
	uint64_t before[KS_IFACE_COUNTER_MAX];

	memcpy(before, ks_iface_counters(env->iface), sizeof(before));
	CU_ASSERT_PTR_NULL(put(env, f));
	for (int i = 0; i < KS_IFACE_COUNTER_MAX; i++) {
		uint64_t got = counter(env, i) - before[i];

		if (i == KS_IFACE_TX_FRAMES)
			continue;
		CU_ASSERT_EQUAL(got, i == (int)id);
		if (got != (i == (int)id))
			printf("%s: %lu\n", ks_iface_counter_desc[i].name, (unsigned long)got);
	}
}

/* ---- frames by hand ---- */

static inline void
add(struct frame *f, const void *data, uint16_t n)
{
	memcpy(f->b + f->n, data, n);
	f->n = (uint16_t)(f->n + n);
}

static inline void
add16(struct frame *f, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	add(f, b, 2);
}

static inline void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* RFC 1071 as plainly as it can be said. */
static inline uint16_t
plain_cksum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline struct frame
ether(const struct rte_ether_addr *dst, uint16_t type)
{
	struct frame f = {.n = 0};

	add(&f, dst, 6);
	add(&f, &peer_mac, 6);
	add16(&f, type);
	return f;
}

static inline struct frame
arp(uint16_t op, const struct rte_ether_addr *sha, const char *sip, const char *tip)
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4};
	struct frame f = ether(op == 1 ? &all_mac : &our_mac, 0x0806);
	rte_be32_t s = ip4(sip), t = ip4(tip);

	add(&f, head, sizeof(head));
	add16(&f, op);
	add(&f, sha, 6);
	add(&f, &s, 4);
	add(&f, "\0\0\0\0\0\0", 6);
	add(&f, &t, 4);
	return f;
}

static inline void
ip_fix(struct frame *f)
{
	uint8_t *ip = f->b + 14;

	put16(ip + 10, 0);
	put16(ip + 10, plain_cksum(ip, (size_t)(ip[0] & 15) * 4, 0));
}

/* An IPv4 packet from the peer to us with `n` bytes after its header. */
static inline struct frame
ipv4(uint8_t protocol, const void *data, uint16_t n)
{
	struct frame f = ether(&our_mac, 0x0800);
	uint8_t ip[20] = {0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol};
	rte_be32_t src = ip4(PEER_IP), dst = ip4(OUR_IP);

	put16(ip + 2, (uint16_t)(20 + n));
	memcpy(ip + 12, &src, 4);
	memcpy(ip + 16, &dst, 4);
	add(&f, ip, 20);
	add(&f, data, n);
	ip_fix(&f);
	return f;
}

/* Fills in the TCP checksum of a frame whose TCP starts at `off`. */
static inline void
tcp_fix(struct frame *f, uint16_t off)
{
	const uint8_t *addr = f->b + 14 + 12;
	uint16_t n = (uint16_t)(f->n - off);
	uint32_t sum = 6u + n;

	for (int i = 0; i < 8; i += 2)
		sum += (uint32_t)addr[i] << 8 | addr[i + 1];
	put16(f->b + off + 16, 0);
	put16(f->b + off + 16, plain_cksum(f->b + off, n, sum));
}

static inline struct frame
tcp(const void *payload, uint16_t n)
{
	uint8_t seg[1500] = {0xc0, 0x01, 0x19, 0x2b, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0};
	struct frame f;

	memcpy(seg + 20, payload, n);
	f = ipv4(6, seg, (uint16_t)(20 + n));
	tcp_fix(&f, 34);
	return f;
}

static inline struct frame
icmp_echo(uint16_t n)
{
	uint8_t msg[1500] = {8, 0, 0, 0, 0x12, 0x34, 0, 1};

	for (uint16_t i = 8; i < 8 + n; i++)
		msg[i] = (uint8_t)i;
	put16(msg + 2, plain_cksum(msg, (size_t)(8 + n), 0));
	return ipv4(1, msg, (uint16_t)(8 + n));
}

/* An IPv4 packet of ours to `dst`, as ks_iface_tx_burst() takes it. */
static inline struct rte_mbuf *
our_packet(struct env *env, const char *dst)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(env->pool);
	struct ks_tuple tuple = {.local = ip_addr(OUR_IP), .remote = ip_addr(dst)};

	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	memset(rte_pktmbuf_append(mbuf, 20), 0x50, 20);
	ks_packet_finish_tcp(mbuf, &tuple, ks_port_caps_get(env->port));
	return mbuf;
}

static inline void
send_packet(struct env *env, const char *dst)
{
	struct rte_mbuf *mbuf = our_packet(env, dst);

	ks_iface_tx_burst(env->iface, &mbuf, 1, &env->now);
	ks_iface_flush(env->iface, &env->now);
}

/* Lets time pass with a turn every 10 ms. */
static inline void
pass(struct env *env, uint64_t us)
{
	for (uint64_t end = env->now.mono_us + us; env->now.mono_us < end;) {
		env->now.mono_us += 10000;
		ks_iface_flush(env->iface, &env->now);
	}
}

static inline const uint8_t *
out_bytes(const struct env *env, uint16_t i)
{
	return rte_pktmbuf_mtod(env->wire.out[i], const uint8_t *);
}

#define NET_TEST_MAIN(suite, table)                                     \
	int main(void)                                                  \
	{                                                               \
		if (eal_once() != 0 || pool_once() == NULL)             \
			return 2;                                       \
		return ks_test_run(suite, table, KS_ARRAY_SIZE(table)); \
	}

#endif
