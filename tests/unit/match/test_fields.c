/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field list: which paths there are, what is folded into them, what their values are, and what
 * of them is never kept.
 */
#include "match_small.h"

static struct fixture f;

static uint32_t
type_of(const char *value)
{
	const struct ks_field *field;

	fixture_request(&f);
	fixture_header(&f, "X-Value", value);
	fixture_run(&f);
	field = fixture_field(&f, KS_PLACE_HEADER, "x-value");
	return field != NULL ? field->type_mask : 0;
}

#define IS(type, value)                                                         \
	do {                                                                    \
		if (type_of(value) != 1u << KS_VALUE_##type)                    \
			printf("\n%s is of types %x\n", value, type_of(value)); \
		CU_ASSERT_EQUAL(type_of(value), 1u << KS_VALUE_##type);         \
	} while (0)

static void
test_types_of_numbers_and_times(void)
{
	small_init(&f);
	IS(EMPTY, "");
	IS(BOOL, "true");
	IS(BOOL, "false");
	IS(INT, "0");
	IS(INT, "-17");
	IS(INT, "99999999999999999999");
	IS(NUMBER, "1.5");
	IS(NUMBER, "-0.25");
	IS(NUMBER, "1e9");
	IS(NUMBER, "2.5E-3");
	IS(TIME, "2026-11-23T20:15:45Z");
	IS(TIME, "2026-11-23T20:15:45.123456+01:00");
	IS(TIME, "2026-11-23");
	IS(TIME, "Mon, 23 Nov 2026 20:15:45 GMT");
	IS(DURATION, "30s");
	IS(DURATION, "1h15m30.5s");
	IS(DURATION, "250ms");
	IS(QUANTITY, "100m");
	IS(QUANTITY, "1.5Gi");
	IS(QUANTITY, "64Ki");
	IS(QUANTITY, "5G");
	IS(UUID, "6f1b3c1e-52a7-4c1d-9b7e-0f2a4c6e8d10");
}

static void
test_types_of_names_and_texts(void)
{
	IS(IP, "10.96.0.1");
	IS(IP, "fd00:1234::1");
	IS(IP, "::1");
	IS(CIDR, "10.244.0.0/16");
	IS(CIDR, "fd00::/8");
	IS(NAME, "web-0");
	IS(NAME, "kube-system");
	IS(NAME, "node-3.example.com");
	IS(NAME, "300.1.2.3");
	IS(PATH, "/var/lib/data");
	IS(PATH, "registry.example.com/shop/web:1.2");
	IS(PATH, "https://example.com/x?a=b&c=d");
	IS(PATH, "text/plain");
	IS(WORD, "RollingUpdate");
	IS(WORD, "system:node:node-1");
	IS(WORD, "snake_case");
	IS(BASE64, "dW5pb24gc2VsZWN0IG5hbWU=");
	IS(BASE64, "Q7xW2mZk9Lr4tVb6nHc1yJd8sFg3");
	IS(LIST, "a,b,c");
	IS(LIST, "app=web,tier=x");
	IS(LIST, "gzip, deflate");
	IS(TEXT, "two words");
	IS(TEXT, "' or 1=1");
	IS(TEXT, "Gr\xc3\xbc\xc3\x9f");
	IS(TEXT, "a\nb");
	IS(BINARY, "a\x01"
		   "b");
}

static void
test_characters(void)
{
	fixture_request(&f);
	fixture_query(&f, "a=aB1%20-/,'(<%24%0A%01%C3%A9&b=a&b=7");
	fixture_run(&f);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_QUERY, "a")->char_mask,
			KS_CHAR_LOWER | KS_CHAR_UPPER | KS_CHAR_DIGIT | KS_CHAR_SPACE |
				KS_CHAR_NAME | KS_CHAR_PATH | KS_CHAR_LIST | KS_CHAR_QUOTE |
				KS_CHAR_BRACKET | KS_CHAR_ANGLE | KS_CHAR_SHELL | KS_CHAR_LINE |
				KS_CHAR_CONTROL | KS_CHAR_HIGH);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_QUERY, "b")->char_mask,
			KS_CHAR_LOWER | KS_CHAR_DIGIT);
}

