/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Congestion control behind a table: an algorithm reads the connection's flight and round trip and
 * writes cwnd and ssthresh, nothing else. When to lower them is decided by recovery.c.
 * RFC 5681 section 3, RFC 9438.
 * Thread: the owner of the stack.
 */
#ifndef KS_TCP_CC_H
#define KS_TCP_CC_H

#include "ks_tcp.h"

struct ks_tcp_cc_cubic {
	uint32_t w_max;	     /**< bytes */
	uint32_t w_est;	     /**< what Reno would have (RFC 9438 section 4.3), bytes */
	uint32_t cwnd_prior; /**< before the last reduction */
	uint32_t epoch_ms;
	uint32_t k_ms;
	uint32_t rest;	   /**< of the division in the last step of cwnd */
	uint32_t est_rest; /**< the same of w_est */
	bool epoch;	   /**< the curve has begun: all but w_max and cwnd_prior are valid */
	bool after_rto;	   /**< next epoch starts with K = 0 */
};

struct ks_tcp_cc_newreno {
	uint32_t acked; /**< bytes since cwnd last grew */
};

union ks_tcp_cc_state {
	struct ks_tcp_cc_cubic cubic;
	struct ks_tcp_cc_newreno newreno;
};

struct ks_tcp_cc_ops {
	const char *name;
	/** After cwnd and ssthresh have their first values. */
	void (*init)(struct ks_tcp_conn *conn);
	/** Congestion avoidance: `bytes` were acknowledged while cwnd ≥ ssthresh. */
	void (*avoid)(struct ks_tcp_conn *conn, uint32_t bytes);
	/** Loss: a new ssthresh. `rto` tells a time-out from fast recovery. */
	void (*lost)(struct ks_tcp_conn *conn, bool rto);
	/** Nothing was in flight for `idle_ms`. */
	void (*idle)(struct ks_tcp_conn *conn, uint32_t idle_ms);
};

extern const struct ks_tcp_cc_ops ks_tcp_cc_cubic;
extern const struct ks_tcp_cc_ops ks_tcp_cc_newreno;

/** RFC 6928 section 2. */
uint32_t ks_tcp_cc_initial_window(uint32_t mss);
/** Slow start here, congestion avoidance in the algorithm. Not called in fast recovery. */
void ks_tcp_cc_acked(struct ks_tcp_conn *conn, uint32_t bytes);

#endif
