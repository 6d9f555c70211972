/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live stack with an established flow and a listener; the input is a list of segments, passing
 * time and calls of the owner. Whatever it is: the invariants hold after each, what is sent is well
 * formed, and in the end nothing has leaked.
 */
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../unit/tcp/invariants.h"

#define START_US 1000000ull
#define MAX_OPS 400u
#define PEERS 3u
#define MSS 1000u

struct peer {
	uint32_t rcv; /* what the stack acknowledged last */
	uint32_t snd; /* end of what it has sent */
	uint32_t tsval;
	uint32_t clock;
	struct ks_tcp_conn *conn;
};

struct world {
	const uint8_t *data;
	size_t left;
	struct ks_tcp_stack *stack;
	struct ks_pool *chunks;
	struct ks_timer_wheel *wheel;
	struct ks_now now;
	struct peer peers[PEERS];
	bool no_memory;
};

static void
die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

static uint32_t
take(struct world *w, uint32_t bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0 && w->left > 0) {
		v = v << 8 | *w->data++;
		w->left--;
	}
	return v;
}

static void
tuple_of(uint32_t peer, struct ks_tuple *tuple)
{
	*tuple = (struct ks_tuple){
		.local_port = rte_cpu_to_be_16(443),
		.remote_port = rte_cpu_to_be_16((uint16_t)(1000 + peer)),
	};
	tuple->local.b[15] = 1;
	tuple->remote.b[15] = 2;
}

static void
note_timestamp(struct peer *peer, const struct ks_tcp_segment *seg)
{
	for (uint32_t i = 0; i + 10 <= seg->opt_bytes && seg->opt[i] != 0;) {
		if (seg->opt[i] == 1) {
			i++;
			continue;
		}
		if (seg->opt[i] == 8) {
			uint32_t v;

			memcpy(&v, seg->opt + i + 2, sizeof(v));
			peer->tsval = rte_be_to_cpu_32(v);
		}
		i += seg->opt[i + 1];
	}
}

static int
emit(void *arg, const struct ks_tcp_segment *seg)
{
	struct world *w = arg;
	uint32_t id = rte_be_to_cpu_16(seg->tuple->remote_port) - 1000u;
	uint8_t l4[60 + MSS];
	struct peer *peer;

	if (id >= PEERS || seg->len > MSS || seg->opt_bytes > 40 || seg->opt_bytes % 4 != 0 ||
	    ks_tcp_segment_write(seg, l4, sizeof(l4)) != 20 + seg->opt_bytes + seg->len)
		die("malformed segment sent");
	peer = &w->peers[id];
	if (seg->flags & RTE_TCP_ACK_FLAG)
		peer->rcv = seg->ack;
	if (seg->flags & (RTE_TCP_SYN_FLAG | RTE_TCP_RST_FLAG) ||
	    (int32_t)(seg->seq + seg->len - peer->snd) > 0)
		peer->snd = seg->seq + seg->len + (seg->flags & RTE_TCP_SYN_FLAG ? 1 : 0) +
			    (seg->flags & RTE_TCP_FIN_FLAG ? 1 : 0);
	note_timestamp(peer, seg);
	return 0;
}

/* Exact, near, far, anywhere. */
static uint32_t
some_number(struct world *w, uint32_t base, uint32_t mode)
{
	switch (mode & 3) {
	case 0:
		return base;
	case 1:
		return base + (uint32_t)(int8_t)take(w, 1);
	case 2:
		return base + (uint32_t)((int16_t)take(w, 2) * 8);
	default:
		return take(w, 4);
	}
}

static void
put32(uint8_t *p, uint32_t v)
{
	v = rte_cpu_to_be_32(v);
	memcpy(p, &v, sizeof(v));
}

