/* SPDX-License-Identifier: Apache-2.0 */
#include "mix.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "ks_codec.h"

#define HEAD_BYTES 4096u
#define AGENT "kubectl/v1.32.4 (linux/amd64) kubernetes/59526cd"

static struct mix_item *
item_add(struct mix *mix)
{
	struct mix_item *v = realloc(mix->v, (mix->n + 1) * sizeof(*v));

	if (v == NULL)
		return NULL;
	mix->v = v;
	v = &mix->v[mix->n];
	memset(v, 0, sizeof(*v));
	return v;
}

static int
item_set(struct mix *mix, struct mix_item *item, const char *head, const void *body, uint32_t len)
{
	uint32_t n = (uint32_t)strlen(head);

	item->bytes = malloc(n + len + 1);
	if (item->bytes == NULL)
		return -ENOMEM;
	memcpy(item->bytes, head, n);
	if (len > 0)
		memcpy(item->bytes + n, body, len);
	item->len = n + len;
	mix->n++;
	return 0;
}

static const char *
authorization(char *text, size_t cap, const char *token)
{
	text[0] = '\0';
	if (token != NULL)
		snprintf(text, cap, "Authorization: Bearer %s\r\n", token);
	return text;
}

static int
get_add(struct mix *mix, const char *token)
{
	struct mix_item *item = item_add(mix);
	char head[HEAD_BYTES], auth[HEAD_BYTES / 2];

	if (item == NULL)
		return -ENOMEM;
	snprintf(head, sizeof(head),
		 "GET /api/v1/namespaces/default/pods/web-7d4b9c6f5-x2x8q HTTP/1.1\r\n"
		 "Host: kubernetes.default.svc\r\nUser-Agent: " AGENT "\r\n"
		 "Accept: application/json\r\nAccept-Encoding: gzip\r\n%s\r\n",
		 authorization(auth, sizeof(auth), token));
	return item_set(mix, item, head, NULL, 0);
}

/** A ConfigMap of 4 KB with forty keys: a body as operators send it. */
static uint32_t
config_map(char *body, size_t cap)
{
	size_t n = snprintf(body, cap,
			    "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
			    "\"settings\",\"namespace\":\"default\"},\"data\":{");

	for (int i = 0; i < 40; i++)
		n += snprintf(
			body + n, cap - n,
			"%s\"setting-%02d\":\"value %d of the application, long enough to be a "
			"sentence of its own, with 12 words\"",
			i == 0 ? "" : ",", i, i * 7919);
	n += snprintf(body + n, cap - n, "}}");
	return (uint32_t)n;
}

static int
post_add(struct mix *mix, const char *token)
{
	struct mix_item *item = item_add(mix);
	char head[HEAD_BYTES], auth[HEAD_BYTES / 2], body[8192];
	uint32_t len = config_map(body, sizeof(body));

	if (item == NULL)
		return -ENOMEM;
	snprintf(head, sizeof(head),
		 "POST /api/v1/namespaces/default/configmaps?fieldManager=kubectl-create "
		 "HTTP/1.1\r\n"
		 "Host: kubernetes.default.svc\r\nUser-Agent: " AGENT "\r\n"
		 "Accept: application/json\r\nContent-Type: application/json\r\n"
		 "Content-Length: %u\r\n%s\r\n",
		 len, authorization(auth, sizeof(auth), token));
	return item_set(mix, item, head, body, len);
}

int
mix_builtin(struct mix *mix, const char *name, const char *token)
{
	int rc = -ENOENT;

	mix->v = NULL;
	mix->n = 0;
	if (strcmp(name, "get") == 0 || strcmp(name, "mixed") == 0)
		rc = get_add(mix, token);
	if (strcmp(name, "post4k") == 0 || (strcmp(name, "mixed") == 0 && rc == 0))
		rc = post_add(mix, token);
	return rc;
}

