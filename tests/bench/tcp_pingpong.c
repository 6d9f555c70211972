/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TCP costs without a wire: two stacks back to back. One round trip is a request of 200 bytes
 * and a reply of 2 KB, on one connection or in turn over many, with all flushes; bulk is one
 * direction at full speed; look-up is a segment for one of N flows, chosen at random. One line
 * each, CPU time of the thread; segments are written and read as on a wire, checksums are not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_tcp.h>

#include "ks_tcp.h"

#define REQUEST_BYTES 200u
#define REPLY_BYTES 2048u
#define ROUNDS 300000u
#define LOOK_UPS 2000000u
#define RING 512u
#define BURST 32u
#define SEGMENT_MAX 2048u

struct slot {
	struct ks_tuple tuple;
	uint16_t bytes;
	uint8_t l4[SEGMENT_MAX];
};

struct side {
	struct ks_tcp_stack *stack;
	struct ks_pool *chunks;
	struct ks_timer_wheel *wheel;
	struct slot *in; /* what the other end has sent */
	uint32_t head, tail;
	struct side *peer;
};

static struct side sides[2];
static struct ks_now now = {.mono_us = 1000000};
static uint64_t segments;
static uint64_t delivered;

static double
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int
emit(void *arg, const struct ks_tcp_segment *seg)
{
	struct side *to = ((struct side *)arg)->peer;
	struct slot *slot = &to->in[to->tail % RING];

	if (to->tail - to->head == RING)
		return -1;
	to->tail++;
	segments++;
	slot->tuple = (struct ks_tuple){
		.local = seg->tuple->remote,
		.remote = seg->tuple->local,
		.local_port = seg->tuple->remote_port,
		.remote_port = seg->tuple->local_port,
	};
	slot->bytes = (uint16_t)ks_tcp_segment_write(seg, slot->l4, SEGMENT_MAX);
	return 0;
}

static void
side_create(struct side *side, uint32_t conns)
{
	struct ks_tcp_params params = {
		.max_conns = conns,
		.max_half_open = 1024,
		.max_time_wait = 1024,
		.max_listeners = 1,
		.emit = emit,
		.emit_arg = side,
	};

	side->chunks = ks_chunk_pool_create("bench", 4096);
	side->wheel = ks_timer_wheel_create(now.mono_us);
	side->in = calloc(RING, sizeof(*side->in));
	side->peer = side == &sides[0] ? &sides[1] : &sides[0];
	side->head = side->tail = 0;
	params.chunks = side->chunks;
	params.wheel = side->wheel;
	ks_hash_key_random(&params.key);
	side->stack = ks_tcp_stack_create(&params);
	if (side->stack == NULL || side->in == NULL)
		abort();
}

static void
side_destroy(struct side *side)
{
	ks_tcp_stack_destroy(side->stack);
	ks_pool_destroy(side->chunks);
	ks_timer_wheel_destroy(side->wheel);
	free(side->in);
}

static void
input_all(struct side *side)
{
	struct ks_tcp_packet pkts[BURST];

	while (side->head != side->tail) {
		uint32_t n = 0;

		for (; n < BURST && side->head != side->tail; n++) {
			struct slot *slot = &side->in[side->head++ % RING];

			pkts[n] = (struct ks_tcp_packet){
				.tuple = &slot->tuple, .l4 = slot->l4, .l4_bytes = slot->bytes};
		}
		ks_tcp_input_burst(side->stack, pkts, n, &now);
	}
}

static void
write_bytes(struct side *side, struct ks_tcp_conn *conn, uint32_t n)
{
	static const uint8_t bytes[65536];
	struct ks_chain data;

	ks_chain_init(&data, side->chunks);
	if (ks_chain_append(&data, bytes, n) != 0)
		abort();
	ks_tcp_send(side->stack, conn, &data);
	ks_chain_clear(&data);
}

/* Reads all; the server answers every whole request. */
static void
serve(struct side *side, struct ks_tcp_conn *conn)
{
	struct ks_chain *rx = ks_tcp_rx(conn);
	uint32_t unit = side == &sides[1] ? REQUEST_BYTES : REPLY_BYTES;

	while (rx->len >= unit) {
		ks_chain_consume(rx, unit);
		delivered++;
		if (side == &sides[1])
			write_bytes(side, conn, REPLY_BYTES);
	}
	ks_tcp_rx_done(side->stack, conn);
}

static void
turn(struct side *side)
{
	struct ks_tcp_conn *conn;
	uint32_t events;

	ks_timer_wheel_advance(side->wheel, now.mono_us, 1000);
	input_all(side);
	while ((conn = ks_tcp_event_next(side->stack, &events)) != NULL)
		if (events & KS_TCP_EV_READABLE)
			serve(side, conn);
	ks_tcp_flush(side->stack, &now);
	now.mono_us += 5;
}

static struct ks_tcp_conn **
connect_all(uint32_t n)
{
	struct ks_endpoint any = {.port = rte_cpu_to_be_16(443)};
	struct ks_tcp_conn **conns = calloc(n, sizeof(struct ks_tcp_conn *));

	side_create(&sides[0], n);
	side_create(&sides[1], n);
	ks_tcp_listen(sides[1].stack, &any, NULL);
	for (uint32_t i = 0; i < n; i++) {
		struct ks_tuple tuple = {
			.local_port = rte_cpu_to_be_16((uint16_t)(1024 + i % 60000)),
			.remote_port = any.port,
		};

		tuple.local.b[10] = tuple.local.b[11] = 0xff;
		tuple.remote.b[10] = tuple.remote.b[11] = 0xff;
		tuple.local.b[14] = (uint8_t)(i / 60000);
		tuple.local.b[12] = tuple.remote.b[12] = 10;
		tuple.remote.b[15] = 9;
		conns[i] = ks_tcp_connect(sides[0].stack, &tuple, NULL, &now);
		for (int k = 0; k < 3; k++) {
			turn(&sides[1]);
			turn(&sides[0]);
		}
	}
	return conns;
}

