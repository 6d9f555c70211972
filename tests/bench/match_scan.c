/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What MATCH costs per request with all rules of a folder: requests that repeat, requests that are
 * new each time, and bodies of several sizes. One JSON line a figure; meant for a quiet core.
 *
 *   match_scan RULES_DIR
 */
#include <time.h>

#include "../unit/match/match_rules.h"

#define BATCHES 10
#define FIELD_BYTES (64u * 1024)
#define HEAD_BYTES 8192u

struct bench {
	struct ks_matcher *matcher;
	struct ks_exchange *ex;
	char *fields;
	char head[HEAD_BYTES];
	char query[512];
	unsigned int fresh;
};

static double
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
header_add(struct bench *b, uint32_t *used, uint16_t id, const char *name, const char *value)
{
	struct ks_http_head *head = &b->ex->head;
	struct ks_http_field *field = &head->fields[head->nfields++];

	*field = (struct ks_http_field){
		.name_off = *used,
		.name_len = (uint16_t)strlen(name),
		.value_off = *used + (uint32_t)strlen(name) + 2,
		.value_len = (uint32_t)strlen(value),
		.id = id,
	};
	*used += (uint32_t)snprintf(b->head + *used, HEAD_BYTES - *used, "%s: %s\r\n", name, value);
}

