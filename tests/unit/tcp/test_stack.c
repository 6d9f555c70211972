/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack's own calls: parameters, listeners, limits, statistics, orphans.
 */
#include <errno.h>
#include <rte_tcp.h>
#include <stdlib.h>

#include "ks_test.h"
#include "rig.h"

static void
test_params(void)
{
	struct ks_tcp_params params = {.max_conns = 1};
	struct rig rig;

	errno = 0;
	CU_ASSERT_PTR_NULL(ks_tcp_stack_create(&params));
	CU_ASSERT_EQUAL(errno, EINVAL);
	rig_defaults(&rig);
	rig.params.max_conns = 0;
	CU_ASSERT_EQUAL(rig_start(&rig), -1);
	CU_ASSERT_EQUAL(rig_stop(&rig), 0);
	rig_defaults(&rig);
	rig.params.snd_buf_bytes = UINT32_MAX;
	CU_ASSERT_EQUAL(rig_start(&rig), -1);
	CU_ASSERT_EQUAL(rig_stop(&rig), 0);
	ks_tcp_stack_destroy(NULL);
}

static void
test_listeners(void)
{
	struct ks_endpoint any = {.port = rte_cpu_to_be_16(443)};
	struct ks_endpoint one = {.port = rte_cpu_to_be_16(443), .addr.b[15] = 9};
	struct ks_endpoint other = {.port = rte_cpu_to_be_16(444)};
	struct rig rig;

	rig_defaults(&rig);
	CU_ASSERT_EQUAL_FATAL(rig_start(&rig), 0);
	CU_ASSERT_EQUAL(ks_tcp_listen(rig.stack, &any, &any), 0);
	CU_ASSERT_EQUAL(ks_tcp_listen(rig.stack, &any, &any), -EEXIST);
	CU_ASSERT_EQUAL(ks_tcp_listen(rig.stack, &one, &one), 0);
	CU_ASSERT_EQUAL(ks_tcp_listen(rig.stack, &other, NULL), -ENOSPC);
	CU_ASSERT_EQUAL(rig_stop(&rig), 0);
}

static void
segment(struct rig *rig, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack)
{
	uint8_t l4[20] = {[12] = 5 << 4, [13] = flags, [14] = 0xff, [15] = 0xff};

	for (int i = 0; i < 4; i++) {
		l4[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
		l4[8 + i] = (uint8_t)(ack >> (24 - 8 * i));
	}
	rig_input(rig, port, l4, sizeof(l4));
}

static struct ks_tcp_conn *
accept_one(struct rig *rig, uint16_t port)
{
	struct ks_tcp_conn *conn;
	uint32_t events, iss;

	segment(rig, port, RTE_TCP_SYN_FLAG, 100, 0);
	iss = rig_first(rig)->seq;
	rig_pop(rig);
	segment(rig, port, RTE_TCP_ACK_FLAG, 101, iss + 1);
	conn = ks_tcp_event_next(rig->stack, &events);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conn);
	CU_ASSERT_EQUAL(events, KS_TCP_EV_ACCEPTED);
	return conn;
}

/* The exact address goes before the open one, whichever was there first. */
static void
test_service(void)
{
	struct ks_endpoint local = {.port = rte_cpu_to_be_16(443)};
	struct ks_tuple tuple;
	struct rig rig;
	int any, exact;

	rig_defaults(&rig);
	CU_ASSERT_EQUAL_FATAL(rig_start(&rig), 0);
	ks_tcp_listen(rig.stack, &local, &any);
	CU_ASSERT_PTR_EQUAL(ks_tcp_service(accept_one(&rig, 1000)), &any);
	rig_tuple(&tuple, 1);
	local.addr = tuple.local;
	ks_tcp_listen(rig.stack, &local, &exact);

	struct ks_tcp_conn *conn = accept_one(&rig, 1001);

	CU_ASSERT_PTR_EQUAL(ks_tcp_service(conn), &exact);
	ks_tcp_user_set(conn, &rig);
	CU_ASSERT_PTR_EQUAL(ks_tcp_user(conn), &rig);
	CU_ASSERT_EQUAL(ks_tcp_tuple(conn)->remote_port, rte_cpu_to_be_16(1001));
	CU_ASSERT_EQUAL(rig_stop(&rig), 0);
}

