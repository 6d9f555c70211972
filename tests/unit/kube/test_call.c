/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and the API calls that they are.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_kube.h"
#include "ks_test.h"

struct parsed {
	struct ks_kube_call call;
	char *target;
	char *scratch;
	int rc;
};

/* Exact copies: a step outside of them is seen. */
static struct parsed
parse(const char *method, const char *target, size_t len)
{
	struct parsed p = {.target = malloc(len + (len == 0)), .scratch = malloc(len + (len == 0))};

	memcpy(p.target, target, len);
	p.rc = ks_kube_call_parse((struct ks_str){method, (uint32_t)strlen(method)},
				  (struct ks_str){p.target, (uint32_t)len}, p.scratch, len,
				  &p.call);
	return p;
}

static void
parsed_free(struct parsed *p)
{
	free(p->target);
	free(p->scratch);
}

static const struct {
	const char *method, *target;
	enum ks_kube_verb verb;
	const char *group, *version, *resource, *subresource, *ns, *name;
} calls[] = {
	{"GET", "/api/v1/pods", KS_KUBE_LIST, "", "v1", "pods", "", "", ""},
	{"GET", "/api/v1/pods/", KS_KUBE_LIST, "", "v1", "pods", "", "", ""},
	{"GET", "/api/v1/nodes/node-1", KS_KUBE_GET, "", "v1", "nodes", "", "", "node-1"},
	{"HEAD", "/api/v1/nodes/node-1", KS_KUBE_GET, "", "v1", "nodes", "", "", "node-1"},
	{"HEAD", "/api/v1/nodes", KS_KUBE_LIST, "", "v1", "nodes", "", "", ""},
	{"POST", "/api/v1/namespaces/a/pods", KS_KUBE_CREATE, "", "v1", "pods", "", "a", ""},
	{"PUT", "/api/v1/namespaces/a/pods/b", KS_KUBE_UPDATE, "", "v1", "pods", "", "a", "b"},
	{"PATCH", "/apis/apps/v1/namespaces/a/deployments/b/scale", KS_KUBE_PATCH, "apps", "v1",
	 "deployments", "scale", "a", "b"},
	{"DELETE", "/apis/apps/v1/namespaces/a/deployments/b", KS_KUBE_DELETE, "apps", "v1",
	 "deployments", "", "a", "b"},
	{"DELETE", "/apis/apps/v1/namespaces/a/deployments", KS_KUBE_DELETECOLLECTION, "apps", "v1",
	 "deployments", "", "a", ""},
	{"DELETE", "/apis/apps/v1/namespaces/a/deployments?fieldSelector=metadata.name=b",
	 KS_KUBE_DELETECOLLECTION, "apps", "v1", "deployments", "", "a", ""},
	{"OPTIONS", "/api/v1/pods", KS_KUBE_HTTP, "", "v1", "pods", "", "", ""},
	{"GET", "/api/v1/namespaces", KS_KUBE_LIST, "", "v1", "namespaces", "", "", ""},
	{"POST", "/api/v1/namespaces", KS_KUBE_CREATE, "", "v1", "namespaces", "", "", ""},
	{"GET", "/api/v1/namespaces/a", KS_KUBE_GET, "", "v1", "namespaces", "", "a", "a"},
	{"DELETE", "/api/v1/namespaces/a/", KS_KUBE_DELETE, "", "v1", "namespaces", "", "a", "a"},
	{"PUT", "/api/v1/namespaces/a/finalize", KS_KUBE_UPDATE, "", "v1", "namespaces", "finalize",
	 "a", "a"},
	{"PATCH", "/api/v1/namespaces/a/status", KS_KUBE_PATCH, "", "v1", "namespaces", "status",
	 "a", "a"},
	{"GET", "/api/v1/namespaces/a/finalizers", KS_KUBE_LIST, "", "v1", "finalizers", "", "a",
	 ""},
	{"GET", "/api/v1/namespaces/a/status/b", KS_KUBE_GET, "", "v1", "namespaces", "status", "a",
	 "a"},
	{"POST", "/api/v1/namespaces/a/pods/b/binding", KS_KUBE_CREATE, "", "v1", "pods", "binding",
	 "a", "b"},
	{"POST", "/api/v1/namespaces/a/pods/b/exec?command=sh&stdin=true", KS_KUBE_CREATE, "", "v1",
	 "pods", "exec", "a", "b"},
	{"GET", "/api/v1/namespaces/a/services/https:b:443/proxy/x/y/z/1/2/3/4", KS_KUBE_GET, "",
	 "v1", "services", "proxy", "a", "https:b:443"},
	{"GET", "/api/v1/watch/pods", KS_KUBE_WATCH, "", "v1", "pods", "", "", ""},
	{"GET", "/api/v1/watch/namespaces/a/pods/b", KS_KUBE_WATCH, "", "v1", "pods", "", "a", "b"},
	{"GET", "/api/v1/watch/pods?watch=false", KS_KUBE_WATCH, "", "v1", "pods", "", "", ""},
	{"GET", "/apis/apps/v1/watch/namespaces/a/deployments/b/status", KS_KUBE_WATCH, "apps",
	 "v1", "deployments", "status", "a", "b"},
	{"PUT", "/api/v1/proxy/namespaces/a/services/b/x/y", KS_KUBE_PROXY, "", "v1", "services",
	 "", "a", "b"},
	{"GET", "/api/v1/proxy/nodes/b", KS_KUBE_PROXY, "", "v1", "nodes", "", "", "b"},
	{"GET", "/apis/apps/v1/proxies", KS_KUBE_LIST, "apps", "v1", "proxies", "", "", ""},
	{"GET", "/api/v1/pods/a%20b", KS_KUBE_GET, "", "v1", "pods", "", "", "a b"},
	{"GET", "/api/v1/%70ods/%2e%2e%2e", KS_KUBE_GET, "", "v1", "pods", "", "", "..."},
	{"GET", "/%61pi/v1/names%70aces/%c3%a9", KS_KUBE_GET, "", "v1", "namespaces", "",
	 "\xc3\xa9", "\xc3\xa9"},
	{"GET", "/api/v1/pods/a%252fb", KS_KUBE_GET, "", "v1", "pods", "", "", "a%2fb"},
	{"get", "/api/v1/pods", KS_KUBE_HTTP, "", "v1", "pods", "", "", ""},
};

