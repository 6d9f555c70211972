/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../lib/tcp/stack.h"
#include "invariants.h"

static const char *broken;
static uint32_t orphans_seen;

static void
must(bool holds, const char *what)
{
	if (!holds && broken == NULL)
		broken = what;
}

static void
check_sequence(const struct ks_tcp_conn *conn)
{
	bool fin = (conn->flags & KS_TCP_F_FIN_SENT) != 0;

	must(seq_leq(conn->snd_una, conn->snd_nxt), "snd_una <= snd_nxt");
	must(seq_leq(conn->snd_nxt, conn->snd_max), "snd_nxt <= snd_max");
	must(seq_leq(conn->snd_max, conn->snd_nxt + 1), "snd_max is at most a probe ahead");
	must(ks_tcp_in_flight(conn) <= conn->tx.len + fin, "in flight is queued");
	must(seq_leq(conn->rcv_nxt, conn->rcv_adv), "rcv_nxt <= rcv_adv");
	must(seq_leq(conn->rcv_acked, conn->rcv_nxt), "rcv_acked <= rcv_nxt");
	must(conn->tx.len <= conn->stack->snd_buf, "send queue is bounded");
	must(conn->cwnd >= conn->mss, "cwnd is at least a segment");
	must(conn->mss >= KS_TCP_MSS_MIN - KS_TCP_TS_OPT_BYTES, "mss");
}

static void
check_runs(const struct ks_tcp_conn *conn)
{
	const struct ks_tcp_run *runs =
		conn->runs_chunk != NULL
			? (const struct ks_tcp_run *)(const void *)conn->runs_chunk->data
			: conn->runs_inline;

	must(conn->nruns <= conn->runs_cap, "runs fit");
	if (conn->nruns == 0) {
		must(conn->runs_chunk == NULL, "no chunk without runs");
		return;
	}
	must(conn->flags & KS_TCP_F_LOSS, "runs mean F_LOSS");
	must(runs[0].seq == conn->snd_una, "runs begin at snd_una");
	must(seq_lt(runs[conn->nruns - 1].seq, conn->snd_nxt), "runs end before snd_nxt");
	for (uint32_t i = 1; i < conn->nruns; i++) {
		must(seq_lt(runs[i - 1].seq, runs[i].seq), "runs ascend");
		must(runs[i - 1].flags != runs[i].flags, "runs differ from their neighbours");
	}
	for (uint32_t i = 0; i < conn->nruns; i++)
		must(!(runs[i].flags & KS_TCP_RUN_SACKED) || runs[i].flags == KS_TCP_RUN_SACKED,
		     "SACKed runs bear nothing else");
}

static uint32_t
ooo_seq(const struct ks_chunk *chunk)
{
	uint32_t seq;

	memcpy(&seq, chunk->data, sizeof(seq));
	return seq;
}

static void
check_reassembly(const struct ks_tcp_conn *conn)
{
	uint32_t at = conn->rcv_nxt, n = 0;
	const struct ks_chunk *last = NULL;

	for (const struct ks_chunk *c = conn->ooo_head; c != NULL; c = c->next, n++) {
		must(seq_lt(at, ooo_seq(c)) || (n > 0 && at == ooo_seq(c)), "reassembly ascends");
		must(c->end > c->start && c->end <= KS_CHUNK_BYTES, "reassembly chunk");
		at = ooo_seq(c) + (c->end - c->start);
		last = c;
	}
	must(last == conn->ooo_tail && n == conn->ooo_chunks, "reassembly list");
	must((n > 0) == ((conn->flags & KS_TCP_F_OOO) != 0), "F_OOO");
	must(n == 0 || seq_leq(at, conn->rcv_adv), "reassembly lies in the window");
	must(n <= conn->stack->rcv_buf / KS_CHUNK_BYTES + 1, "reassembly is bounded");
	for (uint32_t i = 0; i < conn->nsack; i++) {
		must(seq_lt(conn->rcv_nxt, conn->sack[i].start), "SACK block is ahead");
		must(seq_lt(conn->sack[i].start, conn->sack[i].end), "SACK block has bytes");
		must(seq_leq(conn->sack[i].end, at), "SACK block was received");
	}
}

/* Nothing may wait for ever: what is owed has a deadline, and the wheel fires no later than it. */
static void
check_liveness(const struct ks_tcp_conn *conn)
{
	bool open = conn->state >= KS_TCP_ESTABLISHED;

	if (conn->state == KS_TCP_SYN_SENT || conn->state == KS_TCP_SYN_RCVD ||
	    (open && (ks_tcp_in_flight(conn) > 0 || ks_tcp_unsent(conn) > 0)))
		must(ks_tcp_due_is_set(conn, KS_TCP_DUE_RTX), "something owed and no timer");
	if (open &&
	    (conn->flags & (KS_TCP_F_FIN_QUEUED | KS_TCP_F_INPUT_LOST)) == KS_TCP_F_FIN_QUEUED)
		must((conn->flags & KS_TCP_F_FIN_SENT) || ks_tcp_due_is_set(conn, KS_TCP_DUE_RTX),
		     "FIN owed and no timer");
	if (open && conn->unacked_segs > 0)
		must(ks_tcp_due_is_set(conn, KS_TCP_DUE_DELACK), "ACK owed and no timer");
	if (conn->flags & KS_TCP_F_ORPHAN)
		must(ks_tcp_due_is_set(conn, KS_TCP_DUE_LIFE), "orphan without an end");
	for (uint32_t kind = 0; kind < KS_TCP_DUE_MAX; kind++)
		if (conn->due_mask & 1u << kind)
			must(ks_timer_pending(&conn->timer) &&
				     seq_leq(conn->timer_ms, conn->due_ms[kind]),
			     "deadline that the wheel does not know");
}

static void
check_conn(void *obj)
{
	const struct ks_tcp_conn *conn = obj;

	must(conn->state != KS_TCP_CLOSED, "dead in the table");
	must(!(conn->flags & (KS_TCP_F_DIRTY | KS_TCP_F_ACK_NOW)), "flushed");
	must((conn->events != 0) == ((conn->flags & KS_TCP_F_EVENT) != 0), "F_EVENT");
	if (conn->flags & KS_TCP_F_ORPHAN)
		orphans_seen++;
	if (conn->state == KS_TCP_SYN_SENT)
		return;
	check_sequence(conn);
	check_runs(conn);
	check_reassembly(conn);
	check_liveness(conn);
}

const char *
invariants_broken(struct ks_tcp_stack *stack)
{
	broken = NULL;
	orphans_seen = 0;
	ks_tcp_flow_each(&stack->flows, KS_TCP_KIND_CONN, check_conn);
	must(orphans_seen == stack->orphans && stack->orphans <= stack->max_orphans, "orphans");
	return broken;
}