static void
test_folding(void)
{
	const struct ks_field *field;

	fixture_run_json(&f, "{\"spec\":{\"containers\":[{\"image\":\"a:1\",\"ports\":[]},"
			     "{\"image\":\"longer:1\"},{\"image\":null}],\"empty\":{}}}");
	field = fixture_field(&f, KS_PLACE_BODY, "spec.containers[].image");
	CU_ASSERT_PTR_NOT_NULL_FATAL(field);
	CU_ASSERT_EQUAL(field->count, 3);
	CU_ASSERT_EQUAL(field->len_max, 8);
	CU_ASSERT_EQUAL(field->type_mask, 1u << KS_VALUE_WORD | 1u << KS_VALUE_NULL);
	CU_ASSERT_EQUAL(field->depth, 4);
	CU_ASSERT_TRUE(ks_str_is(ks_field_value(&f.ex->fields, field), "a:1"));
	CU_ASSERT_NOT_EQUAL(field->value_hash, 0);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "spec.containers[].ports")->type_mask,
			1u << KS_VALUE_ARRAY);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "spec.empty")->type_mask,
			1u << KS_VALUE_OBJECT);
	CU_ASSERT_EQUAL(f.ex->body_fields, 3);
	CU_ASSERT_EQUAL(f.ex->body_depth, 5);
}

static void
test_json_values(void)
{
	fixture_run_json(&f, "{\"a\":true,\"b\":7,\"c\":-1.5e3,\"d\":\"7\",\"e\":null}");
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "a")->type_mask, 1u << KS_VALUE_BOOL);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "b")->type_mask, 1u << KS_VALUE_INT);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "c")->type_mask, 1u << KS_VALUE_NUMBER);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "d")->type_mask, 1u << KS_VALUE_INT);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "e")->type_mask, 1u << KS_VALUE_NULL);
}

/* Names that people choose must not become paths: there is no end of them. */
static void
test_map_keys_are_one_path(void)
{
	fixture_run_json(
		&f,
		"{\"metadata\":{\"labels\":{\"app\":\"a\",\"tier\":\"b\",\"x/y\":\"c\"},"
		"\"annotations\":{\"one\":\"1\",\"two\":\"2\"},"
		"\"managedFields\":[{\"manager\":\"m\",\"fieldsV1\":{\"f:metadata\":{\"f:labels\":{"
		"\".\":{},\"f:app\":{}}},\"f:spec\":{}}}]},"
		"\"data\":{\"a\":\"1\",\"b.conf\":\"2\"},"
		"\"spec\":{\"selector\":{\"app\":\"x\",\"matchLabels\":{\"q\":\"r\"}},"
		"\"limits\":{\"cpu\":\"1\",\"example.com/gpu\":\"2\"}}}");
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "metadata.labels.*")->count, 3);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "metadata.annotations.*")->count, 2);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "data.*")->count, 2);
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "spec.selector.*"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "spec.selector.matchLabels.*"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "spec.limits.cpu"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "spec.limits.*"));
	CU_ASSERT_EQUAL(
		fixture_field(&f, KS_PLACE_BODY, "metadata.managedFields[].fieldsV1.*")->count, 3);
	CU_ASSERT_EQUAL(f.ex->body_fields, 9);
}

static void
test_schema_is_one_path(void)
{
	fixture_run_json(&f,
			 "{\"spec\":{\"versions\":[{\"schema\":{\"openAPIV3Schema\":{\"type\":"
			 "\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{"
			 "\"a\":{\"type\":\"string\",\"enum\":[\"x\",\"y\"]}}}}}}}]}}");
	CU_ASSERT_EQUAL(f.ex->body_fields, 1);
	CU_ASSERT_EQUAL(
		fixture_field(&f, KS_PLACE_BODY, "spec.versions[].schema.openAPIV3Schema.*")->count,
		5);
}

static void
test_json_patch_paths(void)
{
	fixture_request(&f);
	fixture_body(
		&f, "application/json-patch+json",
		"[{\"op\":\"add\",\"path\":\"/metadata/labels/a~1b\",\"value\":\"x\"},"
		"{\"op\":\"add\",\"path\":\"/spec/containers/0/env/-\",\"value\":{\"name\":\"y\"}},"
		"{\"op\":\"add\",\"value\":\"z\",\"path\":\"/spec/x\"}]");
	fixture_run(&f);
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "[].metadata.labels.*"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "[].spec.containers[].env[].name"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "[].value"));
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_BODY, "[].op")->count, 3);
}

