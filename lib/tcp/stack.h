/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack: its tables, pools, listeners and what is shared by all of its connections.
 * Thread: the owner.
 */
#ifndef KS_TCP_STACK_H
#define KS_TCP_STACK_H

#include "conn.h"

/* ---- flow.c: one table for all three kinds of flow ---- */
enum ks_tcp_kind {
	KS_TCP_KIND_NONE,
	KS_TCP_KIND_CONN,
	KS_TCP_KIND_HALF_OPEN,
	KS_TCP_KIND_TIME_WAIT
};

/** What every object in the table begins with. */
struct ks_tcp_flow {
	struct ks_tuple tuple;
	uint32_t hash;
};

_Static_assert(offsetof(struct ks_tcp_conn, hash) == offsetof(struct ks_tcp_flow, hash), "prefix");

struct ks_tcp_flow_table {
	uint64_t *slots;
	uint32_t mask;
	uint64_t seed;
};

int ks_tcp_flow_init(struct ks_tcp_flow_table *table, uint32_t max_flows, uint64_t seed);
void ks_tcp_flow_fini(struct ks_tcp_flow_table *table);
uint64_t ks_tcp_flow_hash(const struct ks_tcp_flow_table *table, const struct ks_tuple *tuple);
void *ks_tcp_flow_find(const struct ks_tcp_flow_table *table, const struct ks_tuple *tuple,
		       uint64_t hash, enum ks_tcp_kind *kind);
/** The two steps of fetching a flow ahead of its look-up: some instructions apart. */
void ks_tcp_flow_prefetch_slot(const struct ks_tcp_flow_table *table, uint64_t hash);
void ks_tcp_flow_prefetch(const struct ks_tcp_flow_table *table, uint64_t hash);
/** `obj` begins with a struct ks_tcp_flow. @return 0, -ENOSPC where too many flows crowd. */
int ks_tcp_flow_add(struct ks_tcp_flow_table *table, void *obj, enum ks_tcp_kind kind);
/** Puts `obj` in the place of `old`; both have the same tuple. */
void ks_tcp_flow_swap(struct ks_tcp_flow_table *table, const void *old, void *obj,
		      enum ks_tcp_kind kind);
void ks_tcp_flow_del(struct ks_tcp_flow_table *table, const void *obj);
/** Calls `fn` for every object of one kind; `fn` must not change the table. */
void ks_tcp_flow_each(const struct ks_tcp_flow_table *table, enum ks_tcp_kind kind,
		      void (*fn)(void *obj));

/* ---- listen.c, half_open.c, timewait.c ---- */
struct ks_tcp_listener {
	struct ks_endpoint local;
	void *service;
};

/** SYN-RECEIVED of a passive open (RFC 4987 section 3.4: small, apart, bounded). */
struct ks_tcp_half_open {
	struct ks_tuple tuple;
	uint32_t hash;
	struct ks_tcp_open open;
	uint32_t sent_us;
	uint32_t challenge_ms;
	uint8_t resent;
	void *service;
	struct ks_tcp_stack *stack;
	struct ks_timer timer;
};

struct ks_tcp_time_wait {
	struct ks_tuple tuple;
	uint32_t hash;
	uint32_t snd_nxt;
	uint32_t rcv_nxt;
	uint32_t ts_recent;
	uint32_t ts_off;
	uint32_t due_ms;
	uint32_t answered_ms;
	uint16_t wnd; /**< as last offered, scaled */
	bool ts_ok;
	TAILQ_ENTRY(ks_tcp_time_wait) link;
};
TAILQ_HEAD(ks_tcp_time_wait_list, ks_tcp_time_wait);

_Static_assert(offsetof(struct ks_tcp_half_open, hash) == offsetof(struct ks_tcp_flow, hash), "p");
_Static_assert(offsetof(struct ks_tcp_time_wait, hash) == offsetof(struct ks_tcp_flow, hash), "p");
_Static_assert(sizeof(struct ks_tcp_half_open) <= 192, "small");
_Static_assert(sizeof(struct ks_tcp_time_wait) <= 128, "small");

