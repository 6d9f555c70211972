/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kind of surprise is raised where it should be, with its words, and not where it should not.
 */
#include "ks_test.h"

#include "score_fixture.h"

#define SETTLED 6000 /* requests of the town: 500 of each kind */

static const struct ks_score_params params = {.seed = FIXTURE_SEED};
static struct town_state *settled;

/* Frequencies are the matter of another test: every request has a minute for itself. */
static uint64_t
next_minute(void)
{
	static uint64_t minutes;

	return town_ms(SETTLED) + 60000 * (2 + minutes++);
}

/* A request that is ready but for more fields. */
static struct ks_exchange *
prepare(struct fixture_spec spec)
{
	spec.now_ms = next_minute();
	return fixture_request(&settled->f, &spec);
}

static struct ks_exchange *
judge(struct fixture_spec spec)
{
	prepare(spec);
	ks_scorer_judge(settled->scorer, &settled->f.ex, KS_MODE_DETECT);
	return &settled->f.ex;
}

static struct ks_exchange *
judged(void)
{
	ks_scorer_judge(settled->scorer, &settled->f.ex, KS_MODE_DETECT);
	return &settled->f.ex;
}

static const struct fixture_spec web_get = {"GET", "/api/v1/namespaces/shop/configmaps/settings",
					    TOWN_WEB, "web/v1.2 (linux)", "10.1.0.1"};
static const struct fixture_spec alice_post = {
	"POST",	    "/apis/apps/v1/namespaces/shop/deployments",
	"alice",    "kubectl/v1.30",
	"10.3.0.1", "application/json",
	NULL,	    NULL,
	900};

static void
deployment_body(const char *mode)
{
	struct fixture *f = &settled->f;

	fixture_field(f, KS_PLACE_BODY, "kind", "thing", 1u << KS_VALUE_NAME);
	fixture_field(f, KS_PLACE_BODY, "spec.mode", mode, 1u << KS_VALUE_NAME);
	fixture_field(f, KS_PLACE_BODY, "spec.count", "3", 1u << KS_VALUE_INT)->char_mask =
		KS_CHAR_DIGIT;
	f->ex.body_depth = 2;
}

static void
the_usual_is_no_surprise(void)
{
	for (uint32_t i = 0; i < TOWN_CALLS * 4; i++) {
		town_request(&settled->f, SETTLED + 3000 + i);
		ks_scorer_judge(settled->scorer, &settled->f.ex, KS_MODE_DETECT);
		CU_ASSERT_EQUAL(settled->f.ex.nfindings, 0);
		CU_ASSERT_EQUAL(settled->f.ex.score_db, 0);
		CU_ASSERT_EQUAL(settled->f.ex.verdict, KS_VERDICT_ALLOW);
	}
}

static void
another_name_of_an_object_is_no_surprise(void)
{
	struct fixture_spec spec = web_get;

	spec.target = "/api/v1/namespaces/shop/configmaps/another-one";
	CU_ASSERT_EQUAL(judge(spec)->nfindings, 0);
	spec.agent = "web/v1.3 (linux)"; /* an update */
	CU_ASSERT_EQUAL(judge(spec)->nfindings, 0);
}