static void
test_escaped_keys_are_what_they_mean(void)
{
	fixture_run_json(&f, "{\"\\u0073pec\":{\"repl\\u0069cas\":3}}");
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_BODY, "spec.replicas"));
}

static void
test_head_fields(void)
{
	const struct ks_field *field;

	fixture_request(&f);
	f.ex->call.name = KS_STR("web-config");
	fixture_query(&f, "limit=5&labelSelector=app%3Dweb&flag&limit=50");
	fixture_header(&f, "USER-Agent", "kubectl/v1.30");
	fixture_header(&f, "Cookie", "sid=abc; theme=dark");
	fixture_run(&f);
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_HEADER, "user-agent"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_COOKIE, "sid"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_COOKIE, "theme"));
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_QUERY, "limit")->count, 2);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_QUERY, "limit")->len_max, 2);
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_QUERY, "flag")->type_mask, 1u << KS_VALUE_EMPTY);
	field = fixture_field(&f, KS_PLACE_QUERY, "labelSelector");
	CU_ASSERT_TRUE(ks_str_is(ks_field_value(&f.ex->fields, field), "app=web"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_PATH, "namespace"));
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_PATH, "name"));
	CU_ASSERT_PTR_NULL(fixture_field(&f, KS_PLACE_PATH, "path"));
}

/* The second time all of it is known; the list must be the same to the byte. */
static void
test_known_values_give_the_same_fields(void)
{
	char first[4096];
	uint32_t bytes = 0;

	for (int i = 0; i < 2; i++) {
		fixture_request(&f);
		fixture_query(&f, "limit=5&labelSelector=app%3Dnever-seen");
		fixture_header(&f, "User-Agent", "kubectl/v9.9");
		fixture_run(&f);
		if (i == 0) {
			bytes = f.ex->fields.n * (uint32_t)sizeof(struct ks_field);
			memcpy(first, f.ex->fields.v, bytes);
		}
		CU_ASSERT_EQUAL(f.ex->fields.n * sizeof(struct ks_field), bytes);
		CU_ASSERT_EQUAL(memcmp(first, f.ex->fields.v, bytes), 0);
	}
}

static void
test_non_resource_paths(void)
{
	fixture_request(&f);
	f.ex->call.resource_request = false;
	f.ex->call.path = KS_STR("/livez/ping");
	fixture_run(&f);
	CU_ASSERT_PTR_NOT_NULL(fixture_field(&f, KS_PLACE_PATH, "path"));
	CU_ASSERT_PTR_NULL(fixture_field(&f, KS_PLACE_PATH, "namespace"));
}

static bool
kept(enum ks_place place, const char *path)
{
	const struct ks_field *field = fixture_field(&f, place, path);

	CU_ASSERT_PTR_NOT_NULL_FATAL(field);
	return field->value_len > 0 || field->value_hash != 0;
}

static void
test_secrets_are_not_kept(void)
{
	fixture_request(&f);
	fixture_query(&f, "token=abcdefgh&plain=abc");
	fixture_header(&f, "Authorization", "Bearer abc");
	fixture_header(&f, "X-Api-Key", "abcdefgh");
	fixture_header(&f, "Accept", "text/plain");
	fixture_header(&f, "Cookie", "theme=dark");
	fixture_json(
		&f, "{\"data\":{\"x\":\"y\"},\"spec\":{\"password\":\"p\",\"env\":[{\"name\":\"N\","
		    "\"value\":\"v\"}],\"clientSecretRef\":{\"name\":\"s\"},\"mode\":\"m\"}}");
	fixture_run(&f);
	CU_ASSERT_FALSE(kept(KS_PLACE_QUERY, "token"));
	CU_ASSERT_TRUE(kept(KS_PLACE_QUERY, "plain"));
	CU_ASSERT_FALSE(kept(KS_PLACE_HEADER, "authorization"));
	CU_ASSERT_FALSE(kept(KS_PLACE_HEADER, "x-api-key"));
	CU_ASSERT_TRUE(kept(KS_PLACE_HEADER, "accept"));
	CU_ASSERT_FALSE(kept(KS_PLACE_COOKIE, "theme"));
	CU_ASSERT_FALSE(kept(KS_PLACE_BODY, "data.*"));
	CU_ASSERT_FALSE(kept(KS_PLACE_BODY, "spec.password"));
	CU_ASSERT_FALSE(kept(KS_PLACE_BODY, "spec.env[].value"));
	CU_ASSERT_TRUE(kept(KS_PLACE_BODY, "spec.env[].name"));
	CU_ASSERT_FALSE(kept(KS_PLACE_BODY, "spec.clientSecretRef.name"));
	CU_ASSERT_TRUE(kept(KS_PLACE_BODY, "spec.mode"));
}

