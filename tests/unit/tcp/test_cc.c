/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Congestion control by numbers: what RFC 9438 and RFC 5681 say a window is after so many seconds.
 */
#include <math.h>

#include "ks_test.h"
#include "whitebox.h"

#define MSS 1000u
#define RTT_MS 100u

static void
start(struct whitebox *box, enum ks_tcp_cc cc)
{
	whitebox_start(box,
		       (struct ks_tcp_params){
			       .cc = cc, .snd_buf_bytes = 32 * 1024 * 1024, .user_timeout_ms = 1},
		       8, 1);
	box->conn->mss = MSS;
	box->conn->srtt_us = RTT_MS * 1000;
	box->conn->flags |= KS_TCP_F_CWND_LIMITED;
}

static void
lose(struct ks_tcp_conn *conn, uint32_t cwnd)
{
	conn->cwnd = cwnd;
	conn->snd_nxt = conn->snd_una + cwnd;
	conn->stack->cc->lost(conn, false);
	conn->cwnd = conn->ssthresh;
}

/* One round trip: the whole window is acknowledged, two segments at a time. */
static void
round_trip(struct whitebox *box)
{
	uint32_t window = box->conn->cwnd;
	uint64_t start_us = box->stack->now_us;

	for (uint32_t done = 0; done < window; done += 2 * MSS) {
		ks_tcp_time(box->stack, start_us + (uint64_t)RTT_MS * 1000 * done / window);
		ks_tcp_cc_acked(box->conn, 2 * MSS);
	}
	ks_tcp_time(box->stack, start_us + RTT_MS * 1000);
}

static void
test_cubic_curve(void)
{
	struct whitebox box;
	double k = cbrt(1000 * 0.3 / 0.4);
	double worst = 0;

	start(&box, KS_TCP_CC_CUBIC);
	lose(box.conn, 1000 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 700 * MSS);
	for (uint32_t i = 1; i <= 150; i++) {
		double t, want;

		round_trip(&box);
		t = i * RTT_MS / 1000.0;
		want = 0.4 * pow(t - k, 3) + 1000;
		worst = fmax(worst, fabs(box.conn->cwnd / (double)MSS - want) / want);
	}
	/* The target is one round trip ahead, and the window follows it by one. */
	CU_ASSERT(worst < 0.03);
	CU_ASSERT(box.conn->cwnd > 1000 * MSS);
	whitebox_stop(&box);
}

/* Small windows and short round trips: never slower than Reno with the same reduction. */
static void
test_cubic_friendly(void)
{
	struct whitebox box;

	start(&box, KS_TCP_CC_CUBIC);
	box.conn->srtt_us = 1000;
	lose(box.conn, 10 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 7 * MSS);
	for (uint32_t i = 0; i < 10; i++)
		ks_tcp_cc_acked(box.conn, box.conn->cwnd);
	/* 9/17 of a segment a round trip until the old window, then one. */
	CU_ASSERT(box.conn->cwnd >= 13 * MSS && box.conn->cwnd <= 15 * MSS);
	whitebox_stop(&box);
}

static void
test_cubic_convergence(void)
{
	struct whitebox box;

	start(&box, KS_TCP_CC_CUBIC);
	lose(box.conn, 1000 * MSS);
	/* Lost again before the old window was reached: give way to others. */
	lose(box.conn, 800 * MSS);
	CU_ASSERT_EQUAL(box.conn->ssthresh, 560 * MSS);
	CU_ASSERT_EQUAL(box.conn->cc.cubic.w_max, 680 * MSS);
	box.conn->stack->cc->lost(box.conn, true);
	box.conn->cwnd = box.conn->ssthresh;
	ks_tcp_cc_acked(box.conn, MSS);
	CU_ASSERT_EQUAL(box.conn->cc.cubic.k_ms, 0);
	whitebox_stop(&box);
}

static void
test_newreno(void)
{
	struct whitebox box;

	start(&box, KS_TCP_CC_NEWRENO);
	lose(box.conn, 40 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 20 * MSS);
	for (uint32_t i = 1; i <= 10; i++) {
		round_trip(&box);
		CU_ASSERT(box.conn->cwnd >= (20 + i - 1) * MSS);
		CU_ASSERT(box.conn->cwnd <= (20 + i + 1) * MSS);
	}
	lose(box.conn, 2 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 2 * MSS);
	whitebox_stop(&box);
}

/* An owner that does not fill the window does not get a larger one. */
static void
test_unused(void)
{
	static const enum ks_tcp_cc all[] = {KS_TCP_CC_CUBIC, KS_TCP_CC_NEWRENO};
	struct whitebox box;

	for (uint32_t i = 0; i < 2; i++) {
		start(&box, all[i]);
		box.conn->flags &= ~KS_TCP_F_CWND_LIMITED;
		for (uint32_t k = 0; k < 100; k++)
			ks_tcp_cc_acked(box.conn, MSS);
		CU_ASSERT_EQUAL(box.conn->cwnd, 10 * MSS);
		box.conn->cwnd = 50 * MSS;
		box.conn->stack->cc->idle(box.conn, 10);
		CU_ASSERT_EQUAL(box.conn->cwnd, 50 * MSS);
		box.conn->stack->cc->idle(box.conn, 10000);
		CU_ASSERT_EQUAL(box.conn->cwnd, 10 * MSS);
		whitebox_stop(&box);
	}
}

/* Slow start grows by what is acknowledged, at most eight segments at once, and ends at ssthresh.
 */
static void
test_slow_start(void)
{
	struct whitebox box;

	start(&box, KS_TCP_CC_NEWRENO);
	ks_tcp_cc_acked(box.conn, 3 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 13 * MSS);
	ks_tcp_cc_acked(box.conn, 100 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 21 * MSS);
	box.conn->ssthresh = 23 * MSS;
	ks_tcp_cc_acked(box.conn, 8 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 23 * MSS);
	ks_tcp_cc_acked(box.conn, 8 * MSS);
	CU_ASSERT_EQUAL(box.conn->cwnd, 23 * MSS);
	CU_ASSERT_EQUAL(ks_tcp_cc_initial_window(1460), 14600);
	CU_ASSERT_EQUAL(ks_tcp_cc_initial_window(536), 5360);
	CU_ASSERT_EQUAL(ks_tcp_cc_initial_window(8960), 17920);
	whitebox_stop(&box);
}

static const struct ks_test tests[] = {
	KS_TEST(test_cubic_curve), KS_TEST(test_cubic_friendly), KS_TEST(test_cubic_convergence),
	KS_TEST(test_newreno),	   KS_TEST(test_unused),	 KS_TEST(test_slow_start),
};

KS_TEST_MAIN("tcp/cc", tests)