/* As in the talk: the pod's own token from the pod's own address, but another program and call. */
static void
stolen_token_from_its_own_pod(void)
{
	struct fixture_spec spec = {"GET", "/api/v1/secrets?limit=500", TOWN_WEB, "curl/8.5",
				    "10.1.0.1"};
	const struct ks_finding *finding;
	struct ks_exchange *ex = judge(spec);
	char words[512];

	CU_ASSERT(fixture_db(ex, KS_FINDING_CALLER_NEW_CALL) >= 25);
	CU_ASSERT(fixture_db(ex, KS_FINDING_UNKNOWN_USER_AGENT) >= 25);
	CU_ASSERT(fixture_db(ex, KS_FINDING_MEANING) >= 15);
	CU_ASSERT_EQUAL(fixture_db(ex, KS_FINDING_SOURCE_NEW), 0);
	CU_ASSERT_EQUAL(ex->verdict, KS_VERDICT_FLAG);
	finding = fixture_finding(ex, KS_FINDING_UNKNOWN_USER_AGENT);
	ks_finding_words(finding, words, sizeof(words));
	CU_ASSERT_PTR_NOT_NULL(strstr(words, "program curl: " TOWN_WEB));
	CU_ASSERT_PTR_NOT_NULL(strstr(words, "usual: web"));
	finding = fixture_finding(ex, KS_FINDING_CALLER_NEW_CALL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	if (finding == NULL)
		return;
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->observed, "list secrets"));
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->expected, "get v1 configmaps"));
	CU_ASSERT_EQUAL(finding->seen, 1000);
}

static void
stolen_token_from_elsewhere(void)
{
	struct fixture_spec spec = web_get;
	struct ks_exchange *ex;

	spec.source = "10.7.7.7";
	ex = judge(spec);
	CU_ASSERT(fixture_db(ex, KS_FINDING_SOURCE_NEW) >= 20);
	CU_ASSERT_STRING_EQUAL(fixture_finding(ex, KS_FINDING_SOURCE_NEW)->observed, "10.7.7.7");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(fixture_finding(ex, KS_FINDING_SOURCE_NEW)->expected, "10.1.0."));
	spec.agent = "curl/8.5";
	CU_ASSERT_EQUAL(judge(spec)->verdict, KS_VERDICT_FLAG);
}

/* The same call, but everywhere instead of at home. */
static void
reach_is_part_of_the_call(void)
{
	struct fixture_spec spec = web_get;

	spec.target = "/api/v1/namespaces/pay/configmaps/settings";
	CU_ASSERT(fixture_db(judge(spec), KS_FINDING_CALLER_NEW_CALL) >= 25);
	spec.target = web_get.target;
	spec.as = "alice";
	CU_ASSERT(fixture_db(judge(spec), KS_FINDING_CALLER_NEW_CALL) >= 25);
}

static void
a_call_that_nobody_makes(void)
{
	struct fixture_spec spec = web_get;
	struct ks_exchange *ex;

	spec.target = "/apis/batch/v1/namespaces/shop/cronjobs/x";
	ex = judge(spec);
	CU_ASSERT(fixture_db(ex, KS_FINDING_UNKNOWN_CALL) >= 10);
	CU_ASSERT_STRING_EQUAL(fixture_finding(ex, KS_FINDING_UNKNOWN_CALL)->where,
			       "get batch/v1 cronjobs");
}

/* Kubelets are alike, people much, service accounts not at all. */
static void
peers_lend_their_habits(void)
{
	struct fixture_spec node = {"PATCH",
				    "/api/v1/nodes/node-3/status",
				    "system:node:node-3",
				    "kubelet/v1.30",
				    "10.2.0.3",
				    "application/strategic-merge-patch+json",
				    NULL,
				    NULL,
				    300};
	struct fixture_spec bob = {"GET", "/api/v1/namespaces/shop/services?limit=500", "alice",
				   "kubectl/v1.30", "10.3.0.1"};
	struct fixture_spec sa = {"GET", "/api/v1/namespaces/shop/configmaps/settings",
				  "system:serviceaccount:shop:new", "web/v1", "10.1.0.8"};
	struct ks_exchange *ex = prepare(node);

	deployment_body("fast");
	ex = judged();
	CU_ASSERT_EQUAL(fixture_db(ex, KS_FINDING_CALLER_NEW_CALL), 0);
	CU_ASSERT_EQUAL(fixture_db(ex, KS_FINDING_UNKNOWN_USER_AGENT), 0);
	CU_ASSERT(fixture_db(ex, KS_FINDING_UNKNOWN_PRINCIPAL) >= 10);
	CU_ASSERT_EQUAL(ex->verdict, KS_VERDICT_ALLOW);
	ex = judge(bob);
	CU_ASSERT(ex->score_db < 20);
	ex = judge(sa);
	CU_ASSERT_EQUAL(ex->verdict, KS_VERDICT_ALLOW);
}

