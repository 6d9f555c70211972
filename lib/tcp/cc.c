/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all congestion controls share: the initial window (RFC 6928) and slow start (RFC 5681
 * section 3.1).
 * Thread: the owner of the stack.
 */
#include "stack.h"

/* RFC 9406 section 4.2: acknowledgments that each cover many segments may grow cwnd by as many. */
#define SLOW_START_SEGS 8u

uint32_t
ks_tcp_cc_initial_window(uint32_t mss)
{
	return KS_MIN(10 * mss, KS_MAX(2 * mss, 14600u));
}

void
ks_tcp_cc_acked(struct ks_tcp_conn *conn, uint32_t bytes)
{
	uint32_t grow;

	/* RFC 9438 section 5.8: what the owner did not use says nothing about the path. */
	if (!(conn->flags & KS_TCP_F_CWND_LIMITED))
		return;
	if (conn->cwnd >= conn->ssthresh) {
		conn->stack->cc->avoid(conn, bytes);
	} else {
		grow = KS_MIN(bytes, SLOW_START_SEGS * conn->mss);
		conn->cwnd = KS_MIN(conn->cwnd + grow, conn->ssthresh);
	}
	/* More than the send buffer can never be in flight. */
	conn->cwnd = KS_MIN(conn->cwnd, 2 * conn->stack->snd_buf);
}
