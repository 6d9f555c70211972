/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARP both ways, the neighbour cache with its clock, the wait queue, routing, and the way out.
 */
#include "net_env.h"

#define SECOND 1000000u

static bool
is_request_for(const struct env *env, uint16_t i, const struct rte_ether_addr *to, const char *ip)
{
	const uint8_t *b = out_bytes(env, i);
	rte_be32_t us = ip4(OUR_IP), target = ip4(ip);

	return env->wire.out[i]->pkt_len == 42 && memcmp(b, to, 6) == 0 &&
	       memcmp(b + 6, &our_mac, 6) == 0 &&
	       memcmp(b + 12, "\x08\x06\0\x01\x08\0\x06\x04\0\x01", 10) == 0 &&
	       memcmp(b + 22, &our_mac, 6) == 0 && memcmp(b + 28, &us, 4) == 0 &&
	       memcmp(b + 38, &target, 4) == 0;
}

static bool
is_packet_to(const struct env *env, uint16_t i, const struct rte_ether_addr *mac)
{
	const uint8_t *b = out_bytes(env, i);

	return memcmp(b, mac, 6) == 0 && memcmp(b + 6, &our_mac, 6) == 0 && b[12] == 8 &&
	       b[13] == 0 && b[14] == 0x45;
}

/* The peer asks for us, so that it is known. */
static void
meet(struct env *env, const struct rte_ether_addr *mac, const char *ip)
{
	struct frame f = arp(1, mac, ip, OUR_IP);

	CU_ASSERT_PTR_NULL(put(env, &f));
	wire_clear(env);
}

static void
a_question_for_us_is_answered(void)
{
	struct frame f = arp(1, &peer_mac, PEER_IP, OUR_SECOND_IP);
	rte_be32_t second = ip4(OUR_SECOND_IP), peer = ip4(PEER_IP);
	struct env env;
	const uint8_t *b;

	env_init(&env, 0);
	memset(f.b + f.n, 0, 18); /* as drivers pad it */
	f.n = 60;
	ends_in(&env, &f, KS_IFACE_RX_ARP);
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 1);
	CU_ASSERT_EQUAL(env.wire.out[0]->pkt_len, 42);
	b = out_bytes(&env, 0);
	CU_ASSERT_EQUAL(memcmp(b, &peer_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 6, &our_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 12, "\x08\x06\0\x01\x08\0\x06\x04\0\x02", 10), 0);
	CU_ASSERT_EQUAL(memcmp(b + 22, &our_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 28, &second, 4), 0);
	CU_ASSERT_EQUAL(memcmp(b + 32, &peer_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 38, &peer, 4), 0);
	/* Who asked is known: no question of ours is needed. */
	wire_clear(&env);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &peer_mac));
	env_fini(&env);
}

static void
a_shared_frame_is_not_written_to(void)
{
	struct frame f = arp(1, &peer_mac, PEER_IP, OUR_IP);
	struct rte_mbuf *mbuf;
	struct env env;

	env_init(&env, 0);
	mbuf = mbuf_of(&env, &f);
	rte_mbuf_refcnt_update(mbuf, 1);
	put_mbuf(&env, mbuf);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(mbuf, void *), f.b, f.n), 0);
	rte_pktmbuf_free(mbuf);
	env_fini(&env);
}

static void
impossible_arp(void)
{
	static const struct {
		uint8_t at, value;
	} changes[] = {
		{15, 6}, {16, 0x86}, {18, 8}, {19, 16},
		{21, 0}, {21, 3},    {20, 1}, {22, 0x03}, /* a group as sender */
	};
	struct env env;
	struct frame f;

	env_init(&env, 0);
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(changes); i++) {
		f = arp(1, &peer_mac, PEER_IP, OUR_IP);
		f.b[changes[i].at] = changes[i].value;
		ends_in(&env, &f, KS_IFACE_DROP_ARP_BAD);
	}
	f = arp(1, &peer_mac, PEER_IP, OUR_IP);
	for (f.n = 41; f.n >= 14; f.n--)
		ends_in(&env, &f, KS_IFACE_DROP_ARP_BAD);
	f = arp(1, &our_mac, PEER_IP, OUR_IP);
	ends_in(&env, &f, KS_IFACE_DROP_ARP_BAD);
	f = arp(2, &peer_mac, OUR_IP, OUR_IP);
	ends_in(&env, &f, KS_IFACE_DROP_ARP_BAD);
	f = arp(1, &peer_mac, "10.97.0.1", OUR_IP);
	ends_in(&env, &f, KS_IFACE_DROP_ARP_BAD);
	f = arp(1, &peer_mac, "10.98.0.255", OUR_IP);
	ends_in(&env, &f, KS_IFACE_DROP_ARP_BAD);
	CU_ASSERT_EQUAL(env.wire.nout, 0);
	env_fini(&env);
}

