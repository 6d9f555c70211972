/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written: exact bytes, read back by our own parser, all or nothing when chunks run out.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_http.h"
#include "ks_test.h"

static struct ks_pool *pool;

static bool
chain_is(struct ks_chain *chain, const char *want)
{
	char *bytes = malloc(chain->len + 1);
	uint32_t n = ks_chain_peek(chain, 0, bytes, chain->len);
	bool same = n == strlen(want) && memcmp(bytes, want, n) == 0;

	if (!same)
		printf("\n  got %.*s\n", (int)n, bytes);
	free(bytes);
	ks_chain_clear(chain);
	return same;
}

static void
exact_bytes(void)
{
	struct ks_http1_writer w;
	struct ks_chain out;

	ks_chain_init(&out, pool);
	ks_http1_write_request(&w, &out, KS_STR("GET"), KS_STR("/api?x=1"));
	ks_http1_write_field(&w, KS_STR("Host"), KS_STR("a:1"));
	ks_http1_write_field(&w, KS_STR("Empty"), (struct ks_str){NULL, 0});
	ks_http1_write_field_u64(&w, KS_STR("Zero"), 0);
	ks_http1_write_field_u64(&w, KS_STR("Most"), UINT64_MAX);
	CU_ASSERT_EQUAL(out.len, 0);
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), 0);
	CU_ASSERT(chain_is(&out, "GET /api?x=1 HTTP/1.1\r\nHost: a:1\r\nEmpty: \r\nZero: 0\r\n"
				 "Most: 18446744073709551615\r\n\r\n"));
	ks_http1_write_status(&w, &out, 429);
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), 0);
	CU_ASSERT(chain_is(&out, "HTTP/1.1 429 Too Many Requests\r\n\r\n"));
	ks_http1_write_status(&w, &out, 599);
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), 0);
	CU_ASSERT(chain_is(&out, "HTTP/1.1 599 \r\n\r\n"));
}

#define STR(lit)                     \
	{                            \
		lit, sizeof(lit) - 1 \
	}

static void
a_field_cannot_become_two(void)
{
	static const struct ks_str names[] = {STR(""),	     STR("a b"),      STR("a:"),
					      STR("a\r\nb"), STR("\xc3\xa9"), STR("a\0b")};
	static const struct ks_str values[] = {STR("a\r\nb: c"), STR("a\nb"), STR("a\rb"),
					       STR("a\0b"),	 STR("\x01"), STR("a\x7f"),
					       STR(" a"),	 STR("a\t")};
	struct ks_http1_writer w;
	struct ks_chain out;

	ks_chain_init(&out, pool);
	for (size_t i = 0; i < KS_ARRAY_SIZE(names) + KS_ARRAY_SIZE(values); i++) {
		ks_http1_write_status(&w, &out, 200);
		if (i < KS_ARRAY_SIZE(names))
			ks_http1_write_field(&w, names[i], KS_STR("x"));
		else
			ks_http1_write_field(&w, KS_STR("x"), values[i - KS_ARRAY_SIZE(names)]);
		ks_http1_write_field(&w, KS_STR("after"), KS_STR("x"));
		CU_ASSERT_EQUAL(ks_http1_write_end(&w), -EINVAL);
		CU_ASSERT_EQUAL(out.len, 0);
	}
}

static void
a_line_cannot_become_two(void)
{
	static const struct ks_str targets[] = {STR(""),      STR("/ HTTP/1.1\r\nX: y"),
						STR("/a b"),  STR("/\0"),
						STR("/\xff"), STR("/#"),
						STR("/\x7f")};
	struct ks_http1_writer w;
	struct ks_chain out;

	ks_chain_init(&out, pool);
	for (size_t i = 0; i < KS_ARRAY_SIZE(targets); i++) {
		ks_http1_write_request(&w, &out, KS_STR("GET"), targets[i]);
		CU_ASSERT_EQUAL(ks_http1_write_end(&w), -EINVAL);
	}
	ks_http1_write_request(&w, &out, KS_STR("GET /x"), KS_STR("/"));
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), -EINVAL);
	ks_http1_write_status(&w, &out, 42);
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), -EINVAL);
	ks_http1_write_status(&w, &out, 1200);
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), -EINVAL);
	CU_ASSERT_EQUAL(out.len, 0);
}