static void
resource_calls(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(calls); i++) {
		struct parsed p = parse(calls[i].method, calls[i].target, strlen(calls[i].target));

		if (p.rc != 0 || p.call.verb != calls[i].verb)
			printf("\n  %s %s: %d\n", calls[i].method, calls[i].target, p.rc);
		CU_ASSERT_EQUAL_FATAL(p.rc, 0);
		CU_ASSERT(p.call.resource_request);
		CU_ASSERT_EQUAL(p.call.verb, calls[i].verb);
		CU_ASSERT(ks_str_is(p.call.group, calls[i].group));
		CU_ASSERT(ks_str_is(p.call.version, calls[i].version));
		CU_ASSERT(ks_str_is(p.call.resource, calls[i].resource));
		CU_ASSERT(ks_str_is(p.call.subresource, calls[i].subresource));
		CU_ASSERT(ks_str_is(p.call.ns, calls[i].ns));
		CU_ASSERT(ks_str_is(p.call.name, calls[i].name));
		parsed_free(&p);
	}
}

static void
non_resource_calls(void)
{
	static const char *const targets[] = {
		"/",	    "/api",	     "/api/",	     "/api/v1",
		"/api/v1/", "/apis",	     "/apis/apps",   "/apis/apps/v1",
		"/livez",   "/readyz/etcd",  "/version",     "/openapi/v3/apis/apps/v1",
		"/logs/",   "/apix/v1/pods", "/Api/v1/pods", "/metrics/a/b/c/d/e/f/g/h/i/j",
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(targets); i++) {
		struct parsed p = parse("GET", targets[i], strlen(targets[i]));

		CU_ASSERT_EQUAL(p.rc, 0);
		CU_ASSERT_FALSE(p.call.resource_request);
		CU_ASSERT_EQUAL(p.call.verb, KS_KUBE_HTTP);
		CU_ASSERT(ks_str_is(p.call.path, targets[i]));
		CU_ASSERT_EQUAL(p.call.resource.n, 0);
		parsed_free(&p);
	}
	struct parsed p = parse("OPTIONS", "*", 1);

	CU_ASSERT_EQUAL(p.rc, 0);
	CU_ASSERT(ks_str_is(p.call.path, "*"));
	parsed_free(&p);
}