int
mix_pattern_add(struct mix *mix, const char *method, uint32_t body_bytes, uint32_t answer_bytes,
		bool chunked, uint64_t seed)
{
	struct mix_item *item = item_add(mix);
	char head[HEAD_BYTES], length[160] = "";

	if (item == NULL)
		return -ENOMEM;
	if (body_bytes > 0) {
		item->body = (struct pattern){seed, KS_MAX(body_bytes, PATTERN_MIN)};
		snprintf(length, sizeof(length),
			 "Content-Type: application/json\r\nContent-Length: %u\r\nX-Pattern: "
			 "%lu\r\n",
			 item->body.bytes, (unsigned long)seed);
	}
	item->want = (struct pattern){seed, KS_MAX(answer_bytes, PATTERN_MIN)};
	snprintf(head, sizeof(head),
		 "%s /api/v1/namespaces/default/configmaps/%c%u-%lu HTTP/1.1\r\n"
		 "Host: kubernetes.default.svc\r\nUser-Agent: " AGENT "\r\n%s\r\n",
		 method, chunked ? 'c' : 'b', item->want.bytes, (unsigned long)seed, length);
	return item_set(mix, item, head, NULL, 0);
}

/** Fields that the connection decides, not the recording. */
static bool
field_skipped(const char *name)
{
	static const char *const skip[] = {"host",	 "content-length", "transfer-encoding",
					   "connection", "authorization",  "expect",
					   "upgrade"};

	for (size_t i = 0; i < KS_ARRAY_SIZE(skip); i++)
		if (strcasecmp(name, skip[i]) == 0)
			return true;
	return false;
}

static size_t
fields_write(json_t *headers, char *out, size_t cap)
{
	size_t n = 0, i;
	json_t *pair;

	json_array_foreach(headers, i, pair)
	{
		const char *name = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));

		if (name == NULL || value == NULL || field_skipped(name))
			continue;
		if (n + strlen(name) + strlen(value) + 8 > cap)
			break;
		n += snprintf(out + n, cap - n, "%s: %s\r\n", name, value);
	}
	out[n] = '\0';
	return n;
}

static int
row_add(struct mix *mix, json_t *row, const char *token)
{
	static char head[64 * 1024], fields[32 * 1024], body[4 << 20];
	const char *method = json_string_value(json_object_get(row, "method"));
	const char *path = json_string_value(json_object_get(row, "path"));
	const char *b64 = json_string_value(json_object_get(row, "body_b64"));
	char auth[HEAD_BYTES / 2], length[64] = "";
	struct mix_item *item;
	int len = 0;

	if (method == NULL || path == NULL)
		return -EBADMSG;
	if (b64 != NULL)
		len = ks_base64_decode((struct ks_str){b64, (uint32_t)strlen(b64)}, body,
				       sizeof(body));
	if (len < 0)
		return -EBADMSG;
	item = item_add(mix);
	if (item == NULL)
		return -ENOMEM;
	item->head = strcmp(method, "HEAD") == 0;
	if (len > 0)
		snprintf(length, sizeof(length), "Content-Length: %d\r\n", len);
	fields_write(json_object_get(row, "headers"), fields, sizeof(fields));
	snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: kubernetes\r\n%s%s%s\r\n", method,
		 path, fields, length, authorization(auth, sizeof(auth), token));
	return item_set(mix, item, head, body, (uint32_t)len);
}

int
mix_load(struct mix *mix, const char *path, uint32_t max, const char *token, uint32_t *line)
{
	const size_t cap = 8u << 20;
	gzFile file = gzopen(path, "rb"); /* reads plain files too */
	char *text = malloc(cap);
	int rc = 0;

	mix->v = NULL;
	mix->n = 0;
	*line = 0;
	if (file == NULL || text == NULL)
		rc = file == NULL ? -ENOENT : -ENOMEM;
	while (rc == 0 && mix->n < max && gzgets(file, text, (int)cap) != NULL) {
		json_t *row = json_loads(text, 0, NULL);

		++*line;
		rc = row == NULL ? -EBADMSG : row_add(mix, row, token);
		json_decref(row);
	}
	if (rc == 0 && mix->n == 0)
		rc = -EBADMSG;
	if (file != NULL)
		gzclose(file);
	free(text);
	return rc;
}

void
mix_free(struct mix *mix)
{
	for (uint32_t i = 0; i < mix->n; i++)
		free(mix->v[i].bytes);
	free(mix->v);
}
