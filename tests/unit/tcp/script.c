/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <rte_tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"
#include "script.h"

#define TOLERANCE_US 1500 /* a tick of the wheel, and the turn after it */
#define PEER_PORT 10000
#define WORDS_MAX 48
#define STALE_MS 600 /* how much older than the last an echo called "stale" is */

struct peer {
	uint32_t irs; /* the peer's initial sequence number */
	uint32_t iss; /* ours, from the last SYN that we sent */
	uint32_t iss_before;
	uint32_t tsval; /* last that we sent */
	uint32_t sent;	/* offset of the next byte that the owner writes */
	uint32_t read;
	struct ks_tcp_conn *conn;
};

struct script {
	struct rig rig;
	bool running;
	struct peer peers[RIG_PEERS];
	uint32_t cur;
	uint32_t line;
	const char *path;
	char *error;
	size_t cap;
	char *word[WORDS_MAX];
	uint32_t nwords;
};

struct expect {
	const char *flags;
	uint32_t seq, end, ack, win;
	bool has_ack, has_win;
	uint32_t opts; /* index of the first option word */
};

static ks_printf(2, 3) int fail(struct script *s, const char *fmt, ...)
{
	size_t n = (size_t)snprintf(s->error, s->cap, "%s:%u: ", s->path, s->line);
	va_list args;

	va_start(args, fmt);
	if (n < s->cap)
		vsnprintf(s->error + n, s->cap - n, fmt, args);
	va_end(args);
	return -1;
}

static struct peer *
peer_of(struct script *s)
{
	return &s->peers[s->cur];
}

static uint32_t
number(const char *word)
{
	return (uint32_t)strtoll(word, NULL, 0);
}

static const char *
word_at(const struct script *s, uint32_t i)
{
	return i < s->nwords ? s->word[i] : "";
}

static uint8_t
flags_from(const char *text)
{
	static const char names[] = "FSRPAUEC";
	uint8_t flags = 0;

	for (; *text != 0; text++) {
		const char *at = strchr(names, *text);

		if (at != NULL)
			flags |= (uint8_t)(1u << (at - names));
	}
	return flags;
}

static void
flags_text(uint8_t flags, char *text)
{
	static const char names[] = "FSRPAUEC";

	for (uint32_t i = 0; i < 8; i++)
		if (flags & 1u << i)
			*text++ = names[i];
	*text = 0;
}