#define BYTES(lit)                   \
	{                            \
		lit, sizeof(lit) - 1 \
	}

static void
paths_of_two_meanings_are_refused(void)
{
	static const struct ks_str targets[] = {
		BYTES(""),
		BYTES("api/v1/pods"),
		BYTES("?watch=1"),
		BYTES("//api/v1/pods"),
		BYTES("/api//v1/pods"),
		BYTES("/api/v1/pods//"),
		BYTES("//"),
		BYTES("/api/v1/./pods"),
		BYTES("/api/v1/pods/.."),
		BYTES("/api/v1/pods/../secrets"),
		BYTES("/api/v1/pods/%2e%2e/secrets"),
		BYTES("/api/v1/pods/%2E./secrets"),
		BYTES("/api/v1/pods/.%2e"),
		BYTES("/api/v1/pods/%2e"),
		BYTES("/api/v1/namespaces/a%2fpods/b"),
		BYTES("/api/v1/namespaces/a%2Fpods/b"),
		BYTES("/api/v1/pods/a%00"),
		BYTES("/api/v1/pods/a%0d%0a"),
		BYTES("/api/v1/pods/a%7f"),
		BYTES("/api/v1/pods/a%1"),
		BYTES("/api/v1/pods/a%"),
		BYTES("/api/v1/pods/a%g0"),
		BYTES("/api/v1/pods/a%0g"),
		BYTES("/api/v1/pods/a b"),
		BYTES("/api/v1/pods/a#b"),
		BYTES("/api/v1/pods/a\tb"),
		BYTES("/api/v1/pods/a\0b"),
		BYTES("/api/v1/pods/\xc3\xa9"),
		BYTES("/api/v1/watch"),
		BYTES("/api/v1/watch/"),
		BYTES("/apis/apps/v1/proxy"),
		BYTES("https://a/api/v1/pods"),
		BYTES("/a/b/c/d/e/f/g/h/i/j/k/../l"),
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(targets); i++) {
		struct parsed p = parse("GET", targets[i].p, targets[i].n);

		if (p.rc != -EBADMSG)
			printf("\n  %s: %d\n", targets[i].p, p.rc);
		CU_ASSERT_EQUAL(p.rc, -EBADMSG);
		parsed_free(&p);
	}
}

static void
scratch_too_small(void)
{
	struct ks_kube_call call;
	char scratch[4];

	CU_ASSERT_EQUAL(ks_kube_call_parse(KS_STR("GET"), KS_STR("/api?"), scratch, 4, &call),
			-E2BIG);
	CU_ASSERT_EQUAL(ks_kube_call_parse(KS_STR("GET"), KS_STR("/api"), scratch, 4, &call), 0);
}

