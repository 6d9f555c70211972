/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From exchange to keys. See request.h.
 * Thread: pure functions.
 */
#include "request.h"

#define SA_PREFIX "system:serviceaccount:"

/* The sorts of keys are apart by their seed, so that one text never means two things. */
enum {
	SEED_CALL = 0x63616c6c,
	SEED_SOURCE = 0x736f7572,
	SEED_PROGRAM = 0x70726f67,
	SEED_TYPE = 0x74797065,
	SEED_PRINCIPAL = 0x7072696e
};

static uint8_t
group_of(const struct ks_principal *principal, struct ks_str name)
{
	if (principal->kind == KS_PRINCIPAL_ANONYMOUS)
		return GROUP_ANONYMOUS;
	if (ks_str_starts(name, "system:node:"))
		return GROUP_NODE;
	if (ks_str_starts(name, SA_PREFIX))
		return GROUP_SERVICE_ACCOUNT;
	if (ks_str_starts(name, "system:"))
		return GROUP_SYSTEM;
	return principal->kind == KS_PRINCIPAL_OPAQUE ? GROUP_TOKEN : GROUP_USER;
}

/* "system:serviceaccount:NS:NAME" → NS; empty for all others. */
static struct ks_str
own_namespace(struct ks_str name)
{
	const char *from, *colon;

	if (!ks_str_starts(name, SA_PREFIX))
		return (struct ks_str){0};
	from = name.p + sizeof(SA_PREFIX) - 1;
	colon = memchr(from, ':', name.n - (sizeof(SA_PREFIX) - 1));
	return (struct ks_str){from, colon == NULL ? 0 : (uint32_t)(colon - from)};
}

static uint8_t
scope_of(const struct ks_exchange *ex, struct ks_str name)
{
	uint8_t scope = ex->principal.effective[0] != '\0' ? SCOPE_IMPERSONATE : 0;
	struct ks_str ns = ex->call.ns;

	if (ns.n == 0)
		return scope + SCOPE_CLUSTER;
	if (ks_str_eq(ns, own_namespace(name)))
		return scope + SCOPE_OWN;
	return scope + (ks_str_starts(ns, "kube-") ? SCOPE_SYSTEM : SCOPE_OTHER);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A program keeps its name when it is updated: the product up to '/', numbers replaced. */
static uint32_t
program_text(struct ks_str agent, char *out, uint32_t cap)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < agent.n && agent.p[i] != '/' && n < cap - 1; i++) {
		bool digit = is_digit(agent.p[i]);

		if (digit && n > 0 && out[n - 1] == '#')
			continue;
		if (agent.p[i] == '.' && n > 0 && out[n - 1] == '#' && i + 1 < agent.n &&
		    is_digit(agent.p[i + 1]))
			continue;
		out[n++] = digit ? '#' : agent.p[i];
	}
	out[n] = '\0';
	return n;
}

/* Media type without parameters, in lower case. */
static uint32_t
type_text(struct ks_str type, char *out, uint32_t cap)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < type.n && type.p[i] != ';' && n < cap - 1; i++) {
		char c = type.p[i];

		if (c != ' ')
			out[n++] = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
	}
	out[n] = '\0';
	return n;
}

static void
read_sizes(struct request *rq, const struct ks_exchange *ex)
{
	uint32_t params = 0;

	for (uint16_t i = 0; i < ex->fields.n; i++)
		params += ex->fields.v[i].place == KS_PLACE_QUERY;
	rq->size[SIZE_URL] = ex->call.path.n + ex->call.query.n;
	rq->size[SIZE_BODY] = ex->body_bytes;
	rq->size[SIZE_PARAMS] = params;
	rq->size[SIZE_HEADERS] = ex->head.nfields;
	rq->size[SIZE_FIELDS] = ex->body_fields;
	rq->size[SIZE_DEPTH] = ex->body_depth;
}

static void
read_who(struct request *rq, const struct ks_exchange *ex, uint64_t seed)
{
	const struct ks_principal *principal = &ex->principal;
	struct ks_str name;

	rq->anonymous = principal->kind == KS_PRINCIPAL_ANONYMOUS;
	rq->proven = principal->proven && !rq->anonymous;
	rq->name = principal->name[0] != '\0' ? principal->name : "system:anonymous";
	name = (struct ks_str){rq->name, strlen(rq->name)};
	rq->group = group_of(principal, name);
	rq->scope = scope_of(ex, name);
	rq->principal = ks_hash64(seed ^ SEED_PRINCIPAL, name.p, name.n);
	rq->source = ks_hash64(seed ^ SEED_SOURCE, ex->source.b, sizeof(ex->source.b));
	rq->actor = ks_exchange_actor_key(ex, seed);
}

static void
read_what(struct request *rq, const struct ks_exchange *ex, uint64_t seed)
{
	struct ks_str agent = ks_http_find(&ex->head, KS_HTTP_USER_AGENT);
	struct ks_str type = ks_http_find(&ex->head, KS_HTTP_CONTENT_TYPE);
	uint32_t n;

	rq->call_len = ks_kube_call_key(&ex->call, rq->call_name);
	rq->call = ks_hash64(seed ^ SEED_CALL, rq->call_name, rq->call_len);
	n = program_text(agent, rq->program_text, sizeof(rq->program_text));
	rq->program = ks_hash64(seed ^ SEED_PROGRAM, rq->program_text, n);
	n = type_text(type, rq->type_text, sizeof(rq->type_text));
	rq->type = n == 0 ? 0 : ks_hash64(seed ^ SEED_TYPE, rq->type_text, n);
}

void
ks_score_request_read(struct request *rq, const struct ks_exchange *ex, uint64_t seed)
{
	rq->ex = ex;
	rq->now_s = (uint32_t)ex->now.wall_s;
	read_who(rq, ex, seed);
	read_what(rq, ex, seed);
	read_sizes(rq, ex);
	rq->id = (uint32_t)key_mix(key_mix(rq->principal, rq->call), ex->now.mono_us) | 1;
}
