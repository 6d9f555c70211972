/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a well-formed request head becomes: target, framing, the life of the connection, field ids.
 */
#include <errno.h>

#include "http_case.h"

struct accepted {
	const char *rfc;
	const char *bytes;
	const char *target;
	int framing;
	uint64_t length;
	bool keep_alive, expect, upgrade;
};

#define NONE KS_HTTP_BODY_NONE, 0
#define CHUNKED KS_HTTP_BODY_CHUNKED, 0
#define LENGTH(n) KS_HTTP_BODY_LENGTH, n
#define POST "POST /x HTTP/1.1\r\n" HOST

static const struct accepted accepted[] = {
	{"RFC 9112 9.3: 1.1 persists", FIRST HOST END, "/", NONE, true, false, false},
	{"RFC 9112 2.2: one empty line before the request line is ignored", END FIRST HOST END, "/",
	 NONE, true, false, false},
	{"RFC 9112 9.3: close", FIRST HOST "Connection: close\r\n" END, "/", NONE, false, false,
	 false},
	{"RFC 9110 7.6.1: options are case-insensitive", FIRST HOST "Connection: Close\r\n" END,
	 "/", NONE, false, false, false},
	{"RFC 9112 9.3: close wins", FIRST HOST "Connection: keep-alive, close\r\n" END, "/", NONE,
	 false, false, false},
	{"RFC 9112 9.3: close wins over fields",
	 FIRST HOST "Connection: close\r\nConnection: keep-alive\r\n" END, "/", NONE, false, false,
	 false},
	{"RFC 9110 5.6.1: empty list elements are ignored",
	 FIRST HOST "Connection: ,, close,\r\n" END, "/", NONE, false, false, false},
	{"RFC 9110 5.6.1: an empty list", FIRST HOST "Connection:\r\n" END, "/", NONE, true, false,
	 false},
	{"RFC 9112 9.3: 1.0 closes", "GET / HTTP/1.0\r\n" HOST END, "/", NONE, false, false, false},
	{"RFC 9112 9.3: 1.0 with keep-alive",
	 "GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n" END, "/", NONE, true, false, false},
	{"RFC 9112 3.2: Host is due in 1.1 only", "GET / HTTP/1.0\r\n\r\n", "/", NONE, false, false,
	 false},
	{"RFC 9112 3.2.4: asterisk-form", "OPTIONS * HTTP/1.1\r\n" HOST END, "*", NONE, true, false,
	 false},
	{"RFC 9112 3.2.2: a server MUST accept absolute-form",
	 "GET https://a/b?c HTTP/1.1\r\n" HOST END, "/b?c", NONE, true, false, false},
	{"RFC 9110 4.2.3: scheme and host are case-insensitive",
	 "GET HTTP://A/b HTTP/1.1\r\n" HOST END, "/b", NONE, true, false, false},
	{"RFC 9112 3.2.1: empty path is a slash", "GET https://a HTTP/1.1\r\n" HOST END, "/", NONE,
	 true, false, false},
	{"RFC 3986 3.3 and 3.4",
	 "GET /-._~!$&'()*+,;=:@%41/b//?/?:@-._~!$&'()*+,;=%41 HTTP/1.1\r\n" HOST END,
	 "/-._~!$&'()*+,;=:@%41/b//?/?:@-._~!$&'()*+,;=%41", NONE, true, false, false},
	{"WHATWG URL: browsers send these in a query",
	 "GET /?a=<b>\"{c}|\\^`[d] HTTP/1.1\r\n" HOST END, "/?a=<b>\"{c}|\\^`[d]", NONE, true,
	 false, false},
	{"RFC 9110 8.6", POST "Content-Length: 0\r\n" END, "/x", LENGTH(0), true, false, false},
	{"RFC 9110 8.6: 1*DIGIT", POST "Content-Length: 0042\r\n" END, "/x", LENGTH(42), true,
	 false, false},
	{"RFC 9112 5.1: OWS around the value", POST "Content-Length:\t 42 \t\r\n" END, "/x",
	 LENGTH(42), true, false, false},
	{"RFC 9112 5.1: OWS may be absent", POST "content-LENGTH:9223372036854775807\r\n" END, "/x",
	 LENGTH(INT64_MAX), true, false, false},
	{"RFC 9110 9.3.5: DELETE may carry content",
	 "DELETE /x HTTP/1.1\r\n" HOST "Content-Length: 2\r\n" END, "/x", LENGTH(2), true, false,
	 false},
	{"RFC 9112 6.1", POST "Transfer-Encoding: chunked\r\n" END, "/x", CHUNKED, true, false,
	 false},
	{"RFC 9112 7: coding names are case-insensitive", POST "Transfer-Encoding: cHUNKed\r\n" END,
	 "/x", CHUNKED, true, false, false},
	{"RFC 9110 10.1.1", POST "Expect: 100-Continue\r\nContent-Length: 1\r\n" END, "/x",
	 LENGTH(1), true, true, false},
	{"RFC 9110 10.1.1", POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n" END, "/x",
	 CHUNKED, true, true, false},
	{"RFC 9110 10.1.1: no content, no 100", POST "Expect: 100-continue\r\n" END, "/x", NONE,
	 true, false, false},
	{"RFC 9110 10.1.1: no content, no 100",
	 POST "Expect: 100-continue\r\nContent-Length: 0\r\n" END, "/x", LENGTH(0), true, false,
	 false},
	{"RFC 9110 10.1.1: MUST ignore it in 1.0",
	 "POST /x HTTP/1.0\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n" END, "/x",
	 LENGTH(1), false, false, false},
	{"RFC 9110 7.8", FIRST HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" END, "/", NONE,
	 true, false, true},
	{"RFC 9110 7.8: Upgrade without the option does not count",
	 FIRST HOST "Upgrade: websocket\r\n" END, "/", NONE, true, false, false},
	{"RFC 9110 7.8: the option alone asks for nothing",
	 FIRST HOST "Connection: upgrade\r\n" END, "/", NONE, true, false, false},
	{"RFC 9110 7.8: MUST ignore it in 1.0",
	 "GET / HTTP/1.0\r\n" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n" END, "/", NONE,
	 false, false, false},
	{"RFC 9112 3.2: Host with port", FIRST "Host: 10.98.0.2:6443\r\n" END, "/", NONE, true,
	 false, false},
	{"RFC 3986 3.2.2: IPv6", FIRST "Host: [2001:db8::1.2.3.4]:443\r\n" END, "/", NONE, true,
	 false, false},
	{"RFC 9110 5.5: obs-text is opaque data", FIRST HOST "X: \xc3\xa9\xff\r\n" END, "/", NONE,
	 true, false, false},
	{"RFC 9110 5.6.2: all of tchar", FIRST HOST "!#$%&'*+-.^_`|~09azAZ:\r\n" END, "/", NONE,
	 true, false, false},
};

