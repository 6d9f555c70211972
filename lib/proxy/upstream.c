/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the API server: two classes that never mix, opened when needed, used again when
 * idle, and a server that does not answer is left alone for a while. Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

#include "ks_iface.h"

#define BACKOFF_MIN_MS 250u
#define PORT_TRIES 64

static void
deadline_in(struct upstream *up, uint32_t ms)
{
	deadline_set(up->proxy->p.wheel, &up->deadline, up->proxy->now.mono_us + ms * 1000ull);
}

static int
server_choose(struct ks_proxy *px)
{
	for (uint8_t i = 0; i < px->p.nservers; i++) {
		uint8_t at = (px->next_server + i) % px->p.nservers;

		if (px->servers[at].down_until_us <= px->now.mono_us) {
			px->next_server = (at + 1) % px->p.nservers;
			return at;
		}
	}
	return -EHOSTDOWN;
}

static void
server_failed(struct ks_proxy *px, uint8_t server)
{
	struct server *sv = &px->servers[server];

	sv->backoff_ms = KS_MAX(sv->backoff_ms * 2, BACKOFF_MIN_MS);
	sv->backoff_ms = KS_MIN(sv->backoff_ms, px->p.limits.retry_ms);
	sv->down_until_us = px->now.mono_us + sv->backoff_ms * 1000ull;
	count(px, KS_PROXY_UPSTREAM_FAILED);
}

static struct ks_tcp_conn *
connect_to(struct ks_proxy *px, const struct ks_endpoint *server, void *user)
{
	uint16_t first = ks_steer_port_first(px->p.owner, px->p.nowners);
	uint16_t ports = ks_steer_port_count(px->p.nowners);
	struct ks_tuple tuple = {
		.local = px->p.upstream_local,
		.remote = server->addr,
		.remote_port = server->port,
		.iface = px->p.upstream_iface,
	};

	for (int i = 0; i < PORT_TRIES; i++) {
		struct ks_tcp_conn *conn;

		px->next_port = (px->next_port + 1) % ports;
		tuple.local_port = rte_cpu_to_be_16(first + px->next_port);
		conn = ks_tcp_connect(px->p.tcp, &tuple, user, &px->now);
		if (conn != NULL)
			return conn;
		if (errno != EADDRINUSE)
			break;
	}
	return NULL;
}

static void upstream_timer(struct ks_timer *timer, uint64_t now_us);

static void
upstream_init(struct ks_proxy *px, struct upstream *up, enum ks_upstream_class class,
	      uint8_t server)
{
	up->proxy = px;
	up->state = UPSTREAM_CONNECTING;
	up->class = class;
	up->server = server;
	up->session = NULL;
	up->served = 0;
	up->head_done = up->answer_seen = up->head_sent = false;
	up->leg.side = KS_LEG_UPSTREAM;
	up->deadline.at_us = 0;
	ks_timer_init(&up->deadline.timer, upstream_timer);
	TAILQ_INSERT_TAIL(&px->all_upstreams, up, all);
	px->connecting[class]++;
	px->servers[server].outstanding++;
	count(px, KS_PROXY_UPSTREAM_OPENED);
	deadline_in(up, px->p.limits.connect_timeout_ms);
}

/** @return 0 when one is on its way. */
static int
upstream_open(struct ks_proxy *px, enum ks_upstream_class class)
{
	int server = server_choose(px);
	struct ks_tcp_conn *conn;
	struct upstream *up;

	if (server < 0)
		return server;
	up = ks_pool_get(px->upstreams);
	if (up == NULL)
		return -ENOBUFS;
	conn = connect_to(px, &px->p.servers[server], up);
	if (conn == NULL) {
		ks_pool_put(px->upstreams, up);
		return -ENOBUFS;
	}
	if (ks_leg_open(&up->leg, px->p.tcp, conn, px->p.client_tls[class], px->p.chunks) != 0) {
		ks_tcp_abort(px->p.tcp, conn);
		ks_pool_put(px->upstreams, up);
		return -ENOBUFS;
	}
	upstream_init(px, up, class, server);
	return 0;
}

/** An idle connection of the other class gives way when the pool is full. */
static void
make_room(struct ks_proxy *px, enum ks_upstream_class class)
{
	struct upstream *victim = TAILQ_LAST(&px->idle[!class], upstream_list);

	if (ks_pool_free_count(px->upstreams) == 0 && victim != NULL)
		upstream_destroy(victim, false);
}

static uint32_t
waiting_for(const struct ks_proxy *px, enum ks_upstream_class class)
{
	const struct session *s;
	uint32_t n = 0;

	TAILQ_FOREACH (s, &px->wait_upstream[class], wait)
		if (++n > px->connecting[class])
			break;
	return n;
}

struct upstream *
upstream_get(struct ks_proxy *px, enum ks_upstream_class class, bool fresh, int *err)
{
	struct upstream *up = TAILQ_FIRST(&px->idle[class]);

	/* One that has just been opened stands first, and only that one is fresh. */
	if (up != NULL && !(fresh && up->served > 0)) {
		TAILQ_REMOVE(&px->idle[class], up, link);
		px->idle_count--;
		return up;
	}
	*err = -EINPROGRESS;
	if (waiting_for(px, class) < px->connecting[class])
		return NULL;
	make_room(px, class);
	*err = upstream_open(px, class);
	if (*err == 0 || (*err == -EHOSTDOWN && px->connecting[class] > 0))
		*err = -EINPROGRESS;
	return NULL;
}

