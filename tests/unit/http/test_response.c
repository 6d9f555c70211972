/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response heads: framing by status, request method and fields; what is refused is a 502.
 */
#include <errno.h>

#include "http_case.h"

static int
response_parse(const char *bytes, size_t len, bool to_head, struct ks_http_head *head,
	       struct ks_http_error *err)
{
	char *copy = malloc(len == 0 ? 1 : len);

	memcpy(copy, bytes, len);
	int rc = ks_http1_response_parse(copy, (uint32_t)len, &case_limits, to_head, head, err);

	free(copy);
	return rc;
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CL5 "Content-Length: 5\r\n"
#define TE "Transfer-Encoding: chunked\r\n"

static const struct {
	const char *rfc;
	const char *bytes;
	bool to_head;
	uint16_t status;
	int framing;
	uint64_t length;
	bool keep_alive, upgrade;
} accepted[] = {
	{"RFC 9112 6.3 rule 6", OK CL5 END, false, 200, KS_HTTP_BODY_LENGTH, 5, true, false},
	{"RFC 9112 6.3 rule 4", OK TE END, false, 200, KS_HTTP_BODY_CHUNKED, 0, true, false},
	{"RFC 9112 6.3 rule 8", OK END, false, 200, KS_HTTP_BODY_UNTIL_CLOSE, 0, false, false},
	{"RFC 9112 6.3 rule 8 in 1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" END, false,
	 200, KS_HTTP_BODY_UNTIL_CLOSE, 0, false, false},
	{"RFC 9112 9.3 in 1.0", "HTTP/1.0 200 OK\r\n" CL5 END, false, 200, KS_HTTP_BODY_LENGTH, 5,
	 false, false},
	{"RFC 9112 9.3: keep-alive in 1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CL5 END,
	 false, 200, KS_HTTP_BODY_LENGTH, 5, true, false},
	{"RFC 9112 9.6: close", OK "Connection: close\r\n" CL5 END, false, 200, KS_HTTP_BODY_LENGTH,
	 5, false, false},
	{"RFC 9112 6.3 rule 1: HEAD", OK CL5 END, true, 200, KS_HTTP_BODY_NONE, 5, true, false},
	{"RFC 9112 6.3 rule 1: HEAD", OK TE END, true, 200, KS_HTTP_BODY_NONE, 0, true, false},
	{"RFC 9112 6.3 rule 1: HEAD", OK END, true, 200, KS_HTTP_BODY_NONE, 0, true, false},
	{"RFC 9112 6.3 rule 1: 1xx", "HTTP/1.1 100 Continue\r\n" END, false, 100, KS_HTTP_BODY_NONE,
	 0, true, false},
	{"RFC 9112 6.3 rule 1: 204", "HTTP/1.1 204 No Content\r\n" END, false, 204,
	 KS_HTTP_BODY_NONE, 0, true, false},
	{"RFC 9112 6.3 rule 1: 304 whatever the fields", "HTTP/1.1 304 Not Modified\r\n" CL5 END,
	 false, 304, KS_HTTP_BODY_NONE, 5, true, false},
	{"RFC 9110 7.8: 101",
	 "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
	 "Upgrade: SPDY/3.1\r\n" END,
	 false, 101, KS_HTTP_BODY_NONE, 0, true, true},
	{"RFC 9112 4: the reason may be empty", "HTTP/1.1 599 \r\n" CL5 END, false, 599,
	 KS_HTTP_BODY_LENGTH, 5, true, false},
	{"RFC 9112 4: reason of any text", "HTTP/1.1 400 Bad Request:\t\xc3\xa9 x\r\n" CL5 END,
	 false, 400, KS_HTTP_BODY_LENGTH, 5, true, false},
};

static void
well_formed_responses(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(accepted); i++) {
		struct ks_http_error err = {"", 0, 0};
		struct ks_http_head head;
		int rc = response_parse(accepted[i].bytes, strlen(accepted[i].bytes),
					accepted[i].to_head, &head, &err);

		if (rc < 0)
			printf("\n  case %zu (%s): \"%s\"\n", i, accepted[i].rfc, err.text);
		CU_ASSERT_EQUAL_FATAL(rc, 0);
		CU_ASSERT_EQUAL(head.status, accepted[i].status);
		CU_ASSERT_EQUAL(head.framing, accepted[i].framing);
		CU_ASSERT_EQUAL(head.content_length, accepted[i].length);
		CU_ASSERT_EQUAL(head.keep_alive, accepted[i].keep_alive);
		CU_ASSERT_EQUAL(head.upgrade, accepted[i].upgrade);
	}
}

#define R(rfc, lit, text)             \
	{                             \
		rfc, BYTES(lit), text \
	}