static void
unknown_parameter_and_header(void)
{
	struct fixture_spec spec = town[1];
	struct ks_exchange *ex;

	spec.target = "/api/v1/namespaces/shop/endpoints?limit=50&debug=1";
	ex = judge(spec);
	CU_ASSERT(fixture_db(ex, KS_FINDING_UNKNOWN_PARAMETER) >= 20);
	CU_ASSERT_STRING_EQUAL(fixture_finding(ex, KS_FINDING_UNKNOWN_PARAMETER)->where, "debug");
	CU_ASSERT_EQUAL(fixture_finding(ex, KS_FINDING_UNKNOWN_PARAMETER)->seen, SETTLED / 12);
	prepare(web_get);
	fixture_header(&settled->f, KS_HTTP_OTHER, "x-evil", "1");
	ex = judged();
	CU_ASSERT(fixture_db(ex, KS_FINDING_UNKNOWN_HEADER) >= 20);
	/* How somebody authenticates is no property of the call. */
	prepare(web_get);
	fixture_header(&settled->f, KS_HTTP_AUTHORIZATION, "authorization", "x");
	CU_ASSERT_EQUAL(judged()->nfindings, 0);
}

static void
unknown_field_in_the_body(void)
{
	struct ks_exchange *ex;

	prepare(alice_post);
	deployment_body("fast");
	CU_ASSERT_EQUAL(judged()->nfindings, 0);
	prepare(alice_post);
	deployment_body("fast");
	fixture_field(&settled->f, KS_PLACE_BODY, "spec.hostPID", "true", 1u << KS_VALUE_BOOL);
	fixture_field(&settled->f, KS_PLACE_BODY, "spec.hostIPC", "true", 1u << KS_VALUE_BOOL);
	ex = judged();
	CU_ASSERT(fixture_db(ex, KS_FINDING_UNKNOWN_FIELD) >= 20);
	/* Two fields of one new shape are one cause. */
	CU_ASSERT(ex->score_db < 2 * fixture_db(ex, KS_FINDING_UNKNOWN_FIELD));
}

static void
content_type_and_missing_body(void)
{
	struct fixture_spec spec = alice_post;
	struct ks_exchange *ex;

	spec.type = "application/x-www-form-urlencoded";
	prepare(spec);
	deployment_body("fast");
	ex = judged();
	CU_ASSERT(fixture_db(ex, KS_FINDING_UNKNOWN_CONTENT_TYPE) >= 20);
	CU_ASSERT_STRING_EQUAL(fixture_finding(ex, KS_FINDING_UNKNOWN_CONTENT_TYPE)->expected,
			       "application/json");
	spec = alice_post;
	spec.type = "Application/JSON; charset=utf-8";
	prepare(spec);
	deployment_body("fast");
	CU_ASSERT_EQUAL(fixture_db(judged(), KS_FINDING_UNKNOWN_CONTENT_TYPE), 0);
	spec = alice_post;
	spec.body_bytes = 0;
	CU_ASSERT(fixture_db(judge(spec), KS_FINDING_BODY_MISSING) >= 20);
	CU_ASSERT_EQUAL(fixture_db(judge(web_get), KS_FINDING_BODY_MISSING), 0);
}