static const struct {
	const char *query;
	enum ks_kube_verb verb;
	const char *name;
} queries[] = {
	{"", KS_KUBE_LIST, ""},
	{"?", KS_KUBE_LIST, ""},
	{"?limit=500", KS_KUBE_LIST, ""},
	{"?watch", KS_KUBE_WATCH, ""},
	{"?watch=", KS_KUBE_WATCH, ""},
	{"?watch=1", KS_KUBE_WATCH, ""},
	{"?watch=true", KS_KUBE_WATCH, ""},
	{"?watch=yes", KS_KUBE_WATCH, ""},
	{"?watch=no", KS_KUBE_WATCH, ""},
	{"?watch=0", KS_KUBE_LIST, ""},
	{"?watch=00", KS_KUBE_WATCH, ""},
	{"?watch=false", KS_KUBE_LIST, ""},
	{"?watch=FALSE", KS_KUBE_LIST, ""},
	{"?watch=f%61lse", KS_KUBE_LIST, ""},
	{"?watch=%30", KS_KUBE_LIST, ""},
	{"?w%61tch=1", KS_KUBE_WATCH, ""},
	{"?Watch=1", KS_KUBE_LIST, ""},
	{"?a=b&watch=1", KS_KUBE_WATCH, ""},
	{"?&&watch=1&", KS_KUBE_WATCH, ""},
	{"?watch=0&watch=1", KS_KUBE_LIST, ""},
	{"?watch=1&watch=0", KS_KUBE_WATCH, ""},
	{"?watch=%&watch=0", KS_KUBE_LIST, ""},
	{"?watch=%zz", KS_KUBE_LIST, ""},
	{"?watch=1;", KS_KUBE_LIST, ""},
	{"?a;watch=1", KS_KUBE_LIST, ""},
	{"?watch%zz=1", KS_KUBE_LIST, ""},
	{"?xwatch=1&watchx=1", KS_KUBE_LIST, ""},
	{"?watch="
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaa",
	 KS_KUBE_WATCH, ""},
	{"?fieldSelector=metadata.name=x", KS_KUBE_LIST, "x"},
	{"?fieldSelector=metadata.name%3Dx&watch=1", KS_KUBE_WATCH, "x"},
	{"?fieldSelector=metadata.name%3D%3Dx", KS_KUBE_LIST, "x"},
	{"?fieldSelector=metadata.name!%3Dx", KS_KUBE_LIST, ""},
	{"?fieldSelector=a%3Db,metadata.name%3Dx,c!%3Dd", KS_KUBE_LIST, "x"},
	{"?fieldSelector=a%3Db%2Cmetadata.name%3Dx", KS_KUBE_LIST, "x"},
	{"?fieldSelector=metadata.name%3Dy,metadata.name%3Dx", KS_KUBE_LIST, "x"},
	{"?fieldSelector=metadata.name%3Dxy,metadata.name%3Dx", KS_KUBE_LIST, "x"},
	{"?fieldSelector=metadata.name%3Da,metadata.name%3D%3Dz", KS_KUBE_LIST, "z"},
	{"?fieldSelector=metadata.name%3Dx,broken", KS_KUBE_LIST, ""},
	{"?fieldSelector=metadata.name%3Dx%3Dy", KS_KUBE_LIST, ""},
	{"?fieldSelector=metadata.name%3Dx%5C,y", KS_KUBE_LIST, ""},
	{"?fieldSelector=metadata.name%3D", KS_KUBE_LIST, ""},
	{"?fieldSelector=metadata.name%3D..", KS_KUBE_LIST, ""},
	{"?fieldSelector=metadata.name%3Da%2Fb", KS_KUBE_LIST, ""},
	{"?fieldSelector=metadata.name%3Da%25b", KS_KUBE_LIST, ""},
	{"?fieldSelector=metadata.namespace%3Dx", KS_KUBE_LIST, ""},
	{"?fieldSelector=%3D", KS_KUBE_LIST, ""},
	{"?fieldSelector=", KS_KUBE_LIST, ""},
	{"?fieldSelector=,,metadata.name%3Dx,", KS_KUBE_LIST, "x"},
	{"?fieldSelector=a%3Db&fieldSelector=metadata.name%3Dx", KS_KUBE_LIST, ""},
};