/* FLAGS SEQ:END [ack N] [win N] [< options >]; the words begin at `at`. */
static int
parse_segment(struct script *s, uint32_t at, struct expect *out)
{
	*out = (struct expect){.flags = word_at(s, at), .win = 65535};
	if (sscanf(word_at(s, at + 1), "%" SCNu32 ":%" SCNu32, &out->seq, &out->end) != 2)
		return fail(s, "no SEQ:END");
	out->opts = s->nwords;
	for (uint32_t i = at + 2; i < s->nwords; i++) {
		if (strcmp(s->word[i], "ack") == 0) {
			out->has_ack = true;
			out->ack = number(word_at(s, ++i));
		} else if (strcmp(s->word[i], "win") == 0) {
			out->has_win = true;
			out->win = number(word_at(s, ++i));
		} else if (strcmp(s->word[i], "<") == 0) {
			out->opts = i + 1;
			return 0;
		} else {
			return fail(s, "unknown word %s", s->word[i]);
		}
	}
	return 0;
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool
is_number(const char *word)
{
	return (*word >= '0' && *word <= '9') || *word == '-';
}

static uint32_t
put_sack(struct script *s, uint32_t *i, uint8_t *p)
{
	uint32_t n = 2;

	while (is_number(word_at(s, *i))) {
		put32(p + n, peer_of(s)->iss + number(s->word[(*i)++]));
		n += 4;
	}
	p[0] = 5;
	p[1] = (uint8_t)n;
	return n;
}

static uint32_t
put_ts(struct script *s, uint32_t *i, uint8_t *p)
{
	const char *echo = word_at(s, *i + 1);

	p[0] = 8;
	p[1] = 10;
	put32(p + 2, number(word_at(s, *i)));
	if (strcmp(echo, "last") == 0)
		put32(p + 6, peer_of(s)->tsval);
	else if (strcmp(echo, "stale") == 0)
		put32(p + 6, peer_of(s)->tsval - STALE_MS);
	else
		put32(p + 6, number(echo));
	*i += 2;
	return 10;
}

/* Builds the options of a segment for the stack. @return bytes, padded. */
static uint32_t
build_options(struct script *s, uint32_t i, uint8_t *p)
{
	uint32_t n = 0;

	while (i < s->nwords && strcmp(s->word[i], ">") != 0) {
		const char *name = s->word[i++];

		if (strcmp(name, "mss") == 0) {
			uint32_t mss = number(word_at(s, i++));

			memcpy(p + n, (uint8_t[]){2, 4, (uint8_t)(mss >> 8), (uint8_t)mss}, 4);
			n += 4;
		} else if (strcmp(name, "ws") == 0) {
			memcpy(p + n, (uint8_t[]){3, 3, (uint8_t)number(word_at(s, i++))}, 3);
			n += 3;
		} else if (strcmp(name, "sackok") == 0) {
			memcpy(p + n, (uint8_t[]){4, 2}, 2);
			n += 2;
		} else if (strcmp(name, "nop") == 0) {
			p[n++] = 1;
		} else if (strcmp(name, "ts") == 0) {
			n += put_ts(s, &i, p + n);
		} else if (strcmp(name, "sack") == 0) {
			n += put_sack(s, &i, p + n);
		} else if (strcmp(name, "byte") == 0) {
			p[n++] = (uint8_t)number(word_at(s, i++));
		}
	}
	while (n % 4 != 0)
		p[n++] = 1;
	return n;
}

static int
do_input(struct script *s, bool turn)
{
	struct peer *peer = peer_of(s);
	uint8_t l4[60 + RIG_PAYLOAD_MAX] = {0};
	uint32_t nopt, len;
	struct expect e;

	if (parse_segment(s, 2, &e) != 0)
		return -1;
	len = e.end - e.seq;
	if (flags_from(e.flags) & RTE_TCP_SYN_FLAG)
		len = strchr(e.flags, 'D') != NULL ? len : 0;
	if (len > RIG_PAYLOAD_MAX)
		return fail(s, "payload too long");
	nopt = build_options(s, e.opts, l4 + 20);
	l4[12] = (uint8_t)((20 + nopt) / 4 << 4);
	put32(l4 + 4, peer->irs + e.seq);
	put32(l4 + 8, e.has_ack ? peer->iss + e.ack : 0);
	l4[13] = flags_from(e.flags);
	l4[14] = (uint8_t)(e.win >> 8);
	l4[15] = (uint8_t)e.win;
	for (uint32_t i = 0; i < len; i++)
		l4[20 + nopt + i] = rig_pattern(e.seq - 1 + i);
	rig_input(&s->rig, (uint16_t)(PEER_PORT + s->cur), l4, (uint16_t)(20 + nopt + len));
	if (turn)
		rig_flush(&s->rig);
	return 0;
}

/* Is this option among the words, with these values? Words that were met are emptied. */
static int
meet(struct script *s, uint32_t first, const char *name, const uint32_t *value, uint32_t n)
{
	for (uint32_t i = first; i < s->nwords && strcmp(s->word[i], ">") != 0; i++) {
		if (strcmp(s->word[i], name) != 0)
			continue;
		s->word[i] = (char *)"";
		for (uint32_t k = 0; k < n; k++) {
			const char *want = word_at(s, i + 1 + k);

			if (strcmp(want, "*") != 0 && number(want) != value[k])
				return fail(s, "option %s is %u, not %s", name, value[k], want);
			if (i + 1 + k < s->nwords)
				s->word[i + 1 + k] = (char *)"";
		}
		if (strcmp(name, "sack") == 0 && is_number(word_at(s, i + 1 + n)))
			return fail(s, "only %u SACK blocks", n / 2);
		return 0;
	}
	return fail(s, "option %s (first value %u) was not expected", name, n > 0 ? value[0] : 0);
}

static int
check_option(struct script *s, uint32_t first, const uint8_t *p)
{
	struct peer *peer = peer_of(s);
	uint32_t value[8];
	uint32_t n = 0;

	switch (p[0]) {
	case 2:
		value[0] = (uint32_t)(p[2] << 8 | p[3]);
		return meet(s, first, "mss", value, 1);
	case 3:
		value[0] = p[2];
		return meet(s, first, "ws", value, 1);
	case 4:
		return meet(s, first, "sackok", value, 0);
	case 5:
		for (; n < (p[1] - 2u) / 4; n++)
			value[n] = get32(p + 2 + 4 * n) - peer->irs;
		return meet(s, first, "sack", value, n);
	case 8:
		peer->tsval = get32(p + 2);
		value[0] = get32(p + 6);
		return meet(s, first, "ts", value, 1);
	default:
		return fail(s, "unknown option %u", p[0]);
	}
}

static int
check_options(struct script *s, const struct rig_segment *out, uint32_t first)
{
	uint32_t i = 0;

	while (i < out->opt_bytes && out->opt[i] != 0) {
		if (out->opt[i] == 1) {
			i++;
			continue;
		}
		if (check_option(s, first, out->opt + i) != 0)
			return -1;
		i += out->opt[i + 1];
	}
	for (i = first; i < s->nwords && strcmp(s->word[i], ">") != 0; i++)
		if (s->word[i][0] != 0)
			return fail(s, "option %s is missing", s->word[i]);
	return 0;
}

static int
check_numbers(struct script *s, const struct rig_segment *out, const struct expect *e)
{
	struct peer *peer = peer_of(s);
	char got[9], want[9];

	flags_text(out->flags & (uint8_t)~RTE_TCP_PSH_FLAG, got);
	flags_text(flags_from(e->flags) & (uint8_t)~RTE_TCP_PSH_FLAG, want);
	if (strcmp(got, want) != 0)
		return fail(s, "flags are %s, not %s (seq %u len %u ack %u)", got, want,
			    out->seq - peer->iss, out->len, out->ack - peer->irs);
	if (out->seq - peer->iss != e->seq && !(e->seq == 0 && out->seq == 0))
		return fail(s, "seq is %u, not %u", out->seq - peer->iss, e->seq);
	if (out->len != e->end - e->seq)
		return fail(s, "length is %u, not %u", out->len, e->end - e->seq);
	if (((out->flags & RTE_TCP_ACK_FLAG) != 0) != e->has_ack)
		return fail(s, "ACK and no ack, or the other way round");
	if (e->has_ack && out->ack - peer->irs != e->ack)
		return fail(s, "ack is %u, not %u", out->ack - peer->irs, e->ack);
	if (e->has_win && out->wnd != e->win)
		return fail(s, "win is %u, not %u", out->wnd, e->win);
	for (uint32_t i = 0; i < out->len; i++)
		if (out->payload[i] != rig_pattern(e->seq - 1 + i))
			return fail(s, "payload differs at %u", i);
	return 0;
}

static int
do_output(struct script *s, uint64_t at_us)
{
	struct peer *peer = peer_of(s);
	struct rig_segment *out;
	struct expect e;
	int64_t late_us;

	if (parse_segment(s, 2, &e) != 0)
		return -1;
	rig_advance(&s->rig, at_us + TOLERANCE_US, true);
	out = rig_first(&s->rig);
	if (out == NULL)
		return fail(s, "no segment came");
	late_us = (int64_t)(out->at_us - 1000000000ull) - (int64_t)at_us;
	if (out->remote_port != PEER_PORT + s->cur)
		return fail(s, "segment to peer %u", out->remote_port - PEER_PORT);
	if (out->flags & RTE_TCP_SYN_FLAG) {
		if (out->seq != peer->iss)
			peer->iss_before = peer->iss;
		peer->iss = out->seq;
	}
	if (check_numbers(s, out, &e) != 0 || check_options(s, out, e.opts) != 0)
		return -1;
	if (late_us > TOLERANCE_US || late_us < -TOLERANCE_US)
		return fail(s, "segment came %" PRId64 " us late", late_us);
	rig_pop(&s->rig);
	return 0;
}

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
static int
do_events(struct script *s)
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
		return fail(s, "events are %#x, not %#x", got, want);
	if (conn == NULL)
		return 0;
	if (rte_be_to_cpu_16(ks_tcp_tuple(conn)->remote_port) != PEER_PORT + s->cur)
		return fail(s, "event of another peer");
	if (got & KS_TCP_EV_ACCEPTED)
		peer_of(s)->conn = conn;
	if ((got & KS_TCP_EV_CLOSED) && error_from(s->word[s->nwords - 1]) != ks_tcp_error(conn))
		return fail(s, "error is %s", strerror(ks_tcp_error(conn)));
	return 0;
}