/* What client-go sends, with a service account's token. */
static void
request_init(struct bench *b, const char *token)
{
	struct ks_exchange *ex = b->ex;
	uint32_t used = 0;

	memset(ex, 0, sizeof(*ex));
	ex->head.base = b->head;
	ex->call = (struct ks_kube_call){
		.verb = KS_KUBE_LIST,
		.resource_request = true,
		.method = KS_STR("GET"),
		.path = KS_STR("/api/v1/namespaces/payments/configmaps"),
		.version = KS_STR("v1"),
		.resource = KS_STR("configmaps"),
		.ns = KS_STR("payments"),
	};
	header_add(b, &used, KS_HTTP_HOST, "Host", "10.96.0.1:443");
	header_add(b, &used, KS_HTTP_USER_AGENT, "User-Agent",
		   "payments-operator/v1.9.2 (linux/amd64) kubernetes/9e1b3fa");
	header_add(b, &used, KS_HTTP_ACCEPT, "Accept",
		   "application/vnd.kubernetes.protobuf,application/json");
	header_add(b, &used, KS_HTTP_ACCEPT_ENCODING, "Accept-Encoding", "gzip");
	header_add(b, &used, KS_HTTP_OTHER, "X-Request-Source", "reconciler");
	header_add(b, &used, KS_HTTP_OTHER, "Traceparent",
		   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	header_add(b, &used, KS_HTTP_CONTENT_TYPE, "Content-Type", "application/json");
	header_add(b, &used, KS_HTTP_AUTHORIZATION, "Authorization", token);
}

static void
query_set(struct bench *b, unsigned int n)
{
	b->ex->call.query.p = b->query;
	b->ex->call.query.n =
		(uint32_t)snprintf(b->query, sizeof(b->query),
				   "labelSelector=app%%3Dledger&limit=500&resourceVersion=%u", n);
}

static void
judge(struct bench *b)
{
	ks_field_list_init(&b->ex->fields, b->fields, FIELD_BYTES);
	b->ex->body_fields = 0;
	b->ex->nfindings = 0;
	ks_match_exchange(b->matcher, b->ex);
}

static void
print(const char *figure, double ns, uint32_t bytes, const struct bench *b)
{
	printf("{\"figure\":\"%s\",\"ns_per_op\":%.0f,\"body_bytes\":%u,\"ns_per_byte\":%.2f,"
	       "\"fields\":%u,\"findings\":%u}\n",
	       figure, ns, bytes, bytes > 0 ? ns / bytes : 0.0, b->ex->fields.n, b->ex->nfindings);
}

/* @return ns of one judgement in a batch. @param fresh a parameter that is new each time. */
static double
batch(struct bench *b, uint32_t rounds, bool fresh)
{
	double start = now_ns();

	for (uint32_t i = 0; i < rounds; i++) {
		if (fresh)
			query_set(b, b->fresh++);
		judge(b);
	}
	return (now_ns() - start) / rounds;
}

static double
best(struct bench *b, uint32_t rounds, bool fresh)
{
	double ns = batch(b, rounds, fresh);

	for (int i = 1; i < BATCHES; i++) {
		double again = batch(b, rounds, fresh);

		ns = KS_MIN(ns, again);
	}
	return ns;
}

static void
bench_get(struct bench *b, const char *figure, bool fresh)
{
	query_set(b, 0);
	judge(b);
	print(figure, best(b, 30000, fresh), 0, b);
}

/* ---- bodies ---- */

static const char workload[] =
	"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"ledger-%u\","
	"\"namespace\":\"payments\",\"labels\":{\"app\":\"ledger\",\"app.kubernetes.io/part-of\":"
	"\"payments\",\"tier\":\"backend\"},\"annotations\":{\"example.com/owner\":\"team-ledger\","
	"\"example.com/revision\":\"9e1b3fa7c2\"}},\"spec\":{\"replicas\":3,\"selector\":{"
	"\"matchLabels\":{\"app\":\"ledger\"}},\"strategy\":{\"type\":\"RollingUpdate\","
	"\"rollingUpdate\":{\"maxSurge\":\"25%%\",\"maxUnavailable\":0}},\"template\":{"
	"\"metadata\":"
	"{\"labels\":{\"app\":\"ledger\"}},\"spec\":{\"serviceAccountName\":\"ledger\","
	"\"containers\":[{\"name\":\"ledger\",\"image\":\"registry.example.com/payments/ledger:"
	"1.27.4\",\"imagePullPolicy\":\"IfNotPresent\",\"args\":[\"--listen=:8443\","
	"\"--config=/etc/ledger/config.yaml\",\"--log-level=info\"],\"ports\":[{\"name\":\"https\","
	"\"containerPort\":8443,\"protocol\":\"TCP\"}],\"env\":[{\"name\":\"POD_NAME\","
	"\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.name\"}}},"
	"{\"name\":\"GOMAXPROCS\",\"value\":\"4\"}],\"resources\":{\"limits\":{\"cpu\":\"2\","
	"\"memory\":\"1Gi\"},\"requests\":{\"cpu\":\"250m\",\"memory\":\"256Mi\"}},"
	"\"readinessProbe\":{\"httpGet\":{\"path\":\"/ready\",\"port\":\"https\",\"scheme\":"
	"\"HTTPS\"},\"periodSeconds\":10,\"timeoutSeconds\":1,\"failureThreshold\":3},"
	"\"volumeMounts\":[{\"name\":\"config\",\"mountPath\":\"/etc/ledger\",\"readOnly\":true}],"
	"\"securityContext\":{\"allowPrivilegeEscalation\":false,\"readOnlyRootFilesystem\":true}}]"
	","
	"\"volumes\":[{\"name\":\"config\",\"configMap\":{\"name\":\"ledger\",\"defaultMode\":420}}"
	"],"
	"\"nodeSelector\":{\"kubernetes.io/"
	"os\":\"linux\"},\"terminationGracePeriodSeconds\":30}}}}";

/* A list of workloads of about `want` bytes. */
static uint32_t
list_make(char *out, uint32_t want)
{
	uint32_t n = (uint32_t)sprintf(out, "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[");
	unsigned int i = 0;

	do {
		if (i > 0)
			out[n++] = ',';
		n += (uint32_t)sprintf(out + n, workload, i++);
	} while (n + sizeof(workload) < want);
	return n + (uint32_t)sprintf(out + n, "]}");
}

/* A ConfigMap with one large file of ordinary configuration. */
static uint32_t
file_make(char *out, uint32_t want)
{
	uint32_t n = (uint32_t)sprintf(out, "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\","
					    "\"metadata\":{\"name\":\"big\"},\"data\":{"
					    "\"app.properties\":\"");

	for (unsigned int i = 0; n + 80 < want; i++)
		n += (uint32_t)sprintf(
			out + n, "service.%u.endpoint=https://svc-%u.example.com/v1\\n", i, i % 97);
	return n + (uint32_t)sprintf(out + n, "\"}}");
}

static void
bench_body(struct bench *b, const char *figure, char *body, uint32_t n)
{
	b->ex->body = (uint8_t *)body;
	b->ex->body_bytes = n;
	judge(b);
	print(figure, best(b, 4000000 / n + 1, false), n, b);
	b->ex->body = NULL;
	b->ex->body_bytes = 0;
}

static void
bench_bodies(struct bench *b)
{
	char *body = malloc(4u << 20);

	if (body == NULL)
		exit(1);
	bench_body(b, "match_post_json_4k", body, list_make(body, 4096));
	bench_body(b, "match_post_json_64k", body, list_make(body, 64u << 10));
	bench_body(b, "match_post_json_1m", body, list_make(body, 1u << 20));
	bench_body(b, "match_post_json_3m", body, list_make(body, 3u << 20));
	bench_body(b, "match_post_configmap_64k", body, file_make(body, 64u << 10));
	bench_body(b, "match_post_configmap_3m", body, file_make(body, 3u << 20));
	free(body);
}

int
main(int argc, char **argv)
{
	static struct bench b;
	char error[KS_MATCH_ERROR_BYTES], token[1100] = "Bearer ";
	struct match_rules *rules = match_rules_read(argc > 1 ? argv[1] : "conf/rules");
	double start = now_ns();
	struct ks_match_db *db = ks_match_db_create(rules->v, rules->n, NULL, 1, error);

	if (db == NULL) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	printf("{\"figure\":\"match_compile\",\"rules\":%u,\"ms\":%.0f}\n", rules->n,
	       (now_ns() - start) / 1e6);
	b.matcher = ks_matcher_create(db);
	b.ex = malloc(sizeof(*b.ex));
	b.fields = aligned_alloc(64, FIELD_BYTES);
	memset(token + 7, 'x', 1024);
	request_init(&b, token);
	bench_get(&b, "match_get_again", false);
	bench_get(&b, "match_get_new_value", true);
	bench_bodies(&b);
	ks_matcher_destroy(b.matcher);
	ks_match_db_destroy(db);
	match_rules_free(rules);
	free(b.ex);
	free(b.fields);
	return 0;
}
