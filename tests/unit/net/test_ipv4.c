/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes in as IPv4: each way in which a frame can be wrong, in its counter; TCP handed up as
 * it came; checksums of devices and our own; frames in several buffers.
 */
#include "net_env.h"

static void
tcp_comes_up(void)
{
	struct env env;
	struct frame f = tcp("hello", 5);
	struct ks_packet packet;
	struct rte_mbuf *mbuf;
	struct ks_addr us = ip_addr(OUR_IP), peer = ip_addr(PEER_IP);

	f.b[15] = 0x02; /* ECT(0) */
	ip_fix(&f);
	env_init(&env, 0);
	mbuf = put(&env, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_RX_TCP), 1);
	CU_ASSERT_EQUAL(mbuf->port, 7);
	ks_packet_read(mbuf, &packet);
	CU_ASSERT_TRUE(ks_addr_eq(&packet.tuple.local, &us));
	CU_ASSERT_TRUE(ks_addr_eq(&packet.tuple.remote, &peer));
	CU_ASSERT_EQUAL(packet.tuple.local_port, RTE_BE16(6443));
	CU_ASSERT_EQUAL(packet.tuple.remote_port, RTE_BE16(0xc001));
	CU_ASSERT_EQUAL(packet.tuple.iface, 7);
	CU_ASSERT_EQUAL(packet.tuple.zero, 0);
	CU_ASSERT_EQUAL(packet.l4_bytes, 25);
	CU_ASSERT_EQUAL(memcmp(packet.l4 + 20, "hello", 5), 0);
	CU_ASSERT_EQUAL(packet.ecn, 2);
	rte_pktmbuf_free(mbuf);
	env_fini(&env);
}

static void
padding_is_cut_off(void)
{
	struct env env;
	struct frame f = tcp("", 0);
	struct ks_packet packet;
	struct rte_mbuf *mbuf;

	env_init(&env, 0);
	add(&f, "\xaa\xaa\xaa\xaa\xaa\xaa", 6);
	mbuf = put(&env, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
	ks_packet_read(mbuf, &packet);
	CU_ASSERT_EQUAL(packet.l4_bytes, 20);
	CU_ASSERT_EQUAL(mbuf->pkt_len, 54);
	CU_ASSERT_EQUAL(mbuf->data_len, 54);
	rte_pktmbuf_free(mbuf);
	env_fini(&env);
}

static void
a_second_address_is_ours_too(void)
{
	struct env env;
	struct frame f = tcp("x", 1);
	rte_be32_t second = ip4(OUR_SECOND_IP);
	struct ks_addr other = ip_addr(PEER_IP), v6 = ip_addr("fd00::1"),
		       addr = ip_addr(OUR_SECOND_IP);
	struct rte_mbuf *mbuf;

	env_init(&env, 0);
	memcpy(f.b + 30, &second, 4);
	ip_fix(&f);
	tcp_fix(&f, 34);
	mbuf = put(&env, &f);
	CU_ASSERT_PTR_NOT_NULL(mbuf);
	rte_pktmbuf_free(mbuf);
	CU_ASSERT_TRUE(ks_iface_owns(env.iface, &addr));
	CU_ASSERT_FALSE(ks_iface_owns(env.iface, &other));
	CU_ASSERT_FALSE(ks_iface_owns(env.iface, &v6));
	env_fini(&env);
}

/* One changed byte of a good TCP frame, header checksum put right where asked. */
struct change {
	uint16_t at;
	uint8_t value;
	bool fix;
	enum ks_iface_counter end;
};

static void
each_wrong_field_has_its_counter(void)
{
	static const struct change changes[] = {
		{0, 0x04, false, KS_IFACE_DROP_NOT_FOR_US},  /* another's frame */
		{12, 0x86, false, KS_IFACE_DROP_ETHERTYPE},  /* 0x8600 */
		{14, 0x65, true, KS_IFACE_DROP_IP_HEADER},   /* version 6 */
		{14, 0x44, true, KS_IFACE_DROP_IP_HEADER},   /* header of 16 bytes */
		{14, 0x40, true, KS_IFACE_DROP_IP_HEADER},   /* header of 0 bytes */
		{17, 19, true, KS_IFACE_DROP_IP_HEADER},     /* total below header */
		{17, 0, true, KS_IFACE_DROP_IP_HEADER},	     /* total 0 */
		{17, 46, true, KS_IFACE_DROP_RUNT},	     /* total over frame */
		{16, 0xff, true, KS_IFACE_DROP_RUNT},	     /* far over */
		{25, 0x77, false, KS_IFACE_DROP_IP_CKSUM},   /* checksum itself */
		{22, 63, false, KS_IFACE_DROP_IP_CKSUM},     /* changed on the way */
		{20, 0x20, true, KS_IFACE_DROP_FRAGMENT},    /* more fragments */
		{21, 0x01, true, KS_IFACE_DROP_FRAGMENT},    /* offset 8 */
		{20, 0x1f, true, KS_IFACE_DROP_FRAGMENT},    /* large offset */
		{6, 0x03, false, KS_IFACE_DROP_IP_SOURCE},   /* a group as sender */
		{23, 17, true, KS_IFACE_DROP_PROTOCOL},	     /* UDP */
		{33, 9, true, KS_IFACE_DROP_NOT_FOR_US},     /* another address */
		{33, 255, true, KS_IFACE_DROP_NOT_FOR_US},   /* broadcast of our network */
		{46, 0x40, false, KS_IFACE_DROP_TCP_HEADER}, /* header of 16 bytes */
		{46, 0x00, false, KS_IFACE_DROP_TCP_HEADER}, /* of none */
		{46, 0x70, false, KS_IFACE_DROP_TCP_HEADER}, /* over the segment */
		{50, 0x99, false, KS_IFACE_DROP_TCP_CKSUM},  /* checksum itself */
		{54, 'J', false, KS_IFACE_DROP_TCP_CKSUM},   /* payload changed */
		{29, 9, true, KS_IFACE_DROP_TCP_CKSUM},	     /* pseudo header */
	};
	struct env env;

	env_init(&env, 0);
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(changes); i++) {
		struct frame f = tcp("hello", 5);

		f.b[changes[i].at] = changes[i].value;
		if (changes[i].fix)
			ip_fix(&f);
		ends_in(&env, &f, changes[i].end);
	}
	env_fini(&env);
}