static int
call_send(struct script *s, uint32_t n)
{
	struct peer *peer = peer_of(s);
	struct ks_chain data;
	uint32_t took;
	int rc;

	ks_chain_init(&data, s->rig.chunks);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t byte = rig_pattern(peer->sent + i);

		if (ks_chain_append(&data, &byte, 1) != 0)
			return fail(s, "no chunk to send from");
	}
	rc = ks_tcp_send(s->rig.stack, peer->conn, &data);
	took = rc > 0 ? (uint32_t)rc : 0;
	ks_chain_clear(&data);
	peer->sent += took;
	if (strcmp(word_at(s, 4), "=") == 0) {
		if (rc != (int)number(word_at(s, 5)))
			return fail(s, "send took %d", rc);
	} else if (took != n) {
		return fail(s, "send took %d", rc);
	}
	return 0;
}

static int
call_recv(struct script *s, uint32_t n)
{
	struct peer *peer = peer_of(s);
	struct ks_chain *rx = ks_tcp_rx(peer->conn);
	uint8_t byte = 0;

	if (rx->len < n)
		return fail(s, "only %u bytes to read", rx->len);
	for (uint32_t i = 0; i < n; i++) {
		ks_chain_peek(rx, 0, &byte, 1);
		if (byte != rig_pattern(peer->read))
			return fail(s, "byte %u is wrong", peer->read);
		peer->read++;
		ks_chain_consume(rx, 1);
	}
	ks_tcp_rx_done(s->rig.stack, peer->conn);
	return 0;
}

