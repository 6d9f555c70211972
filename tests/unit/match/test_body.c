/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies: what a place makes of a payload, what is malformed, what could not be looked at, and who
 * says so for certain.
 */
#include "match_small.h"

static struct fixture f;

static const struct ks_finding *
json_hit(const char *body, const char *rule)
{
	fixture_run_json(&f, body);
	return fixture_hit(&f, rule);
}

/* ---- places ---- */

#define PLAIN(body)                                                            \
	do {                                                                   \
		const struct ks_finding *hit = json_hit(body, "shell-marker"); \
		CU_ASSERT_PTR_NOT_NULL_FATAL(hit);                             \
		CU_ASSERT_EQUAL(hit->db, 100);                                 \
		CU_ASSERT_TRUE(hit->certain);                                  \
	} while (0)
#define PARAM(body)                                                            \
	do {                                                                   \
		const struct ks_finding *hit = json_hit(body, "shell-marker"); \
		CU_ASSERT_PTR_NOT_NULL_FATAL(hit);                             \
		CU_ASSERT_EQUAL(hit->db, 100);                                 \
		CU_ASSERT_FALSE(hit->certain);                                 \
	} while (0)
#define CODE(body)                                                             \
	do {                                                                   \
		const struct ks_finding *hit = json_hit(body, "shell-marker"); \
		CU_ASSERT_PTR_NOT_NULL_FATAL(hit);                             \
		CU_ASSERT_EQUAL(hit->db, 20);                                  \
		CU_ASSERT_FALSE(hit->certain);                                 \
	} while (0)

static void
test_natures(void)
{
	small_init(&f);
	PLAIN("{\"metadata\":{\"name\":\"run marker\"}}");
	PLAIN("{\"metadata\":{\"labels\":{\"args\":\"run marker\"}}}");
	PLAIN("{\"metadata\":{\"annotations\":{\"command\":\"run marker\\n\\n\\n\"}}}");
	PLAIN("{\"spec\":{\"serviceName\":\"run marker\"}}");
	PARAM("{\"data\":{\"greeting\":\"run marker\"}}");
	PARAM("{\"spec\":{\"containers\":[{\"env\":[{\"name\":\"A\",\"value\":\"run "
	      "marker\"}]}]}}");
	PARAM("{\"message\":\"run marker\"}");
	CODE("{\"data\":{\"start.sh\":\"run marker\"}}");
	CODE("{\"data\":{\"greeting\":\"#!/bin/sh\\nrun marker\"}}");
	CODE("{\"spec\":{\"containers\":[{\"command\":[\"sh\",\"-c\",\"run marker\"]}]}}");
	CODE("{\"spec\":{\"containers\":[{\"args\":[\"run marker\"]}]}}");
	CODE("{\"spec\":{\"steps\":[{\"script\":\"run marker\"}]}}");
	CODE("{\"spec\":{\"text\":\"one\\nrun marker\\nthree\"}}");
	CODE("{\"spec\":{\"schema\":{\"openAPIV3Schema\":{\"properties\":{\"x\":{\"description\":"
	     "\"run marker\"}}}}}}");
}

static void
test_natures_of_classes(void)
{
	const char *file =
		"{\"data\":{\"x.sh\":\"bad-file-123 key_Q7xW2mZk9Lr4tVb6 escape-host\"}}";

	/* What is hostile by its content keeps its weight where code is normal. */
	CU_ASSERT_EQUAL(json_hit(file, "file-marker")->db, 100);
	CU_ASSERT_TRUE(json_hit(file, "file-marker")->certain);
	CU_ASSERT_EQUAL(json_hit(file, "leak-marker")->db, 70);
	CU_ASSERT_EQUAL(json_hit(file, "kube-marker")->db, 50);
	CU_ASSERT_FALSE(json_hit(file, "kube-marker")->certain);
}

