/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call behind a request, derived as the API server's RequestInfo derives it (API concepts:
 * resource URIs; apiserver pkg/endpoints/request).
 *
 * As there, a list or watch whose fieldSelector pins metadata.name carries that name, HEAD is get,
 * and a method without a verb leaves the verb to the method. Differing from there, paths that it
 * would have to clean are refused (kube_path.c), and upgrades are allowed only where the API itself
 * upgrades. Thread: pure function over the caller's memory.
 */
#include <errno.h>

#include "ks_kube.h"
#include "kube_path.h"

/* What is left of the segments while they are read from the left. */
struct parts {
	const struct ks_str *at;
	uint32_t n;
};

static void
shift(struct parts *parts, uint32_t n)
{
	parts->at += n;
	parts->n -= n;
}

static enum ks_kube_verb
verb_of_method(struct ks_str method)
{
	static const struct {
		const char *method;
		enum ks_kube_verb verb;
	} map[] = {
		{"GET", KS_KUBE_GET},  {"PUT", KS_KUBE_UPDATE},	 {"POST", KS_KUBE_CREATE},
		{"HEAD", KS_KUBE_GET}, {"PATCH", KS_KUBE_PATCH}, {"DELETE", KS_KUBE_DELETE},
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(map); i++)
		if (ks_str_is(method, map[i].method))
			return map[i].verb;
	return KS_KUBE_HTTP;
}

/* "/api/VERSION/…" and "/apis/GROUP/VERSION/…" with at least one segment more are resources. */
static bool
api_prefix(struct parts *parts, struct ks_kube_call *call)
{
	bool grouped;

	if (parts->n < 3)
		return false;
	grouped = ks_str_is(parts->at[0], "apis");
	if (!grouped && !ks_str_is(parts->at[0], "api"))
		return false;
	if (grouped) {
		if (parts->n < 4)
			return false;
		call->group = parts->at[1];
		shift(parts, 1);
	}
	call->version = parts->at[1];
	shift(parts, 2);
	return true;
}

/* "namespaces/NS/RESOURCE…" is the resource's; "namespaces/NS" and its own subresources are the
 * namespace's. */
static void
namespace_prefix(struct parts *parts, struct ks_kube_call *call)
{
	if (!ks_str_is(parts->at[0], "namespaces") || parts->n < 2)
		return;
	call->ns = parts->at[1];
	if (parts->n > 2 && !ks_str_is(parts->at[2], "status") &&
	    !ks_str_is(parts->at[2], "finalize"))
		shift(parts, 2);
}

/* Old paths name their verb: "/api/v1/watch/…", "/api/v1/proxy/…". */
static int
verb_prefix(struct parts *parts, struct ks_kube_call *call)
{
	if (ks_str_is(parts->at[0], "watch"))
		call->verb = KS_KUBE_WATCH;
	else if (ks_str_is(parts->at[0], "proxy"))
		call->verb = KS_KUBE_PROXY;
	else
		return 0;
	if (parts->n < 2)
		return -EBADMSG;
	shift(parts, 1);
	return 0;
}

static void
collection_verb(struct ks_kube_call *call, char *scratch)
{
	if (call->verb == KS_KUBE_DELETE)
		call->verb = KS_KUBE_DELETECOLLECTION;
	if (call->verb != KS_KUBE_GET)
		return;
	call->verb = ks_kube_query_flag(call->query, "watch") ? KS_KUBE_WATCH : KS_KUBE_LIST;
	if (call->query.n > 0)
		ks_kube_query_object(call->query, scratch, &call->name);
}

static bool
is_any(struct ks_str text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (ks_str_is(text, *words))
			return true;
	return false;
}

static bool
upgrade_allowed(const struct ks_kube_call *call)
{
	static const char *const streams[] = {"exec", "attach", "portforward", NULL};
	static const char *const proxied[] = {"pods", "services", "nodes", NULL};

	if (call->group.n != 0 || call->name.n == 0)
		return false;
	if (!ks_str_is(call->method, "GET") && !ks_str_is(call->method, "POST"))
		return false;
	if (ks_str_is(call->subresource, "proxy"))
		return is_any(call->resource, proxied);
	return ks_str_is(call->resource, "pods") && is_any(call->subresource, streams);
}

static bool
long_running(const struct ks_kube_call *call)
{
	static const char *const streams[] = {"exec", "attach", "portforward", "proxy", NULL};

	if (!call->resource_request)
		return ks_str_starts(call->path, "/debug/pprof/");
	if (call->verb == KS_KUBE_WATCH || call->verb == KS_KUBE_PROXY)
		return true;
	if (ks_str_is(call->subresource, "log"))
		return ks_kube_query_flag(call->query, "follow");
	return call->subresource.n > 0 && is_any(call->subresource, streams);
}

/* @param scratch what the decoded path has left of it */
static int
resource_call(struct parts *parts, struct ks_kube_call *call, char *scratch)
{
	int rc;

	call->verb = verb_of_method(call->method);
	rc = verb_prefix(parts, call);
	if (rc < 0)
		return rc;
	namespace_prefix(parts, call);
	call->resource_request = true;
	call->resource = parts->at[0];
	if (parts->n >= 2)
		call->name = parts->at[1];
	else
		collection_verb(call, scratch);
	if (parts->n >= 3 && call->verb != KS_KUBE_PROXY)
		call->subresource = parts->at[2];
	call->upgrade_allowed = upgrade_allowed(call);
	return 0;
}

static struct ks_str
cut_query(struct ks_str target, struct ks_str *query)
{
	const char *mark = target.n > 0 ? memchr(target.p, '?', target.n) : NULL;

	*query = (struct ks_str){target.p, 0};
	if (mark == NULL)
		return target;
	*query = (struct ks_str){mark + 1, target.n - (uint32_t)(mark - target.p) - 1};
	target.n = (uint32_t)(mark - target.p);
	return target;
}

int
ks_kube_call_parse(struct ks_str method, struct ks_str target, char *scratch, size_t cap,
		   struct ks_kube_call *call)
{
	struct ks_kube_path path;
	struct parts parts;
	int rc;

	*call = (struct ks_kube_call){
		.verb = KS_KUBE_HTTP,
		.method = method,
		.path = KS_STR(""),
		.query = KS_STR(""),
		.group = KS_STR(""),
		.version = KS_STR(""),
		.resource = KS_STR(""),
		.subresource = KS_STR(""),
		.ns = KS_STR(""),
		.name = KS_STR(""),
	};
	if (target.n > cap)
		return -E2BIG;
	if (ks_str_is(target, "*")) {
		call->path = target;
		return 0;
	}
	rc = ks_kube_path_parse(cut_query(target, &call->query), scratch, &path);
	if (rc < 0)
		return rc;
	call->path = path.decoded;
	parts = (struct parts){path.segments, KS_MIN(path.nsegments, KS_KUBE_SEGMENTS_MAX)};
	if (api_prefix(&parts, call))
		rc = resource_call(&parts, call, scratch + path.decoded.n);
	call->long_running = rc == 0 && long_running(call);
	return rc;
}