static void
impossible_sources(void)
{
	static const char *const bad[] = {
		"0.0.0.0",   "0.1.2.3",		"127.0.0.1", "224.0.0.1",   "239.255.255.255",
		"240.0.0.1", "255.255.255.255", OUR_IP,	     OUR_SECOND_IP, "10.98.0.255"};
	static const char *const good[] = {"10.98.0.9", "1.0.0.1", "223.255.255.255",
					   "10.97.0.255"};
	struct env env;

	env_init(&env, 0);
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(bad) + KS_ARRAY_SIZE(good); i++) {
		bool is_bad = i < KS_ARRAY_SIZE(bad);
		rte_be32_t src = ip4(is_bad ? bad[i] : good[i - KS_ARRAY_SIZE(bad)]);
		struct frame f = tcp("hello", 5);
		struct rte_mbuf *mbuf;

		memcpy(f.b + 26, &src, 4);
		ip_fix(&f);
		tcp_fix(&f, 34);
		if (is_bad) {
			ends_in(&env, &f, KS_IFACE_DROP_IP_SOURCE);
			continue;
		}
		mbuf = put(&env, &f);
		CU_ASSERT_PTR_NOT_NULL(mbuf);
		rte_pktmbuf_free(mbuf);
	}
	env_fini(&env);
}

static void
every_cut_ends_in_a_counter(void)
{
	struct frame whole = tcp("hello", 5), f;
	struct env env;

	env_init(&env, 0);
	for (f = whole; f.n > 0;) {
		f.n--;
		ends_in(&env, &f, KS_IFACE_DROP_RUNT);
	}
	/* Cut where the packet says so itself. */
	for (uint16_t n = 0; n < 20; n++) {
		f = ipv4(6, whole.b + 34, n);
		ends_in(&env, &f, KS_IFACE_DROP_TCP_HEADER);
	}
	env_fini(&env);
}

