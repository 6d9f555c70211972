/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: what the windows allow, in full segments (RFC 9293 section 3.8.6.2.1 silly window
 * avoidance; Nagle is off, the owner writes whole records), FIN behind the last byte, ACKs on the
 * data that goes anyway. All of it happens in ks_tcp_flush(), once a turn, so that a reply carries
 * the acknowledgment of its request.
 * Thread: the owner of the stack.
 */
#include <errno.h>

#include "stack.h"

void
ks_tcp_dirty_list(struct ks_tcp_conn *conn)
{
	conn->flags |= KS_TCP_F_DIRTY;
	TAILQ_INSERT_TAIL(&conn->stack->dirty, conn, dirty_link);
}

/* Finds the byte at `off` of the send queue. */
static struct ks_chunk *
seek(const struct ks_tcp_conn *conn, uint32_t off, uint32_t *chunk_off)
{
	struct ks_chunk *chunk = conn->tx.head;

	while (chunk->next != NULL && off >= chunk->end - chunk->start) {
		off -= chunk->end - chunk->start;
		chunk = chunk->next;
	}
	*chunk_off = chunk->start + off;
	return chunk;
}

/* Points the segment at the cursor and moves the cursor behind it. */
static inline void
take_payload(struct ks_tcp_conn *conn, struct ks_tcp_segment *out, uint32_t len)
{
	struct ks_chunk *chunk = conn->cursor;
	uint32_t off = conn->cursor_off;

	if (chunk == NULL)
		chunk = seek(conn, ks_tcp_in_flight(conn), &off);
	if (off == chunk->end) {
		chunk = chunk->next;
		off = chunk->start;
	}
	out->chunk = chunk;
	out->chunk_off = off;
	out->len = (uint16_t)len;
	while (len > chunk->end - off) {
		len -= chunk->end - off;
		chunk = chunk->next;
		off = chunk->start;
	}
	conn->cursor = chunk;
	conn->cursor_off = off + len;
}

static void
fin_sent(struct ks_tcp_conn *conn)
{
	conn->flags |= KS_TCP_F_FIN_SENT;
	conn->state = conn->state == KS_TCP_CLOSE_WAIT ? KS_TCP_LAST_ACK : KS_TCP_FIN_WAIT_1;
}

/* An orphan that threw input away says so with a RST instead (RFC 9293 section 3.6). */
static inline bool
fin_due(const struct ks_tcp_conn *conn)
{
	return (conn->flags & (KS_TCP_F_FIN_QUEUED | KS_TCP_F_FIN_SENT | KS_TCP_F_INPUT_LOST)) ==
	       KS_TCP_F_FIN_QUEUED;
}

/* One segment at snd_nxt with `len` new bytes, and the FIN if they are the last. */
static void
send_new(struct ks_tcp_conn *conn, uint32_t len)
{
	struct ks_tcp_stack *stack = conn->stack;
	bool last = len == ks_tcp_unsent(conn);
	struct ks_tcp_segment out;

	ks_tcp_segment_begin(conn, &out, conn->snd_nxt, last ? RTE_TCP_PSH_FLAG : 0);
	if (len > 0)
		take_payload(conn, &out, len);
	if (ks_tcp_in_flight(conn) == 0)
		conn->una_ms = stack->now_ms;
	if (ks_unlikely(conn->nruns > 0))
		ks_tcp_runs_extend(conn);
	if (!(conn->flags & KS_TCP_F_RTT_TIMING)) {
		conn->flags |= KS_TCP_F_RTT_TIMING;
		conn->rtt_seq = conn->snd_nxt + KS_MAX(len, 1u);
		conn->rtt_start_us = (uint32_t)stack->now_us;
	}
	conn->snd_nxt += len;
	if (last && fin_due(conn)) {
		out.flags |= RTE_TCP_FIN_FLAG;
		conn->snd_nxt++;
		fin_sent(conn);
	}
	if (seq_gt(conn->snd_nxt, conn->snd_max))
		conn->snd_max = conn->snd_nxt;
	conn->last_out_ms = stack->now_ms;
	ks_count_add(&stack->counters[KS_TCP_BYTES_OUT], len);
	ks_tcp_emit(stack, &out);
}

