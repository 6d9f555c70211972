/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window that we offer: what the buffer has left beyond what the owner has not read, moved only
 * in steps worth a segment (RFC 9293 section 3.8.6.2.2), never taken back (section 3.8.6), and held
 * where it is while the pool of chunks runs low, so that peers slow down before their bytes are
 * dropped.
 * Thread: the owner of the stack.
 */
#include "stack.h"

/* What the buffer and the 16 bits on the wire allow at most. */
static inline uint32_t
most(const struct ks_tcp_conn *conn)
{
	return KS_MIN(conn->stack->rcv_buf, (uint32_t)UINT16_MAX << conn->rcv_wscale);
}

/* Right edge that the buffer allows now. */
static inline uint32_t
edge_possible(const struct ks_tcp_conn *conn)
{
	const struct ks_tcp_stack *stack = conn->stack;
	uint32_t used = conn->rx.len, all = most(conn);

	if (ks_unlikely(ks_pool_free_count(stack->chunks) <= stack->chunks_low))
		return conn->rcv_adv;
	return conn->rcv_nxt + (used < all ? all - used : 0);
}

static inline uint32_t
step(const struct ks_tcp_stack *stack)
{
	return KS_MIN(stack->rcv_buf / 2, stack->mss);
}

uint16_t
ks_tcp_window_offer(struct ks_tcp_conn *conn)
{
	uint32_t edge = edge_possible(conn);
	uint32_t unit = (1u << conn->rcv_wscale) - 1;
	uint32_t wnd;

	/* Rounded up to the scale's unit: rounding down would take back what was offered
	 * (RFC 7323 section 2.4). */
	if ((int32_t)(edge - conn->rcv_adv) < (int32_t)step(conn->stack))
		wnd = (conn->rcv_adv - conn->rcv_nxt + unit) >> conn->rcv_wscale;
	else
		wnd = (edge - conn->rcv_nxt) >> conn->rcv_wscale;
	wnd = KS_MIN(wnd, UINT16_MAX);
	edge = conn->rcv_nxt + (wnd << conn->rcv_wscale);
	if (seq_gt(edge, conn->rcv_adv))
		conn->rcv_adv = edge;
	return (uint16_t)wnd;
}

/* An update at every read would double the segments; later than at half, the peer stops. */
bool
ks_tcp_window_update_due(const struct ks_tcp_conn *conn)
{
	uint32_t left = conn->rcv_adv - conn->rcv_nxt;
	uint32_t possible = edge_possible(conn) - conn->rcv_nxt;

	return left < most(conn) / 2 && possible >= left + step(conn->stack) &&
	       possible >= 2 * left;
}
