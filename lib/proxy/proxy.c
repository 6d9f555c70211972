/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy itself: its pools and lists, the turn, and the one way in which an exchange ends.
 * Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

#include <stdlib.h>

static int
lists_create(struct ks_proxy *px)
{
	TAILQ_INIT(&px->all_sessions);
	TAILQ_INIT(&px->shaking);
	TAILQ_INIT(&px->wait_exchange);
	TAILQ_INIT(&px->wait_link);
	TAILQ_INIT(&px->all_upstreams);
	for (int c = 0; c < KS_UPSTREAM_CLASSES; c++) {
		TAILQ_INIT(&px->wait_upstream[c]);
		TAILQ_INIT(&px->idle[c]);
	}
	px->sessions = ks_pool_create("sessions", px->p.limits.sessions, sizeof(struct session));
	px->upstreams =
		ks_pool_create("upstreams", px->p.limits.upstreams, sizeof(struct upstream));
	px->exchanges =
		ks_pool_create("exchanges", px->p.limits.exchanges, sizeof(struct ks_exchange));
	px->proofs = calloc(PROOF_SETS, sizeof(*px->proofs));
	px->scratch = malloc(RESPONSE_HEAD_BYTES);
	px->principals = ks_principal_cache_create(&px->p.identity, PRINCIPALS_CACHED);
	return px->sessions == NULL || px->upstreams == NULL || px->exchanges == NULL ||
			       px->proofs == NULL || px->scratch == NULL
		       ? -ENOMEM
		       : 0;
}