static void
verb_and_name_from_the_query(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(queries); i++) {
		char target[256];
		int n = snprintf(target, sizeof(target), "/api/v1/pods%s", queries[i].query);
		struct parsed p = parse("GET", target, (size_t)n);

		if (p.call.verb != queries[i].verb || !ks_str_is(p.call.name, queries[i].name))
			printf("\n  %s\n", target);
		CU_ASSERT_EQUAL(p.rc, 0);
		CU_ASSERT_EQUAL(p.call.verb, queries[i].verb);
		CU_ASSERT(ks_str_is(p.call.name, queries[i].name));
		parsed_free(&p);
	}
}

static const struct {
	const char *method, *target;
	bool upgrade, lasting;
} flags[] = {
	{"GET", "/api/v1/pods", false, false},
	{"GET", "/api/v1/pods?watch=1", false, true},
	{"GET", "/api/v1/watch/pods", false, true},
	{"GET", "/api/v1/proxy/nodes/a", false, true},
	{"POST", "/api/v1/namespaces/a/pods/b/exec", true, true},
	{"GET", "/api/v1/namespaces/a/pods/b/attach", true, true},
	{"POST", "/api/v1/namespaces/a/pods/b/portforward", true, true},
	{"GET", "/api/v1/namespaces/a/pods/b/proxy", true, true},
	{"GET", "/api/v1/namespaces/a/services/b/proxy/c", true, true},
	{"GET", "/api/v1/nodes/b/proxy/exec/x", true, true},
	{"DELETE", "/api/v1/namespaces/a/pods/b/exec", false, true},
	{"POST", "/apis/apps/v1/namespaces/a/pods/b/exec", false, true},
	{"POST", "/api/v1/namespaces/a/services/b/exec", false, true},
	{"GET", "/api/v1/namespaces/a/pods/b/log", false, false},
	{"GET", "/api/v1/namespaces/a/pods/b/log?follow=true", false, true},
	{"GET", "/api/v1/namespaces/a/pods/b/log?follow", false, true},
	{"GET", "/api/v1/namespaces/a/pods/b/log?follow=false", false, false},
	{"GET", "/api/v1/namespaces/a/pods/b/status", false, false},
	{"GET", "/api/v1/namespaces/a/pods/exec", false, false},
	{"GET", "/debug/pprof/profile?seconds=30", false, true},
	{"GET", "/livez", false, false},
	{"GET", "/exec/a/b/exec", false, false},
};

static void
upgrades_and_long_calls(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(flags); i++) {
		struct parsed p = parse(flags[i].method, flags[i].target, strlen(flags[i].target));

		if (p.call.upgrade_allowed != flags[i].upgrade ||
		    p.call.long_running != flags[i].lasting)
			printf("\n  %s %s\n", flags[i].method, flags[i].target);
		CU_ASSERT_EQUAL(p.rc, 0);
		CU_ASSERT_EQUAL(p.call.upgrade_allowed, flags[i].upgrade);
		CU_ASSERT_EQUAL(p.call.long_running, flags[i].lasting);
		parsed_free(&p);
	}
}

static void
query_is_walked(void)
{
	static const char *const want[] = {"a", "1", "b", "", "c", "", "", "d", "e", "f=g"};
	struct ks_str query = KS_STR("a=1&b=&&c&=d&e=f=g&"), name, value;
	uint32_t pos = 0;
	size_t n = 0;

	while (ks_kube_query_next(query, &pos, &name, &value)) {
		CU_ASSERT_FATAL(n + 2 <= KS_ARRAY_SIZE(want));
		CU_ASSERT(ks_str_is(name, want[n++]));
		CU_ASSERT(ks_str_is(value, want[n++]));
	}
	CU_ASSERT_EQUAL(n, KS_ARRAY_SIZE(want));
	pos = 0;
	CU_ASSERT_FALSE(ks_kube_query_next((struct ks_str){NULL, 0}, &pos, &name, &value));
	CU_ASSERT_FALSE(ks_kube_query_next(KS_STR("&&&"), &pos, &name, &value));
}

