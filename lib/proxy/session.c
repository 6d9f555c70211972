/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection from accept to close. Requests are taken one at a time: pipelined ones wait
 * in plain_in, which is bounded, so answers leave in the order of their requests (RFC 9112
 * section 9.3.2). Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

/** How long the peer may take to close after our last answer (RFC 9112 section 9.6). */
#define DRAIN_MS 2000

const char *
session_state_name(enum session_state state)
{
	static const char *const names[] = {
		[SESSION_HANDSHAKE] = "handshake", [SESSION_HEAD] = "head",
		[SESSION_BODY] = "body",	   [SESSION_SUBMIT] = "verdict",
		[SESSION_VERDICT] = "verdict",	   [SESSION_UPSTREAM] = "upstream",
		[SESSION_SENT] = "upstream",	   [SESSION_ANSWER] = "answer",
		[SESSION_DRAIN] = "closing",
	};

	return names[state];
}

void
session_deadline_in(struct session *s, uint32_t ms)
{
	deadline_set(s->proxy->p.wheel, &s->deadline, s->proxy->now.mono_us + ms * 1000ull);
}

static void session_timer(struct ks_timer *timer, uint64_t now_us);

static void
session_init(struct ks_proxy *px, struct session *s)
{
	s->proxy = px;
	s->state = SESSION_HANDSHAKE;
	s->leg.side = KS_LEG_CLIENT;
	s->handshaking = true;
	s->ex = NULL;
	s->up = NULL;
	s->waiting = WAITING_NOT;
	s->class = KS_UPSTREAM_PLAIN;
	s->close_after = s->long_running = s->head_started = false;
	s->scanned = 0;
	s->sent_mark = 0;
	s->since_us = px->now.mono_us;
	s->exchanges = s->verdict_seq = 0;
	s->principal[0] = '\0';
	s->deadline.at_us = 0;
	ks_timer_init(&s->deadline.timer, session_timer);
	TAILQ_INSERT_TAIL(&px->all_sessions, s, all);
	px->handshakes++;
	session_wait(s, &px->shaking, WAITING_PEER);
	count(px, KS_PROXY_SESSIONS);
	session_deadline_in(s, px->p.limits.handshake_timeout_ms);
}

static void
refuse(struct ks_proxy *px, struct ks_tcp_conn *conn, enum ks_proxy_counter why)
{
	count(px, why);
	ks_tcp_user_set(conn, NULL);
	ks_tcp_abort(px->p.tcp, conn);
}

static int
session_open(struct ks_proxy *px, struct ks_tcp_conn *conn, uint16_t slot)
{
	struct session *s = ks_pool_get(px->sessions);

	if (s == NULL)
		return -ENOBUFS;
	if (ks_leg_open(&s->leg, px->p.tcp, conn, px->p.server_tls, px->p.chunks) != 0) {
		ks_pool_put(px->sessions, s);
		return -ENOMEM;
	}
	session_init(px, s);
	s->source_slot = slot;
	return 0;
}

/** Who began last is served: unfinished handshakes that stay must not shut everybody else out. */
static void
handshake_room(struct ks_proxy *px)
{
	struct session *oldest = TAILQ_FIRST(&px->shaking);

	if (px->handshakes < px->p.limits.handshakes || oldest == NULL)
		return;
	count(px, KS_PROXY_HANDSHAKE_DISPLACED);
	session_destroy(oldest, true, KS_END_CLIENT_GONE);
}

/** @return whether the connection lives on. */
bool
session_accept(struct ks_proxy *px, struct ks_tcp_conn *conn)
{
	uint16_t slot;

	if (!admission_connection(px, &ks_tcp_tuple(conn)->remote, &slot)) {
		refuse(px, conn, KS_PROXY_SESSION_REFUSED_SHARE);
		return false;
	}
	handshake_room(px);
	if (session_open(px, conn, slot) != 0) {
		admission_connection_end(px, slot);
		refuse(px, conn, KS_PROXY_SESSION_REFUSED_FULL);
		return false;
	}
	return true;
}

void
session_destroy(struct session *s, bool reset, enum ks_exchange_end end)
{
	struct ks_proxy *px = s->proxy;
	struct upstream *up = s->up;

	session_unwait(s);
	proxy_leg_forget(px, &s->leg);
	ks_timer_cancel(px->p.wheel, &s->deadline.timer);
	if (up != NULL) {
		up->session = NULL;
		upstream_destroy(up, true);
	}
	if (s->ex != NULL)
		proxy_exchange_end(px, s->ex, end);
	if (s->handshaking)
		px->handshakes--;
	admission_connection_end(px, s->source_slot);
	ks_leg_close(&s->leg, reset);
	TAILQ_REMOVE(&px->all_sessions, s, all);
	ks_pool_put(px->sessions, s);
}

