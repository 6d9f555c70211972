/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: tokens made by hand, certificates, impersonation, and what must not be believed.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_codec.h"
#include "ks_kube.h"
#include "ks_test.h"

#define HEADER "{\"alg\":\"RS256\",\"kid\":\"k\"}"
#define ISSUER "https://kubernetes.default.svc"
#define SUB "\"sub\":\"system:serviceaccount:shop:web\""
#define ISS "\"iss\":\"" ISSUER "\""
#define BOUND                                                                                     \
	"\"kubernetes.io\":{\"namespace\":\"shop\",\"node\":{\"name\":\"node-1\",\"uid\":\"n\"}," \
	"\"pod\":{\"name\":\"web-1\",\"uid\":\"p-1\"},"                                           \
	"\"serviceaccount\":{\"name\":\"web\",\"uid\":\"s\"}}"

static const struct ks_identity_config any_issuer = {.token_key = {{1, 2, 3}}};
static const struct ks_identity_config one_issuer = {.token_key = {{1, 2, 3}},
						     .service_account_issuer = ISSUER};

static char *
part_add(char *to, const char *json)
{
	int n = ks_base64url_encode(json, strlen(json), to, 40000);

	CU_ASSERT_FATAL(n >= 0);
	return to + n;
}

/** A token of the three parts; freed by the caller. */
static char *
token_make(const char *header, const char *claims, const char *signature)
{
	char *token = malloc(100000), *to = part_add(token, header);

	*to++ = '.';
	to = part_add(to, claims);
	*to++ = '.';
	strcpy(to, signature);
	return token;
}

/* Parses an exact copy of a request with these field lines and asks who it is. */
static int
who_is(const struct ks_identity_config *config, const struct ks_tls_peer *peer, const char *fields,
       struct ks_principal *out)
{
	static const struct ks_http_limits limits = {200000, 4096, KS_HTTP_FIELDS_MAX};
	static const char line[] = "GET / HTTP/1.1\r\nHost: a\r\n";
	static struct ks_http_head head;
	struct ks_http_error err;
	size_t len = sizeof(line) - 1 + strlen(fields) + 2;
	char *bytes = malloc(len + 1);

	sprintf(bytes, "%s%s\r\n", line, fields);
	bytes = realloc(bytes, len);
	int rc = ks_http1_request_parse(bytes, (uint32_t)len, &limits, &head, &err);

	CU_ASSERT_EQUAL_FATAL(rc, 0);
	memset(out, 0x55, sizeof(*out));
	rc = ks_principal_read(config, peer, &head, 1000, out);
	free(bytes);
	return rc;
}

static int
bearer(const struct ks_identity_config *config, const char *token, struct ks_principal *out)
{
	char *fields = malloc(strlen(token) + 64);

	sprintf(fields, "Authorization: Bearer %s\r\n", token);
	int rc = who_is(config, NULL, fields, out);

	free(fields);
	return rc;
}

static enum ks_principal_kind
claims_kind(const struct ks_identity_config *config, const char *claims, struct ks_principal *out)
{
	char *token = token_make(HEADER, claims, "c2ln");
	int rc = bearer(config, token, out);

	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT(out->has_token);
	CU_ASSERT_FALSE(out->proven);
	free(token);
	return out->kind;
}

static void
bound_service_account(void)
{
	struct ks_principal who;

	CU_ASSERT_EQUAL(
		claims_kind(&one_issuer, "{" ISS "," SUB "," BOUND ",\"exp\":1795467469}", &who),
		KS_PRINCIPAL_SERVICE_ACCOUNT);
	CU_ASSERT_STRING_EQUAL(who.name, "system:serviceaccount:shop:web");
	CU_ASSERT_STRING_EQUAL(who.pod, "web-1");
	CU_ASSERT_STRING_EQUAL(who.pod_uid, "p-1");
	CU_ASSERT_STRING_EQUAL(who.node, "node-1");
	CU_ASSERT_EQUAL(who.token_exp_s, 1795467469);
	CU_ASSERT_STRING_EQUAL(who.effective, "");
	CU_ASSERT_EQUAL(who.groups[0], '\0');
}

