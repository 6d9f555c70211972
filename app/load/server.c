/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD_MAX (32u * 1024)
#define OBJECT_BYTES 2048u

struct server_conn {
	struct ks_leg leg; /**< first */
	struct server *server;
	struct server_conn *next, **prev;
	uint32_t scanned;
	bool in_body, closing;
	struct ks_http1_body body;
	struct pattern want; /**< of the request body; bytes 0: not checked */
	struct pattern give; /**< of the answer */
	uint32_t given;	     /**< bytes of it written so far */
	bool answering, chunked;
	bool keep_alive;
};

int
server_init(struct server *server, struct host *host, struct ks_tls_ctx *tls,
	    const struct ks_endpoint *listen, uint32_t conns)
{
	memset(server, 0, sizeof(*server));
	server->host = host;
	server->tls = tls;
	server->conns = ks_pool_create("server", conns, sizeof(struct server_conn));
	if (server->conns == NULL)
		return -errno;
	return ks_tcp_listen(host->tcp, listen, NULL);
}

static void
conn_close(struct server_conn *c, bool reset)
{
	struct server *server = c->server;

	ks_leg_close(&c->leg, reset);
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	ks_pool_put(server->conns, c);
}

void
server_fini(struct server *server)
{
	while (server->all != NULL)
		conn_close(server->all, true);
	ks_pool_destroy(server->conns);
}

static struct server_conn *
conn_accept(struct server *server, struct ks_tcp_conn *tcp)
{
	struct server_conn *c = ks_pool_get(server->conns);

	if (c == NULL)
		goto refused;
	memset(c, 0, sizeof(*c));
	if (ks_leg_open(&c->leg, server->host->tcp, tcp, server->tls, server->host->chunks) != 0) {
		ks_pool_put(server->conns, c);
		goto refused;
	}
	c->server = server;
	c->next = server->all;
	c->prev = &server->all;
	if (c->next != NULL)
		c->next->prev = &c->next;
	server->all = c;
	server->accepted++;
	return c;
refused:
	ks_tcp_user_set(tcp, NULL);
	ks_tcp_abort(server->host->tcp, tcp);
	return NULL;
}

/** "b2048-7" in the last segment of the path. */
static void
answer_choose(struct server_conn *c, const struct ks_http_head *head)
{
	struct ks_str target = ks_http_target(head);
	const char *query = memchr(target.p, '?', target.n);
	const char *end = query != NULL ? query : target.p + target.n;
	const char *name = memrchr(target.p, '/', end - target.p);
	unsigned long bytes, seed;
	char kind;

	c->give = (struct pattern){0, OBJECT_BYTES};
	c->chunked = false;
	if (name == NULL || end - name > 40)
		return;
	char text[48] = {0};

	memcpy(text, name + 1, end - name - 1);
	if (sscanf(text, "%c%lu-%lu", &kind, &bytes, &seed) != 3 || (kind != 'b' && kind != 'c'))
		return;
	c->give = (struct pattern){seed, KS_MAX((uint32_t)bytes, PATTERN_MIN)};
	c->chunked = kind == 'c';
}

static void
request_note(struct server_conn *c, const struct ks_http_head *head)
{
	c->want = (struct pattern){0, 0};
	for (uint16_t i = 0; i < head->nfields; i++) {
		struct ks_str name = ks_http_field_name(head, &head->fields[i]);
		struct ks_str value = ks_http_field_value(head, &head->fields[i]);

		if (head->fields[i].id == KS_HTTP_X_REMOTE) {
			c->server->identity_fields++;
			if (name.n == 13 && strncasecmp(name.p, "X-Remote-User", 13) == 0)
				c->server->front_proxy_requests++;
		}
		if (name.n == 9 && strncasecmp(name.p, "X-Pattern", 9) == 0)
			c->want = (struct pattern){strtoul(value.p, NULL, 10),
						   (uint32_t)head->content_length};
	}
}

static int
answer_head(struct server_conn *c)
{
	struct ks_http1_writer w;

	ks_http1_write_status(&w, &c->leg.plain_out, 200);
	ks_http1_write_field(&w, KS_STR("Audit-Id"),
			     KS_STR("5a6f2f0e-0000-4000-8000-000000000000"));
	ks_http1_write_field(&w, KS_STR("Cache-Control"), KS_STR("no-cache, private"));
	ks_http1_write_field(&w, KS_STR("Content-Type"), KS_STR("application/json"));
	if (c->chunked)
		ks_http1_write_field(&w, KS_STR("Transfer-Encoding"), KS_STR("chunked"));
	else
		ks_http1_write_field_u64(&w, KS_STR("Content-Length"), c->give.bytes);
	return ks_http1_write_end(&w);
}