/* To a program behind a proxy call, "args" is a word as any other. */
static void
test_proxy_bodies_have_no_natures(void)
{
	fixture_request(&f);
	f.ex->call.subresource = KS_STR("proxy");
	fixture_json(&f, "{\"args\":[\"run marker\"]}");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
	fixture_request(&f);
	f.ex->call.resource_request = false;
	fixture_json(&f, "{\"data\":{\"x.sh\":\"run marker\"}}");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
}

static void
test_exec_command_is_code(void)
{
	fixture_request(&f);
	f.ex->call.resource = KS_STR("pods");
	f.ex->call.subresource = KS_STR("exec");
	fixture_query(&f, "command=run+marker&container=x");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 20);
	fixture_request(&f);
	f.ex->call.resource = KS_STR("pods");
	f.ex->call.subresource = KS_STR("exec");
	fixture_query(&f, "command=run+marker&container=run+marker");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
	small_query(&f, "command=run+marker");
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
}

static void
test_last_applied_is_the_object(void)
{
	static const char annotation[] = "{\"metadata\":{\"annotations\":{\"kubectl.kubernetes.io/"
					 "last-applied-configuration\":"
					 "\"%s\"}}}";
	char body[512];

	snprintf(body, sizeof(body), annotation,
		 "{\\\"data\\\":{\\\"x.sh\\\":\\\"run marker\\\"}}");
	CODE(body);
	snprintf(body, sizeof(body), annotation,
		 "{\\\"metadata\\\":{\\\"name\\\":\\\"run marker\\\"}}");
	PLAIN(body);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "metadata.annotations.*");
	CU_ASSERT_EQUAL(f.ex->body_fields, 1);
	/* What is no object there is a text. */
	snprintf(body, sizeof(body), annotation, "{\\\"data\\\": run marker");
	PLAIN(body);
	/* An escaped string within: the outer text must outlive the inner one. */
	snprintf(body, sizeof(body), annotation, "{\\\"a\\\":\\\"\\\\n0123456789\\\"} run marker");
	PLAIN(body);
}

static void
test_json_patch_value_stands_where_it_goes(void)
{
	static const char *const type = "application/json-patch+json";

	fixture_request(&f);
	fixture_body(&f, type,
		     "[{\"op\":\"add\",\"path\":\"/data/x.sh\",\"value\":\"run marker\"}]");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 20);
	fixture_request(&f);
	fixture_body(
		&f, type,
		"[{\"op\":\"add\",\"path\":\"/metadata/labels/x.sh\",\"value\":\"run marker\"}]");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
	CU_ASSERT_TRUE(fixture_hit(&f, "shell-marker")->certain);
	/* An operation's path is its own only. */
	fixture_request(&f);
	fixture_body(
		&f, type,
		"[{\"path\":\"/data/x.sh\"},{\"value\":\"run marker\",\"path\":\"/data/x.sh\"}]");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
	CU_ASSERT_FALSE(fixture_hit(&f, "shell-marker")->certain);
}

static void
test_secrets_may_hold_secrets(void)
{
	const char *body =
		"{\"stringData\":{\"a\":\"key_Q7xW2mZk9Lr4tVb6\"},\"metadata\":{\"name\":"
		"\"run marker\"}}";

	fixture_request(&f);
	f.ex->call.resource = KS_STR("secrets");
	fixture_json(&f, body);
	fixture_run(&f);
	CU_ASSERT_PTR_NULL(fixture_hit(&f, "leak-marker"));
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
	CU_ASSERT_PTR_NOT_NULL(json_hit(body, "leak-marker"));
}

static void
test_controllers_copy(void)
{
	const char *body = "{\"metadata\":{\"name\":\"key_Q7xW2mZk9Lr4tVb6\"}}";

	fixture_request(&f);
	f.ex->principal.kind = KS_PRINCIPAL_SERVICE_ACCOUNT;
	strcpy(f.ex->principal.name, "system:serviceaccount:kube-system:replicaset-controller");
	fixture_json(&f, body);
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "leak-marker")->db, 70);
	fixture_request(&f);
	f.ex->principal.kind = KS_PRINCIPAL_SERVICE_ACCOUNT;
	f.ex->principal.proven = true;
	strcpy(f.ex->principal.name, "system:serviceaccount:kube-system:replicaset-controller");
	fixture_json(&f, body);
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_hit(&f, "leak-marker")->db, 20);
}