uint32_t
ks_tcp_output_again(struct ks_tcp_conn *conn, uint32_t seq, uint32_t len)
{
	struct ks_tcp_stack *stack = conn->stack;
	uint32_t off = seq - conn->snd_una;
	uint32_t data = conn->tx.len > off ? conn->tx.len - off : 0;
	struct ks_tcp_segment out;

	ks_tcp_segment_begin(conn, &out, seq, 0);
	len = KS_MIN(len,
		     conn->mss + KS_TCP_TS_OPT_BYTES - KS_MAX(out.opt_bytes, KS_TCP_TS_OPT_BYTES));
	data = KS_MIN(data, len);
	if (data > 0) {
		out.chunk = seek(conn, off, &out.chunk_off);
		out.len = (uint16_t)data;
	}
	if (len > data && (conn->flags & KS_TCP_F_FIN_SENT))
		out.flags |= RTE_TCP_FIN_FLAG;
	if (seq + len == conn->snd_nxt)
		out.flags |= RTE_TCP_PSH_FLAG;
	if (seq_lt(seq, conn->rtt_seq) && seq_geq(seq + len, conn->rtt_seq))
		conn->flags &= ~KS_TCP_F_RTT_TIMING;
	conn->rtx_ms = stack->now_ms;
	ks_tcp_count(stack, KS_TCP_RETRANS_SEGS);
	ks_tcp_emit(stack, &out);
	if (seq == conn->snd_una || !ks_tcp_due_is_set(conn, KS_TCP_DUE_RTX))
		ks_tcp_rto_restart(conn);
	return len;
}

/* Room that SACK blocks and the timestamp leave; without them `mss` is exact. */
static inline uint32_t
segment_room(const struct ks_tcp_conn *conn)
{
	uint32_t blocks, room;

	if (ks_likely(conn->nsack == 0))
		return conn->mss;
	room = KS_TCP_OPT_MAX_BYTES - (conn->flags & KS_TCP_F_TS ? KS_TCP_TS_OPT_BYTES : 0);
	blocks = KS_MIN(conn->nsack, (room - 4) / 8);
	return conn->mss - 4 - 8 * blocks;
}

/*
 * How many of `want` bytes the peer's window takes now: all of them, or so many that it is no silly
 * segment, or after a while whatever fits. 0: wait.
 */
static inline uint32_t
window_takes(const struct ks_tcp_conn *conn, uint32_t want)
{
	int32_t usable = (int32_t)(conn->snd_una + conn->snd_wnd - conn->snd_nxt);

	if (ks_likely(usable >= (int32_t)want))
		return want;
	if (usable <= 0)
		return 0;
	if ((uint32_t)usable >= conn->snd_wnd_max / 2 || (conn->flags & KS_TCP_F_SWS_OVERRIDE))
		return (uint32_t)usable;
	return 0;
}

static uint32_t
output_new(struct ks_tcp_conn *conn, uint32_t pipe)
{
	uint32_t room = segment_room(conn);
	uint32_t sent = 0;
	uint32_t unsent;

	while ((unsent = ks_tcp_unsent(conn)) > 0) {
		uint32_t len = KS_MIN(unsent, room);

		if (pipe + len > conn->cwnd) {
			conn->flags |= KS_TCP_F_CWND_LIMITED;
			break;
		}
		len = window_takes(conn, len);
		if (len == 0)
			break;
		send_new(conn, len);
		pipe += len;
		sent++;
	}
	if (unsent == 0 && fin_due(conn)) {
		send_new(conn, 0);
		sent++;
	}
	return sent;
}

