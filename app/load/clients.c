/* SPDX-License-Identifier: Apache-2.0 */
#include "clients.h"

#include <errno.h>
#include <stdlib.h>

#define HEAD_MAX (32u * 1024)
#define PORT_FIRST 10000u
#define PORT_COUNT 50000u

enum client_state {
	CLIENT_CLOSED,
	CLIENT_OPENING,
	CLIENT_READY,
	CLIENT_SENDING,
	CLIENT_WAITING,
	CLIENT_BODY
};

struct client {
	struct ks_leg leg; /**< first */
	struct clients *owner;
	uint32_t index;
	uint8_t state;
	bool finished;
	const struct mix_item *item;
	uint32_t next_item;
	uint32_t sent; /**< of the pattern body */
	uint32_t scanned;
	uint32_t on_connection;
	uint64_t answered, start_us, retry_us;
	uint16_t status;
	bool keep_alive;
	struct ks_http1_body body;
};

int
clients_init(struct clients *cs, const struct clients_params *params)
{
	memset(cs, 0, sizeof(*cs));
	cs->p = *params;
	cs->v = calloc(params->n, sizeof(*cs->v));
	if (cs->v == NULL)
		return -ENOMEM;
	cs->to_open = params->n;
	for (uint32_t i = 0; i < params->n; i++) {
		cs->v[i].owner = cs;
		cs->v[i].index = i;
		cs->v[i].next_item = i;
	}
	return 0;
}

void
clients_fini(struct clients *cs)
{
	for (uint32_t i = 0; i < cs->p.n; i++)
		if (cs->v[i].state != CLIENT_CLOSED)
			ks_leg_close(&cs->v[i].leg, true);
	free(cs->v);
}

static void
client_close(struct client *c, bool reset)
{
	struct clients *cs = c->owner;

	cs->stats.closed++;
	if (c->state == CLIENT_OPENING)
		cs->opening--;
	else
		cs->open--;
	cs->to_open += !c->finished;
	c->state = CLIENT_CLOSED;
	ks_leg_close(&c->leg, reset);
}

/** A connection that dies with a request under way: the request is sent again on the next one. */
static void
client_failed(struct client *c)
{
	struct clients *cs = c->owner;

	if (c->state == CLIENT_OPENING)
		cs->stats.failed++;
	else if (c->state != CLIENT_READY)
		cs->stats.retried++;
	c->retry_us = cs->p.host->now.mono_us + 100000;
	client_close(c, true);
}

static int
leg_open(struct client *c, struct ks_tcp_conn *conn)
{
	const struct clients_params *p = &c->owner->p;
	struct ks_tls_ctx *own = p->tls_make != NULL ? p->tls_make(p->tls_arg) : NULL;
	int rc;

	if (p->tls_make != NULL && own == NULL)
		return -ENOMEM;
	rc = ks_leg_open(&c->leg, p->host->tcp, conn, own != NULL ? own : p->tls, p->host->chunks);
	ks_tls_ctx_destroy(own);
	return rc;
}

static int
client_open(struct client *c)
{
	struct clients *cs = c->owner;
	struct ks_tuple tuple = {
		.local = cs->p.addrs[c->index % cs->p.naddrs],
		.remote = cs->p.server.addr,
		.remote_port = cs->p.server.port,
	};
	struct ks_tcp_conn *conn;

	tuple.local_port = rte_cpu_to_be_16(PORT_FIRST + cs->next_port);
	cs->next_port = (cs->next_port + 1) % PORT_COUNT;
	conn = ks_tcp_connect(cs->p.host->tcp, &tuple, c, &cs->p.host->now);
	if (conn == NULL)
		return -errno;
	if (leg_open(c, conn) != 0) {
		ks_tcp_abort(cs->p.host->tcp, conn);
		return -ENOMEM;
	}
	c->leg.side = KS_LEG_UPSTREAM;
	c->state = CLIENT_OPENING;
	c->start_us = cs->p.host->now.mono_us;
	c->on_connection = 0;
	c->scanned = 0;
	cs->opening++;
	cs->to_open--;
	cs->stats.opened++;
	return 0;
}

static void
client_finish(struct client *c)
{
	c->finished = true;
	c->owner->finished++;
}

static void
request_start(struct client *c)
{
	struct clients *cs = c->owner;

	if (c->finished || cs->p.idle || cs->draining)
		return;
	c->item = &cs->p.mix->v[c->next_item % cs->p.mix->n];
	if (ks_chain_append(&c->leg.plain_out, c->item->bytes, c->item->len) != 0)
		return;
	c->state = CLIENT_SENDING;
	c->sent = 0;
	c->start_us = cs->p.host->now.mono_us;
	cs->stats.sent++;
}

static bool
request_more(struct client *c)
{
	const struct pattern *body = &c->item->body;
	char piece[2000];

	while (c->sent < body->bytes && ks_leg_room(&c->leg) > 0) {
		uint32_t n = KS_MIN((uint32_t)sizeof(piece), body->bytes - c->sent);

		pattern_write(body, c->sent, piece, n);
		if (ks_chain_append(&c->leg.plain_out, piece, n) != 0)
			return false;
		c->sent += n;
	}
	if (c->sent < body->bytes)
		return false;
	c->state = CLIENT_WAITING;
	return true;
}

