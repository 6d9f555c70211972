/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to understand a request: ns to derive the call and to read the principal of a head
 * with a service-account token of the usual size. Prints one line for each; meant for a quiet core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ks_codec.h"
#include "ks_kube.h"

#define ROUNDS 500000u

static double
ns_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) * 1e9 + (double)(now.tv_nsec - start->tv_nsec);
}

static void
call_bench(const char *target)
{
	struct ks_str text = {target, (uint32_t)strlen(target)};
	char scratch[1024], key[KS_KUBE_CALL_KEY_BYTES];
	struct ks_kube_call call;
	struct timespec start;
	uint64_t sum = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < ROUNDS; i++)
		sum += (uint64_t)ks_kube_call_parse(KS_STR("GET"), text, scratch, sizeof(scratch),
						    &call) == 0;
	double parse = ns_since(&start) / ROUNDS;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < ROUNDS; i++)
		sum += ks_kube_call_key(&call, key);
	printf("parse %4.0f ns  key %4.0f ns  %s\n", parse, ns_since(&start) / ROUNDS, key);
	if (sum < ROUNDS)
		exit(1);
}

static uint32_t
token_make(char *out, size_t cap)
{
	static const char header[] =
		"{\"alg\":\"RS256\",\"kid\":\"A-key-identifier-of-43-characters-AAAAAAAAAA\"}";
	static const char claims[] =
		"{\"aud\":[\"https://kubernetes.default.svc.cluster.local\"],\"exp\":1795467469,"
		"\"iat\":1795463869,\"iss\":\"https://kubernetes.default.svc.cluster.local\","
		"\"jti\":\"00000000-0000-0000-0000-000000000000\",\"kubernetes.io\":{\"namespace\":"
		"\"shop\",\"node\":{\"name\":\"node-1\",\"uid\":\"00000000-0000\"},\"pod\":{"
		"\"name\":"
		"\"web-1\",\"uid\":\"00000000-0000\"},\"serviceaccount\":{\"name\":\"web\",\"uid\":"
		"\"00000000-0000\"}},\"nbf\":1795463869,\"sub\":\"system:serviceaccount:shop:"
		"web\"}";
	char signature[256];
	uint32_t n = 0;

	memset(signature, 's', sizeof(signature));
	n += (uint32_t)ks_base64url_encode(header, sizeof(header) - 1, out + n, cap - n);
	out[n++] = '.';
	n += (uint32_t)ks_base64url_encode(claims, sizeof(claims) - 1, out + n, cap - n);
	out[n++] = '.';
	n += (uint32_t)ks_base64url_encode(signature, sizeof(signature), out + n, cap - n);
	return n;
}

static void
principal_bench(void)
{
	static const struct ks_http_limits limits = {16384, 4096, KS_HTTP_FIELDS_MAX};
	static struct ks_identity_config config;
	static struct ks_http_head head;
	struct ks_principal who;
	struct ks_http_error err;
	struct timespec start;
	char token[2048], bytes[4096];
	uint32_t n = token_make(token, sizeof(token));
	int len = snprintf(bytes, sizeof(bytes),
			   "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %.*s\r\n\r\n",
			   (int)n, token);

	if (ks_http1_request_parse(bytes, (uint32_t)len, &limits, &head, &err) < 0)
		exit(1);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < ROUNDS; i++)
		if (ks_principal_read(&config, NULL, &head, 1, &who) < 0)
			exit(1);
	double read = ns_since(&start) / ROUNDS;
	struct ks_principal_cache *cache = ks_principal_cache_create(&config, 64);

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < ROUNDS; i++)
		if (cache == NULL || ks_principal_cache_read(cache, NULL, &head, 1, &who) < 0)
			exit(1);
	printf("principal %4.0f ns  from the cache %4.0f ns  token of %u bytes  %s\n", read,
	       ns_since(&start) / ROUNDS, n, who.name);
	ks_principal_cache_destroy(cache);
}

int
main(void)
{
	call_bench("/api/v1/namespaces/shop/configmaps/web-config");
	call_bench("/apis/apps/v1/namespaces/shop/deployments?limit=500&resourceVersion=0");
	call_bench("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"
		   "node-1?timeout=10s");
	call_bench("/api/v1/pods?allowWatchBookmarks=true&fieldSelector=spec.nodeName%3Dnode-1"
		   "&resourceVersion=12345&timeoutSeconds=412&watch=true");
	call_bench("/livez");
	principal_bench();
	return 0;
}
