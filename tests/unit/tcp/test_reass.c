/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly against a model: random stretches of a stream in random order come out as the stream.
 */
#include <errno.h>

#include "ks_test.h"
#include "whitebox.h"

#define STREAM 60000u
#define ISN 0xffffc000u

static uint8_t stream[STREAM];
static bool have[STREAM];
static uint32_t random_state;

static uint32_t
below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)random_state * n) >> 32);
}

/* The bytes that came and could be kept; where the chunks ran out, those that did not. */
static void
check_read(struct ks_tcp_conn *conn, uint32_t *read)
{
	uint8_t bytes[4096];

	while (conn->rx.len > 0) {
		uint32_t n = ks_chain_peek(&conn->rx, 0, bytes, sizeof(bytes));

		CU_ASSERT_EQUAL(memcmp(bytes, stream + *read, n), 0);
		*read += n;
		ks_chain_consume(&conn->rx, n);
	}
}

static void
offer(struct ks_tcp_conn *conn, uint32_t base, uint32_t start, uint32_t len)
{
	uint32_t seq = base + start;

	if (seq_leq(seq + len, conn->rcv_nxt))
		return;
	if (seq_lt(seq, conn->rcv_nxt)) {
		start += conn->rcv_nxt - seq;
		len -= conn->rcv_nxt - seq;
		seq = conn->rcv_nxt;
	}
	if (seq != conn->rcv_nxt) {
		if (ks_tcp_reass_insert(conn, seq, stream + start, len) == (int)len)
			memset(have + start, true, len);
		return;
	}
	while (ks_chain_append(&conn->rx, stream + start, len) != 0)
		if (!ks_tcp_reass_give_last(conn))
			return;
	conn->rcv_nxt += len;
	ks_tcp_reass_drain(conn);
}

static void
run(uint32_t seed, uint32_t nchunks, uint32_t len_max)
{
	struct whitebox box;
	uint32_t read = 0, base, tries = 0;

	whitebox_start(&box, (struct ks_tcp_params){.rcv_buf_bytes = STREAM}, nchunks, ISN);
	random_state = seed;
	base = box.conn->rcv_nxt;
	while (read < STREAM && tries++ < 300000) {
		uint32_t ahead = below(20000), back = below(50), len = 1 + below(len_max);
		uint32_t start = read + KS_MIN(ahead, STREAM - read - 1);

		/* Sometimes what is really next, as a retransmission would be. */
		if (below(4) == 0)
			start = read - KS_MIN(read, back);
		offer(box.conn, base, start, KS_MIN(len, STREAM - start));
		check_read(box.conn, &read);
		CU_ASSERT(box.conn->ooo_chunks <= STREAM / KS_CHUNK_BYTES + 1);
	}
	CU_ASSERT_EQUAL(read, STREAM);
	CU_ASSERT_PTR_NULL(box.conn->ooo_head);
	CU_ASSERT_EQUAL(box.conn->nsack, 0);
	CU_ASSERT_EQUAL(whitebox_stop(&box), 0);
}

static void
test_random(void)
{
	for (uint32_t i = 0; i < STREAM; i++)
		stream[i] = (uint8_t)(i * 17 + (i >> 8) * 5);
	for (uint32_t seed = 1; seed <= 12; seed++) {
		run(seed, 200, 1460);
		run(seed, 200, 40);
		run(seed, 12, 1460);
		run(seed, 4, 1460);
	}
}

/* A byte here and a byte there: chunks are the bound, not bytes, and SACK never tells of what was
 * not kept. */
static void
test_bounds(void)
{
	struct whitebox box;
	uint32_t kept = 0, i;

	whitebox_start(&box, (struct ks_tcp_params){.rcv_buf_bytes = STREAM}, 400, ISN);
	for (i = 1; i < 1000; i++)
		kept += ks_tcp_reass_insert(box.conn, box.conn->rcv_nxt + 3 * i, stream, 1) == 1;
	CU_ASSERT_EQUAL(kept, STREAM / KS_CHUNK_BYTES + 1);
	CU_ASSERT_EQUAL(box.conn->ooo_chunks, kept);
	CU_ASSERT_EQUAL(box.conn->sack[0].start, box.conn->rcv_nxt + 3 * kept);
	CU_ASSERT_EQUAL(ks_tcp_reass_insert(box.conn, box.conn->rcv_nxt + 2900, stream, 1),
			-ENOBUFS);
	CU_ASSERT_EQUAL(whitebox_stop(&box), 0);
	/* The last eighth of the pool is for what comes in order. */
	whitebox_start(&box, (struct ks_tcp_params){.rcv_buf_bytes = STREAM}, 16, ISN);
	for (i = 1; i < 100; i++)
		ks_tcp_reass_insert(box.conn, box.conn->rcv_nxt + 3 * i, stream, 1);
	CU_ASSERT_EQUAL(ks_pool_free_count(box.chunks), 2);
	CU_ASSERT_EQUAL(whitebox_stop(&box), 0);
}

static const struct ks_test tests[] = {KS_TEST(test_random), KS_TEST(test_bounds)};

KS_TEST_MAIN("tcp/reass", tests)
