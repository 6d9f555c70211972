/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a head, found wherever the chunks of the chain are cut and however the bytes arrive.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_http.h"
#include "ks_test.h"

static struct ks_pool *pool;

/* Moves the chain's first byte to `start` within its chunk, so that chunk borders fall elsewhere.
 */
static void
chain_at(struct ks_chain *chain, uint32_t start, const char *bytes, size_t len)
{
	char *fill = calloc(1, start + 1);

	ks_chain_init(chain, pool);
	CU_ASSERT_EQUAL_FATAL(ks_chain_append(chain, fill, start), 0);
	CU_ASSERT_EQUAL_FATAL(ks_chain_append(chain, bytes, len), 0);
	ks_chain_consume(chain, start);
	free(fill);
}

static int
find(const char *bytes, size_t len, uint32_t max)
{
	struct ks_chain chain;
	uint32_t scanned = 0;
	int whole = 0;

	/* at the head of a chunk, then with every byte of interest on either side of its end */
	for (uint32_t start = 0; start < KS_CHUNK_BYTES; start += start == 0 ? 1900 : 1) {
		chain_at(&chain, start, bytes, len);
		scanned = 0;
		int rc = ks_http1_head_find(&chain, &scanned, max);

		whole = start == 0 ? rc : whole;
		CU_ASSERT_EQUAL(rc, whole);
		if (rc > 0)
			CU_ASSERT_EQUAL((int)scanned, rc);
		ks_chain_clear(&chain);
	}
	return whole;
}

#define FIND(lit) find(lit, sizeof(lit) - 1, 4096)

static void
empty_line_ends_a_head(void)
{
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 27);
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore\r\n\r\n"), 27);
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\n\r\n"), 18);
	CU_ASSERT_EQUAL(FIND(""), -EAGAIN);
	CU_ASSERT_EQUAL(FIND("\r"), -EAGAIN);
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\nHost: a\r\n\r"), -EAGAIN);
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\nHost: a\r\n"), -EAGAIN);
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\nHost: a\r\r\n\r"), -EAGAIN);
}

/* RFC 9112 section 2.2: one CRLF before the request line. */
static void
one_leading_line_counts(void)
{
	CU_ASSERT_EQUAL(FIND("\r\n"), -EAGAIN);
	CU_ASSERT_EQUAL(FIND("\r\nGET / HTTP/1.1\r\n\r\n"), 20);
	CU_ASSERT_EQUAL(FIND("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 4);
}

static void
bare_line_feeds_are_found_to_be_refused(void)
{
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\nHost: a\n\nmore"), 24);
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\nHost: a\n\r\nmore"), 26);
	CU_ASSERT_EQUAL(FIND("GET / HTTP/1.1\r\nHost: a\r\n\nmore"), 26);
	CU_ASSERT_EQUAL(FIND("\nGET / HTTP/1.1\r\n\r\n"), 1);
}

static void
the_limit_is_exact(void)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nmore";

	CU_ASSERT_EQUAL(find(text, sizeof(text) - 1, 27), 27);
	CU_ASSERT_EQUAL(find(text, sizeof(text) - 1, 26), -E2BIG);
	CU_ASSERT_EQUAL(find(text, 26, 27), -EAGAIN);
	CU_ASSERT_EQUAL(find(text, 26, 26), -E2BIG);
	CU_ASSERT_EQUAL(find(text, 0, 0), -E2BIG);
}

/* Bytes arrive in pieces of every small size; `scanned` carries over. */
static void
bytes_arrive_slowly(void)
{
	static const char text[] = "POST /api/v1/namespaces/shop/pods HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: 3\r\n\r\nabc";
	const int want = (int)sizeof(text) - 1 - 3;

	for (uint32_t step = 1; step < 20; step++) {
		struct ks_chain chain;
		uint32_t scanned = 0, at = 0;
		int rc = -EAGAIN;

		chain_at(&chain, 2000, "", 0);
		for (; at < sizeof(text) - 1 && rc == -EAGAIN; at += step) {
			uint32_t n = KS_MIN(step, (uint32_t)sizeof(text) - 1 - at);

			CU_ASSERT_EQUAL_FATAL(ks_chain_append(&chain, text + at, n), 0);
			rc = ks_http1_head_find(&chain, &scanned, 4096);
			CU_ASSERT(rc > 0 || scanned == chain.len);
		}
		CU_ASSERT_EQUAL(rc, want);
		ks_chain_clear(&chain);
	}
}

/* What was scanned is not looked at again: changing it changes nothing. */
static void
no_byte_is_looked_at_twice(void)
{
	struct ks_chain chain;
	uint32_t scanned = 0;

	chain_at(&chain, 0, "GET / HTTP/1.1\r\nHost: a\r\n", 25);
	CU_ASSERT_EQUAL(ks_http1_head_find(&chain, &scanned, 4096), -EAGAIN);
	memcpy(chain.head->data, "\r\n\r\n\r\n\r\n", 8);
	CU_ASSERT_EQUAL(ks_chain_append(&chain, "\r\n", 2), 0);
	CU_ASSERT_EQUAL(ks_http1_head_find(&chain, &scanned, 4096), 27);
	ks_chain_clear(&chain);
}

static const struct ks_test tests[] = {
	KS_TEST(empty_line_ends_a_head),
	KS_TEST(one_leading_line_counts),
	KS_TEST(bare_line_feeds_are_found_to_be_refused),
	KS_TEST(the_limit_is_exact),
	KS_TEST(bytes_arrive_slowly),
	KS_TEST(no_byte_is_looked_at_twice),
};

int
main(void)
{
	struct ks_pool_stats stats;
	int rc;

	pool = ks_chunk_pool_create("test", 16);
	if (pool == NULL)
		return 2;
	rc = ks_test_run("http: end of a head", tests, KS_ARRAY_SIZE(tests));
	ks_pool_stats_get(pool, &stats);
	ks_pool_destroy(pool);
	return rc != 0 || stats.used != 0;
}
