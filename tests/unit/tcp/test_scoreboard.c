/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scoreboard against a model that keeps the marks of every byte: RFC 6675 section 4.
 */
#include "ks_test.h"
#include "whitebox.h"

#define FLIGHT 600u /* bytes; a "segment" has 10 */
#define SEG 10u
#define ISN 0xffffff00u /* so that numbers wrap on the way */

static uint8_t marks[FLIGHT];
static uint32_t una, nxt; /* offsets into marks */
static uint32_t base;	  /* sequence of marks[0] */
static uint32_t random_state;

static uint32_t
below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

static void
model_start(struct ks_tcp_conn *conn)
{
	memset(marks, 0, sizeof(marks));
	una = 0;
	nxt = 200;
	base = conn->snd_una;
	conn->mss = SEG;
	conn->snd_nxt = base + nxt;
	conn->snd_max = conn->snd_nxt;
}

static uint32_t
model_lost_edge(void)
{
	uint32_t islands = 0, bytes = 0;

	for (uint32_t i = nxt; i-- > una;) {
		if (marks[i] != KS_TCP_RUN_SACKED)
			continue;
		bytes++;
		if (i == una || marks[i - 1] != KS_TCP_RUN_SACKED) {
			islands++;
			if (islands >= 3 || bytes > 2 * SEG)
				return base + i;
		}
	}
	return base + una;
}

static uint32_t
model_pipe(void)
{
	uint32_t pipe = 0;

	for (uint32_t i = una; i < nxt; i++) {
		if (marks[i] == KS_TCP_RUN_SACKED)
			continue;
		pipe += !(marks[i] & KS_TCP_RUN_LOST);
		pipe += (marks[i] & KS_TCP_RUN_RTX) != 0;
	}
	return pipe;
}

static uint32_t
model_next_lost(uint32_t *seq)
{
	for (uint32_t i = una; i < nxt; i++) {
		uint32_t n = 0;

		if (marks[i] != KS_TCP_RUN_LOST)
			continue;
		while (i + n < nxt && n < SEG && marks[i + n] == KS_TCP_RUN_LOST)
			n++;
		*seq = base + i;
		return n;
	}
	return 0;
}

static void
act_sack(struct ks_tcp_conn *conn)
{
	struct ks_tcp_opts opts = {.nsack = (uint8_t)(1 + below(3))};
	uint32_t fresh = 0;

	for (uint32_t i = 0; i < opts.nsack; i++) {
		uint32_t start = una + SEG * below((nxt - una) / SEG);
		uint32_t end = start + SEG * (1 + below(3));

		end = KS_MIN(end, nxt);
		opts.sack[i] = (struct ks_tcp_range){base + start, base + end};
		for (uint32_t k = start; k < end; k++) {
			fresh += marks[k] != KS_TCP_RUN_SACKED;
			marks[k] = KS_TCP_RUN_SACKED;
		}
	}
	CU_ASSERT_EQUAL(ks_tcp_runs_sack(conn, &opts), fresh);
}

static void
act_lose(struct ks_tcp_conn *conn)
{
	uint32_t edge = model_lost_edge();

	CU_ASSERT_EQUAL(ks_tcp_runs_lost_edge(conn), edge);
	ks_tcp_runs_lose(conn, conn->snd_una, edge);
	for (uint32_t i = una; i < edge - base; i++)
		if (!(marks[i] & (KS_TCP_RUN_SACKED | KS_TCP_RUN_LOST)))
			marks[i] |= KS_TCP_RUN_LOST;
}

static void
act_send_again(struct ks_tcp_conn *conn)
{
	uint32_t seq = 0, want = 0;
	uint32_t n = ks_tcp_runs_next_lost(conn, &seq);

	CU_ASSERT_EQUAL(n, model_next_lost(&want));
	if (n == 0)
		return;
	CU_ASSERT_EQUAL(seq, want);
	ks_tcp_runs_sent_again(conn, seq, seq + n);
	for (uint32_t i = 0; i < n; i++)
		marks[seq - base + i] |= KS_TCP_RUN_RTX;
}

