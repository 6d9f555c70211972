/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings as JSON text and back. Codes are written by name, so that the file can be read by people
 * and by other programs. Texts that are not UTF-8 are made so. Thread: pure functions.
 */
#include <jansson.h>
#include <stdio.h>

#include "ks_json.h"
#include "store_priv.h"

struct text {
	char *p;
	size_t n;
	size_t cap;
};

static void
put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	memcpy(t->p + t->n, s, n);
	t->n += n;
}

static void
put_string(struct text *t, const char *key, const char *value, size_t cap)
{
	struct ks_str s = {value, (uint32_t)strnlen(value, cap)};

	put(t, ",\"");
	put(t, key);
	put(t, "\":\"");
	t->n += ks_json_escape(s, t->p + t->n, t->cap - t->n);
	put(t, "\"");
}

static void
put_finding(struct text *t, const struct ks_finding *f)
{
	char numbers[96];

	put(t, "{\"code\":\"");
	put(t, ks_finding_desc[f->code].name);
	snprintf(numbers, sizeof(numbers), "\",\"db\":%d,\"seen\":%u,\"certain\":%s", f->db,
		 f->seen, f->certain ? "true" : "false");
	put(t, numbers);
	put_string(t, "where", f->where, sizeof(f->where));
	put_string(t, "observed", f->observed, sizeof(f->observed));
	put_string(t, "expected", f->expected, sizeof(f->expected));
	put(t, "}");
}

size_t
ks_store_findings_write(const struct ks_record *record, char text[STORE_FINDINGS_BYTES])
{
	struct text t = {text, 0, STORE_FINDINGS_BYTES};

	put(&t, "[");
	for (uint8_t i = 0; i < record->nfindings; i++) {
		if (i > 0)
			put(&t, ",");
		put_finding(&t, &record->findings[i]);
	}
	put(&t, "]");
	return t.n;
}

static int
code_of(const char *name)
{
	for (int code = 0; name != NULL && code < KS_FINDING_MAX; code++)
		if (strcmp(ks_finding_desc[code].name, name) == 0)
			return code;
	return -1;
}

static void
get_string(const json_t *object, const char *key, char out[KS_FINDING_TEXT_BYTES])
{
	const char *value = json_string_value(json_object_get(object, key));

	snprintf(out, KS_FINDING_TEXT_BYTES, "%s", value == NULL ? "" : value);
}

void
ks_store_findings_read(struct ks_record *record, const char *text, size_t n)
{
	json_t *list = json_loadb(text, n, 0, NULL), *object;
	size_t i;

	record->nfindings = 0;
	json_array_foreach(list, i, object)
	{
		struct ks_finding *f = &record->findings[record->nfindings];
		int code = code_of(json_string_value(json_object_get(object, "code")));

		if (code < 0)
			continue;
		f->code = (uint8_t)code;
		f->db = (int16_t)json_integer_value(json_object_get(object, "db"));
		f->seen = (uint32_t)json_integer_value(json_object_get(object, "seen"));
		f->certain = json_is_true(json_object_get(object, "certain"));
		get_string(object, "where", f->where);
		get_string(object, "observed", f->observed);
		get_string(object, "expected", f->expected);
		if (++record->nfindings == KS_EXCHANGE_FINDINGS_MAX)
			break;
	}
	json_decref(list);
}
