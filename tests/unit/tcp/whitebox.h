/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection without a wire, for tests of single parts: established, nothing in flight.
 */
#ifndef KS_TEST_TCP_WHITEBOX_H
#define KS_TEST_TCP_WHITEBOX_H

#include "../../../lib/tcp/stack.h"

struct whitebox {
	struct ks_pool *chunks;
	struct ks_timer_wheel *wheel;
	struct ks_tcp_stack *stack;
	struct ks_tcp_conn *conn;
	uint32_t emitted;
};

static inline int
whitebox_emit(void *arg, const struct ks_tcp_segment *seg)
{
	((struct whitebox *)arg)->emitted++;
	return 0;
}

static inline void
whitebox_start(struct whitebox *box, struct ks_tcp_params params, uint32_t nchunks, uint32_t isn)
{
	struct ks_tuple tuple = {.local_port = 1, .remote_port = 2};
	struct ks_tcp_open open = {.iss = isn, .irs = isn, .sack_ok = true, .mss = 1000};

	*box = (struct whitebox){0};
	box->chunks = ks_chunk_pool_create("whitebox", nchunks);
	box->wheel = ks_timer_wheel_create(1000000);
	params.max_conns = 1;
	params.chunks = box->chunks;
	params.wheel = box->wheel;
	params.emit = whitebox_emit;
	params.emit_arg = box;
	box->stack = ks_tcp_stack_create(&params);
	ks_tcp_time(box->stack, 1000000);
	box->conn = ks_tcp_conn_create(box->stack, &tuple, NULL);
	ks_tcp_conn_opened(box->conn, &open);
	box->conn->state = KS_TCP_ESTABLISHED;
	box->conn->snd_wnd = UINT32_MAX / 4;
}

/* @return chunks that were not given back. */
static inline uint32_t
whitebox_stop(struct whitebox *box)
{
	struct ks_pool_stats stats;

	ks_tcp_stack_destroy(box->stack);
	ks_pool_stats_get(box->chunks, &stats);
	ks_pool_destroy(box->chunks);
	ks_timer_wheel_destroy(box->wheel);
	return stats.used;
}

#endif
