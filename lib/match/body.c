/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies by their content type. JSON (patches and server-side apply too, which clients send as JSON
 * under a YAML type) and forms are taken apart; text is one value; of Kubernetes protobuf and YAML
 * the bytes are scanned, which is said in a finding; what may hide its content altogether (a
 * content encoding, an unknown type) is scanned and stays uninspected for certain.
 *
 * A request without a content type is JSON, as the API server takes it. A body that is not what it
 * says is malformed, and its bytes are scanned nevertheless. Bodies of proxy calls are meant for
 * another program: their form is that program's business.
 *
 * Thread: the matcher's worker.
 */
#include <errno.h>
#include <strings.h>

#include "ks_codec.h"
#include "match_priv.h"

enum body_kind {
	BODY_JSON,
	BODY_JSON_PATCH,
	BODY_YAML,
	BODY_PROTOBUF,
	BODY_FORM,
	BODY_TEXT,
	BODY_UNKNOWN,
};

#define KIND(type, kind)                     \
	{                                    \
		type, sizeof(type) - 1, kind \
	}
static const struct {
	const char *type;
	uint32_t n;
	enum body_kind kind;
} kinds[] = {
	KIND("", BODY_JSON),
	KIND("application/json", BODY_JSON),
	KIND("application/vnd.kubernetes.protobuf", BODY_PROTOBUF),
	KIND("application/json-patch+json", BODY_JSON_PATCH),
	KIND("application/apply-patch+yaml", BODY_YAML),
	KIND("application/yaml", BODY_YAML),
	KIND("application/x-yaml", BODY_YAML),
	KIND("text/yaml", BODY_YAML),
	KIND("application/x-www-form-urlencoded", BODY_FORM),
};

static bool
ends_with(struct ks_str type, const char *tail)
{
	size_t n = strlen(tail);

	return type.n > n && strncasecmp(type.p + type.n - n, tail, n) == 0;
}

static enum body_kind
kind_of(struct ks_str type)
{
	for (size_t i = 0; i < KS_ARRAY_SIZE(kinds); i++)
		if (type.n == kinds[i].n &&
		    (type.n == 0 || strncasecmp(type.p, kinds[i].type, type.n) == 0))
			return kinds[i].kind;
	if (ends_with(type, "+json"))
		return BODY_JSON;
	if (ends_with(type, "+yaml"))
		return BODY_YAML;
	if (type.n > 5 && strncasecmp(type.p, "text/", 5) == 0)
		return BODY_TEXT;
	return BODY_UNKNOWN;
}

/* Media type without parameters (RFC 9110 section 8.3.1). */
static struct ks_str
media_type(struct ks_str value)
{
	const char *end = memchr(value.p, ';', value.n);
	uint32_t n = end != NULL ? (uint32_t)(end - value.p) : value.n;

	while (n > 0 && (value.p[n - 1] == ' ' || value.p[n - 1] == '\t'))
		n--;
	return (struct ks_str){value.p, n};
}

/* What the head says of the body; doubts about it are gaps. */
static enum body_kind
body_kind(struct ks_matcher *m)
{
	const struct ks_http_head *head = &m->ex->head;
	struct ks_str type = KS_STR("");
	uint32_t types = 0;

	for (uint16_t i = 0; i < head->nfields; i++) {
		struct ks_str value = ks_http_field_value(head, &head->fields[i]);

		if (head->fields[i].id == KS_HTTP_CONTENT_TYPE) {
			type = media_type(value);
			types++;
		} else if (head->fields[i].id == KS_HTTP_CONTENT_ENCODING &&
			   !(value.n == 8 && strncasecmp(value.p, "identity", 8) == 0)) {
			ks_match_gap(m, GAP_ENCODING);
		}
	}
	if (types > 1)
		ks_match_gap(m, GAP_TYPES);
	return kind_of(type);
}

/* Secrets hold credentials, and reviews and requests of tokens carry them: that is what they are
 * for. */
static uint8_t
value_flags(const struct ks_exchange *ex)
{
	const struct ks_kube_call *call = &ex->call;

	return ks_match_kube_object(ex) && (ks_str_is(call->resource, "secrets") ||
					    ks_str_is(call->resource, "tokenreviews") ||
					    ks_str_is(call->subresource, "token"))
		       ? VALUE_NO_LEAK
		       : 0;
}

/*
 * The controllers of kube-controller-manager turn what users send into other objects: a Deployment
 * with a leaked key becomes a ReplicaSet with it. Their tokens never leave the control plane.
 */
static bool
is_copy(const struct ks_exchange *ex)
{
	static const char prefix[] = "system:serviceaccount:kube-system:", suffix[] = "-controller";
	const struct ks_principal *who = &ex->principal;
	size_t n = strlen(who->name);

	return who->proven && who->kind == KS_PRINCIPAL_SERVICE_ACCOUNT &&
	       who->effective[0] == '\0' && n > sizeof(prefix) + sizeof(suffix) &&
	       memcmp(who->name, prefix, sizeof(prefix) - 1) == 0 &&
	       strcmp(who->name + n - (sizeof(suffix) - 1), suffix) == 0;
}

static struct ks_str
body_of(const struct ks_exchange *ex)
{
	return (struct ks_str){(const char *)ex->body, ex->body_bytes};
}

/* The bytes as they are, as one value. @param nature what they are to the Kubernetes API; to any
 * other program they are plain. */