static struct frame
tcp_with_options(const uint8_t *options, uint8_t n)
{
	struct frame plain = tcp("opt", 3), f = {.n = 0};

	add(&f, plain.b, 34);
	add(&f, options, n);
	add(&f, plain.b + 34, (uint16_t)(plain.n - 34));
	f.b[14] = (uint8_t)(0x45 + n / 4);
	put16(f.b + 16, (uint16_t)(f.n - 14));
	ip_fix(&f);
	tcp_fix(&f, (uint16_t)(34 + n));
	return f;
}

static void
ip_options(void)
{
	static const struct {
		uint8_t n;
		bool good;
		uint8_t b[12];
	} v[] = {
		{4, true, {1, 1, 1, 0}},
		{4, true, {0, 0xff, 0xff, 0xff}}, /* nothing counts after the end */
		{4, true, {148, 4, 0, 0}},	  /* router alert */
		{8, true, {7, 7, 4, 0, 0, 0, 0, 1}},
		{4, false, {7, 1, 0, 0}},
		{4, false, {7, 0, 0, 0}},
		{4, false, {7, 5, 0, 0}},
		{4, false, {1, 1, 1, 7}},
		{8, false, {131, 7, 4, 10, 0, 0, 1, 0}},
		{12, false, {1, 137, 7, 4, 10, 0, 0, 1, 0, 0, 0, 0}},
	};
	struct env env;

	env_init(&env, 0);
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(v); i++) {
		struct frame f = tcp_with_options(v[i].b, v[i].n);
		struct ks_packet packet;
		struct rte_mbuf *mbuf;

		if (!v[i].good) {
			ends_in(&env, &f, KS_IFACE_DROP_IP_HEADER);
			continue;
		}
		mbuf = put(&env, &f);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
		ks_packet_read(mbuf, &packet);
		CU_ASSERT_EQUAL(packet.l4_bytes, 23);
		CU_ASSERT_EQUAL(memcmp(packet.l4 + 20, "opt", 3), 0);
		rte_pktmbuf_free(mbuf);
	}
	env_fini(&env);
}

/* An Ethernet broadcast may carry no unicast packet. */
static void
no_packet_in_a_broadcast_frame(void)
{
	struct frame f = tcp("x", 1);
	struct env env;

	env_init(&env, 0);
	memcpy(f.b, &all_mac, 6);
	ends_in(&env, &f, KS_IFACE_DROP_NOT_FOR_US);
	env_fini(&env);
}

static void
unknown_frames(void)
{
	static const uint16_t types[] = {0, 46, 0x86dd, 0x8100, 0x88cc, 0xffff};
	struct env env;

	env_init(&env, 0);
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(types); i++) {
		struct frame f = ether(&our_mac, types[i]);

		add(&f, tcp("x", 1).b + 14, 41);
		ends_in(&env, &f, KS_IFACE_DROP_ETHERTYPE);
	}
	env_fini(&env);
}

/* The frame split at every place into two buffers, and into many. */
static void
scattered_frames_are_joined(void)
{
	struct frame f = tcp("hello, world", 12);
	struct env env;

	env_init(&env, 0);
	for (uint16_t cut = 1; cut < f.n; cut++) {
		struct rte_mbuf *a = rte_pktmbuf_alloc(env.pool), *b = rte_pktmbuf_alloc(env.pool);
		struct ks_packet packet;
		struct rte_mbuf *mbuf;

		memcpy(rte_pktmbuf_append(a, cut), f.b, cut);
		memcpy(rte_pktmbuf_append(b, (uint16_t)(f.n - cut)), f.b + cut,
		       (size_t)(f.n - cut));
		CU_ASSERT_EQUAL(rte_pktmbuf_chain(a, b), 0);
		mbuf = put_mbuf(&env, a);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mbuf);
		CU_ASSERT_EQUAL(mbuf->nb_segs, 1);
		ks_packet_read(mbuf, &packet);
		CU_ASSERT_EQUAL(memcmp(packet.l4 + 20, "hello, world", 12), 0);
		rte_pktmbuf_free(mbuf);
	}
	env_fini(&env);
}

static void
what_cannot_be_joined_is_counted(void)
{
	struct env env;
	struct rte_mbuf *first, *next;

	env_init(&env, 0);
	first = rte_pktmbuf_alloc(env.pool);
	rte_pktmbuf_append(first, rte_pktmbuf_tailroom(first));
	next = rte_pktmbuf_alloc(env.pool);
	rte_pktmbuf_append(next, rte_pktmbuf_tailroom(next));
	rte_pktmbuf_chain(first, next);
	CU_ASSERT_PTR_NULL(put_mbuf(&env, first));
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_NO_BUFFER), 1);
	env_fini(&env);
}

