/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that header prediction does not cover, in the order of RFC 9293 section 3.10.7.4:
 * RST and SYN by RFC 5961 sections 3 and 4, PAWS by RFC 7323 section 5, sequence, ACK, text, FIN.
 *
 * Two liberties, both Linux's too: the ACK of an old duplicate is still looked at, and a bare ACK
 * that a later segment has overtaken is not answered.
 * Thread: the owner of the stack.
 */
#include <errno.h>

#include "stack.h"

/* RFC 7323 section 5.5: a timestamp older than this says nothing. */
#define PAWS_IDLE_MS (24u * 24 * 3600 * 1000)

/* Answers what is not acceptable. Empty segments only now and then: two ends that find each other
 * unacceptable would answer for ever. */
static void
answer(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	struct ks_tcp_stack *stack = conn->stack;

	if (seg->len == 0 && !(seg->flags & RTE_TCP_FIN_FLAG)) {
		if (stack->now_ms - conn->oow_ms < KS_TCP_OOW_MS)
			return;
		conn->oow_ms = stack->now_ms;
	}
	ks_tcp_send_ack(conn);
}

/* The last ACK was lost and the peer has forgotten us: nothing of ours was (RFC 9293
 * section 3.10.7.4 second step tells the owner of no reset in these states). */
static bool
rst_is_end(const struct ks_tcp_conn *conn)
{
	return (conn->state == KS_TCP_LAST_ACK || conn->state == KS_TCP_CLOSING) &&
	       conn->tx.len == 0;
}

static ks_cold void
input_rst(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	if (seg->seq != conn->rcv_nxt) {
		if (seq_gt(seg->seq, conn->rcv_nxt) && seq_lt(seg->seq, conn->rcv_adv))
			ks_tcp_send_challenge(conn);
		return;
	}
	ks_tcp_count(conn->stack, KS_TCP_RST_IN);
	if (conn->state == KS_TCP_SYN_RCVD)
		ks_tcp_conn_end(conn, KS_TCP_END_REFUSED, ECONNREFUSED);
	else if (rst_is_end(conn))
		ks_tcp_conn_end(conn, KS_TCP_END_CLOSED, 0);
	else
		ks_tcp_conn_end(conn, KS_TCP_END_RESET_IN, ECONNRESET);
}

/* A SYN-ACK that crossed our own has the ACK that we are waiting for (RFC 9293 figure 8). */
static bool
syn_crossed(const struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	return conn->state == KS_TCP_SYN_RCVD && (seg->flags & RTE_TCP_ACK_FLAG) &&
	       seg->seq + 1 == conn->rcv_nxt && seg->ack == conn->iss + 1;
}

/* A peer that has stopped to send timestamps is let in without the check: dropping all it sends,
 * as RFC 7323 section 3.2 proposes, ends in a connection that stands for ever. */
static bool
paws_passes(const struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	if (!(conn->flags & KS_TCP_F_TS) || !seg->has_ts || seq_geq(seg->tsval, conn->ts_recent))
		return true;
	return conn->stack->now_ms - conn->ts_recent_ms > PAWS_IDLE_MS;
}

static inline uint32_t
span(const struct ks_tcp_seg *seg)
{
	return seg->len + (seg->flags & RTE_TCP_FIN_FLAG ? 1u : 0u);
}

/* Only its ACK is left. */
static void
strip_text(struct ks_tcp_seg *seg)
{
	seg->len = 0;
	seg->flags &= (uint8_t)~RTE_TCP_FIN_FLAG;
}

/* Cuts off what has been received before. */
static void
trim_front(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg)
{
	uint32_t old = conn->rcv_nxt - seg->seq;

	if (old >= span(seg)) {
		if (span(seg) > 0)
			ks_tcp_count(conn->stack, KS_TCP_DUPLICATE);
		if (span(seg) > 0 || seq_lt(seg->seq, conn->rcv_acked))
			answer(conn, seg);
		strip_text(seg);
		return;
	}
	seg->payload += old;
	seg->len -= (uint16_t)old;
	seg->seq = conn->rcv_nxt;
}

