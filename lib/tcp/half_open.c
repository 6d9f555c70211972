/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passive open: from the SYN to the ACK of our SYN-ACK a peer costs an entry of a small table of
 * its own, not a connection (RFC 4987 section 3.4). RFC 9293 sections 3.10.7.2 and 3.10.7.4, RFC
 * 5961. Payload on a SYN is not acknowledged: it comes again. Thread: the owner of the stack.
 */
#include <errno.h>

#include "stack.h"

#define SYN_ACK_RETRIES 4u /* at 1, 3, 7 and 15 s; given up at 31 s */
#define ISS_STEP 65536u	   /* beyond the last number of the connection before (RFC 6191) */

static inline uint32_t
offered_window(const struct ks_tcp_stack *stack)
{
	return KS_MIN(stack->rcv_buf, UINT16_MAX);
}

static void
emit(struct ks_tcp_half_open *half, struct ks_tcp_segment *out)
{
	struct ks_tcp_stack *stack = half->stack;

	out->tuple = &half->tuple;
	out->ack = half->open.irs + 1;
	out->wnd = (uint16_t)offered_window(stack);
	ks_tcp_emit(stack, out);
}

static void
send_syn_ack(struct ks_tcp_half_open *half)
{
	const struct ks_tcp_stack *stack = half->stack;
	struct ks_tcp_opts opts = {
		.mss = stack->mss,
		.has_wscale = half->open.wscale_ok,
		.wscale = stack->rcv_wscale,
		.sack_ok = half->open.sack_ok,
		.has_ts = half->open.ts_ok,
		.tsval = ks_tcp_ts_now(stack, half->open.ts_off),
		.tsecr = half->open.ts_recent,
	};
	struct ks_tcp_segment out = {
		.seq = half->open.iss,
		.flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG,
	};

	out.opt_bytes = ks_tcp_options_write_syn(out.opt, &opts);
	emit(half, &out);
}

static ks_cold void
send_challenge(struct ks_tcp_half_open *half)
{
	struct ks_tcp_stack *stack = half->stack;
	struct ks_tcp_segment out = {.seq = half->open.iss + 1, .flags = RTE_TCP_ACK_FLAG};

	if (stack->now_ms - half->challenge_ms < KS_TCP_CHALLENGE_MS)
		return;
	half->challenge_ms = stack->now_ms;
	ks_tcp_count(stack, KS_TCP_CHALLENGE_ACKS);
	if (half->open.ts_ok)
		out.opt_bytes = ks_tcp_options_write_ts(
			out.opt, ks_tcp_ts_now(stack, half->open.ts_off), half->open.ts_recent);
	emit(half, &out);
}

static void
forget(struct ks_tcp_half_open *half)
{
	struct ks_tcp_stack *stack = half->stack;

	ks_timer_cancel(stack->wheel, &half->timer);
	ks_pool_put(stack->half_open, half);
}

static void
give_up(struct ks_tcp_half_open *half)
{
	ks_tcp_flow_del(&half->stack->flows, half);
	forget(half);
}

static void
arm(struct ks_tcp_half_open *half)
{
	uint64_t after_us = (uint64_t)KS_TCP_RTO_INITIAL_MS * 1000 << half->resent;

	ks_timer_set(half->stack->wheel, &half->timer, half->stack->now_us + after_us);
}

static void
half_open_fire(struct ks_timer *timer, uint64_t now_us)
{
	struct ks_tcp_half_open *half = ks_container_of(timer, struct ks_tcp_half_open, timer);
	struct ks_tcp_stack *stack = half->stack;

	ks_tcp_time(stack, now_us);
	if (half->resent >= SYN_ACK_RETRIES) {
		ks_tcp_count(stack, KS_TCP_HALF_OPEN_EXPIRED);
		give_up(half);
		return;
	}
	half->resent++;
	ks_tcp_count(stack, KS_TCP_RETRANS_SEGS);
	send_syn_ack(half);
	arm(half);
}

static void
fill(struct ks_tcp_half_open *half, const struct ks_tcp_seg *seg, const struct ks_tcp_opts *opts,
     const uint32_t *after)
{
	struct ks_tcp_stack *stack = half->stack;

	half->tuple = *seg->tuple;
	half->open = (struct ks_tcp_open){
		.irs = seg->seq,
		.ts_recent = opts->tsval,
		.mss = opts->mss,
		.snd_wscale = opts->wscale,
		.wscale_ok = opts->has_wscale,
		.ts_ok = opts->has_ts,
		.sack_ok = opts->sack_ok,
	};
	ks_tcp_secrets(stack, seg->tuple, &half->open.iss, &half->open.ts_off);
	if (after != NULL && seq_leq(half->open.iss, *after))
		half->open.iss = *after + ISS_STEP;
	half->sent_us = (uint32_t)stack->now_us;
	half->challenge_ms = stack->now_ms - KS_TCP_CHALLENGE_MS;
	half->resent = 0;
	ks_timer_init(&half->timer, half_open_fire);
}