static void
others_are_left_alone(void)
{
	struct env env;
	struct frame f = arp(1, &peer_mac, PEER_IP, "10.98.0.77");

	env_init(&env, 0);
	ends_in(&env, &f, KS_IFACE_DROP_NOT_FOR_US);
	f = arp(1, &peer_mac, PEER_IP, OUR_IP);
	memcpy(f.b, &other_mac, 6);
	ends_in(&env, &f, KS_IFACE_DROP_NOT_FOR_US);
	CU_ASSERT_EQUAL(env.wire.nout, 0);
	env_fini(&env);
}

/* RFC 5227: a probe is answered, but its sender has no address yet. */
static void
a_probe_teaches_nothing(void)
{
	struct env env;
	struct frame f = arp(1, &peer_mac, "0.0.0.0", OUR_IP);

	env_init(&env, 0);
	ends_in(&env, &f, KS_IFACE_RX_ARP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	wire_clear(&env);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, PEER_IP));
	env_fini(&env);
}

/* An unasked-for announcement changes what is known and adds nothing. */
static void
announcements(void)
{
	struct env env;
	struct frame f = arp(1, &other_mac, PEER_IP, PEER_IP);

	env_init(&env, 0);
	ends_in(&env, &f, KS_IFACE_DROP_NOT_FOR_US);
	send_packet(&env, PEER_IP);
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, PEER_IP));
	wire_clear(&env);
	meet(&env, &peer_mac, PEER_IP);
	ends_in(&env, &f, KS_IFACE_RX_ARP);
	send_packet(&env, PEER_IP);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &other_mac));
	/* A reply that nobody asked for, about somebody unknown. */
	f = arp(2, &other_mac, "10.98.0.50", OUR_IP);
	ends_in(&env, &f, KS_IFACE_RX_ARP);
	wire_clear(&env);
	send_packet(&env, "10.98.0.50");
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, "10.98.0.50"));
	env_fini(&env);
}

static void
packets_wait_for_the_answer(void)
{
	struct frame f = arp(2, &peer_mac, PEER_IP, OUR_IP);
	struct env env;

	env_init(&env, 0);
	for (int i = 0; i < 3; i++)
		send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, PEER_IP));
	wire_clear(&env);
	ends_in(&env, &f, KS_IFACE_RX_ARP);
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 3);
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT_TRUE(is_packet_to(&env, i, &peer_mac));
	env_fini(&env);
}

/* The question of the very neighbour we wait for serves as well. */
static void
a_question_resolves_too(void)
{
	struct frame f = arp(1, &peer_mac, PEER_IP, OUR_IP);
	struct env env;

	env_init(&env, 0);
	send_packet(&env, PEER_IP);
	wire_clear(&env);
	ends_in(&env, &f, KS_IFACE_RX_ARP);
	CU_ASSERT_EQUAL(env.wire.nout, 2);
	env_fini(&env);
}

static void
three_questions_and_no_more(void)
{
	struct env env;

	env_init(&env, 0);
	send_packet(&env, PEER_IP);
	pass(&env, 10 * SECOND);
	CU_ASSERT_EQUAL(env.wire.nout, 3);
	for (uint16_t i = 0; i < env.wire.nout; i++)
		CU_ASSERT_TRUE(is_request_for(&env, i, &all_mac, PEER_IP));
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_UNRESOLVED), 1);
	/* The next packet begins anew. */
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 4);
	env_fini(&env);
}

static void
questions_come_once_a_second(void)
{
	uint64_t seen[3] = {0}, n = 0;
	struct env env;

	env_init(&env, 0);
	send_packet(&env, PEER_IP);
	for (int i = 0; i < 1000; i++) {
		for (; n < env.wire.nout && n < 3; n++)
			seen[n] = env.now.mono_us;
		pass(&env, 10000);
	}
	CU_ASSERT_EQUAL(n, 3);
	for (int i = 1; i < 3; i++) {
		CU_ASSERT_TRUE(seen[i] - seen[i - 1] >= SECOND);
		CU_ASSERT_TRUE(seen[i] - seen[i - 1] <= SECOND + 300000);
	}
	env_fini(&env);
}

