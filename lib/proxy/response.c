/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of the API server on its way back: the head is parsed and written anew, the body
 * streams without being kept; what the client does not take holds the API server back. Thread: the
 * TERMINATE owner.
 */
#include "proxy_int.h"

/** Statuses that the API server gives only after it has looked at the token. */
static bool
proves(uint16_t status)
{
	return (status >= 200 && status < 400) || status == 403 || status == 404 || status == 405 ||
	       status == 406 || status == 409 || status == 410 || status == 415 || status == 422;
}

static void
learn_proof(struct ks_proxy *px, struct ks_exchange *ex)
{
	struct ks_principal *p = &ex->principal;

	if (!p->has_token || p->kind == KS_PRINCIPAL_CERT)
		return;
	if (ex->status == 401) {
		p->proven = false;
		proof_drop(px, p->token_hash);
		count(px, KS_PROXY_FORGERIES);
	} else if (proves(ex->status)) {
		p->proven = true;
		proof_add(px, p->token_hash, p->token_exp_s);
	}
	/* It is now charged to the name, or no longer: to whoever keeps those windows. */
	ex->route_hash = ks_exchange_route(ex);
}

static void
write_framing(struct session *s, struct ks_http1_writer *w, const struct ks_http_head *res)
{
	struct ks_str length = ks_http_find(res, KS_HTTP_CONTENT_LENGTH);

	s->chunked_out = false;
	switch (res->framing) {
	case KS_HTTP_BODY_LENGTH:
		ks_http1_write_field_u64(w, KS_STR("Content-Length"), res->content_length);
		break;
	case KS_HTTP_BODY_CHUNKED:
	case KS_HTTP_BODY_UNTIL_CLOSE:
		s->chunked_out = s->minor >= 1;
		s->close_after |= !s->chunked_out;
		if (s->chunked_out)
			ks_http1_write_field(w, KS_STR("Transfer-Encoding"), KS_STR("chunked"));
		break;
	default: /* HEAD, 204, 304: the length speaks of what is not sent */
		if (length.p != NULL && res->status != 204)
			ks_http1_write_field(w, KS_STR("Content-Length"), length);
	}
}

static int
write_head(struct session *s, const struct ks_http_head *res)
{
	struct ks_http1_writer w;

	ks_http1_write_status(&w, &s->leg.plain_out, res->status);
	ks_http1_write_fields(&w, res);
	write_framing(s, &w, res);
	if (s->close_after)
		ks_http1_write_field(&w, KS_STR("Connection"), KS_STR("close"));
	else if (s->minor == 0)
		ks_http1_write_field(&w, KS_STR("Connection"), KS_STR("keep-alive"));
	return ks_http1_write_end(&w);
}

static void
broken(struct upstream *up, enum ks_proxy_counter why)
{
	static const struct answer bad = {502, "InternalError", "the API server's answer broke off",
					  0, false};
	struct session *s = up->session;

	count(up->proxy, why);
	up->session = NULL;
	s->up = NULL;
	upstream_destroy(up, true);
	if (s->state == SESSION_ANSWER) {
		/* The head is out: a reset is the only way to say that the rest will not come. */
		session_destroy(s, true, KS_END_UPSTREAM_BROKEN);
		return;
	}
	answer_unavailable(s, &bad, KS_END_UPSTREAM_BROKEN);
	proxy_ready(s->proxy, &s->leg);
}

/** RFC 9110 section 9.2.2: a request that a dead connection may have swallowed is sent again only
 *  when repeating it changes nothing; and once. */
static bool
may_retry(const struct upstream *up, const struct session *s)
{
	struct ks_str method = ks_http_method(&s->ex->head);

	return !s->retried && !up->answer_seen && up->served > 1 &&
	       (ks_str_is(method, "GET") || ks_str_is(method, "HEAD") || ks_str_is(method, "PUT") ||
		ks_str_is(method, "DELETE"));
}

static void
upstream_gone(struct upstream *up)
{
	struct session *s = up->session;

	if (s->state != SESSION_SENT || !may_retry(up, s)) {
		broken(up, KS_PROXY_UPSTREAM_CLOSED);
		return;
	}
	count(up->proxy, KS_PROXY_RETRIED);
	s->retried = true;
	up->session = NULL;
	s->up = NULL;
	upstream_destroy(up, true);
	verdict_forward(s);
	proxy_ready(s->proxy, &s->leg);
}

static void
streaming_begins(struct session *s)
{
	struct ks_exchange *ex = s->ex;

	s->ex = NULL;
	proxy_exchange_end(s->proxy, ex, KS_END_STREAMING);
}

