/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies: each case is read whole, byte by byte and at every cut in two; the result must be the
 * same.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_http.h"
#include "ks_test.h"

struct reading {
	char payload[512];
	uint32_t len;
	uint32_t used;
	int rc;
	bool done;
};

/* Feeds one piece from an exact copy, so that a step outside of it is seen. */
static void
feed(struct ks_http1_body *body, const char *bytes, uint32_t len, struct reading *r)
{
	char *copy = malloc(len == 0 ? 1 : len);
	uint32_t at = 0;

	memcpy(copy, bytes, len);
	while (r->rc >= 0 && !body->done) {
		struct ks_str out;

		r->rc = ks_http1_body_read(body, copy + at, len - at, &out);
		if (r->rc <= 0)
			break;
		if (out.n > 0) {
			CU_ASSERT_FATAL(out.p >= copy + at && out.p + out.n <= copy + at + r->rc);
			CU_ASSERT_FATAL(r->len + out.n <= sizeof(r->payload));
			memcpy(r->payload + r->len, out.p, out.n);
			r->len += out.n;
		}
		at += (uint32_t)r->rc;
	}
	r->used += at;
	r->done = body->done;
	free(copy);
}

/* Pieces: [0, cut), [cut, len); with `step` > 0 pieces of that size instead. */
static struct reading
read_cut(const struct ks_http_head *head, const char *bytes, uint32_t len, uint32_t cut,
	 uint32_t step)
{
	struct reading r = {.len = 0};
	struct ks_http1_body body;

	ks_http1_body_init(&body, head);
	if (step == 0) {
		feed(&body, bytes, cut, &r);
		if (r.rc >= 0)
			feed(&body, bytes + r.used, len - r.used, &r);
	}
	for (uint32_t at = 0; step > 0 && at < len && r.rc >= 0 && !r.done; at += step)
		feed(&body, bytes + at, KS_MIN(step, len - at), &r);
	CU_ASSERT_EQUAL(body.total, r.len);
	return r;
}

static void
same(const struct reading *a, const struct reading *b)
{
	CU_ASSERT_EQUAL(a->done, b->done);
	CU_ASSERT_EQUAL(a->rc < 0 ? a->rc : 0, b->rc < 0 ? b->rc : 0);
	CU_ASSERT_EQUAL_FATAL(a->len, b->len);
	CU_ASSERT(memcmp(a->payload, b->payload, a->len) == 0);
	if (a->rc >= 0)
		CU_ASSERT_EQUAL(a->used, b->used);
}

static struct reading
read_all_cuts(const struct ks_http_head *head, const char *bytes, uint32_t len)
{
	struct reading whole = read_cut(head, bytes, len, len, 0);

	for (uint32_t cut = 0; cut < len; cut++) {
		struct reading r = read_cut(head, bytes, len, cut, 0);

		same(&whole, &r);
	}
	for (uint32_t step = 1; step < 4; step++) {
		struct reading r = read_cut(head, bytes, len, 0, step);

		same(&whole, &r);
	}
	return whole;
}

static const struct ks_http_head chunked = {.framing = KS_HTTP_BODY_CHUNKED};

#define BYTES(lit) (lit), sizeof(lit) - 1
#define LAST "0\r\n\r\n"

static const struct {
	const char *rfc;
	const char *bytes;
	uint32_t len;
	const char *payload;
	uint32_t rest; /* bytes of the next message */
} well_formed[] = {
	{"RFC 9112 7.1: last-chunk", BYTES(LAST), "", 0},
	{"RFC 9112 7.1: last-chunk = 1*(\"0\")", BYTES("0000\r\n\r\n"), "", 0},
	{"RFC 9112 7.1", BYTES("3\r\nabc\r\n" LAST), "abc", 0},
	{"RFC 9112 7.1: HEXDIG in both cases", BYTES("a\r\n0123456789\r\nA\r\n0123456789\r\n" LAST),
	 "01234567890123456789", 0},
	{"RFC 9112 7.1: 1*HEXDIG", BYTES("0000000000000002\r\nab\r\n" LAST), "ab", 0},
	{"RFC 9112 7.1: data is opaque", BYTES("7\r\n\r\n0\r\n\r\n\r\n" LAST), "\r\n0\r\n\r\n", 0},
	{"RFC 9112 6.3: what follows is the next message", BYTES("1\r\nx\r\n" LAST "GET / "), "x",
	 6},
	{"RFC 9112 7.1.2: trailer section", BYTES("0\r\nX-Check: 1\r\nY:\r\n\r\n"), "", 0},
	{"RFC 9112 7.1.2", BYTES("2\r\nab\r\n0\r\nA: \tb\xff \r\n\r\nrest"), "ab", 4},
};

