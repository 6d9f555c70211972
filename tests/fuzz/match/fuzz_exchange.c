/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole request through the matcher: target, a header, a content type and a body out of the input, parted
 * by NUL bytes. Besides not crashing, a judgement must be the same the second time, when values are known,
 * and must keep what it promises of fields and findings.
 */
#include <stdlib.h>

#include "../../unit/match/match_rules.h"

#define FIELD_BYTES 16384u
#define HEAD_BYTES 65536u

static struct {
	struct ks_match_db *db;
	struct ks_matcher *matcher;
	struct ks_exchange *ex;
	char *fields;
	char *head;
	char *scratch;
} fuzz;

static void
setup(void)
{
	const char *dir = getenv("KS_RULES_DIR");
	struct match_rules *rules = match_rules_read(dir != NULL ? dir : KS_RULES_DIR);
	char error[KS_MATCH_ERROR_BYTES];

	/* A tenth of the rules: what matters here is the way of the values, and start-up time. */
	for (uint32_t i = 0; i * 10 < rules->n; i++)
		rules->v[i] = rules->v[i * 10];
	fuzz.db = ks_match_db_create(rules->v, rules->n / 10, NULL, 1, error);
	fuzz.matcher = fuzz.db != NULL ? ks_matcher_create(fuzz.db) : NULL;
	fuzz.ex = malloc(sizeof(*fuzz.ex));
	fuzz.fields = aligned_alloc(64, FIELD_BYTES);
	fuzz.head = malloc(HEAD_BYTES);
	fuzz.scratch = malloc(HEAD_BYTES);
	if (fuzz.matcher == NULL || fuzz.ex == NULL || fuzz.fields == NULL || fuzz.head == NULL)
		abort();
	match_rules_free(rules);
}

/* The bytes up to the next NUL. */
static struct ks_str
part(const uint8_t **p, const uint8_t *end)
{
	const uint8_t *nul = memchr(*p, 0, (size_t)(end - *p));
	struct ks_str out = {(const char *)*p, (uint32_t)((nul != NULL ? nul : end) - *p)};

	*p = nul != NULL ? nul + 1 : end;
	out.n = KS_MIN(out.n, HEAD_BYTES / 4);
	return out;
}

static void
header(uint32_t *used, uint16_t id, struct ks_str name, struct ks_str value)
{
	struct ks_http_head *head = &fuzz.ex->head;

	head->fields[head->nfields++] = (struct ks_http_field){
		.name_off = *used,
		.name_len = (uint16_t)name.n,
		.value_off = *used + name.n + 2,
		.value_len = value.n,
		.id = id,
	};
	memcpy(fuzz.head + *used, name.p, name.n);
	memcpy(fuzz.head + *used + name.n, ": ", 2);
	memcpy(fuzz.head + *used + name.n + 2, value.p, value.n);
	*used += name.n + 2 + value.n;
}

static void
request(const uint8_t *data, size_t size)
{
	static const uint16_t ids[] = {KS_HTTP_OTHER, KS_HTTP_USER_AGENT, KS_HTTP_AUTHORIZATION,
				       KS_HTTP_SEC_WEBSOCKET_PROTOCOL};
	const uint8_t *p = data + 1, *end = data + size;
	struct ks_str target = part(&p, end), any = part(&p, end), cookie = part(&p, end);
	struct ks_str type = part(&p, end);
	struct ks_exchange *ex = fuzz.ex;
	uint32_t used = 0;

	memset(ex, 0, sizeof(*ex));
	ex->head.base = fuzz.head;
	header(&used, ids[data[0] & 3], KS_STR("X-Any"), any);
	header(&used, KS_HTTP_COOKIE, KS_STR("Cookie"), cookie);
	if (type.n > 0)
		header(&used, KS_HTTP_CONTENT_TYPE, KS_STR("Content-Type"), type);
	if (ks_kube_call_parse(KS_STR("POST"), target, fuzz.scratch, HEAD_BYTES, &ex->call) != 0) {
		const char *mark = memchr(target.p, '?', target.n);
		uint32_t n = mark != NULL ? (uint32_t)(mark - target.p) : target.n;

		ex->call = (struct ks_kube_call){.resource_request = (data[0] & 4) != 0};
		ex->call.path = (struct ks_str){target.p, n};
		if (mark != NULL)
			ex->call.query = (struct ks_str){mark + 1, target.n - n - 1};
	}
	ex->body = p < end ? (uint8_t *)(uintptr_t)p : NULL;
	ex->body_bytes = (uint32_t)(end - p);
	ks_field_list_init(&ex->fields, fuzz.fields,
			   data[0] & 8 ? FIELD_BYTES : 8 * sizeof(struct ks_field));
}

static void
check(bool good)
{
	if (!good)
		abort();
}

static void
check_fields(const struct ks_field_list *list)
{
	check(list->n <= list->cap && list->text_bytes <= list->text_cap);
	for (uint16_t i = 0; i < list->n; i++) {
		const struct ks_field *field = &list->v[i];

		check(field->path_off + field->path_len <= list->text_bytes);
		check(field->value_off + field->value_len <= list->text_bytes);
		check(field->count > 0 && field->type_mask != 0);
		check(field->type_mask >> KS_VALUE_TYPE_MAX == 0);
	}
}

static void
check_findings(const struct ks_exchange *ex)
{
	for (uint8_t i = 0; i < ex->nfindings; i++) {
		const struct ks_finding *finding = &ex->findings[i];

		check(memchr(finding->where, 0, sizeof(finding->where)) != NULL);
		check(memchr(finding->observed, 0, sizeof(finding->observed)) != NULL);
		check(memchr(finding->expected, 0, sizeof(finding->expected)) != NULL);
		check(finding->db > 0);
	}
	check(!ex->fields.overflow || ks_exchange_has(ex, KS_FINDING_UNINSPECTED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t fields;
	uint8_t findings;
	int score;

	if (size < 2)
		return 0;
	if (fuzz.matcher == NULL)
		setup();
	request(data, size);
	ks_match_exchange(fuzz.matcher, fuzz.ex);
	check_fields(&fuzz.ex->fields);
	check_findings(fuzz.ex);
	fields = fuzz.ex->fields.n;
	findings = fuzz.ex->nfindings;
	score = ks_exchange_score_db(fuzz.ex);
	request(data, size);
	ks_match_exchange(fuzz.matcher, fuzz.ex);
	check(fuzz.ex->fields.n == fields && fuzz.ex->nfindings == findings &&
	      ks_exchange_score_db(fuzz.ex) == score);
	return 0;
}
