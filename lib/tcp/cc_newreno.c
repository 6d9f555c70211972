/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NewReno's congestion avoidance: RFC 5681 section 3.1 equation 3 by counted bytes, halving by
 * equation 4, restart after idleness by section 4.1.
 * Thread: the owner of the stack.
 */
#include "stack.h"

static void
newreno_init(struct ks_tcp_conn *conn)
{
	conn->cc.newreno = (struct ks_tcp_cc_newreno){0};
}

static void
newreno_avoid(struct ks_tcp_conn *conn, uint32_t bytes)
{
	struct ks_tcp_cc_newreno *cc = &conn->cc.newreno;

	cc->acked += bytes;
	if (cc->acked < conn->cwnd)
		return;
	cc->acked -= conn->cwnd;
	conn->cwnd += conn->mss;
}

static void
newreno_lost(struct ks_tcp_conn *conn, bool rto)
{
	conn->ssthresh = KS_MAX(ks_tcp_in_flight(conn) / 2, 2u * conn->mss);
	conn->cc.newreno.acked = 0;
}

static void
newreno_idle(struct ks_tcp_conn *conn, uint32_t idle_ms)
{
	if (idle_ms > conn->rto_ms)
		conn->cwnd = KS_MIN(conn->cwnd, ks_tcp_cc_initial_window(conn->mss));
}

const struct ks_tcp_cc_ops ks_tcp_cc_newreno = {
	.name = "newreno",
	.init = newreno_init,
	.avoid = newreno_avoid,
	.lost = newreno_lost,
	.idle = newreno_idle,
};
