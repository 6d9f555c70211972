/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies: any cut of the bytes gives the same payload, the same end and the same error as no cut.
 * Input: one byte for the framing, one for the pieces, then the body.
 */
#include "fuzz_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 65536u

struct reading {
	char payload[BODY_MAX];
	uint32_t len;
	uint32_t used;
	int rc;
	bool done;
};

static void
feed(struct ks_http1_body *body, const uint8_t *bytes, uint32_t len, struct reading *r)
{
	char *copy = exact_copy(bytes, len);
	uint32_t at = 0;

	while (!body->done) {
		struct ks_str out;

		r->rc = ks_http1_body_read(body, copy + at, len - at, &out);
		if (r->rc <= 0)
			break;
		MUST((uint32_t)r->rc <= len - at && out.n <= (uint32_t)r->rc);
		if (out.n > 0) {
			MUST(out.p >= copy + at && out.p + out.n <= copy + at + r->rc);
			memcpy(r->payload + r->len, out.p, out.n);
			r->len += out.n;
		}
		at += (uint32_t)r->rc;
	}
	r->used += at;
	r->done = body->done;
	free(copy);
}

static void
read_pieces(const struct ks_http_head *head, const uint8_t *bytes, uint32_t len, uint32_t seed,
	    struct reading *r)
{
	struct ks_http1_body body;
	uint32_t at = 0;

	r->len = r->used = 0;
	r->rc = 0;
	r->done = false;
	ks_http1_body_init(&body, head);
	do {
		uint32_t n = seed == 0 ? len : seed % 23 + 1;

		n = KS_MIN(n, len - at);
		seed = seed == 0 ? 0 : seed * 1103515245u + 12345u;
		feed(&body, bytes + at, n, r);
		at += n;
	} while (at < len && r->rc >= 0 && !r->done);
	MUST(body.total == r->len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading whole, pieces;
	struct ks_http_head head = {.framing = KS_HTTP_BODY_CHUNKED};

	if (size < 2)
		return 0;
	if (data[0] & 1) {
		head.framing = KS_HTTP_BODY_LENGTH;
		head.content_length = (uint64_t)data[0] * 3;
	}
	uint32_t len = (uint32_t)KS_MIN(size - 2, (size_t)BODY_MAX);

	read_pieces(&head, data + 2, len, 0, &whole);
	read_pieces(&head, data + 2, len, 1u + data[1], &pieces);
	MUST(whole.done == pieces.done && whole.len == pieces.len);
	MUST(memcmp(whole.payload, pieces.payload, whole.len) == 0);
	MUST((whole.rc < 0 ? whole.rc : 0) == (pieces.rc < 0 ? pieces.rc : 0));
	if (whole.rc >= 0)
		MUST(whole.used == pieces.used);
	return 0;
}