/* ---- malformed ---- */

static bool
malformed(const char *body, size_t n, const char *words)
{
	const struct ks_finding *finding;

	fixture_request(&f);
	fixture_body_n(&f, "application/json", body, n);
	fixture_run(&f);
	finding = fixture_finding(&f, KS_FINDING_BODY_MALFORMED);
	return finding != NULL && finding->certain && strstr(finding->observed, words) != NULL &&
	       strcmp(finding->expected, "JSON") == 0;
}
#define MALFORMED(text, words) CU_ASSERT_TRUE(malformed(text, sizeof(text) - 1, words))

static void
test_malformed_json(void)
{
	MALFORMED("{\"a\":", "at byte 5 of 5");
	MALFORMED("{\"a\" 1}", "at byte 5 of 7");
	MALFORMED("{'a':1}", "at byte 1");
	MALFORMED("}{", "at byte 0");
	MALFORMED("{\"a\":1}x", "at byte 7");
	MALFORMED("{\"a\":\"\xff\"}", "at byte 6");
	MALFORMED("{\"a\":\"\xc3(\"}", "at byte");
	MALFORMED("{\"a\":\"\0\"}", "at byte 6");
	MALFORMED("\xef\xbb\xbf{}", "at byte 0");
	MALFORMED(" ", "at byte 1");
	MALFORMED("{\"a\":1e99999}", "out of range");
	MALFORMED("{\"a\":-2E+400}", "out of range");
	MALFORMED("{\"a\":1,\"b\":2,\"a\":3}", "a key comes twice");
	MALFORMED("{\"a\":1,\"\\u0061\":3}", "a key comes twice");
	MALFORMED("{\"x\":[{\"q\":{\"a\":1,\"b\":{},\"a\":3}}]}", "a key comes twice");
	/* Label keys are one path, but keys of their own. */
	MALFORMED("{\"metadata\":{\"labels\":{\"a\":\"1\",\"a\":\"2\"}}}", "a key comes twice");
}

static void
test_well_formed_json(void)
{
	static const char *const good[] = {"{}",
					   "[]",
					   "null",
					   "\"x\"",
					   "7",
					   " {\"a\" : 1e308} ",
					   "{\"a\":1e-999}",
					   "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
					   "[{\"a\":1},{\"a\":1}]",
					   "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"};

	for (size_t i = 0; i < KS_ARRAY_SIZE(good); i++) {
		fixture_run_json(&f, good[i]);
		CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	}
}