/* Released connections whose peers never end are bounded in number: more are reset at once. */
static void
test_orphans(void)
{
	struct ks_endpoint any = {.port = rte_cpu_to_be_16(443)};
	struct ks_tcp_stats stats;
	struct rig rig;

	rig_defaults(&rig);
	rig.params.max_conns = 40;
	rig.params.user_timeout_ms = 1000;
	CU_ASSERT_EQUAL_FATAL(rig_start(&rig), 0);
	ks_tcp_listen(rig.stack, &any, NULL);
	for (uint16_t i = 0; i < 20; i++) {
		ks_tcp_release(rig.stack, accept_one(&rig, 2000 + i));
		rig_flush(&rig);
		CU_ASSERT_EQUAL(rig_first(&rig)->flags & RTE_TCP_RST_FLAG,
				i < 16 ? 0 : RTE_TCP_RST_FLAG);
		rig_pop(&rig);
	}
	ks_tcp_stats_get(rig.stack, &stats);
	CU_ASSERT_EQUAL(stats.conns, 16);
	CU_ASSERT_EQUAL(ks_tcp_counters(rig.stack)[KS_TCP_ORPHANS_CUT], 4);
	CU_ASSERT_EQUAL(ks_tcp_counters(rig.stack)[KS_TCP_END_ABORTED], 4);
	/* Nobody answers their FINs: they end by the user time-out. */
	rig_advance(&rig, 2000000, false);
	ks_tcp_stats_get(rig.stack, &stats);
	CU_ASSERT_EQUAL(stats.conns, 0);
	CU_ASSERT_EQUAL(ks_tcp_counters(rig.stack)[KS_TCP_END_TIMEOUT], 16);
	CU_ASSERT_EQUAL(rig_stop(&rig), 0);
}

/* An orphan whose peer goes on to acknowledge, but not to take anything, is over in the end. */
static void
test_orphan_stalled(void)
{
	struct ks_endpoint any = {.port = rte_cpu_to_be_16(443)};
	struct ks_tcp_stats stats;
	struct ks_chain data;
	struct ks_tcp_conn *conn;
	struct rig rig;
	uint32_t iss, answered = 0;

	rig_defaults(&rig);
	rig.params.user_timeout_ms = 5000;
	CU_ASSERT_EQUAL_FATAL(rig_start(&rig), 0);
	ks_tcp_listen(rig.stack, &any, NULL);
	conn = accept_one(&rig, 3000);
	ks_chain_init(&data, rig.chunks);
	ks_chain_append(&data, "x", 1);
	ks_tcp_send(rig.stack, conn, &data);
	ks_tcp_release(rig.stack, conn);
	rig_flush(&rig);
	iss = rig_first(&rig)->seq - 1;
	for (uint32_t ms = 0; ms < 25000; ms++) {
		uint8_t l4[20] = {[12] = 5 << 4, [13] = RTE_TCP_ACK_FLAG};

		rig_advance(&rig, ms * 1000ull, false);
		while (rig_first(&rig) != NULL) {
			bool rst = (rig_first(&rig)->flags & RTE_TCP_RST_FLAG) != 0;

			rig_pop(&rig);
			if (rst)
				continue;
			answered++;
			for (int i = 0; i < 4; i++) {
				l4[4 + i] = (uint8_t)(101u >> (24 - 8 * i));
				l4[8 + i] = (uint8_t)((iss + 1) >> (24 - 8 * i));
			}
			rig_input(&rig, 3000, l4, sizeof(l4));
		}
		ks_tcp_stats_get(rig.stack, &stats);
		if (stats.conns == 0)
			break;
	}
	CU_ASSERT(answered > 4);
	CU_ASSERT_EQUAL(stats.conns, 0);
	CU_ASSERT_EQUAL(ks_tcp_counters(rig.stack)[KS_TCP_END_TIMEOUT], 1);
	CU_ASSERT_EQUAL(rig_stop(&rig), 0);
}

/* Initial numbers: unlike for two flows, later ones further on, unlike with another secret. */
static void
test_isn(void)
{
	struct ks_endpoint any = {.port = rte_cpu_to_be_16(443)};
	uint32_t iss[2][3];

	for (int secret = 0; secret < 2; secret++) {
		struct rig rig;

		rig_defaults(&rig);
		rig.params.key.bytes[3] ^= (uint8_t)secret;
		CU_ASSERT_EQUAL_FATAL(rig_start(&rig), 0);
		ks_tcp_listen(rig.stack, &any, NULL);
		for (int i = 0; i < 3; i++) {
			if (i == 2)
				rig_advance(&rig, 40000000, false);
			while (rig_first(&rig) != NULL)
				rig_pop(&rig);
			segment(&rig, i == 1 ? 7 : 6, RTE_TCP_SYN_FLAG, 100, 0);
			iss[secret][i] = rig_first(&rig)->seq;
		}
		CU_ASSERT_NOT_EQUAL(iss[secret][0], iss[secret][1]);
		CU_ASSERT_EQUAL(iss[secret][2] - iss[secret][0], 40000000 / 4);
		CU_ASSERT_EQUAL(rig_stop(&rig), 0);
	}
	CU_ASSERT_NOT_EQUAL(iss[0][0], iss[1][0]);
}

static void
test_counter_names(void)
{
	for (uint32_t i = 0; i < KS_TCP_COUNTER_MAX; i++) {
		CU_ASSERT_PTR_NOT_NULL(ks_tcp_counter_desc[i].name);
		for (uint32_t k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(ks_tcp_counter_desc[i].name,
						   ks_tcp_counter_desc[k].name);
	}
}

static const struct ks_test tests[] = {
	KS_TEST(test_params),	     KS_TEST(test_listeners),	   KS_TEST(test_service),
	KS_TEST(test_orphans),	     KS_TEST(test_orphan_stalled), KS_TEST(test_isn),
	KS_TEST(test_counter_names),
};

KS_TEST_MAIN("tcp/stack", tests)
