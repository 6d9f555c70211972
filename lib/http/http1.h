/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parsers of request and response heads share: the cursor over one head, its fields, and
 * the fields that frame the body. Thread: pure functions over the caller's memory.
 */
#ifndef KS_HTTP1_H
#define KS_HTTP1_H

#include "ks_http.h"

#define KS_HTTP_BIT(id) (1ull << (id))

/** One head on its way through the parser. `end[-1]` is a LF, which no element holds: every scan
 * for the end of an element stops there at the latest. */
struct ks_http1_cursor {
	const char *p;
	const char *end;
	struct ks_http_head *head;
	struct ks_http_error *err;
	uint64_t seen;	     /**< bit per field id that occurred */
	uint64_t twice;	     /**< … more than once */
	uint16_t bad_status; /**< answer to a malformed message: 400 request, 502 response */
};

/** What the Connection field asks for. */
struct ks_http1_connection {
	bool close;
	bool keep_alive;
	bool upgrade;
};

/** Fills the error. @return -EBADMSG. */
int ks_http1_fail(const struct ks_http1_cursor *c, const char *at, uint16_t status,
		  const char *text);
/** The same for a malformed message (bad_status). */
int ks_http1_bad(const struct ks_http1_cursor *c, const char *at, const char *text);
/** The same for a limit. @return -E2BIG. */
int ks_http1_over(const struct ks_http1_cursor *c, const char *at, uint16_t status,
		  const char *text);

/** Sets up cursor, head and error; checks the size. @return 0 or an error. */
int ks_http1_begin(struct ks_http1_cursor *c, const char *buf, uint32_t len, uint32_t max);
/** Reads CR LF at the cursor. @return 0 or an error. */
int ks_http1_line_end(struct ks_http1_cursor *c);
/** "HTTP/1.0" or "HTTP/1.1" at the cursor. @return 0 or an error. */
int ks_http1_version(struct ks_http1_cursor *c);
/** All field lines up to the empty line, which must be the last bytes. @return 0 or an error. */
int ks_http1_fields(struct ks_http1_cursor *c, uint16_t max);

/** First field with this id; it must be there. */
const struct ks_http_field *ks_http1_first(const struct ks_http1_cursor *c, uint16_t id);
/** Content-Length and Transfer-Encoding. Sets framing and length when they are there.
 *  @return 0 or an error. */
int ks_http1_framing(struct ks_http1_cursor *c);
/** Reads all Connection fields. @return 0 or an error. */
int ks_http1_connection(struct ks_http1_cursor *c, struct ks_http1_connection *out);

#endif