struct ks_proxy *
ks_proxy_create(const struct ks_proxy_params *params)
{
	struct ks_proxy *px;

	if (params->nservers == 0 || params->nservers > KS_PROXY_SERVERS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	px = calloc(1, sizeof(*px));
	if (px == NULL)
		return NULL;
	px->p = *params;
	px->share_key = params->identity.token_key;
	px->response_limits = (struct ks_http_limits){
		.head_bytes = RESPONSE_HEAD_BYTES,
		.target_bytes = 0,
		.fields = KS_HTTP_FIELDS_MAX,
	};
	if (lists_create(px) != 0) {
		ks_proxy_destroy(px);
		errno = ENOMEM;
		return NULL;
	}
	return px;
}

void
ks_proxy_destroy(struct ks_proxy *px)
{
	if (px == NULL)
		return;
	while (px->sessions != NULL && !TAILQ_EMPTY(&px->all_sessions))
		session_destroy(TAILQ_FIRST(&px->all_sessions), true, KS_END_SHUTDOWN);
	while (px->upstreams != NULL && !TAILQ_EMPTY(&px->all_upstreams))
		upstream_destroy(TAILQ_FIRST(&px->all_upstreams), true);
	ks_pool_destroy(px->sessions);
	ks_pool_destroy(px->upstreams);
	ks_pool_destroy(px->exchanges);
	ks_principal_cache_destroy(px->principals);
	free(px->proofs);
	free(px->scratch);
	free(px);
}

void
proxy_ready(struct ks_proxy *px, struct ks_leg *leg)
{
	if (leg->ready)
		return;
	leg->ready = true;
	leg->ready_next = NULL;
	if (px->ready_tail != NULL)
		px->ready_tail->ready_next = leg;
	else
		px->ready_head = leg;
	px->ready_tail = leg;
}

void
proxy_retry(struct ks_proxy *px, struct ks_leg *leg)
{
	if (leg->ready)
		return;
	leg->ready = true;
	leg->ready_next = px->retry_head;
	px->retry_head = leg;
}

static void
retry_to_ready(struct ks_proxy *px)
{
	struct ks_leg *leg = px->retry_head, *next;

	for (px->retry_head = NULL; leg != NULL; leg = next) {
		next = leg->ready_next;
		leg->ready = false;
		proxy_ready(px, leg);
	}
}

static bool
list_remove(struct ks_leg **head, struct ks_leg **tail, struct ks_leg *leg)
{
	struct ks_leg **at = head, *prev = NULL;

	for (; *at != NULL && *at != leg; at = &(*at)->ready_next)
		prev = *at;
	if (*at == NULL)
		return false;
	*at = leg->ready_next;
	if (tail != NULL && *tail == leg)
		*tail = prev;
	return true;
}

/** A leg that dies must not stay in a list. Rare, and the lists are short: a walk will do. */
void
proxy_leg_forget(struct ks_proxy *px, struct ks_leg *leg)
{
	if (!leg->ready)
		return;
	if (!list_remove(&px->ready_head, &px->ready_tail, leg))
		(void)list_remove(&px->retry_head, NULL, leg);
	leg->ready = false;
}

struct ks_exchange *
proxy_exchange_get(struct ks_proxy *px)
{
	struct ks_exchange *ex = ks_pool_get(px->exchanges);

	if (ex == NULL)
		return NULL;
	ks_exchange_init(ex);
	ex->owner = px->p.owner;
	ex->service = px->p.service;
	ex->seq = ++px->seq;
	return ex;
}

void
proxy_body_release(struct ks_proxy *px, struct ks_exchange *ex)
{
	if (ex->charge_bytes > 0)
		admission_release(px, ex);
	ks_arena_free(px->p.arena, ex->body);
	ex->body = NULL;
}

void
ks_proxy_free(struct ks_proxy *px, struct ks_exchange *ex)
{
	proxy_body_release(px, ex);
	ks_exchange_fini(ex, px->p.arena);
	ks_pool_put(px->exchanges, ex);
}

static const uint8_t end_counter[KS_END_MAX] = {
	[KS_END_ANSWERED] = KS_PROXY_END_ANSWERED,
	[KS_END_STREAMING] = KS_PROXY_END_STREAMING,
	[KS_END_BLOCKED] = KS_PROXY_END_BLOCKED,
	[KS_END_THROTTLED] = KS_PROXY_END_THROTTLED,
	[KS_END_REFUSED] = KS_PROXY_END_REFUSED,
	[KS_END_UPSTREAM_UNAVAILABLE] = KS_PROXY_END_UPSTREAM_UNAVAILABLE,
	[KS_END_UPSTREAM_BROKEN] = KS_PROXY_END_UPSTREAM_BROKEN,
	[KS_END_CLIENT_GONE] = KS_PROXY_END_CLIENT_GONE,
	[KS_END_SHUTDOWN] = KS_PROXY_END_SHUTDOWN,
};

static void
outcome_push(struct ks_proxy *px, struct ks_exchange *ex)
{
	ex->next = NULL;
	if (px->outcome_tail != NULL)
		px->outcome_tail->next = ex;
	else
		px->outcome_head = ex;
	px->outcome_tail = ex;
}

static uint32_t
outcome_flush(struct ks_proxy *px)
{
	uint32_t done = 0;

	while (px->outcome_head != NULL) {
		struct ks_exchange *ex = px->outcome_head, *next = ex->next;

		if (px->p.outcome(px->p.arg, ex) != 0)
			break;
		px->outcome_head = next;
		if (next == NULL)
			px->outcome_tail = NULL;
		done++;
	}
	return done;
}

void
proxy_exchange_end(struct ks_proxy *px, struct ks_exchange *ex, enum ks_exchange_end end)
{
	ex->end = end;
	count(px, end_counter[end]);
	ex->duration_us = px->now.mono_us - ex->now.mono_us;
	proxy_body_release(px, ex);
	/* What was never judged has no principal or call worth recording: its counter tells. */
	if (!ex->judged || end == KS_END_SHUTDOWN) {
		ks_proxy_free(px, ex);
		return;
	}
	if (px->outcome_head != NULL || px->p.outcome(px->p.arg, ex) != 0) {
		count(px, KS_PROXY_LINK_STALL);
		outcome_push(px, ex);
	}
}

static void
tcp_event(struct ks_proxy *px, struct ks_tcp_conn *conn, uint32_t events)
{
	struct ks_leg *leg;

	if ((events & KS_TCP_EV_ACCEPTED) && !session_accept(px, conn))
		return;
	leg = ks_tcp_user(conn);
	if (events & (KS_TCP_EV_EOF | KS_TCP_EV_CLOSED))
		leg->tcp_eof = true;
	if (events & KS_TCP_EV_CLOSED)
		leg->dead = true;
	proxy_ready(px, leg);
}

static void
leg_advance(struct ks_leg *leg)
{
	if (leg->side == KS_LEG_CLIENT)
		session_advance((struct session *)leg);
	else
		upstream_advance((struct upstream *)leg);
}

/** Each ready leg once; what becomes ready meanwhile is for the same turn, bounded by `max`. */
static uint32_t
ready_run(struct ks_proxy *px, uint32_t max)
{
	uint32_t done = 0;

	while (px->ready_head != NULL && done < max) {
		struct ks_leg *leg = px->ready_head;

		px->ready_head = leg->ready_next;
		if (px->ready_head == NULL)
			px->ready_tail = NULL;
		leg->ready = false;
		leg_advance(leg);
		done++;
	}
	return done;
}

static uint32_t
link_retry(struct ks_proxy *px)
{
	uint32_t done = 0;
	struct session *s;

	while ((s = TAILQ_FIRST(&px->wait_link)) != NULL) {
		session_unwait(s);
		request_submit(s);
		if (s->state == SESSION_SUBMIT)
			break;
		done++;
	}
	return done;
}

/** As many as there are exchanges may look again. Once a turn and not when one is freed, so that
 * one that is offered to a connection about to die goes to the next. */
static void
exchanges_offer(struct ks_proxy *px)
{
	uint32_t n = ks_pool_free_count(px->exchanges);
	struct session *s;

	for (; n > 0 && (s = TAILQ_FIRST(&px->wait_exchange)) != NULL; n--) {
		session_unwait(s);
		proxy_ready(px, &s->leg);
	}
}

uint32_t
ks_proxy_poll(struct ks_proxy *px, const struct ks_now *now)
{
	const uint32_t max_events = 1024;
	struct ks_tcp_conn *conn;
	uint32_t events, done = 0;

	px->now = *now;
	exchanges_offer(px);
	retry_to_ready(px);
	done += outcome_flush(px);
	while (done < max_events && (conn = ks_tcp_event_next(px->p.tcp, &events)) != NULL) {
		tcp_event(px, conn, events);
		done++;
	}
	done += link_retry(px);
	done += ready_run(px, max_events);
	upstream_serve(px);
	return done;
}

void
ks_proxy_verdict(struct ks_proxy *px, struct ks_exchange *ex, const struct ks_now *now)
{
	struct session *s = ks_pool_at(px->sessions, ex->session);

	px->now = *now;
	px->judging--;
	ex->judged = true;
	if (s == NULL || s->state != SESSION_VERDICT || s->verdict_seq != ex->seq) {
		count(px, KS_PROXY_VERDICT_ORPHAN);
		proxy_exchange_end(px, ex, KS_END_CLIENT_GONE);
		return;
	}
	s->ex = ex;
	verdict_apply(s, ex);
	proxy_ready(px, &s->leg);
}

void
session_wait(struct session *s, struct session_list *list, enum waiting kind)
{
	if (s->waiting != WAITING_NOT)
		session_unwait(s);
	s->waiting = kind;
	TAILQ_INSERT_TAIL(list, s, wait);
}

void
session_unwait(struct session *s)
{
	struct ks_proxy *px = s->proxy;
	struct session_list *list;

	switch (s->waiting) {
	case WAITING_PEER:
		list = &px->shaking;
		break;
	case WAITING_EXCHANGE:
		list = &px->wait_exchange;
		break;
	case WAITING_LINK:
		list = &px->wait_link;
		break;
	case WAITING_UPSTREAM:
		list = &px->wait_upstream[s->class];
		break;
	default:
		return;
	}
	TAILQ_REMOVE(list, s, wait);
	s->waiting = WAITING_NOT;
}

const uint64_t *
ks_proxy_counters(const struct ks_proxy *px)
{
	return px->counters;
}

void
ks_proxy_stats_get(const struct ks_proxy *px, struct ks_proxy_stats *out)
{
	struct ks_pool_stats sessions, upstreams, exchanges;

	ks_pool_stats_get(px->sessions, &sessions);
	ks_pool_stats_get(px->upstreams, &upstreams);
	ks_pool_stats_get(px->exchanges, &exchanges);
	*out = (struct ks_proxy_stats){
		.sessions = sessions.used,
		.sessions_max = sessions.size,
		.handshakes = px->handshakes,
		.exchanges = exchanges.used,
		.exchanges_max = exchanges.size,
		.upstreams = upstreams.used,
		.upstreams_idle = px->idle_count,
		.proofs = px->proof_count,
	};
}

uint32_t
ks_proxy_sessions(const struct ks_proxy *px, struct ks_proxy_session_view *out, uint32_t n)
{
	uint32_t i = 0;
	struct session *s;

	TAILQ_FOREACH (s, &px->all_sessions, all) {
		struct ks_proxy_session_view *v = &out[i];

		if (i == n)
			break;
		if (s->leg.conn == NULL)
			continue;
		v->tuple = *ks_tcp_tuple(s->leg.conn);
		memcpy(v->principal, s->principal, sizeof(v->principal));
		v->state = session_state_name(s->state);
		v->tls = s->handshaking ? "" : ks_tls_version(s->leg.tls);
		v->since_us = s->since_us;
		v->exchanges = s->exchanges;
		i++;
	}
	return i;
}