static void
service_accounts_of_other_forms(void)
{
	static const char legacy[] =
		"{\"iss\":\"kubernetes/serviceaccount\","
		"\"kubernetes.io/serviceaccount/namespace\":\"shop\","
		"\"kubernetes.io/serviceaccount/secret.name\":\"web-token-x\","
		"\"kubernetes.io/serviceaccount/service-account.name\":\"web\","
		"\"kubernetes.io/serviceaccount/service-account.uid\":\"u\"," SUB "}";
	struct ks_principal who;

	CU_ASSERT_EQUAL(claims_kind(&one_issuer, legacy, &who), KS_PRINCIPAL_SERVICE_ACCOUNT);
	CU_ASSERT_STRING_EQUAL(who.name, "system:serviceaccount:shop:web");
	CU_ASSERT_EQUAL(who.token_exp_s, 0);
	CU_ASSERT_EQUAL(claims_kind(&any_issuer, "{" SUB "}", &who), KS_PRINCIPAL_SERVICE_ACCOUNT);
	CU_ASSERT_EQUAL(claims_kind(&any_issuer,
				    "{\"s\\u0075b\":\"system:\\u0073erviceaccount:a:b\"}", &who),
			KS_PRINCIPAL_SERVICE_ACCOUNT);
	CU_ASSERT_STRING_EQUAL(who.name, "system:serviceaccount:a:b");
	CU_ASSERT_EQUAL(
		claims_kind(&any_issuer,
			    "{" SUB ",\"aud\":[\"a\",{\"sub\":\"x\"}],\"x\":{\"sub\":1},"
			    "\"kubernetes.io\":{\"pod\":null,\"warnafter\":3},\"exp\":12.75}",
			    &who),
		KS_PRINCIPAL_SERVICE_ACCOUNT);
	CU_ASSERT_EQUAL(who.token_exp_s, 12);
	CU_ASSERT_STRING_EQUAL(who.pod, "");
}

static void
another_issuer(void)
{
	struct ks_principal who;

	CU_ASSERT_EQUAL(claims_kind(&any_issuer, "{\"iss\":\"https://id\",\"sub\":\"ann\"}", &who),
			KS_PRINCIPAL_OIDC);
	CU_ASSERT_STRING_EQUAL(who.name, "https://id#ann");
	CU_ASSERT_EQUAL(claims_kind(&one_issuer, "{\"iss\":\"https://id\"," SUB "}", &who),
			KS_PRINCIPAL_OIDC);
	CU_ASSERT_STRING_EQUAL(who.name, "https://id#system:serviceaccount:shop:web");
}

/* A name of 300 bytes, which nothing of ours can hold. */
#define TEN "xxxxxxxxxx"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONG HUNDRED HUNDRED HUNDRED