static void
test_long_values_are_not_kept(void)
{
	char query[256] = "a=";

	memset(query + 2, 'x', 65);
	fixture_request(&f);
	fixture_query(&f, query);
	fixture_run(&f);
	CU_ASSERT_FALSE(kept(KS_PLACE_QUERY, "a"));
	CU_ASSERT_EQUAL(fixture_field(&f, KS_PLACE_QUERY, "a")->len_max, 65);
}

static char *
many_fields(uint32_t n)
{
	char *body = malloc((size_t)n * 24 + 64);
	size_t used = (size_t)sprintf(body, "{\"spec\":{");

	for (uint32_t i = 0; i < n; i++)
		used += (size_t)sprintf(body + used, "%s\"field%u\":%u", i > 0 ? "," : "", i, i);
	sprintf(body + used, "}}");
	return body;
}

static void
test_overflow(void)
{
	char *body = many_fields(4000);

	fixture_run_json(&f, body);
	CU_ASSERT_TRUE(f.ex->fields.overflow);
	CU_ASSERT_TRUE(f.ex->fields.n <= f.ex->fields.cap);
	CU_ASSERT_TRUE(fixture_uninspected(&f, "more distinct fields"));
	CU_ASSERT_TRUE(fixture_finding(&f, KS_FINDING_UNINSPECTED)->certain);
	free(body);
	/* What did not fit into the list is scanned nevertheless. */
	body = many_fields(4000);
	memcpy(strstr(body, "3999\":3999"), "3999\":\"run marker\"}}", 21);
	fixture_run_json(&f, body);
	CU_ASSERT_PTR_NOT_NULL(fixture_hit(&f, "shell-marker"));
	free(body);
}

/* More fields than the index begins with: all found again. */
static void
test_many_fields_are_found_again(void)
{
	char *body = many_fields(400);
	uint32_t n = 0;

	fixture_request(&f);
	fixture_json(&f, body);
	fixture_run(&f);
	CU_ASSERT_FALSE(f.ex->fields.overflow);
	CU_ASSERT_EQUAL(f.ex->body_fields, 400);
	for (uint16_t i = 0; i < f.ex->fields.n; i++)
		for (uint16_t k = 0; k < i; k++)
			n += f.ex->fields.v[i].hash == f.ex->fields.v[k].hash;
	CU_ASSERT_EQUAL(n, 0);
	free(body);
	fixture_fini(&f);
}

static const struct ks_test tests[] = {
	KS_TEST(test_types_of_numbers_and_times),
	KS_TEST(test_types_of_names_and_texts),
	KS_TEST(test_characters),
	KS_TEST(test_folding),
	KS_TEST(test_json_values),
	KS_TEST(test_map_keys_are_one_path),
	KS_TEST(test_schema_is_one_path),
	KS_TEST(test_json_patch_paths),
	KS_TEST(test_escaped_keys_are_what_they_mean),
	KS_TEST(test_head_fields),
	KS_TEST(test_known_values_give_the_same_fields),
	KS_TEST(test_non_resource_paths),
	KS_TEST(test_secrets_are_not_kept),
	KS_TEST(test_long_values_are_not_kept),
	KS_TEST(test_overflow),
	KS_TEST(test_many_fields_are_found_again),
};
KS_TEST_MAIN("match fields", tests)