static void
report(const char *figure, uint32_t conns, double ns, double per)
{
	printf("{\"figure\":\"%s\",\"conns\":%u,\"ns\":%.1f,\"segments\":%.2f}\n", figure, conns,
	       ns, per);
}

static void
stop(struct ks_tcp_conn **conns)
{
	free(conns);
	side_destroy(&sides[0]);
	side_destroy(&sides[1]);
}

static void
ping_pong(uint32_t n)
{
	struct ks_tcp_conn **conns = connect_all(n);
	uint64_t before, want;
	double start;

	segments = 0;
	want = before = delivered;
	start = cpu_ns();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		write_bytes(&sides[0], conns[i % n], REQUEST_BYTES);
		ks_tcp_flush(sides[0].stack, &now);
		turn(&sides[1]);
		turn(&sides[0]);
		want += 2;
	}
	if (delivered != want)
		abort();
	report("tcp_round_trip", n, (cpu_ns() - start) / ROUNDS, (double)segments / ROUNDS);
	stop(conns);
}

/* A turn with 32 requests: what a busy worker sees. */
static void
ping_pong_burst(uint32_t n)
{
	struct ks_tcp_conn **conns = connect_all(n);
	uint32_t rounds = ROUNDS / 32;
	double start;

	segments = 0;
	start = cpu_ns();
	for (uint32_t i = 0; i < rounds; i++) {
		for (uint32_t k = 0; k < 32; k++)
			write_bytes(&sides[0], conns[(i * 32 + k) % n], REQUEST_BYTES);
		ks_tcp_flush(sides[0].stack, &now);
		turn(&sides[1]);
		turn(&sides[0]);
	}
	report("tcp_round_trip_burst32", n, (cpu_ns() - start) / (rounds * 32),
	       (double)segments / (rounds * 32));
	stop(conns);
}

static void
bulk(void)
{
	struct ks_tcp_conn **conns = connect_all(1);
	uint64_t bytes = 0;
	double start = cpu_ns();

	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t room = KS_MIN(ks_tcp_tx_room(conns[0]), 65536u);

		write_bytes(&sides[0], conns[0], room);
		ks_tcp_flush(sides[0].stack, &now);
		for (int k = 0; k < 2; k++) {
			struct ks_tcp_conn *conn;
			uint32_t events;

			input_all(&sides[k ^ 1]);
			while ((conn = ks_tcp_event_next(sides[k ^ 1].stack, &events)) != NULL) {
				bytes += ks_tcp_rx(conn)->len;
				ks_chain_clear(ks_tcp_rx(conn));
				ks_tcp_rx_done(sides[k ^ 1].stack, conn);
			}
			ks_tcp_flush(sides[k ^ 1].stack, &now);
		}
		now.mono_us += 5;
	}
	printf("{\"figure\":\"tcp_bulk\",\"ns_per_kb\":%.1f}\n",
	       (cpu_ns() - start) / ((double)bytes / 1024));
	stop(conns);
}

enum how { HOW_NOT, HOW_SINGLE, HOW_BURST };

/* The loop and the tuples alone, or with a RST that is far out of the window: header, look-up, the
 * first two lines of the connection, nothing else. */
static double
look_up_pass(const struct ks_tuple *tuples, uint32_t n, enum how how)
{
	static const uint8_t l4[20] = {[12] = 5 << 4, [13] = RTE_TCP_RST_FLAG};
	struct ks_tcp_packet pkts[BURST];
	uint32_t random = 1;
	double start = cpu_ns();

	for (uint32_t i = 0; i < LOOK_UPS; i++) {
		struct ks_tcp_packet *pkt = &pkts[i % BURST];

		random = random * 1664525u + 1013904223u;
		*pkt = (struct ks_tcp_packet){
			.tuple = &tuples[(uint32_t)((uint64_t)random * n >> 32)],
			.l4 = l4,
			.l4_bytes = sizeof(l4),
		};
		__builtin_prefetch(pkt->tuple);
		if (i % BURST != BURST - 1)
			continue;
		if (how == HOW_BURST)
			ks_tcp_input_burst(sides[0].stack, pkts, BURST, &now);
		for (uint32_t k = 0; how == HOW_SINGLE && k < BURST; k++)
			ks_tcp_input(sides[0].stack, &pkts[k], &now);
	}
	return (cpu_ns() - start) / LOOK_UPS;
}

static void
look_up(uint32_t n)
{
	struct ks_tcp_conn **conns = connect_all(n);
	struct ks_tuple *tuples = calloc(n, sizeof(*tuples));
	struct ks_tcp_stats stats;
	double base;

	for (uint32_t i = 0; i < n; i++)
		tuples[i] = *ks_tcp_tuple(conns[i]);
	base = look_up_pass(tuples, n, HOW_NOT);
	report("tcp_look_up", n, look_up_pass(tuples, n, HOW_SINGLE) - base, 1);
	report("tcp_look_up_burst32", n, look_up_pass(tuples, n, HOW_BURST) - base, 1);
	ks_tcp_stats_get(sides[0].stack, &stats);
	printf("{\"figure\":\"tcp_conn_bytes\",\"conns\":%u,\"bytes\":%u}\n", stats.conns,
	       stats.conn_bytes);
	free(tuples);
	stop(conns);
}

int
main(void)
{
	ping_pong(1);
	ping_pong(1000);
	ping_pong(10000);
	ping_pong_burst(1000);
	bulk();
	look_up(10);
	look_up(1000);
	look_up(100000);
	return 0;
}
