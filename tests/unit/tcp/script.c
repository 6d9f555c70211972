/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: lines, parameters, time, and that nothing happens which no line speaks of.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "script.h"
#include "script_priv.h"

int
script_fail(struct script *s, const char *fmt, ...)
{
	size_t n = (size_t)snprintf(s->error, s->cap, "%s:%u: ", s->path, s->line);
	va_list args;

	va_start(args, fmt);
	if (n < s->cap)
		vsnprintf(s->error + n, s->cap - n, fmt, args);
	va_end(args);
	return -1;
}

struct peer *
script_peer(struct script *s)
{
	return &s->peers[s->cur];
}

uint32_t
script_number(const char *word)
{
	return (uint32_t)strtoll(word, NULL, 0);
}

const char *
script_word(const struct script *s, uint32_t i)
{
	return i < s->nwords ? s->word[i] : "";
}

/* set NAME VALUE, before the first line with a time. */
static int
do_set(struct script *s)
{
	struct ks_tcp_params *params = &s->rig.params;
	const char *name = script_word(s, 1);
	uint32_t value = script_number(script_word(s, 2));
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
		params->cc = strcmp(script_word(s, 2), "cubic") == 0 ? KS_TCP_CC_CUBIC
								     : KS_TCP_CC_NEWRENO;
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
	return script_fail(s, "unknown parameter %s", name);
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
	struct peer *peer = script_peer(s);
	char flags[9];

	if (out == NULL)
		return 0;
	script_flags_text(out->flags, flags);
	return script_fail(s, "unexpected segment at %.3f: %s %u:%u ack %u win %u",
			   (double)(out->at_us - SCRIPT_START_US) / 1e6, flags,
			   out->seq - peer->iss, out->seq - peer->iss + out->len,
			   out->ack - peer->irs, out->wnd);
}

static int
timed_line(struct script *s)
{
	uint64_t at_us = (uint64_t)(strtod(s->word[0], NULL) * 1e6 + 0.5);
	const char *op = script_word(s, 1);

	if (!s->running && rig_start(&s->rig) != 0)
		return script_fail(s, "no stack");
	s->running = true;
	if (strcmp(op, ">") == 0)
		return script_output(s, at_us);
	rig_advance(&s->rig, at_us, true);
	if (strcmp(op, "=") == 0)
		return script_events(s);
	if (strcmp(op, "?") == 0)
		return script_check(s);
	if (quiet(s) != 0)
		return -1;
	if (strcmp(op, "<") == 0 || strcmp(op, "<+") == 0)
		return script_input(s, op[1] == 0);
	if (strcmp(op, "!") == 0 || strcmp(op, "!+") == 0)
		return script_call(s, op[1] == 0);
	return strcmp(op, "end") == 0 ? 0 : script_fail(s, "unknown line %s", op);
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
		s->cur = script_number(script_word(s, 1)) % RIG_PEERS;
		return 0;
	}
	return timed_line(s);
}

static int
finish(struct script *s, int rc)
{
	uint32_t events = 0, left;

	if (!s->running)
		return rc != 0 ? rc : script_fail(s, "nothing happened");
	if (rc == 0)
		rc = quiet(s);
	if (rc == 0 && ks_tcp_event_next(s->rig.stack, &events) != NULL)
		rc = script_fail(s, "event %#x that nobody asked for", events);
	left = rig_stop(&s->rig);
	if (rc == 0 && (left != 0 || s->rig.overflow != 0))
		rc = script_fail(s, "%u chunks or timers leaked", left);
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
		return script_fail(&s, "cannot be read");
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
