/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header and options, both ways.
 */
#include <errno.h>
#include <rte_tcp.h>

#include "../../../lib/tcp/seg.h"
#include "ks_test.h"

static int
parse(const void *bytes, uint32_t n, struct ks_tcp_opts *opts)
{
	return ks_tcp_options_parse(bytes, n, opts);
}

#define PARSE(opts, text) parse(text, sizeof(text) - 1, opts)

static void
test_options_read(void)
{
	struct ks_tcp_opts opts;

	CU_ASSERT_EQUAL(PARSE(&opts, "\2\4\5\xb4\4\2\10\12\0\0\0\7\0\0\0\x8\1\3\3\xa"), 0);
	CU_ASSERT_TRUE(opts.has_mss && opts.sack_ok && opts.has_ts && opts.has_wscale);
	CU_ASSERT_EQUAL(opts.mss, 1460);
	CU_ASSERT_EQUAL(opts.tsval, 7);
	CU_ASSERT_EQUAL(opts.tsecr, 8);
	CU_ASSERT_EQUAL(opts.wscale, 10);
	CU_ASSERT_EQUAL(PARSE(&opts, "\3\3\xff\1"), 0);
	CU_ASSERT_EQUAL(opts.wscale, 14);
	/* What comes after the end counts for nothing, an unknown kind is stepped over. */
	CU_ASSERT_EQUAL(PARSE(&opts, "\0\2\4\5\xb4\1\1\1"), 0);
	CU_ASSERT_FALSE(opts.has_mss);
	CU_ASSERT_EQUAL(PARSE(&opts, "\xfe\4\1\2\2\4\2\0"), 0);
	CU_ASSERT_EQUAL(opts.mss, 512);
	CU_ASSERT_EQUAL(PARSE(&opts, "\5\12\0\0\0\1\0\0\0\2\1\1"), 0);
	CU_ASSERT_EQUAL(opts.nsack, 1);
	CU_ASSERT_EQUAL(opts.sack[0].start, 1);
	CU_ASSERT_EQUAL(opts.sack[0].end, 2);
}

static void
test_options_bad(void)
{
	struct ks_tcp_opts opts;

	CU_ASSERT_EQUAL(PARSE(&opts, "\2\0\0\0"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\2\1\0\0"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\2\5\0\0\0\1\1\1"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\1\1\1\2"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\xfe\5\0\0"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\5\11\0\0\0\1\0\0\0\1\1\1"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\5\2\1\1"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\10\13\0\0\0\1\0\0\0\1\1\1"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(&opts, "\4\3\0\1"), -EBADMSG);
}

static void
test_options_written(void)
{
	struct ks_tcp_opts in = {.has_mss = true,
				 .mss = 1400,
				 .has_wscale = true,
				 .wscale = 7,
				 .sack_ok = true,
				 .has_ts = true,
				 .tsval = 11,
				 .tsecr = 12};
	struct ks_tcp_range blocks[3] = {{1, 2}, {3, 4}, {0xfffffff0, 5}};
	struct ks_tcp_opts out;
	uint8_t bytes[40];

	CU_ASSERT_EQUAL(ks_tcp_options_write_syn(bytes, &in), 24);
	CU_ASSERT_EQUAL(parse(bytes, 24, &out), 0);
	CU_ASSERT_EQUAL(out.mss, 1400);
	CU_ASSERT_EQUAL(out.wscale, 7);
	CU_ASSERT_TRUE(out.sack_ok && out.has_ts && out.tsval == 11 && out.tsecr == 12);
	CU_ASSERT_EQUAL(ks_tcp_options_write_sack(bytes, blocks, 3), 28);
	CU_ASSERT_EQUAL(parse(bytes, 28, &out), 0);
	CU_ASSERT_EQUAL(out.nsack, 3);
	CU_ASSERT_EQUAL(out.sack[2].start, 0xfffffff0);
	CU_ASSERT_EQUAL(out.sack[2].end, 5);
}

static int
read_segment(struct ks_tcp_seg *seg, const uint8_t *l4, uint16_t n, uint16_t port)
{
	static struct ks_tuple tuple;

	tuple = (struct ks_tuple){.local_port = 1, .remote_port = port};
	return ks_tcp_seg_read(seg,
			       &(struct ks_tcp_packet){.tuple = &tuple, .l4 = l4, .l4_bytes = n});
}

static void
test_header_lengths(void)
{
	uint8_t l4[64] = {[12] = 5 << 4, [13] = RTE_TCP_ACK_FLAG, [7] = 9, [15] = 77};
	struct ks_tcp_seg seg;

	CU_ASSERT_EQUAL(read_segment(&seg, l4, 25, 2), 0);
	CU_ASSERT_EQUAL(seg.len, 5);
	CU_ASSERT_EQUAL(seg.seq, 9);
	CU_ASSERT_EQUAL(seg.wnd, 77);
	CU_ASSERT_EQUAL(read_segment(&seg, l4, 19, 2), -EBADMSG);
	CU_ASSERT_EQUAL(read_segment(&seg, l4, 25, 0), -EBADMSG);
	l4[12] = 4 << 4;
	CU_ASSERT_EQUAL(read_segment(&seg, l4, 25, 2), -EBADMSG);
	l4[12] = 15 << 4;
	CU_ASSERT_EQUAL(read_segment(&seg, l4, 59, 2), -EBADMSG);
	CU_ASSERT_EQUAL(read_segment(&seg, l4, 60, 2), 0);
	CU_ASSERT_EQUAL(seg.opt_bytes, 40);
	CU_ASSERT_EQUAL(seg.len, 0);
}

/* Payload over three chunks, beginning inside the first; and a buffer that is one byte too small.
 */
static void
test_segment_write(void)
{
	struct ks_pool *pool = ks_chunk_pool_create("wire", 4);
	struct ks_tuple tuple = {.local_port = rte_cpu_to_be_16(443),
				 .remote_port = rte_cpu_to_be_16(5000)};
	struct ks_tcp_segment out = {.tuple = &tuple,
				     .seq = 0x01020304,
				     .ack = 5,
				     .wnd = 6,
				     .flags = RTE_TCP_ACK_FLAG,
				     .opt_bytes = 4,
				     .opt = {1, 1, 1, 1}};
	uint8_t bytes[3 * KS_CHUNK_BYTES], l4[6000];
	struct ks_chain chain;

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 8));
	ks_chain_init(&chain, pool);
	CU_ASSERT_EQUAL(ks_chain_append(&chain, bytes, sizeof(bytes)), 0);
	out.chunk = chain.head;
	out.chunk_off = chain.head->start + 1000;
	out.len = 4000;
	CU_ASSERT_EQUAL(ks_tcp_segment_write(&out, l4, 4023), -E2BIG);
	CU_ASSERT_EQUAL(ks_tcp_segment_write(&out, l4, 4024), 4024);
	CU_ASSERT_EQUAL(memcmp(l4 + 24, bytes + 1000, 4000), 0);
	CU_ASSERT_EQUAL(memcmp(l4, "\x01\xbb\x13\x88\1\2\3\4\0\0\0\5\x60\x10\0\6\0\0\0\0", 20), 0);
	ks_chain_clear(&chain);
	ks_pool_destroy(pool);
}

static const struct ks_test tests[] = {
	KS_TEST(test_options_read),   KS_TEST(test_options_bad),   KS_TEST(test_options_written),
	KS_TEST(test_header_lengths), KS_TEST(test_segment_write),
};

KS_TEST_MAIN("tcp/wire", tests)