/* The queue of a neighbour holds eight, and keeps the latest. */
static void
the_wait_queue_is_bounded(void)
{
	struct frame f = arp(2, &peer_mac, PEER_IP, OUR_IP);
	struct env env;

	env_init(&env, 0);
	for (uint8_t i = 0; i < 20; i++) {
		struct rte_mbuf *mbuf = our_packet(&env, PEER_IP);

		rte_pktmbuf_mtod(mbuf, uint8_t *)[30] = i;
		ks_iface_tx_burst(env.iface, &mbuf, 1, &env.now);
	}
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_UNRESOLVED), 12);
	ks_iface_flush(env.iface, &env.now);
	wire_clear(&env);
	put(&env, &f);
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 8);
	for (uint16_t i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(out_bytes(&env, i)[14 + 30], 12 + i);
	env_fini(&env);
}

/* Packets to thousands of silent neighbours: buffers, entries and questions stay bounded. */
static void
silent_neighbours_cost_little(void)
{
	struct ks_iface_params params;
	struct env env;

	env_init(&env, 64);
	ks_iface_destroy(env.iface);
	params = (struct ks_iface_params){.name = "wide",
					  .port = env.port,
					  .addr = {ip_addr("10.1.0.1")},
					  .naddr = 1,
					  .prefix_len = 8,
					  .neighbours = 1024,
					  .pool = env.pool};
	CU_ASSERT_EQUAL_FATAL(ks_iface_create(&params, &env.iface), 0);
	meet(&env, &peer_mac, PEER_IP);
	for (uint32_t i = 0; i < 5000; i++) {
		struct ks_addr dst = ks_addr_from_v4(rte_cpu_to_be_32(0x0a020000 + i));
		char text[KS_ADDR_TEXT_BYTES];

		send_packet(&env, ks_addr_format(&dst, text));
		CU_ASSERT_TRUE_FATAL(rte_mempool_in_use_count(env.pool) <= 256u + env.wire.nout);
	}
	CU_ASSERT_TRUE(env.wire.nout <= 201);
	CU_ASSERT_TRUE(counter(&env, KS_IFACE_DROP_UNRESOLVED) >= 5000 - 256);
	pass(&env, 10 * SECOND);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_UNRESOLVED), 5000);
	env_fini(&env);
}

static void
a_known_neighbour_survives_a_flood(void)
{
	uint32_t asked = 0;
	struct env env;

	env_init(&env, 8);
	meet(&env, &peer_mac, PEER_IP);
	send_packet(&env, PEER_IP);
	for (uint32_t i = 10; i < 250; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.98.0.%u", i);
		send_packet(&env, text);
	}
	wire_clear(&env);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &peer_mac));
	/* Nor do those who only ask for us push it out. */
	for (uint32_t i = 10; i < 250; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.98.0.%u", i);
		meet(&env, &other_mac, text);
		asked++;
	}
	CU_ASSERT_EQUAL(asked, 240);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &peer_mac));
	env_fini(&env);
}

/* Of those who never got a packet, the one that was heard of longest ago goes first. */
static void
the_oldest_unused_goes_first(void)
{
	struct env env;
	char text[32];

	env_init(&env, 8);
	for (uint32_t i = 0; i < 10; i++) {
		/* The first one is heard of again before the ninth comes. */
		snprintf(text, sizeof(text), "10.98.0.%u", 10 + (i == 8 ? 0 : i));
		env.now.mono_us += 1000;
		meet(&env, &other_mac, text);
	}
	send_packet(&env, "10.98.0.10");
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &other_mac));
	send_packet(&env, "10.98.0.12");
	CU_ASSERT_TRUE(is_packet_to(&env, 1, &other_mac));
	send_packet(&env, "10.98.0.11");
	CU_ASSERT_TRUE(is_request_for(&env, 2, &all_mac, "10.98.0.11"));
	env_fini(&env);
}

/* An entry in use asks its neighbour directly, then everybody, and traffic goes on meanwhile. */
static void
an_entry_in_use_is_refreshed(void)
{
	struct frame f = arp(2, &peer_mac, PEER_IP, OUR_IP);
	struct env env;

	env_init(&env, 0);
	meet(&env, &peer_mac, PEER_IP);
	pass(&env, 44 * SECOND);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	pass(&env, 2 * SECOND);
	wire_clear(&env);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 2);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &peer_mac));
	CU_ASSERT_TRUE(is_request_for(&env, 1, &peer_mac, PEER_IP));
	pass(&env, 1500000);
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 3);
	CU_ASSERT_TRUE(is_request_for(&env, 2, &all_mac, PEER_IP));
	put(&env, &f);
	wire_clear(&env);
	pass(&env, 40 * SECOND);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &peer_mac));
	env_fini(&env);
}

