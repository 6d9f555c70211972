/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a connection: made, opened, ended, freed. Every connection passes ks_tcp_conn_end()
 * exactly once, which is where its END_* counter is; the memory may stay longer, until the owner
 * has let go. RFC 9293 section 3.10 (what each call does to the TCB). Thread: the owner of the
 * stack.
 */
#include "stack.h"

struct ks_tcp_conn *
ks_tcp_conn_create(struct ks_tcp_stack *stack, const struct ks_tuple *tuple,
		   const struct ks_tcp_half_open *half)
{
	struct ks_tcp_conn *conn = ks_pool_get(stack->conns);

	if (conn == NULL)
		return NULL;
	/* Ten lines once in a connection's life; nothing on the way of a packet clears as much. */
	memset(conn, 0, sizeof(*conn));
	conn->tuple = *tuple;
	conn->stack = stack;
	conn->runs_cap = KS_TCP_RUNS_INLINE;
	ks_chain_init(&conn->rx, stack->chunks);
	ks_chain_init(&conn->tx, stack->chunks);
	ks_tcp_timer_init(conn);
	if (half != NULL) {
		ks_tcp_flow_swap(&stack->flows, half, conn, KS_TCP_KIND_CONN);
	} else if (ks_tcp_flow_add(&stack->flows, conn, KS_TCP_KIND_CONN) != 0) {
		ks_pool_put(stack->conns, conn);
		return NULL;
	}
	return conn;
}

static uint16_t
send_mss(const struct ks_tcp_conn *conn, const struct ks_tcp_open *open)
{
	uint16_t mss = open->mss;

	if (mss == 0)
		mss = ks_addr_is_v4(&conn->tuple.remote) ? KS_TCP_MSS_DEFAULT4
							 : KS_TCP_MSS_DEFAULT6;
	mss = KS_MAX(mss, KS_TCP_MSS_MIN);
	mss = KS_MIN(mss, conn->stack->mss);
	return open->ts_ok ? mss - KS_TCP_TS_OPT_BYTES : mss;
}

void
ks_tcp_conn_opened(struct ks_tcp_conn *conn, const struct ks_tcp_open *open)
{
	const struct ks_tcp_stack *stack = conn->stack;

	conn->iss = open->iss;
	conn->snd_una = open->iss + 1;
	conn->snd_nxt = conn->snd_una;
	conn->snd_max = conn->snd_una;
	conn->recover = open->iss;
	conn->snd_wl1 = open->irs;
	conn->snd_wl2 = open->iss;
	conn->rcv_nxt = open->irs + 1;
	conn->rcv_acked = conn->rcv_nxt;
	/* The window of a SYN is never scaled (RFC 7323 section 2.2). */
	conn->rcv_adv = conn->rcv_nxt + KS_MIN(stack->rcv_buf, UINT16_MAX);
	conn->snd_wscale = open->wscale_ok ? open->snd_wscale : 0;
	conn->rcv_wscale = open->wscale_ok ? stack->rcv_wscale : 0;
	conn->ts_off = open->ts_off;
	conn->ts_recent = open->ts_recent;
	conn->ts_recent_ms = stack->now_ms;
	conn->flags |= (open->ts_ok ? KS_TCP_F_TS : 0) | (open->sack_ok ? KS_TCP_F_SACK : 0);
	conn->mss = send_mss(conn, open);
	conn->cwnd = ks_tcp_cc_initial_window(conn->mss);
	conn->ssthresh = UINT32_MAX;
	conn->rto_ms = conn->rto_ms != 0 ? conn->rto_ms : KS_TCP_RTO_INITIAL_MS;
	conn->last_in_ms = stack->now_ms;
	conn->last_out_ms = stack->now_ms;
	conn->rtx_ms = stack->now_ms - KS_TCP_RTO_MAX_MS;
	conn->challenge_ms = stack->now_ms - KS_TCP_CHALLENGE_MS;
	conn->oow_ms = stack->now_ms - KS_TCP_CHALLENGE_MS;
	stack->cc->init(conn);
	ks_tcp_keepalive_start(conn);
}

void
ks_tcp_conn_clear(struct ks_tcp_conn *conn)
{
	ks_tcp_timer_stop(conn);
	ks_tcp_reass_clear(conn);
	ks_tcp_runs_reset(conn);
	ks_chain_clear(&conn->rx);
	ks_chain_clear(&conn->tx);
	conn->cursor = NULL;
}

void
ks_tcp_conn_free(struct ks_tcp_conn *conn)
{
	struct ks_tcp_stack *stack = conn->stack;

	if (conn->flags & KS_TCP_F_ORPHAN)
		stack->orphans--;
	else
		TAILQ_REMOVE(&stack->dead, conn, dirty_link);
	ks_tcp_event_forget(conn);
	ks_tcp_conn_clear(conn);
	ks_pool_put(stack->conns, conn);
}

/* What came in order stays: the owner may still read it, and the peer was told that it arrived. */
static void
keep_input_only(struct ks_tcp_conn *conn)
{
	struct ks_chain rx = conn->rx;

	ks_chain_init(&conn->rx, rx.pool);
	ks_tcp_conn_clear(conn);
	conn->rx = rx;
}

ks_noinline void
ks_tcp_conn_end(struct ks_tcp_conn *conn, enum ks_tcp_counter end, int error)
{
	struct ks_tcp_stack *stack = conn->stack;

	ks_tcp_count(stack, end);
	ks_tcp_flow_del(&stack->flows, conn);
	if (conn->flags & KS_TCP_F_DIRTY)
		TAILQ_REMOVE(&stack->dirty, conn, dirty_link);
	conn->flags &= ~KS_TCP_F_DIRTY;
	conn->state = KS_TCP_CLOSED;
	if (conn->flags & KS_TCP_F_ORPHAN) {
		ks_tcp_conn_free(conn);
		return;
	}
	keep_input_only(conn);
	conn->error = (uint8_t)error;
	TAILQ_INSERT_TAIL(&stack->dead, conn, dirty_link);
	ks_tcp_event_post(conn, KS_TCP_EV_CLOSED);
}

ks_cold void
ks_tcp_conn_reset(struct ks_tcp_conn *conn, enum ks_tcp_counter end, int error)
{
	ks_tcp_send_rst(conn);
	ks_tcp_conn_end(conn, end, error);
}
