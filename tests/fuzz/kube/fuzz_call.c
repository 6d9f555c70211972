/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to calls. Input: a method, a space, a target. What is taken has one meaning: its path
 * holds no segment that anybody would clean away, and what was derived stands in the order of the
 * path.
 */
#include <stdlib.h>

#include "ks_kube.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void
check_path(struct ks_str path)
{
	for (uint32_t i = 0; i < path.n; i++) {
		uint8_t c = (uint8_t)path.p[i];
		const char *rest = path.p + i;
		uint32_t left = path.n - i;

		MUST(c >= 0x20 && c != 0x7f);
		if (c != '/' || left < 2)
			continue;
		MUST(rest[1] != '/');
		MUST(!(left >= 2 && rest[1] == '.' && (left == 2 || rest[2] == '/')));
		MUST(!(left >= 3 && rest[1] == '.' && rest[2] == '.' &&
		       (left == 3 || rest[3] == '/')));
	}
}

static void
check_slice(struct ks_str s, const char *base, size_t n)
{
	MUST(s.n == 0 || (s.p >= base && s.p + s.n <= base + n));
	MUST(s.n == 0 || memchr(s.p, '/', s.n) == NULL);
}

static void
check_call(const struct ks_kube_call *call, const char *scratch, size_t n)
{
	check_slice(call->group, scratch, n);
	check_slice(call->version, scratch, n);
	check_slice(call->resource, scratch, n);
	check_slice(call->subresource, scratch, n);
	check_slice(call->ns, scratch, n);
	check_slice(call->name, scratch, n);
	MUST(call->resource_request == (call->resource.n > 0));
	MUST(call->resource_request || call->verb == KS_KUBE_HTTP);
	MUST(!call->upgrade_allowed || (call->name.n > 0 && call->subresource.n > 0));
	MUST(call->verb != KS_KUBE_WATCH || call->long_running);
	MUST((unsigned int)call->verb < KS_KUBE_VERB_MAX);
}

static void
check_words(const struct ks_kube_call *call)
{
	char key[KS_KUBE_CALL_KEY_BYTES], *text = malloc(64);
	uint32_t n = ks_kube_call_key(call, key);

	MUST(n < sizeof(key) && key[n] == '\0');
	n = ks_kube_call_text(call, text, 64);
	MUST(n < 64 && text[n] == '\0');
	free(text);
}

static void
check_query(struct ks_str query)
{
	struct ks_str name, value;
	uint32_t pos = 0, before = 0;

	while (ks_kube_query_next(query, &pos, &name, &value)) {
		MUST(pos > before && pos <= query.n);
		MUST(name.p >= query.p && value.p + value.n <= query.p + query.n);
		before = pos;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *space = size > 0 ? memchr(data, ' ', size) : NULL;
	size_t method_len = space == NULL ? 0 : (size_t)(space - data);
	size_t len = space == NULL ? size : size - method_len - 1;
	char *target = malloc(len + (len == 0)), *scratch = malloc(len + (len == 0));
	struct ks_kube_call call;

	MUST(target != NULL && scratch != NULL);
	if (len > 0)
		memcpy(target, data + size - len, len);
	struct ks_str method = {(const char *)data, (uint32_t)method_len};
	int rc = ks_kube_call_parse(method, (struct ks_str){target, (uint32_t)len}, scratch, len,
				    &call);

	if (rc == 0) {
		check_path(call.path);
		check_call(&call, scratch, len);
		check_words(&call);
		check_query(call.query);
	}
	free(target);
	free(scratch);
	return 0;
}