/* After sending: the retransmission timer runs whenever something is in flight. */
static void
after_new(struct ks_tcp_conn *conn)
{
	if (ks_unlikely(conn->flags & KS_TCP_F_PERSIST)) {
		conn->flags &= ~(KS_TCP_F_PERSIST | KS_TCP_F_SWS_OVERRIDE);
		conn->backoff = 0;
		ks_tcp_rto_restart(conn);
	} else if (!ks_tcp_due_is_set(conn, KS_TCP_DUE_RTX)) {
		ks_tcp_rto_restart(conn);
	}
}

static ks_noinline void
restart_idle(struct ks_tcp_conn *conn)
{
	struct ks_tcp_stack *stack = conn->stack;

	stack->cc->idle(conn, stack->now_ms - conn->last_out_ms);
	conn->last_out_ms = stack->now_ms;
}

/* Loss marks, and what is left to send when no new byte may be. */
static ks_noinline uint32_t
output_lossy(struct ks_tcp_conn *conn)
{
	uint32_t pipe = ks_tcp_recovery_pipe(conn);
	uint32_t again = ks_tcp_recovery_output(conn, &pipe);
	uint32_t fresh = output_new(conn, pipe);

	if (fresh > 0)
		after_new(conn);
	if (again + fresh == 0 && (conn->flags & (KS_TCP_F_RECOVERY | KS_TCP_F_SACK)) ==
					  (KS_TCP_F_RECOVERY | KS_TCP_F_SACK))
		return ks_tcp_recovery_output_last(conn, pipe);
	return again + fresh;
}

static inline uint32_t
output_data(struct ks_tcp_conn *conn)
{
	uint32_t in_flight = ks_tcp_in_flight(conn);
	uint32_t sent;

	conn->flags &= ~KS_TCP_F_CWND_LIMITED;
	if (ks_unlikely(conn->flags & KS_TCP_F_LOSS))
		return output_lossy(conn);
	if (in_flight == 0 && conn->last_out_ms != conn->stack->now_ms)
		restart_idle(conn);
	sent = output_new(conn, in_flight);
	if (sent > 0)
		after_new(conn);
	else if (ks_tcp_in_flight(conn) == 0 && ks_tcp_unsent(conn) > 0 &&
		 !(conn->flags & KS_TCP_F_PERSIST))
		ks_tcp_persist_start(conn);
	return sent;
}

static inline bool
may_send_data(const struct ks_tcp_conn *conn)
{
	return conn->state >= KS_TCP_ESTABLISHED &&
	       (conn->tx.len > 0 || (conn->flags & KS_TCP_F_FIN_QUEUED));
}

static void
output_conn(struct ks_tcp_conn *conn)
{
	if (may_send_data(conn) && output_data(conn) > 0)
		return;
	if (conn->flags & KS_TCP_F_ACK_NOW) {
		ks_tcp_send_ack(conn);
		return;
	}
	if (conn->unacked_segs > 0 && !ks_tcp_due_is_set(conn, KS_TCP_DUE_DELACK))
		ks_tcp_due_set(conn, KS_TCP_DUE_DELACK, conn->stack->now_ms + KS_TCP_DELACK_MS);
}

/* An orphan whose queue has been acknowledged, but whose input was thrown away. */
static inline bool
ends_with_rst(const struct ks_tcp_conn *conn)
{
	return (conn->flags & KS_TCP_F_INPUT_LOST) && conn->tx.len == 0;
}

void
ks_tcp_flush(struct ks_tcp_stack *stack, const struct ks_now *now)
{
	struct ks_tcp_conn *conn;

	ks_tcp_time(stack, now->mono_us);
	while ((conn = TAILQ_FIRST(&stack->dirty)) != NULL) {
		TAILQ_REMOVE(&stack->dirty, conn, dirty_link);
		conn->flags &= ~KS_TCP_F_DIRTY;
		if (ks_unlikely(ends_with_rst(conn)))
			ks_tcp_conn_reset(conn, KS_TCP_END_ABORTED, ECONNABORTED);
		else
			output_conn(conn);
	}
}