static const struct {
	const char *why;
	const char *claims;
} doubtful[] = {
	{"duplicate key", "{" SUB "," SUB "}"},
	{"duplicate key", "{" ISS "," SUB ",\"sub\":\"system:serviceaccount:shop:admin\"}"},
	{"duplicate key by escape", "{" SUB ",\"\\u0073ub\":\"system:serviceaccount:shop:admin\"}"},
	{"duplicate key in another case", "{" SUB ",\"SUB\":\"system:serviceaccount:shop:admin\"}"},
	{"key in another case", "{\"Sub\":\"system:serviceaccount:shop:web\"}"},
	{"duplicate object", "{" SUB "," BOUND "," BOUND "}"},
	{"duplicate inside",
	 "{" SUB ",\"kubernetes.io\":{\"pod\":{\"name\":\"a\",\"name\":\"b\"}}}"},
	{"old and new form at once",
	 "{" SUB "," BOUND ",\"kubernetes.io/serviceaccount/namespace\":\"shop\"}"},
	{"another namespace", "{" SUB ",\"kubernetes.io\":{\"namespace\":\"pay\"}}"},
	{"another account", "{" SUB ",\"kubernetes.io\":{\"serviceaccount\":{\"name\":\"root\"}}}"},
	{"wrong type", "{\"sub\":1,\"iss\":\"a\"}"},
	{"wrong type", "{\"sub\":[\"system:serviceaccount:a:b\"]}"},
	{"wrong type", "{\"sub\":{\"sub\":\"a\"},\"iss\":\"a\"}"},
	{"wrong type", "{\"sub\":true,\"iss\":\"a\"}"},
	{"wrong type", "{" SUB ",\"kubernetes.io\":\"x\"}"},
	{"wrong type", "{" SUB ",\"kubernetes.io\":[]}"},
	{"wrong type", "{" SUB ",\"exp\":\"1\"}"},
	{"no number of seconds", "{" SUB ",\"exp\":-1}"},
	{"no number of seconds", "{" SUB ",\"exp\":1e9}"},
	{"no number of seconds", "{" SUB ",\"exp\":1.5E9}"},
	{"no number of seconds", "{" SUB ",\"exp\":10000000000000}"},
	{"too long", "{\"sub\":\"system:serviceaccount:shop:" LONG "\"}"},
	{"too long", "{\"iss\":\"" LONG "\",\"sub\":\"a\"}"},
	{"too long together", "{\"iss\":\"" HUNDRED HUNDRED "\",\"sub\":\"" HUNDRED "\"}"},
	{"too long", "{" SUB ",\"kubernetes.io\":{\"pod\":{\"name\":\"" HUNDRED HUNDRED "\"}}}"},
	{"control character", "{\"iss\":\"a\",\"sub\":\"b\\u0000\"}"},
	{"control character", "{\"iss\":\"a\",\"sub\":\"b\\nc\"}"},
	{"control character", "{\"iss\":\"a\\u007f\",\"sub\":\"b\"}"},
	{"no subject", "{" ISS "}"},
	{"no issuer", "{\"sub\":\"ann\"}"},
	{"no service account", "{\"sub\":\"system:serviceaccount:shop\"}"},
	{"no service account", "{\"sub\":\"system:serviceaccount:\"}"},
	{"no service account", "{\"sub\":\"system:serviceaccount::web\"}"},
	{"no service account", "{\"sub\":\"system:serviceaccount:shop:\"}"},
	{"no service account", "{\"sub\":\"system:serviceaccount:shop:web:x\"}"},
	{"no service account", "{\"sub\":\"system:serviceaccount:shop:Web\"}"},
	{"no service account", "{\"sub\":\"system:serviceaccount:shop:web x\"}"},
	{"no object", "[" ISS "]"},
	{"no object", "[]"},
	{"no object", "\"sub\""},
	{"no document", "{" SUB},
	{"no document", "{" SUB "}x"},
	{"no document", "{" SUB ",}"},
	{"too deep", "{" SUB ",\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}"},
	{"nothing", ""},
};

static void
doubtful_claims_are_opaque(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(doubtful); i++) {
		struct ks_principal who;

		if (claims_kind(&any_issuer, doubtful[i].claims, &who) != KS_PRINCIPAL_OPAQUE)
			printf("\n  %s: %s\n", doubtful[i].why, doubtful[i].claims);
		CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
		CU_ASSERT_EQUAL(strlen(who.name), strlen("token:") + 32);
		CU_ASSERT_EQUAL(who.token_exp_s, 0);
		CU_ASSERT_STRING_EQUAL(who.pod, "");
		CU_ASSERT_STRING_EQUAL(who.node, "");
	}
}

static void
tokens_that_are_no_jwt(void)
{
	static const char *const tokens[] = {
		"x",
		"x.y",
		"x.y.z",
		"..",
		"a.b.c.d",
		"e30.e30.",
		".e30.e30",
		"31ada4fd-adec-460c-809a-9e56ceb75269",
		"abcdef.0123456789abcde",
		"abcdef.0123456789abcdefg",
		"ABCDEF.0123456789abcdef",
		"abcde.f0123456789abcdef",
		"e30=.e30=.e30=",
	};
	struct ks_principal who, other;

	for (size_t i = 0; i < KS_ARRAY_SIZE(tokens); i++) {
		CU_ASSERT_EQUAL(bearer(&any_issuer, tokens[i], &who), 0);
		CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
		CU_ASSERT(strncmp(who.name, "token:", 6) == 0);
	}
	CU_ASSERT_EQUAL(bearer(&any_issuer, "other", &other), 0);
	CU_ASSERT_STRING_NOT_EQUAL(who.name, other.name);
	CU_ASSERT_EQUAL(bearer(&any_issuer, "other", &who), 0);
	CU_ASSERT_STRING_EQUAL(who.name, other.name);
}