static int
answer_head(struct client *c)
{
	static char buf[HEAD_MAX];
	static struct ks_http_head head;
	const struct ks_http_limits limits = {HEAD_MAX, 0, KS_HTTP_FIELDS_MAX};
	struct ks_http_error err;
	int n = ks_http1_head_find(&c->leg.plain_in, &c->scanned, HEAD_MAX);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return -1;
	ks_chain_peek(&c->leg.plain_in, 0, buf, n);
	if (ks_http1_response_parse(buf, n, &limits, c->item->head, &head, &err) != 0)
		return -1;
	ks_chain_consume(&c->leg.plain_in, n);
	c->scanned = 0;
	c->status = head.status;
	if (head.status < 200)
		return 1;
	c->keep_alive = head.keep_alive;
	ks_http1_body_init(&c->body, &head);
	c->state = CLIENT_BODY;
	return 1;
}

static void
answer_done(struct client *c)
{
	struct clients *cs = c->owner;

	if (c->status < 300 && c->item->want.bytes > 0 && c->body.total != c->item->want.bytes)
		cs->stats.bad_answers++;
	cs->stats.answered++;
	cs->stats.status[KS_MIN(c->status / 100, 5)]++;
	cs->stats.bytes_in += c->body.total;
	histogram_add(&cs->latency_us, cs->p.host->now.mono_us - c->start_us);
	c->next_item++;
	c->answered++;
	c->on_connection++;
	c->state = CLIENT_READY;
	if (cs->p.requests != 0 && c->answered >= cs->p.requests)
		client_finish(c);
}

static int
answer_body(struct client *c)
{
	const uint8_t *front;
	uint32_t len;

	while (!c->body.done && (front = ks_chain_front(&c->leg.plain_in, &len)) != NULL) {
		uint32_t off = c->body.total;
		struct ks_str piece;
		int used = ks_http1_body_read(&c->body, front, len, &piece);

		if (used < 0)
			return -1;
		if (c->status < 300 && c->item->want.bytes > 0 &&
		    !pattern_check(&c->item->want, off, piece.p, piece.n))
			c->owner->stats.bad_answers++;
		if (used == 0)
			break;
		ks_chain_consume(&c->leg.plain_in, used);
	}
	if (!c->body.done)
		return 0;
	answer_done(c);
	return 1;
}

static int
handshake(struct client *c)
{
	struct clients *cs = c->owner;

	if (ks_tls_state(c->leg.tls) == KS_TLS_HANDSHAKE)
		return 0;
	cs->opening--;
	cs->open++;
	cs->stats.handshakes++;
	cs->stats.resumed += ks_tls_resumed(c->leg.tls);
	histogram_add(&cs->handshake_us, cs->p.host->now.mono_us - c->start_us);
	c->state = CLIENT_READY;
	return 1;
}

/** @return 1 progress, 0 wait, -1 broken, -2 to be closed in good order. */
static int
step(struct client *c)
{
	switch (c->state) {
	case CLIENT_OPENING:
		return handshake(c);
	case CLIENT_READY:
		if (c->on_connection > 0 &&
		    (!c->keep_alive || c->on_connection == c->owner->p.per_connection))
			return -2;
		request_start(c);
		return c->state != CLIENT_READY;
	case CLIENT_SENDING:
		if (request_more(c))
			return 1;
		/* An early answer: the server has refused before the end of the body. */
		return c->leg.plain_in.len > 0 ? answer_head(c) : 0;
	case CLIENT_WAITING:
		return answer_head(c);
	case CLIENT_BODY:
		return answer_body(c);
	default:
		return 0;
	}
}

/** What was pulled had reached the limit and was consumed: TLS may hold more, and nothing will
 * tell. */
static bool
reads_on(const struct client *c)
{
	return c->leg.capped && c->leg.plain_in.len < KS_LEG_IN_BYTES;
}

static void
client_advance(struct client *c)
{
	int rc;

	if (c->leg.dead || ks_leg_pull(&c->leg) != 0) {
		client_failed(c);
		return;
	}
	do
		rc = step(c);
	while (rc > 0);
	if (rc == -1)
		c->owner->stats.bad_answers++;
	if (rc == -2) {
		ks_leg_shutdown(&c->leg);
		client_close(c, false);
		return;
	}
	if (rc == -1 || c->leg.eof || ks_leg_push(&c->leg) != 0)
		client_failed(c);
	else if (reads_on(c) ||
		 (c->state == CLIENT_SENDING && ks_leg_room(&c->leg) > 0 && !c->leg.starved))
		client_advance(c);
}

static uint32_t
open_some(struct clients *cs)
{
	uint64_t now_us = cs->p.host->now.mono_us;
	uint32_t done = 0;

	if (cs->to_open == 0 || cs->draining)
		return 0;
	for (uint32_t i = 0; i < cs->p.n && cs->opening < cs->p.opening; i++) {
		struct client *c = &cs->v[cs->next_open];

		cs->next_open = (cs->next_open + 1) % cs->p.n;
		if (c->state != CLIENT_CLOSED || c->finished || c->retry_us > now_us)
			continue;
		if (client_open(c) != 0)
			break;
		client_advance(c);
		done++;
	}
	return done;
}

uint32_t
clients_poll(struct clients *cs)
{
	struct ks_tcp_conn *tcp;
	uint32_t events, done = 0;

	while ((tcp = ks_tcp_event_next(cs->p.host->tcp, &events)) != NULL) {
		struct client *c = ks_tcp_user(tcp);

		c->leg.tcp_eof |= (events & (KS_TCP_EV_EOF | KS_TCP_EV_CLOSED)) != 0;
		c->leg.dead |= (events & KS_TCP_EV_CLOSED) != 0;
		client_advance(c);
		done++;
	}
	return done + open_some(cs);
}

bool
clients_done(const struct clients *cs)
{
	return cs->finished == cs->p.n;
}
