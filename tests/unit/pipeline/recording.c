/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "ks_codec.h"

#define HEAD_MAX 8192u
#define LINE_MAX_BYTES (128u * 1024)
#define FIELD_BYTES 32768u
#define START_US 5000000u

/* ---- reading ---- */

static const char *
text_of(json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text != NULL ? text : "";
}

static int
head_make(struct recorded *r, json_t *row)
{
	char head[HEAD_MAX];
	json_t *field;
	size_t i, n;

	n = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\n", text_of(row, "method"),
		     text_of(row, "path"));
	json_array_foreach(json_object_get(row, "headers"), i, field)
	{
		n += snprintf(head + n, sizeof(head) - n, "%s: %s\r\n",
			      json_string_value(json_array_get(field, 0)),
			      json_string_value(json_array_get(field, 1)));
		if (n + 3 > sizeof(head))
			return -E2BIG;
	}
	n += snprintf(head + n, sizeof(head) - n, "\r\n");
	r->head = malloc(n);
	if (r->head == NULL)
		return -ENOMEM;
	memcpy(r->head, head, n);
	r->head_bytes = n;
	return 0;
}

static int
body_make(struct recorded *r, json_t *row)
{
	const char *b64 = json_string_value(json_object_get(row, "body_b64"));
	int n;

	if (b64 == NULL)
		return 0;
	r->body = malloc(strlen(b64) + 1);
	if (r->body == NULL)
		return -ENOMEM;
	n = ks_base64_decode((struct ks_str){b64, strlen(b64)}, r->body, strlen(b64));
	r->body_bytes = n > 0 ? n : 0;
	return n < 0 ? n : 0;
}

static void
peer_make(struct recorded *r, json_t *row)
{
	json_t *group;
	size_t i;

	if (strcmp(text_of(row, "auth"), "cert") != 0)
		return;
	r->peer.verdict = KS_TLS_PEER_VERIFIED;
	r->peer.not_after_s = UINT64_MAX;
	snprintf(r->peer.cn, sizeof(r->peer.cn), "%s", text_of(row, "user"));
	json_array_foreach(json_object_get(row, "groups"), i, group)
		snprintf(r->peer.orgs[r->peer.norgs++], sizeof(r->peer.orgs[0]), "%s",
			 json_string_value(group));
}

static int
row_read(struct recorded *r, json_t *row)
{
	double t = json_real_value(json_object_get(row, "t"));
	int rc = head_make(r, row);

	if (rc == 0)
		rc = body_make(r, row);
	if (rc == 0)
		rc = ks_addr_parse(text_of(row, "client_ip"), &r->source);
	peer_make(r, row);
	r->wall_s = (uint64_t)t;
	r->t_us = (uint64_t)(t * 1e6);
	r->status = json_integer_value(json_object_get(row, "status"));
	r->response_bytes = json_integer_value(json_object_get(row, "response_len"));
	r->hostile = json_object_get(row, "kind") != NULL;
	return rc;
}

/* ---- who depends on whom ---- */

/** A set of callers and sources that touch each other's windows; `parent` leads to its name. */
struct party {
	uint64_t key;
	uint32_t parent;
};

static uint32_t
party_of(struct party *v, uint32_t *n, uint64_t key)
{
	uint32_t i = 0;

	while (i < *n && v[i].key != key)
		i++;
	if (i == *n)
		v[(*n)++] = (struct party){key, i};
	while (v[i].parent != i)
		i = v[i].parent;
	return i;
}

static uint64_t
name_of(const struct recorded *r, char name[256], struct ks_principal *p)
{
	static const struct ks_identity_config identity;
	static struct ks_http_head head;
	const struct ks_http_limits limits = {HEAD_MAX, 4096, KS_HTTP_FIELDS_MAX};
	struct ks_http_error err;

	name[0] = '\0';
	if (ks_http1_request_parse(r->head, r->head_bytes, &limits, &head, &err) != 0 ||
	    ks_principal_read(&identity, &r->peer, &head, r->wall_s, p) != 0)
		return 0;
	snprintf(name, 256, "%s", p->name);
	return ks_hash64(1, name, strlen(name));
}

/** Was this token accepted before row `i`? */
static bool
proven_before(const struct recording *rec, const uint8_t (*tokens)[16], uint32_t i)
{
	bool proven = false;

	for (uint32_t k = 0; k < i; k++)
		if (memcmp(tokens[k], tokens[i], 16) == 0)
			proven = rec->v[k].status != 401;
	return proven;
}

