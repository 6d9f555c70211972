/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a head costs: ns to find its end in a chain, to parse it and to write it anew. The heads
 * have the sizes and fields that client-go, kubectl and a pod send (long bearer token), and a
 * typical response. Prints one line for each; meant for a quiet core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ks_http.h"

#define ROUNDS 2000000u
#define TOKEN_BYTES 920

struct sample {
	const char *name;
	char bytes[2048];
	uint32_t len;
	bool response;
};

static const struct ks_http_limits limits = {65536, 8192, KS_HTTP_FIELDS_MAX};

static void
sample_fill(struct sample *s, const char *name, const char *before, bool token, const char *after)
{
	char text[TOKEN_BYTES + 1];

	for (int i = 0; i < TOKEN_BYTES; i++)
		text[i] = i % 307 == 36 ? '.' : (char)('A' + i % 26);
	text[TOKEN_BYTES] = '\0';
	s->name = name;
	s->len =
		(uint32_t)snprintf(s->bytes, sizeof(s->bytes), "%s%s%s%s", before,
				   token ? "Authorization: Bearer " : "", token ? text : "", after);
}

static double
ns_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) * 1e9 + (double)(now.tv_nsec - start->tv_nsec);
}

static double
parse_ns(const struct sample *s, struct ks_http_head *head)
{
	struct ks_http_error err;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		int rc = s->response
				 ? ks_http1_response_parse(s->bytes, s->len, &limits, false, head,
							   &err)
				 : ks_http1_request_parse(s->bytes, s->len, &limits, head, &err);

		if (rc < 0) {
			fprintf(stderr, "%s: %s at %u\n", s->name, err.text, err.offset);
			exit(1);
		}
		__asm__ volatile("" ::"r"(head) : "memory");
	}
	return ns_since(&start) / ROUNDS;
}

static double
find_ns(const struct sample *s, struct ks_pool *pool)
{
	struct ks_chain chain;
	struct timespec start;
	uint64_t sum = 0;

	ks_chain_init(&chain, pool);
	if (ks_chain_append(&chain, s->bytes, s->len) < 0)
		exit(1);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t scanned = 0;

		sum += (uint64_t)ks_http1_head_find(&chain, &scanned, limits.head_bytes);
	}
	double ns = ns_since(&start) / ROUNDS;

	ks_chain_clear(&chain);
	if (sum != (uint64_t)s->len * ROUNDS)
		exit(1);
	return ns;
}

static double
write_ns(const struct ks_http_head *head, bool response, struct ks_pool *pool)
{
	struct ks_chain out;
	struct timespec start;

	ks_chain_init(&out, pool);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct ks_http1_writer w;

		if (response)
			ks_http1_write_status(&w, &out, head->status);
		else
			ks_http1_write_request(&w, &out, ks_http_method(head),
					       ks_http_target(head));
		ks_http1_write_fields(&w, head);
		if (ks_http1_write_end(&w) < 0)
			exit(1);
		ks_chain_clear(&out);
	}
	return ns_since(&start) / ROUNDS;
}

int
main(void)
{
	static struct sample samples[3];
	static struct ks_http_head head;
	struct ks_pool *pool = ks_chunk_pool_create("bench", 64);

	if (pool == NULL)
		return 1;
	sample_fill(
		&samples[0], "client-go get, token",
		"GET /api/v1/namespaces/shop/configmaps/web-config?resourceVersion=0 HTTP/1.1\r\n"
		"Host: 10.98.0.2:6443\r\n"
		"User-Agent: web/v1.4.2 (linux/amd64) kubernetes/473c3de\r\n"
		"Accept: application/json, */*\r\n",
		true, "\r\nAccept-Encoding: gzip\r\n\r\n");
	sample_fill(&samples[1], "kubectl list, certificate",
		    "GET /api/v1/namespaces/kube-system/pods?limit=500 HTTP/1.1\r\n"
		    "Host: 10.98.0.2:6443\r\n"
		    "User-Agent: kubectl/v1.34.9 (linux/amd64) kubernetes/473c3de\r\n"
		    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json\r\n"
		    "Kubectl-Command: kubectl get\r\n"
		    "Kubectl-Session: 5e2f4c4c-8f4e-4ba2-a2cf-5b7fd9d5dd4c\r\n",
		    false, "Accept-Encoding: gzip\r\n\r\n");
	sample_fill(&samples[2], "response",
		    "HTTP/1.1 200 OK\r\n"
		    "Audit-Id: b07ffcf6-cf83-4636-8477-e8cd502e76df\r\n"
		    "Cache-Control: no-cache, private\r\n"
		    "Content-Type: application/json\r\n"
		    "X-Kubernetes-Pf-Flowschema-Uid: 77f22d34-3b1e-4d35-9cca-eac0aea0e47c\r\n"
		    "X-Kubernetes-Pf-Prioritylevel-Uid: 2b66133a-6555-4a53-a1e1-624b361780d9\r\n"
		    "Date: Mon, 23 Nov 2026 19:57:35 GMT\r\n",
		    false, "Content-Length: 1368\r\n\r\n");
	samples[2].response = true;
	for (size_t i = 0; i < KS_ARRAY_SIZE(samples); i++) {
		double find = find_ns(&samples[i], pool), parse = parse_ns(&samples[i], &head);
		double write = write_ns(&head, samples[i].response, pool);

		printf("%-26s %4u bytes  find %4.0f ns  parse %4.0f ns  write %4.0f ns\n",
		       samples[i].name, samples[i].len, find, parse, write);
	}
	ks_pool_destroy(pool);
	return 0;
}
