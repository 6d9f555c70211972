/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's state and what the files of this room call of each other on it.
 *
 * Order of the members is by use: the first two lines are all that header prediction reads.
 * Thread: the owner of the stack.
 */
#ifndef KS_TCP_CONN_H
#define KS_TCP_CONN_H

#include <sys/queue.h>

#include "cc.h"
#include "seg.h"

/* LISTEN, passive SYN-RECEIVED and TIME-WAIT have tables of their own and never a connection. */
enum ks_tcp_state {
	KS_TCP_CLOSED, /**< dead; waits for its owner to release it */
	KS_TCP_SYN_SENT,
	KS_TCP_SYN_RCVD, /**< simultaneous open only */
	KS_TCP_ESTABLISHED,
	KS_TCP_FIN_WAIT_1,
	KS_TCP_FIN_WAIT_2,
	KS_TCP_CLOSE_WAIT,
	KS_TCP_CLOSING,
	KS_TCP_LAST_ACK,
};

enum ks_tcp_conn_flag {
	KS_TCP_F_TS = 1 << 0,	      /**< timestamps agreed */
	KS_TCP_F_SACK = 1 << 1,	      /**< SACK agreed */
	KS_TCP_F_DIRTY = 1 << 2,      /**< in the list for ks_tcp_flush() */
	KS_TCP_F_EVENT = 1 << 3,      /**< in the list for ks_tcp_event_next() */
	KS_TCP_F_ACK_NOW = 1 << 4,    /**< the next flush acknowledges */
	KS_TCP_F_FIN_QUEUED = 1 << 5, /**< owner wants no more to be sent after the queue */
	KS_TCP_F_FIN_SENT = 1 << 6,
	KS_TCP_F_FIN_RCVD = 1 << 7,	 /**< peer's FIN was in order */
	KS_TCP_F_FIN_AHEAD = 1 << 8,	 /**< peer's FIN came out of order, at rcv_fin */
	KS_TCP_F_OOO = 1 << 9,		 /**< reassembly holds something */
	KS_TCP_F_LOSS = 1 << 10,	 /**< scoreboard or count of duplicate ACKs is in use */
	KS_TCP_F_RECOVERY = 1 << 11,	 /**< fast recovery until snd_una reaches `recover` */
	KS_TCP_F_RTO = 1 << 12,		 /**< after a time-out, until snd_una reaches `recover` */
	KS_TCP_F_RTX_ONE = 1 << 13,	 /**< one retransmission is due whatever cwnd says */
	KS_TCP_F_RESCUED = 1 << 14,	 /**< rescue retransmission was used in this recovery */
	KS_TCP_F_PERSIST = 1 << 15,	 /**< window is closed (or silly): probes instead of RTO */
	KS_TCP_F_TX_SHORT = 1 << 16,	 /**< owner waits for room */
	KS_TCP_F_CWND_LIMITED = 1 << 17, /**< cwnd, not the owner, held the last flush back */
	KS_TCP_F_RTT_TIMING = 1 << 18,	 /**< rtt_seq is being timed */
	KS_TCP_F_ORPHAN = 1 << 19,	 /**< has no owner any more */
	KS_TCP_F_INPUT_LOST = 1 << 20,	 /**< orphan threw bytes away: ends with RST, not FIN */
	KS_TCP_F_SYN_AGAIN = 1 << 21,	 /**< SYN or SYN-ACK was retransmitted */
	KS_TCP_F_SWS_OVERRIDE = 1 << 22, /**< waited long enough: send what the window takes */
};

/* Anything of this sends a segment to the slow path. */
#define KS_TCP_F_SLOW                                                                             \
	(KS_TCP_F_OOO | KS_TCP_F_LOSS | KS_TCP_F_PERSIST | KS_TCP_F_ORPHAN | KS_TCP_F_FIN_AHEAD | \
	 KS_TCP_F_FIN_SENT | KS_TCP_F_RECOVERY | KS_TCP_F_RTO)

