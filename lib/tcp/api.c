/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's calls on a connection (RFC 9293 section 3.10: OPEN, SEND, RECEIVE, CLOSE, ABORT).
 * None of them sends data: that is done by ks_tcp_flush(); SYN and RST go at once.
 * Thread: the owner of the stack.
 */
#include <errno.h>

#include "stack.h"

/* A released connection is reset after so many user time-outs, however slowly its peer goes on. */
#define ORPHAN_USER_TIMEOUTS 4u

struct ks_tcp_conn *
ks_tcp_connect(struct ks_tcp_stack *stack, const struct ks_tuple *tuple, void *user,
	       const struct ks_now *now)
{
	struct ks_tcp_conn *conn;
	enum ks_tcp_kind kind;

	ks_tcp_time(stack, now->mono_us);
	ks_tcp_flow_find(&stack->flows, tuple, ks_tcp_flow_hash(&stack->flows, tuple), &kind);
	if (kind != KS_TCP_KIND_NONE) {
		errno = EADDRINUSE;
		return NULL;
	}
	conn = ks_tcp_conn_create(stack, tuple, NULL);
	if (conn == NULL) {
		errno = ENOBUFS;
		return NULL;
	}
	conn->user = user;
	conn->state = KS_TCP_SYN_SENT;
	ks_tcp_secrets(stack, tuple, &conn->iss, &conn->ts_off);
	conn->snd_una = conn->iss;
	conn->snd_nxt = conn->iss + 1;
	conn->snd_max = conn->snd_nxt;
	conn->rto_ms = KS_TCP_RTO_INITIAL_MS;
	conn->una_ms = stack->now_ms;
	conn->rtt_start_us = (uint32_t)stack->now_us;
	ks_tcp_send_syn(conn);
	ks_tcp_rto_restart(conn);
	return conn;
}

void
ks_tcp_user_set(struct ks_tcp_conn *conn, void *user)
{
	conn->user = user;
}

void *
ks_tcp_user(const struct ks_tcp_conn *conn)
{
	return conn->user;
}

void *
ks_tcp_service(const struct ks_tcp_conn *conn)
{
	return conn->service;
}

const struct ks_tuple *
ks_tcp_tuple(const struct ks_tcp_conn *conn)
{
	return &conn->tuple;
}

int
ks_tcp_error(const struct ks_tcp_conn *conn)
{
	return conn->error;
}

struct ks_chain *
ks_tcp_rx(struct ks_tcp_conn *conn)
{
	return &conn->rx;
}

void
ks_tcp_rx_done(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn)
{
	if (conn->state < KS_TCP_ESTABLISHED || (conn->flags & KS_TCP_F_FIN_RCVD) ||
	    !ks_tcp_window_update_due(conn))
		return;
	conn->flags |= KS_TCP_F_ACK_NOW;
	ks_tcp_dirty(conn);
}

static inline bool
may_send(const struct ks_tcp_conn *conn)
{
	return conn->state != KS_TCP_CLOSED && !(conn->flags & KS_TCP_F_FIN_QUEUED);
}

uint32_t
ks_tcp_tx_room(const struct ks_tcp_conn *conn)
{
	uint32_t most = conn->stack->snd_buf;

	return may_send(conn) && conn->tx.len < most ? most - conn->tx.len : 0;
}

uint32_t
ks_tcp_tx_pending(const struct ks_tcp_conn *conn)
{
	return conn->tx.len;
}

int
ks_tcp_send(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn, struct ks_chain *data)
{
	uint32_t n;

	if (!may_send(conn))
		return -EPIPE;
	n = KS_MIN(ks_tcp_tx_room(conn), data->len);
	n = ks_chain_move(&conn->tx, data, n);
	if (data->len > 0 || conn->tx.len > stack->snd_buf / 2)
		conn->flags |= KS_TCP_F_TX_SHORT;
	if (n > 0 && conn->state >= KS_TCP_ESTABLISHED)
		ks_tcp_dirty(conn);
	return (int)n;
}

void
ks_tcp_shutdown(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn)
{
	if (!may_send(conn))
		return;
	conn->flags |= KS_TCP_F_FIN_QUEUED;
	if (conn->state >= KS_TCP_ESTABLISHED)
		ks_tcp_dirty(conn);
}

/* Nobody is to be told any more. */
static void
make_orphan(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn)
{
	ks_tcp_event_forget(conn);
	conn->user = NULL;
	conn->flags |= KS_TCP_F_ORPHAN;
	stack->orphans++;
}

void
ks_tcp_abort(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn)
{
	if (conn->state == KS_TCP_CLOSED) {
		ks_tcp_conn_free(conn);
		return;
	}
	make_orphan(stack, conn);
	if (conn->state == KS_TCP_SYN_SENT)
		ks_tcp_conn_end(conn, KS_TCP_END_ABORTED, ECONNABORTED);
	else
		ks_tcp_conn_reset(conn, KS_TCP_END_ABORTED, ECONNABORTED);
}

/*
 * Bytes that nobody will read must not look as if they had been (RFC 9293 section 3.6, RFC 2525
 * section 2.17): the peer gets a RST, but not before it has acknowledged what we had to say.
 */
void
ks_tcp_release(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn)
{
	bool unread = conn->rx.len > 0 || (conn->flags & KS_TCP_F_OOO);

	if (conn->state == KS_TCP_CLOSED || conn->state == KS_TCP_SYN_SENT) {
		ks_tcp_abort(stack, conn);
		return;
	}
	if (stack->orphans >= stack->max_orphans) {
		ks_tcp_count(stack, KS_TCP_ORPHANS_CUT);
		ks_tcp_abort(stack, conn);
		return;
	}
	make_orphan(stack, conn);
	ks_chain_clear(&conn->rx);
	ks_tcp_reass_clear(conn);
	conn->flags &= ~KS_TCP_F_OOO;
	if (unread)
		conn->flags |= KS_TCP_F_INPUT_LOST;
	conn->flags |= KS_TCP_F_FIN_QUEUED;
	ks_tcp_due_set(conn, KS_TCP_DUE_LIFE,
		       stack->now_ms + (conn->state == KS_TCP_FIN_WAIT_2
						? stack->msl2_ms
						: ORPHAN_USER_TIMEOUTS * stack->user_timeout_ms));
	ks_tcp_dirty(conn);
}