static void
chunked_bodies(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(well_formed); i++) {
		struct reading r =
			read_all_cuts(&chunked, well_formed[i].bytes, well_formed[i].len);

		CU_ASSERT(r.rc >= 0);
		CU_ASSERT(r.done);
		CU_ASSERT_EQUAL(r.used, well_formed[i].len - well_formed[i].rest);
		CU_ASSERT_EQUAL(r.len, strlen(well_formed[i].payload));
		CU_ASSERT(memcmp(r.payload, well_formed[i].payload, r.len) == 0);
	}
}

#define CHUNK_SIZE "RFC 9112 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF"
#define CHUNK_EXT "RFC 9112 7.1.1: extensions: a limit to generate 4xx for; here the limit is none"
#define TRAILER "RFC 9110 6.5.1: not in trailers: framing, routing, authentication, content"

static const struct {
	const char *rfc;
	const char *bytes;
	uint32_t len;
	int rc;
} malformed[] = {
	{CHUNK_SIZE, BYTES("\r\n"), -EBADMSG},
	{CHUNK_SIZE, BYTES("g\r\n"), -EBADMSG},
	{CHUNK_SIZE, BYTES("-1\r\n"), -EBADMSG},
	{CHUNK_SIZE, BYTES("+1\r\n"), -EBADMSG},
	{CHUNK_SIZE, BYTES("0x1\r\na\r\n" LAST), -EBADMSG},
	{CHUNK_SIZE, BYTES(" 1\r\na\r\n" LAST), -EBADMSG},
	{CHUNK_SIZE, BYTES("1 \r\na\r\n" LAST), -EBADMSG},
	{CHUNK_SIZE, BYTES("1\t\r\na\r\n" LAST), -EBADMSG},
	{CHUNK_SIZE, BYTES("1_0\r\na\r\n" LAST), -EBADMSG},
	{CHUNK_SIZE, BYTES("1\0\r\na\r\n" LAST), -EBADMSG},
	{"RFC 9112 2.2: bare LF", BYTES("1\na\n0\n\n"), -EBADMSG},
	{"RFC 9112 2.2: bare LF", BYTES("1\r\na\n" LAST), -EBADMSG},
	{"RFC 9112 2.2: bare CR", BYTES("1\ra\r\n" LAST), -EBADMSG},
	{"RFC 9112 2.2: bare CR", BYTES("1\r\na\r" LAST), -EBADMSG},
	{"RFC 9112 2.2: bare CR", BYTES("1\r\r\na\r\n" LAST), -EBADMSG},
	{CHUNK_SIZE, BYTES("1\r\nab\r\n" LAST), -EBADMSG},
	{CHUNK_SIZE, BYTES("3\r\na\r\n0\r\n\r\n"), -EBADMSG},
	{CHUNK_EXT, BYTES("1;a=b\r\nx\r\n" LAST), -EBADMSG},
	{CHUNK_EXT, BYTES("1;\nx\r\n" LAST), -EBADMSG},
	{CHUNK_EXT, BYTES("0;a\r\n\r\n"), -EBADMSG},
	{"RFC 9112 7.1: size overflow", BYTES("10000000000000000\r\n"), -E2BIG},
	{"RFC 9112 7.1: size overflow", BYTES("FFFFFFFFFFFFFFFFF\r\nx\r\n" LAST), -E2BIG},
	{"RFC 9112 7.1: size overflow", BYTES("FFFFFFFFFFFFFFFF\r\nx\r\n" LAST), -E2BIG},
	{"RFC 9112 7.1: size overflow", BYTES("8000000000000000\r\nx\r\n" LAST), -E2BIG},
	{"RFC 9112 7.1: sum overflow", BYTES("1\r\nx\r\n7fffffffffffffff\r\n"), -E2BIG},
	{"RFC 9112 7.1: leading zeros are bounded", BYTES("00000000000000001\r\nx\r\n"), -E2BIG},
	{"RFC 9112 7.1.2: the empty line", BYTES("0\r\n\n"), -EBADMSG},
	{"RFC 9112 7.1.2: the empty line", BYTES("0\r\n\rx"), -EBADMSG},
	{"RFC 9112 5.1", BYTES("0\r\nA : b\r\n\r\n"), -EBADMSG},
	{"RFC 9112 5.2: obs-fold", BYTES("0\r\nA: b\r\n c\r\n\r\n"), -EBADMSG},
	{"RFC 9110 5.6.2", BYTES("0\r\n: b\r\n\r\n"), -EBADMSG},
	{"RFC 9110 5.6.2", BYTES("0\r\nA\r\n\r\n"), -EBADMSG},
	{"RFC 9110 5.5", BYTES("0\r\nA: b\0\r\n\r\n"), -EBADMSG},
	{"RFC 9110 5.5", BYTES("0\r\nA: b\nC: d\r\n\r\n"), -EBADMSG},
	{"RFC 9110 5.5", BYTES("0\r\nA: b\rC: d\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nContent-Length: 1\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nTRANSFER-ENCODING: chunked\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nX: y\r\nHost: a\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nauthorization: Bearer x\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nX-Remote-User: root\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nx_remote-extra-a-name-of-more-than-24-bytes: b\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nX-Forwarded-For: a\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nImpersonate-Extra-something-long: b\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nSec-WebSocket-Protocol: a\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nContent-Type: a\r\n\r\n"), -EBADMSG},
	{TRAILER, BYTES("0\r\nConnection: close\r\n\r\n"), -EBADMSG},
};

