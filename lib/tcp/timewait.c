/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TIME-WAIT: a small entry of its own table holds the tuple for twice the segment lifetime, so that
 * old segments find nothing to harm and a lost last ACK can be repeated (RFC 9293
 * section 3.10.7.4). Ends early for a new SYN that is newer beyond doubt (RFC 6191), or when the
 * table is full, the oldest first. A RST does not end it (RFC 1337 section 3).
 *
 * All entries last equally long, so their list is in the order of expiry and needs one timer.
 * Thread: the owner of the stack.
 */
#include "stack.h"

/* Entries ended by one firing of the timer; the rest follow at the next turn. */
#define EXPIRE_BURST 64u

static void
drop(struct ks_tcp_stack *stack, struct ks_tcp_time_wait *tw)
{
	ks_tcp_flow_del(&stack->flows, tw);
	TAILQ_REMOVE(&stack->time_wait_list, tw, link);
	ks_pool_put(stack->time_wait, tw);
}

static void
arm(struct ks_tcp_stack *stack)
{
	const struct ks_tcp_time_wait *tw = TAILQ_FIRST(&stack->time_wait_list);
	int32_t ahead_ms;

	if (tw == NULL || ks_timer_pending(&stack->time_wait_timer))
		return;
	ahead_ms = (int32_t)(tw->due_ms - stack->now_ms);
	ks_timer_set(stack->wheel, &stack->time_wait_timer,
		     stack->now_us + (uint64_t)KS_MAX(ahead_ms, 0) * 1000);
}

static void
time_wait_fire(struct ks_timer *timer, uint64_t now_us)
{
	struct ks_tcp_stack *stack = ks_container_of(timer, struct ks_tcp_stack, time_wait_timer);
	struct ks_tcp_time_wait *tw;

	ks_tcp_time(stack, now_us);
	for (uint32_t i = 0; i < EXPIRE_BURST; i++) {
		tw = TAILQ_FIRST(&stack->time_wait_list);
		if (tw == NULL || seq_gt(tw->due_ms, stack->now_ms))
			break;
		drop(stack, tw);
	}
	arm(stack);
}

void
ks_tcp_time_wait_init(struct ks_tcp_stack *stack)
{
	TAILQ_INIT(&stack->time_wait_list);
	ks_timer_init(&stack->time_wait_timer, time_wait_fire);
}

static void
linger(struct ks_tcp_stack *stack, struct ks_tcp_time_wait *tw)
{
	tw->due_ms = stack->now_ms + stack->msl2_ms;
	TAILQ_INSERT_TAIL(&stack->time_wait_list, tw, link);
	arm(stack);
}

static struct ks_tcp_time_wait *
get_entry(struct ks_tcp_stack *stack)
{
	struct ks_tcp_time_wait *oldest = TAILQ_FIRST(&stack->time_wait_list);

	if (ks_pool_free_count(stack->time_wait) == 0 && oldest != NULL) {
		ks_tcp_count(stack, KS_TCP_TIME_WAIT_CUT);
		drop(stack, oldest);
	}
	return ks_pool_get(stack->time_wait);
}

ks_noinline void
ks_tcp_time_wait_enter(struct ks_tcp_conn *conn)
{
	struct ks_tcp_stack *stack = conn->stack;
	struct ks_tcp_time_wait *tw = get_entry(stack);

	ks_tcp_send_ack(conn);
	if (tw == NULL) {
		ks_tcp_count(stack, KS_TCP_TIME_WAIT_CUT);
		ks_tcp_conn_end(conn, KS_TCP_END_CLOSED, 0);
		return;
	}
	*tw = (struct ks_tcp_time_wait){
		.tuple = conn->tuple,
		.snd_nxt = conn->snd_nxt,
		.rcv_nxt = conn->rcv_nxt,
		.ts_recent = conn->ts_recent,
		.ts_off = conn->ts_off,
		.answered_ms = stack->now_ms - KS_TCP_OOW_MS,
		.wnd = (uint16_t)KS_MIN((conn->rcv_adv - conn->rcv_nxt) >> conn->rcv_wscale,
					UINT16_MAX),
		.ts_ok = (conn->flags & KS_TCP_F_TS) != 0,
	};
	ks_tcp_conn_end(conn, KS_TCP_END_CLOSED, 0);
	/* The connection has just left its place: there is room for this one. */
	if (ks_tcp_flow_add(&stack->flows, tw, KS_TCP_KIND_TIME_WAIT) != 0) {
		ks_pool_put(stack->time_wait, tw);
		return;
	}
	linger(stack, tw);
}

