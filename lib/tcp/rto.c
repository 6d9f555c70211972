/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Round trip, retransmission time-out and window probes: RFC 6298 with a floor of 200 ms instead of
 * a second (delayed ACKs of today's peers take 40 ms), Karn's rule, RFC 9293 section 3.8.6.1 for
 * the probes, RFC 5482 for when to give up.
 *
 * While a window is closed the same deadline is the probe's (F_PERSIST). A peer that answers probes
 * is never given up, one that has been silent for the user time-out is.
 * Thread: the owner of the stack.
 */
#include <errno.h>

#include "stack.h"

#define GRANULARITY_US 1000u
#define BACKOFF_MAX 10u /* 200 ms << 10 is beyond the ceiling already */

void
ks_tcp_rtt_sample(struct ks_tcp_conn *conn, uint32_t rtt_us)
{
	uint32_t var_us;

	rtt_us = KS_MAX(rtt_us, 1u);
	rtt_us = KS_MIN(rtt_us, KS_TCP_RTO_MAX_MS * 1000);
	if (conn->srtt_us == 0) {
		conn->srtt_us = rtt_us;
		conn->rttvar_us = rtt_us / 2;
	} else {
		uint32_t delta =
			conn->srtt_us > rtt_us ? conn->srtt_us - rtt_us : rtt_us - conn->srtt_us;

		conn->rttvar_us += delta / 4 - conn->rttvar_us / 4;
		conn->srtt_us += rtt_us / 8 - conn->srtt_us / 8;
		conn->srtt_us = KS_MAX(conn->srtt_us, 1u);
	}
	var_us = KS_MAX(conn->rttvar_us * 4, GRANULARITY_US);
	conn->rto_ms = (conn->srtt_us + var_us + 999) / 1000;
	conn->rto_ms = KS_MAX(conn->rto_ms, KS_TCP_RTO_MIN_MS);
	conn->rto_ms = KS_MIN(conn->rto_ms, KS_TCP_RTO_MAX_MS);
	/* Karn: what a time-out has doubled stays so until a round trip could be measured. */
	conn->backoff = 0;
}

bool
ks_tcp_rtt_echoed(const struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg, uint32_t *rtt_ms)
{
	if (!seg->has_ts || seg->tsecr == 0 || !(conn->flags & KS_TCP_F_TS))
		return false;
	*rtt_ms = ks_tcp_ts_now(conn->stack, conn->ts_off) - seg->tsecr;
	return *rtt_ms <= KS_TCP_RTO_MAX_MS;
}

/* With its backoff. */
static uint32_t
interval_ms(const struct ks_tcp_conn *conn)
{
	uint64_t ms = (uint64_t)conn->rto_ms << conn->backoff;

	return (uint32_t)KS_MIN(ms, KS_TCP_RTO_MAX_MS);
}

/* The last interval is cut, so that giving up does not come a minute late. */
void
ks_tcp_rto_restart(struct ks_tcp_conn *conn)
{
	const struct ks_tcp_stack *stack = conn->stack;
	uint32_t at_ms = stack->now_ms + interval_ms(conn);
	uint32_t last_ms = conn->una_ms + stack->user_timeout_ms;

	if (seq_lt(last_ms, at_ms) && !(conn->flags & KS_TCP_F_PERSIST))
		at_ms = last_ms;
	ks_tcp_due_set(conn, KS_TCP_DUE_RTX, at_ms);
}

static void
back_off(struct ks_tcp_conn *conn)
{
	if (conn->backoff < BACKOFF_MAX)
		conn->backoff++;
	ks_tcp_rto_restart(conn);
}

static bool
too_long(const struct ks_tcp_conn *conn)
{
	return conn->stack->now_ms - conn->una_ms >= conn->stack->user_timeout_ms;
}

static ks_cold bool
syn_fire(struct ks_tcp_conn *conn)
{
	if (too_long(conn)) {
		ks_tcp_conn_end(conn, KS_TCP_END_TIMEOUT, ETIMEDOUT);
		return false;
	}
	conn->flags = (conn->flags | KS_TCP_F_SYN_AGAIN) & ~KS_TCP_F_RTT_TIMING;
	ks_tcp_count(conn->stack, KS_TCP_RETRANS_SEGS);
	ks_tcp_send_syn(conn);
	back_off(conn);
	return true;
}

static ks_cold bool
persist_fire(struct ks_tcp_conn *conn)
{
	/* Whatever came since the last probe answers it; the time counts from the first that is not
	 * answered, and the intervals may be longer than it. */
	if (seq_geq(conn->last_in_ms, conn->una_ms))
		conn->una_ms = conn->stack->now_ms;
	if (too_long(conn)) {
		ks_tcp_conn_reset(conn, KS_TCP_END_TIMEOUT, ETIMEDOUT);
		return false;
	}
	/* Some window, but too little for a segment worth sending: RFC 9293 section 3.8.6.2.1 lets
	 * go of that after a while. */
	if (conn->snd_wnd > ks_tcp_in_flight(conn) && ks_tcp_unsent(conn) > 0) {
		conn->flags |= KS_TCP_F_SWS_OVERRIDE;
		ks_tcp_dirty(conn);
	} else {
		ks_tcp_send_probe(conn);
	}
	back_off(conn);
	return true;
}

ks_noinline bool
ks_tcp_rto_fire(struct ks_tcp_conn *conn)
{
	if (conn->state == KS_TCP_SYN_SENT || conn->state == KS_TCP_SYN_RCVD)
		return syn_fire(conn);
	if (conn->flags & KS_TCP_F_PERSIST)
		return persist_fire(conn);
	if (ks_tcp_in_flight(conn) == 0)
		return true;
	if (conn->snd_wnd == 0) {
		ks_tcp_persist_start(conn);
		return persist_fire(conn);
	}
	if (too_long(conn)) {
		ks_tcp_conn_reset(conn, KS_TCP_END_TIMEOUT, ETIMEDOUT);
		return false;
	}
	ks_tcp_count(conn->stack, KS_TCP_RTO);
	ks_tcp_recovery_timeout(conn);
	back_off(conn);
	ks_tcp_dirty(conn);
	return true;
}

ks_noinline void
ks_tcp_persist_start(struct ks_tcp_conn *conn)
{
	conn->flags |= KS_TCP_F_PERSIST;
	conn->backoff = 0;
	conn->una_ms = conn->stack->now_ms;
	ks_tcp_rto_restart(conn);
}

/* What was in flight while the window was shut was thrown away there: it is to be sent again. */
ks_noinline void
ks_tcp_persist_stop(struct ks_tcp_conn *conn)
{
	conn->flags &= ~(KS_TCP_F_PERSIST | KS_TCP_F_SWS_OVERRIDE);
	conn->backoff = 0;
	conn->una_ms = conn->stack->now_ms;
	ks_tcp_due_clear(conn, KS_TCP_DUE_RTX);
	if (ks_tcp_in_flight(conn) == 0)
		return;
	ks_tcp_runs_lose_all(conn);
	conn->flags |= KS_TCP_F_RTX_ONE;
	ks_tcp_rto_restart(conn);
}