/** @return true when all of the answer is written. */
static bool
answer_more(struct server_conn *c)
{
	char piece[2000];

	while (c->given < c->give.bytes && ks_leg_room(&c->leg) > 0) {
		uint32_t n = KS_MIN((uint32_t)sizeof(piece), c->give.bytes - c->given);
		int rc;

		pattern_write(&c->give, c->given, piece, n);
		rc = c->chunked ? ks_http1_write_chunk(&c->leg.plain_out, piece, n)
				: ks_chain_append(&c->leg.plain_out, piece, n);
		if (rc != 0)
			return false;
		c->given += n;
	}
	if (c->given < c->give.bytes)
		return false;
	return !c->chunked || ks_http1_write_chunk(&c->leg.plain_out, NULL, 0) == 0;
}

/** @return 1 progress, 0 wait, -1 broken. */
static int
head_step(struct server_conn *c)
{
	static char buf[HEAD_MAX];
	static struct ks_http_head head;
	const struct ks_http_limits limits = {HEAD_MAX, 8192, KS_HTTP_FIELDS_MAX};
	struct ks_http_error err;
	int n = ks_http1_head_find(&c->leg.plain_in, &c->scanned, HEAD_MAX);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return -1;
	ks_chain_peek(&c->leg.plain_in, 0, buf, n);
	if (ks_http1_request_parse(buf, n, &limits, &head, &err) != 0)
		return -1;
	ks_chain_consume(&c->leg.plain_in, n);
	c->scanned = 0;
	c->server->requests++;
	request_note(c, &head);
	answer_choose(c, &head);
	c->keep_alive = head.keep_alive;
	ks_http1_body_init(&c->body, &head);
	c->in_body = true;
	return 1;
}

static int
body_step(struct server_conn *c)
{
	const uint8_t *front;
	uint32_t len;

	while (!c->body.done && (front = ks_chain_front(&c->leg.plain_in, &len)) != NULL) {
		uint32_t off = c->body.total;
		struct ks_str piece;
		int used = ks_http1_body_read(&c->body, front, len, &piece);

		if (used < 0)
			return -1;
		if (c->want.bytes > 0 && !pattern_check(&c->want, off, piece.p, piece.n))
			c->server->bad_bodies++;
		if (used == 0)
			break;
		ks_chain_consume(&c->leg.plain_in, used);
	}
	if (!c->body.done)
		return 0;
	c->in_body = false;
	c->answering = true;
	c->given = 0;
	return answer_head(c) == 0 ? 1 : -1;
}

static int
step(struct server_conn *c)
{
	if (c->answering) {
		if (!answer_more(c))
			return 0;
		c->answering = false;
		if (!c->keep_alive) {
			c->closing = true;
			ks_leg_shutdown(&c->leg);
		}
		return 1;
	}
	if (c->closing)
		return 0;
	return c->in_body ? body_step(c) : head_step(c);
}

/** What was pulled had reached the limit and was consumed: TLS may hold more, and nothing will
 * tell. */
static bool
reads_on(const struct server_conn *c)
{
	return c->leg.capped && c->leg.plain_in.len < KS_LEG_IN_BYTES;
}

static void
conn_advance(struct server_conn *c)
{
	int rc;

	if (c->leg.dead || ks_leg_pull(&c->leg) != 0) {
		(void)ks_leg_push(&c->leg);
		conn_close(c, false);
		return;
	}
	do
		rc = ks_tls_state(c->leg.tls) == KS_TLS_HANDSHAKE ? 0 : step(c);
	while (rc > 0);
	if (rc < 0)
		c->server->bad_requests++;
	if (rc < 0 || (c->leg.eof && !c->answering)) {
		(void)ks_leg_push(&c->leg);
		conn_close(c, rc < 0);
		return;
	}
	if (ks_leg_push(&c->leg) != 0)
		conn_close(c, true);
	else if (reads_on(c) || (c->answering && ks_leg_room(&c->leg) > 0 && !c->leg.starved))
		conn_advance(c);
}

uint32_t
server_poll(struct server *server)
{
	struct ks_tcp_conn *tcp;
	uint32_t events, done = 0;

	while ((tcp = ks_tcp_event_next(server->host->tcp, &events)) != NULL) {
		struct server_conn *c;

		if ((events & KS_TCP_EV_ACCEPTED) && conn_accept(server, tcp) == NULL)
			continue;
		c = ks_tcp_user(tcp);
		c->leg.tcp_eof |= (events & (KS_TCP_EV_EOF | KS_TCP_EV_CLOSED)) != 0;
		c->leg.dead |= (events & KS_TCP_EV_CLOSED) != 0;
		conn_advance(c);
		done++;
	}
	return done;
}
