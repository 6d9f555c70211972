/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens to principals. Input: two bytes that choose the way, then either the claims of a token,
 * which are encoded first so that mutations reach the reader of claims, or a token as it stands, or
 * field lines.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ks_codec.h"
#include "ks_kube.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

#define INPUT_MAX 20000u
#define LINE "GET / HTTP/1.1\r\nHost: a\r\n"
#define BEARER "Authorization: Bearer "

static size_t
add(char *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return n;
}

/* @return bytes of the head */
static size_t
request_make(char *to, const uint8_t *data, size_t size, unsigned int way)
{
	size_t n = add(to, LINE, sizeof(LINE) - 1);

	if (way % 4 == 3) {
		n += add(to + n, data, size);
	} else {
		n += add(to + n, BEARER, sizeof(BEARER) - 1);
		if (way % 4 == 2) {
			n += add(to + n, data, size);
		} else {
			n += add(to + n, "eyJhbGciOiJSUzI1NiJ9.", 21);
			n += (size_t)ks_base64url_encode(data, size, to + n, INPUT_MAX * 2);
			n += add(to + n, ".c2ln", 5);
		}
		n += add(to + n, "\r\n", 2);
	}
	return n + add(to + n, "\r\n", 2);
}

static void
check_text(const char *text, size_t cap)
{
	size_t n = strnlen(text, cap);

	MUST(n < cap);
	for (size_t i = 0; i < n; i++)
		MUST((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
}

static void
check_principal(const struct ks_principal *who)
{
	check_text(who->name, sizeof(who->name));
	check_text(who->pod, sizeof(who->pod));
	check_text(who->pod_uid, sizeof(who->pod_uid));
	check_text(who->node, sizeof(who->node));
	check_text(who->effective, sizeof(who->effective));
	MUST(who->name[0] != '\0' && !who->proven && who->groups[0] == '\0');
	MUST(who->has_token == (who->kind != KS_PRINCIPAL_ANONYMOUS));
	if (who->kind == KS_PRINCIPAL_SERVICE_ACCOUNT)
		MUST(strncmp(who->name, "system:serviceaccount:", 22) == 0);
	else
		MUST(who->pod[0] == '\0' && who->node[0] == '\0');
	if (who->kind == KS_PRINCIPAL_OPAQUE)
		MUST(strlen(who->name) == 38 && who->token_exp_s == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ks_http_limits limits = {3 * INPUT_MAX, 4096, KS_HTTP_FIELDS_MAX};
	static struct ks_identity_config config = {.token_key = {{1}}};
	static struct ks_principal_cache *cache;
	static struct ks_http_head head;
	static struct ks_principal who, cached;
	struct ks_http_error err;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	if (cache == NULL)
		cache = ks_principal_cache_create(&config, 4);
	MUST(cache != NULL);
	char *bytes = malloc(3 * INPUT_MAX);
	size_t n = request_make(bytes, data + 2, size - 2, data[0]);

	bytes = realloc(bytes, n);
	config.service_account_issuer = data[1] & 1 ? "https://issuer" : NULL;
	if (ks_http1_request_parse(bytes, (uint32_t)n, &limits, &head, &err) == 0) {
		int rc = ks_principal_read(&config, NULL, &head, 1, &who);

		check_principal(&who);
		if (config.service_account_issuer == NULL) {
			MUST(ks_principal_cache_read(cache, NULL, &head, 1, &cached) == rc);
			MUST(memcmp(&who, &cached, sizeof(who)) == 0);
		}
	}
	free(bytes);
	return 0;
}
