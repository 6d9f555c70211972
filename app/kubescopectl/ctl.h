/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubescopectl: what its parts share. Single-threaded; state lives in one struct of main().
 */
#ifndef KS_CTL_H
#define KS_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum ctl_exit {
	CTL_OK = 0,
	CTL_REFUSED = 1, /**< the gateway said no */
	CTL_USAGE = 2,
	CTL_CONNECT = 3, /**< no gateway to be reached, or it left */
};

struct ctl {
	int socket;
	const char *directory; /**< of the telemetry socket */
	bool json, follow;
	bool colour;	    /**< only on a terminal */
	unsigned int width; /**< of the terminal; 0: none, nothing is cut */
	uint64_t after;	    /**< alerts, exchanges: ids above this one */
	char **args;	    /**< behind the command's name; ends with NULL */
	char reply[16 * 1024 + 1];
};

/* connect.c */

/** @return CTL_OK or CTL_CONNECT, with a message on stderr. */
int ctl_connect(struct ctl *ctl);
void ctl_disconnect(struct ctl *ctl);
/**
 * One command and its reply, without the wrapping of the command's name.
 * @param params may be NULL. @param out gets a new reference to an object.
 * @return CTL_OK, CTL_REFUSED or CTL_CONNECT, with a message on stderr.
 */
int ctl_request(struct ctl *ctl, const char *command, const char *params, json_t **out);

/* reply.c */

/** What a value of a reply is, for JSON and for people. Numbers need no row. */
enum ctl_kind { CTL_NUMBER, CTL_TEXT, CTL_RATE, CTL_BOOL, CTL_TIME, CTL_BYTES, CTL_NS };

/** Resolves pieces and \xHH of a string; always valid UTF-8. @return new reference. */
json_t *ctl_text_decode(const char *wire);
/** The plain values of a reply as one object: pieces joined, texts decoded. */
json_t *ctl_reply_object(const json_t *reply);
/** The arrays of a reply, turned to one object a row, appended to `rows`. @return 0 or -1. */
int ctl_reply_rows(const json_t *reply, json_t *rows);
/** All pages of a list from `cursor` on, as an array of rows (new reference). @return as
 * ctl_request(). */
int ctl_list(struct ctl *ctl, const char *command, uint64_t cursor, json_t **rows);

/* table.c */

struct ctl_column {
	const char *key;   /**< in the row */
	const char *title; /**< NULL: in JSON only */
	enum ctl_kind kind;
	bool flex; /**< may be cut to fit the terminal */
};
/** @param columns ends with a NULL key. */
void ctl_table_print(const struct ctl *ctl, const json_t *rows, const struct ctl_column *columns);
/** Prints to stderr with everything that could move a terminal replaced. */
void ctl_text_print(const char *text);
/** The escape sequence for a verdict, "" without colour. */
const char *ctl_colour(const struct ctl *ctl, const char *word);

/* format.c */

#define CTL_CELL_BYTES 1536
/** One value for people. */
void ctl_value_format(const json_t *value, enum ctl_kind kind, char out[CTL_CELL_BYTES]);
/** "2026-11-23T21:46:05Z" */
void ctl_time_format(uint64_t time_s, char out[32]);
/** Columns that a text takes on a terminal: its characters. */
unsigned int ctl_text_width(const char *text);
/** Copies at most `width` characters, with "…" where something is missing; replaces what could move
 * a terminal (controls, direction marks). */
void ctl_text_cut(const char *text, unsigned int width, char out[CTL_CELL_BYTES]);

/* cmd_*.c */

int cmd_status(struct ctl *ctl);
int cmd_list(struct ctl *ctl, const char *name);
int cmd_alerts(struct ctl *ctl);
int cmd_alert(struct ctl *ctl);
int cmd_mode(struct ctl *ctl);
int cmd_profile(struct ctl *ctl);
/** Prints and drops a reference. */
int ctl_json_print(json_t *value);

#endif