static int
call_connect(struct script *s)
{
	struct peer *peer = peer_of(s);
	struct ks_tuple tuple;

	rig_tuple(&tuple, (uint16_t)(PEER_PORT + s->cur));
	peer->conn = ks_tcp_connect(s->rig.stack, &tuple, peer, &s->rig.now);
	if (strcmp(word_at(s, 3), "=") == 0)
		return peer->conn == NULL && errno == EADDRINUSE ? 0 : fail(s, "connect worked");
	return peer->conn != NULL ? 0 : fail(s, "connect failed");
}

static int
do_call(struct script *s, bool turn)
{
	struct ks_tcp_stack *stack = s->rig.stack;
	struct ks_tcp_conn *conn = peer_of(s)->conn;
	const char *call = word_at(s, 2);
	uint32_t arg = number(word_at(s, 3));
	bool on = strcmp(word_at(s, 3), "on") == 0;
	int rc = 0;

	if (strcmp(call, "listen") == 0)
		rc = ks_tcp_listen(stack, &(struct ks_endpoint){.port = rte_cpu_to_be_16(443)},
				   NULL);
	else if (strcmp(call, "connect") == 0)
		rc = call_connect(s);
	else if (strcmp(call, "nomem") == 0)
		rig_memory(&s->rig, on, strcmp(word_at(s, 3), "one") == 0);
	else if (strcmp(call, "nowire") == 0)
		s->rig.no_wire = on;
	else if (conn == NULL)
		return fail(s, "no connection");
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
		return fail(s, "unknown call %s", call);
	if (turn)
		rig_flush(&s->rig);
	return rc;
}

static int
check_counter(struct script *s)
{
	const uint64_t *counters = ks_tcp_counters(s->rig.stack);

	for (uint32_t i = 0; i < KS_TCP_COUNTER_MAX; i++) {
		if (strcmp(ks_tcp_counter_desc[i].name, word_at(s, 3)) != 0)
			continue;
		if (counters[i] != number(word_at(s, 4)))
			return fail(s, "counter is %" PRIu64, counters[i]);
		return 0;
	}
	return fail(s, "no counter %s", word_at(s, 3));
}

static int
do_check(struct script *s)
{
	const char *what = word_at(s, 2);
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
		got = ks_tcp_rx(peer_of(s)->conn)->len;
	else if (strcmp(what, "room") == 0)
		got = ks_tcp_tx_room(peer_of(s)->conn);
	else if (strcmp(what, "pending") == 0)
		got = ks_tcp_tx_pending(peer_of(s)->conn);
	else if (strcmp(what, "iss_newer") == 0)
		got = (int32_t)(peer_of(s)->iss - peer_of(s)->iss_before) > 0;
	else if (strcmp(what, "iss_step") == 0)
		got = peer_of(s)->iss - peer_of(s)->iss_before;
	else
		return fail(s, "unknown check %s", what);
	if (got != number(word_at(s, 3)))
		return fail(s, "%s is %u", what, got);
	return 0;
}

