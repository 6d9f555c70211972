/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP: one stack per owner, pure logic. Packets, calls and `now` come in; segments leave through one
 * function, what happened is read as events. RFC 9293; 7323 scale and timestamps; 2018/6675 SACK;
 * 6298 RTO; 5681 NewReno and 9438 CUBIC; 5961 challenge ACK; 6528 initial sequence numbers.
 *
 * Memory: everything is taken at creation; queues live in chunks of one pool, so a stack under
 * pressure drops at the wire (window closes), never in the middle of a stream.
 * Thread: the owner alone.
 */
#ifndef KS_TCP_H
#define KS_TCP_H

#include "ks_addr.h"
#include "ks_chain.h"
#include "ks_counter.h"
#include "ks_hash.h"
#include "ks_timer.h"

struct ks_tcp_stack;
struct ks_tcp_conn;

/** A segment on its way out. Valid during the call only. */
struct ks_tcp_segment {
	const struct ks_tuple *tuple; /**< local is the source */
	uint32_t seq;
	uint32_t ack;
	uint16_t wnd;      /**< as on the wire, already scaled */
	uint8_t flags;     /**< RTE_TCP_*_FLAG */
	uint8_t opt_bytes; /**< multiple of 4, at most 40 */
	uint8_t opt[40];
	const struct ks_chunk *chunk; /**< payload: starts at chunk->data + chunk_off, */
	uint32_t chunk_off;           /**< goes on over chunk->next, */
	uint16_t len;                 /**< this many bytes */
};

/** Sends a segment. Anything but 0 counts as loss on the wire; the stack recovers by itself. */
typedef int (*ks_tcp_emit_fn)(void *arg, const struct ks_tcp_segment *seg);

/** Writes TCP header, options and payload, checksum field 0. @return bytes, or -E2BIG over cap. */
int ks_tcp_segment_write(const struct ks_tcp_segment *seg, uint8_t *l4, size_t cap);

/** A segment that came in. `l4` was checked: length, data offset and checksum are right. */
struct ks_tcp_packet {
	const struct ks_tuple *tuple; /**< local is us */
	const uint8_t *l4;
	uint16_t l4_bytes;
	uint8_t ecn;
};

enum ks_tcp_cc { KS_TCP_CC_CUBIC, KS_TCP_CC_NEWRENO };

struct ks_tcp_params {
	uint32_t max_conns;      /**< connections of all states but the two below */
	uint32_t max_half_open;  /**< SYN-RECEIVED entries, kept apart and small */
	uint32_t max_time_wait;  /**< TIME-WAIT entries, kept apart and small */
	uint32_t max_listeners;
	uint32_t rcv_buf_bytes;  /**< receive window offered at most, 4 KiB–64 MiB; 0: 256 KiB */
	uint32_t snd_buf_bytes;  /**< unsent and unacknowledged bytes at most, likewise */
	uint16_t mss;            /**< what we offer; 0: 1460 */
	enum ks_tcp_cc cc;
	uint32_t msl_ms;         /**< 0: 15 000 (TIME-WAIT lasts twice that) */
	uint32_t keepalive_ms;   /**< idle time before probes; 0: off, at least 1 000; then eight
				      probes, at most 15 s apart */
	uint32_t user_timeout_ms; /**< unacknowledged data and SYNs (RFC 5482); 0: 60 000 */
	struct ks_pool *chunks;  /**< borrowed; shared with the other rooms of this owner */
	struct ks_timer_wheel *wheel; /**< borrowed; the owner advances it */
	struct ks_hash_key key;  /**< secret for sequence numbers and look-up */
	ks_tcp_emit_fn emit;
	void *emit_arg;
};

/** @return NULL with errno set. */
struct ks_tcp_stack *ks_tcp_stack_create(const struct ks_tcp_params *params);
/** Sends nothing; frees all. */
void ks_tcp_stack_destroy(struct ks_tcp_stack *stack);

/** Accepts connections to `local` on any interface (all-zero address: any address).
 *  `service` is what ks_tcp_service() tells of them. @return 0, -ENOSPC, -EEXIST. */
int ks_tcp_listen(struct ks_tcp_stack *stack, const struct ks_endpoint *local, void *service);

/**
 * Active open. The tuple must be unused. KS_TCP_EV_CONNECTED or KS_TCP_EV_CLOSED follows.
 * @return NULL when no connection can be had or the tuple is in use (errno ENOBUFS, EADDRINUSE).
 */