static void
answer(struct ks_tcp_stack *stack, struct ks_tcp_time_wait *tw)
{
	struct ks_tcp_segment out = {
		.tuple = &tw->tuple,
		.seq = tw->snd_nxt,
		.ack = tw->rcv_nxt,
		.wnd = tw->wnd,
		.flags = RTE_TCP_ACK_FLAG,
	};

	if (stack->now_ms - tw->answered_ms < KS_TCP_OOW_MS)
		return;
	tw->answered_ms = stack->now_ms;
	if (tw->ts_ok)
		out.opt_bytes = ks_tcp_options_write_ts(out.opt, ks_tcp_ts_now(stack, tw->ts_off),
							tw->ts_recent);
	ks_tcp_emit(stack, &out);
}

/* RFC 6191 section 2: the timestamp decides, else the sequence number. */
static bool
syn_is_newer(const struct ks_tcp_time_wait *tw, const struct ks_tcp_seg *seg,
	     const struct ks_tcp_opts *opts)
{
	if (!opts->has_ts)
		return seq_gt(seg->seq, tw->rcv_nxt);
	if (!tw->ts_ok)
		return true;
	return seq_gt(opts->tsval, tw->ts_recent) ||
	       (opts->tsval == tw->ts_recent && seq_gt(seg->seq, tw->rcv_nxt));
}

static bool
reuse(struct ks_tcp_stack *stack, struct ks_tcp_time_wait *tw, const struct ks_tcp_seg *seg,
      const struct ks_tcp_opts *opts)
{
	uint32_t after = tw->snd_nxt;

	if ((seg->flags & RTE_TCP_ACK_FLAG) || !syn_is_newer(tw, seg, opts) ||
	    ks_tcp_listener_find(stack, seg->tuple) == NULL)
		return false;
	ks_tcp_count(stack, KS_TCP_TIME_WAIT_REUSED);
	drop(stack, tw);
	ks_tcp_input_listen(stack, seg, &after);
	return true;
}

ks_noinline void
ks_tcp_time_wait_input(struct ks_tcp_stack *stack, struct ks_tcp_time_wait *tw,
		       const struct ks_tcp_seg *seg)
{
	bool fin = (seg->flags & RTE_TCP_FIN_FLAG) != 0;
	struct ks_tcp_opts opts;

	if (ks_tcp_options_parse(seg->opt, seg->opt_bytes, &opts) != 0) {
		ks_tcp_count(stack, KS_TCP_BAD_SEGMENT);
		return;
	}
	if (seg->flags & RTE_TCP_RST_FLAG)
		return;
	if ((seg->flags & RTE_TCP_SYN_FLAG) && reuse(stack, tw, seg, &opts))
		return;
	/* The last ACK was lost: wait as long again. A FIN may be far behind the bytes that a
	 * time-out sends first. */
	if ((fin || seg->len > 0) && seq_leq(seg->seq + seg->len + fin, tw->rcv_nxt)) {
		TAILQ_REMOVE(&stack->time_wait_list, tw, link);
		linger(stack, tw);
	}
	if (fin || seg->len > 0 || seg->seq != tw->rcv_nxt)
		answer(stack, tw);
}