struct ks_tcp_stack {
	uint64_t now_us;
	uint32_t now_ms;
	uint32_t rcv_buf;
	uint32_t snd_buf;
	uint16_t mss;
	uint8_t rcv_wscale;
	uint32_t chunks_low; /**< so few free chunks: no new window, nothing out of order */
	struct ks_pool *chunks;
	struct ks_timer_wheel *wheel;
	const struct ks_tcp_cc_ops *cc;
	ks_tcp_emit_fn emit;
	void *emit_arg;
	struct ks_tcp_conn_list dirty;
	struct ks_tcp_conn_list events;
	struct ks_tcp_conn_list dead; /**< CLOSED, not released; by dirty_link */
	struct ks_tcp_flow_table flows;
	struct ks_pool *conns;
	struct ks_pool *half_open;
	struct ks_pool *time_wait;
	struct ks_tcp_time_wait_list time_wait_list; /**< next to expire first */
	struct ks_timer time_wait_timer;
	struct ks_tcp_listener *listeners;
	uint32_t nlisteners;
	uint32_t max_listeners;
	uint32_t orphans;
	uint32_t max_orphans;
	uint32_t msl2_ms;
	uint32_t keepalive_ms;
	uint32_t user_timeout_ms;
	struct ks_hash_key key;
	struct ks_tcp_stats limits; /**< only the max_* of it */
	uint64_t counters[KS_TCP_COUNTER_MAX];
};

static inline void
ks_tcp_count(struct ks_tcp_stack *stack, enum ks_tcp_counter id)
{
	ks_count(&stack->counters[id]);
}

static inline void
ks_tcp_time(struct ks_tcp_stack *stack, uint64_t now_us)
{
	stack->now_us = now_us;
	stack->now_ms = (uint32_t)(now_us / 1000);
}

static inline uint32_t
ks_tcp_ts_now(const struct ks_tcp_stack *stack, uint32_t ts_off)
{
	return stack->now_ms + ts_off;
}

/** RFC 7323 section 4.3: only from a segment that begins no later than our last ACK. */
static inline void
ks_tcp_take_timestamp(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg, uint32_t seq)
{
	if (!seg->has_ts || seq_gt(seq, conn->rcv_acked))
		return;
	conn->ts_recent = seg->tsval;
	conn->ts_recent_ms = conn->stack->now_ms;
}

/** RFC 6528 number and RFC 7323 clock offset of a flow, both from the secret. */
void ks_tcp_secrets(const struct ks_tcp_stack *stack, const struct ks_tuple *tuple, uint32_t *iss,
		    uint32_t *ts_off);

int ks_tcp_emit(struct ks_tcp_stack *stack, const struct ks_tcp_segment *seg);
/** RST for a segment that belongs to nothing (RFC 9293 section 3.10.7.1). */
void ks_tcp_send_rst_for(struct ks_tcp_stack *stack, const struct ks_tcp_seg *seg);

const struct ks_tcp_listener *ks_tcp_listener_find(const struct ks_tcp_stack *stack,
						   const struct ks_tuple *tuple);
/** A SYN to a listener; the new sequence number is to lie beyond `*after` where that is given. */
void ks_tcp_half_open_syn(struct ks_tcp_stack *stack, const struct ks_tcp_seg *seg,
			  const struct ks_tcp_listener *listener, const uint32_t *after);
void ks_tcp_half_open_input(struct ks_tcp_stack *stack, struct ks_tcp_half_open *half,
			    struct ks_tcp_seg *seg);
void ks_tcp_time_wait_enter(struct ks_tcp_conn *conn);
void ks_tcp_time_wait_input(struct ks_tcp_stack *stack, struct ks_tcp_time_wait *tw,
			    const struct ks_tcp_seg *seg);
void ks_tcp_time_wait_init(struct ks_tcp_stack *stack);
void ks_tcp_input_listen(struct ks_tcp_stack *stack, const struct ks_tcp_seg *seg,
			 const uint32_t *after);

#endif
