/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for the tests of score: an exchange of its parts, with the field list that MATCH would
 * have made of query and headers, and a small town of callers whose traffic can be learned.
 */
#ifndef SCORE_FIXTURE_H
#define SCORE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "ks_hash.h"
#include "ks_score.h"

#define FIXTURE_SEED 0x5eedu

struct fixture_spec {
	const char *method, *target;
	const char *user;   /**< NULL: anonymous */
	const char *agent;  /**< NULL: none */
	const char *source; /**< NULL: 10.0.0.1 */
	const char *type;   /**< content type; NULL: none */
	const char *as;	    /**< impersonated; NULL: nobody */
	const char *token;  /**< claimed, not proven; NULL: proven */
	uint32_t body_bytes;
	uint64_t now_ms;
};

struct fixture {
	struct ks_exchange ex;
	char head[8192];
	char scratch[4096];
	uint8_t fields[65536];
	uint32_t head_bytes;
};

static inline struct ks_str
fixture_str(const char *text)
{
	return (struct ks_str){text, (uint32_t)strlen(text)};
}

static inline uint32_t
fixture_put(struct fixture *f, const char *text)
{
	uint32_t at = f->head_bytes;
	size_t n = strlen(text);

	memcpy(f->head + at, text, n);
	f->head_bytes += (uint32_t)n;
	return at;
}

/** One value as MATCH would fold it; `type` is a mask. */
static inline struct ks_field *
fixture_field(struct fixture *f, enum ks_place place, const char *path, const char *value,
	      uint32_t type)
{
	struct ks_field_list *list = &f->ex.fields;
	struct ks_field *field = &list->v[list->n++];
	uint32_t n = (uint32_t)strlen(value);

	*field = (struct ks_field){
		.hash = ks_hash64(FIXTURE_SEED + place + 1, path, strlen(path)),
		.value_hash = n > 0 && n <= 64 ? ks_hash64(FIXTURE_SEED, value, n) : 0,
		.path_off = list->text_bytes,
		.path_len = (uint16_t)strlen(path),
		.value_off = list->text_bytes + (uint32_t)strlen(path),
		.value_len = n <= 64 ? (uint16_t)n : 0,
		.count = 1,
		.len_max = n,
		.type_mask = type,
		.char_mask = KS_CHAR_LOWER,
		.place = place,
	};
	memcpy(list->text + field->path_off, path, field->path_len);
	memcpy(list->text + field->value_off, value, field->value_len);
	list->text_bytes += field->path_len + field->value_len;
	if (place == KS_PLACE_BODY)
		f->ex.body_fields++;
	return field;
}

static inline void
fixture_header(struct fixture *f, enum ks_http_field_id id, const char *name, const char *value)
{
	struct ks_http_field *field = &f->ex.head.fields[f->ex.head.nfields++];

	field->id = id;
	field->name_off = fixture_put(f, name);
	field->name_len = (uint16_t)strlen(name);
	field->value_off = fixture_put(f, value);
	field->value_len = (uint32_t)strlen(value);
	fixture_field(f, KS_PLACE_HEADER, name, value, 1u << KS_VALUE_TEXT);
}

static inline void
fixture_query(struct fixture *f)
{
	struct ks_str name, value;
	char n[128], v[512];
	uint32_t pos = 0;

	while (ks_kube_query_next(f->ex.call.query, &pos, &name, &value)) {
		snprintf(n, sizeof(n), "%.*s", (int)name.n, name.p);
		snprintf(v, sizeof(v), "%.*s", (int)value.n, value.p);
		fixture_field(f, KS_PLACE_QUERY, n, v, 1u << KS_VALUE_NAME);
	}
}

