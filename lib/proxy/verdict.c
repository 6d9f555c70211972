/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with a judged exchange: forwarded, throttled or blocked, and in which words.
 * Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

#include <stdio.h>

#define MESSAGE_BYTES 700

static const struct ks_finding *
strongest(const struct ks_exchange *ex)
{
	const struct ks_finding *top = NULL;

	for (uint8_t i = 0; i < ex->nfindings; i++)
		if (top == NULL || ex->findings[i].db > top->db)
			top = &ex->findings[i];
	return top;
}

static void
message_write(char *text, size_t cap, const struct ks_exchange *ex, const char *what)
{
	const struct ks_finding *top = strongest(ex);
	char words[400] = "no single reason";

	if (top != NULL)
		ks_finding_words(top, words, sizeof(words));
	snprintf(text, cap, "%s by KubeScope (%d dB): %s", what, ex->score_db, words);
}

static void
deny(struct session *s, struct ks_exchange *ex, struct answer *answer, enum ks_exchange_end end)
{
	struct ks_proxy *px = s->proxy;

	ex->status = answer->code;
	s->ex = NULL;
	answer_status_for(s, ex, answer);
	proxy_exchange_end(px, ex, end);
}

void
verdict_apply(struct session *s, struct ks_exchange *ex)
{
	char message[MESSAGE_BYTES];
	struct answer answer = {.message = message};

	switch (ex->verdict) {
	case KS_VERDICT_BLOCK:
		answer.code = 403;
		answer.reason = "Forbidden";
		message_write(message, sizeof(message), ex, "blocked");
		deny(s, ex, &answer, KS_END_BLOCKED);
		break;
	case KS_VERDICT_THROTTLE:
		answer.code = 429;
		answer.reason = "TooManyRequests";
		answer.retry_after_s = ex->retry_after_s != 0 ? ex->retry_after_s : 1;
		message_write(message, sizeof(message), ex, "throttled");
		deny(s, ex, &answer, KS_END_THROTTLED);
		break;
	default:
		verdict_forward(s);
	}
}

static void
join(struct session *s, struct upstream *up)
{
	s->up = up;
	s->state = SESSION_SENT;
	s->to_head = ks_str_is(ks_http_method(&s->ex->head), "HEAD");
	s->answer_bytes = 0;
	up->session = s;
	up->state = UPSTREAM_BUSY;
	up->head_sent = up->head_done = false;
	up->answer_seen = up->blocked = up->body_complete = false;
	up->scanned = 0;
	up->body_sent = 0;
	deadline_clear(&up->deadline);
}

/** The writer refuses bytes that would change the meaning of the head. */
static ks_cold void
not_writable(struct session *s, struct upstream *up)
{
	static const struct answer bad = {400, "BadRequest", "the request cannot be forwarded", 0,
					  true};

	s->up = NULL;
	up->session = NULL;
	upstream_destroy(up, true);
	answer_unavailable(s, &bad, KS_END_REFUSED);
}

static void
forward_over(struct session *s, struct upstream *up)
{
	struct ks_proxy *px = s->proxy;
	int rc;

	join(s, up);
	if (up->served++ > 0)
		count(px, KS_PROXY_UPSTREAM_REUSED);
	count(px, KS_PROXY_FORWARDED);
	s->ex->upstream_us = px->now.mono_us;
	rc = forward_head(up, s->ex);
	if (ks_unlikely(rc == -EINVAL)) {
		not_writable(s, up);
		return;
	}
	up->head_sent = rc == 0;
	deadline_clear(&s->deadline);
	if (!s->long_running)
		session_deadline_in(s, px->p.limits.response_timeout_ms);
	proxy_ready(px, &up->leg);
}

void
verdict_forward(struct session *s)
{
	static const struct answer down = {503, "ServiceUnavailable",
					   "the API server cannot be reached", 1, false};
	static const struct answer no_front = {
		503, "ServiceUnavailable",
		"no front-proxy certificate is configured for users with client certificates", 0,
		false};
	struct ks_proxy *px = s->proxy;
	struct upstream *up;
	int err = 0;

	if (px->p.client_tls[s->class] == NULL) {
		answer_unavailable(s, &no_front, KS_END_UPSTREAM_UNAVAILABLE);
		return;
	}
	up = upstream_get(px, s->class, s->retried, &err);
	if (up != NULL) {
		forward_over(s, up);
		return;
	}
	if (err == -EHOSTDOWN) {
		answer_unavailable(s, &down, KS_END_UPSTREAM_UNAVAILABLE);
		return;
	}
	s->state = SESSION_UPSTREAM;
	session_wait(s, &px->wait_upstream[s->class], WAITING_UPSTREAM);
	session_deadline_in(s, px->p.limits.connect_timeout_ms * 2);
}