/* Cuts off what lies beyond the window. A FIN takes no memory: it may stand just behind. */
static void
trim_back(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg)
{
	uint32_t room = conn->rcv_adv - seg->seq;

	if (seg->len <= room)
		return;
	seg->len = (uint16_t)room;
	seg->flags &= (uint8_t)~RTE_TCP_FIN_FLAG;
	conn->flags |= KS_TCP_F_ACK_NOW;
	ks_tcp_dirty(conn);
}

/* @return false when nothing of the segment counts, not even its ACK. */
static bool
trim(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg)
{
	if (seq_gt(seg->seq, conn->rcv_adv)) {
		answer(conn, seg);
		return false;
	}
	if (seq_lt(seg->seq, conn->rcv_nxt))
		trim_front(conn, seg);
	trim_back(conn, seg);
	return true;
}

/* Our FIN was acknowledged. @return false when the connection is no more. */
static bool
fin_acked(struct ks_tcp_conn *conn)
{
	switch (conn->state) {
	case KS_TCP_FIN_WAIT_1:
		conn->state = KS_TCP_FIN_WAIT_2;
		if (conn->flags & KS_TCP_F_ORPHAN)
			ks_tcp_due_set(conn, KS_TCP_DUE_LIFE,
				       conn->stack->now_ms + conn->stack->msl2_ms);
		return true;
	case KS_TCP_CLOSING:
		ks_tcp_time_wait_enter(conn);
		return false;
	case KS_TCP_LAST_ACK:
		ks_tcp_conn_end(conn, KS_TCP_END_CLOSED, 0);
		return false;
	default:
		return true;
	}
}

static void
input_ahead(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	struct ks_tcp_stack *stack = conn->stack;
	int kept = ks_tcp_reass_insert(conn, seg->seq, seg->payload, seg->len);

	if (kept < 0)
		ks_tcp_count(stack, KS_TCP_REASSEMBLY_DROP);
	else
		ks_tcp_count(stack, kept > 0 ? KS_TCP_OUT_OF_ORDER : KS_TCP_DUPLICATE);
	/* At once and for each of them: the peer counts (RFC 5681 section 4.2). */
	ks_tcp_send_ack(conn);
}

static void
input_next(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	struct ks_tcp_stack *stack = conn->stack;
	uint32_t more = 0;

	while (ks_chain_append(&conn->rx, seg->payload, seg->len) != 0) {
		ks_tcp_count(stack, KS_TCP_REASSEMBLY_DROP);
		if (!ks_tcp_reass_give_last(conn))
			return;
	}
	conn->rcv_nxt += seg->len;
	if (conn->flags & KS_TCP_F_OOO) {
		more = ks_tcp_reass_drain(conn);
		conn->flags |= KS_TCP_F_ACK_NOW;
	}
	ks_count_add(&stack->counters[KS_TCP_BYTES_IN], seg->len + more);
	if (++conn->unacked_segs >= 2)
		conn->flags |= KS_TCP_F_ACK_NOW;
	ks_tcp_event_post(conn, KS_TCP_EV_READABLE);
	ks_tcp_dirty(conn);
}

/* @return false when a FIN on the same segment must not be taken either. */
static bool
input_text(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg)
{
	if (conn->flags & KS_TCP_F_FIN_RCVD)
		return false;
	if ((conn->flags & KS_TCP_F_FIN_AHEAD) && seq_gt(seg->seq + seg->len, conn->rcv_fin)) {
		ks_tcp_count(conn->stack, KS_TCP_BAD_SEGMENT);
		return false;
	}
	if (seg->len == 0)
		return true;
	/* Nobody reads any more; the flush resets as soon as our own bytes are through. */
	if (conn->flags & KS_TCP_F_ORPHAN) {
		conn->flags |= KS_TCP_F_INPUT_LOST;
		ks_tcp_dirty(conn);
		return false;
	}
	if (seg->seq == conn->rcv_nxt)
		input_next(conn, seg);
	else
		input_ahead(conn, seg);
	return true;
}

