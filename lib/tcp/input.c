/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where segments come in: look-up, and the fast path by header prediction. A segment is on it when
 * the connection is established with nothing missing either way and the segment is the next in
 * order, with new data or a new acknowledgment. All others go to the tables' own files or to
 * input_slow.c, which alone follows RFC 9293 section 3.10.7 step by step.
 * Thread: the owner of the stack.
 */
#include "stack.h"

#define INPUT_BLOCK 32u
#define FLAGS_CARE (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG)

/* The urgent pointer has no effect here (RFC 6093 section 5): URG may pass. */
static inline bool
predicted(const struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	if (conn->state != KS_TCP_ESTABLISHED || (conn->flags & KS_TCP_F_SLOW) ||
	    (seg->flags & FLAGS_CARE) != RTE_TCP_ACK_FLAG || !seg->opts_plain)
		return false;
	if (seg->seq != conn->rcv_nxt || seg->len > conn->rcv_adv - conn->rcv_nxt)
		return false;
	if (seq_lt(seg->ack, conn->snd_una) || seq_gt(seg->ack, conn->snd_nxt))
		return false;
	/* Nothing new: a window update or a duplicate. */
	if (seg->len == 0 && seg->ack == conn->snd_una)
		return false;
	return !seg->has_ts || seq_geq(seg->tsval, conn->ts_recent);
}

/* No chunk: the bytes are as good as lost on the wire, and the peer sends them again. */
static ks_cold void
no_memory(struct ks_tcp_conn *conn)
{
	ks_tcp_count(conn->stack, KS_TCP_REASSEMBLY_DROP);
}

/* Every second segment is acknowledged at once (RFC 5681 section 4.2), by the flush of this turn.
 */
static inline void
take_data(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	if (ks_unlikely(ks_chain_append(&conn->rx, seg->payload, seg->len) != 0)) {
		no_memory(conn);
		return;
	}
	conn->rcv_nxt += seg->len;
	ks_count_add(&conn->stack->counters[KS_TCP_BYTES_IN], seg->len);
	if (++conn->unacked_segs >= 2)
		conn->flags |= KS_TCP_F_ACK_NOW;
	ks_tcp_event_post(conn, KS_TCP_EV_READABLE);
	ks_tcp_dirty(conn);
}

static inline void
input_fast(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg)
{
	uint32_t wnd = (uint32_t)seg->wnd << conn->snd_wscale;

	ks_tcp_take_timestamp(conn, seg, seg->seq);
	conn->last_in_ms = conn->stack->now_ms;
	conn->keep_probes = 0;
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	if (wnd != conn->snd_wnd) {
		conn->snd_wnd = wnd;
		conn->snd_wnd_max = KS_MAX(conn->snd_wnd_max, wnd);
		if (ks_tcp_unsent(conn) > 0)
			ks_tcp_dirty(conn);
	}
	if (seg->ack != conn->snd_una)
		ks_tcp_ack_new(conn, seg);
	if (seg->len > 0)
		take_data(conn, seg);
}

/* A segment for an address and port that nothing is open on, or a SYN to a listener. */
void
ks_tcp_input_listen(struct ks_tcp_stack *stack, const struct ks_tcp_seg *seg, const uint32_t *after)
{
	const struct ks_tcp_listener *listener = ks_tcp_listener_find(stack, seg->tuple);

	if ((seg->flags & FLAGS_CARE) == RTE_TCP_SYN_FLAG && listener != NULL) {
		ks_tcp_half_open_syn(stack, seg, listener, after);
		return;
	}
	ks_tcp_count(stack, KS_TCP_NO_CONN);
	ks_tcp_send_rst_for(stack, seg);
}

static ks_noinline void
input_other(struct ks_tcp_stack *stack, struct ks_tcp_seg *seg, void *flow, enum ks_tcp_kind kind)
{
	switch (kind) {
	case KS_TCP_KIND_HALF_OPEN:
		ks_tcp_half_open_input(stack, flow, seg);
		break;
	case KS_TCP_KIND_TIME_WAIT:
		ks_tcp_time_wait_input(stack, flow, seg);
		break;
	case KS_TCP_KIND_CONN:
	case KS_TCP_KIND_NONE:
		ks_tcp_input_listen(stack, seg, NULL);
		break;
	}
}

static inline void
input_one(struct ks_tcp_stack *stack, const struct ks_tcp_packet *pkt, uint64_t hash)
{
	enum ks_tcp_kind kind;
	struct ks_tcp_seg seg;
	void *flow;

	ks_tcp_count(stack, KS_TCP_SEGS_IN);
	if (ks_unlikely(ks_tcp_seg_read(&seg, pkt) != 0)) {
		ks_tcp_count(stack, KS_TCP_BAD_SEGMENT);
		return;
	}
	flow = ks_tcp_flow_find(&stack->flows, pkt->tuple, hash, &kind);
	if (ks_unlikely(kind != KS_TCP_KIND_CONN))
		input_other(stack, &seg, flow, kind);
	else if (ks_likely(predicted(flow, &seg)))
		input_fast(flow, &seg);
	else
		ks_tcp_input_slow(flow, &seg);
}

void
ks_tcp_input(struct ks_tcp_stack *stack, const struct ks_tcp_packet *pkt, const struct ks_now *now)
{
	ks_tcp_time(stack, now->mono_us);
	input_one(stack, pkt, ks_tcp_flow_hash(&stack->flows, pkt->tuple));
}

/*
 * With more flows than the caches hold, a segment waits for three lines of memory one after the
 * other. Asked for all segments of a burst beforehand, those waits fall together.
 */
static void
input_block(struct ks_tcp_stack *stack, const struct ks_tcp_packet *pkts, uint32_t n)
{
	uint64_t hash[INPUT_BLOCK];

	for (uint32_t i = 0; i < n; i++) {
		hash[i] = ks_tcp_flow_hash(&stack->flows, pkts[i].tuple);
		ks_tcp_flow_prefetch_slot(&stack->flows, hash[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		ks_tcp_flow_prefetch(&stack->flows, hash[i]);
	for (uint32_t i = 0; i < n; i++)
		input_one(stack, &pkts[i], hash[i]);
}

void
ks_tcp_input_burst(struct ks_tcp_stack *stack, const struct ks_tcp_packet *pkts, uint32_t n,
		   const struct ks_now *now)
{
	ks_tcp_time(stack, now->mono_us);
	for (uint32_t i = 0; i < n; i += INPUT_BLOCK)
		input_block(stack, pkts + i, KS_MIN(n - i, INPUT_BLOCK));
}