static void
values_of_another_kind(void)
{
	const struct ks_finding *finding;
	struct ks_field *field;
	struct ks_exchange *ex;

	prepare(alice_post);
	deployment_body("turbo");
	ex = judged();
	finding = fixture_finding(ex, KS_FINDING_VALUE_NOT_IN_SET);
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_STRING_EQUAL(finding->observed, "turbo");
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->expected, "fast"));
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->expected, "slow"));
	prepare(alice_post);
	deployment_body("fast");
	field = &settled->f.ex.fields.v[settled->f.ex.fields.n - 1];
	field->type_mask = 1u << KS_VALUE_TEXT;
	field->char_mask = KS_CHAR_LOWER | KS_CHAR_QUOTE | KS_CHAR_SHELL;
	ex = judged();
	finding = fixture_finding(ex, KS_FINDING_VALUE_TYPE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_STRING_EQUAL(finding->where, "spec.count");
	CU_ASSERT_STRING_EQUAL(finding->observed, "text");
	CU_ASSERT_STRING_EQUAL(finding->expected, "an integer");
	finding = fixture_finding(ex, KS_FINDING_VALUE_CHARACTERS);
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->observed, "quotes"));
	CU_ASSERT_STRING_EQUAL(finding->expected, "digits");
}

static void
sizes_out_of_range(void)
{
	struct fixture_spec spec = alice_post;
	char target[700] = "/api/v1/namespaces/shop/configmaps/";
	struct ks_exchange *ex;

	spec.body_bytes = 900000;
	prepare(spec);
	deployment_body("fast");
	ex = judged();
	CU_ASSERT(fixture_db(ex, KS_FINDING_SIZE_LARGE) >= 30);
	CU_ASSERT_STRING_EQUAL(fixture_finding(ex, KS_FINDING_SIZE_LARGE)->where,
			       "the length of the body");
	memset(target + strlen(target), 'a', 600);
	spec = web_get;
	spec.target = target;
	ex = judge(spec);
	CU_ASSERT(fixture_db(ex, KS_FINDING_SIZE_LARGE) >= 20);
	CU_ASSERT_STRING_EQUAL(fixture_finding(ex, KS_FINDING_SIZE_LARGE)->where,
			       "the length of the URL");
	spec = alice_post;
	spec.body_bytes = 910;
	prepare(spec);
	deployment_body("fast");
	CU_ASSERT_EQUAL(judged()->nfindings, 0);
}

/* What MATCH could not look at counts unless that is usual for the content type. */
static void
blind_spots(void)
{
	struct ks_exchange *ex = prepare(web_get);
	struct town_state *t = town_learn(&params, 0);
	struct fixture_spec proto = {
		"POST",	    "/api/v1/namespaces/shop/events",	   TOWN_WEB, "web/v1",
		"10.1.0.1", "application/vnd.kubernetes.protobuf", NULL,     NULL,
		200};

	ks_exchange_finding_add(ex, KS_FINDING_UNINSPECTED, 20, 0);
	CU_ASSERT_EQUAL(fixture_db(judged(), KS_FINDING_UNINSPECTED), 20);
	for (uint32_t i = 0; i < 200; i++) {
		proto.now_ms = i * 500;
		fixture_request(&t->f, &proto);
		ks_exchange_finding_add(&t->f.ex, KS_FINDING_UNINSPECTED, 20, 0);
		fixture_pass(t->scorer, &t->f.ex, KS_MODE_LEARN);
	}
	fixture_merge(&t->profile, &t->scorer, 1);
	fixture_request(&t->f, &proto);
	ks_exchange_finding_add(&t->f.ex, KS_FINDING_UNINSPECTED, 20, 0);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_DETECT);
	CU_ASSERT_EQUAL(t->f.ex.nfindings, 0);
	fixture_request(&t->f, &proto);
	ks_exchange_finding_add(&t->f.ex, KS_FINDING_UNINSPECTED, 100, 0)->certain = true;
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_DETECT);
	CU_ASSERT_EQUAL(fixture_db(&t->f.ex, KS_FINDING_UNINSPECTED), 100);
	town_leave(t);
}

