/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments without payload: SYN, ACK, challenge ACK, RST, probes. RFC 9293 sections 3.5.2
 * and 3.10.7, RFC 5961 section 7, RFC 7323 section 3.2 (timestamps on all of them). Thread: the
 * owner of the stack.
 */
#include "stack.h"

int
ks_tcp_emit(struct ks_tcp_stack *stack, const struct ks_tcp_segment *seg)
{
	ks_tcp_count(stack, KS_TCP_SEGS_OUT);
	return stack->emit(stack->emit_arg, seg);
}

/* All but flags and payload; the options only where they are set, 40 bytes are not cleared. */
static void
begin(const struct ks_tcp_conn *conn, struct ks_tcp_segment *out, uint32_t seq, uint8_t flags)
{
	out->tuple = &conn->tuple;
	out->seq = seq;
	out->ack = conn->rcv_nxt;
	out->flags = flags;
	out->opt_bytes = 0;
	out->chunk = NULL;
	out->chunk_off = 0;
	out->len = 0;
	if (conn->flags & KS_TCP_F_TS)
		out->opt_bytes = ks_tcp_options_write_ts(
			out->opt, ks_tcp_ts_now(conn->stack, conn->ts_off), conn->ts_recent);
}

void
ks_tcp_segment_begin(struct ks_tcp_conn *conn, struct ks_tcp_segment *out, uint32_t seq,
		     uint8_t flags)
{
	begin(conn, out, seq, flags | RTE_TCP_ACK_FLAG);
	if (ks_unlikely(conn->nsack > 0)) {
		uint32_t room = (KS_TCP_OPT_MAX_BYTES - out->opt_bytes - 4u) / 8u;

		out->opt_bytes += ks_tcp_options_write_sack(out->opt + out->opt_bytes, conn->sack,
							    KS_MIN(conn->nsack, room));
	}
	out->wnd = ks_tcp_window_offer(conn);
	conn->rcv_acked = conn->rcv_nxt;
	conn->unacked_segs = 0;
	conn->flags &= ~KS_TCP_F_ACK_NOW;
	ks_tcp_due_clear(conn, KS_TCP_DUE_DELACK);
}

void
ks_tcp_send_ack(struct ks_tcp_conn *conn)
{
	struct ks_tcp_segment out;

	ks_tcp_segment_begin(conn, &out, conn->snd_nxt, 0);
	ks_tcp_emit(conn->stack, &out);
}

/* SYN of an active open, or SYN-ACK where the peer's SYN has crossed ours. */
void
ks_tcp_send_syn(struct ks_tcp_conn *conn)
{
	const struct ks_tcp_stack *stack = conn->stack;
	bool crossed = conn->state == KS_TCP_SYN_RCVD;
	struct ks_tcp_opts opts = {
		.has_mss = true,
		.mss = stack->mss,
		.has_wscale = !crossed || conn->rcv_wscale > 0 || conn->snd_wscale > 0,
		.wscale = stack->rcv_wscale,
		.sack_ok = !crossed || (conn->flags & KS_TCP_F_SACK),
		.has_ts = !crossed || (conn->flags & KS_TCP_F_TS),
		.tsval = ks_tcp_ts_now(stack, conn->ts_off),
		.tsecr = conn->ts_recent,
	};
	struct ks_tcp_segment out;

	begin(conn, &out, conn->iss, RTE_TCP_SYN_FLAG | (crossed ? RTE_TCP_ACK_FLAG : 0));
	out.wnd = (uint16_t)KS_MIN(stack->rcv_buf, UINT16_MAX);
	out.opt_bytes = ks_tcp_options_write_syn(out.opt, &opts);
	ks_tcp_emit(conn->stack, &out);
}

ks_cold void
ks_tcp_send_rst(struct ks_tcp_conn *conn)
{
	struct ks_tcp_segment out;

	begin(conn, &out, conn->snd_nxt, RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG);
	out.wnd = 0;
	ks_tcp_count(conn->stack, KS_TCP_RST_OUT);
	ks_tcp_emit(conn->stack, &out);
}

/*
 * The limit is the connection's own: one for all of them would tell an outsider how many were spent
 * on others, which is how connections were found and hijacked (CVE-2016-5696).
 */
ks_cold void
ks_tcp_send_challenge(struct ks_tcp_conn *conn)
{
	struct ks_tcp_stack *stack = conn->stack;

	if (stack->now_ms - conn->challenge_ms < KS_TCP_CHALLENGE_MS)
		return;
	conn->challenge_ms = stack->now_ms;
	ks_tcp_count(stack, KS_TCP_CHALLENGE_ACKS);
	ks_tcp_send_ack(conn);
}

ks_cold void
ks_tcp_send_probe(struct ks_tcp_conn *conn)
{
	struct ks_tcp_segment out;

	ks_tcp_count(conn->stack, KS_TCP_ZERO_WINDOW_PROBES);
	ks_tcp_segment_begin(conn, &out, conn->snd_una, 0);
	if (conn->tx.len > 0) {
		out.chunk = conn->tx.head;
		out.chunk_off = conn->tx.head->start;
		out.len = 1;
		out.flags |= RTE_TCP_PSH_FLAG;
	} else {
		out.flags |= RTE_TCP_FIN_FLAG;
	}
	if (seq_lt(conn->snd_max, conn->snd_una + 1))
		conn->snd_max = conn->snd_una + 1;
	conn->flags &= ~KS_TCP_F_RTT_TIMING;
	conn->rtx_ms = conn->stack->now_ms;
	ks_tcp_emit(conn->stack, &out);
}

ks_cold void
ks_tcp_send_keepalive(struct ks_tcp_conn *conn)
{
	struct ks_tcp_segment out;

	ks_tcp_count(conn->stack, KS_TCP_KEEPALIVE_PROBES);
	ks_tcp_segment_begin(conn, &out, conn->snd_una - 1, 0);
	ks_tcp_emit(conn->stack, &out);
}

ks_cold void
ks_tcp_send_rst_for(struct ks_tcp_stack *stack, const struct ks_tcp_seg *seg)
{
	struct ks_tcp_segment out = {.tuple = seg->tuple, .flags = RTE_TCP_RST_FLAG};

	if (seg->flags & RTE_TCP_RST_FLAG)
		return;
	if (seg->flags & RTE_TCP_ACK_FLAG) {
		out.seq = seg->ack;
	} else {
		out.flags |= RTE_TCP_ACK_FLAG;
		out.ack = seg->seq + seg->len + (seg->flags & RTE_TCP_SYN_FLAG ? 1 : 0) +
			  (seg->flags & RTE_TCP_FIN_FLAG ? 1 : 0);
	}
	ks_tcp_count(stack, KS_TCP_RST_OUT);
	ks_tcp_emit(stack, &out);
}