static void
well_formed_requests(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(accepted); i++) {
		const struct accepted *want = &accepted[i];
		struct ks_http_error err = {"", 0, 0};
		struct ks_http_head head;
		char *copy;
		int rc = request_parse(want->bytes, strlen(want->bytes), &head, &err, &copy);

		if (rc < 0)
			printf("\n  case %zu (%s): \"%s\"\n", i, want->rfc, err.text);
		CU_ASSERT_EQUAL_FATAL(rc, 0);
		CU_ASSERT(ks_str_is(ks_http_target(&head), want->target));
		CU_ASSERT_EQUAL(head.framing, want->framing);
		CU_ASSERT_EQUAL(head.content_length, want->length);
		CU_ASSERT_EQUAL(head.keep_alive, want->keep_alive);
		CU_ASSERT_EQUAL(head.expect_continue, want->expect);
		CU_ASSERT_EQUAL(head.upgrade, want->upgrade);
		CU_ASSERT_EQUAL(head.bytes, strlen(want->bytes));
		free(copy);
	}
}

static void
methods_of_the_api(void)
{
	static const char *const methods[] = {"GET",   "HEAD",	 "POST",   "PUT",
					      "PATCH", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < KS_ARRAY_SIZE(methods); i++) {
		struct ks_http_error err;
		struct ks_http_head head;
		char bytes[64], *copy;
		int n = snprintf(bytes, sizeof(bytes), "%s / HTTP/1.1\r\n" HOST END, methods[i]);

		CU_ASSERT_EQUAL(request_parse(bytes, (size_t)n, &head, &err, &copy), 0);
		CU_ASSERT(ks_str_is(ks_http_method(&head), methods[i]));
		free(copy);
	}
}

static void
slices_of_fields(void)
{
	static const char text[] = FIRST "Host:  a \t\r\nAccept:\r\nX-Y:z\r\n\r\n";
	struct ks_http_error err;
	struct ks_http_head head;
	char *copy;

	CU_ASSERT_EQUAL_FATAL(request_parse(BYTES(text), &head, &err, &copy), 0);
	CU_ASSERT_EQUAL(head.nfields, 3);
	CU_ASSERT(ks_str_is(ks_http_field_name(&head, &head.fields[0]), "Host"));
	CU_ASSERT(ks_str_is(ks_http_field_value(&head, &head.fields[0]), "a"));
	CU_ASSERT(ks_str_is(ks_http_field_name(&head, &head.fields[2]), "X-Y"));
	CU_ASSERT(ks_str_is(ks_http_field_value(&head, &head.fields[2]), "z"));
	CU_ASSERT(ks_str_is(ks_http_find(&head, KS_HTTP_HOST), "a"));
	CU_ASSERT_PTR_NOT_NULL(ks_http_find(&head, KS_HTTP_ACCEPT).p);
	CU_ASSERT_EQUAL(ks_http_find(&head, KS_HTTP_ACCEPT).n, 0);
	CU_ASSERT_PTR_NULL(ks_http_find(&head, KS_HTTP_COOKIE).p);
	free(copy);
}