static void
a_dead_neighbour_is_forgotten(void)
{
	struct env env;

	env_init(&env, 0);
	meet(&env, &peer_mac, PEER_IP);
	pass(&env, 46 * SECOND);
	send_packet(&env, PEER_IP);
	pass(&env, 5 * SECOND);
	CU_ASSERT_EQUAL(env.wire.nout, 4);
	wire_clear(&env);
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, PEER_IP));
	env_fini(&env);
}

static void
an_unused_entry_grows_old(void)
{
	struct env env;

	env_init(&env, 0);
	meet(&env, &peer_mac, PEER_IP);
	pass(&env, 61 * SECOND);
	CU_ASSERT_EQUAL(env.wire.nout, 0);
	send_packet(&env, PEER_IP);
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, PEER_IP));
	env_fini(&env);
}

static void
questions_of_the_neighbour_keep_it_fresh(void)
{
	struct env env;

	env_init(&env, 0);
	for (int i = 0; i < 4; i++) {
		meet(&env, &peer_mac, PEER_IP);
		pass(&env, 40 * SECOND);
	}
	send_packet(&env, PEER_IP);
	CU_ASSERT_EQUAL(env.wire.nout, 1);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &peer_mac));
	env_fini(&env);
}

static void
far_packets_go_to_the_gateway(void)
{
	struct env env;

	env_init(&env, 0);
	send_packet(&env, "192.0.2.1");
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, GATEWAY_IP));
	wire_clear(&env);
	meet(&env, &other_mac, GATEWAY_IP);
	meet(&env, &peer_mac, PEER_IP);
	send_packet(&env, "192.0.2.1");
	send_packet(&env, PEER_IP);
	send_packet(&env, "192.0.2.2");
	CU_ASSERT_EQUAL_FATAL(env.wire.nout, 3);
	CU_ASSERT_TRUE(is_packet_to(&env, 0, &other_mac));
	CU_ASSERT_TRUE(is_packet_to(&env, 1, &peer_mac));
	CU_ASSERT_TRUE(is_packet_to(&env, 2, &other_mac));
	env_fini(&env);
}

static void
no_route(void)
{
	static const char *const nowhere[] = {"224.0.0.1", "255.255.255.255", "10.98.0.255", OUR_IP,
					      OUR_SECOND_IP};
	struct ks_iface_params params;
	struct rte_mbuf *mbuf;
	struct env env;

	env_init(&env, 0);
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(nowhere); i++)
		send_packet(&env, nowhere[i]);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_NO_ROUTE), 5);
	mbuf = our_packet(&env, PEER_IP);
	rte_pktmbuf_mtod(mbuf, uint8_t *)[0] = 0x60;
	ks_iface_tx_burst(env.iface, &mbuf, 1, &env.now);
	mbuf = our_packet(&env, PEER_IP);
	rte_pktmbuf_trim(mbuf, 21);
	ks_iface_tx_burst(env.iface, &mbuf, 1, &env.now);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_NO_ROUTE), 7);
	ks_iface_destroy(env.iface);
	params = (struct ks_iface_params){.name = "island",
					  .port = env.port,
					  .addr = {ip_addr(OUR_IP)},
					  .naddr = 1,
					  .prefix_len = 24,
					  .pool = env.pool};
	CU_ASSERT_EQUAL_FATAL(ks_iface_create(&params, &env.iface), 0);
	send_packet(&env, "192.0.2.1");
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_NO_ROUTE), 1);
	CU_ASSERT_EQUAL(env.wire.nout, 0);
	env_fini(&env);
}

static void
a_full_device_keeps_frames_waiting(void)
{
	struct env env;

	env_init(&env, 0);
	meet(&env, &peer_mac, PEER_IP);
	env.wire.take = 10;
	for (int i = 0; i < 300; i++) {
		struct rte_mbuf *mbuf = our_packet(&env, PEER_IP);

		ks_iface_tx_burst(env.iface, &mbuf, 1, &env.now);
	}
	/* The queue holds 256; when it was full, the device took ten. */
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_TX_FULL), 300 - 266);
	CU_ASSERT_EQUAL(env.wire.nout, 10);
	env.wire.take = 100;
	CU_ASSERT_EQUAL(ks_iface_flush(env.iface, &env.now), 100);
	env.wire.take = UINT16_MAX;
	CU_ASSERT_EQUAL(ks_iface_flush(env.iface, &env.now), 156);
	CU_ASSERT_EQUAL(ks_iface_flush(env.iface, &env.now), 0);
	CU_ASSERT_EQUAL(env.wire.nout, 266);
	/* One frame before was the answer to the peer's question. */
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_TX_FRAMES), 267);
	env_fini(&env);
}