static void
headers_of_a_jwt_count(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"alg\":\"none\"}",
		"{\"alg\":\"NONE\"}",
		"{\"alg\":\"\"}",
		"{\"alg\":\"RS256\",\"alg\":\"none\"}",
		"{\"alg\":1}",
		"{\"Alg\":\"RS256\"}",
		"[\"alg\"]",
		"RS256",
	};
	struct ks_principal who;
	char *token;

	for (size_t i = 0; i < KS_ARRAY_SIZE(bad); i++) {
		token = token_make(bad[i], "{" SUB "}", "c2ln");
		CU_ASSERT_EQUAL(bearer(&any_issuer, token, &who), 0);
		CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
		free(token);
	}
	token = token_make(HEADER, "{" SUB "}", "a/b+");
	CU_ASSERT_EQUAL(bearer(&any_issuer, token, &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
	free(token);
	token = token_make(HEADER, "{" SUB "}", "*");
	CU_ASSERT_EQUAL(bearer(&any_issuer, token, &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
	free(token);
}

static void
long_tokens_are_opaque(void)
{
	char *claims = malloc(30000);
	struct ks_principal who;

	for (int extra = 0; extra < 2; extra++) {
		int pad = extra ? 16000 : 8000;

		sprintf(claims, "{" SUB ",\"x\":\"%0*d\"}", pad, 0);
		CU_ASSERT_EQUAL(claims_kind(&any_issuer, claims, &who),
				extra ? KS_PRINCIPAL_OPAQUE : KS_PRINCIPAL_SERVICE_ACCOUNT);
	}
	free(claims);
}

static void
bootstrap_token(void)
{
	struct ks_principal who;

	CU_ASSERT_EQUAL(bearer(&any_issuer, "abc123.0123456789abcdef", &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_BOOTSTRAP);
	CU_ASSERT_STRING_EQUAL(who.name, "system:bootstrap:abc123");
	CU_ASSERT(who.has_token);
	CU_ASSERT_FALSE(who.proven);
}

static const struct {
	const char *fields;
	int rc;
	enum ks_principal_kind kind;
} authorizations[] = {
	{"", 0, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization:\r\n", 0, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer\r\n", 0, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Basic dXNlcjpwYXNz\r\n", 0, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Basic a b\tc\r\n", 0, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearerx y\r\n", 0, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: x\r\n", 0, KS_PRINCIPAL_ANONYMOUS},
	{"authorization: bEARER x\r\n", 0, KS_PRINCIPAL_OPAQUE},
	{"Authorization: \t Bearer x \r\n", 0, KS_PRINCIPAL_OPAQUE},
	{"Authorization: Bearer  x\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer x y\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer x, Bearer y\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer\tx\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer x\ty\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer \xc3\xa9\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer 0123456789abcdef\xff\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer 0123456789abcdef\xff"
	 "0123456789\r\n",
	 -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Bearer x\r\nAuthorization: Bearer x\r\n", -EBADMSG,
	 KS_PRINCIPAL_ANONYMOUS},
	{"Authorization: Basic x\r\nauthorization: Bearer x\r\n", -EBADMSG, KS_PRINCIPAL_ANONYMOUS},
};

static void
authorization_fields(void)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(authorizations); i++) {
		struct ks_principal who;
		int rc = who_is(&any_issuer, NULL, authorizations[i].fields, &who);

		if (rc != authorizations[i].rc || who.kind != authorizations[i].kind)
			printf("\n  %s: %d, kind %d\n", authorizations[i].fields, rc, who.kind);
		CU_ASSERT_EQUAL(rc, authorizations[i].rc);
		CU_ASSERT_EQUAL(who.kind, authorizations[i].kind);
		CU_ASSERT_EQUAL(who.has_token, who.kind != KS_PRINCIPAL_ANONYMOUS);
		if (who.kind == KS_PRINCIPAL_ANONYMOUS)
			CU_ASSERT_STRING_EQUAL(who.name, "system:anonymous");
	}
}

#define WS "Connection: Upgrade\r\nUpgrade: WebSocket\r\n"
#define PROTOCOL "base64url.bearer.authorization.k8s.io."
#define SWP "Sec-WebSocket-Protocol: "

/* "eA" is "x" */
static const struct {
	const char *fields;
	int rc;
	bool token;
} websockets[] = {
	{WS SWP PROTOCOL "eA, v5.channel.k8s.io\r\n", 0, true},
	{WS SWP "v5.channel.k8s.io," PROTOCOL "eA\r\n", 0, true},
	{WS SWP "v5.channel.k8s.io\r\n" SWP PROTOCOL "eA\r\n", 0, true},
	{WS SWP PROTOCOL "eA, v5.channel.k8s.io\r\nAuthorization: Basic x\r\n", 0, true},
	{WS SWP "v5.channel.k8s.io\r\n", 0, false},
	{WS SWP PROTOCOL ", v5.channel.k8s.io\r\n", 0, false},
	{SWP PROTOCOL "eA, v5.channel.k8s.io\r\n", 0, false},
	{"Upgrade: websocket\r\n" SWP PROTOCOL "eA, v5.channel.k8s.io\r\n", 0, false},
	{"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n" SWP PROTOCOL "eA, v5.channel.k8s.io\r\n", 0,
	 false},
	{WS SWP PROTOCOL "eA\r\n", -EBADMSG, false},
	{WS SWP PROTOCOL "eA, a, " PROTOCOL "eA\r\n", -EBADMSG, false},
	{WS SWP "a\r\n" SWP PROTOCOL "eA\r\n" SWP PROTOCOL "eQ\r\n", -EBADMSG, false},
	{WS SWP PROTOCOL "eA, a\r\nAuthorization: Bearer x\r\n", -EBADMSG, false},
	{WS SWP PROTOCOL "eA==, a\r\n", -EBADMSG, false},
	{WS SWP PROTOCOL "e, a\r\n", -EBADMSG, false},
	{WS SWP PROTOCOL "e*A, a\r\n", -EBADMSG, false},
	{WS SWP PROTOCOL "eA/+, a\r\n", -EBADMSG, false},
	{WS SWP PROTOCOL "eCB5, a\r\n", -EBADMSG, false}, /* "x y" */
	{WS SWP PROTOCOL "eAB5, a\r\n", -EBADMSG, false}, /* "x\0y" */
	{WS SWP PROTOCOL "_w, a\r\n", -EBADMSG, false},	  /* 0xff */
};

static void
websocket_protocols(void)
{
	struct ks_principal plain, who;

	CU_ASSERT_EQUAL(bearer(&any_issuer, "x", &plain), 0);
	for (size_t i = 0; i < KS_ARRAY_SIZE(websockets); i++) {
		int rc = who_is(&any_issuer, NULL, websockets[i].fields, &who);

		if (rc != websockets[i].rc || who.has_token != websockets[i].token)
			printf("\n  %s: %d\n", websockets[i].fields, rc);
		CU_ASSERT_EQUAL(rc, websockets[i].rc);
		CU_ASSERT_EQUAL(who.has_token, websockets[i].token);
		/* the same token in another place is the same principal */
		CU_ASSERT_STRING_EQUAL(who.name,
				       websockets[i].token ? plain.name : "system:anonymous");
	}
}

static struct ks_tls_peer
certificate(const char *cn)
{
	struct ks_tls_peer peer = {.verdict = KS_TLS_PEER_VERIFIED, .not_after_s = 1000};

	strcpy(peer.cn, cn);
	return peer;
}

static void
certificates(void)
{
	struct ks_tls_peer peer = certificate("kubernetes-admin");
	struct ks_principal who;

	strcpy(peer.orgs[0], "kubeadm:cluster-admins");
	strcpy(peer.orgs[2], "second");
	peer.norgs = 3;
	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "Authorization: Bearer x\r\n", &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_CERT);
	CU_ASSERT(who.proven);
	CU_ASSERT_FALSE(who.has_token);
	CU_ASSERT_STRING_EQUAL(who.name, "kubernetes-admin");
	CU_ASSERT(memcmp(who.groups, "kubeadm:cluster-admins\0second\0", 31) == 0);
	/* expired since the handshake, refused then, or none: the token counts */
	peer.not_after_s = 999;
	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "Authorization: Bearer x\r\n", &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
	CU_ASSERT_EQUAL(who.groups[0], '\0');
	peer.not_after_s = 2000;
	peer.verdict = KS_TLS_PEER_REFUSED;
	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "", &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_ANONYMOUS);
	peer = certificate("");
	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "", &who), 0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_ANONYMOUS);
}