static void
act_send_new(struct ks_tcp_conn *conn)
{
	if (nxt + SEG > FLIGHT)
		return;
	ks_tcp_runs_extend(conn);
	nxt += SEG;
	conn->snd_nxt += SEG;
	conn->snd_max = conn->snd_nxt;
}

static void
act_ack(struct ks_tcp_conn *conn)
{
	uint32_t to = una + SEG * below(4);

	if (to >= nxt)
		return;
	una = to;
	conn->snd_una = base + una;
	ks_tcp_runs_ack(conn);
}

static void
act_time_out(struct ks_tcp_conn *conn)
{
	bool reneged = marks[una] == KS_TCP_RUN_SACKED;

	ks_tcp_runs_lose_all(conn);
	for (uint32_t i = una; i < nxt; i++)
		if (reneged || marks[i] != KS_TCP_RUN_SACKED)
			marks[i] = KS_TCP_RUN_LOST;
}

static void
check(struct ks_tcp_conn *conn)
{
	uint32_t seq = 0, want = 0, n = model_next_lost(&want);

	CU_ASSERT_EQUAL(ks_tcp_runs_pipe(conn), model_pipe());
	CU_ASSERT_EQUAL(ks_tcp_runs_next_lost(conn, &seq), n);
	if (n > 0)
		CU_ASSERT_EQUAL(seq, want);
}

static void
one_round(struct ks_tcp_conn *conn)
{
	static void (*const acts[])(struct ks_tcp_conn *) = {
		act_sack, act_sack, act_lose, act_send_again, act_send_new, act_ack,
	};

	model_start(conn);
	for (uint32_t i = 0; i < 60; i++) {
		if (below(40) == 0)
			act_time_out(conn);
		else
			acts[below(KS_ARRAY_SIZE(acts))](conn);
		check(conn);
	}
	ks_tcp_runs_reset(conn);
	base = conn->snd_una = conn->snd_nxt;
}

static void
test_model(void)
{
	struct whitebox box;

	whitebox_start(&box, (struct ks_tcp_params){0}, 8, ISN);
	random_state = 1;
	for (uint32_t i = 0; i < 400; i++)
		one_round(box.conn);
	CU_ASSERT_EQUAL(whitebox_stop(&box), 0);
}

static bool
always(void *arg)
{
	return true;
}

/* Without a chunk few holes can be noted: what is forgotten counts as in flight, never as arrived,
 * and sending again comes to an end. */
static void
test_no_memory(void)
{
	struct ks_tcp_opts opts = {.nsack = 1};
	struct whitebox box;
	uint32_t seq, len, rounds = 0;

	whitebox_start(&box, (struct ks_tcp_params){0}, 8, ISN);
	ks_pool_fail_set(box.chunks, always, NULL);
	model_start(box.conn);
	for (uint32_t i = 1; i < 20; i += 2) {
		opts.sack[0] = (struct ks_tcp_range){base + i * SEG, base + (i + 1) * SEG};
		ks_tcp_runs_sack(box.conn, &opts);
		CU_ASSERT(box.conn->nruns <= KS_TCP_RUNS_INLINE);
	}
	ks_tcp_runs_lose(box.conn, box.conn->snd_una, ks_tcp_runs_lost_edge(box.conn));
	while ((len = ks_tcp_runs_next_lost(box.conn, &seq)) > 0 && rounds++ < 100)
		ks_tcp_runs_sent_again(box.conn, seq, seq + len);
	CU_ASSERT(rounds < 30);
	for (uint32_t i = 0; i < 30; i++)
		act_send_new(box.conn);
	ks_tcp_runs_lose_all(box.conn);
	rounds = 0;
	while ((len = ks_tcp_runs_next_lost(box.conn, &seq)) > 0 && rounds++ < 200)
		ks_tcp_runs_sent_again(box.conn, seq, seq + len);
	CU_ASSERT(rounds > 10 && rounds < 100);
	CU_ASSERT_EQUAL(whitebox_stop(&box), 0);
}

static const struct ks_test tests[] = {KS_TEST(test_model), KS_TEST(test_no_memory)};

KS_TEST_MAIN("tcp/scoreboard", tests)