static void
no_buffer_for_a_question(void)
{
	static struct rte_mbuf *all[4095];
	struct rte_mbuf *mbuf;
	struct env env;
	uint32_t n = 0;

	env_init(&env, 0);
	mbuf = our_packet(&env, PEER_IP);
	while (n < KS_ARRAY_SIZE(all) && (all[n] = rte_pktmbuf_alloc(env.pool)) != NULL)
		n++;
	ks_iface_tx_burst(env.iface, &mbuf, 1, &env.now);
	CU_ASSERT_EQUAL(counter(&env, KS_IFACE_DROP_NO_BUFFER), 1);
	rte_pktmbuf_free_bulk(all, n);
	/* The question is asked when there is a buffer again. */
	pass(&env, 2 * SECOND);
	CU_ASSERT_TRUE(env.wire.nout >= 1);
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, PEER_IP));
	env_fini(&env);
}

static void
a_long_pause_does_no_harm(void)
{
	struct env env;

	env_init(&env, 0);
	meet(&env, &peer_mac, PEER_IP);
	send_packet(&env, "10.98.0.9");
	env.now.mono_us += 86400ull * 1000 * SECOND;
	pass(&env, 10 * SECOND);
	wire_clear(&env);
	send_packet(&env, PEER_IP);
	CU_ASSERT_TRUE(is_request_for(&env, 0, &all_mac, PEER_IP));
	env_fini(&env);
}

static void
parameters_are_checked(void)
{
	struct ks_iface_params good, p;
	struct ks_iface *iface;
	struct env env;

	env_init(&env, 0);
	good = (struct ks_iface_params){.name = "p",
					.port = env.port,
					.addr = {ip_addr(OUR_IP)},
					.naddr = 1,
					.prefix_len = 24,
					.pool = env.pool};
	p = good;
	p.naddr = 0;
	CU_ASSERT_EQUAL(ks_iface_create(&p, &iface), -EINVAL);
	p.naddr = 9;
	CU_ASSERT_EQUAL(ks_iface_create(&p, &iface), -EINVAL);
	p = good;
	p.prefix_len = 33;
	CU_ASSERT_EQUAL(ks_iface_create(&p, &iface), -EINVAL);
	p = good;
	p.addr[0] = ip_addr("224.0.0.1");
	CU_ASSERT_EQUAL(ks_iface_create(&p, &iface), -EINVAL);
	p = good;
	p.gateway = ip_addr("0.0.0.0");
	CU_ASSERT_EQUAL(ks_iface_create(&p, &iface), -EINVAL);
	p = good;
	p.pool = NULL;
	CU_ASSERT_EQUAL(ks_iface_create(&p, &iface), -EINVAL);
	CU_ASSERT_EQUAL(ks_iface_create(&good, &iface), 0);
	CU_ASSERT_PTR_EQUAL(ks_iface_port(iface), env.port);
	ks_iface_destroy(iface);
	ks_iface_destroy(NULL);
	env_fini(&env);
}

static const struct ks_test tests[] = {
	KS_TEST(a_question_for_us_is_answered),
	KS_TEST(a_shared_frame_is_not_written_to),
	KS_TEST(impossible_arp),
	KS_TEST(others_are_left_alone),
	KS_TEST(a_probe_teaches_nothing),
	KS_TEST(announcements),
	KS_TEST(packets_wait_for_the_answer),
	KS_TEST(a_question_resolves_too),
	KS_TEST(three_questions_and_no_more),
	KS_TEST(questions_come_once_a_second),
	KS_TEST(the_wait_queue_is_bounded),
	KS_TEST(silent_neighbours_cost_little),
	KS_TEST(a_known_neighbour_survives_a_flood),
	KS_TEST(the_oldest_unused_goes_first),
	KS_TEST(an_entry_in_use_is_refreshed),
	KS_TEST(a_dead_neighbour_is_forgotten),
	KS_TEST(an_unused_entry_grows_old),
	KS_TEST(questions_of_the_neighbour_keep_it_fresh),
	KS_TEST(far_packets_go_to_the_gateway),
	KS_TEST(no_route),
	KS_TEST(a_full_device_keeps_frames_waiting),
	KS_TEST(no_buffer_for_a_question),
	KS_TEST(a_long_pause_does_no_harm),
	KS_TEST(parameters_are_checked),
};

NET_TEST_MAIN("net_arp", tests)