/* What the one wheel timer of a connection can be waiting for. */
enum ks_tcp_due {
	KS_TCP_DUE_RTX, /**< retransmission, or with F_PERSIST the window probe */
	KS_TCP_DUE_DELACK,
	KS_TCP_DUE_KEEPALIVE,
	KS_TCP_DUE_LIFE, /**< end of an orphan */
	KS_TCP_DUE_MAX
};

/**
 * Scoreboard entry (RFC 6675 section 2): bytes from `seq` to the next entry, or to snd_nxt, have
 * these flags in common. Entries cover all of snd_una … snd_nxt without a gap.
 */
struct ks_tcp_run {
	uint32_t seq;
	uint32_t flags; /**< KS_TCP_RUN_* */
};

#define KS_TCP_RUN_SACKED 1u
#define KS_TCP_RUN_LOST 2u
#define KS_TCP_RUN_RTX 4u /* sent again since it was found lost */

#define KS_TCP_RUNS_INLINE 8u
#define KS_TCP_RUNS_CHUNK (KS_CHUNK_BYTES / sizeof(struct ks_tcp_run))

struct ks_tcp_conn {
	/* Line 0: look-up and state. */
	struct ks_tuple tuple;
	uint32_t hash;
	uint8_t state;
	uint8_t snd_wscale; /**< shift for the peer's windows */
	uint8_t rcv_wscale;
	uint8_t events; /**< not yet told */
	uint32_t flags;
	uint32_t rcv_nxt;
	uint32_t snd_una;
	uint32_t snd_nxt;

	/* Line 1: receiving. */
	struct ks_chain rx;
	uint32_t rcv_adv;   /**< right edge of the window that was offered */
	uint32_t rcv_acked; /**< RFC 7323 Last.ACK.sent */
	uint32_t ts_recent;
	uint32_t ts_recent_ms;
	uint32_t snd_wnd;
	uint32_t last_in_ms;  /**< last acceptable segment */
	uint8_t unacked_segs; /**< data segments since our last ACK */
	uint8_t dupacks;
	uint8_t backoff;     /**< doublings of RTO or probe interval */
	uint8_t keep_probes; /**< unanswered */
	uint16_t mss;	     /**< payload of a full segment beside the timestamp option */
	uint16_t nruns;

	/* Line 2: sending. */
	struct ks_chain tx;	 /**< first byte is snd_una */
	struct ks_chunk *cursor; /**< where snd_nxt is; NULL: to be found */
	uint32_t cursor_off;
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t snd_max; /**< highest sequence ever sent: beyond snd_nxt by a window probe only */
	uint32_t snd_wl1;
	uint32_t snd_wl2;

	/* Line 3: round trip, retransmission, control. */
	struct ks_tcp_stack *stack;
	struct ks_timer timer;
	uint32_t timer_ms; /**< when the wheel will fire; meaning only while pending */
	uint32_t due_ms[KS_TCP_DUE_MAX];
	uint8_t due_mask;
	uint8_t error; /**< for ks_tcp_error() */
	uint16_t runs_cap;
	uint32_t srtt_us;
	uint32_t rttvar_us;
	uint32_t rto_ms; /**< before backoff */
	uint32_t rtt_seq;
	uint32_t rtt_start_us;
	uint32_t last_out_ms;
	uint32_t rtx_ms; /**< last retransmission or probe */
	uint32_t una_ms; /**< snd_una moved, or something came into flight */
	uint32_t ts_off;

	/* Rare: lists, owner, loss. */
	TAILQ_ENTRY(ks_tcp_conn) dirty_link;
	TAILQ_ENTRY(ks_tcp_conn) event_link;
	void *user;
	void *service;
	union ks_tcp_cc_state cc;
	uint32_t recover;     /**< RFC 6582 recover, RFC 6675 RecoveryPoint */
	uint32_t snd_wnd_max; /**< RFC 5961 section 5 and silly window avoidance */
	uint32_t iss;
	uint32_t rcv_fin;	   /**< sequence of the peer's FIN, with F_FIN_AHEAD */
	struct ks_chunk *ooo_head; /**< see reass.c */
	struct ks_chunk *ooo_tail;
	uint16_t ooo_chunks;
	uint8_t nsack;
	struct ks_tcp_range sack[KS_TCP_SACK_BLOCKS]; /**< to be reported, latest first */
	uint32_t challenge_ms;			      /**< last challenge ACK */
	uint32_t oow_ms;	     /**< last answer to an empty segment out of the window */
	struct ks_chunk *runs_chunk; /**< scoreboard when it outgrew `runs_inline` */
	struct ks_tcp_run runs_inline[KS_TCP_RUNS_INLINE];
};