static void
opaque(struct ks_matcher *m, uint8_t nature)
{
	struct ks_str body = body_of(m->ex);
	struct match_value value = {
		.name = KS_STR(""),
		.where = MATCH_WHERE_BODY,
		.nature = nature,
		.flags = value_flags(m->ex),
	};

	if (!ks_match_kube_object(m->ex))
		value.nature = NATURE_PLAIN;
	else if (is_copy(m->ex))
		value.nature = NATURE_COPY;
	ks_match_text(m, &value, body, ks_match_chars(body));
}

/* ---- JSON ---- */

/* @return 0, or the visitor's error. */
static int
json_walk(struct ks_matcher *m, bool patch, uint32_t *off)
{
	struct match_walk *walk = &m->walk[0];
	int rc;

	ks_match_walk_init(walk, m);
	walk->kube = ks_match_kube_object(m->ex);
	walk->copied = walk->kube && is_copy(m->ex);
	walk->patch = patch && walk->kube;
	walk->value_flags = value_flags(m->ex);
	rc = ks_match_walk_json(walk, body_of(m->ex), off);
	m->ex->body_depth = walk->depth_max;
	if (rc == 0 && walk->duplicate)
		ks_match_fault(m, FAULT_DUPLICATE, 0);
	if (rc == 0 && walk->range)
		ks_match_fault(m, FAULT_RANGE, 0);
	return rc;
}

static void
json(struct ks_matcher *m, bool patch)
{
	uint32_t off = 0;
	int rc = json_walk(m, patch, &off);

	if (ks_likely(rc == 0))
		return;
	if (rc == -EBADMSG)
		ks_match_fault(m, FAULT_GRAMMAR, off);
	/* What follows the place where it broke off has not been seen. */
	opaque(m, NATURE_PARAM);
}

/* JSON is YAML, and most of what comes under a YAML type is JSON. */
static void
yaml(struct ks_matcher *m)
{
	struct ks_str body = body_of(m->ex);
	uint32_t off = 0, i = 0;

	while (i < body.n && strchr(" \t\r\n", body.p[i]) != NULL && body.p[i] != '\0')
		i++;
	if (i < body.n && body.p[i] == '{' && json_walk(m, false, &off) == 0)
		return;
	ks_match_gap(m, ks_match_yaml_multiplies(body) ? GAP_ALIASES : GAP_YAML);
	opaque(m, NATURE_CODE);
}

/* ---- forms ---- */

static void
form_pair(struct ks_matcher *m, struct ks_str name, struct ks_str raw)
{
	struct match_fold fold = {.place = KS_PLACE_BODY};
	struct match_value scan = {.name = KS_STR("a form"), .where = KS_WHERE_BODY};
	bool bad = false;
	int n = ks_percent_decode(name, true, m->embed, MATCH_DECODE_BYTES, &bad);
	int len = ks_percent_decode(raw, true, m->plain, MATCH_DECODE_BYTES, &bad);
	struct ks_str path = {m->embed, (uint32_t)n}, value = {m->plain, (uint32_t)len};
	int field;

	if (n < 0 || len < 0) {
		ks_match_gap(m, GAP_DECODED);
		return;
	}
	ks_match_text(m, &scan, path, ks_match_chars(path));
	fold.hash = ks_match_field_hash(m->db, fold.place, path);
	fold.chars = ks_match_chars(value);
	fold.type = ks_match_type(value, fold.chars);
	field = ks_match_field_find(m, fold.hash);
	if (field < 0) {
		fold.secret = ks_match_name_secret(path);
		field = ks_match_field_add(m, &fold, path);
		m->ex->body_fields += field >= 0;
	}
	if (field >= 0) {
		ks_match_field_fold(m, field, &fold, value);
		scan.name = ks_field_path(&m->ex->fields, &m->ex->fields.v[field]);
	}
	ks_match_text(m, &scan, value, fold.chars);
}

static void
form(struct ks_matcher *m)
{
	struct ks_str name, value;
	uint32_t pos = 0;

	while (ks_kube_query_next(body_of(m->ex), &pos, &name, &value)) {
		if (name.p == NULL)
			name = KS_STR("");
		if (value.p == NULL)
			value = KS_STR("");
		form_pair(m, name, value);
	}
}

/* ---- all kinds ---- */

static void
unknown(struct ks_matcher *m)
{
	ks_match_gap(m, ks_match_kube_object(m->ex) ? GAP_TYPE : GAP_FOREIGN);
	opaque(m, NATURE_PLAIN);
}

static void
protobuf(struct ks_matcher *m)
{
	ks_match_gap(m, GAP_PROTOBUF);
	opaque(m, NATURE_CODE);
}

void
ks_match_body(struct ks_matcher *m)
{
	enum body_kind kind;

	if (m->ex->body == NULL || m->ex->body_bytes == 0)
		return;
	kind = body_kind(m);
	switch (kind) {
	case BODY_JSON:
	case BODY_JSON_PATCH:
		json(m, kind == BODY_JSON_PATCH);
		break;
	case BODY_YAML:
		yaml(m);
		break;
	case BODY_PROTOBUF:
		protobuf(m);
		break;
	case BODY_FORM:
		form(m);
		break;
	case BODY_TEXT:
		opaque(m, NATURE_PLAIN);
		break;
	case BODY_UNKNOWN:
		unknown(m);
		break;
	}
	ks_match_scan_flush(m);
}