/* With few observations nothing is odd. */
static void
young_profile_is_not_alarmed(void)
{
	struct town_state *t = town_learn(&params, TOWN_CALLS * 15);
	struct fixture_spec odd = {"GET", "/api/v1/secrets?limit=500&debug=1", TOWN_WEB, "curl/8.5",
				   "10.9.9.9"};

	odd.now_ms = town_ms(TOWN_CALLS * 15);
	fixture_request(&t->f, &odd);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_DETECT);
	for (uint8_t i = 0; i < t->f.ex.nfindings; i++)
		CU_ASSERT(t->f.ex.findings[i].code == KS_FINDING_MEANING ||
			  t->f.ex.findings[i].db < 20);
	town_leave(t);
	t = town_learn(&params, 0);
	fixture_request(&t->f, &odd);
	ks_scorer_judge(t->scorer, &t->f.ex, KS_MODE_DETECT);
	CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_ALLOW);
	town_leave(t);
}

/* Three quarters of a minute learned, then everyday life goes on with small changes: no alarm. */
static void
young_town_lives_in_peace(void)
{
	static const struct fixture_spec changes[] = {
		{"GET", "/api/v1/namespaces/shop/services?limit=500", "alice", "kubectl/v1.30",
		 "10.3.0.1"},
		{"GET", "/api/v1/namespaces/shop/pods?limit=500&labelSelector=app", "bob",
		 "kubectl/v1.31", "10.3.0.2"},
		{"GET", "/api/v1/namespaces/other/pods?limit=500", "bob", "kubectl/v1.31",
		 "10.3.0.2"},
		{"GET", "/api/v1/namespaces/shop/events?limit=500", "alice", "kubectl/v1.30",
		 "10.3.0.1"},
		{"GET", "/api/v1/namespaces/shop/pods/web-1/log?container=web", "alice",
		 "kubectl/v1.30", "10.3.0.1"},
		{"GET", "/api/v1/namespaces/shop/configmaps/other", TOWN_WEB, "web/v1.3",
		 "10.1.0.1"},
		{"GET", "/api/v1/namespaces/shop/configmaps/settings", TOWN_WEB, "web/v1.2",
		 "10.1.0.77"},
		{"GET", "/api/v1/nodes/node-3", "system:node:node-3", "kubelet/v1.30", "10.2.0.3"},
		{"GET", "/api/v1/nodes/node-4", "system:node:node-4", "kubelet/v1.31", "10.2.0.4"},
		{"GET", "/version", NULL, "probe/1", "10.5.0.2"},
		{"GET", "/api/v1/namespaces/shop/configmaps/settings", TOWN_WEB, "web/v1.2",
		 "10.1.0.1", NULL, NULL, "a-new-token"},
	};
	uint32_t learned = 45 * 24, n = 300 * 24;
	struct town_state *t = town_learn(&params, learned);

	for (uint32_t i = 0; i < n; i++) {
		struct ks_exchange *ex = town_request(&t->f, learned + i);
		struct fixture_spec spec = changes[i / 50 % KS_ARRAY_SIZE(changes)];

		if (i % 50 == 0) {
			spec.now_ms = (ex->now.mono_us - 1000000000ull) / 1000;
			ex = fixture_request(&t->f, &spec);
		}
		fixture_pass(t->scorer, ex, KS_MODE_ENFORCE);
		CU_ASSERT_EQUAL(ex->verdict, KS_VERDICT_ALLOW);
		CU_ASSERT_EQUAL(ex->advice, KS_VERDICT_ALLOW);
		if (i % 24 == 0)
			fixture_merge(&t->profile, &t->scorer, 1);
	}
	town_leave(t);
}

/* The same young town: the token taken from the web pod, used by curl, first there and then
 * elsewhere. */