static int
flows_find(struct recording *rec)
{
	struct party *parties = calloc(2 * rec->n, sizeof(*parties));
	uint8_t(*tokens)[16] = calloc(rec->n, sizeof(*tokens));
	uint32_t n = 0;

	if (parties == NULL || tokens == NULL) {
		free(parties);
		free(tokens);
		return -ENOMEM;
	}
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < rec->n; i++) {
			struct recorded *r = &rec->v[i];
			struct ks_principal p = {0};
			char name[256];
			uint64_t key = name_of(r, name, &p);
			uint32_t who, from;

			memcpy(tokens[i], p.token_hash, 16);
			r->proven = p.proven || (p.has_token && proven_before(rec, tokens, i));
			from = party_of(parties, &n, ks_hash64(2, &r->source, sizeof(r->source)));
			who = r->proven || p.has_token ? party_of(parties, &n, key) : from;
			/* What is merely claimed is counted under its source, and may come to be
			 * counted under the name when it is accepted. */
			if (!r->proven)
				parties[from].parent = who;
			r->flow = who;
		}
	}
	rec->nflows = n;
	free(parties);
	free(tokens);
	return 0;
}

int
recording_load(struct recording *rec, const char *path)
{
	FILE *in = fopen(path, "r");
	char *line = malloc(LINE_MAX_BYTES);
	int rc = in == NULL || line == NULL ? -ENOENT : 0;

	memset(rec, 0, sizeof(*rec));
	while (rc == 0 && fgets(line, LINE_MAX_BYTES, in) != NULL) {
		json_t *row = json_loads(line, 0, NULL);
		struct recorded *v = realloc(rec->v, (rec->n + 1) * sizeof(*v));

		rc = row == NULL || v == NULL ? -EBADMSG : 0;
		if (v != NULL)
			rec->v = v;
		if (rc == 0) {
			memset(&v[rec->n], 0, sizeof(*v));
			rc = row_read(&v[rec->n++], row);
		}
		json_decref(row);
	}
	if (in != NULL)
		fclose(in);
	free(line);
	return rc != 0 ? rc : flows_find(rec);
}

void
recording_free(struct recording *rec)
{
	for (uint32_t i = 0; i < rec->n; i++) {
		free(rec->v[i].head);
		free(rec->v[i].body);
	}
	free(rec->v);
}

/* ---- playing ---- */

static int
exchange_fill(struct playback *pb, struct ks_exchange *ex, const struct recorded *r)
{
	const struct ks_http_limits limits = {HEAD_MAX, 4096, KS_HTTP_FIELDS_MAX};
	struct ks_http_error err;
	int rc;

	ex->block = ks_arena_alloc(pb->arena, 2 * r->head_bytes + 1);
	ex->field_block = ks_arena_alloc(pb->arena, FIELD_BYTES);
	ex->body = ks_arena_alloc(pb->arena, r->body_bytes);
	if (ex->block == NULL || ex->field_block == NULL || (ex->body == NULL && r->body_bytes > 0))
		return -ENOMEM;
	memcpy(ex->block, r->head, r->head_bytes);
	if (r->body_bytes > 0)
		memcpy(ex->body, r->body, r->body_bytes);
	ex->body_bytes = r->body_bytes;
	ks_field_list_init(&ex->fields, ex->field_block, FIELD_BYTES);
	rc = ks_http1_request_parse(ex->block, r->head_bytes, &limits, &ex->head, &err);
	if (rc == 0)
		rc = ks_kube_call_parse(ks_http_method(&ex->head), ks_http_target(&ex->head),
					ex->block + r->head_bytes, ex->head.target_len + 1,
					&ex->call);
	if (rc == 0)
		rc = ks_principal_read(&pb->identity, &r->peer, &ex->head, r->wall_s,
				       &ex->principal);
	return rc;
}

static int
row_send(struct playback *pb, struct ks_feed *feed, uint32_t row)
{
	const struct recorded *r = &pb->rec->v[row];
	struct ks_exchange *ex = ks_pool_get(pb->exchanges);
	int rc;

	if (ex == NULL)
		return -ENOBUFS;
	ks_exchange_init(ex);
	rc = exchange_fill(pb, ex, r);
	ex->owner = ks_feed_index(feed);
	ex->seq = row + 1;
	ex->now = (struct ks_now){START_US + r->t_us - pb->rec->v[0].t_us, r->wall_s};
	ex->source = r->source;
	if (ex->principal.has_token)
		ex->principal.proven = r->proven;
	ex->route_hash = ks_exchange_route(ex);
	if (rc == 0)
		rc = ks_feed_submit(feed, ex);
	if (rc != 0) {
		ks_exchange_fini(ex, pb->arena);
		ks_pool_put(pb->exchanges, ex);
	}
	return rc;
}