/* Readers of a field cut white space off: " root" would arrive as another's name. */
static void
names_that_would_change_on_the_way(void)
{
	static const char *const names[] = {" root", "root ", "a\nb", "a\tb", "a\x7f", "\x01", " "};
	struct ks_principal who;

	for (size_t i = 0; i < KS_ARRAY_SIZE(names); i++) {
		struct ks_tls_peer peer = certificate(names[i]);

		CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "", &who), -EBADMSG);
		CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_ANONYMOUS);
		CU_ASSERT_FALSE(who.proven);
		peer = certificate("ann");
		strcpy(peer.orgs[0], names[i]);
		peer.norgs = 1;
		CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "", &who), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(who.name, "system:anonymous");
	}
}

static void
groups_are_never_cut(void)
{
	struct ks_tls_peer peer = certificate("ann");
	struct ks_principal who;

	for (peer.norgs = 0; peer.norgs < KS_TLS_ORGS_MAX; peer.norgs++) {
		int rc = who_is(&any_issuer, &peer, "", &who);
		bool fits = peer.norgs * 101 + 1 <= KS_PRINCIPAL_GROUPS_BYTES;

		CU_ASSERT_EQUAL(rc, fits ? 0 : -E2BIG);
		CU_ASSERT_EQUAL(who.kind, fits ? KS_PRINCIPAL_CERT : KS_PRINCIPAL_ANONYMOUS);
		memset(peer.orgs[peer.norgs], 'g', 100);
	}
}