static void
young_town_catches_the_thief(void)
{
	struct fixture_spec steps[] = {
		{"GET", "/api/v1/namespaces/kube-system/secrets", TOWN_WEB, "curl/8.5", "10.1.0.1"},
		{"POST", "/api/v1/namespaces/kube-system/pods", TOWN_WEB, "curl/8.5", "10.1.0.1",
		 "application/json", NULL, NULL, 400},
		{"GET", "/api/v1/namespaces/kube-system/secrets", TOWN_WEB, "curl/8.5", "10.9.0.9"},
		{"POST", "/api/v1/namespaces/kube-system/pods", TOWN_WEB, "curl/8.5", "10.9.0.9",
		 "application/json", NULL, NULL, 400},
	};
	uint32_t learned = 45 * 24;
	struct town_state *t = town_learn(&params, learned);

	for (size_t i = 0; i < KS_ARRAY_SIZE(steps); i++) {
		steps[i].now_ms = town_ms(learned) + 3000 * i;
		fixture_request(&t->f, &steps[i]);
		fixture_pass(t->scorer, &t->f.ex, KS_MODE_DETECT);
		CU_ASSERT_EQUAL(t->f.ex.verdict, KS_VERDICT_FLAG);
		CU_ASSERT(ks_exchange_has(&t->f.ex, KS_FINDING_UNKNOWN_USER_AGENT));
		CU_ASSERT(ks_exchange_has(&t->f.ex, KS_FINDING_CALLER_NEW_CALL));
		CU_ASSERT_EQUAL(ks_exchange_has(&t->f.ex, KS_FINDING_SOURCE_NEW), i >= 2);
		fixture_merge(&t->profile, &t->scorer, 1);
	}
	town_leave(t);
}

/* What was learned a moment ago is known although no merge has happened yet. */
static void
what_was_just_learned_is_known(void)
{
	struct fixture_spec spec = web_get;
	struct ks_delta *delta;

	spec.target = "/api/v1/namespaces/shop/endpoints?limit=50&continue=abc";
	spec.now_ms = next_minute();
	fixture_request(&settled->f, &spec);
	fixture_pass(settled->scorer, &settled->f.ex, KS_MODE_LEARN);
	fixture_request(&settled->f, &spec);
	ks_scorer_judge(settled->scorer, &settled->f.ex, KS_MODE_DETECT);
	CU_ASSERT_EQUAL(settled->f.ex.nfindings, 0);
	/* Still so while the delta is away and its profile has not come. */
	delta = ks_scorer_delta_take(settled->scorer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(delta);
	fixture_request(&settled->f, &spec);
	ks_scorer_judge(settled->scorer, &settled->f.ex, KS_MODE_DETECT);
	CU_ASSERT_EQUAL(settled->f.ex.nfindings, 0);
	ks_scorer_profile_set(settled->scorer, settled->profile);
	ks_delta_destroy(delta);
	fixture_request(&settled->f, &spec);
	ks_scorer_judge(settled->scorer, &settled->f.ex, KS_MODE_DETECT);
	CU_ASSERT(settled->f.ex.nfindings > 0);
}

static const struct ks_test tests[] = {
	KS_TEST(the_usual_is_no_surprise),
	KS_TEST(another_name_of_an_object_is_no_surprise),
	KS_TEST(stolen_token_from_its_own_pod),
	KS_TEST(stolen_token_from_elsewhere),
	KS_TEST(reach_is_part_of_the_call),
	KS_TEST(a_call_that_nobody_makes),
	KS_TEST(peers_lend_their_habits),
	KS_TEST(unknown_parameter_and_header),
	KS_TEST(unknown_field_in_the_body),
	KS_TEST(content_type_and_missing_body),
	KS_TEST(values_of_another_kind),
	KS_TEST(sizes_out_of_range),
	KS_TEST(blind_spots),
	KS_TEST(young_profile_is_not_alarmed),
	KS_TEST(young_town_lives_in_peace),
	KS_TEST(young_town_catches_the_thief),
	KS_TEST(what_was_just_learned_is_known),
};

int
main(void)
{
	int rc;

	settled = town_learn(&params, SETTLED);
	rc = ks_test_run("score/judge", tests, KS_ARRAY_SIZE(tests));
	town_leave(settled);
	return rc;
}