static inline void
fixture_who(struct fixture *f, const struct fixture_spec *spec)
{
	struct ks_principal *p = &f->ex.principal;

	snprintf(p->name, sizeof(p->name), "%s",
		 spec->user == NULL ? "system:anonymous" : spec->user);
	if (spec->user == NULL)
		return;
	p->kind = strncmp(spec->user, "system:serviceaccount:", 22) == 0
			  ? KS_PRINCIPAL_SERVICE_ACCOUNT
			  : KS_PRINCIPAL_CERT;
	p->proven = spec->token == NULL;
	p->has_token = p->kind == KS_PRINCIPAL_SERVICE_ACCOUNT;
	if (spec->token != NULL)
		snprintf((char *)p->token_hash, sizeof(p->token_hash), "%s", spec->token);
	if (spec->as != NULL)
		snprintf(p->effective, sizeof(p->effective), "%s", spec->as);
}

/** A complete request that has not been judged; body fields may be added. */
static inline struct ks_exchange *
fixture_request(struct fixture *f, const struct fixture_spec *spec)
{
	struct ks_exchange *ex = &f->ex;

	ks_exchange_init(ex);
	f->head_bytes = 0;
	ks_field_list_init(&ex->fields, f->fields, sizeof(f->fields));
	ex->head.base = f->head;
	ex->head.method_off = fixture_put(f, spec->method);
	ex->head.method_len = (uint32_t)strlen(spec->method);
	ex->head.target_off = fixture_put(f, spec->target);
	ex->head.target_len = (uint32_t)strlen(spec->target);
	if (ks_kube_call_parse(fixture_str(spec->method), fixture_str(spec->target), f->scratch,
			       sizeof(f->scratch), &ex->call) != 0)
		abort();
	fixture_query(f);
	fixture_header(f, KS_HTTP_ACCEPT, "accept", "application/json");
	if (spec->agent != NULL)
		fixture_header(f, KS_HTTP_USER_AGENT, "user-agent", spec->agent);
	if (spec->type != NULL)
		fixture_header(f, KS_HTTP_CONTENT_TYPE, "content-type", spec->type);
	fixture_who(f, spec);
	if (ks_addr_parse(spec->source == NULL ? "10.0.0.1" : spec->source, &ex->source) != 0)
		abort();
	ex->body_bytes = spec->body_bytes;
	ex->now.mono_us = 1000000000ull + spec->now_ms * 1000;
	ex->now.wall_s = 1800000000ull + spec->now_ms / 1000;
	return ex;
}

/** Judges and ends it with 200 (429 where it was throttled, 403 where blocked). */
static inline void
fixture_pass(struct ks_scorer *scorer, struct ks_exchange *ex, enum ks_mode mode)
{
	ks_scorer_judge(scorer, ex, mode);
	ex->status = ex->verdict == KS_VERDICT_THROTTLE ? 429
		     : ex->verdict == KS_VERDICT_BLOCK	? 403
							: 200;
	ks_scorer_outcome(scorer, ex, true);
}

/** Merges what the scorers have learned into a new profile, as the control core does. */
static inline void
fixture_merge(struct ks_profile **profile, struct ks_scorer **scorers, uint32_t n)
{
	struct ks_delta *deltas[8];
	struct ks_profile *next;
	uint32_t got = 0;

	for (uint32_t i = 0; i < n; i++) {
		deltas[got] = ks_scorer_delta_take(scorers[i]);
		got += deltas[got] != NULL;
	}
	next = ks_profile_merge(*profile, deltas, got);
	for (uint32_t i = 0; i < n; i++)
		ks_scorer_profile_set(scorers[i], next);
	for (uint32_t i = 0; i < got; i++)
		ks_delta_destroy(deltas[i]);
	ks_profile_destroy(*profile);
	*profile = next;
}

static inline const struct ks_finding *
fixture_finding(const struct ks_exchange *ex, enum ks_finding_code code)
{
	for (uint8_t i = 0; i < ex->nfindings; i++)
		if (ex->findings[i].code == code)
			return &ex->findings[i];
	return NULL;
}

static inline int
fixture_db(const struct ks_exchange *ex, enum ks_finding_code code)
{
	const struct ks_finding *f = fixture_finding(ex, code);

	return f == NULL ? 0 : f->db;
}

/* ---- the town: who makes which calls, again and again ---- */

#define TOWN_WEB "system:serviceaccount:shop:web"
#define TOWN_CALLS 12