_Static_assert(offsetof(struct ks_tcp_conn, rx) == 64, "line 0");
_Static_assert(offsetof(struct ks_tcp_conn, tx) == 128, "line 1");
_Static_assert(offsetof(struct ks_tcp_conn, stack) == 192, "line 2");
_Static_assert(sizeof(struct ks_tcp_conn) <= 640, "budget of a connection");

struct ks_tcp_half_open;

TAILQ_HEAD(ks_tcp_conn_list, ks_tcp_conn);

/** What both ends have agreed on while opening. */
struct ks_tcp_open {
	uint32_t iss;
	uint32_t irs;
	uint32_t ts_off;
	uint32_t ts_recent;
	uint16_t mss; /**< as the peer said, or 0 */
	uint8_t snd_wscale;
	bool wscale_ok;
	bool ts_ok;
	bool sack_ok;
};

#define KS_TCP_RTO_INITIAL_MS 1000u   /* RFC 6298 section 2.1 */
#define KS_TCP_RTO_SYN_AGAIN_MS 3000u /* section 5.7 */
#define KS_TCP_RTO_MIN_MS 200u
#define KS_TCP_RTO_MAX_MS 60000u
#define KS_TCP_DELACK_MS 40u
#define KS_TCP_CHALLENGE_MS 500u /* a connection's share of challenge ACKs */
#define KS_TCP_OOW_MS 100u	 /* its answers to empty segments out of the window */

/* ---- conn.c: life ---- */
/** CLOSED and in the flow table, there in the place of `half` unless that is NULL.
 *  @return NULL when there is no room. */
struct ks_tcp_conn *ks_tcp_conn_create(struct ks_tcp_stack *stack, const struct ks_tuple *tuple,
				       const struct ks_tcp_half_open *half);
/** Takes over what was agreed; from here on the connection has sequence numbers and a window. */
void ks_tcp_conn_opened(struct ks_tcp_conn *conn, const struct ks_tcp_open *open);
/** Protocol death: out of the tables, counted once under `end`. The owner is told; an orphan is
 *  freed at once and the pointer dies. */
void ks_tcp_conn_end(struct ks_tcp_conn *conn, enum ks_tcp_counter end, int error);
/** RST, then ks_tcp_conn_end(). */
void ks_tcp_conn_reset(struct ks_tcp_conn *conn, enum ks_tcp_counter end, int error);
/** Gives the memory of a CLOSED connection back. */
void ks_tcp_conn_free(struct ks_tcp_conn *conn);
/** Gives back what it has taken from outside: chunks and its place in the wheel. */
void ks_tcp_conn_clear(struct ks_tcp_conn *conn);

/* ---- event.c ---- */
void ks_tcp_event_post(struct ks_tcp_conn *conn, uint8_t events);
void ks_tcp_event_forget(struct ks_tcp_conn *conn);

/* ---- timer.c ---- */
void ks_tcp_timer_init(struct ks_tcp_conn *conn);
void ks_tcp_timer_stop(struct ks_tcp_conn *conn);
void ks_tcp_due_wheel(struct ks_tcp_conn *conn, uint32_t at_ms);
void ks_tcp_keepalive_start(struct ks_tcp_conn *conn);

/**
 * The wheel is touched only where its timer would fire too late. One that fires too early looks at
 * the deadlines and goes back to sleep, so that ACKs that push the retransmission out cost a store.
 */
static inline void
ks_tcp_due_set(struct ks_tcp_conn *conn, enum ks_tcp_due kind, uint32_t at_ms)
{
	conn->due_ms[kind] = at_ms;
	conn->due_mask |= (uint8_t)(1u << kind);
	if (ks_unlikely(!ks_timer_pending(&conn->timer) || seq_lt(at_ms, conn->timer_ms)))
		ks_tcp_due_wheel(conn, at_ms);
}

