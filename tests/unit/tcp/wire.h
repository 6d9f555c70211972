/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seeded virtual wire between two stacks: loses, delays, reorders, duplicates, and strips options
 * from SYNs as some middleboxes do. What is corrupted never arrives: checksums are `net`'s work.
 */
#ifndef KS_TEST_TCP_WIRE_H
#define KS_TEST_TCP_WIRE_H

#include "ks_tcp.h"

#define WIRE_PACKETS 4096u
#define WIRE_MTU 2048u

struct wire_params {
	uint32_t loss_1000; /* of a thousand */
	uint32_t duplicate_1000;
	uint32_t reorder_1000; /* these take up to reorder_us longer */
	uint32_t reorder_us;
	uint32_t delay_us;
	bool strip_ts, strip_sack, strip_wscale;
};

struct wire_packet {
	uint64_t at_us;
	uint64_t order;	       /* of two with one time the first sent goes first */
	struct ks_tuple tuple; /* as the receiver sees it */
	uint16_t bytes;
	uint8_t to;
	uint8_t l4[WIRE_MTU];
};

struct wire {
	struct wire_params params;
	uint64_t rng;
	uint64_t order;
	uint64_t lost, carried;
	uint32_t nheap, nfree;
	struct wire_packet *packets;
	uint32_t heap[WIRE_PACKETS];
	uint32_t free[WIRE_PACKETS];
};

uint64_t wire_random(uint64_t *rng);
uint32_t wire_below(uint64_t *rng, uint32_t n);
void wire_init(struct wire *wire, struct wire_packet *packets, uint64_t seed);
/* Takes a segment that goes to end `to` (0 or 1). */
void wire_send(struct wire *wire, uint8_t to, const struct ks_tcp_segment *seg, uint64_t now_us);
uint64_t wire_next_us(const struct wire *wire);
/* What is due by `now_us`; NULL when nothing is. Valid until the next call. */
const struct wire_packet *wire_receive(struct wire *wire, uint64_t now_us);

#endif
