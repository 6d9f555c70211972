/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When something is taken as lost, and what is sent again: RFC 6675 with SACK, RFC 6582 without,
 * RFC 5681 section 3.1 after a time-out. All three share one rule of sending, RFC 6675's pipe: as
 * long as what is believed to be under way stays below cwnd. Without SACK each duplicate ACK stands
 * for one segment that has left the network, which gives RFC 6582's inflation of the window and
 * RFC 3042's limited transmit without touching cwnd.
 * Thread: the owner of the stack.
 */
#include "stack.h"

#define DUP_THRESH 3u

uint32_t
ks_tcp_recovery_pipe(const struct ks_tcp_conn *conn)
{
	uint32_t pipe = ks_tcp_runs_pipe(conn);
	uint32_t left = (uint32_t)conn->dupacks * conn->mss;

	if (conn->flags & KS_TCP_F_SACK)
		return pipe;
	return pipe > left ? pipe - left : 0;
}

/* Nothing marked, nothing counted: the fast path may have the connection back. */
static void
settle(struct ks_tcp_conn *conn)
{
	if (conn->flags & (KS_TCP_F_RECOVERY | KS_TCP_F_RTO))
		return;
	if (!ks_tcp_runs_plain(conn))
		return;
	ks_tcp_runs_reset(conn);
	if (conn->dupacks == 0)
		conn->flags &= ~KS_TCP_F_LOSS;
}

static void
enter_recovery(struct ks_tcp_conn *conn, uint32_t edge)
{
	uint32_t first = conn->snd_una + conn->mss;

	ks_tcp_count(conn->stack, KS_TCP_FAST_RECOVERY);
	conn->recover = conn->snd_nxt;
	conn->stack->cc->lost(conn, false);
	conn->cwnd = conn->ssthresh;
	conn->flags |= KS_TCP_F_RECOVERY | KS_TCP_F_RTX_ONE;
	conn->flags &= ~KS_TCP_F_RESCUED;
	ks_tcp_runs_lose(conn, conn->snd_una, seq_gt(edge, first) ? edge : first);
}

static void
leave_recovery(struct ks_tcp_conn *conn)
{
	uint32_t flight = ks_tcp_in_flight(conn);

	/* RFC 6582 section 3.2 step 3: no burst when little is in flight. */
	if ((conn->flags & KS_TCP_F_RECOVERY) && !(conn->flags & KS_TCP_F_SACK))
		conn->cwnd = KS_MIN(conn->ssthresh, KS_MAX(flight, conn->mss) + conn->mss);
	conn->flags &= ~(KS_TCP_F_RECOVERY | KS_TCP_F_RTO | KS_TCP_F_RTX_ONE);
	ks_tcp_runs_calm(conn);
}

/* RFC 6582 section 3.2 step 3, partial acknowledgment: the next segment is lost too. */
static void
partial_ack(struct ks_tcp_conn *conn, uint32_t acked)
{
	uint32_t segs = acked / conn->mss;

	conn->dupacks -= (uint8_t)KS_MIN(segs > 0 ? segs - 1 : 0, conn->dupacks);
	ks_tcp_runs_lose(conn, conn->snd_una, conn->snd_una + conn->mss);
	conn->flags |= KS_TCP_F_RTX_ONE;
}

static void
count_duplicate(struct ks_tcp_conn *conn)
{
	uint32_t most = ks_tcp_in_flight(conn) / conn->mss + 1;

	/* RFC 6582 section 4.1: these answer what was sent again needlessly. */
	if (conn->flags & KS_TCP_F_RTO)
		return;
	conn->dupacks = (uint8_t)KS_MIN(conn->dupacks + 1u, KS_MIN(most, UINT8_MAX));
	conn->flags |= KS_TCP_F_LOSS;
}

static inline bool
is_lost(const struct ks_tcp_conn *conn, uint32_t edge)
{
	return seq_gt(edge, conn->snd_una) || conn->dupacks >= DUP_THRESH;
}

