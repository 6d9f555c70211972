/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the owner is told: a connection with news stands once in a queue, with all of it in one
 * word. An orphan has nobody to tell. Thread: the owner of the stack.
 */
#include "stack.h"

void
ks_tcp_event_post(struct ks_tcp_conn *conn, uint8_t events)
{
	if (ks_unlikely(conn->flags & KS_TCP_F_ORPHAN))
		return;
	conn->events |= events;
	if (conn->flags & KS_TCP_F_EVENT)
		return;
	conn->flags |= KS_TCP_F_EVENT;
	TAILQ_INSERT_TAIL(&conn->stack->events, conn, event_link);
}

void
ks_tcp_event_forget(struct ks_tcp_conn *conn)
{
	if (conn->flags & KS_TCP_F_EVENT)
		TAILQ_REMOVE(&conn->stack->events, conn, event_link);
	conn->flags &= ~KS_TCP_F_EVENT;
	conn->events = 0;
}

struct ks_tcp_conn *
ks_tcp_event_next(struct ks_tcp_stack *stack, uint32_t *events)
{
	struct ks_tcp_conn *conn = TAILQ_FIRST(&stack->events);

	if (conn == NULL)
		return NULL;
	*events = conn->events;
	ks_tcp_event_forget(conn);
	return conn;
}