ks_noinline void
ks_tcp_half_open_syn(struct ks_tcp_stack *stack, const struct ks_tcp_seg *seg,
		     const struct ks_tcp_listener *listener, const uint32_t *after)
{
	struct ks_tcp_half_open *half;
	struct ks_tcp_opts opts;

	ks_tcp_count(stack, KS_TCP_SYN_IN);
	if (ks_tcp_options_parse(seg->opt, seg->opt_bytes, &opts) != 0) {
		ks_tcp_count(stack, KS_TCP_BAD_SEGMENT);
		return;
	}
	if (ks_pool_free_count(stack->conns) == 0) {
		ks_tcp_count(stack, KS_TCP_SYN_DROP_CONNS);
		return;
	}
	half = ks_pool_get(stack->half_open);
	if (half == NULL) {
		ks_tcp_count(stack, KS_TCP_SYN_DROP_HALF_OPEN);
		return;
	}
	half->stack = stack;
	half->service = listener->service;
	fill(half, seg, &opts, after);
	if (ks_tcp_flow_add(&stack->flows, half, KS_TCP_KIND_HALF_OPEN) != 0) {
		ks_tcp_count(stack, KS_TCP_SYN_DROP_HALF_OPEN);
		ks_pool_put(stack->half_open, half);
		return;
	}
	send_syn_ack(half);
	arm(half);
}

/* The handshake is complete: a connection takes the entry's place and the segment. */
static void
accept(struct ks_tcp_stack *stack, struct ks_tcp_half_open *half, struct ks_tcp_seg *seg)
{
	struct ks_tcp_conn *conn = ks_tcp_conn_create(stack, &half->tuple, half);

	/* The peer believes that it is connected; what it sends, or our SYN-ACK, tries again. */
	if (conn == NULL) {
		ks_tcp_count(stack, KS_TCP_SYN_DROP_CONNS);
		return;
	}
	conn->service = half->service;
	ks_tcp_conn_opened(conn, &half->open);
	ks_tcp_opening_rtt(conn, seg, half->sent_us, half->resent > 0);
	forget(half);
	conn->state = KS_TCP_ESTABLISHED;
	ks_tcp_count(stack, KS_TCP_ACCEPTED);
	ks_tcp_event_post(conn, KS_TCP_EV_ACCEPTED);
	ks_tcp_input_slow(conn, seg);
}

static void
input_rst(struct ks_tcp_half_open *half, const struct ks_tcp_seg *seg)
{
	uint32_t ahead = seg->seq - (half->open.irs + 1);

	if (ahead == 0) {
		ks_tcp_count(half->stack, KS_TCP_RST_IN);
		give_up(half);
	} else if (ahead < offered_window(half->stack)) {
		send_challenge(half);
	}
}

/* Our SYN-ACK was lost, or the peer has begun anew and must find out that we have not. */
static void
input_syn(struct ks_tcp_half_open *half, const struct ks_tcp_seg *seg)
{
	if (seg->seq == half->open.irs && !(seg->flags & RTE_TCP_ACK_FLAG)) {
		ks_tcp_count(half->stack, KS_TCP_RETRANS_SEGS);
		send_syn_ack(half);
		return;
	}
	send_challenge(half);
}

static bool
ack_acceptable(struct ks_tcp_half_open *half, const struct ks_tcp_seg *seg,
	       const struct ks_tcp_opts *opts)
{
	uint32_t ahead = seg->seq - (half->open.irs + 1);

	if (ahead > offered_window(half->stack) ||
	    (half->open.ts_ok && opts->has_ts && seq_lt(opts->tsval, half->open.ts_recent))) {
		send_challenge(half);
		return false;
	}
	if (seg->ack != half->open.iss + 1) {
		ks_tcp_send_rst_for(half->stack, seg);
		return false;
	}
	return true;
}

ks_noinline void
ks_tcp_half_open_input(struct ks_tcp_stack *stack, struct ks_tcp_half_open *half,
		       struct ks_tcp_seg *seg)
{
	struct ks_tcp_opts opts;

	if (ks_tcp_options_parse(seg->opt, seg->opt_bytes, &opts) != 0) {
		ks_tcp_count(stack, KS_TCP_BAD_SEGMENT);
		return;
	}
	seg->has_ts = opts.has_ts;
	seg->tsecr = opts.tsecr;
	if (seg->flags & RTE_TCP_RST_FLAG)
		input_rst(half, seg);
	else if (seg->flags & RTE_TCP_SYN_FLAG)
		input_syn(half, seg);
	else if ((seg->flags & RTE_TCP_ACK_FLAG) && ack_acceptable(half, seg, &opts))
		accept(stack, half, seg);
}
