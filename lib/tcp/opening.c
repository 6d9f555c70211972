/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Active open: SYN-SENT, and SYN-RECEIVED where both ends have opened at once (RFC 9293
 * section 3.10.7.3 and figure 8). Payload and FIN on a SYN are left alone: they are not
 * acknowledged, so they come again when the connection stands.
 * Thread: the owner of the stack.
 */
#include <errno.h>

#include "stack.h"

void
ks_tcp_opening_rtt(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg, uint32_t sent_us,
		   bool sent_again)
{
	uint32_t rtt_ms;

	conn->backoff = 0;
	if (!sent_again) {
		ks_tcp_rtt_sample(conn, (uint32_t)conn->stack->now_us - sent_us);
		return;
	}
	/* RFC 6298 section 5.7 and RFC 5681 section 3.1: the path is bad or far. Which, the echo of
	 * a timestamp tells. */
	conn->cwnd = conn->mss;
	if (ks_tcp_rtt_echoed(conn, seg, &rtt_ms))
		ks_tcp_rtt_sample(conn, rtt_ms * 1000);
	else
		conn->rto_ms = KS_TCP_RTO_SYN_AGAIN_MS;
}

static void
established(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	struct ks_tcp_stack *stack = conn->stack;

	conn->state = KS_TCP_ESTABLISHED;
	conn->flags |= KS_TCP_F_ACK_NOW;
	ks_tcp_due_clear(conn, KS_TCP_DUE_RTX);
	ks_tcp_opening_rtt(conn, seg, conn->rtt_start_us, (conn->flags & KS_TCP_F_SYN_AGAIN) != 0);
	/* A window on a SYN is not scaled (RFC 7323 section 2.2). */
	conn->snd_wnd = (uint32_t)seg->wnd
			<< (seg->flags & RTE_TCP_SYN_FLAG ? 0 : conn->snd_wscale);
	conn->snd_wnd_max = conn->snd_wnd;
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	ks_tcp_count(stack, KS_TCP_CONNECTED);
	ks_tcp_event_post(conn, KS_TCP_EV_CONNECTED);
	ks_tcp_dirty(conn);
}

static void
agree(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg, const struct ks_tcp_opts *opts)
{
	struct ks_tcp_open open = {
		.iss = conn->iss,
		.irs = seg->seq,
		.ts_off = conn->ts_off,
		.ts_recent = opts->has_ts ? opts->tsval : 0,
		.mss = opts->has_mss ? opts->mss : 0,
		.snd_wscale = opts->wscale,
		.wscale_ok = opts->has_wscale,
		.ts_ok = opts->has_ts,
		.sack_ok = opts->sack_ok,
	};

	ks_tcp_conn_opened(conn, &open);
}

ks_noinline void
ks_tcp_input_syn_sent(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg,
		      const struct ks_tcp_opts *opts)
{
	bool acked = (seg->flags & RTE_TCP_ACK_FLAG) != 0;

	if (acked && seg->ack != conn->iss + 1) {
		ks_tcp_send_rst_for(conn->stack, seg);
		return;
	}
	if (seg->flags & RTE_TCP_RST_FLAG) {
		if (!acked)
			return;
		ks_tcp_count(conn->stack, KS_TCP_RST_IN);
		ks_tcp_conn_end(conn, KS_TCP_END_REFUSED, ECONNREFUSED);
		return;
	}
	if (!(seg->flags & RTE_TCP_SYN_FLAG))
		return;
	agree(conn, seg, opts);
	if (acked) {
		established(conn, seg);
		return;
	}
	/* The retransmission timer of our SYN goes on, now for the SYN-ACK. */
	conn->state = KS_TCP_SYN_RCVD;
	ks_tcp_send_syn(conn);
}

bool
ks_tcp_input_syn_rcvd(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	if (seg->ack != conn->iss + 1) {
		ks_tcp_send_rst_for(conn->stack, seg);
		return false;
	}
	established(conn, seg);
	return true;
}
