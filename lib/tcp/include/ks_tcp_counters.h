/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a TCP stack; every connection ends in exactly one of the END_* rows. */
#ifndef KS_TCP_COUNTERS_H
#define KS_TCP_COUNTERS_H

#include "ks_counter.h"

#define KS_TCP_COUNTERS(X)                                                                         \
	X(SEGS_IN, "segs_in", "segments taken")                                                    \
	X(SEGS_OUT, "segs_out", "segments sent, retransmissions included")                         \
	X(BYTES_IN, "bytes_in", "payload bytes delivered in order")                                \
	X(BYTES_OUT, "bytes_out", "payload bytes sent for the first time")                         \
	X(RETRANS_SEGS, "retrans_segs", "segments sent again")                                     \
	X(RTO, "rto", "retransmission time-outs")                                                  \
	X(FAST_RECOVERY, "fast_recovery", "loss recoveries started by SACK or duplicate ACKs")     \
	X(OUT_OF_ORDER, "out_of_order", "segments kept for reassembly")                            \
	X(REASSEMBLY_DROP, "reassembly_drop", "segments not kept: bounds of reassembly or memory") \
	X(DUPLICATE, "duplicate", "segments with nothing new")                                     \
	X(ZERO_WINDOW_PROBES, "zero_window_probes", "probes of a closed window")                   \
	X(CHALLENGE_ACKS, "challenge_acks", "challenge ACKs sent (RFC 5961)")                      \
	X(RST_IN, "rst_in", "resets taken as valid")                                               \
	X(RST_OUT, "rst_out", "resets sent")                                                       \
	X(BAD_SEGMENT, "bad_segment", "segments with impossible flags or options")                 \
	X(NO_CONN, "no_conn", "segments for no connection")                                        \
	X(PAWS_DROP, "paws_drop", "segments with a timestamp of the past (RFC 7323)")              \
	X(KEEPALIVE_PROBES, "keepalive_probes", "probes of an idle connection")                    \
	X(SYN_IN, "syn_in", "connection requests")                                                 \
	X(SYN_DROP_HALF_OPEN, "syn_drop_half_open", "requests dropped: half-open table full")      \
	X(SYN_DROP_CONNS, "syn_drop_conns", "requests dropped: connection limit")                  \
	X(ACCEPTED, "accepted", "passive opens established")                                       \
	X(CONNECTED, "connected", "active opens established")                                      \
	X(HALF_OPEN_EXPIRED, "half_open_expired", "half-open entries given up")                    \
	X(TIME_WAIT_REUSED, "time_wait_reused", "TIME-WAIT entries ended by a new SYN (RFC 6191)") \
	X(TIME_WAIT_CUT, "time_wait_cut", "TIME-WAIT entries ended early: table full")             \
	X(ORPHANS_CUT, "orphans_cut", "released connections reset at once: too many of them")      \
	X(END_CLOSED, "end_closed", "connections closed both ways")                                \
	X(END_RESET_IN, "end_reset_in", "connections ended by the peer's reset")                   \
	X(END_ABORTED, "end_aborted", "connections reset by us")                                   \
	X(END_TIMEOUT, "end_timeout", "connections given up: no answer")                           \
	X(END_REFUSED, "end_refused", "active opens refused")                                      \
	X(END_DESTROYED, "end_destroyed", "connections alive when the stack ended")

#define KS_TCP_COUNTER_ROW(ID, name, help) KS_COUNTER_ENUM_ROW(KS_TCP_, ID, name, help)
enum ks_tcp_counter { KS_TCP_COUNTERS(KS_TCP_COUNTER_ROW) KS_TCP_COUNTER_MAX };
#undef KS_TCP_COUNTER_ROW
extern const struct ks_counter_desc ks_tcp_counter_desc[KS_TCP_COUNTER_MAX];

#endif
