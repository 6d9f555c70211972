/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads and chunks, written from parsed parts: nothing that was received is copied through, so what
 * the next hop reads is what was judged here. Refuses bytes that would end an element early. RFC
 * 9112 sections 3, 4, 5 and 7.1. Thread: the owner of the chains.
 */
#include <errno.h>

#include "ks_http.h"
#include "http_scan.h"

/* Chunks up to this size are put together on the stack and appended at once. */
#define SMALL_CHUNK_BYTES 512
#define CHUNK_FRAME_BYTES 12 /* eight digits and two line ends */

static ks_cold void
fail(struct ks_http1_writer *w, int err)
{
	if (w->err == 0)
		w->err = err;
	ks_chain_clear(&w->head);
}

static void
begin(struct ks_http1_writer *w, struct ks_chain *out)
{
	w->out = out;
	w->err = 0;
	ks_chain_init(&w->head, out->pool);
}

/* Adds all parts: in one go where the tail has room, which is nearly always. */
static void
put(struct ks_http1_writer *w, const struct ks_str *parts, uint32_t nparts)
{
	uint64_t len = 0;
	uint32_t room;
	uint8_t *to;

	if (ks_unlikely(w->err != 0))
		return;
	for (uint32_t i = 0; i < nparts; i++)
		len += parts[i].n;
	to = ks_chain_reserve(&w->head, &room);
	if (ks_likely(to != NULL && len <= room)) {
		for (uint32_t i = 0; i < nparts; to += parts[i++].n)
			if (parts[i].n > 0)
				memcpy(to, parts[i].p, parts[i].n);
		ks_chain_commit(&w->head, (uint32_t)len);
		return;
	}
	if (to != NULL)
		ks_chain_commit(&w->head, 0);
	for (uint32_t i = 0; i < nparts; i++)
		if (parts[i].n > 0 && ks_chain_append(&w->head, parts[i].p, parts[i].n) < 0) {
			fail(w, -ENOBUFS);
			return;
		}
}

static bool
is_token(struct ks_str text)
{
	const char *end = text.p + text.n;

	return text.n > 0 && ks_http_skip_class(text.p, end, KS_HTTP_CHAR_TOKEN) == end;
}

/* Also no white space at the ends: readers cut it off, and another value would arrive. */
static bool
is_value(struct ks_str text)
{
	const char *end = text.p + text.n;

	if (text.n == 0)
		return true;
	return ks_http_skip_text(text.p, end) == end && *text.p != ' ' && *text.p != '\t' &&
	       end[-1] != ' ' && end[-1] != '\t';
}

void
ks_http1_write_request(struct ks_http1_writer *w, struct ks_chain *out, struct ks_str method,
		       struct ks_str target)
{
	const char *end = target.p + target.n;

	begin(w, out);
	if (!is_token(method) || target.n == 0 || ks_http_skip_visible(target.p, end) != end) {
		fail(w, -EINVAL);
		return;
	}
	put(w, (struct ks_str[]){method, KS_STR(" "), target, KS_STR(" HTTP/1.1\r\n")}, 4);
}

void
ks_http1_write_status(struct ks_http1_writer *w, struct ks_chain *out, uint16_t status)
{
	const char *reason = ks_http_reason(status);
	char digits[4] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
			  (char)('0' + status % 10), ' '};

	begin(w, out);
	if (status < 100 || status > 599) {
		fail(w, -EINVAL);
		return;
	}
	put(w,
	    (struct ks_str[]){KS_STR("HTTP/1.1 "),
			      {digits, sizeof(digits)},
			      {reason, (uint32_t)strlen(reason)},
			      KS_STR("\r\n")},
	    4);
}

/* The common case of put() for the form of a field: two copies, the rest are plain stores. */
static void
put_field(struct ks_http1_writer *w, struct ks_str name, struct ks_str value)
{
	uint32_t room;
	uint8_t *to;

	if (ks_unlikely(w->err != 0))
		return;
	to = ks_chain_reserve(&w->head, &room);
	if (ks_unlikely(to == NULL || (uint64_t)name.n + value.n + 4 > room)) {
		put(w, (struct ks_str[]){name, KS_STR(": "), value, KS_STR("\r\n")}, 4);
		return;
	}
	memcpy(to, name.p, name.n);
	to += name.n;
	*to++ = ':';
	*to++ = ' ';
	if (value.n > 0)
		memcpy(to, value.p, value.n);
	to += value.n;
	*to++ = '\r';
	*to = '\n';
	ks_chain_commit(&w->head, name.n + value.n + 4);
}

void
ks_http1_write_field(struct ks_http1_writer *w, struct ks_str name, struct ks_str value)
{
	if (ks_unlikely(!is_token(name) || !is_value(value)))
		fail(w, -EINVAL);
	else
		put_field(w, name, value);
}

void
ks_http1_write_field_u64(struct ks_http1_writer *w, struct ks_str name, uint64_t value)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	ks_http1_write_field(w, name, (struct ks_str){p, (uint32_t)(digits + sizeof(digits) - p)});
}

int
ks_http1_write_end(struct ks_http1_writer *w)
{
	put(w, (struct ks_str[]){KS_STR("\r\n")}, 1);
	if (w->err == 0)
		ks_chain_splice(w->out, &w->head);
	return w->err;
}

/* Heads from outside have passed the parser, which refuses all that write_field() refuses; but a
 * head may also be made by hand, so the check stays. */
void
ks_http1_write_fields(struct ks_http1_writer *w, const struct ks_http_head *head)
{
	for (uint32_t i = 0; i < head->nfields; i++) {
		const struct ks_http_field *field = &head->fields[i];

		if (field->id == KS_HTTP_CONTENT_LENGTH || ks_http_field_is_hop(head, field))
			continue;
		ks_http1_write_field(w, ks_http_field_name(head, field),
				     ks_http_field_value(head, field));
	}
}

static uint32_t
chunk_size_put(char *to, uint32_t len)
{
	uint32_t digits = 1, n;

	while (digits < 8 && len >> (4 * digits) != 0)
		digits++;
	for (n = 0; n < digits; n++)
		to[n] = "0123456789abcdef"[len >> (4 * (digits - 1 - n)) & 15];
	to[n++] = '\r';
	to[n++] = '\n';
	return n;
}

static int
large_chunk(struct ks_chain *out, const void *data, uint32_t len)
{
	struct ks_chain chunk;
	char size[CHUNK_FRAME_BYTES];

	ks_chain_init(&chunk, out->pool);
	if (ks_chain_append(&chunk, size, chunk_size_put(size, len)) < 0 ||
	    ks_chain_append(&chunk, data, len) < 0 || ks_chain_append(&chunk, "\r\n", 2) < 0) {
		ks_chain_clear(&chunk);
		return -ENOBUFS;
	}
	ks_chain_splice(out, &chunk);
	return 0;
}

int
ks_http1_write_chunk(struct ks_chain *out, const void *data, uint32_t len)
{
	char text[SMALL_CHUNK_BYTES + CHUNK_FRAME_BYTES];
	uint32_t n;

	if (len > SMALL_CHUNK_BYTES)
		return large_chunk(out, data, len);
	n = chunk_size_put(text, len);
	/* The last chunk is followed by the empty line that ends the trailers: "0" CRLF CRLF. */
	if (len > 0)
		memcpy(text + n, data, len);
	n += len;
	text[n++] = '\r';
	text[n++] = '\n';
	return ks_chain_append(out, text, n);
}