static const struct {
	const char *method, *target, *key, *text;
} words[] = {
	{"GET", "/api/v1/namespaces/kube-system/secrets", "list v1 secrets",
	 "list secrets -n kube-system"},
	{"POST", "/api/v1/namespaces/shop/pods/web-1/exec", "create v1 pods/exec",
	 "create pods/exec shop/web-1"},
	{"PATCH", "/apis/apps/v1/namespaces/a/deployments/b/scale",
	 "patch apps/v1 deployments/scale", "patch deployments.apps/scale a/b"},
	{"GET", "/api/v1/nodes/node-1", "get v1 nodes", "get nodes node-1"},
	{"GET", "/api/v1/nodes", "list v1 nodes", "list nodes"},
	{"GET", "/api/v1/namespaces/a", "get v1 namespaces", "get namespaces a"},
	{"GET", "/api/v1/namespaces/a/pods?watch=1&fieldSelector=metadata.name%3Db",
	 "watch v1 pods", "watch pods a/b"},
	{"GET", "/livez", "get /livez", "get /livez"},
	{"HEAD", "/livez?verbose", "head /livez", "head /livez"},
	{"OPTIONS", "/api/v1/pods", "options v1 pods", "options pods"},
	{"OPTIONS", "*", "options *", "options *"},
};

static void
words_for_calls(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(words); i++) {
		struct parsed p = parse(words[i].method, words[i].target, strlen(words[i].target));
		char key[KS_KUBE_CALL_KEY_BYTES], text[256];

		CU_ASSERT_EQUAL(ks_kube_call_key(&p.call, key), strlen(words[i].key));
		CU_ASSERT_STRING_EQUAL(key, words[i].key);
		CU_ASSERT_EQUAL(ks_kube_call_text(&p.call, text, sizeof(text)),
				strlen(words[i].text));
		CU_ASSERT_STRING_EQUAL(text, words[i].text);
		parsed_free(&p);
	}
}

static void
words_are_cut_at_the_capacity(void)
{
	char target[512] = "/", key[KS_KUBE_CALL_KEY_BYTES], *text = malloc(8);

	memset(target + 1, 'x', sizeof(target) - 1);
	struct parsed p = parse("GET", target, sizeof(target));

	CU_ASSERT_EQUAL(ks_kube_call_key(&p.call, key), KS_KUBE_CALL_KEY_BYTES - 1);
	CU_ASSERT_EQUAL(strlen(key), KS_KUBE_CALL_KEY_BYTES - 1);
	CU_ASSERT_EQUAL(ks_kube_call_text(&p.call, text, 8), 7);
	CU_ASSERT_STRING_EQUAL(text, "get /xx");
	CU_ASSERT_EQUAL(ks_kube_call_text(&p.call, text, 0), 0);
	parsed_free(&p);
	free(text);
}

static void
verbs_have_names(void)
{
	CU_ASSERT_STRING_EQUAL(ks_kube_verb_name(KS_KUBE_DELETECOLLECTION), "deletecollection");
	CU_ASSERT_STRING_EQUAL(ks_kube_verb_name(KS_KUBE_HTTP), "http");
	CU_ASSERT_STRING_EQUAL(ks_kube_verb_name(KS_KUBE_VERB_MAX), "");
}

static const struct ks_test tests[] = {
	KS_TEST(resource_calls),
	KS_TEST(non_resource_calls),
	KS_TEST(paths_of_two_meanings_are_refused),
	KS_TEST(scratch_too_small),
	KS_TEST(verb_and_name_from_the_query),
	KS_TEST(upgrades_and_long_calls),
	KS_TEST(query_is_walked),
	KS_TEST(words_for_calls),
	KS_TEST(words_are_cut_at_the_capacity),
	KS_TEST(verbs_have_names),
};

KS_TEST_MAIN("kube: calls", tests)