/** The next row of this flow; `n` when there is none. */
static uint32_t
row_next(const struct playback *pb, uint32_t flow, uint32_t from)
{
	const struct recording *rec = pb->rec;

	while (from < rec->n &&
	       (rec->v[from].flow != flow || (rec->v[from].hostile && !pb->hostile)))
		from++;
	return from;
}

static uint32_t
feed(void *arg, struct ks_feed *feed, const struct ks_now *now)
{
	struct playback *pb = arg;
	uint32_t done = 0;

	(void)now;
	for (uint32_t i = 0; i < pb->rec->nflows && pb->under_way < pb->window; i++) {
		struct flow *flow = &pb->flows[i];

		if (flow->busy || flow->next == pb->rec->n)
			continue;
		if (row_send(pb, feed, flow->next) != 0) {
			pb->errors++;
			break;
		}
		flow->busy = true;
		pb->under_way++;
		done++;
	}
	pb->parallel_max = KS_MAX(pb->parallel_max, pb->under_way);
	return done;
}

static void
result_note(struct judged *out, const struct ks_exchange *ex)
{
	out->there = true;
	out->verdict = ex->verdict;
	out->advice = ex->advice;
	out->nfindings = ex->nfindings;
	out->score_db = ex->score_db;
	out->retry_after_s = ex->retry_after_s;
	for (uint8_t i = 0; i < ex->nfindings; i++) {
		const struct ks_finding *from = &ex->findings[i];
		struct ks_finding *to = &out->findings[i];

		*to = (struct ks_finding){from->code, from->certain, from->db, from->seen, "", "",
					  ""};
		snprintf(to->where, sizeof(to->where), "%s", from->where);
		snprintf(to->observed, sizeof(to->observed), "%s", from->observed);
		snprintf(to->expected, sizeof(to->expected), "%s", from->expected);
	}
}

/** As the proxy ends an exchange: what was let through has the recorded answer. */
static void
judged(void *arg, struct ks_feed *feed, struct ks_exchange *ex)
{
	struct playback *pb = arg;
	const struct recorded *r = &pb->rec->v[ex->seq - 1];
	bool through = ex->verdict < KS_VERDICT_THROTTLE;

	result_note(&pb->results[ex->seq - 1], ex);
	ex->judged = true;
	ex->status = through ? r->status : ex->verdict == KS_VERDICT_BLOCK ? 403 : 429;
	ex->end = through			    ? KS_END_ANSWERED
		  : ex->verdict == KS_VERDICT_BLOCK ? KS_END_BLOCKED
						    : KS_END_THROTTLED;
	ex->response_bytes = r->response_bytes;
	ex->duration_us = 1000;
	if (through && ex->principal.has_token) {
		ex->principal.proven = ex->status != 401;
		ex->route_hash = ks_exchange_route(ex);
	}
	pb->errors += ks_feed_outcome(feed, ex) != 0;
}

static void
freed(void *arg, struct ks_feed *feed, struct ks_exchange *ex)
{
	struct playback *pb = arg;
	uint32_t row = ex->seq - 1, flow = pb->rec->v[row].flow;

	(void)feed;
	ks_exchange_fini(ex, pb->arena);
	ks_pool_put(pb->exchanges, ex);
	pb->flows[flow].next = row_next(pb, flow, row + 1);
	pb->flows[flow].busy = false;
	pb->under_way--;
	__atomic_store_n(&pb->left, pb->left - 1, __ATOMIC_RELEASE);
}

int
playback_init(struct playback *pb, const struct recording *rec, bool hostile, uint32_t window)
{
	memset(pb, 0, sizeof(*pb));
	pb->rec = rec;
	pb->hostile = hostile;
	pb->window = window;
	pb->feeder = (struct ks_gateway_feeder){feed, judged, freed, pb};
	pb->exchanges = ks_pool_create("recorded", window, sizeof(struct ks_exchange));
	pb->arena = ks_arena_create("recorded", 16u << 20, 1u << 20);
	pb->flows = calloc(rec->nflows, sizeof(*pb->flows));
	pb->results = calloc(rec->n, sizeof(*pb->results));
	if (pb->exchanges == NULL || pb->arena == NULL || pb->flows == NULL || pb->results == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rec->nflows; i++)
		pb->flows[i].next = row_next(pb, i, 0);
	for (uint32_t i = 0; i < rec->n; i++)
		pb->left += hostile || !rec->v[i].hostile;
	return 0;
}

void
playback_fini(struct playback *pb)
{
	ks_pool_destroy(pb->exchanges);
	ks_arena_destroy(pb->arena);
	free(pb->flows);
	free(pb->results);
}