/* Enough keys for the table, the same again beneath, and one that comes twice at the very end. */
static void
test_duplicates_in_large_objects(void)
{
	char *body = malloc(1 << 20);
	size_t n = (size_t)sprintf(body, "{\"k0\":{");

	for (int i = 0; i < 500; i++)
		n += (size_t)sprintf(body + n, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
	n += (size_t)sprintf(body + n, "}");
	for (int i = 1; i < 500; i++)
		n += (size_t)sprintf(body + n, ",\"k%d\":{\"k%d\":1}", i, i);
	strcpy(body + n, "}");
	fixture_run_json(&f, body);
	CU_ASSERT_PTR_NULL(fixture_finding(&f, KS_FINDING_BODY_MALFORMED));
	strcpy(body + n, ",\"k250\":1}");
	fixture_run_json(&f, body);
	CU_ASSERT_PTR_NOT_NULL(fixture_finding(&f, KS_FINDING_BODY_MALFORMED));
	/* A walk that broke off leaves no keys behind. */
	strcpy(body + n, ",");
	fixture_run_json(&f, body);
	strcpy(body + n, "}");
	fixture_run_json(&f, body);
	CU_ASSERT_PTR_NULL(fixture_finding(&f, KS_FINDING_BODY_MALFORMED));
	free(body);
}

static void
test_too_many_keys(void)
{
	const uint32_t keys = 33000;
	char *body = malloc(keys * 16);
	size_t n = (size_t)sprintf(body, "{\"metadata\":{\"labels\":{");

	for (uint32_t i = 0; i < keys; i++)
		n += (size_t)sprintf(body + n, "%s\"%u\":0", i > 0 ? "," : "", i);
	strcpy(body + n, "}}}");
	fixture_run_json(&f, body);
	CU_ASSERT_TRUE(fixture_uninspected(&f, "more keys"));
	CU_ASSERT_TRUE(fixture_finding(&f, KS_FINDING_UNINSPECTED)->certain);
	free(body);
}

static void
test_malformed_bodies_are_scanned(void)
{
	fixture_run_json(&f, "{\"a\":1,,, run marker");
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
	CU_ASSERT_PTR_NOT_NULL(fixture_finding(&f, KS_FINDING_BODY_MALFORMED));
	/* To another program it may be what it wants. */
	fixture_request(&f);
	f.ex->call.subresource = KS_STR("proxy");
	fixture_json(&f, "{'a':1}");
	fixture_run(&f);
	CU_ASSERT_FALSE(fixture_finding(&f, KS_FINDING_BODY_MALFORMED)->certain);
}

static void
test_depth(void)
{
	char body[4096];

	memset(body, '[', 64);
	memset(body + 64, ']', 64);
	fixture_request(&f);
	fixture_body_n(&f, "application/json", body, 128);
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	CU_ASSERT_EQUAL(f.ex->body_depth, 64);
	memset(body, '[', 2000);
	memcpy(body + 2000, "\"run marker\"", 12);
	fixture_request(&f);
	fixture_body_n(&f, "application/json", body, 2012);
	fixture_run(&f);
	CU_ASSERT_TRUE(fixture_uninspected(&f, "nested too deep"));
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
}

static void
test_depth_limit(void)
{
	const struct ks_match_limits limits = {.json_depth = 1024};
	static char body[2048];
	struct fixture deep;

	fixture_init(&deep, small_rules, KS_ARRAY_SIZE(small_rules), &limits);
	memset(body, '[', 1024);
	memset(body + 1024, ']', 1024);
	fixture_body_n(&deep, "application/json", body, sizeof(body));
	fixture_run(&deep);
	CU_ASSERT_EQUAL(deep.ex->nfindings, 0);
	CU_ASSERT_EQUAL(deep.ex->body_depth, 1024);
	fixture_fini(&deep);
}

/* ---- types ---- */

static const struct ks_finding *
gap(const char *type, const char *body, const char *words)
{
	fixture_request(&f);
	fixture_body(&f, type, body);
	fixture_run(&f);
	return fixture_uninspected(&f, words) ? fixture_finding(&f, KS_FINDING_UNINSPECTED) : NULL;
}

static void
test_types_that_are_not_decoded(void)
{
	const struct ks_finding *finding;

	finding = gap("application/vnd.kubernetes.protobuf", "k8s run marker", "protobuf");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_FALSE(finding->certain);
	CU_ASSERT_EQUAL(finding->db, 20);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 20);
	finding = gap("application/yaml", "a: run marker", "YAML");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_FALSE(finding->certain);
	finding = gap("application/cbor", "run marker", "cannot be decoded");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_TRUE(finding->certain);
	CU_ASSERT_EQUAL(fixture_hit(&f, "shell-marker")->db, 100);
	finding = gap("multipart/form-data; boundary=x", "--x\r\nrun marker\r\n--x--",
		      "cannot be decoded");
	CU_ASSERT_PTR_NOT_NULL(finding);
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
	CU_ASSERT_PTR_NOT_NULL(gap("x", "y", "cannot be decoded"));
}

static void
test_types_that_are(void)
{
	static const char *const json[] = {
		"application/json",
		"application/json; charset=utf-8",
		"APPLICATION/JSON ;x",
		"application/merge-patch+json",
		"application/strategic-merge-patch+json",
		"application/apply-patch+yaml",
		"application/yaml",
		NULL,
	};

	for (size_t i = 0; i < KS_ARRAY_SIZE(json); i++) {
		fixture_request(&f);
		fixture_body(&f, json[i], "{\"a\":{\"b\":1}}");
		fixture_run(&f);
		CU_ASSERT_EQUAL(f.ex->nfindings, 0);
		CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "a.b"));
	}
	CU_ASSERT_PTR_NULL(gap("text/plain", "nothing", ""));
	CU_ASSERT_PTR_NULL(gap("text/plain", "run marker", ""));
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
}