static inline void
ks_tcp_due_clear(struct ks_tcp_conn *conn, enum ks_tcp_due kind)
{
	conn->due_mask &= (uint8_t) ~(1u << kind);
}

static inline bool
ks_tcp_due_is_set(const struct ks_tcp_conn *conn, enum ks_tcp_due kind)
{
	return (conn->due_mask & 1u << kind) != 0;
}

/* ---- rto.c ---- */
void ks_tcp_rtt_sample(struct ks_tcp_conn *conn, uint32_t rtt_us);
/** Age of the timestamp that the segment echoes; false when there is none to believe. */
bool ks_tcp_rtt_echoed(const struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg,
		       uint32_t *rtt_ms);
/** Starts the retransmission timer anew (RFC 6298 section 5). */
void ks_tcp_rto_restart(struct ks_tcp_conn *conn);
/** The timer ran out. @return false when the connection has died. */
bool ks_tcp_rto_fire(struct ks_tcp_conn *conn);
/** Starts window probes where nothing else would ever make progress. */
void ks_tcp_persist_start(struct ks_tcp_conn *conn);
void ks_tcp_persist_stop(struct ks_tcp_conn *conn);

/* ---- ack.c ---- */
/** Acknowledgment of something new: snd_una < ack ≤ snd_max. */
void ks_tcp_ack_new(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg);
/** Window, SACK, duplicates, recovery. @return false when the segment must be dropped. */
bool ks_tcp_ack_slow(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg,
		     const struct ks_tcp_opts *opts);

/* ---- scoreboard.c ---- */
uint32_t ks_tcp_runs_sack(struct ks_tcp_conn *conn, const struct ks_tcp_opts *opts);
void ks_tcp_runs_ack(struct ks_tcp_conn *conn);
/** First sequence that RFC 6675 IsLost() does not hold for; snd_una when nothing is lost. */
uint32_t ks_tcp_runs_lost_edge(const struct ks_tcp_conn *conn);
void ks_tcp_runs_lose(struct ks_tcp_conn *conn, uint32_t start, uint32_t end);
void ks_tcp_runs_lose_all(struct ks_tcp_conn *conn);
/** Before snd_nxt moves on: new bytes start without marks. */
void ks_tcp_runs_extend(struct ks_tcp_conn *conn);
void ks_tcp_runs_sent_again(struct ks_tcp_conn *conn, uint32_t start, uint32_t end);
/** Was anything below this sequence sent again? */
bool ks_tcp_runs_sent_twice(const struct ks_tcp_conn *conn, uint32_t below);
/** Next to be sent again, cut to one segment. @return bytes, 0 when there is none. */
uint32_t ks_tcp_runs_next_lost(const struct ks_tcp_conn *conn, uint32_t *seq);
/** RFC 6675 NextSeg() rule 3: not known to be lost, but below something that has arrived. */
uint32_t ks_tcp_runs_next_hole(const struct ks_tcp_conn *conn, uint32_t *seq);
/** RFC 6675 NextSeg() rule 4: the last segment in flight. */
uint32_t ks_tcp_runs_last(const struct ks_tcp_conn *conn, uint32_t *seq);
uint32_t ks_tcp_runs_pipe(const struct ks_tcp_conn *conn);
/** A new phase: nothing is lost or sent again any more; what was SACKed stays. */
void ks_tcp_runs_calm(struct ks_tcp_conn *conn);
/** No byte in flight bears a mark. */
bool ks_tcp_runs_plain(const struct ks_tcp_conn *conn);
void ks_tcp_runs_reset(struct ks_tcp_conn *conn);

/* ---- recovery.c ---- */
/** After snd_una moved by `acked` bytes, or did not, or a duplicate came. */
void ks_tcp_recovery_ack(struct ks_tcp_conn *conn, uint32_t acked, bool dup);
/** The retransmission timer ran out: all in flight counts as lost. */
void ks_tcp_recovery_timeout(struct ks_tcp_conn *conn);
/** Bytes that count against cwnd. */
uint32_t ks_tcp_recovery_pipe(const struct ks_tcp_conn *conn);
/** Sends again what is lost, as cwnd allows. `*pipe` is kept. @return segments sent. */
uint32_t ks_tcp_recovery_output(struct ks_tcp_conn *conn, uint32_t *pipe);
/** Rules 3 and 4, when neither lost nor new bytes could be sent. */
uint32_t ks_tcp_recovery_output_last(struct ks_tcp_conn *conn, uint32_t pipe);