static const struct {
	const char *rfc;
	const char *bytes;
	size_t len;
	const char *text;
} refused[] = {
	R("RFC 9112 2.3", "HTTP/2.0 200 OK\r\n\r\n", "HTTP version not supported"),
	R("RFC 9112 2.3", "http/1.1 200 OK\r\n\r\n", "bad HTTP version"),
	R("RFC 9112 2.3", "200 OK\r\n\r\n", "bad HTTP version"),
	R("RFC 9112 2.2: only servers forgive an empty line", "\r\n" OK END, "bad HTTP version"),
	R("RFC 9112 4", "HTTP/1.1\t200 OK\r\n\r\n", "no space after the version"),
	R("RFC 9112 4", "HTTP/1.1  200 OK\r\n\r\n", "bad status code"),
	R("RFC 9112 4: 3DIGIT", "HTTP/1.1 20 OK\r\n\r\n", "bad status code"),
	R("RFC 9112 4: 3DIGIT", "HTTP/1.1 2000 OK\r\n\r\n", "no space after the status code"),
	R("RFC 9112 4: 3DIGIT", "HTTP/1.1 +20 OK\r\n\r\n", "bad status code"),
	R("RFC 9110 15: 100 to 599", "HTTP/1.1 099 x\r\n\r\n", "status code out of range"),
	R("RFC 9110 15: 100 to 599", "HTTP/1.1 600 x\r\n\r\n", "status code out of range"),
	R("RFC 9112 4: the second space is due", "HTTP/1.1 200\r\n\r\n",
	  "no space after the status code"),
	R("RFC 9112 4: reason-phrase", "HTTP/1.1 200 O\0K\r\n\r\n", "NUL"),
	R("RFC 9112 4: reason-phrase", "HTTP/1.1 200 O\rK\r\n\r\n", "bare CR"),
	R("RFC 9112 2.2", "HTTP/1.1 200 OK\n\n", "bare LF"),
	R("RFC 9112 5.2", OK "A: b\r\n c\r\n\r\n", "obs-fold"),
	R("RFC 9112 5.1: removing it is the proxy's duty; refused instead", OK "A : b\r\n\r\n",
	  "space before colon"),
	R("RFC 9112 6.3 rule 3", OK CL5 TE END, "Transfer-Encoding with Content-Length"),
	R("RFC 9112 6.3 rule 5", OK CL5 "Content-Length: 6\r\n\r\n", "two Content-Length fields"),
	R("RFC 9112 6.3 rule 5", OK "Content-Length: x\r\n\r\n", "Content-Length is not a number"),
	R("RFC 9112 6.1", "HTTP/1.0 200 OK\r\n" TE END, "Transfer-Encoding in HTTP/1.0"),
	R("RFC 9112 6.3 rule 4", OK "Transfer-Encoding: gzip\r\n\r\n",
	  "Transfer-Encoding is not chunked"),
	R("RFC 9112 6.1", OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
	  "transfer coding not implemented"),
	R("RFC 9112 6.3: also where no body follows", "HTTP/1.1 304 x\r\n" CL5 TE END,
	  "Transfer-Encoding with Content-Length"),
	R("RFC 9112 4", "HTTP/1.1 200 OK\r\n", "head without an end"),
	R("RFC 9112 4", "HTTP/1.1\n", "no space after the version"),
	R("RFC 9112 4", "HTTP/1.1 2\n", "bad status code"),
	R("RFC 9112 4", "", "head without an end"),
};

static void
refused_responses(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(refused); i++) {
		struct ks_http_error err = {"", 0, 0};
		struct ks_http_head head;
		int rc = response_parse(refused[i].bytes, refused[i].len, false, &head, &err);

		if (strcmp(err.text, refused[i].text) != 0)
			printf("\n  case %zu (%s): \"%s\"\n", i, refused[i].rfc, err.text);
		CU_ASSERT_EQUAL(rc, -EBADMSG);
		CU_ASSERT_EQUAL(err.status, 502);
		CU_ASSERT_STRING_EQUAL(err.text, refused[i].text);
	}
}

static void
too_large_is_502_as_well(void)
{
	char bytes[1024] = OK;
	struct ks_http_error err;
	struct ks_http_head head;

	for (int i = 0; i <= case_limits.fields; i++)
		strcat(bytes, "X: y\r\n");
	strcat(bytes, END);
	CU_ASSERT_EQUAL(response_parse(bytes, strlen(bytes), false, &head, &err), -E2BIG);
	CU_ASSERT_EQUAL(err.status, 502);
}

static const struct ks_test tests[] = {
	KS_TEST(well_formed_responses),
	KS_TEST(refused_responses),
	KS_TEST(too_large_is_502_as_well),
};

KS_TEST_MAIN("http: responses", tests)