static uint32_t
some_options(struct world *w, const struct peer *peer, uint32_t mode, uint8_t *p)
{
	uint32_t n = 0, blocks;

	if (mode & 1) {
		memcpy(p, "\1\1\10\12", 4);
		put32(p + 4, peer->clock);
		put32(p + 8, peer->tsval);
		n = 12;
	}
	if (mode & 2) {
		blocks = 1 + take(w, 1) % 3;
		memcpy(p + n, "\1\1\5", 3);
		p[n + 3] = (uint8_t)(2 + 8 * blocks);
		n += 4;
		for (uint32_t i = 0; i < 2 * blocks; i++, n += 4)
			put32(p + n, peer->snd - take(w, 2));
	}
	if (mode & 4)
		for (uint32_t raw = take(w, 1) % 12; raw > 0 && n < 40; raw--)
			p[n++] = (uint8_t)take(w, 1);
	while (n % 4 != 0)
		p[n++] = 0;
	return n;
}

static void
segment(struct world *w, uint32_t op)
{
	uint32_t id = (op >> 3 & 7) % PEERS;
	struct peer *peer = &w->peers[id];
	uint32_t modes = take(w, 1), flags = take(w, 1), len, nopt;
	uint8_t *l4 = calloc(1, 60 + 2048), *exact;
	struct ks_tuple tuple;

	peer->clock += 1;
	put32(l4 + 4, some_number(w, peer->rcv, modes));
	put32(l4 + 8, some_number(w, peer->snd, modes >> 2));
	l4[13] = op & 0x80 ? (uint8_t)flags : (uint8_t)(RTE_TCP_ACK_FLAG | (flags & 9));
	l4[14] = (uint8_t)take(w, 1);
	l4[15] = (uint8_t)take(w, 1);
	nopt = some_options(w, peer, modes >> 4, l4 + 20);
	l4[12] = (uint8_t)((20 + nopt) / 4 << 4);
	len = op & 0x40 ? take(w, 1) * 8 : 0;
	exact = malloc(20 + nopt + len);
	memcpy(exact, l4, 20 + nopt);
	memset(exact + 20 + nopt, 'x', len);
	tuple_of(id, &tuple);
	ks_tcp_input(w->stack,
		     &(struct ks_tcp_packet){
			     .tuple = &tuple, .l4 = exact, .l4_bytes = (uint16_t)(20 + nopt + len)},
		     &w->now);
	free(exact);
	free(l4);
}

static void
pass_time(struct world *w)
{
	static const uint32_t steps_us[] = {1,	    1000,    5000,     41000,
					    210000, 1000000, 10000000, 70000000};

	w->now.mono_us += steps_us[take(w, 1) % 8];
	ks_timer_wheel_advance(w->wheel, w->now.mono_us, 10000);
}

static void
send_some(struct world *w, struct ks_tcp_conn *conn, uint32_t n)
{
	static uint8_t bytes[64 * 256];
	struct ks_chain data;

	ks_chain_init(&data, w->chunks);
	if (ks_chain_append(&data, bytes, n * 64) == 0)
		ks_tcp_send(w->stack, conn, &data);
	ks_chain_clear(&data);
}

static void
call(struct world *w, uint32_t op)
{
	struct peer *peer = &w->peers[(op >> 3 & 7) % PEERS];
	uint32_t what = take(w, 1);
	struct ks_tuple tuple;

	tuple_of((op >> 3 & 7) % PEERS, &tuple);
	if (peer->conn == NULL) {
		if (what & 1)
			peer->conn = ks_tcp_connect(w->stack, &tuple, NULL, &w->now);
		return;
	}
	if (what < 0x60) {
		send_some(w, peer->conn, what);
	} else if (what < 0xc0) {
		ks_chain_consume(ks_tcp_rx(peer->conn), (what - 0x60) * 64);
		ks_tcp_rx_done(w->stack, peer->conn);
	} else if (what < 0xd0) {
		ks_tcp_shutdown(w->stack, peer->conn);
	} else if (what < 0xe0) {
		ks_tcp_release(w->stack, peer->conn);
		peer->conn = NULL;
	} else if (what < 0xe8) {
		ks_tcp_abort(w->stack, peer->conn);
		peer->conn = NULL;
	} else {
		w->no_memory = what & 1;
	}
}

