/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a JSON document. Beyond not crashing: begins and ends pair up, depths follow, texts
 * lie inside the document in order, an accepted string survives unescape and escape.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 100

struct state {
	struct ks_str doc;
	uint32_t depth;
	const char *at;
	bool open[DEPTH];
	uint8_t *plain;
	char *again;
};

static void
demand(bool ok)
{
	if (!ok)
		abort();
}

static int
nothing(void *arg, const struct ks_json_item *item)
{
	return 0;
}

static void
check_text(struct state *s, const struct ks_json_item *item)
{
	int n = ks_json_unescape(item->text, s->plain, item->text.n);
	size_t m;

	demand(n >= 0 && (uint32_t)n <= item->text.n);
	demand(item->escaped == (memchr(item->text.p, '\\', item->text.n) != NULL));
	s->again[0] = '"';
	m = ks_json_escape((struct ks_str){(char *)s->plain, (uint32_t)n}, s->again + 1,
			   6 * (size_t)n);
	s->again[m + 1] = '"';

	struct ks_str doc = {s->again, (uint32_t)m + 2};

	demand(ks_json_visit(doc, 0, nothing, NULL, NULL) == 0);
	demand(ks_json_unescape((struct ks_str){s->again + 1, (uint32_t)m}, s->plain, (size_t)n) ==
	       n);
}

static int
see(void *arg, const struct ks_json_item *item)
{
	struct state *s = arg;
	bool object = item->event == KS_JSON_OBJECT_BEGIN;

	demand(item->text.p >= s->at && item->text.p + item->text.n <= s->doc.p + s->doc.n);
	s->at = item->text.p + item->text.n;
	switch (item->event) {
	case KS_JSON_OBJECT_BEGIN:
	case KS_JSON_ARRAY_BEGIN:
		demand(item->depth == s->depth && s->depth < DEPTH);
		s->open[s->depth++] = object;
		break;
	case KS_JSON_OBJECT_END:
	case KS_JSON_ARRAY_END:
		demand(s->depth > 0 && item->depth == --s->depth);
		demand(s->open[s->depth] == (item->event == KS_JSON_OBJECT_END));
		break;
	case KS_JSON_KEY:
	case KS_JSON_STRING:
		demand(item->depth == s->depth);
		check_text(s, item);
		break;
	default:
		demand(item->depth == s->depth && item->text.n > 0);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state s = {.doc = {(const char *)data, (uint32_t)size}, .at = (const char *)data};
	uint32_t off = 0;
	int rc;

	s.plain = malloc(size + 1);
	s.again = malloc(6 * size + 2);
	demand(s.plain != NULL && s.again != NULL);
	rc = ks_json_visit(s.doc, DEPTH, see, &s, &off);
	demand(rc == 0 || rc == -EBADMSG || rc == -E2BIG);
	demand(rc == 0 ? s.depth == 0 : off <= size);
	free(s.plain);
	free(s.again);
	return 0;
}