static void
forwarded_fields(void)
{
	static const char text[] =
		"POST https://a/x HTTP/1.1\r\nhost:a\r\nX-Remote-User: root\r\nX-Forwarded-For: "
		"b\r\n"
		"Connection: keep-alive, x-hop\r\nX-Hop: c\r\nTransfer-Encoding: chunked\r\n"
		"TE: trailers\r\nExpect: 100-continue\r\nACCEPT: \t d \r\nX-End: e\r\n\r\n";
	static const struct ks_http_limits limits = {4096, 256, 64};
	struct ks_http_error err;
	struct ks_http_head head;
	struct ks_http1_writer w;
	struct ks_chain out;

	ks_chain_init(&out, pool);
	CU_ASSERT_EQUAL_FATAL(ks_http1_request_parse(text, sizeof(text) - 1, &limits, &head, &err),
			      0);
	ks_http1_write_request(&w, &out, ks_http_method(&head), ks_http_target(&head));
	ks_http1_write_fields(&w, &head);
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), 0);
	CU_ASSERT(chain_is(&out, "POST /x HTTP/1.1\r\nhost: a\r\nACCEPT: d\r\nX-End: e\r\n\r\n"));
}

/* Values larger than a chunk, and heads over several chunks. */
static void
long_heads_cross_chunks(void)
{
	static const struct ks_http_limits limits = {65536, 8192, 64};
	char *value = malloc(5000), *bytes = malloc(65536);
	struct ks_http_error err;
	struct ks_http_head head;
	struct ks_http1_writer w;
	struct ks_chain out;
	uint32_t n;

	memset(value, 'v', 5000);
	ks_chain_init(&out, pool);
	ks_http1_write_request(&w, &out, KS_STR("GET"), KS_STR("/"));
	ks_http1_write_field(&w, KS_STR("Host"), KS_STR("a"));
	for (uint32_t i = 0; i < 10; i++)
		ks_http1_write_field(&w, KS_STR("X"), (struct ks_str){value, i * 500});
	CU_ASSERT_EQUAL(ks_http1_write_end(&w), 0);
	n = ks_chain_peek(&out, 0, bytes, out.len);
	CU_ASSERT_EQUAL_FATAL(ks_http1_request_parse(bytes, n, &limits, &head, &err), 0);
	CU_ASSERT_EQUAL(head.nfields, 11);
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(head.fields[i + 1].value_len, i * 500);
	ks_chain_clear(&out);
	free(bytes);
	free(value);
}

static bool
fail_at(void *arg)
{
	uint32_t *left = arg;

	if (*left == 0)
		return true;
	(*left)--;
	return false;
}

static int
write_some_head(struct ks_chain *out, uint32_t fail_after)
{
	static char value[3000];
	struct ks_http1_writer w;
	int rc;

	memset(value, 'v', sizeof(value));
	ks_pool_fail_set(pool, fail_at, &fail_after);
	ks_http1_write_status(&w, out, 200);
	for (int i = 0; i < 3; i++)
		ks_http1_write_field(&w, KS_STR("X"), (struct ks_str){value, sizeof(value)});
	rc = ks_http1_write_end(&w);
	ks_pool_fail_set(pool, NULL, NULL);
	return rc;
}

static void
heads_are_written_whole_or_not_at_all(void)
{
	struct ks_pool_stats stats;
	struct ks_chain out;
	uint32_t fail_after = 0;
	int rc;

	ks_chain_init(&out, pool);
	do {
		CU_ASSERT_EQUAL(ks_chain_append(&out, "before", 6), 0);
		rc = write_some_head(&out, fail_after++);
		CU_ASSERT(rc == 0 || rc == -ENOBUFS);
		CU_ASSERT(rc == 0 ? out.len > 9000 : out.len == 6);
		ks_chain_clear(&out);
		ks_pool_stats_get(pool, &stats);
		CU_ASSERT_EQUAL(stats.used, 0);
	} while (rc < 0 && fail_after < 100);
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT(fail_after > 4);
}