/* A device that checks: what it says is believed, both ways; where it says nothing we look. */
static struct rte_mbuf *
put_marked(struct env *env, const struct frame *f, uint64_t flags)
{
	struct rte_mbuf *mbuf = mbuf_of(env, f);

	mbuf->ol_flags |= flags;
	return put_mbuf(env, mbuf);
}

/* The capabilities of ports over functions are fixed, so a port of a device is imitated. */
static void
device_marks_are_honoured(void)
{
	static const uint64_t ip_good = RTE_MBUF_F_RX_IP_CKSUM_GOOD,
			      ip_bad = RTE_MBUF_F_RX_IP_CKSUM_BAD,
			      l4_good = RTE_MBUF_F_RX_L4_CKSUM_GOOD,
			      l4_none = RTE_MBUF_F_RX_L4_CKSUM_NONE,
			      l4_bad = RTE_MBUF_F_RX_L4_CKSUM_BAD;
	struct frame good = tcp("hello", 5), bad_l4 = good, bad_ip = good;
	struct ks_port_caps *caps;
	struct rte_mbuf *mbuf;
	struct env env;

	bad_l4.b[54] ^= 1;
	bad_ip.b[22] ^= 1;
	env_init(&env, 0);
	/* No offload was agreed on: marks mean nothing. */
	CU_ASSERT_PTR_NULL(put_marked(&env, &bad_l4, l4_good | ip_good));
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_TCP_CKSUM), 1);
	mbuf = put_marked(&env, &good, l4_bad | ip_bad);
	CU_ASSERT_PTR_NOT_NULL(mbuf);
	rte_pktmbuf_free(mbuf);

	caps = (struct ks_port_caps *)(uintptr_t)ks_port_caps_get(env.port);
	caps->rx_ip_cksum = caps->rx_l4_cksum = true;
	ks_iface_destroy(env.iface);
	struct ks_iface_params params = {.name = "g0",
					 .port = env.port,
					 .addr = {ip_addr(OUR_IP)},
					 .naddr = 1,
					 .prefix_len = 24,
					 .pool = env.pool};

	CU_ASSERT_EQUAL_FATAL(ks_iface_create(&params, &env.iface), 0);
	mbuf = put_marked(&env, &bad_l4, l4_good | ip_good);
	CU_ASSERT_PTR_NOT_NULL(mbuf);
	rte_pktmbuf_free(mbuf);
	mbuf = put_marked(&env, &bad_l4, l4_none | ip_good);
	CU_ASSERT_PTR_NOT_NULL(mbuf);
	rte_pktmbuf_free(mbuf);
	mbuf = put_marked(&env, &bad_ip, l4_good | ip_good);
	CU_ASSERT_PTR_NOT_NULL(mbuf);
	rte_pktmbuf_free(mbuf);
	CU_ASSERT_PTR_NULL(put_marked(&env, &good, l4_bad | ip_good));
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_TCP_CKSUM), 1);
	CU_ASSERT_PTR_NULL(put_marked(&env, &good, l4_good | ip_bad));
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_IP_CKSUM), 1);
	CU_ASSERT_PTR_NULL(put_marked(&env, &bad_l4, 0));
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_TCP_CKSUM), 2);
	env_fini(&env);
}

static const struct ks_test tests[] = {
	KS_TEST(tcp_comes_up),
	KS_TEST(padding_is_cut_off),
	KS_TEST(a_second_address_is_ours_too),
	KS_TEST(each_wrong_field_has_its_counter),
	KS_TEST(impossible_sources),
	KS_TEST(every_cut_ends_in_a_counter),
	KS_TEST(ip_options),
	KS_TEST(no_packet_in_a_broadcast_frame),
	KS_TEST(unknown_frames),
	KS_TEST(scattered_frames_are_joined),
	KS_TEST(what_cannot_be_joined_is_counted),
	KS_TEST(device_marks_are_honoured),
};

NET_TEST_MAIN("net_ipv4", tests)
