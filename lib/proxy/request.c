/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request on its way in: its head is parsed, who asks for what is read from it, its body is
 * admitted and collected, and the whole is submitted to be judged. Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

/** Room for the models' view: 60-odd fields of a request without a body, 500 of one with. */
#define FIELD_BLOCK_BYTES 4096u
#define FIELD_BLOCK_BODY_BYTES 32768u

static enum step
refuse(struct session *s, const struct answer *answer, enum ks_proxy_counter why)
{
	struct ks_exchange *ex = s->ex;

	count(s->proxy, why);
	s->ex = NULL;
	if (ex == NULL) {
		answer_status(s, answer);
		return STEP_AGAIN;
	}
	answer_status_for(s, ex, answer);
	proxy_exchange_end(s->proxy, ex, KS_END_REFUSED);
	return STEP_AGAIN;
}

static enum step
refuse_malformed(struct session *s, uint16_t status, const char *why)
{
	const struct answer answer = {
		status, status == 431 ? "RequestHeaderFieldsTooLarge" : "BadRequest", why, 0, true};

	return refuse(s, &answer,
		      status == 431 || status == 414 ? KS_PROXY_HEAD_TOO_LARGE
						     : KS_PROXY_BAD_REQUEST);
}

static enum step
head_missing(struct session *s)
{
	if (s->leg.eof) {
		if (s->leg.plain_in.len == 0) {
			session_drain(s);
			return STEP_AGAIN;
		}
		session_destroy(s, false, KS_END_CLIENT_GONE);
		return STEP_GONE;
	}
	if (s->leg.plain_in.len > 0 && !s->head_started) {
		s->head_started = true;
		session_deadline_in(s, s->proxy->p.limits.head_timeout_ms);
	}
	return STEP_WAIT;
}

/** Takes the head out of the stream into the exchange's own block. */
static int
head_take(struct session *s, struct ks_exchange *ex, uint32_t n, struct ks_http_error *err)
{
	struct ks_proxy *px = s->proxy;
	const struct ks_http_limits *limits = &px->p.limits.http;

	ks_chain_peek(&s->leg.plain_in, 0, ex->block, n);
	ks_chain_consume(&s->leg.plain_in, n);
	s->scanned = 0;
	return ks_http1_request_parse(ex->block, n, limits, &ex->head, err);
}

static int
who_asks(struct session *s, struct ks_exchange *ex)
{
	struct ks_proxy *px = s->proxy;
	struct ks_principal *p = &ex->principal;
	int rc = ks_principal_cache_read(px->principals, ks_tls_peer(s->leg.tls), &ex->head,
					 px->now.wall_s, p);

	if (rc != 0)
		return rc;
	if (p->has_token)
		p->proven = proof_known(px, p->token_hash, px->now.wall_s);
	memcpy(s->principal, p->name, sizeof(s->principal) - 1);
	s->principal[sizeof(s->principal) - 1] = '\0';
	return 0;
}

static bool
certificate_refused(const struct session *s, const struct ks_exchange *ex)
{
	const struct ks_tls_peer *peer = ks_tls_peer(s->leg.tls);

	return peer->verdict != KS_TLS_PEER_NONE && ex->principal.kind == KS_PRINCIPAL_ANONYMOUS &&
	       !ex->principal.has_token;
}

static enum step
not_admitted(struct session *s, int rc)
{
	static const struct answer too_large = {413, "RequestEntityTooLarge",
						"the request body is over the limit", 0, true};
	static const struct answer share = {
		429, "TooManyRequests",
		"this client holds its share of the memory for request bodies", 1, true};
	static const struct answer budget = {503, "ServiceUnavailable",
					     "no memory for another request body", 1, true};

	switch (rc) {
	case -E2BIG:
		return refuse(s, &too_large, KS_PROXY_BODY_TOO_LARGE);
	case -EDQUOT:
		return refuse(s, &share, KS_PROXY_NOT_ADMITTED_SHARE);
	default:
		return refuse(s, &budget, KS_PROXY_NOT_ADMITTED_BUDGET);
	}
}

static void
expect_continue(struct session *s)
{
	struct ks_http1_writer w;

	ks_http1_write_status(&w, &s->leg.plain_out, 100);
	(void)ks_http1_write_end(&w);
}

