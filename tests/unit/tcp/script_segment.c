/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of a script: built and sent in, or compared with what came out.
 */
#include <inttypes.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "script_priv.h"

#define STALE_MS 600 /* how much older than the last an echo called "stale" is */

struct expect {
	const char *flags;
	uint32_t seq, end, ack, win;
	bool has_ack, has_win;
	uint32_t opts; /* index of the first option word */
};

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

void
script_flags_text(uint8_t flags, char *text)
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
	*out = (struct expect){.flags = script_word(s, at), .win = 65535};
	if (sscanf(script_word(s, at + 1), "%" SCNu32 ":%" SCNu32, &out->seq, &out->end) != 2)
		return script_fail(s, "no SEQ:END");
	out->opts = s->nwords;
	for (uint32_t i = at + 2; i < s->nwords; i++) {
		if (strcmp(s->word[i], "ack") == 0) {
			out->has_ack = true;
			out->ack = script_number(script_word(s, ++i));
		} else if (strcmp(s->word[i], "win") == 0) {
			out->has_win = true;
			out->win = script_number(script_word(s, ++i));
		} else if (strcmp(s->word[i], "<") == 0) {
			out->opts = i + 1;
			return 0;
		} else {
			return script_fail(s, "unknown word %s", s->word[i]);
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

	while (is_number(script_word(s, *i))) {
		put32(p + n, script_peer(s)->iss + script_number(s->word[(*i)++]));
		n += 4;
	}
	p[0] = 5;
	p[1] = (uint8_t)n;
	return n;
}

/* Behind two NOPs, as peers do (RFC 7323 appendix A): only so is it seen by header prediction. */
static uint32_t
put_ts(struct script *s, uint32_t *i, uint8_t *p)
{
	const char *echo = script_word(s, *i + 1);

	memcpy(p, (uint8_t[]){1, 1, 8, 10}, 4);
	p += 2;
	put32(p + 2, script_number(script_word(s, *i)));
	if (strcmp(echo, "last") == 0)
		put32(p + 6, script_peer(s)->tsval);
	else if (strcmp(echo, "stale") == 0)
		put32(p + 6, script_peer(s)->tsval - STALE_MS);
	else
		put32(p + 6, script_number(echo));
	*i += 2;
	return 12;
}

/* Builds the options of a segment for the stack. @return bytes, padded. */
static uint32_t
build_options(struct script *s, uint32_t i, uint8_t *p)
{
	uint32_t n = 0;

	while (i < s->nwords && strcmp(s->word[i], ">") != 0) {
		const char *name = s->word[i++];

		if (strcmp(name, "mss") == 0) {
			uint32_t mss = script_number(script_word(s, i++));

			memcpy(p + n, (uint8_t[]){2, 4, (uint8_t)(mss >> 8), (uint8_t)mss}, 4);
			n += 4;
		} else if (strcmp(name, "ws") == 0) {
			memcpy(p + n,
			       (uint8_t[]){3, 3, (uint8_t)script_number(script_word(s, i++))}, 3);
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
			p[n++] = (uint8_t)script_number(script_word(s, i++));
		}
	}
	while (n % 4 != 0)
		p[n++] = 1;
	return n;
}

int
script_input(struct script *s, bool turn)
{
	struct peer *peer = script_peer(s);
	uint8_t l4[60 + RIG_PAYLOAD_MAX] = {0};
	uint32_t nopt, len;
	struct expect e;

	if (parse_segment(s, 2, &e) != 0)
		return -1;
	len = e.end - e.seq;
	if (flags_from(e.flags) & RTE_TCP_SYN_FLAG)
		len = strchr(e.flags, 'D') != NULL ? len : 0;
	if (len > RIG_PAYLOAD_MAX)
		return script_fail(s, "payload too long");
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
			const char *want = script_word(s, i + 1 + k);

			if (strcmp(want, "*") != 0 && script_number(want) != value[k])
				return script_fail(s, "option %s is %u, not %s", name, value[k],
						   want);
			if (i + 1 + k < s->nwords)
				s->word[i + 1 + k] = (char *)"";
		}
		if (strcmp(name, "sack") == 0 && is_number(script_word(s, i + 1 + n)))
			return script_fail(s, "only %u SACK blocks", n / 2);
		return 0;
	}
	return script_fail(s, "option %s (first value %u) was not expected", name,
			   n > 0 ? value[0] : 0);
}

static int
check_option(struct script *s, uint32_t first, const uint8_t *p)
{
	struct peer *peer = script_peer(s);
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
		return script_fail(s, "unknown option %u", p[0]);
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
			return script_fail(s, "option %s is missing", s->word[i]);
	return 0;
}

static int
check_numbers(struct script *s, const struct rig_segment *out, const struct expect *e)
{
	struct peer *peer = script_peer(s);
	char got[9], want[9];

	script_flags_text(out->flags & (uint8_t)~RTE_TCP_PSH_FLAG, got);
	script_flags_text(flags_from(e->flags) & (uint8_t)~RTE_TCP_PSH_FLAG, want);
	if (strcmp(got, want) != 0)
		return script_fail(s, "flags are %s, not %s (seq %u len %u ack %u)", got, want,
				   out->seq - peer->iss, out->len, out->ack - peer->irs);
	if (out->seq - peer->iss != e->seq && !(e->seq == 0 && out->seq == 0))
		return script_fail(s, "seq is %u, not %u", out->seq - peer->iss, e->seq);
	if (out->len != e->end - e->seq)
		return script_fail(s, "length is %u, not %u", out->len, e->end - e->seq);
	if (((out->flags & RTE_TCP_ACK_FLAG) != 0) != e->has_ack)
		return script_fail(s, "ACK and no ack, or the other way round");
	if (!e->has_ack && out->ack != 0)
		return script_fail(s, "an acknowledgment number without ACK");
	if (e->has_ack && out->ack - peer->irs != e->ack)
		return script_fail(s, "ack is %u, not %u", out->ack - peer->irs, e->ack);
	if (e->has_win && out->wnd != e->win)
		return script_fail(s, "win is %u, not %u", out->wnd, e->win);
	for (uint32_t i = 0; i < out->len; i++)
		if (out->payload[i] != rig_pattern(e->seq - 1 + i))
			return script_fail(s, "payload differs at %u", i);
	return 0;
}

int
script_output(struct script *s, uint64_t at_us)
{
	struct peer *peer = script_peer(s);
	struct rig_segment *out;
	struct expect e;
	int64_t late_us;

	if (parse_segment(s, 2, &e) != 0)
		return -1;
	rig_advance(&s->rig, at_us + TOLERANCE_US, true);
	out = rig_first(&s->rig);
	if (out == NULL)
		return script_fail(s, "no segment came");
	late_us = (int64_t)(out->at_us - SCRIPT_START_US) - (int64_t)at_us;
	if (out->remote_port != PEER_PORT + s->cur)
		return script_fail(s, "segment to peer %u", out->remote_port - PEER_PORT);
	if (out->flags & RTE_TCP_SYN_FLAG) {
		if (out->seq != peer->iss)
			peer->iss_before = peer->iss;
		peer->iss = out->seq;
	}
	if (check_numbers(s, out, &e) != 0 || check_options(s, out, e.opts) != 0)
		return -1;
	if (late_us > TOLERANCE_US || late_us < -TOLERANCE_US)
		return script_fail(s, "segment came %" PRId64 " us late", late_us);
	rig_pop(&s->rig);
	return 0;
}
