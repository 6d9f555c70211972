/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an acknowledgment does: frees what it covers, takes a round-trip sample, moves cwnd and the
 * send window, and tells recovery of duplicates. RFC 9293 section 3.10.7.4 step 5, RFC 5681
 * sections 2 and 3.2, RFC 5961 section 5, RFC 7323 section 4.
 * Thread: the owner of the stack.
 */
#include "stack.h"

/* Half of the buffer free: enough to be worth the owner's turn. */
static inline bool
room_again(const struct ks_tcp_conn *conn)
{
	return conn->tx.len <= conn->stack->snd_buf / 2;
}

/*
 * One segment a round trip is timed in microseconds. After a retransmission that is void (Karn),
 * and the echoed timestamp serves, which is only as fine as the peer lets us see: milliseconds. An
 * echo from before the retransmission answers an earlier copy whose ACKs were lost, and would take
 * all the time since for the round trip.
 */
static inline void
take_rtt(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	const struct ks_tcp_stack *stack = conn->stack;
	uint32_t rtt_ms;

	if (ks_likely(conn->flags & KS_TCP_F_RTT_TIMING)) {
		if (seq_lt(seg->ack, conn->rtt_seq))
			return;
		conn->flags &= ~KS_TCP_F_RTT_TIMING;
		ks_tcp_rtt_sample(conn, (uint32_t)stack->now_us - conn->rtt_start_us);
	} else if (ks_tcp_rtt_echoed(conn, seg, &rtt_ms) &&
		   rtt_ms <= stack->now_ms - conn->rtx_ms) {
		ks_tcp_rtt_sample(conn, rtt_ms * 1000);
	}
}

/* All is acknowledged: no timer, unless the window is still shut before what is queued. */
static inline void
nothing_in_flight(struct ks_tcp_conn *conn)
{
	conn->cursor = NULL;
	if (ks_unlikely((conn->flags & KS_TCP_F_PERSIST) && conn->tx.len > 0)) {
		conn->backoff = 0;
		ks_tcp_rto_restart(conn);
		return;
	}
	conn->flags &= ~(KS_TCP_F_PERSIST | KS_TCP_F_SWS_OVERRIDE);
	ks_tcp_due_clear(conn, KS_TCP_DUE_RTX);
}

void
ks_tcp_ack_new(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	uint32_t acked = seg->ack - conn->snd_una;

	take_rtt(conn, seg);
	/* A window probe was taken: its byte has been sent, although snd_nxt does not say so. */
	if (ks_unlikely(seq_gt(seg->ack, conn->snd_nxt))) {
		conn->snd_nxt = seg->ack;
		conn->cursor = NULL;
	}
	/* At most all that is queued: the sequence number of a FIN stands behind it. */
	ks_chain_consume(&conn->tx, acked);
	conn->snd_una = seg->ack;
	conn->una_ms = conn->stack->now_ms;
	if (conn->snd_una == conn->snd_nxt)
		nothing_in_flight(conn);
	else
		ks_tcp_rto_restart(conn);
	if (!(conn->flags & KS_TCP_F_RECOVERY))
		ks_tcp_cc_acked(conn, acked);
	if (ks_unlikely(conn->flags & KS_TCP_F_TX_SHORT) && room_again(conn)) {
		conn->flags &= ~KS_TCP_F_TX_SHORT;
		ks_tcp_event_post(conn, KS_TCP_EV_WRITABLE);
	}
	if (ks_tcp_unsent(conn) > 0 || (conn->flags & KS_TCP_F_FIN_QUEUED))
		ks_tcp_dirty(conn);
}

/*
 * RFC 5961 section 5: an ACK of what was never sent, or of what is long gone, comes from nobody who
 * sees the connection.
 */
static bool
ack_believable(struct ks_tcp_conn *conn, uint32_t ack)
{
	if (seq_leq(ack, conn->snd_max) && seq_geq(ack, conn->snd_una - conn->snd_wnd_max))
		return true;
	ks_tcp_send_challenge(conn);
	return false;
}

/* The newest segment tells the window (RFC 9293 section 3.10.7.4: SND.WL1, SND.WL2); one that
 * acknowledges something new is that, even if it carries old bytes again. */
static bool
take_window(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	uint32_t wnd = (uint32_t)seg->wnd << conn->snd_wscale;
	bool newest = seq_gt(seg->ack, conn->snd_una) || seq_lt(conn->snd_wl1, seg->seq) ||
		      (conn->snd_wl1 == seg->seq && seq_leq(conn->snd_wl2, seg->ack));
	bool changed;

	/* The window of a SYN is not scaled; established() has taken it. */
	if (!newest || (seg->flags & RTE_TCP_SYN_FLAG))
		return false;
	changed = wnd != conn->snd_wnd;
	conn->snd_wnd = wnd;
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	conn->snd_wnd_max = KS_MAX(conn->snd_wnd_max, wnd);
	return changed;
}

/* Duplicate acknowledgment: RFC 5681 section 2, with SACK anything that tells of new arrivals
 * (RFC 6675 section 2). */
static bool
is_duplicate(const struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg, bool wnd_changed,
	     uint32_t newly_sacked)
{
	if (seg->ack != conn->snd_una || ks_tcp_in_flight(conn) == 0 ||
	    (conn->flags & KS_TCP_F_PERSIST))
		return false;
	if (conn->flags & KS_TCP_F_SACK)
		return newly_sacked > 0;
	return seg->len == 0 && !wnd_changed &&
	       !(seg->flags & (RTE_TCP_FIN_FLAG | RTE_TCP_SYN_FLAG));
}

ks_noinline bool
ks_tcp_ack_slow(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg,
		const struct ks_tcp_opts *opts)
{
	uint32_t acked = 0, newly_sacked = 0;
	bool wnd_changed, dup;

	if (!ack_believable(conn, seg->ack))
		return false;
	if (seq_lt(seg->ack, conn->snd_una))
		return true;
	wnd_changed = take_window(conn, seg);
	if (seq_gt(seg->ack, conn->snd_una)) {
		acked = seg->ack - conn->snd_una;
		/* Karn: this ACK has waited for a hole to be filled, whatever it covers besides. */
		if (ks_tcp_runs_sent_twice(conn, seg->ack) && seq_geq(seg->ack, conn->rtt_seq))
			conn->flags &= ~KS_TCP_F_RTT_TIMING;
		ks_tcp_ack_new(conn, seg);
		ks_tcp_runs_ack(conn);
	}
	if (opts->nsack > 0 && (conn->flags & KS_TCP_F_SACK))
		newly_sacked = ks_tcp_runs_sack(conn, opts);
	dup = acked == 0 && is_duplicate(conn, seg, wnd_changed, newly_sacked);
	if (dup || newly_sacked > 0 || (conn->flags & KS_TCP_F_LOSS))
		ks_tcp_recovery_ack(conn, acked, dup);
	if ((conn->flags & KS_TCP_F_PERSIST) && conn->snd_wnd > 0 && ks_tcp_in_flight(conn) > 0)
		ks_tcp_persist_stop(conn);
	if (wnd_changed && (ks_tcp_unsent(conn) > 0 || ks_tcp_in_flight(conn) > 0))
		ks_tcp_dirty(conn);
	return true;
}
