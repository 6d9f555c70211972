/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP echo, packets of our own with software and device checksums, and the checksum itself against
 * its plainest form.
 */
#include <stdlib.h>

#include "net_env.h"

static void
echo_is_answered(void)
{
	struct env env;

	env_init(&env, 0);
	for (uint16_t n = 0; n < 1400; n = (uint16_t)(n * 2 + 1)) {
		struct frame f = icmp_echo(n);
		const uint8_t *b;

		ends_in(&env, &f, KS_IFACE_RX_ICMP_ECHO);
		CU_ASSERT_EQUAL_FATAL(env.wire.nout, 1);
		CU_ASSERT_EQUAL(env.wire.out[0]->pkt_len, f.n);
		b = out_bytes(&env, 0);
		CU_ASSERT_EQUAL(memcmp(b, &peer_mac, 6), 0);
		CU_ASSERT_EQUAL(memcmp(b + 6, &our_mac, 6), 0);
		CU_ASSERT_EQUAL(memcmp(b + 26, f.b + 30, 4), 0);
		CU_ASSERT_EQUAL(memcmp(b + 30, f.b + 26, 4), 0);
		CU_ASSERT_EQUAL(plain_cksum(b + 14, 20, 0), 0);
		CU_ASSERT_EQUAL(b[34], 0);
		CU_ASSERT_EQUAL(plain_cksum(b + 34, (size_t)(8 + n), 0), 0);
		CU_ASSERT_EQUAL(memcmp(b + 38, f.b + 38, (size_t)(4 + n)), 0);
		wire_clear(&env);
	}
	env_fini(&env);
}

static void
bad_and_other_icmp(void)
{
	struct frame f = icmp_echo(40);
	struct env env;

	env_init(&env, 0);
	f.b[50] ^= 1;
	ends_in(&env, &f, KS_IFACE_DROP_ICMP_BAD);
	f = ipv4(1, "\x08\0\xf7\xff", 4);
	ends_in(&env, &f, KS_IFACE_DROP_ICMP_BAD);
	f = icmp_echo(0);
	f.b[34] = 3; /* destination unreachable */
	put16(f.b + 36, 0);
	put16(f.b + 36, plain_cksum(f.b + 34, 8, 0));
	ends_in(&env, &f, KS_IFACE_RX_ICMP_OTHER);
	f = icmp_echo(0);
	f.b[35] = 1; /* no such code */
	put16(f.b + 36, 0);
	put16(f.b + 36, plain_cksum(f.b + 34, 8, 0));
	ends_in(&env, &f, KS_IFACE_RX_ICMP_OTHER);
	CU_ASSERT_EQUAL(env.wire.nout, 0);
	env_fini(&env);
}

static void
echo_has_a_rate(void)
{
	struct frame f = icmp_echo(8);
	uint64_t answered;
	struct env env;

	env_init(&env, 0);
	for (int i = 0; i < 1000; i++)
		put(&env, &f);
	answered = counter(&env, KS_IFACE_RX_ICMP_ECHO);
	CU_ASSERT_EQUAL(answered, 200);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_ICMP_RATE), 800);
	wire_clear(&env);
	/* A hundred milliseconds bring back a hundred answers. */
	env.now.mono_us += 100000;
	for (int i = 0; i < 1000; i++)
		put(&env, &f);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_RX_ICMP_ECHO), answered + 100);
	env_fini(&env);
}

/* What we send must pass our own checks at the other end, whatever its length and buffers. */
static void
our_packets_are_right(void)
{
	struct ks_tuple tuple = {.local = ip_addr(PEER_IP),
				 .remote = ip_addr(OUR_IP),
				 .local_port = RTE_BE16(1),
				 .remote_port = RTE_BE16(2)};
	struct env env;

	env_init(&env, 0);
	for (uint16_t n = 0; n <= 1460; n = (uint16_t)(n + 1 + n / 9)) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(env.pool);
		uint8_t *p = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(20 + n));
		const uint8_t *b;

		memset(p, 0, 20);
		p[12] = 0x50;
		for (uint16_t i = 0; i < n; i++)
			p[20 + i] = (uint8_t)(i * 7 + n);
		ks_packet_finish_tcp(mbuf, &tuple, ks_port_caps_get(env.port));
		b = rte_pktmbuf_mtod(mbuf, uint8_t *);
		CU_ASSERT_EQUAL(b[0], 0x45);
		CU_ASSERT_EQUAL(b[1], 0);
		CU_ASSERT_EQUAL(b[2] << 8 | b[3], 40 + n);
		CU_ASSERT_EQUAL(memcmp(b + 4, "\0\0\x40\0\x40\x06", 6), 0);
		CU_ASSERT_EQUAL(plain_cksum(b, 20, 0), 0);
		CU_ASSERT_EQUAL(mbuf->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK, 0);
		memcpy(rte_pktmbuf_prepend(mbuf, 14), ether(&our_mac, 0x0800).b, 14);
		mbuf = put_mbuf(&env, mbuf);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
		rte_pktmbuf_free(mbuf);
	}
	env_fini(&env);
}

