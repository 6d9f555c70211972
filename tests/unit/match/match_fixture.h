/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A matcher with its rules and one request, put together part by part. The request is a Kubernetes
 * call on ConfigMaps unless a test says otherwise.
 */
#ifndef MATCH_FIXTURE_H
#define MATCH_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ks_match.h"
#include "ks_test.h"

#define FIXTURE_SEED 4711
#define FIXTURE_HEAD_BYTES 65536
#define FIXTURE_FIELD_BYTES 65536

struct fixture {
	struct ks_match_db *db;
	struct ks_matcher *matcher;
	struct ks_exchange *ex;
	char *head;
	uint32_t head_bytes;
	char *fields;
	size_t field_bytes;
};

static inline void
fixture_request(struct fixture *f)
{
	struct ks_kube_call *call = &f->ex->call;

	memset(f->ex, 0, sizeof(*f->ex));
	f->head_bytes = 0;
	f->ex->head.base = f->head;
	f->ex->block = f->head;
	ks_field_list_init(&f->ex->fields, f->fields, f->field_bytes);
	*call = (struct ks_kube_call){
		.verb = KS_KUBE_CREATE,
		.resource_request = true,
		.method = KS_STR("POST"),
		.path = KS_STR("/api/v1/namespaces/demo/configmaps"),
		.query = KS_STR(""),
		.version = KS_STR("v1"),
		.group = KS_STR(""),
		.resource = KS_STR("configmaps"),
		.subresource = KS_STR(""),
		.ns = KS_STR("demo"),
		.name = KS_STR(""),
	};
}

static inline void
fixture_init(struct fixture *f, const struct ks_match_rule *rules, uint32_t n,
	     const struct ks_match_limits *limits)
{
	char error[KS_MATCH_ERROR_BYTES];

	memset(f, 0, sizeof(*f));
	f->db = ks_match_db_create(rules, n, limits, FIXTURE_SEED, error);
	if (f->db == NULL)
		printf("%s\n", error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->db);
	f->matcher = ks_matcher_create(f->db);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->matcher);
	f->ex = malloc(sizeof(*f->ex));
	f->head = malloc(FIXTURE_HEAD_BYTES);
	f->field_bytes = FIXTURE_FIELD_BYTES;
	f->fields = aligned_alloc(64, f->field_bytes);
	fixture_request(f);
}

static inline void
fixture_fini(struct fixture *f)
{
	ks_matcher_destroy(f->matcher);
	ks_match_db_destroy(f->db);
	free(f->ex);
	free(f->head);
	free(f->fields);
}

static inline uint16_t
fixture_field_id(const char *name)
{
#define FIELD_ROW(ID, text) {KS_HTTP_##ID, text},
	static const struct {
		uint16_t id;
		const char *name;
	} names[] = {KS_HTTP_FIELD_NAMES(FIELD_ROW)};
#undef FIELD_ROW

	for (size_t i = 0; i < KS_ARRAY_SIZE(names); i++)
		if (strcasecmp(names[i].name, name) == 0)
			return names[i].id;
	return KS_HTTP_OTHER;
}

static inline void
fixture_header_n(struct fixture *f, const char *name, struct ks_str value)
{
	struct ks_http_field *field = &f->ex->head.fields[f->ex->head.nfields++];
	uint32_t n = (uint32_t)strlen(name);

	*field = (struct ks_http_field){
		.name_off = f->head_bytes,
		.name_len = (uint16_t)n,
		.value_off = f->head_bytes + n,
		.value_len = value.n,
		.id = fixture_field_id(name),
	};
	memcpy(f->head + f->head_bytes, name, n);
	memcpy(f->head + f->head_bytes + n, value.p, value.n);
	f->head_bytes += n + value.n;
}

static inline struct ks_str
fixture_str(const char *text)
{
	return (struct ks_str){text, (uint32_t)strlen(text)};
}

static inline void
fixture_header(struct fixture *f, const char *name, const char *value)
{
	fixture_header_n(f, name, fixture_str(value));
}

static inline void
fixture_query(struct fixture *f, const char *query)
{
	f->ex->call.query = fixture_str(query);
}

/* The body must stay while the request does. */
static inline void
fixture_body_n(struct fixture *f, const char *type, const void *body, size_t n)
{
	if (type != NULL)
		fixture_header(f, "Content-Type", type);
	f->ex->body = (uint8_t *)(uintptr_t)body;
	f->ex->body_bytes = (uint32_t)n;
}

static inline void
fixture_body(struct fixture *f, const char *type, const char *body)
{
	fixture_body_n(f, type, body, strlen(body));
}

static inline void
fixture_json(struct fixture *f, const char *body)
{
	fixture_body(f, "application/json", body);
}

static inline void
fixture_run(struct fixture *f)
{
	ks_match_exchange(f->matcher, f->ex);
}

/* A request with this body and nothing else, judged. */
static inline void
fixture_run_json(struct fixture *f, const char *body)
{
	fixture_request(f);
	fixture_json(f, body);
	fixture_run(f);
}

static inline const struct ks_finding *
fixture_finding(const struct fixture *f, enum ks_finding_code code)
{
	for (uint8_t i = 0; i < f->ex->nfindings; i++)
		if (f->ex->findings[i].code == code)
			return &f->ex->findings[i];
	return NULL;
}

/* The finding of this rule, or NULL. */
static inline const struct ks_finding *
fixture_hit(const struct fixture *f, const char *id)
{
	char mark[KS_FINDING_TEXT_BYTES];

	snprintf(mark, sizeof(mark), "(%s)", id);
	for (uint8_t i = 0; i < f->ex->nfindings; i++)
		if (f->ex->findings[i].code == KS_FINDING_SIGNATURE &&
		    strstr(f->ex->findings[i].expected, mark) != NULL)
			return &f->ex->findings[i];
	return NULL;
}

static inline const struct ks_field *
fixture_field(const struct fixture *f, enum ks_place place, const char *path)
{
	const struct ks_field_list *list = &f->ex->fields;

	for (uint16_t i = 0; i < list->n; i++)
		if (list->v[i].place == place && ks_str_is(ks_field_path(list, &list->v[i]), path))
			return &list->v[i];
	return NULL;
}

static inline bool
fixture_uninspected(const struct fixture *f, const char *words)
{
	for (uint8_t i = 0; i < f->ex->nfindings; i++)
		if (f->ex->findings[i].code == KS_FINDING_UNINSPECTED &&
		    strstr(f->ex->findings[i].observed, words) != NULL)
			return true;
	return false;
}

#endif