/* set NAME VALUE, before the first line with a time. */
static int
do_set(struct script *s)
{
	struct ks_tcp_params *params = &s->rig.params;
	const char *name = word_at(s, 1);
	uint32_t value = number(word_at(s, 2));
	const struct {
		const char *name;
		uint32_t *field;
	} fields[] = {
		{"rcv_buf", &params->rcv_buf_bytes},
		{"snd_buf", &params->snd_buf_bytes},
		{"msl_ms", &params->msl_ms},
		{"keepalive_ms", &params->keepalive_ms},
		{"user_timeout_ms", &params->user_timeout_ms},
		{"max_conns", &params->max_conns},
		{"max_half_open", &params->max_half_open},
		{"max_time_wait", &params->max_time_wait},
		{"chunks", &s->rig.nchunks},
	};

	if (strcmp(name, "cc") == 0) {
		params->cc =
			strcmp(word_at(s, 2), "cubic") == 0 ? KS_TCP_CC_CUBIC : KS_TCP_CC_NEWRENO;
		return 0;
	}
	if (strcmp(name, "mss") == 0) {
		params->mss = (uint16_t)value;
		return 0;
	}
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		*fields[i].field = value;
		return 0;
	}
	return fail(s, "unknown parameter %s", name);
}

static void
split(struct script *s, char *text)
{
	char *save = NULL;

	s->nwords = 0;
	text[strcspn(text, "#\r\n")] = 0;
	for (char *word = strtok_r(text, " \t,", &save); word != NULL && s->nwords < WORDS_MAX;
	     word = strtok_r(NULL, " \t,", &save))
		s->word[s->nwords++] = word;
}

static int
quiet(struct script *s)
{
	const struct rig_segment *out = rig_first(&s->rig);
	struct peer *peer = peer_of(s);
	char flags[9];

	if (out == NULL)
		return 0;
	flags_text(out->flags, flags);
	return fail(s, "unexpected segment at %.3f: %s %u:%u ack %u win %u",
		    (double)(out->at_us - 1000000000ull) / 1e6, flags, out->seq - peer->iss,
		    out->seq - peer->iss + out->len, out->ack - peer->irs, out->wnd);
}

static int
timed_line(struct script *s)
{
	uint64_t at_us = (uint64_t)(strtod(s->word[0], NULL) * 1e6 + 0.5);
	const char *op = word_at(s, 1);

	if (!s->running && rig_start(&s->rig) != 0)
		return fail(s, "no stack");
	s->running = true;
	if (strcmp(op, ">") == 0)
		return do_output(s, at_us);
	rig_advance(&s->rig, at_us, true);
	if (strcmp(op, "=") == 0)
		return do_events(s);
	if (strcmp(op, "?") == 0)
		return do_check(s);
	if (quiet(s) != 0)
		return -1;
	if (strcmp(op, "<") == 0 || strcmp(op, "<+") == 0)
		return do_input(s, op[1] == 0);
	if (strcmp(op, "!") == 0 || strcmp(op, "!+") == 0)
		return do_call(s, op[1] == 0);
	return strcmp(op, "end") == 0 ? 0 : fail(s, "unknown line %s", op);
}

static int
one_line(struct script *s, char *text)
{
	split(s, text);
	if (s->nwords == 0)
		return 0;
	if (strcmp(s->word[0], "set") == 0)
		return do_set(s);
	if (strcmp(s->word[0], "peer") == 0) {
		s->cur = number(word_at(s, 1)) % RIG_PEERS;
		return 0;
	}
	return timed_line(s);
}

static int
finish(struct script *s, int rc)
{
	uint32_t events = 0, left;

	if (!s->running)
		return rc != 0 ? rc : fail(s, "nothing happened");
	if (rc == 0)
		rc = quiet(s);
	if (rc == 0 && ks_tcp_event_next(s->rig.stack, &events) != NULL)
		rc = fail(s, "event %#x that nobody asked for", events);
	left = rig_stop(&s->rig);
	if (rc == 0 && (left != 0 || s->rig.overflow != 0))
		rc = fail(s, "%u chunks or timers leaked", left);
	return rc;
}

int
script_run(const char *path, char *error, size_t cap)
{
	struct script s = {.path = strrchr(path, '/') + 1, .error = error, .cap = cap};
	FILE *file = fopen(path, "r");
	char text[512];
	int rc = 0;

	if (file == NULL)
		return fail(&s, "cannot be read");
	rig_defaults(&s.rig);
	for (uint32_t i = 0; i < RIG_PEERS; i++)
		s.peers[i].irs = 1000000 + i;
	while (rc == 0 && fgets(text, sizeof(text), file) != NULL) {
		s.line++;
		rc = one_line(&s, text);
	}
	fclose(file);
	return finish(&s, rc);
}
