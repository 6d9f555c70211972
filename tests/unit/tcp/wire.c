/* SPDX-License-Identifier: Apache-2.0 */
#include <rte_tcp.h>

#include "wire.h"

/* xorshift64*: small, and the same everywhere. */
uint64_t
wire_random(uint64_t *rng)
{
	*rng ^= *rng >> 12;
	*rng ^= *rng << 25;
	*rng ^= *rng >> 27;
	return *rng * 0x2545f4914f6cdd1dull;
}

uint32_t
wire_below(uint64_t *rng, uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)((wire_random(rng) >> 32) % n);
}

void
wire_init(struct wire *wire, struct wire_packet *packets, uint64_t seed)
{
	*wire = (struct wire){.rng = seed * 0x9e3779b97f4a7c15ull + 1, .packets = packets};
	for (uint32_t i = 0; i < WIRE_PACKETS; i++)
		wire->free[wire->nfree++] = i;
}

static bool
before(const struct wire *wire, uint32_t a, uint32_t b)
{
	const struct wire_packet *x = &wire->packets[a], *y = &wire->packets[b];

	return x->at_us != y->at_us ? x->at_us < y->at_us : x->order < y->order;
}

static void
swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;

	*a = *b;
	*b = t;
}

static void
push(struct wire *wire, uint32_t id)
{
	uint32_t at = wire->nheap++;

	wire->heap[at] = id;
	while (at > 0 && before(wire, wire->heap[at], wire->heap[(at - 1) / 2])) {
		swap(&wire->heap[at], &wire->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static uint32_t
pop(struct wire *wire)
{
	uint32_t top = wire->heap[0], at = 0;

	wire->heap[0] = wire->heap[--wire->nheap];
	for (;;) {
		uint32_t least = at;

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < wire->nheap &&
			    before(wire, wire->heap[child], wire->heap[least]))
				least = child;
		if (least == at)
			return top;
		swap(&wire->heap[at], &wire->heap[least]);
		at = least;
	}
}

static bool
stripped(const struct wire *wire, uint8_t kind)
{
	return (kind == 8 && wire->params.strip_ts) || (kind == 4 && wire->params.strip_sack) ||
	       (kind == 3 && wire->params.strip_wscale);
}

static void
strip_options(const struct wire *wire, uint8_t *l4)
{
	uint32_t end = (l4[12] >> 4) * 4u;
	uint32_t i = 20;

	while (i < end && l4[i] != 0) {
		uint32_t len = l4[i] == 1 ? 1 : l4[i + 1];

		if (stripped(wire, l4[i]))
			memset(l4 + i, 1, len);
		i += len;
	}
}

static void
put_on(struct wire *wire, uint8_t to, const struct ks_tcp_segment *seg, uint64_t now_us)
{
	uint32_t id;
	struct wire_packet *pkt;

	if (wire->nfree == 0 || wire_below(&wire->rng, 1000) < wire->params.loss_1000) {
		wire->lost++;
		return;
	}
	id = wire->free[--wire->nfree];
	pkt = &wire->packets[id];
	pkt->bytes = (uint16_t)ks_tcp_segment_write(seg, pkt->l4, sizeof(pkt->l4));
	pkt->to = to;
	pkt->order = wire->order++;
	pkt->tuple = *seg->tuple;
	pkt->tuple.local = seg->tuple->remote;
	pkt->tuple.remote = seg->tuple->local;
	pkt->tuple.local_port = seg->tuple->remote_port;
	pkt->tuple.remote_port = seg->tuple->local_port;
	pkt->at_us = now_us + wire->params.delay_us;
	if (wire_below(&wire->rng, 1000) < wire->params.reorder_1000)
		pkt->at_us += wire_below(&wire->rng, wire->params.reorder_us);
	if (seg->flags & RTE_TCP_SYN_FLAG)
		strip_options(wire, pkt->l4);
	wire->carried++;
	push(wire, id);
}

void
wire_send(struct wire *wire, uint8_t to, const struct ks_tcp_segment *seg, uint64_t now_us)
{
	put_on(wire, to, seg, now_us);
	if (wire_below(&wire->rng, 1000) < wire->params.duplicate_1000)
		put_on(wire, to, seg, now_us);
}

uint64_t
wire_next_us(const struct wire *wire)
{
	return wire->nheap == 0 ? UINT64_MAX : wire->packets[wire->heap[0]].at_us;
}

const struct wire_packet *
wire_receive(struct wire *wire, uint64_t now_us)
{
	uint32_t id;

	if (wire->nheap == 0 || wire->packets[wire->heap[0]].at_us > now_us)
		return NULL;
	id = pop(wire);
	/* Freed at once: nothing is sent before the receiver has read it. */
	wire->free[wire->nfree++] = id;
	return &wire->packets[id];
}