static bool
head_forward(struct upstream *up, uint32_t n)
{
	struct ks_proxy *px = up->proxy;
	struct session *s = up->session;
	struct ks_http_head *res = &px->response;
	int rc = write_head(s, res);

	if (rc == -ENOBUFS) {
		proxy_retry(px, &up->leg);
		return false;
	}
	if (rc != 0) {
		broken(up, KS_PROXY_UPSTREAM_BAD);
		return false;
	}
	ks_chain_consume(&up->leg.plain_in, n);
	up->head_done = true;
	up->keep_alive = res->keep_alive;
	ks_http1_body_init(&up->body, res);
	s->ex->status = res->status;
	s->ex->upstream_us = px->now.mono_us - s->ex->upstream_us;
	learn_proof(px, s->ex);
	s->state = SESSION_ANSWER;
	s->sent_mark = s->leg.sent_bytes;
	session_deadline_in(s, px->p.limits.write_timeout_ms);
	up->body_complete = up->body_sent == s->ex->body_bytes;
	if (up->body_complete)
		proxy_body_release(px, s->ex);
	if (s->long_running)
		streaming_begins(s);
	return true;
}

/** @return true when a final head was forwarded. */
static bool
response_head(struct upstream *up)
{
	struct ks_proxy *px = up->proxy;
	struct ks_http_error err;
	int n;

	for (;;) {
		n = ks_http1_head_find(&up->leg.plain_in, &up->scanned, RESPONSE_HEAD_BYTES);
		if (n == -EAGAIN) {
			if (up->leg.eof)
				upstream_gone(up);
			return false;
		}
		up->answer_seen = true;
		if (n > 0)
			ks_chain_peek(&up->leg.plain_in, 0, px->scratch, n);
		if (n < 0 ||
		    ks_http1_response_parse(px->scratch, n, &px->response_limits,
					    up->session->to_head, &px->response, &err) != 0 ||
		    px->response.status == 101) {
			broken(up, KS_PROXY_UPSTREAM_BAD);
			return false;
		}
		up->scanned = 0;
		if (px->response.status >= 200)
			return head_forward(up, n);
		/* An interim answer: Expect was ours, so there is nothing to pass on. */
		ks_chain_consume(&up->leg.plain_in, n);
	}
}

static int
body_write(struct session *s, struct ks_str piece)
{
	int rc;

	if (piece.n == 0)
		return 0;
	rc = s->chunked_out ? ks_http1_write_chunk(&s->leg.plain_out, piece.p, piece.n)
			    : ks_chain_append(&s->leg.plain_out, piece.p, piece.n);
	if (rc == 0)
		s->answer_bytes += piece.n;
	return rc;
}

/** @return 0, -EAGAIN when the client or memory is short, -EBADMSG. */
static int
body_move(struct upstream *up)
{
	struct session *s = up->session;
	const uint8_t *front;
	uint32_t len;

	while (!up->body.done && ks_leg_room(&s->leg) > 0 &&
	       (front = ks_chain_front(&up->leg.plain_in, &len)) != NULL) {
		struct ks_http1_body before = up->body;
		struct ks_str piece;
		int used = ks_http1_body_read(&up->body, front, len, &piece);

		if (used < 0)
			return -EBADMSG;
		if (body_write(s, piece) != 0) {
			up->body = before;
			s->leg.starved = true;
			return -EAGAIN;
		}
		if (used == 0)
			break;
		ks_chain_consume(&up->leg.plain_in, used);
	}
	return 0;
}

static void
response_done(struct upstream *up)
{
	struct session *s = up->session;
	struct ks_exchange *ex = s->ex;

	up->session = NULL;
	s->up = NULL;
	s->ex = NULL;
	if (ex != NULL) {
		ex->response_bytes = s->answer_bytes;
		proxy_exchange_end(s->proxy, ex, KS_END_ANSWERED);
	}
	/* Not used again unless both messages ended exactly. */
	if (up->keep_alive && !up->leg.eof && up->leg.plain_in.len == 0 && up->body_complete)
		upstream_put(up);
	else
		upstream_destroy(up, false);
	session_next(s);
	proxy_ready(s->proxy, &s->leg);
}

/** Where the close is the end, only close_notify tells it from a truncation (RFC 9112 section 9.8).
 */
static bool
body_ended(struct upstream *up)
{
	if (up->body.done)
		return true;
	return up->body.framing == KS_HTTP_BODY_UNTIL_CLOSE && up->leg.eof &&
	       up->leg.plain_in.len == 0 && ks_tls_state(up->leg.tls) == KS_TLS_CLOSED;
}

void
response_advance(struct upstream *up)
{
	struct ks_proxy *px = up->proxy;
	struct session *s = up->session;
	int rc;

	if (!up->head_done && !response_head(up))
		return;
	rc = body_move(up);
	if (rc == -EBADMSG) {
		broken(up, KS_PROXY_UPSTREAM_BAD);
		return;
	}
	proxy_ready(px, &s->leg);
	if (rc == -EAGAIN) {
		proxy_retry(px, &up->leg);
		return;
	}
	if (body_ended(up)) {
		if (s->chunked_out && ks_http1_write_chunk(&s->leg.plain_out, NULL, 0) != 0) {
			proxy_retry(px, &up->leg);
			return;
		}
		if (s->ex != NULL)
			up->body_complete = up->body_sent == s->ex->body_bytes;
		response_done(up);
		return;
	}
	up->blocked = up->leg.plain_in.len > 0 && ks_leg_room(&s->leg) == 0;
	if (up->leg.capped && !up->blocked)
		proxy_ready(px, &up->leg);
	else if (up->leg.eof && up->leg.plain_in.len == 0)
		upstream_gone(up);
}