static void
impersonation(void)
{
	struct ks_tls_peer peer = certificate("ann");
	struct ks_principal who;
	char fields[400];

	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "Impersonate-User: bob\r\n", &who), 0);
	CU_ASSERT_STRING_EQUAL(who.name, "ann");
	CU_ASSERT_STRING_EQUAL(who.effective, "bob");
	CU_ASSERT_EQUAL(who_is(&any_issuer, NULL,
			       "impersonate-user: bob\r\nAuthorization: Bearer x\r\n", &who),
			0);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_OPAQUE);
	CU_ASSERT_STRING_EQUAL(who.effective, "bob");
	CU_ASSERT_EQUAL(who_is(&any_issuer, NULL, "Impersonate-User:\r\n", &who), 0);
	CU_ASSERT_STRING_EQUAL(who.effective, "");
	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer,
			       "Impersonate-User: bob\r\nImpersonate-User: eve\r\n", &who),
			-EBADMSG);
	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, "Impersonate-User: a\tb\r\n", &who), -EBADMSG);
	snprintf(fields, sizeof(fields), "Impersonate-User: %0*d\r\n", KS_PRINCIPAL_NAME_BYTES, 0);
	CU_ASSERT_EQUAL(who_is(&any_issuer, &peer, fields, &who), -EBADMSG);
	CU_ASSERT_EQUAL(who.kind, KS_PRINCIPAL_ANONYMOUS);
	CU_ASSERT_STRING_EQUAL(who.effective, "");
}

static const struct ks_test tests[] = {
	KS_TEST(bound_service_account),	 KS_TEST(service_accounts_of_other_forms),
	KS_TEST(another_issuer),	 KS_TEST(doubtful_claims_are_opaque),
	KS_TEST(tokens_that_are_no_jwt), KS_TEST(headers_of_a_jwt_count),
	KS_TEST(long_tokens_are_opaque), KS_TEST(bootstrap_token),
	KS_TEST(authorization_fields),	 KS_TEST(websocket_protocols),
	KS_TEST(certificates),		 KS_TEST(names_that_would_change_on_the_way),
	KS_TEST(groups_are_never_cut),	 KS_TEST(impersonation),
};

KS_TEST_MAIN("kube: principals", tests)