static enum step
body_begin(struct session *s, struct ks_exchange *ex)
{
	struct ks_proxy *px = s->proxy;
	bool chunked = ex->head.framing == KS_HTTP_BODY_CHUNKED;
	bool body = chunked || ex->head.content_length > 0;
	size_t field_bytes = body ? FIELD_BLOCK_BODY_BYTES : FIELD_BLOCK_BYTES;
	int rc = 0;

	if (body)
		rc = admission_body(px, ex,
				    chunked ? px->p.limits.body_bytes : ex->head.content_length,
				    !chunked && s->leg.plain_in.len >= ex->head.content_length);
	if (rc != 0)
		return not_admitted(s, rc);
	ex->field_block = ks_arena_alloc(px->p.arena, field_bytes);
	if (ex->field_block == NULL)
		return not_admitted(s, -ENOMEM);
	ks_field_list_init(&ex->fields, ex->field_block, field_bytes);
	ks_http1_body_init(&s->body, &ex->head);
	if (!body)
		s->body.done = true;
	else if (ex->head.expect_continue)
		expect_continue(s);
	s->state = SESSION_BODY;
	s->body_start_us = px->now.mono_us;
	if (body)
		session_deadline_in(s, px->p.limits.body_grace_ms);
	return STEP_AGAIN;
}

static void
identity_fields_count(struct ks_proxy *px, const struct ks_http_head *head)
{
	for (uint16_t i = 0; i < head->nfields; i++)
		if (head->fields[i].id == KS_HTTP_X_REMOTE)
			count(px, KS_PROXY_IDENTITY_FIELDS);
}

static enum step
head_understand(struct session *s, struct ks_exchange *ex, uint32_t n)
{
	static const struct answer bad_certificate = {
		401, "Unauthorized", "the client certificate was refused", 0, false};
	struct ks_proxy *px = s->proxy;
	int rc = ks_kube_call_parse(ks_http_method(&ex->head), ks_http_target(&ex->head),
				    ex->block + n, ex->head.target_len + 1, &ex->call);

	if (rc != 0)
		return refuse_malformed(s, 400,
					"the path is not one that the API server would take");
	ex->source = ks_tcp_tuple(s->leg.conn)->remote;
	ex->tls_resumed = ks_tls_resumed(s->leg.tls);
	if (who_asks(s, ex) != 0)
		return refuse_malformed(s, 400, "more than one identity, or none that can be read");
	identity_fields_count(px, &ex->head);
	if (ex->head.upgrade)
		count(px, KS_PROXY_UPGRADE_REFUSED);
	ex->route_hash = ks_exchange_route(ex);
	s->minor = ex->head.minor;
	s->close_after = !ex->head.keep_alive;
	s->long_running = ex->call.long_running;
	s->retried = false;
	s->class = ex->principal.kind == KS_PRINCIPAL_CERT ? KS_UPSTREAM_FRONT : KS_UPSTREAM_PLAIN;
	if (certificate_refused(s, ex)) {
		s->close_after = true;
		return refuse(s, &bad_certificate, KS_PROXY_CERTIFICATE_REFUSED);
	}
	return body_begin(s, ex);
}

/** Who waits already keeps its place. */
static bool
exchange_take(struct session *s)
{
	struct ks_proxy *px = s->proxy;

	if (s->waiting == WAITING_EXCHANGE)
		return false;
	s->ex = proxy_exchange_get(px);
	if (s->ex == NULL) {
		count(px, KS_PROXY_NO_EXCHANGE);
		session_wait(s, &px->wait_exchange, WAITING_EXCHANGE);
		session_deadline_in(s, px->p.limits.head_timeout_ms);
		return false;
	}
	count(px, KS_PROXY_EXCHANGES);
	s->exchanges++;
	s->ex->session = ks_pool_handle(px->sessions, s);
	s->ex->now = px->now;
	return true;
}

void
request_not_taken(struct session *s)
{
	static const struct answer busy = {503, "ServiceUnavailable",
					   "too many requests are under way", 1, true};

	session_unwait(s);
	refuse(s, &busy, KS_PROXY_NOT_ADMITTED_BUDGET);
}

