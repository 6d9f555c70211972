/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the script runner share: the state of one run, and the kinds of lines.
 */
#ifndef KS_TEST_TCP_SCRIPT_PRIV_H
#define KS_TEST_TCP_SCRIPT_PRIV_H

#include "rig.h"

#define TOLERANCE_US 1500 /* a tick of the wheel, and the turn after it */
#define PEER_PORT 10000
#define WORDS_MAX 48
#define SCRIPT_START_US 1000000000ull

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

/* Writes why the script fails. @return -1. */
ks_printf(2, 3) int script_fail(struct script *s, const char *fmt, ...);
struct peer *script_peer(struct script *s);
/* Word `i` of the line, "" beyond its end. */
const char *script_word(const struct script *s, uint32_t i);
uint32_t script_number(const char *word);

/* script_segment.c: lines with < and > */
int script_input(struct script *s, bool turn);
int script_output(struct script *s, uint64_t at_us);
void script_flags_text(uint8_t flags, char *text);

/* script_calls.c: lines with =, ! and ? */
int script_events(struct script *s);
int script_call(struct script *s, bool turn);
int script_check(struct script *s);

#endif
