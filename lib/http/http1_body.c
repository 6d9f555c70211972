/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies out of their framing: Content-Length, chunked, until close. RFC 9112 sections 6 and 7.
 *
 * The chunk grammar is taken exactly: 1*HEXDIG CRLF, data, CRLF. No white space, no bare LF, at
 * most 16 digits. Chunk extensions are refused, not ignored: parsers disagree about where they end.
 * Works on any cut of the bytes; a state is entered and left at single bytes outside of data.
 * Thread: pure functions over the caller's memory.
 */
#include <errno.h>

#include "ks_http.h"
#include "http_field.h"
#include "http_scan.h"

#define CHUNK_DIGITS_MAX 16
#define TRAILER_BYTES_MAX 8192
#define CONSUMED_MAX (1u << 30)

enum body_state {
	BODY_DATA, /* not chunked */
	CHUNK_SIZE,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	TRAILER_END_LF,
	BODY_BROKEN,
};

void
ks_http1_body_init(struct ks_http1_body *body, const struct ks_http_head *head)
{
	memset(body, 0, sizeof(*body));
	body->framing = head->framing;
	body->state = head->framing == KS_HTTP_BODY_CHUNKED ? CHUNK_SIZE : BODY_DATA;
	if (head->framing == KS_HTTP_BODY_LENGTH)
		body->left = head->content_length;
	else if (head->framing == KS_HTTP_BODY_UNTIL_CLOSE)
		body->left = UINT64_MAX;
	body->done = body->left == 0 && head->framing != KS_HTTP_BODY_CHUNKED;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
chunk_size(struct ks_http1_body *body, char c)
{
	int digit = hex_value(c);

	if (digit < 0) {
		if (c != '\r' || body->digits == 0)
			return -EBADMSG;
		body->state = CHUNK_SIZE_LF;
		return 0;
	}
	if (body->digits == CHUNK_DIGITS_MAX)
		return -E2BIG;
	body->digits++;
	body->left = body->left << 4 | (uint64_t)digit;
	return 0;
}

static int
chunk_size_lf(struct ks_http1_body *body, char c)
{
	if (c != '\n')
		return -EBADMSG;
	if (body->left > INT64_MAX - body->total)
		return -E2BIG;
	body->digits = 0;
	body->state = body->left == 0 ? TRAILER_START : CHUNK_DATA;
	return 0;
}

static int
expect_byte(struct ks_http1_body *body, char c, char want, enum body_state next)
{
	if (c != want)
		return -EBADMSG;
	body->state = (uint8_t)next;
	return 0;
}

/* A name that does not fit is compared by its beginning: only families of names are as long. */
static bool
trailer_forbidden(const struct ks_http1_body *body)
{
	uint32_t kept = KS_MIN(body->name_len, KS_HTTP_TRAILER_NAME_BYTES);
	struct ks_str name = {body->name, kept};

	return ks_http_field_id(body->name, kept) != KS_HTTP_OTHER ||
	       ks_http_name_impersonates(name);
}

static int
trailer_name(struct ks_http1_body *body, char c)
{
	if (ks_http_is_char(c, KS_HTTP_CHAR_TOKEN)) {
		if (body->name_len < KS_HTTP_TRAILER_NAME_BYTES)
			body->name[body->name_len] = c;
		body->name_len++;
		body->state = TRAILER_NAME;
		return 0;
	}
	if (c != ':' || body->name_len == 0 || trailer_forbidden(body))
		return -EBADMSG;
	body->name_len = 0;
	body->state = TRAILER_VALUE;
	return 0;
}

static int
trailer_value(struct ks_http1_body *body, char c)
{
	if (c == '\r')
		body->state = TRAILER_LF;
	else if (ks_http_is_control(c) && c != '\t')
		return -EBADMSG;
	return 0;
}

static int
trailer_byte(struct ks_http1_body *body, char c)
{
	if (++body->trailer_bytes > TRAILER_BYTES_MAX)
		return -E2BIG;
	switch (body->state) {
	case TRAILER_START:
		return c == '\r' ? expect_byte(body, c, '\r', TRAILER_END_LF)
				 : trailer_name(body, c);
	case TRAILER_NAME:
		return trailer_name(body, c);
	case TRAILER_VALUE:
		return trailer_value(body, c);
	case TRAILER_LF:
		return expect_byte(body, c, '\n', TRAILER_START);
	default: /* TRAILER_END_LF */
		body->done = c == '\n';
		return body->done ? 0 : -EBADMSG;
	}
}

static int
framing_byte(struct ks_http1_body *body, char c)
{
	switch (body->state) {
	case CHUNK_SIZE:
		return chunk_size(body, c);
	case CHUNK_SIZE_LF:
		return chunk_size_lf(body, c);
	case CHUNK_DATA_CR:
		return expect_byte(body, c, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return expect_byte(body, c, '\n', CHUNK_SIZE);
	case BODY_BROKEN:
		return -EBADMSG;
	default:
		return trailer_byte(body, c);
	}
}

/* Payload from `p` on: as much as the framing and `len` hold. */
static uint32_t
payload(struct ks_http1_body *body, const char *p, uint32_t len, struct ks_str *out)
{
	uint32_t n = (uint32_t)KS_MIN((uint64_t)len, body->left);

	*out = (struct ks_str){p, n};
	body->total += n;
	if (body->framing == KS_HTTP_BODY_UNTIL_CLOSE)
		return n;
	body->left -= n;
	if (body->left == 0) {
		body->done = body->state == BODY_DATA;
		body->state = body->done ? BODY_DATA : CHUNK_DATA_CR;
	}
	return n;
}

int
ks_http1_body_read(struct ks_http1_body *body, const void *buf, uint32_t len, struct ks_str *out)
{
	const char *p = buf;
	uint32_t used = 0;

	*out = (struct ks_str){NULL, 0};
	len = KS_MIN(len, CONSUMED_MAX);
	while (used < len && !body->done) {
		int rc;

		if (body->state == BODY_DATA || body->state == CHUNK_DATA)
			return (int)(used + payload(body, p + used, len - used, out));
		rc = framing_byte(body, p[used++]);
		if (ks_unlikely(rc < 0)) {
			body->state = BODY_BROKEN;
			return rc;
		}
	}
	return (int)used;
}