/* ---- reass.c ---- */
/** Keeps what came out of order. @return bytes kept: 0 when all was there, -ENOBUFS when the bounds
 *  let nothing in. */
int ks_tcp_reass_insert(struct ks_tcp_conn *conn, uint32_t seq, const uint8_t *data, uint32_t len);
/** Moves what has become in order to rx. @return bytes. */
uint32_t ks_tcp_reass_drain(struct ks_tcp_conn *conn);
/** Gives back the memory of what lies furthest ahead. @return false when there is nothing. */
bool ks_tcp_reass_give_last(struct ks_tcp_conn *conn);
void ks_tcp_reass_clear(struct ks_tcp_conn *conn);

/* ---- output.c ---- */
/** Retransmits up to one segment from `seq`; FIN included where it stands.
 *  @return sequence numbers sent: fewer than `len` where SACK blocks took room. */
uint32_t ks_tcp_output_again(struct ks_tcp_conn *conn, uint32_t seq, uint32_t len);
void ks_tcp_dirty_list(struct ks_tcp_conn *conn);

static inline void
ks_tcp_dirty(struct ks_tcp_conn *conn)
{
	if (!(conn->flags & KS_TCP_F_DIRTY))
		ks_tcp_dirty_list(conn);
}

/* ---- control.c: segments without data ---- */
/** Header, timestamp, SACK and window of a segment that acknowledges: after it no ACK is owed. */
void ks_tcp_segment_begin(struct ks_tcp_conn *conn, struct ks_tcp_segment *out, uint32_t seq,
			  uint8_t flags);
void ks_tcp_send_ack(struct ks_tcp_conn *conn);
void ks_tcp_send_syn(struct ks_tcp_conn *conn);
void ks_tcp_send_rst(struct ks_tcp_conn *conn);
/** RFC 5961 section 7: at most one in a while for a connection. */
void ks_tcp_send_challenge(struct ks_tcp_conn *conn);
/** One byte at snd_una into a closed window, or a FIN that stands there. */
void ks_tcp_send_probe(struct ks_tcp_conn *conn);
/** Segment below the window that makes the peer say where it stands. */
void ks_tcp_send_keepalive(struct ks_tcp_conn *conn);

/* ---- window.c ---- */
/** Window for the segment that is being made; moves rcv_adv. */
uint16_t ks_tcp_window_offer(struct ks_tcp_conn *conn);
/** After the owner has read: is an update worth a segment? */
bool ks_tcp_window_update_due(const struct ks_tcp_conn *conn);

/* ---- input_slow.c ---- */
void ks_tcp_input_slow(struct ks_tcp_conn *conn, struct ks_tcp_seg *seg);

/* ---- opening.c ---- */
/** SYN-SENT. */
void ks_tcp_input_syn_sent(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg,
			   const struct ks_tcp_opts *opts);
/** SYN-RECEIVED after a simultaneous open. @return false when the segment must be dropped. */
bool ks_tcp_input_syn_rcvd(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg);
/** First round trip, or the consequences of a SYN sent twice. `sent_us`: low bits of the time. */
void ks_tcp_opening_rtt(struct ks_tcp_conn *conn, const struct ks_tcp_seg *seg, uint32_t sent_us,
			bool sent_again);

static inline uint32_t
ks_tcp_in_flight(const struct ks_tcp_conn *conn)
{
	return conn->snd_nxt - conn->snd_una;
}

/** Bytes queued and never sent. */
static inline uint32_t
ks_tcp_unsent(const struct ks_tcp_conn *conn)
{
	if (conn->flags & KS_TCP_F_FIN_SENT)
		return 0;
	return conn->tx.len - (conn->snd_nxt - conn->snd_una);
}

#endif