static void
idle_insert(struct upstream *up)
{
	struct ks_proxy *px = up->proxy;

	up->state = UPSTREAM_IDLE;
	up->session = NULL;
	TAILQ_INSERT_HEAD(&px->idle[up->class], up, link);
	px->idle_count++;
	deadline_in(up, px->p.limits.upstream_idle_ms);
}

void
upstream_put(struct upstream *up)
{
	struct ks_proxy *px = up->proxy;
	struct session *s = TAILQ_FIRST(&px->wait_upstream[up->class]);

	idle_insert(up);
	if (s == NULL)
		return;
	session_unwait(s);
	verdict_forward(s);
}

/** Nobody may wait for connections that will not come. */
static ks_cold void
waiters_fail(struct ks_proxy *px, enum ks_upstream_class class)
{
	static const struct answer down = {503, "ServiceUnavailable",
					   "the API server cannot be reached", 1, false};
	struct session *s;

	while ((s = TAILQ_FIRST(&px->wait_upstream[class])) != NULL) {
		session_unwait(s);
		answer_unavailable(s, &down, KS_END_UPSTREAM_UNAVAILABLE);
		proxy_ready(px, &s->leg);
	}
}

/** A connection for each that waits. One that was on its way may have failed, or closed after its
 * answer instead of going to the next; then another server is tried, or another connection. */
void
upstream_serve(struct ks_proxy *px)
{
	for (int class = 0; class < KS_UPSTREAM_CLASSES; class++) {
		int rc = 0;

		while (rc == 0 && !TAILQ_EMPTY(&px->wait_upstream[class]) &&
		       waiting_for(px, class) > px->connecting[class]) {
			make_room(px, class);
			rc = upstream_open(px, class);
		}
		if (ks_unlikely(rc == -EHOSTDOWN && px->connecting[class] == 0))
			waiters_fail(px, class);
	}
}

void
upstream_destroy(struct upstream *up, bool reset)
{
	struct ks_proxy *px = up->proxy;

	proxy_leg_forget(px, &up->leg);
	ks_timer_cancel(px->p.wheel, &up->deadline.timer);
	if (up->state == UPSTREAM_IDLE) {
		TAILQ_REMOVE(&px->idle[up->class], up, link);
		px->idle_count--;
	} else if (up->state == UPSTREAM_CONNECTING) {
		px->connecting[up->class]--;
	}
	px->servers[up->server].outstanding--;
	if (!reset)
		ks_leg_shutdown(&up->leg);
	ks_leg_close(&up->leg, reset);
	TAILQ_REMOVE(&px->all_upstreams, up, all);
	ks_pool_put(px->upstreams, up);
}

static void
connect_failed(struct upstream *up)
{
	server_failed(up->proxy, up->server);
	upstream_destroy(up, true);
}

static void
connecting_advance(struct upstream *up)
{
	struct ks_proxy *px = up->proxy;

	if (up->leg.dead || up->leg.eof || ks_tls_state(up->leg.tls) == KS_TLS_FAILED) {
		connect_failed(up);
		return;
	}
	if (ks_leg_push(&up->leg) != 0) {
		connect_failed(up);
		return;
	}
	if (up->leg.starved)
		proxy_retry(px, &up->leg);
	if (ks_tls_state(up->leg.tls) != KS_TLS_OPEN)
		return;
	px->connecting[up->class]--;
	px->servers[up->server].backoff_ms = 0;
	px->servers[up->server].down_until_us = 0;
	upstream_put(up);
}

static void
busy_advance(struct upstream *up)
{
	struct ks_proxy *px = up->proxy;
	struct session *s = up->session;

	if (!up->head_sent && s->ex != NULL)
		up->head_sent = forward_head(up, s->ex) == 0;
	if (up->head_sent && s->ex != NULL)
		forward_body(up, s->ex);
	if (ks_leg_push(&up->leg) != 0)
		up->leg.eof = true;
	if (!up->head_sent || up->leg.starved)
		proxy_retry(px, &up->leg);
	else if (s->ex != NULL && up->body_sent < s->ex->body_bytes && ks_leg_room(&up->leg) > 0)
		proxy_ready(px, &up->leg);
	response_advance(up);
}

void
upstream_advance(struct upstream *up)
{
	int rc = ks_leg_pull(&up->leg);

	if (up->state == UPSTREAM_CONNECTING) {
		connecting_advance(up);
		return;
	}
	if (up->leg.dead || rc != 0)
		up->leg.eof = true;
	if (up->state == UPSTREAM_BUSY) {
		busy_advance(up);
		return;
	}
	/* Idle: session tickets may come; data or an end mean that it is of no more use. */
	if (up->leg.eof || up->leg.plain_in.len > 0) {
		count(up->proxy, KS_PROXY_UPSTREAM_CLOSED);
		upstream_destroy(up, up->leg.plain_in.len > 0);
		return;
	}
	(void)ks_leg_push(&up->leg);
}

static void
upstream_timer(struct ks_timer *timer, uint64_t now_us)
{
	struct deadline *d = ks_container_of(timer, struct deadline, timer);
	struct upstream *up = ks_container_of(d, struct upstream, deadline);

	up->proxy->now.mono_us = KS_MAX(up->proxy->now.mono_us, now_us);
	if (!deadline_reached(up->proxy->p.wheel, d, now_us))
		return;
	if (up->state == UPSTREAM_CONNECTING)
		connect_failed(up);
	else if (up->state == UPSTREAM_IDLE)
		upstream_destroy(up, false);
}