static void
test_encodings_and_double_types(void)
{
	fixture_request(&f);
	fixture_header(&f, "Content-Encoding", "gzip");
	fixture_json(&f, "{}");
	fixture_run(&f);
	CU_ASSERT_TRUE(fixture_uninspected(&f, "content encoding"));
	CU_ASSERT_TRUE(fixture_finding(&f, KS_FINDING_UNINSPECTED)->certain);
	fixture_request(&f);
	fixture_header(&f, "Content-Encoding", "identity");
	fixture_json(&f, "{}");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	fixture_request(&f);
	fixture_header(&f, "Content-Type", "application/yaml");
	fixture_json(&f, "{}");
	fixture_run(&f);
	CU_ASSERT_TRUE(fixture_uninspected(&f, "more than one content type"));
	/* Without a body there is nothing that an encoding could hide. */
	fixture_request(&f);
	fixture_header(&f, "Content-Encoding", "gzip");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
}

static void
test_forms(void)
{
	fixture_request(&f);
	fixture_body(&f, "application/x-www-form-urlencoded",
		     "user=a%20b&pass+word=x&host=1%3b+run+marker&user=c&&=&k");
	fixture_run(&f);
	CU_ASSERT_STRING_EQUAL(fixture_hit(&f, "shell-marker")->where, "host");
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "user")->count, 2);
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "pass word"));
	CU_ASSERT_EQUAL(f.ex->nfindings, 1);
}

static void
test_yaml_bombs(void)
{
	const char *bomb =
		"a: &a [\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\"]\n"
		"b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
	const char *anchors = "base: &base\n  a: 1\nx:\n  <<: *base\ny:\n  <<: *base\n"
			      "rules: [\"*\", \"*\"]\ntext: |\n  char *p, *q; x = a & b; *base*\n";

	CU_ASSERT_PTR_NOT_NULL(gap("application/yaml", bomb, "aliases multiply"));
	CU_ASSERT_TRUE(fixture_finding(&f, KS_FINDING_UNINSPECTED)->certain);
	CU_ASSERT_PTR_NULL(gap("application/yaml", anchors, "aliases multiply"));
}

static void
test_empty_bodies(void)
{
	fixture_request(&f);
	fixture_body(&f, "application/json", "");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	fixture_request(&f);
	fixture_body(&f, "application/x-www-form-urlencoded", "");
	fixture_run(&f);
	CU_ASSERT_EQUAL(f.ex->nfindings, 0);
	fixture_fini(&f);
}

static const struct ks_test tests[] = {
	KS_TEST(test_natures),
	KS_TEST(test_natures_of_classes),
	KS_TEST(test_proxy_bodies_have_no_natures),
	KS_TEST(test_exec_command_is_code),
	KS_TEST(test_last_applied_is_the_object),
	KS_TEST(test_json_patch_value_stands_where_it_goes),
	KS_TEST(test_secrets_may_hold_secrets),
	KS_TEST(test_controllers_copy),
	KS_TEST(test_malformed_json),
	KS_TEST(test_well_formed_json),
	KS_TEST(test_duplicates_in_large_objects),
	KS_TEST(test_too_many_keys),
	KS_TEST(test_malformed_bodies_are_scanned),
	KS_TEST(test_depth),
	KS_TEST(test_depth_limit),
	KS_TEST(test_types_that_are_not_decoded),
	KS_TEST(test_types_that_are),
	KS_TEST(test_encodings_and_double_types),
	KS_TEST(test_forms),
	KS_TEST(test_yaml_bombs),
	KS_TEST(test_empty_bodies),
};
KS_TEST_MAIN("match body", tests)
