/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scoreboard of what is in flight (RFC 6675 sections 3 and 4): a sorted array of runs, each with
 * its own marks, that covers snd_una … snd_nxt. It is empty while nothing is lost; a few runs stand
 * in the connection, more move to one chunk of the pool.
 *
 * What cannot be noted (no chunk, too many holes) is forgotten, and forgetting is always safe:
 * bytes count as in flight until the time-out finds them. Thread: the owner of the stack.
 */
#include "stack.h"

/* Kept free by SACK for the marks that must not fail: sent again, lost, new bytes. */
#define SPARE_RUNS 4u
#define DUP_THRESH 3u

static inline struct ks_tcp_run *
runs_of(const struct ks_tcp_conn *conn)
{
	if (conn->runs_chunk != NULL)
		return (struct ks_tcp_run *)(void *)conn->runs_chunk->data;
	return (struct ks_tcp_run *)conn->runs_inline;
}

static inline uint32_t
run_end(const struct ks_tcp_conn *conn, uint32_t i)
{
	return i + 1 < conn->nruns ? runs_of(conn)[i + 1].seq : conn->snd_nxt;
}

static inline uint32_t
run_len(const struct ks_tcp_conn *conn, uint32_t i)
{
	return run_end(conn, i) - runs_of(conn)[i].seq;
}

static void
begin(struct ks_tcp_conn *conn)
{
	if (conn->nruns > 0 || ks_tcp_in_flight(conn) == 0)
		return;
	runs_of(conn)[0] = (struct ks_tcp_run){.seq = conn->snd_una};
	conn->nruns = 1;
	conn->flags |= KS_TCP_F_LOSS;
}

static bool
grow(struct ks_tcp_conn *conn)
{
	struct ks_chunk *chunk;

	if (conn->runs_chunk != NULL)
		return false;
	chunk = ks_pool_get(conn->stack->chunks);
	if (chunk == NULL)
		return false;
	memcpy(chunk->data, conn->runs_inline, conn->nruns * sizeof(struct ks_tcp_run));
	conn->runs_chunk = chunk;
	conn->runs_cap = KS_TCP_RUNS_CHUNK;
	return true;
}

/* Index of the run that begins at `seq`, which lies in snd_una … snd_nxt; -1 when it cannot be
 * made. At snd_nxt it is nruns. */
static int
split(struct ks_tcp_conn *conn, uint32_t seq)
{
	struct ks_tcp_run *runs;
	uint32_t i = 0;

	if (seq == conn->snd_nxt)
		return conn->nruns;
	if (conn->nruns == conn->runs_cap && !grow(conn))
		return -1;
	runs = runs_of(conn);
	while (i + 1 < conn->nruns && seq_leq(runs[i + 1].seq, seq))
		i++;
	if (runs[i].seq == seq)
		return (int)i;
	memmove(runs + i + 2, runs + i + 1, (conn->nruns - i - 1) * sizeof(*runs));
	runs[i + 1] = (struct ks_tcp_run){.seq = seq, .flags = runs[i].flags};
	conn->nruns++;
	return (int)i + 1;
}

/* Neighbours with equal marks become one. */
static void
merge(struct ks_tcp_conn *conn)
{
	struct ks_tcp_run *runs = runs_of(conn);
	uint32_t kept = 0;

	for (uint32_t i = 1; i < conn->nruns; i++)
		if (runs[i].flags != runs[kept].flags)
			runs[++kept] = runs[i];
	conn->nruns = (uint16_t)(kept + 1);
}

/* Sets marks in start … end, in runs that do not bear `except`. */
static void
mark(struct ks_tcp_conn *conn, struct ks_tcp_range range, uint32_t set, uint32_t except)
{
	struct ks_tcp_run *runs;
	int first = split(conn, range.start);
	int last;

	if (first < 0)
		return;
	last = split(conn, range.end);
	/* No place for the boundary: then all of the run, so that whoever marks comes to an end. */
	if (last < 0)
		last = first + 1;
	runs = runs_of(conn);
	for (int i = first; i < last; i++)
		if (!(runs[i].flags & except))
			runs[i].flags |= set;
	merge(conn);
}