static void
malformed_chunks(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(malformed); i++) {
		struct reading r = read_all_cuts(&chunked, malformed[i].bytes, malformed[i].len);

		if (r.rc != malformed[i].rc)
			printf("\n  case %zu (%s): %d\n", i, malformed[i].rfc, r.rc);
		CU_ASSERT_EQUAL(r.rc, malformed[i].rc);
		CU_ASSERT_FALSE(r.done);
	}
}

static void
an_error_is_final(void)
{
	struct ks_http1_body body;
	struct ks_str out;

	ks_http1_body_init(&body, &chunked);
	CU_ASSERT_EQUAL(ks_http1_body_read(&body, "x", 1, &out), -EBADMSG);
	CU_ASSERT_EQUAL(ks_http1_body_read(&body, "0\r\n\r\n", 5, &out), -EBADMSG);
	CU_ASSERT_FALSE(body.done);
}

static void
trailers_are_bounded(void)
{
	struct ks_http1_body body;
	struct ks_str out;
	int rc = 0;
	uint32_t lines = 0;

	ks_http1_body_init(&body, &chunked);
	CU_ASSERT_EQUAL(ks_http1_body_read(&body, "0\r\n", 3, &out), 3);
	while (rc >= 0 && lines++ < 10000)
		rc = ks_http1_body_read(&body, "abcdef: 12345678\r\n", 18, &out);
	CU_ASSERT_EQUAL(rc, -E2BIG);
	CU_ASSERT_EQUAL(lines, 8192 / 18 + 1);
}

static void
bodies_of_known_length(void)
{
	static const struct ks_http_head five = {.framing = KS_HTTP_BODY_LENGTH,
						 .content_length = 5};
	static const struct ks_http_head zero = {.framing = KS_HTTP_BODY_LENGTH};
	static const struct ks_http_head none = {.framing = KS_HTTP_BODY_NONE, .content_length = 5};
	struct reading r = read_all_cuts(&five, BYTES("abcdeGET"));

	CU_ASSERT(r.done);
	CU_ASSERT_EQUAL(r.used, 5);
	CU_ASSERT_EQUAL(r.len, 5);
	r = read_all_cuts(&five, BYTES("abcd"));
	CU_ASSERT_FALSE(r.done);
	CU_ASSERT_EQUAL(r.len, 4);
	r = read_all_cuts(&zero, BYTES("GET"));
	CU_ASSERT(r.done);
	CU_ASSERT_EQUAL(r.used, 0);
	r = read_all_cuts(&none, BYTES("GET"));
	CU_ASSERT(r.done);
	CU_ASSERT_EQUAL(r.used, 0);
}

static void
a_body_until_close_never_ends_by_itself(void)
{
	static const struct ks_http_head head = {.framing = KS_HTTP_BODY_UNTIL_CLOSE};
	struct reading r = read_all_cuts(&head, BYTES("abc\r\n\r\n0\r\n\r\n"));

	CU_ASSERT_FALSE(r.done);
	CU_ASSERT_EQUAL(r.len, 12);
}

static void
large_lengths_do_not_wrap(void)
{
	static const struct ks_http_head head = {.framing = KS_HTTP_BODY_LENGTH,
						 .content_length = INT64_MAX};
	struct ks_http1_body body;
	struct ks_str out;

	ks_http1_body_init(&body, &head);
	CU_ASSERT_EQUAL(ks_http1_body_read(&body, "abc", 3, &out), 3);
	CU_ASSERT_EQUAL(body.left, INT64_MAX - 3);
	CU_ASSERT_FALSE(body.done);
}

static const struct ks_test tests[] = {
	KS_TEST(chunked_bodies),
	KS_TEST(malformed_chunks),
	KS_TEST(an_error_is_final),
	KS_TEST(trailers_are_bounded),
	KS_TEST(bodies_of_known_length),
	KS_TEST(a_body_until_close_never_ends_by_itself),
	KS_TEST(large_lengths_do_not_wrap),
};

KS_TEST_MAIN("http: bodies", tests)