static void
chunks_are_written_whole_or_not_at_all(void)
{
	static char data[5000];
	struct ks_pool_stats stats;
	struct ks_chain out;

	for (uint32_t len = 0; len <= sizeof(data); len += 500)
		for (uint32_t fail_after = 0; fail_after < 5; fail_after++) {
			uint32_t left = fail_after;

			ks_chain_init(&out, pool);
			CU_ASSERT_EQUAL(ks_chain_append(&out, data, 2030), 0);
			ks_pool_fail_set(pool, fail_at, &left);
			int rc = ks_http1_write_chunk(&out, data, len);

			ks_pool_fail_set(pool, NULL, NULL);
			CU_ASSERT(rc == 0 || rc == -ENOBUFS);
			CU_ASSERT(rc == 0 ? out.len > 2030 + len : out.len == 2030);
			CU_ASSERT(rc < 0 || fail_after > 0);
			ks_chain_clear(&out);
			ks_pool_stats_get(pool, &stats);
			CU_ASSERT_EQUAL(stats.used, 0);
		}
}

static void
chunks_are_read_back(void)
{
	static const struct ks_http_head head = {.framing = KS_HTTP_BODY_CHUNKED};
	static const uint32_t sizes[] = {1, 15, 16, 255, 256, 511, 512, 513, 4095, 4096, 20000};
	char *data = malloc(20000);
	struct ks_http1_body body;
	struct ks_chain out;
	uint64_t want = 0;

	for (uint32_t i = 0; i < 20000; i++)
		data[i] = (char)(i * 7);
	ks_chain_init(&out, pool);
	for (size_t i = 0; i < KS_ARRAY_SIZE(sizes); i++) {
		CU_ASSERT_EQUAL(ks_http1_write_chunk(&out, data, sizes[i]), 0);
		want += sizes[i];
	}
	CU_ASSERT_EQUAL(ks_http1_write_chunk(&out, NULL, 0), 0);
	ks_http1_body_init(&body, &head);
	while (!body.done) {
		struct ks_str part;
		uint32_t len;
		const uint8_t *front = ks_chain_front(&out, &len);
		int rc = ks_http1_body_read(&body, front, len, &part);

		CU_ASSERT_FATAL(rc > 0);
		ks_chain_consume(&out, (uint32_t)rc);
	}
	CU_ASSERT_EQUAL(body.total, want);
	CU_ASSERT_EQUAL(out.len, 0);
	CU_ASSERT_EQUAL(ks_http1_write_chunk(&out, "hello world, now", 16), 0);
	CU_ASSERT(chain_is(&out, "10\r\nhello world, now\r\n"));
	CU_ASSERT_EQUAL(ks_http1_write_chunk(&out, NULL, 0), 0);
	CU_ASSERT(chain_is(&out, "0\r\n\r\n"));
	free(data);
}

static void
reasons(void)
{
	CU_ASSERT_STRING_EQUAL(ks_http_reason(403), "Forbidden");
	CU_ASSERT_STRING_EQUAL(ks_http_reason(431), "Request Header Fields Too Large");
	CU_ASSERT_STRING_EQUAL(ks_http_reason(299), "");
}

static const struct ks_test tests[] = {
	KS_TEST(exact_bytes),
	KS_TEST(a_field_cannot_become_two),
	KS_TEST(a_line_cannot_become_two),
	KS_TEST(forwarded_fields),
	KS_TEST(long_heads_cross_chunks),
	KS_TEST(heads_are_written_whole_or_not_at_all),
	KS_TEST(chunks_are_written_whole_or_not_at_all),
	KS_TEST(chunks_are_read_back),
	KS_TEST(reasons),
};

int
main(void)
{
	struct ks_pool_stats stats;
	int rc;

	pool = ks_chunk_pool_create("test", 64);
	if (pool == NULL)
		return 2;
	rc = ks_test_run("http: writing", tests, KS_ARRAY_SIZE(tests));
	ks_pool_stats_get(pool, &stats);
	ks_pool_destroy(pool);
	return rc != 0 || stats.used != 0;
}
