/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP messages: one neutral form for requests and responses, and strict HTTP/1.1 (RFC 9112, 9110).
 *
 * What is accepted is unambiguous: no bare CR or LF, no obs-fold, no space before the colon, exactly one
 * Host, one Content-Length or Transfer-Encoding: chunked and never both, exact chunk grammar. What is
 * sent is written anew from the parsed form; bytes are never copied through.
 * Thread: pure functions over the caller's memory.
 */
#ifndef KS_HTTP_H
#define KS_HTTP_H

#include "ks_chain.h"

#define KS_HTTP_FIELDS_MAX 128

/** Fields that the gateway itself looks at; all others are KS_HTTP_OTHER. */
#define KS_HTTP_FIELD_NAMES(X)                                                                     \
	X(ACCEPT, "accept")                                                                        \
	X(ACCEPT_ENCODING, "accept-encoding")                                                      \
	X(AUTHORIZATION, "authorization")                                                          \
	X(CONNECTION, "connection")                                                                \
	X(CONTENT_ENCODING, "content-encoding")                                                    \
	X(CONTENT_LENGTH, "content-length")                                                        \
	X(CONTENT_TYPE, "content-type")                                                            \
	X(COOKIE, "cookie")                                                                        \
	X(DATE, "date")                                                                            \
	X(EXPECT, "expect")                                                                        \
	X(HOST, "host")                                                                            \
	X(IMPERSONATE_USER, "impersonate-user")                                                    \
	X(IMPERSONATE_GROUP, "impersonate-group")                                                  \
	X(IMPERSONATE_UID, "impersonate-uid")                                                      \
	X(KEEP_ALIVE, "keep-alive")                                                                \
	X(PROXY_AUTHENTICATE, "proxy-authenticate")                                                \
	X(PROXY_AUTHORIZATION, "proxy-authorization")                                              \
	X(PROXY_CONNECTION, "proxy-connection")                                                    \
	X(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol")                                        \
	X(TE, "te")                                                                                \
	X(TRAILER, "trailer")                                                                      \
	X(TRANSFER_ENCODING, "transfer-encoding")                                                  \
	X(UPGRADE, "upgrade")                                                                      \
	X(USER_AGENT, "user-agent")                                                                \
	X(X_FORWARDED_FOR, "x-forwarded-for")                                                      \
	X(X_REMOTE, "x-remote-") /* any name that begins so, '_' and '-' alike */                 \
	X(X_FORWARDED, "x-forwarded-") /* any other name that begins so, Forwarded and X-Real-Ip */

#define KS_HTTP_FIELD_ENUM(ID, name) KS_HTTP_##ID,
enum ks_http_field_id { KS_HTTP_OTHER = 0, KS_HTTP_FIELD_NAMES(KS_HTTP_FIELD_ENUM) KS_HTTP_FIELD_ID_MAX };
#undef KS_HTTP_FIELD_ENUM

/** Offsets into ks_http_head.base, so that a head can be moved as one block. */
struct ks_http_field {
	uint32_t name_off;
	uint32_t value_off;
	uint32_t value_len; /**< optional white space around it is cut off */
	uint16_t name_len;
	uint16_t id;        /**< enum ks_http_field_id */
};

enum ks_http_framing {
	KS_HTTP_BODY_NONE,
	KS_HTTP_BODY_LENGTH,
	KS_HTTP_BODY_CHUNKED,
	KS_HTTP_BODY_UNTIL_CLOSE, /**< responses only */
};

struct ks_http_head {
	const char *base;   /**< start of the head's bytes; the caller owns them */
	uint32_t bytes;     /**< length of the head with its empty line */
	uint32_t method_off, method_len;
	uint32_t target_off, target_len; /**< origin-form (absolute-form is reduced to it) or "*" */
	uint32_t reason_off, reason_len;
	uint16_t status;    /**< responses */
	uint16_t nfields;
	uint8_t minor;      /**< HTTP/1.minor: 0 or 1 */
	uint8_t framing;    /**< enum ks_http_framing */
	bool keep_alive;    /**< the connection may be used again after this message */
	bool expect_continue; /**< 100-continue is expected and a body follows */
	bool upgrade;       /**< Connection: upgrade with an Upgrade field; or status 101 */
	bool connection_names; /**< Connection names further fields, which are hop-by-hop then */
	uint64_t content_length; /**< with KS_HTTP_BODY_LENGTH */
	struct ks_http_field fields[KS_HTTP_FIELDS_MAX];
};

static inline struct ks_str
ks_http_method(const struct ks_http_head *head)
{
	return (struct ks_str){head->base + head->method_off, head->method_len};
}
static inline struct ks_str
ks_http_target(const struct ks_http_head *head)
{
	return (struct ks_str){head->base + head->target_off, head->target_len};
}
static inline struct ks_str
ks_http_field_name(const struct ks_http_head *head, const struct ks_http_field *field)
{
	return (struct ks_str){head->base + field->name_off, field->name_len};
}
static inline struct ks_str
ks_http_field_value(const struct ks_http_head *head, const struct ks_http_field *field)
{
	return (struct ks_str){head->base + field->value_off, field->value_len};
}
/** First field with this id; an empty slice with p == NULL when there is none. */
struct ks_str ks_http_find(const struct ks_http_head *head, enum ks_http_field_id id);
/** True when the field must not be forwarded: hop-by-hop (RFC 9110 section 7.6.1), named by the
 *  Connection field, identity or forwarding fields of which only the gateway may speak, and Expect,
 *  which the gateway has answered. */
bool ks_http_field_is_hop(const struct ks_http_head *head, const struct ks_http_field *field);

struct ks_http_limits {
	uint32_t head_bytes;   /**< whole head */
	uint32_t target_bytes;
	uint16_t fields;       /**< at most KS_HTTP_FIELDS_MAX */
};

/** What was wrong, and the answer that fits. */
struct ks_http_error {
	const char *text;      /**< static words, e.g. "space before colon" */
	uint16_t status;       /**< 400, 408, 414, 417, 431, 501, 505; 502 for a response */
	uint32_t offset;
};

/** Length of a complete head at the front of `chain` (with its empty line), searched from `*scanned`
 *  on, which is moved forward. @return bytes, -EAGAIN, -E2BIG when no end within `max`.
 *  A leading CRLF before a request line is allowed once (RFC 9112 section 2.2) and counts. A head ended by
 *  bare LFs is found as well, so that the parser can refuse it at once. `*scanned` starts at 0. */
int ks_http1_head_find(const struct ks_chain *chain, uint32_t *scanned, uint32_t max);

/** Parses one complete head of `len` bytes. `head->base` becomes `buf`.
 *  @return 0, -EBADMSG or -E2BIG with `err` filled. */
int ks_http1_request_parse(const char *buf, uint32_t len, const struct ks_http_limits *limits,
			   struct ks_http_head *head, struct ks_http_error *err);
/** @param to_head the response answers a HEAD request: no body whatever the fields say. */
int ks_http1_response_parse(const char *buf, uint32_t len, const struct ks_http_limits *limits,
			    bool to_head, struct ks_http_head *head, struct ks_http_error *err);

#define KS_HTTP_TRAILER_NAME_BYTES 24

/** Takes a body out of its framing, wherever the bytes are cut. All but `done` and `total` is private. */
struct ks_http1_body {
	uint8_t framing;
	uint8_t state;
	bool done;
	uint8_t digits;   /**< of the chunk size */
	uint16_t name_len; /**< of the trailer field */
	uint32_t trailer_bytes;
	uint64_t left;  /**< of the chunk or of the whole */
	uint64_t total; /**< payload bytes given out so far */
	char name[KS_HTTP_TRAILER_NAME_BYTES]; /**< the trailer field's name, as far as it fits */
};
void ks_http1_body_init(struct ks_http1_body *body, const struct ks_http_head *head);
/**
 * Reads from the front of `buf`. Payload, if any, is returned as a slice of `buf` in `out`.
 * Call until it returns 0 or `done`. Trailers are checked, bounded (8 KiB) and thrown away; those that
 * must not stand there (framing, routing, identity, content: RFC 9110 section 6.5.1) are malformed, and
 * so are chunk extensions, which no client or server of the Kubernetes API sends.
 * @return bytes of `buf` used, 0 when more is needed, -EBADMSG, -E2BIG (chunk line, trailers).
 */
int ks_http1_body_read(struct ks_http1_body *body, const void *buf, uint32_t len,
		       struct ks_str *out);

/* ---- writing ---- */

/**
 * Builder of a head; the first failure sticks. The head stands in `out` only after write_end(), whole or
 * not at all. A builder that was begun must be ended.
 */
struct ks_http1_writer {
	struct ks_chain *out;
	struct ks_chain head; /**< private */
	int err; /**< 0 or -ENOBUFS, -EINVAL (bytes that would change the meaning: refused) */
};
void ks_http1_write_request(struct ks_http1_writer *w, struct ks_chain *out, struct ks_str method,
			    struct ks_str target);
void ks_http1_write_status(struct ks_http1_writer *w, struct ks_chain *out, uint16_t status);
void ks_http1_write_field(struct ks_http1_writer *w, struct ks_str name, struct ks_str value);
void ks_http1_write_field_u64(struct ks_http1_writer *w, struct ks_str name, uint64_t value);
/** Empty line. @return 0 or the first error. */
int ks_http1_write_end(struct ks_http1_writer *w);
/** All fields of `head` but hop-by-hop and framing ones. */
void ks_http1_write_fields(struct ks_http1_writer *w, const struct ks_http_head *head);
/** One chunk (`len` > 0) or, with `len` 0, the last one; all or nothing. @return 0 or -ENOBUFS. */
int ks_http1_write_chunk(struct ks_chain *out, const void *data, uint32_t len);
/** Standard reason phrase; "" when unknown. */
const char *ks_http_reason(uint16_t status);

#endif