static void
fin_in_order(struct ks_tcp_conn *conn)
{
	conn->rcv_nxt++;
	if (seq_gt(conn->rcv_nxt, conn->rcv_adv))
		conn->rcv_adv = conn->rcv_nxt;
	conn->flags |= KS_TCP_F_FIN_RCVD | KS_TCP_F_ACK_NOW;
	conn->flags &= ~KS_TCP_F_FIN_AHEAD;
	ks_tcp_reass_clear(conn);
	ks_tcp_event_post(conn, KS_TCP_EV_EOF);
	ks_tcp_dirty(conn);
	if (conn->state == KS_TCP_ESTABLISHED)
		conn->state = KS_TCP_CLOSE_WAIT;
	else if (conn->state == KS_TCP_FIN_WAIT_1)
		conn->state = KS_TCP_CLOSING;
	else if (conn->state == KS_TCP_FIN_WAIT_2)
		ks_tcp_time_wait_enter(conn);
}

static void
input_fin(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	uint32_t fin = seg->seq + seg->len;

	if ((seg->flags & RTE_TCP_FIN_FLAG) && seq_gt(fin, conn->rcv_nxt)) {
		if (!(conn->flags & KS_TCP_F_FIN_AHEAD))
			conn->rcv_fin = fin;
		conn->flags |= KS_TCP_F_FIN_AHEAD;
		if (seg->len == 0)
			ks_tcp_send_ack(conn);
	}
	/* Bytes that were kept before the FIN came may lie beyond it: then it was none. */
	if ((conn->flags & KS_TCP_F_FIN_AHEAD) && seq_lt(conn->rcv_fin, conn->rcv_nxt))
		conn->flags &= ~KS_TCP_F_FIN_AHEAD;
	if (((seg->flags & RTE_TCP_FIN_FLAG) && fin == conn->rcv_nxt) ||
	    ((conn->flags & KS_TCP_F_FIN_AHEAD) && conn->rcv_fin == conn->rcv_nxt))
		fin_in_order(conn);
}

/* Steps five to eight: the segment is in the window and no RST or SYN. */
static void
input_acceptable(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg, const struct ks_tcp_opts *opts)
{
	if (conn->state == KS_TCP_SYN_RCVD && !ks_tcp_input_syn_rcvd(conn, seg))
		return;
	if (!ks_tcp_ack_slow(conn, seg, opts))
		return;
	conn->last_in_ms = conn->stack->now_ms;
	conn->keep_probes = 0;
	if ((conn->flags & KS_TCP_F_FIN_SENT) && ks_tcp_in_flight(conn) == 0 && !fin_acked(conn))
		return;
	if (input_text(conn, seg))
		input_fin(conn, seg);
}

static void
input_synchronized(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg, const struct ks_tcp_opts *opts)
{
	uint32_t seq;

	if (seg->flags & RTE_TCP_RST_FLAG) {
		input_rst(conn, seg);
		return;
	}
	if (seg->flags & RTE_TCP_SYN_FLAG) {
		if (!syn_crossed(conn, seg)) {
			ks_tcp_send_challenge(conn);
			return;
		}
		seg->seq++;
		strip_text(seg);
	}
	if (!paws_passes(conn, seg)) {
		ks_tcp_count(conn->stack, KS_TCP_PAWS_DROP);
		answer(conn, seg);
		return;
	}
	seq = seg->seq;
	if (!trim(conn, seg))
		return;
	if (!(seg->flags & RTE_TCP_ACK_FLAG))
		return;
	ks_tcp_take_timestamp(conn, seg, seq);
	input_acceptable(conn, seg, opts);
}

ks_noinline void
ks_tcp_input_slow(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg)
{
	struct ks_tcp_opts opts;

	if (ks_tcp_options_parse(seg->opt, seg->opt_bytes, &opts) != 0) {
		ks_tcp_count(conn->stack, KS_TCP_BAD_SEGMENT);
		return;
	}
	seg->has_ts = opts.has_ts;
	seg->tsval = opts.tsval;
	seg->tsecr = opts.tsecr;
	if (conn->state == KS_TCP_SYN_SENT)
		ks_tcp_input_syn_sent(conn, seg, &opts);
	else
		input_synchronized(conn, seg, &opts);
}