static void
turn(struct world *w)
{
	struct ks_tcp_conn *conn;
	const char *broken;
	uint32_t events;

	while ((conn = ks_tcp_event_next(w->stack, &events)) != NULL) {
		uint32_t id = rte_be_to_cpu_16(ks_tcp_tuple(conn)->remote_port) - 1000u;

		if (events & KS_TCP_EV_ACCEPTED)
			w->peers[id].conn = conn;
		if (w->peers[id].conn != conn)
			die("event of a connection that nobody owns");
		if (events & KS_TCP_EV_CLOSED) {
			ks_tcp_release(w->stack, conn);
			w->peers[id].conn = NULL;
		}
	}
	ks_tcp_flush(w->stack, &w->now);
	broken = invariants_broken(w->stack);
	if (broken != NULL)
		die(broken);
}

static bool
pool_fails(void *arg)
{
	return ((struct world *)arg)->no_memory;
}

/* SYN and ACK of peer 0, with timestamps and SACK. */
static void
handshake(struct world *w)
{
	static const uint8_t syn[] = "\0\0\0\0\0\0\x10\0\0\0\0\0\xa0\x02\xff\xff\0\0\0\0"
				     "\2\4\3\xe8\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\4";
	static const uint8_t ack[] = {0x10, RTE_TCP_ACK_FLAG, 0xff, 0xff};
	struct ks_tuple tuple;

	tuple_of(0, &tuple);
	ks_tcp_input(
		w->stack,
		&(struct ks_tcp_packet){.tuple = &tuple, .l4 = syn, .l4_bytes = sizeof(syn) - 1},
		&w->now);
	w->peers[0].clock = 1;
	w->data = ack;
	w->left = sizeof(ack);
	segment(w, 0x80);
	turn(w);
	if (w->peers[0].conn == NULL)
		die("no handshake");
}

static void
start(struct world *w)
{
	struct ks_tcp_params params = {
		.max_conns = 2,
		.max_half_open = 1,
		.max_time_wait = 1,
		.max_listeners = 1,
		.rcv_buf_bytes = 32768,
		.snd_buf_bytes = 32768,
		.mss = MSS,
		.msl_ms = 500,
		.keepalive_ms = 30000,
		.emit = emit,
		.emit_arg = w,
	};

	*w = (struct world){.now = {.mono_us = START_US}};
	w->chunks = ks_chunk_pool_create("fuzz", 48);
	w->wheel = ks_timer_wheel_create(START_US);
	params.chunks = w->chunks;
	params.wheel = w->wheel;
	w->stack = ks_tcp_stack_create(&params);
	ks_pool_fail_set(w->chunks, pool_fails, w);
	ks_tcp_listen(w->stack, &(struct ks_endpoint){.port = rte_cpu_to_be_16(443)}, NULL);
	handshake(w);
}

static void
stop(struct world *w)
{
	struct ks_pool_stats pool;

	ks_tcp_stack_destroy(w->stack);
	ks_pool_stats_get(w->chunks, &pool);
	if (pool.used != 0)
		die("chunks leaked");
	if (ks_timer_wheel_next_us(w->wheel) != UINT64_MAX)
		die("timer leaked");
	ks_pool_destroy(w->chunks);
	ks_timer_wheel_destroy(w->wheel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;

	start(&w);
	w.data = data;
	w.left = size;
	for (uint32_t i = 0; i < MAX_OPS && w.left > 0; i++) {
		uint32_t op = take(&w, 1);

		if ((op & 7) < 6)
			segment(&w, op);
		else if ((op & 7) == 6)
			pass_time(&w);
		else
			call(&w, op);
		turn(&w);
	}
	stop(&w);
	return 0;
}
