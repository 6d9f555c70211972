/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the owner, events, and looks at counters and sizes.
 */
#include <errno.h>
#include <inttypes.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "script_priv.h"

static int
error_from(const char *word)
{
	static const struct {
		const char *name;
		int error;
	} names[] = {{"ok", 0},
		     {"reset", ECONNRESET},
		     {"refused", ECONNREFUSED},
		     {"timeout", ETIMEDOUT},
		     {"aborted", ECONNABORTED}};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, word) == 0)
			return names[i].error;
	return -1;
}

/* = accepted connected readable writable eof closed CAUSE, or none. */
int
script_events(struct script *s)
{
	static const char *const names[] = {"accepted", "connected", "readable",
					    "writable", "eof",	     "closed"};
	uint32_t want = 0, got = 0;
	struct ks_tcp_conn *conn = ks_tcp_event_next(s->rig.stack, &got);

	for (uint32_t i = 2; i < s->nwords; i++)
		for (uint32_t k = 0; k < KS_ARRAY_SIZE(names); k++)
			if (strcmp(s->word[i], names[k]) == 0)
				want |= 1u << k;
	if (conn == NULL)
		got = 0;
	if (got != want)
		return script_fail(s, "events are %#x, not %#x", got, want);
	if (conn == NULL)
		return 0;
	if (rte_be_to_cpu_16(ks_tcp_tuple(conn)->remote_port) != PEER_PORT + s->cur)
		return script_fail(s, "event of another peer");
	if (got & KS_TCP_EV_ACCEPTED)
		script_peer(s)->conn = conn;
	if ((got & KS_TCP_EV_CLOSED) && error_from(s->word[s->nwords - 1]) != ks_tcp_error(conn))
		return script_fail(s, "error is %s", strerror(ks_tcp_error(conn)));
	return 0;
}

static int
call_send(struct script *s, uint32_t n)
{
	struct peer *peer = script_peer(s);
	struct ks_chain data;
	uint32_t took;
	int rc;

	ks_chain_init(&data, s->rig.chunks);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t byte = rig_pattern(peer->sent + i);

		if (ks_chain_append(&data, &byte, 1) != 0)
			return script_fail(s, "no chunk to send from");
	}
	rc = ks_tcp_send(s->rig.stack, peer->conn, &data);
	took = rc > 0 ? (uint32_t)rc : 0;
	ks_chain_clear(&data);
	peer->sent += took;
	if (strcmp(script_word(s, 4), "=") == 0) {
		if (rc != (int)script_number(script_word(s, 5)))
			return script_fail(s, "send took %d", rc);
	} else if (took != n) {
		return script_fail(s, "send took %d", rc);
	}
	return 0;
}

static int
call_recv(struct script *s, uint32_t n)
{
	struct peer *peer = script_peer(s);
	struct ks_chain *rx = ks_tcp_rx(peer->conn);
	uint8_t byte = 0;

	if (rx->len < n)
		return script_fail(s, "only %u bytes to read", rx->len);
	for (uint32_t i = 0; i < n; i++) {
		ks_chain_peek(rx, 0, &byte, 1);
		if (byte != rig_pattern(peer->read))
			return script_fail(s, "byte %u is wrong", peer->read);
		peer->read++;
		ks_chain_consume(rx, 1);
	}
	ks_tcp_rx_done(s->rig.stack, peer->conn);
	return 0;
}

static int
call_connect(struct script *s)
{
	struct peer *peer = script_peer(s);
	struct ks_tuple tuple;

	rig_tuple(&tuple, (uint16_t)(PEER_PORT + s->cur));
	peer->conn = ks_tcp_connect(s->rig.stack, &tuple, peer, &s->rig.now);
	if (strcmp(script_word(s, 3), "=") == 0)
		return peer->conn == NULL && errno == EADDRINUSE ? 0
								 : script_fail(s, "connect worked");
	return peer->conn != NULL ? 0 : script_fail(s, "connect failed");
}

int
script_call(struct script *s, bool turn)
{
	struct ks_tcp_stack *stack = s->rig.stack;
	struct ks_tcp_conn *conn = script_peer(s)->conn;
	const char *call = script_word(s, 2);
	uint32_t arg = script_number(script_word(s, 3));
	bool on = strcmp(script_word(s, 3), "on") == 0;
	int rc = 0;

	if (strcmp(call, "listen") == 0)
		rc = ks_tcp_listen(stack, &(struct ks_endpoint){.port = rte_cpu_to_be_16(443)},
				   NULL);
	else if (strcmp(call, "connect") == 0)
		rc = call_connect(s);
	else if (strcmp(call, "nomem") == 0)
		rig_memory(&s->rig, on, strcmp(script_word(s, 3), "one") == 0);
	else if (strcmp(call, "nowire") == 0)
		s->rig.no_wire = on;
	else if (conn == NULL)
		return script_fail(s, "no connection");
	else if (strcmp(call, "send") == 0)
		rc = call_send(s, arg);
	else if (strcmp(call, "recv") == 0)
		rc = call_recv(s, arg);
	else if (strcmp(call, "shutdown") == 0)
		ks_tcp_shutdown(stack, conn);
	else if (strcmp(call, "release") == 0)
		ks_tcp_release(stack, conn);
	else if (strcmp(call, "abort") == 0)
		ks_tcp_abort(stack, conn);
	else
		return script_fail(s, "unknown call %s", call);
	if (turn)
		rig_flush(&s->rig);
	return rc;
}

static int
check_counter(struct script *s)
{
	const uint64_t *counters = ks_tcp_counters(s->rig.stack);

	for (uint32_t i = 0; i < KS_TCP_COUNTER_MAX; i++) {
		if (strcmp(ks_tcp_counter_desc[i].name, script_word(s, 3)) != 0)
			continue;
		if (counters[i] != script_number(script_word(s, 4)))
			return script_fail(s, "counter is %" PRIu64, counters[i]);
		return 0;
	}
	return script_fail(s, "no counter %s", script_word(s, 3));
}

int
script_check(struct script *s)
{
	const char *what = script_word(s, 2);
	struct ks_tcp_stats stats;
	uint32_t got;

	ks_tcp_stats_get(s->rig.stack, &stats);
	if (strcmp(what, "counter") == 0)
		return check_counter(s);
	if (strcmp(what, "conns") == 0)
		got = stats.conns;
	else if (strcmp(what, "half_open") == 0)
		got = stats.half_open;
	else if (strcmp(what, "time_wait") == 0)
		got = stats.time_wait;
	else if (strcmp(what, "unread") == 0)
		got = ks_tcp_rx(script_peer(s)->conn)->len;
	else if (strcmp(what, "room") == 0)
		got = ks_tcp_tx_room(script_peer(s)->conn);
	else if (strcmp(what, "pending") == 0)
		got = ks_tcp_tx_pending(script_peer(s)->conn);
	else if (strcmp(what, "iss_newer") == 0)
		got = (int32_t)(script_peer(s)->iss - script_peer(s)->iss_before) > 0;
	else if (strcmp(what, "iss_step") == 0)
		got = script_peer(s)->iss - script_peer(s)->iss_before;
	else
		return script_fail(s, "unknown check %s", what);
	if (got != script_number(script_word(s, 3)))
		return script_fail(s, "%s is %u", what, got);
	return 0;
}
