/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One timer of the wheel serves all deadlines of a connection. It may fire early (see
 * ks_tcp_due_set()), never late. Keepalive is here too: it is nothing but deadlines
 * (RFC 9293 section 3.8.4).
 * Thread: the owner of the stack.
 */
#include <errno.h>

#include "stack.h"

#define KEEPALIVE_INTERVAL_MS 15000u
#define KEEPALIVE_PROBES 8u

static bool
delack_fire(struct ks_tcp_conn *conn)
{
	if (conn->unacked_segs > 0) {
		conn->flags |= KS_TCP_F_ACK_NOW;
		ks_tcp_dirty(conn);
	}
	return true;
}

void
ks_tcp_keepalive_start(struct ks_tcp_conn *conn)
{
	uint32_t keepalive_ms = conn->stack->keepalive_ms;

	if (keepalive_ms > 0)
		ks_tcp_due_set(conn, KS_TCP_DUE_KEEPALIVE, conn->stack->now_ms + keepalive_ms);
}

/* Data in flight or a closed window have timers of their own that give up in time. */
static bool
keepalive_fire(struct ks_tcp_conn *conn)
{
	struct ks_tcp_stack *stack = conn->stack;
	uint32_t idle_ms = stack->now_ms - conn->last_in_ms;

	if (ks_tcp_due_is_set(conn, KS_TCP_DUE_RTX))
		idle_ms = 0;
	if (idle_ms < stack->keepalive_ms) {
		ks_tcp_due_set(conn, KS_TCP_DUE_KEEPALIVE,
			       stack->now_ms + stack->keepalive_ms - idle_ms);
		return true;
	}
	if (conn->keep_probes >= KEEPALIVE_PROBES) {
		ks_tcp_conn_reset(conn, KS_TCP_END_TIMEOUT, ETIMEDOUT);
		return false;
	}
	conn->keep_probes++;
	ks_tcp_send_keepalive(conn);
	ks_tcp_due_set(conn, KS_TCP_DUE_KEEPALIVE,
		       stack->now_ms + KS_MIN(KEEPALIVE_INTERVAL_MS, stack->keepalive_ms));
	return true;
}

/* A peer that never sends its FIN has nothing to be told; any other learns that we are gone. */
static bool
life_fire(struct ks_tcp_conn *conn)
{
	if (conn->state == KS_TCP_FIN_WAIT_2)
		ks_tcp_conn_end(conn, KS_TCP_END_TIMEOUT, ETIMEDOUT);
	else
		ks_tcp_conn_reset(conn, KS_TCP_END_TIMEOUT, ETIMEDOUT);
	return false;
}

static bool
due_fire(struct ks_tcp_conn *conn, enum ks_tcp_due kind)
{
	static bool (*const fire[KS_TCP_DUE_MAX])(struct ks_tcp_conn * conn) = {
		[KS_TCP_DUE_RTX] = ks_tcp_rto_fire,
		[KS_TCP_DUE_DELACK] = delack_fire,
		[KS_TCP_DUE_KEEPALIVE] = keepalive_fire,
		[KS_TCP_DUE_LIFE] = life_fire,
	};

	ks_tcp_due_clear(conn, kind);
	return fire[kind](conn);
}

static void
rearm(struct ks_tcp_conn *conn)
{
	uint32_t next = 0;
	bool any = false;

	for (enum ks_tcp_due kind = 0; kind < KS_TCP_DUE_MAX; kind++) {
		if (!ks_tcp_due_is_set(conn, kind) || (any && seq_geq(conn->due_ms[kind], next)))
			continue;
		next = conn->due_ms[kind];
		any = true;
	}
	if (any && (!ks_timer_pending(&conn->timer) || seq_lt(next, conn->timer_ms)))
		ks_tcp_due_wheel(conn, next);
}

static void
timer_fire(struct ks_timer *timer, uint64_t now_us)
{
	struct ks_tcp_conn *conn = ks_container_of(timer, struct ks_tcp_conn, timer);

	ks_tcp_time(conn->stack, now_us);
	for (enum ks_tcp_due kind = 0; kind < KS_TCP_DUE_MAX; kind++) {
		if (!ks_tcp_due_is_set(conn, kind) ||
		    seq_gt(conn->due_ms[kind], conn->stack->now_ms))
			continue;
		if (!due_fire(conn, kind))
			return;
	}
	rearm(conn);
}

void
ks_tcp_timer_init(struct ks_tcp_conn *conn)
{
	ks_timer_init(&conn->timer, timer_fire);
}

void
ks_tcp_timer_stop(struct ks_tcp_conn *conn)
{
	ks_timer_cancel(conn->stack->wheel, &conn->timer);
	conn->due_mask = 0;
}

ks_noinline void
ks_tcp_due_wheel(struct ks_tcp_conn *conn, uint32_t at_ms)
{
	struct ks_tcp_stack *stack = conn->stack;
	int32_t ahead_ms = (int32_t)(at_ms - stack->now_ms);
	uint64_t now_ms = stack->now_us / 1000;

	conn->timer_ms = at_ms;
	ks_timer_set(stack->wheel, &conn->timer, (now_ms + (uint64_t)KS_MAX(ahead_ms, 0)) * 1000);
}