void
session_next(struct session *s)
{
	if (s->close_after) {
		session_drain(s);
		return;
	}
	s->state = SESSION_HEAD;
	s->head_started = false;
	s->scanned = 0;
	session_deadline_in(s, s->proxy->p.limits.idle_timeout_ms);
	proxy_ready(s->proxy, &s->leg);
}

void
session_drain(struct session *s)
{
	s->state = SESSION_DRAIN;
	s->sent_mark = UINT64_MAX;
	ks_leg_shutdown(&s->leg);
	session_deadline_in(s, DRAIN_MS);
	proxy_ready(s->proxy, &s->leg);
}

static void
handshake_over(struct session *s)
{
	s->handshaking = false;
	s->proxy->handshakes--;
	session_unwait(s);
}

static enum step
handshake_step(struct session *s)
{
	struct ks_proxy *px = s->proxy;

	if (ks_tls_state(s->leg.tls) == KS_TLS_HANDSHAKE) {
		if (!s->leg.eof)
			return STEP_WAIT;
		count(px, KS_PROXY_HANDSHAKE_FAILED);
		session_destroy(s, false, KS_END_CLIENT_GONE);
		return STEP_GONE;
	}
	handshake_over(s);
	count(px, KS_PROXY_HANDSHAKE_OK);
	if (ks_tls_resumed(s->leg.tls))
		count(px, KS_PROXY_HANDSHAKE_RESUMED);
	s->state = SESSION_HEAD;
	session_deadline_in(s, px->p.limits.idle_timeout_ms);
	return STEP_AGAIN;
}

static enum step
drain_step(struct session *s)
{
	ks_leg_discard(&s->leg);
	if (!s->leg.eof || ks_leg_queued(&s->leg) > 0)
		return STEP_WAIT;
	session_destroy(s, false, KS_END_CLIENT_GONE);
	return STEP_GONE;
}

/** A watch whose client has closed would stay open at the API server until its next event. */
static enum step
answer_step(struct session *s)
{
	if (s->leg.eof && s->long_running) {
		session_destroy(s, true, KS_END_CLIENT_GONE);
		return STEP_GONE;
	}
	return STEP_WAIT;
}

/** There is room again for an answer that was held back. */
static void
answer_unblock(struct session *s)
{
	if (s->up == NULL || !s->up->blocked || ks_leg_room(&s->leg) == 0)
		return;
	s->up->blocked = false;
	proxy_ready(s->proxy, &s->up->leg);
}

static enum step
step(struct session *s)
{
	switch (s->state) {
	case SESSION_HANDSHAKE:
		return handshake_step(s);
	case SESSION_HEAD:
		return request_head(s);
	case SESSION_BODY:
		return request_body(s);
	case SESSION_ANSWER:
		return answer_step(s);
	case SESSION_DRAIN:
		return drain_step(s);
	default:
		return STEP_WAIT;
	}
}

/** What the API server says to plain HTTP on its TLS port; spoken in plain, for there is no TLS. */
static void
answer_plain_http(struct session *s)
{
	static const char text[] = "HTTP/1.0 400 Bad Request\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n\r\n"
				   "This port speaks HTTPS only.\n";

	count(s->proxy, KS_PROXY_PLAIN_HTTP);
	ks_chain_clear(&s->leg.cipher_out);
	(void)ks_chain_append(&s->leg.cipher_out, text, sizeof(text) - 1);
}

static ks_cold void
tls_failed(struct session *s)
{
	if (s->state == SESSION_HANDSHAKE) {
		handshake_over(s);
		count(s->proxy, KS_PROXY_HANDSHAKE_FAILED);
		if (strcmp(ks_tls_reason(s->leg.tls), "http request") == 0)
			answer_plain_http(s);
	}
	if (s->state == SESSION_DRAIN || s->ex != NULL || s->up != NULL ||
	    s->state == SESSION_VERDICT) {
		(void)ks_leg_push(&s->leg);
		session_destroy(s, true, KS_END_CLIENT_GONE);
		return;
	}
	ks_chain_clear(&s->leg.plain_out);
	session_drain(s);
}