/* A SACKed byte needs neither of the other marks; keeping one form lets runs merge. */
static uint32_t
mark_sacked(struct ks_tcp_conn *conn, struct ks_tcp_range range)
{
	struct ks_tcp_run *runs;
	uint32_t fresh = 0;
	int first, last;

	if (conn->nruns + SPARE_RUNS > conn->runs_cap && !grow(conn))
		return 0;
	first = split(conn, range.start);
	last = split(conn, range.end);
	runs = runs_of(conn);
	for (int i = first; i < last; i++) {
		if (!(runs[i].flags & KS_TCP_RUN_SACKED))
			fresh += run_len(conn, (uint32_t)i);
		runs[i].flags = KS_TCP_RUN_SACKED;
	}
	merge(conn);
	return fresh;
}

ks_noinline uint32_t
ks_tcp_runs_sack(struct ks_tcp_conn *conn, const struct ks_tcp_opts *opts)
{
	uint32_t fresh = 0;

	begin(conn);
	for (uint32_t i = 0; conn->nruns > 0 && i < opts->nsack; i++) {
		struct ks_tcp_range range = opts->sack[i];

		/* Below snd_una it is a D-SACK (RFC 2883) or old; above snd_nxt it is a lie. */
		if (!seq_lt(range.start, range.end) || seq_lt(range.start, conn->snd_una) ||
		    seq_gt(range.end, conn->snd_nxt))
			continue;
		fresh += mark_sacked(conn, range);
	}
	return fresh;
}

void
ks_tcp_runs_ack(struct ks_tcp_conn *conn)
{
	struct ks_tcp_run *runs = runs_of(conn);
	uint32_t gone = 0;

	if (conn->nruns == 0)
		return;
	if (ks_tcp_in_flight(conn) == 0) {
		ks_tcp_runs_reset(conn);
		return;
	}
	while (gone < conn->nruns && seq_leq(run_end(conn, gone), conn->snd_una))
		gone++;
	memmove(runs, runs + gone, (conn->nruns - gone) * sizeof(*runs));
	conn->nruns = (uint16_t)(conn->nruns - gone);
	if (conn->nruns > 0)
		runs[0].seq = conn->snd_una;
}

uint32_t
ks_tcp_runs_lost_edge(const struct ks_tcp_conn *conn)
{
	const struct ks_tcp_run *runs = runs_of(conn);
	uint32_t islands = 0, bytes = 0;

	for (uint32_t i = conn->nruns; i-- > 0;) {
		if (!(runs[i].flags & KS_TCP_RUN_SACKED))
			continue;
		islands++;
		bytes += run_len(conn, i);
		if (islands >= DUP_THRESH || bytes > (DUP_THRESH - 1) * conn->mss)
			return runs[i].seq;
	}
	return conn->snd_una;
}

void
ks_tcp_runs_lose(struct ks_tcp_conn *conn, uint32_t start, uint32_t end)
{
	begin(conn);
	if (seq_gt(end, conn->snd_nxt))
		end = conn->snd_nxt;
	if (seq_lt(start, end))
		mark(conn, (struct ks_tcp_range){start, end}, KS_TCP_RUN_LOST,
		     KS_TCP_RUN_SACKED | KS_TCP_RUN_LOST);
}

ks_cold void
ks_tcp_runs_lose_all(struct ks_tcp_conn *conn)
{
	struct ks_tcp_run *runs;
	bool reneged;

	begin(conn);
	runs = runs_of(conn);
	/* The first byte in flight cannot have arrived; a receiver that said so has thrown away
	 * what it had reported (RFC 2018 section 8). */
	reneged = conn->nruns > 0 && (runs[0].flags & KS_TCP_RUN_SACKED);
	for (uint32_t i = 0; i < conn->nruns; i++)
		if (reneged || !(runs[i].flags & KS_TCP_RUN_SACKED))
			runs[i].flags = KS_TCP_RUN_LOST;
	if (conn->nruns > 0)
		merge(conn);
}

void
ks_tcp_runs_extend(struct ks_tcp_conn *conn)
{
	struct ks_tcp_run *runs = runs_of(conn);

	if (conn->nruns == 0 || runs[conn->nruns - 1].flags == 0)
		return;
	if (conn->nruns == conn->runs_cap && !grow(conn)) {
		runs[conn->nruns - 1].flags = 0;
		merge(conn);
		return;
	}
	runs = runs_of(conn);
	runs[conn->nruns++] = (struct ks_tcp_run){.seq = conn->snd_nxt};
}