enum step
request_head(struct session *s)
{
	struct ks_proxy *px = s->proxy;
	struct ks_http_error err = {"malformed", 400, 0};
	int n = ks_http1_head_find(&s->leg.plain_in, &s->scanned, px->p.limits.http.head_bytes);

	if (n == -EAGAIN)
		return head_missing(s);
	if (n < 0)
		return refuse_malformed(s, 431, "the request head is over the limit");
	if (!exchange_take(s))
		return STEP_WAIT;
	s->ex->block = ks_arena_alloc(px->p.arena, 2 * (size_t)n + 1);
	if (s->ex->block == NULL)
		return not_admitted(s, -ENOMEM);
	if (head_take(s, s->ex, n, &err) != 0)
		return refuse_malformed(s, err.status, err.text);
	return head_understand(s, s->ex, n);
}

/** @return 0, or why the body cannot be taken. */
static int
body_collect(struct session *s, struct ks_exchange *ex)
{
	uint64_t room = ex->head.framing == KS_HTTP_BODY_CHUNKED ? s->proxy->p.limits.body_bytes
								 : ex->head.content_length;
	const uint8_t *front;
	uint32_t len;

	while (!s->body.done && (front = ks_chain_front(&s->leg.plain_in, &len)) != NULL) {
		struct ks_str out;
		int used = ks_http1_body_read(&s->body, front, len, &out);

		if (used < 0)
			return used;
		if (out.n > room - ex->body_bytes)
			return -EFBIG;
		memcpy(ex->body + ex->body_bytes, out.p, out.n);
		ex->body_bytes += out.n;
		if (used == 0 && !s->body.done)
			return 0;
		ks_chain_consume(&s->leg.plain_in, used);
	}
	return 0;
}

enum step
request_body(struct session *s)
{
	int rc = body_collect(s, s->ex);
	uint32_t left = s->leg.plain_in.len;

	if (rc == -EFBIG)
		return not_admitted(s, -E2BIG);
	if (rc < 0)
		return refuse_malformed(s, 400, "the framing of the body is malformed");
	if (s->body.done) {
		request_submit(s);
		return STEP_WAIT;
	}
	if (s->leg.eof) {
		session_destroy(s, false, KS_END_CLIENT_GONE);
		return STEP_GONE;
	}
	/* Reading stopped at the limit of plain_in; there is room again. */
	if (ks_leg_pull(&s->leg) != 0)
		proxy_ready(s->proxy, &s->leg); /* TLS has failed: the next look says so */
	else if (s->leg.plain_in.len > left || s->leg.eof)
		return STEP_AGAIN;
	return STEP_WAIT;
}

void
request_body_timeout(struct session *s)
{
	static const struct answer slow = {408, "Timeout",
					   "the request body came under the minimum rate", 0, true};
	const struct ks_proxy_limits *limits = &s->proxy->p.limits;
	uint64_t spent_ms = (s->proxy->now.mono_us - s->body_start_us) / 1000;
	uint64_t due = (uint64_t)limits->body_min_rate * spent_ms / 1000;

	if (s->ex->body_bytes >= due) {
		session_deadline_in(s, 1000);
		return;
	}
	refuse(s, &slow, KS_PROXY_BODY_TIMEOUT);
}

/** Three quarters of all requests wait for inspection: the rest must still find an exchange. */
static bool
overloaded(const struct ks_proxy *px)
{
	return px->judging >= px->p.limits.exchanges - px->p.limits.exchanges / 4;
}

static ks_cold void
overload(struct session *s)
{
	static const struct answer busy = {429, "TooManyRequests",
					   "inspection cannot keep up with the requests", 1, false};
	struct ks_proxy *px = s->proxy;
	struct ks_exchange *ex = s->ex;

	if (!px->p.fail_open) {
		refuse(s, &busy, KS_PROXY_OVERLOAD_REFUSED);
		return;
	}
	count(px, KS_PROXY_OVERLOAD_PASSED);
	ex->judged = ex->passed_uninspected = true;
	ks_exchange_finding_add(ex, KS_FINDING_UNINSPECTED, 0, 0);
	verdict_apply(s, ex);
}

void
request_submit(struct session *s)
{
	struct ks_proxy *px = s->proxy;
	struct ks_exchange *ex = s->ex;

	ex->now = px->now;
	s->verdict_seq = ex->seq;
	deadline_clear(&s->deadline);
	if (ks_unlikely(overloaded(px))) {
		overload(s);
		return;
	}
	if (px->p.submit(px->p.arg, ex) == 0) {
		px->judging++;
		s->ex = NULL;
		s->state = SESSION_VERDICT;
		return;
	}
	count(px, KS_PROXY_LINK_STALL);
	s->state = SESSION_SUBMIT;
	session_wait(s, &px->wait_link, WAITING_LINK);
}