static uint16_t
id_of(const char *name)
{
	struct ks_http_error err;
	struct ks_http_head head;
	char bytes[256], *copy;
	int n = snprintf(bytes, sizeof(bytes), "GET / HTTP/1.0\r\n%s: 100-continue\r\n\r\n", name);
	int rc = request_parse(bytes, (size_t)n, &head, &err, &copy);

	CU_ASSERT(rc == 0 || head.nfields == 1);
	free(copy);
	return head.fields[0].id;
}

static void
every_known_name_has_its_id(void)
{
#define ROW(ID, name) {name, KS_HTTP_##ID},
	static const struct {
		const char *name;
		uint16_t id;
	} known[] = {KS_HTTP_FIELD_NAMES(ROW)};
#undef ROW

	for (size_t i = 0; i < KS_ARRAY_SIZE(known); i++) {
		char name[64];
		size_t n = strlen(known[i].name);
		bool family = known[i].name[n - 1] == '-';

		CU_ASSERT_EQUAL(id_of(known[i].name), known[i].id);
		for (size_t at = 0; at < n; at++) {
			strcpy(name, known[i].name);
			name[at] = (char)(name[at] >= 'a' ? name[at] - 32 : name[at]);
			CU_ASSERT_EQUAL(id_of(name), known[i].id);
			name[at] = '~';
			CU_ASSERT_NOT_EQUAL(id_of(name), known[i].id);
		}
		snprintf(name, sizeof(name), "%sx", known[i].name);
		CU_ASSERT_EQUAL(id_of(name) == known[i].id, family);
		snprintf(name, sizeof(name), "z%s", known[i].name);
		CU_ASSERT_EQUAL(id_of(name), KS_HTTP_OTHER);
	}
}

static void
families_of_names(void)
{
	CU_ASSERT_EQUAL(id_of("X-Remote-User"), KS_HTTP_X_REMOTE);
	CU_ASSERT_EQUAL(id_of("x_remote_user"), KS_HTTP_X_REMOTE);
	CU_ASSERT_EQUAL(id_of("X_Remote-Extra-Scopes"), KS_HTTP_X_REMOTE);
	CU_ASSERT_EQUAL(id_of("X-REMOTE_GROUP"), KS_HTTP_X_REMOTE);
	CU_ASSERT_EQUAL(id_of("X-Remote"), KS_HTTP_OTHER);
	CU_ASSERT_EQUAL(id_of("X-Forwarded-For"), KS_HTTP_X_FORWARDED_FOR);
	CU_ASSERT_EQUAL(id_of("X_Forwarded_For"), KS_HTTP_X_FORWARDED);
	CU_ASSERT_EQUAL(id_of("X-Forwarded-Proto"), KS_HTTP_X_FORWARDED);
	CU_ASSERT_EQUAL(id_of("x-forwarded-for-x"), KS_HTTP_X_FORWARDED);
	CU_ASSERT_EQUAL(id_of("Forwarded"), KS_HTTP_X_FORWARDED);
	CU_ASSERT_EQUAL(id_of("X-Real-IP"), KS_HTTP_X_FORWARDED);
	CU_ASSERT_EQUAL(id_of("x_real_ip"), KS_HTTP_X_FORWARDED);
	CU_ASSERT_EQUAL(id_of("X-Real-IPs"), KS_HTTP_OTHER);
	CU_ASSERT_EQUAL(id_of("X"), KS_HTTP_OTHER);
	CU_ASSERT_EQUAL(id_of("Impersonate-Extra-a"), KS_HTTP_OTHER);
}

static void
fields_that_stay_on_the_hop(void)
{
	static const char text[] =
		FIRST "Host: a\r\nAccept: b\r\nX-Mine: c\r\nX-Yours: d\r\nKeep-Alive: 5\r\n"
		      "Proxy-Connection: e\r\nTE: trailers\r\nTrailer: f\r\nUpgrade: g\r\n"
		      "X-Remote-User: h\r\nx_forwarded_for: i\r\nX-Forwarded-For: j\r\nExpect: "
		      "100-continue\r\n"
		      "Connection: close, x-mINE, te\r\n\r\n";
	static const bool hop[] = {false, false, true, false, true, true, true,
				   true,  true,	 true, true,  true, true, true};
	struct ks_http_error err;
	struct ks_http_head head;
	char *copy;

	CU_ASSERT_EQUAL_FATAL(request_parse(BYTES(text), &head, &err, &copy), 0);
	CU_ASSERT_EQUAL_FATAL(head.nfields, KS_ARRAY_SIZE(hop));
	CU_ASSERT(head.connection_names);
	for (size_t i = 0; i < KS_ARRAY_SIZE(hop); i++)
		CU_ASSERT_EQUAL(ks_http_field_is_hop(&head, &head.fields[i]), hop[i]);
	free(copy);
}

static const struct ks_test tests[] = {
	KS_TEST(well_formed_requests), KS_TEST(methods_of_the_api),
	KS_TEST(slices_of_fields),     KS_TEST(every_known_name_has_its_id),
	KS_TEST(families_of_names),    KS_TEST(fields_that_stay_on_the_hop),
};

KS_TEST_MAIN("http: requests", tests)
