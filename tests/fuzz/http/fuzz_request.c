/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request heads: search, parse, write anew, parse again. What was taken once must be taken again
 * with the same meaning.
 */
#include "fuzz_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_request(const struct ks_http_head *head)
{
	struct ks_str target = ks_http_target(head);

	MUST(inside(head, target) && inside(head, ks_http_method(head)));
	MUST(target.n > 0 && (target.p[0] == '/' || ks_str_is(target, "*")));
	for (uint32_t i = 0; i < target.n; i++)
		MUST(target.p[i] > 0x20 && target.p[i] < 0x7f && target.p[i] != '#');
	MUST(head->framing != KS_HTTP_BODY_UNTIL_CLOSE);
	check_fields(head);
}

static void
write_and_read(const struct ks_http_head *head)
{
	static char bytes[4 * FUZZ_HEAD_MAX];
	static struct ks_http_head again;
	struct ks_http_error err;
	struct ks_http1_writer w;
	struct ks_chain out;
	uint32_t n;

	ks_chain_init(&out, fuzz_pool());
	ks_http1_write_request(&w, &out, ks_http_method(head), ks_http_target(head));
	ks_http1_write_fields(&w, head);
	if (ks_http_find(head, KS_HTTP_HOST).p == NULL)
		ks_http1_write_field(&w, KS_STR("Host"), KS_STR("a"));
	MUST(ks_http1_write_end(&w) == 0);
	n = ks_chain_peek(&out, 0, bytes, sizeof(bytes));
	MUST(n == out.len);
	ks_chain_clear(&out);
	struct ks_http_limits wide = {sizeof(bytes), 4096, KS_HTTP_FIELDS_MAX};

	/* one Host more than the limit of fields is the one thing that may be wrong */
	if (ks_http1_request_parse(bytes, n, &wide, &again, &err) < 0) {
		MUST(head->nfields == KS_HTTP_FIELDS_MAX && err.status == 431);
		return;
	}
	MUST(ks_str_eq(ks_http_method(head), ks_http_method(&again)));
	MUST(ks_str_eq(ks_http_target(head), ks_http_target(&again)));
	MUST(again.framing == KS_HTTP_BODY_NONE && again.keep_alive);
	check_forwarded(head, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ks_http_head head;
	struct ks_http_error err = {NULL, 0, 0};
	uint32_t len = (uint32_t)KS_MIN(size, (size_t)2 * FUZZ_HEAD_MAX);
	int found = find_in_pieces(data, len), rc;
	char *copy;

	if (found > 0)
		len = (uint32_t)found;
	copy = exact_copy(data, len);
	rc = ks_http1_request_parse(copy, len, &fuzz_limits, &head, &err);
	if (rc == 0) {
		MUST(found > 0);
		check_request(&head);
		write_and_read(&head);
	} else {
		MUST((rc == -EBADMSG || rc == -E2BIG) && err.text != NULL && err.offset <= len);
		MUST(err.status >= 400 && err.status <= 505);
	}
	free(copy);
	return 0;
}