static const struct fixture_spec town[TOWN_CALLS] = {
	{"GET", "/api/v1/namespaces/shop/configmaps/settings", TOWN_WEB, "web/v1.2 (linux)",
	 "10.1.0.1"},
	{"GET", "/api/v1/namespaces/shop/endpoints?limit=50", TOWN_WEB, "web/v1.2 (linux)",
	 "10.1.0.2"},
	{"GET", "/api/v1/nodes/node-1", "system:node:node-1", "kubelet/v1.30", "10.2.0.1"},
	{"PATCH", "/api/v1/nodes/node-1/status", "system:node:node-1", "kubelet/v1.30", "10.2.0.1",
	 "application/strategic-merge-patch+json", NULL, NULL, 300},
	{"GET", "/api/v1/nodes/node-2", "system:node:node-2", "kubelet/v1.30", "10.2.0.2"},
	{"PATCH", "/api/v1/nodes/node-2/status", "system:node:node-2", "kubelet/v1.30", "10.2.0.2",
	 "application/strategic-merge-patch+json", NULL, NULL, 310},
	{"GET", "/api/v1/namespaces/shop/pods?limit=500", "alice", "kubectl/v1.30", "10.3.0.1"},
	{"POST", "/apis/apps/v1/namespaces/shop/deployments", "alice", "kubectl/v1.30", "10.3.0.1",
	 "application/json", NULL, NULL, 900},
	{"GET", "/api/v1/namespaces/shop/pods?limit=500", "bob", "kubectl/v1.30", "10.3.0.2"},
	{"GET", "/api/v1/namespaces/shop/services?limit=500", "bob", "kubectl/v1.30", "10.3.0.2"},
	{"GET", "/api/v1/secrets?limit=500", "system:kube-controller-manager",
	 "kube-controller-manager/v1.30", "10.4.0.1"},
	{"GET", "/livez", NULL, "probe/1", "10.5.0.1"},
};

/** The i-th request of the town; two a second of each kind, but not in step. */
static inline struct ks_exchange *
town_request(struct fixture *f, uint32_t i)
{
	struct fixture_spec spec = town[i % TOWN_CALLS];
	struct ks_exchange *ex;

	spec.now_ms = (uint64_t)i * 500 / TOWN_CALLS + i % 7;
	ex = fixture_request(f, &spec);
	if (spec.body_bytes > 0) {
		fixture_field(f, KS_PLACE_BODY, "kind", "thing", 1u << KS_VALUE_NAME);
		fixture_field(f, KS_PLACE_BODY, "spec.mode", i % 24 < 12 ? "fast" : "slow",
			      1u << KS_VALUE_NAME);
		fixture_field(f, KS_PLACE_BODY, "spec.count", "3", 1u << KS_VALUE_INT)->char_mask =
			KS_CHAR_DIGIT;
		ex->body_depth = 2;
	}
	return ex;
}

/** Time after `n` requests of the town. */
static inline uint64_t
town_ms(uint32_t n)
{
	return (uint64_t)n * 500 / TOWN_CALLS + 100;
}

struct town_state {
	struct fixture f;
	struct ks_profile *profile;
	struct ks_scorer *scorer;
};

/** A scorer that has learned `n` requests of the town, merged every 200. */
static inline struct town_state *
town_learn(const struct ks_score_params *params, uint32_t n)
{
	struct town_state *t = calloc(1, sizeof(*t));

	t->profile = ks_profile_create(FIXTURE_SEED);
	t->scorer = ks_scorer_create(params, t->profile);
	for (uint32_t i = 0; i < n; i++) {
		fixture_pass(t->scorer, town_request(&t->f, i), KS_MODE_LEARN);
		if (i % 200 == 199)
			fixture_merge(&t->profile, &t->scorer, 1);
	}
	fixture_merge(&t->profile, &t->scorer, 1);
	return t;
}

static inline void
town_leave(struct town_state *t)
{
	ks_scorer_destroy(t->scorer);
	ks_profile_destroy(t->profile);
	free(t);
}

#endif