void
ks_tcp_runs_sent_again(struct ks_tcp_conn *conn, uint32_t start, uint32_t end)
{
	mark(conn, (struct ks_tcp_range){start, end}, KS_TCP_RUN_RTX, KS_TCP_RUN_SACKED);
}

bool
ks_tcp_runs_sent_twice(const struct ks_tcp_conn *conn, uint32_t below)
{
	const struct ks_tcp_run *runs = runs_of(conn);

	for (uint32_t i = 0; i < conn->nruns && seq_lt(runs[i].seq, below); i++)
		if (runs[i].flags & KS_TCP_RUN_RTX)
			return true;
	return false;
}

/* First run with exactly these marks among `care`, from the bottom. */
static uint32_t
next_with(const struct ks_tcp_conn *conn, uint32_t care, uint32_t want, uint32_t *seq)
{
	const struct ks_tcp_run *runs = runs_of(conn);

	for (uint32_t i = 0; i < conn->nruns; i++) {
		if ((runs[i].flags & care) != want)
			continue;
		*seq = runs[i].seq;
		return KS_MIN(run_len(conn, i), conn->mss);
	}
	return 0;
}

uint32_t
ks_tcp_runs_next_lost(const struct ks_tcp_conn *conn, uint32_t *seq)
{
	return next_with(conn, KS_TCP_RUN_SACKED | KS_TCP_RUN_LOST | KS_TCP_RUN_RTX,
			 KS_TCP_RUN_LOST, seq);
}

uint32_t
ks_tcp_runs_next_hole(const struct ks_tcp_conn *conn, uint32_t *seq)
{
	const struct ks_tcp_run *runs = runs_of(conn);
	uint32_t top = conn->snd_una;
	uint32_t len;

	for (uint32_t i = conn->nruns; i-- > 0;) {
		if (!(runs[i].flags & KS_TCP_RUN_SACKED))
			continue;
		top = runs[i].seq;
		break;
	}
	len = next_with(conn, KS_TCP_RUN_SACKED | KS_TCP_RUN_RTX, 0, seq);
	return len > 0 && seq_lt(*seq, top) ? len : 0;
}

uint32_t
ks_tcp_runs_last(const struct ks_tcp_conn *conn, uint32_t *seq)
{
	uint32_t len;

	if (conn->nruns == 0 || (runs_of(conn)[conn->nruns - 1].flags & KS_TCP_RUN_SACKED))
		return 0;
	len = KS_MIN(run_len(conn, conn->nruns - 1u), conn->mss);
	*seq = conn->snd_nxt - len;
	return len;
}

uint32_t
ks_tcp_runs_pipe(const struct ks_tcp_conn *conn)
{
	const struct ks_tcp_run *runs = runs_of(conn);
	uint32_t pipe = 0;

	if (conn->nruns == 0)
		return ks_tcp_in_flight(conn);
	for (uint32_t i = 0; i < conn->nruns; i++) {
		if (runs[i].flags & KS_TCP_RUN_SACKED)
			continue;
		if (!(runs[i].flags & KS_TCP_RUN_LOST))
			pipe += run_len(conn, i);
		if (runs[i].flags & KS_TCP_RUN_RTX)
			pipe += run_len(conn, i);
	}
	return pipe;
}

void
ks_tcp_runs_calm(struct ks_tcp_conn *conn)
{
	struct ks_tcp_run *runs = runs_of(conn);

	if (conn->nruns == 0)
		return;
	for (uint32_t i = 0; i < conn->nruns; i++)
		runs[i].flags &= KS_TCP_RUN_SACKED;
	merge(conn);
}

bool
ks_tcp_runs_plain(const struct ks_tcp_conn *conn)
{
	return conn->nruns == 0 || (conn->nruns == 1 && runs_of(conn)[0].flags == 0);
}

void
ks_tcp_runs_reset(struct ks_tcp_conn *conn)
{
	if (conn->runs_chunk != NULL)
		ks_pool_put(conn->stack->chunks, conn->runs_chunk);
	conn->runs_chunk = NULL;
	conn->runs_cap = KS_TCP_RUNS_INLINE;
	conn->nruns = 0;
}