struct ks_tcp_conn *ks_tcp_connect(struct ks_tcp_stack *stack, const struct ks_tuple *tuple,
				   void *user, const struct ks_now *now);

void ks_tcp_input(struct ks_tcp_stack *stack, const struct ks_tcp_packet *pkt,
		  const struct ks_now *now);
/** The same for `n` packets in order, whose flows are fetched from memory together: what a burst
 *  should come in by when there are more flows than fit into the caches. */
void ks_tcp_input_burst(struct ks_tcp_stack *stack, const struct ks_tcp_packet *pkts, uint32_t n,
			const struct ks_now *now);
/** Sends what the turn has made due: data, delayed and piggybacked ACKs. Once at the end of a turn. */
void ks_tcp_flush(struct ks_tcp_stack *stack, const struct ks_now *now);

enum ks_tcp_event {
	KS_TCP_EV_ACCEPTED = 1 << 0,  /**< passive open is established; set the user pointer */
	KS_TCP_EV_CONNECTED = 1 << 1, /**< active open is established */
	KS_TCP_EV_READABLE = 1 << 2,  /**< new bytes in ks_tcp_rx() */
	/** Half of the send buffer is free again, after ks_tcp_send() had not taken all or had left
	 *  less than that. */
	KS_TCP_EV_WRITABLE = 1 << 3,
	KS_TCP_EV_EOF = 1 << 4,       /**< peer's FIN is in order; nothing more will be read */
	KS_TCP_EV_CLOSED = 1 << 5,    /**< dead: reset, timed out or fully closed; see ks_tcp_error() */
};
/**
 * Next connection with something to tell; each connection is told at most once per change.
 * After EV_CLOSED the owner must ks_tcp_release() it. @return NULL when there is no more.
 */
struct ks_tcp_conn *ks_tcp_event_next(struct ks_tcp_stack *stack, uint32_t *events);

void ks_tcp_user_set(struct ks_tcp_conn *conn, void *user);
void *ks_tcp_user(const struct ks_tcp_conn *conn);
void *ks_tcp_service(const struct ks_tcp_conn *conn);
const struct ks_tuple *ks_tcp_tuple(const struct ks_tcp_conn *conn);
/** Why EV_CLOSED: 0 closed both ways in order, ECONNRESET, ECONNREFUSED, ETIMEDOUT, ECONNABORTED. */
int ks_tcp_error(const struct ks_tcp_conn *conn);

/** Bytes in order. The owner consumes from it, then calls ks_tcp_rx_done(). */
struct ks_chain *ks_tcp_rx(struct ks_tcp_conn *conn);
/** Offers the freed window (RFC 9293 section 3.8.6.2.2 silly window rules apply). */
void ks_tcp_rx_done(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn);

/** Bytes that ks_tcp_send() takes now. */
uint32_t ks_tcp_tx_room(const struct ks_tcp_conn *conn);
/** Bytes sent or queued and not yet acknowledged. */
uint32_t ks_tcp_tx_pending(const struct ks_tcp_conn *conn);
/** Moves bytes (as many as there is room for) from `data` to the send queue; allowed before the
 *  connection is established. @return bytes taken, -EPIPE after shutdown or death. */
int ks_tcp_send(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn, struct ks_chain *data);
/** FIN after what is queued; reading goes on. */
void ks_tcp_shutdown(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn);
/** RST now; EV_CLOSED does not follow; the pointer dies. */
void ks_tcp_abort(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn);
/**
 * The owner wants no more of it: the pointer dies. What is queued is still sent, then FIN. Input is
 * thrown away, and where there is or comes some the end is a RST instead, as soon as the peer has
 * acknowledged what was queued (RFC 9293 section 3.6, RFC 2525 section 2.17). It is over within four
 * user time-outs, and two segment lifetimes after our FIN was acknowledged; at most a quarter of
 * max_conns (and 16) may be in that state, more are reset at once.
 */
void ks_tcp_release(struct ks_tcp_stack *stack, struct ks_tcp_conn *conn);

/** X-macro rows (ID, name, help) are in tcp's own table. */
#include "ks_tcp_counters.h"
const uint64_t *ks_tcp_counters(const struct ks_tcp_stack *stack);

struct ks_tcp_stats {
	uint32_t conns, half_open, time_wait; /**< now */
	uint32_t max_conns, max_half_open, max_time_wait;
	uint32_t conn_bytes; /**< size of one connection's state, without queued bytes */
};
void ks_tcp_stats_get(const struct ks_tcp_stack *stack, struct ks_tcp_stats *out);

#endif