ks_noinline void
ks_tcp_recovery_ack(struct ks_tcp_conn *conn, uint32_t acked, bool dup)
{
	uint32_t held = KS_TCP_F_RECOVERY | KS_TCP_F_RTO;
	uint32_t edge;

	if ((conn->flags & held) && seq_geq(conn->snd_una, conn->recover))
		leave_recovery(conn);
	if (acked > 0 && !(conn->flags & KS_TCP_F_RECOVERY))
		conn->dupacks = 0;
	if (dup)
		count_duplicate(conn);
	edge = ks_tcp_runs_lost_edge(conn);
	if (!(conn->flags & held)) {
		if (is_lost(conn, edge))
			enter_recovery(conn, edge);
	} else if (conn->flags & KS_TCP_F_RECOVERY) {
		if (conn->flags & KS_TCP_F_SACK)
			ks_tcp_runs_lose(conn, conn->snd_una, edge);
		else if (acked > 0)
			partial_ack(conn, acked);
	}
	settle(conn);
	ks_tcp_dirty(conn);
}

ks_cold void
ks_tcp_recovery_timeout(struct ks_tcp_conn *conn)
{
	/* RFC 5681 section 3.1: held back for a segment that times out again. */
	if (!(conn->flags & KS_TCP_F_RTO) || conn->backoff == 0)
		conn->stack->cc->lost(conn, true);
	conn->cwnd = conn->mss;
	conn->recover = conn->snd_nxt;
	conn->dupacks = 0;
	conn->flags &= ~(KS_TCP_F_RECOVERY | KS_TCP_F_RTT_TIMING);
	conn->flags |= KS_TCP_F_RTO | KS_TCP_F_RTX_ONE | KS_TCP_F_LOSS;
	ks_tcp_runs_lose_all(conn);
}

/* Data beyond a window that has shrunk would be thrown away (RFC 9293 section 3.8.6). */
static inline bool
in_window(const struct ks_tcp_conn *conn, uint32_t seq)
{
	return seq_lt(seq, conn->snd_una + conn->snd_wnd);
}

ks_noinline uint32_t
ks_tcp_recovery_output(struct ks_tcp_conn *conn, uint32_t *pipe)
{
	uint32_t sent = 0;
	uint32_t seq, len;

	while ((len = ks_tcp_runs_next_lost(conn, &seq)) > 0 && in_window(conn, seq)) {
		if (*pipe + len > conn->cwnd && !(conn->flags & KS_TCP_F_RTX_ONE)) {
			conn->flags |= KS_TCP_F_CWND_LIMITED;
			break;
		}
		len = ks_tcp_output_again(conn, seq, len);
		ks_tcp_runs_sent_again(conn, seq, seq + len);
		conn->flags &= ~KS_TCP_F_RTX_ONE;
		*pipe += len;
		sent++;
	}
	return sent;
}

ks_noinline uint32_t
ks_tcp_recovery_output_last(struct ks_tcp_conn *conn, uint32_t pipe)
{
	uint32_t sent = 0;
	uint32_t seq, len;

	while (pipe + conn->mss <= conn->cwnd && (len = ks_tcp_runs_next_hole(conn, &seq)) > 0 &&
	       in_window(conn, seq)) {
		len = ks_tcp_output_again(conn, seq, len);
		ks_tcp_runs_sent_again(conn, seq, seq + len);
		pipe += len;
		sent++;
	}
	if (sent > 0 || pipe + conn->mss > conn->cwnd || (conn->flags & KS_TCP_F_RESCUED))
		return sent;
	len = ks_tcp_runs_last(conn, &seq);
	if (len == 0 || !in_window(conn, seq))
		return 0;
	conn->flags |= KS_TCP_F_RESCUED;
	ks_tcp_output_again(conn, seq, len);
	return 1;
}
