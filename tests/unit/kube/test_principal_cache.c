/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of principals gives what reading gives, whatever it has forgotten.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_codec.h"
#include "ks_kube.h"
#include "ks_test.h"

static const struct ks_identity_config config = {.token_key = {{7}}};

/* Token number `n`: opaque, bootstrap and service-account tokens in turn. */
static void
token_make(uint32_t n, char out[256])
{
	char claims[128];
	int len;

	if (n % 3 == 0) {
		sprintf(out, "opaque-%u", n);
	} else if (n % 3 == 1) {
		sprintf(out, "%06u.0123456789abcdef", n % 1000000);
	} else {
		sprintf(claims, "{\"sub\":\"system:serviceaccount:ns-%u:a\",\"exp\":%u}", n, n);
		strcpy(out, "eyJhbGciOiJSUzI1NiJ9.");
		len = ks_base64url_encode(claims, strlen(claims), out + 21, 200);
		strcpy(out + 21 + len, ".c2ln");
	}
}

static void
request(const char *token, struct ks_http_head *head, char *bytes)
{
	static const struct ks_http_limits limits = {8192, 4096, KS_HTTP_FIELDS_MAX};
	struct ks_http_error err;
	int n = sprintf(bytes,
			"GET / HTTP/1.1\r\nHost: a\r\nImpersonate-User: eff\r\n"
			"Authorization: Bearer %s\r\n\r\n",
			token);

	CU_ASSERT_EQUAL_FATAL(ks_http1_request_parse(bytes, (uint32_t)n, &limits, head, &err), 0);
}

static void
same_as_reading(void)
{
	static struct ks_principal cached, read;
	static struct ks_http_head head;
	struct ks_principal_cache *cache = ks_principal_cache_create(&config, 8);
	uint64_t random = 1;

	CU_ASSERT_PTR_NOT_NULL_FATAL(cache);
	for (uint32_t i = 0; i < 3000; i++) {
		char token[256], bytes[1024];

		random = random * 6364136223846793005u + 1442695040888963407u;
		token_make((uint32_t)(random >> 33) % 40, token);
		request(token, &head, bytes);
		CU_ASSERT_EQUAL(ks_principal_cache_read(cache, NULL, &head, 1, &cached), 0);
		CU_ASSERT_EQUAL(ks_principal_read(&config, NULL, &head, 1, &read), 0);
		CU_ASSERT(memcmp(&cached, &read, sizeof(read)) == 0);
		CU_ASSERT_STRING_EQUAL(cached.effective, "eff");
	}
	ks_principal_cache_destroy(cache);
}

static void
long_tokens_are_not_kept(void)
{
	static struct ks_principal cached, read;
	static struct ks_http_head head;
	struct ks_principal_cache *cache = ks_principal_cache_create(&config, 1);
	char *token = calloc(1, 4096), *bytes = malloc(8192);

	for (uint32_t len = 2040; len < 2060; len++) {
		memset(token, 'x', len);
		request(token, &head, bytes);
		for (int again = 0; again < 2; again++) {
			CU_ASSERT_EQUAL(ks_principal_cache_read(cache, NULL, &head, 1, &cached), 0);
			CU_ASSERT_EQUAL(ks_principal_read(&config, NULL, &head, 1, &read), 0);
			CU_ASSERT(memcmp(&cached, &read, sizeof(read)) == 0);
		}
	}
	ks_principal_cache_destroy(cache);
	free(token);
	free(bytes);
}

static void
what_is_no_token_passes_by(void)
{
	static const struct ks_http_limits limits = {8192, 4096, KS_HTTP_FIELDS_MAX};
	static const char two[] = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n"
				  "Authorization: Bearer y\r\n\r\n";
	struct ks_principal_cache *cache = ks_principal_cache_create(&config, 2);
	struct ks_tls_peer peer = {.verdict = KS_TLS_PEER_VERIFIED, .cn = "ann", .not_after_s = 5};
	static struct ks_http_head head;
	struct ks_principal who;
	struct ks_http_error err;
	char bytes[256];

	CU_ASSERT_EQUAL(ks_http1_request_parse(two, sizeof(two) - 1, &limits, &head, &err), 0);
	CU_ASSERT_EQUAL(ks_principal_cache_read(cache, NULL, &head, 1, &who), -EBADMSG);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_ANONYMOUS);
	request("x", &head, bytes);
	CU_ASSERT_EQUAL(ks_principal_cache_read(cache, &peer, &head, 1, &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_CERT);
	CU_ASSERT_EQUAL(ks_principal_cache_read(cache, &peer, &head, 6, &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
	ks_principal_cache_destroy(cache);
	ks_principal_cache_destroy(NULL);
}

static const struct ks_test tests[] = {
	KS_TEST(same_as_reading),
	KS_TEST(long_tokens_are_not_kept),
	KS_TEST(what_is_no_token_passes_by),
};

KS_TEST_MAIN("kube: cache of principals", tests)