/* Segments in up to five buffers with odd lengths sum up as one. */
static void
scattered_packets_are_right(void)
{
	struct ks_tuple tuple = {.local = ip_addr(PEER_IP), .remote = ip_addr(OUR_IP)};
	struct env env;

	env_init(&env, 0);
	srand(1);
	for (int round = 0; round < 300; round++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(env.pool);
		uint8_t *p = (uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)(20 + rand() % 50));

		for (uint16_t i = 0; i < mbuf->data_len; i++)
			p[i] = (uint8_t)rand();
		p[12] = 0x50;
		for (int part = rand() % 5; part > 0; part--) {
			struct rte_mbuf *more = rte_pktmbuf_alloc(env.pool);
			uint16_t n = (uint16_t)(1 + rand() % 100);
			uint8_t *q = (uint8_t *)rte_pktmbuf_append(more, n);

			for (uint16_t i = 0; i < n; i++)
				q[i] = (uint8_t)rand();
			rte_pktmbuf_chain(mbuf, more);
		}
		ks_packet_finish_tcp(mbuf, &tuple, ks_port_caps_get(env.port));
		memcpy(rte_pktmbuf_prepend(mbuf, 14), ether(&our_mac, 0x0800).b, 14);
		mbuf = put_mbuf(&env, mbuf);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
		rte_pktmbuf_free(mbuf);
	}
	env_fini(&env);
}

/* With offload the field holds the sum of the pseudo header, as drivers want it. */
static void
devices_get_the_pseudo_header(void)
{
	static const struct ks_port_caps caps = {.tx_ip_cksum = true, .tx_tcp_cksum = true};
	struct ks_tuple tuple = {.local = ip_addr(OUR_IP), .remote = ip_addr(PEER_IP)};
	struct rte_ipv4_hdr *ip;
	struct rte_tcp_hdr *hdr;
	struct rte_mbuf *mbuf;
	struct env env;

	env_init(&env, 0);
	mbuf = rte_pktmbuf_alloc(env.pool);
	memset(rte_pktmbuf_append(mbuf, 120), 0x5a, 120);
	ks_packet_finish_tcp(mbuf, &tuple, &caps);
	ip = rte_pktmbuf_mtod(mbuf, struct rte_ipv4_hdr *);
	hdr = (struct rte_tcp_hdr *)(ip + 1);
	CU_ASSERT_EQUAL(mbuf->ol_flags,
			RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
	CU_ASSERT_EQUAL(mbuf->l2_len, 14);
	CU_ASSERT_EQUAL(mbuf->l3_len, 20);
	CU_ASSERT_EQUAL(ip->hdr_checksum, 0);
	CU_ASSERT_EQUAL(hdr->cksum, rte_ipv4_phdr_cksum(ip, mbuf->ol_flags));
	rte_pktmbuf_free(mbuf);
	env_fini(&env);
}

/* A chained packet to a device that takes no chains is joined on the way out. */
static void
chains_are_joined_for_simple_devices(void)
{
	struct frame f = arp(1, &peer_mac, PEER_IP, OUR_IP);
	struct rte_mbuf *mbuf, *more;
	struct env env;

	env_init(&env, 0);
	put(&env, &f);
	wire_clear(&env);
	mbuf = our_packet(&env, PEER_IP);
	more = rte_pktmbuf_alloc(env.pool);
	memset(rte_pktmbuf_append(more, 100), 0x77, 100);
	rte_pktmbuf_chain(mbuf, more);
	ks_iface_tx_burst(env.iface, &mbuf, 1, &env.now);
	ks_iface_flush(env.iface, &env.now);
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 1);
	CU_ASSERT_EQUAL(env.wire.out[0]->nb_segs, 1);
	CU_ASSERT_EQUAL(env.wire.out[0]->pkt_len, 154);
	CU_ASSERT_EQUAL(out_bytes(&env, 0)[153], 0x77);
	env_fini(&env);
}

static void
no_headroom_is_counted(void)
{
	struct frame f = arp(1, &peer_mac, PEER_IP, OUR_IP);
	struct rte_mbuf *mbuf;
	struct env env;

	env_init(&env, 0);
	put(&env, &f);
	mbuf = our_packet(&env, PEER_IP);
	memmove((uint8_t *)mbuf->buf_addr, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
	mbuf->data_off = 0;
	ks_iface_tx_burst(env.iface, &mbuf, 1, &env.now);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_NO_BUFFER), 1);
	env_fini(&env);
}

static const struct ks_test tests[] = {
	KS_TEST(echo_is_answered),
	KS_TEST(bad_and_other_icmp),
	KS_TEST(echo_has_a_rate),
	KS_TEST(our_packets_are_right),
	KS_TEST(scattered_packets_are_right),
	KS_TEST(devices_get_the_pseudo_header),
	KS_TEST(chains_are_joined_for_simple_devices),
	KS_TEST(no_headroom_is_counted),
};

NET_TEST_MAIN("net_packet", tests)
