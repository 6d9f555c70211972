/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response heads: search, parse, write anew, parse again.
 */
#include "fuzz_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_read(const struct ks_http_head *head)
{
	static char bytes[4 * FUZZ_HEAD_MAX];
	static struct ks_http_head again;
	struct ks_http_limits wide = {sizeof(bytes), 4096, KS_HTTP_FIELDS_MAX};
	struct ks_http_error err;
	struct ks_http1_writer w;
	struct ks_chain out;
	uint32_t n;

	ks_chain_init(&out, fuzz_pool());
	ks_http1_write_status(&w, &out, head->status);
	ks_http1_write_fields(&w, head);
	MUST(ks_http1_write_end(&w) == 0);
	n = ks_chain_peek(&out, 0, bytes, sizeof(bytes));
	MUST(n == out.len);
	ks_chain_clear(&out);
	MUST(ks_http1_response_parse(bytes, n, &wide, false, &again, &err) == 0);
	MUST(again.status == head->status);
	check_forwarded(head, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ks_http_head head;
	struct ks_http_error err = {NULL, 0, 0};
	bool to_head = size > 0 && (data[size - 1] & 1) != 0;
	uint32_t len = (uint32_t)KS_MIN(size, (size_t)2 * FUZZ_HEAD_MAX);
	int found = find_in_pieces(data, len), rc;
	char *copy;

	if (found > 0)
		len = (uint32_t)found;
	copy = exact_copy(data, len);
	rc = ks_http1_response_parse(copy, len, &fuzz_limits, to_head, &head, &err);
	if (rc == 0) {
		MUST(found > 0 && head.status >= 100 && head.status <= 599);
		MUST(head.framing != KS_HTTP_BODY_UNTIL_CLOSE || !head.keep_alive);
		MUST(!to_head || head.framing == KS_HTTP_BODY_NONE);
		check_fields(&head);
		write_and_read(&head);
	} else {
		MUST((rc == -EBADMSG || rc == -E2BIG) && err.text != NULL && err.status == 502);
	}
	free(copy);
	return 0;
}