void
session_advance(struct session *s)
{
	enum step next;

	if (s->leg.dead) {
		if (s->state == SESSION_HANDSHAKE)
			count(s->proxy, KS_PROXY_HANDSHAKE_FAILED);
		session_destroy(s, false, KS_END_CLIENT_GONE);
		return;
	}
	if (s->state != SESSION_DRAIN && ks_leg_pull(&s->leg) != 0) {
		tls_failed(s);
		return;
	}
	do
		next = step(s);
	while (next == STEP_AGAIN);
	if (next == STEP_GONE)
		return;
	if (ks_leg_push(&s->leg) != 0) {
		session_destroy(s, true, KS_END_CLIENT_GONE);
		return;
	}
	answer_unblock(s);
	if (s->leg.starved)
		proxy_retry(s->proxy, &s->leg);
}

/** @return true when the session is gone. */
static bool
answer_timeout(struct session *s)
{
	struct ks_proxy *px = s->proxy;

	if (ks_leg_queued(&s->leg) > 0 && s->leg.sent_bytes == s->sent_mark) {
		count(px, KS_PROXY_WRITE_TIMEOUT);
		session_destroy(s, true, KS_END_CLIENT_GONE);
		return true;
	}
	s->sent_mark = s->leg.sent_bytes;
	session_deadline_in(s, px->p.limits.write_timeout_ms);
	return false;
}

static void
head_timeout(struct session *s)
{
	static const struct answer slow = {408, "Timeout",
					   "the request head did not arrive in time", 0, true};

	if (s->leg.plain_in.len == 0) {
		count(s->proxy, KS_PROXY_IDLE_TIMEOUT);
		session_drain(s);
		return;
	}
	if (s->waiting == WAITING_EXCHANGE) {
		request_not_taken(s);
		return;
	}
	count(s->proxy, KS_PROXY_HEAD_TIMEOUT);
	answer_status(s, &slow);
}

static void
upstream_timeout(struct session *s)
{
	static const struct answer late = {504, "Timeout", "the API server did not answer in time",
					   0, false};
	struct ks_proxy *px = s->proxy;
	struct upstream *up = s->up;

	count(px, KS_PROXY_UPSTREAM_TIMEOUT);
	session_unwait(s);
	if (up != NULL) {
		up->session = NULL;
		s->up = NULL;
		upstream_destroy(up, true);
	}
	answer_unavailable(s, &late, KS_END_UPSTREAM_UNAVAILABLE);
}

/** A client that reads the last answer slowly may do so, like any other: only one that takes
 * nothing, or has all and does not close, is let go. @return true when the session is gone. */
static bool
drain_timeout(struct session *s)
{
	struct ks_proxy *px = s->proxy;
	uint32_t pending = ks_tcp_tx_pending(s->leg.conn);
	uint64_t taken = s->leg.sent_bytes - pending;
	bool left = pending > 0 || ks_leg_queued(&s->leg) > 0;

	if (left && taken != s->sent_mark) {
		s->sent_mark = taken;
		session_deadline_in(s, px->p.limits.write_timeout_ms);
		return false;
	}
	if (left)
		count(px, KS_PROXY_WRITE_TIMEOUT);
	session_destroy(s, left, KS_END_CLIENT_GONE);
	return true;
}

static ks_cold void
session_timeout(struct session *s)
{
	switch (s->state) {
	case SESSION_HANDSHAKE:
		count(s->proxy, KS_PROXY_HANDSHAKE_TIMEOUT);
		session_destroy(s, true, KS_END_CLIENT_GONE);
		return;
	case SESSION_HEAD:
		head_timeout(s);
		break;
	case SESSION_BODY:
		request_body_timeout(s);
		break;
	case SESSION_UPSTREAM:
	case SESSION_SENT:
		upstream_timeout(s);
		break;
	case SESSION_ANSWER:
		if (answer_timeout(s))
			return;
		break;
	case SESSION_DRAIN:
		if (drain_timeout(s))
			return;
		break;
	default:
		break;
	}
	proxy_ready(s->proxy, &s->leg);
}

static void
session_timer(struct ks_timer *timer, uint64_t now_us)
{
	struct deadline *d = ks_container_of(timer, struct deadline, timer);
	struct session *s = ks_container_of(d, struct session, deadline);

	s->proxy->now.mono_us = KS_MAX(s->proxy->now.mono_us, now_us);
	if (deadline_reached(s->proxy->p.wheel, d, now_us))
		session_timeout(s);
}
