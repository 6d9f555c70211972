/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "rig.h"

#define START_US 1000000000ull /* SCRIPT_START_US too */

uint8_t
rig_pattern(uint32_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8) * 13);
}

void
rig_tuple(struct ks_tuple *tuple, uint16_t remote_port)
{
	*tuple = (struct ks_tuple){
		.local_port = rte_cpu_to_be_16(443),
		.remote_port = rte_cpu_to_be_16(remote_port),
	};
	memcpy(tuple->local.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x62\0\x02", 16);
	memcpy(tuple->remote.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x62\0\x0a", 16);
}

/* Through ks_tcp_segment_write() and back, so that the writer is under test too. */
static int
rig_emit(void *arg, const struct ks_tcp_segment *seg)
{
	struct rig *rig = arg;
	struct rig_segment *out = &rig->out[rig->tail % RIG_QUEUE];
	uint8_t l4[60 + RIG_PAYLOAD_MAX];
	int n = ks_tcp_segment_write(seg, l4, sizeof(l4));

	if (n < 0 || rig->tail - rig->head == RIG_QUEUE) {
		rig->overflow++;
		return -1;
	}
	rig->tail++;
	out->at_us = rig->now.mono_us;
	out->remote_port = (uint16_t)(l4[2] << 8 | l4[3]);
	out->seq = (uint32_t)l4[4] << 24 | l4[5] << 16 | l4[6] << 8 | l4[7];
	out->ack = (uint32_t)l4[8] << 24 | l4[9] << 16 | l4[10] << 8 | l4[11];
	out->opt_bytes = (uint8_t)((l4[12] >> 4) * 4 - 20);
	out->flags = l4[13];
	out->wnd = (uint16_t)(l4[14] << 8 | l4[15]);
	memcpy(out->opt, l4 + 20, out->opt_bytes);
	out->len = (uint16_t)(n - 20 - out->opt_bytes);
	memcpy(out->payload, l4 + 20 + out->opt_bytes, out->len);
	return rig->no_wire ? -1 : 0;
}

static bool
rig_fail(void *arg)
{
	const struct rig *rig = arg;

	return rig->no_memory && ks_pool_free_count(rig->chunks) <= rig->spare;
}

void
rig_memory(struct rig *rig, bool none, bool given_back)
{
	rig->no_memory = none || given_back;
	rig->spare = none ? UINT32_MAX : ks_pool_free_count(rig->chunks);
}

void
rig_defaults(struct rig *rig)
{
	*rig = (struct rig){.nchunks = 512};
	rig->params = (struct ks_tcp_params){
		.max_conns = 8,
		.max_half_open = 4,
		.max_time_wait = 4,
		.max_listeners = 2,
		.mss = 1460,
		.cc = KS_TCP_CC_NEWRENO,
		.key = {"0123456789abcdef"},
	};
}

int
rig_start(struct rig *rig)
{
	rig->now = (struct ks_now){.mono_us = START_US, .wall_s = 1};
	rig->out = calloc(RIG_QUEUE, sizeof(*rig->out));
	rig->chunks = ks_chunk_pool_create("rig", rig->nchunks);
	rig->params.wheel = ks_timer_wheel_create(START_US);
	if (rig->out == NULL || rig->chunks == NULL || rig->params.wheel == NULL)
		return -1;
	ks_pool_fail_set(rig->chunks, rig_fail, rig);
	rig->params.chunks = rig->chunks;
	rig->params.emit = rig_emit;
	rig->params.emit_arg = rig;
	rig->stack = ks_tcp_stack_create(&rig->params);
	return rig->stack == NULL ? -1 : 0;
}

uint32_t
rig_stop(struct rig *rig)
{
	struct ks_pool_stats stats;

	ks_tcp_stack_destroy(rig->stack);
	ks_pool_stats_get(rig->chunks, &stats);
	if (ks_timer_wheel_next_us(rig->params.wheel) != UINT64_MAX)
		stats.used++;
	ks_pool_destroy(rig->chunks);
	ks_timer_wheel_destroy(rig->params.wheel);
	free(rig->out);
	return stats.used;
}

void
rig_flush(struct rig *rig)
{
	ks_tcp_flush(rig->stack, &rig->now);
}

void
rig_advance(struct rig *rig, uint64_t to_us, bool stop_at_segment)
{
	to_us += START_US;
	while (rig->now.mono_us < to_us) {
		uint64_t next_us = rig->now.mono_us / 1000 * 1000 + 1000;

		if (stop_at_segment && rig->tail != rig->head)
			return;
		rig->now.mono_us = KS_MIN(next_us, to_us);
		ks_timer_wheel_advance(rig->params.wheel, rig->now.mono_us, 1000);
		rig_flush(rig);
	}
}

void
rig_input(struct rig *rig, uint16_t remote_port, const void *l4, uint16_t l4_bytes)
{
	struct ks_tuple tuple;
	uint8_t *copy = malloc(l4_bytes);

	/* Exactly as large as it is, so that a read beyond the end is seen. */
	memcpy(copy, l4, l4_bytes);
	rig_tuple(&tuple, remote_port);
	ks_tcp_input(rig->stack,
		     &(struct ks_tcp_packet){.tuple = &tuple, .l4 = copy, .l4_bytes = l4_bytes},
		     &rig->now);
	free(copy);
}

struct rig_segment *
rig_first(struct rig *rig)
{
	return rig->head == rig->tail ? NULL : &rig->out[rig->head % RIG_QUEUE];
}

void
rig_pop(struct rig *rig)
{
	rig->head++;
}
