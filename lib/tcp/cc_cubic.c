/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUBIC (RFC 9438) in integers: C = 0.4 segments/s^3, beta = 0.7, times in milliseconds, windows in
 * bytes. A run replays bit by bit on any machine.
 * Thread: the owner of the stack.
 */
#include "stack.h"

#define BETA_10 7u
/* Beyond this, t^3 would leave 64 bits, and cwnd has been at its limit for long. */
#define TIME_MAX_MS 40000

/* alpha_cubic = 3 (1 - beta) / (1 + beta) = 9/17 (section 4.3). */
#define ALPHA_NUM 9u
#define ALPHA_DEN 17u

static uint32_t
cube_root(uint64_t x)
{
	uint64_t root = 0;

	for (int bit = 20; bit >= 0; bit--) {
		uint64_t next = root | (uint64_t)1 << bit;

		if (next * next * next <= x)
			root = next;
	}
	return (uint32_t)root;
}

/* Section 4.2: K = cbrt((W_max - cwnd_epoch) / C), here in milliseconds. */
static uint32_t
k_ms(uint32_t below, uint32_t mss)
{
	return cube_root((uint64_t)below * 2500000000u / mss);
}

/* Equation 1: W_cubic(t) = C (t - K)^3 + W_max. */
static uint32_t
w_cubic(const struct ks_tcp_cc_cubic *cc, uint32_t t_ms, uint32_t mss)
{
	int64_t off_ms = (int64_t)t_ms - cc->k_ms;
	int64_t w;

	off_ms = KS_MAX(KS_MIN(off_ms, TIME_MAX_MS), -TIME_MAX_MS);
	w = off_ms * off_ms * off_ms / 1000000 * 4 * mss / 10000 + cc->w_max;
	return (uint32_t)KS_MAX(KS_MIN(w, (int64_t)UINT32_MAX / 2), (int64_t)mss);
}

static void
start_epoch(struct ks_tcp_conn *conn)
{
	struct ks_tcp_cc_cubic *cc = &conn->cc.cubic;

	if (cc->after_rto || cc->w_max < conn->cwnd)
		cc->w_max = conn->cwnd;
	cc->after_rto = false;
	cc->epoch = true;
	cc->epoch_ms = conn->stack->now_ms;
	cc->k_ms = k_ms(cc->w_max - conn->cwnd, conn->mss);
	cc->w_est = conn->cwnd;
	cc->rest = 0;
	cc->est_rest = 0;
}

/* *value += num / den with the remainder carried to the next time. */
static void
add_fraction(uint32_t *value, uint32_t *rest, uint64_t num, uint64_t den)
{
	num += *rest;
	*value += (uint32_t)(num / den);
	*rest = (uint32_t)(num % den);
}

/* Section 4.3: one segment (alpha_cubic of one, until the loss is made good) a round trip. */
static void
grow_estimate(struct ks_tcp_conn *conn, uint32_t bytes)
{
	struct ks_tcp_cc_cubic *cc = &conn->cc.cubic;
	bool made_good = cc->w_est >= cc->cwnd_prior;
	uint64_t num = (uint64_t)bytes * conn->mss * (made_good ? ALPHA_DEN : ALPHA_NUM);

	add_fraction(&cc->w_est, &cc->est_rest, num, (uint64_t)conn->cwnd * ALPHA_DEN);
}

static void
cubic_init(struct ks_tcp_conn *conn)
{
	conn->cc.cubic = (struct ks_tcp_cc_cubic){0};
}

static void
cubic_avoid(struct ks_tcp_conn *conn, uint32_t bytes)
{
	struct ks_tcp_cc_cubic *cc = &conn->cc.cubic;
	uint32_t t_ms, target, most = conn->cwnd + conn->cwnd / 2;

	if (!cc->epoch)
		start_epoch(conn);
	grow_estimate(conn, bytes);
	t_ms = conn->stack->now_ms - cc->epoch_ms;
	if (w_cubic(cc, t_ms, conn->mss) < cc->w_est) {
		conn->cwnd = KS_MAX(conn->cwnd, cc->w_est);
		return;
	}
	/* Section 4.2: where the curve will be one round trip from now, at most half as much more.
	 */
	target = w_cubic(cc, t_ms + conn->srtt_us / 1000, conn->mss);
	target = KS_MIN(target, most);
	if (target > conn->cwnd)
		add_fraction(&conn->cwnd, &cc->rest, (uint64_t)(target - conn->cwnd) * bytes,
			     conn->cwnd);
}

static void
cubic_lost(struct ks_tcp_conn *conn, bool rto)
{
	struct ks_tcp_cc_cubic *cc = &conn->cc.cubic;
	uint64_t flight = ks_tcp_in_flight(conn);

	/* Section 4.7, fast convergence: leave room for who has come since. */
	if (conn->cwnd < cc->w_max)
		cc->w_max = (uint32_t)((uint64_t)conn->cwnd * (10 + BETA_10) / 20);
	else
		cc->w_max = conn->cwnd;
	cc->cwnd_prior = conn->cwnd;
	cc->epoch = false;
	cc->after_rto = rto;
	conn->ssthresh = (uint32_t)KS_MAX(flight * BETA_10 / 10, 2u * conn->mss);
}

/* Section 5.8: time in which nothing was sent is no time of the curve. */
static void
cubic_idle(struct ks_tcp_conn *conn, uint32_t idle_ms)
{
	struct ks_tcp_cc_cubic *cc = &conn->cc.cubic;

	if (cc->epoch)
		cc->epoch_ms += idle_ms;
	if (idle_ms > conn->rto_ms)
		conn->cwnd = KS_MIN(conn->cwnd, ks_tcp_cc_initial_window(conn->mss));
}

const struct ks_tcp_cc_ops ks_tcp_cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.avoid = cubic_avoid,
	.lost = cubic_lost,
	.idle = cubic_idle,
};
