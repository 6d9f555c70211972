/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stack on a virtual clock, and what it has sent, as plain records. For scripts.
 */
#ifndef KS_TEST_TCP_RIG_H
#define KS_TEST_TCP_RIG_H

#include "ks_tcp.h"

#define RIG_QUEUE 1024u
#define RIG_PAYLOAD_MAX 2048u
#define RIG_PEERS 8u

struct rig_segment {
	uint64_t at_us;
	uint32_t seq;
	uint32_t ack;
	uint16_t remote_port; /* host order */
	uint16_t wnd;
	uint8_t flags;
	uint8_t opt_bytes;
	uint16_t len;
	uint8_t opt[40];
	uint8_t payload[RIG_PAYLOAD_MAX];
};

struct rig {
	struct ks_tcp_params params;
	uint32_t nchunks;
	struct ks_tcp_stack *stack;
	struct ks_pool *chunks;
	struct ks_now now;
	bool no_memory; /* the chunk pool answers "empty" */
	uint32_t spare; /* with no_memory: free chunks above which it does not */
	bool no_wire;	/* emit fails */
	struct rig_segment *out;
	uint32_t head, tail;
	uint32_t overflow;
};

/* Fills params with the defaults that scripts start from. */
void rig_defaults(struct rig *rig);
int rig_start(struct rig *rig);
/* Stops the stack. @return chunks that have leaked. */
uint32_t rig_stop(struct rig *rig);
/* Lets time pass in steps of a millisecond, each a turn, until `to_us` or until something was sent.
 */
void rig_advance(struct rig *rig, uint64_t to_us, bool stop_at_segment);
/* `none`: no chunk can be had; `given_back`: only such as are given back from now on. */
void rig_memory(struct rig *rig, bool none, bool given_back);
void rig_flush(struct rig *rig);
void rig_tuple(struct ks_tuple *tuple, uint16_t remote_port);
void rig_input(struct rig *rig, uint16_t remote_port, const void *l4, uint16_t l4_bytes);
struct rig_segment *rig_first(struct rig *rig);
void rig_pop(struct rig *rig);
/* Byte at an offset of any stream, both directions. */
uint8_t rig_pattern(uint32_t offset);

#endif
