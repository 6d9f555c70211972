/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through a body: keeps the normalised path while a decoder reports keys and values, folds
 * every value into its field and sends its text to the scanner. Decoders of other formats can drive
 * it as JSON does: open, key, value, close.
 *
 * The path is a chain of hashes, one step per key; its text is only put together when a field is
 * new. An object that stands inside a string (an annotation with what was applied) is walked by a
 * second walk, which scans but folds nothing: its fields are those of the body once more.
 *
 * Thread: the matcher's worker.
 */
#include <errno.h>

#include "keys.h"
#include "place.h"

/* Keys that look like fields of an API hold nothing to scan unless they are long. */
#define KEY_SCAN_MIN 32u
#define EXPONENT_MAX 308

static inline struct match_frame *
top(struct match_walk *walk)
{
	return &walk->frames[walk->top];
}

/* The path of a frame stays in front while what is in it comes and goes behind it. */
static uint32_t
path_append(struct match_walk *walk, uint32_t used, struct ks_str key)
{
	if (key.n == 0 || used + key.n + 1 > sizeof(walk->path))
		return used;
	if (used > 0 && key.p[0] != '[')
		walk->path[used++] = '.';
	memcpy(walk->path + used, key.p, key.n);
	return used + key.n;
}

/* Asked once per field and body, of few paths again and again. */
static bool
is_secret(struct ks_matcher *m, uint64_t hash, struct ks_str path)
{
	uint64_t *known = &m->secret[hash / 2 % MATCH_SECRET_ENTRIES];

	if ((*known & ~(uint64_t)1) != (hash & ~(uint64_t)1))
		*known = (hash & ~(uint64_t)1) | (ks_match_name_secret(path) ? 1 : 0);
	return *known & 1;
}

static ks_noinline int
field_new(struct match_walk *walk, struct match_fold *fold, const struct match_spot *spot)
{
	uint32_t n = path_append(walk, top(walk)->path_len, spot->key);
	struct ks_str path = {walk->path, n};
	int field;

	fold->secret = (spot->flags & SPOT_SECRET) != 0 || is_secret(walk->m, spot->hash, path);
	field = ks_match_field_add(walk->m, fold, path);
	if (field >= 0)
		walk->m->ex->body_fields++;
	return field;
}

/* @return the name under which the value is known: its field's path while there is one. */
static struct ks_str
fold_value(struct match_walk *walk, const struct match_spot *spot, enum ks_value_type type,
	   struct ks_str text, uint32_t chars)
{
	struct match_fold fold = {
		.place = KS_PLACE_BODY,
		.hash = spot->hash,
		.chars = chars,
		.type = type,
		.depth = (uint8_t)KS_MIN(walk->top, (uint32_t)UINT8_MAX),
	};
	int field;

	if (!walk->fold)
		return walk->owner;
	field = ks_match_field_find(walk->m, spot->hash);
	if (field < 0)
		field = field_new(walk, &fold, spot);
	if (ks_unlikely(field < 0))
		return walk->owner;
	ks_match_field_fold(walk->m, field, &fold, text);
	return ks_field_path(&walk->m->ex->fields, &walk->m->ex->fields.v[field]);
}

/* ---- strings ---- */

/* A document inside a string. @return NULL when it was walked, else where the text, which may have
 * moved, is to be scanned as text. */
static ks_noinline const char *
embedded(struct match_walk *walk, struct ks_str name, struct ks_str text)
{
	struct ks_matcher *m = walk->m;
	struct match_walk *inner = &m->walk[1];
	uint32_t off;

	if (walk == inner || text.n == 0 || text.p[0] != '{' || text.n > MATCH_DECODE_BYTES)
		return text.p;
	memcpy(m->embed, text.p, text.n);
	ks_match_walk_init(inner, m);
	inner->fold = false;
	inner->kube = walk->kube;
	inner->copied = walk->copied;
	inner->value_flags = walk->value_flags;
	inner->owner = name;
	text.p = m->embed;
	return ks_match_walk_json(inner, text, &off) == 0 ? NULL : text.p;
}

static void
string_value(struct match_walk *walk, struct ks_str text)
{
	const struct match_spot *spot = &top(walk)->child;
	const uint32_t chars = ks_match_chars(text);
	struct match_value value = {
		.where = KS_WHERE_BODY,
		.nature = ks_match_place_nature(walk, spot, text, chars),
		.flags = walk->value_flags,
	};

	value.name = fold_value(walk, spot, ks_match_type(text, chars), text, chars);
	if (ks_unlikely(spot->flags & SPOT_EMBED) && walk->kube) {
		text.p = embedded(walk, value.name, text);
		if (text.p == NULL)
			return;
	}
	ks_match_text(walk->m, &value, text, chars);
}

/* Without its escapes; without a pointer when it does not fit. A string as long as a body does. */
static ks_noinline struct ks_str
unescape(struct ks_matcher *m, struct ks_str raw)
{
	int n = ks_json_unescape(raw, m->plain, MATCH_DECODE_BYTES);

	if (n >= 0)
		return (struct ks_str){m->plain, (uint32_t)n};
	ks_match_gap(m, GAP_DECODED);
	return (struct ks_str){NULL, 0};
}

/* In a JSON patch the operation's `path` says where `value` goes. */
static bool
is_patch_part(const struct match_walk *walk, struct ks_str key)
{
	return walk->patch && walk->top == 2 && ks_str_eq(walk->frames[2].child.key, key);
}

static void
on_string(struct match_walk *walk, const struct ks_json_item *item)
{
	struct ks_str text = {item->text.p, item->text.n};

	if (item->escaped)
		text = unescape(walk->m, text);
	if (ks_unlikely(text.p == NULL))
		return;
	if (ks_unlikely(walk->patch) && is_patch_part(walk, KS_STR("path")))
		ks_match_place_pointer(walk, &top(walk)->self, text);
	string_value(walk, text);
}

/* ---- keys ---- */

/* A key that came with escapes must outlive its item: it is part of the path. */
static ks_cold struct ks_str
key_stored(struct match_walk *walk, struct ks_str text)
{
	struct ks_matcher *m = walk->m;
	char *p = m->key_text + m->key_bytes;

	if (text.n > MATCH_KEY_TEXT_BYTES - m->key_bytes)
		return KS_STR("*");
	memcpy(p, text.p, text.n);
	m->key_bytes += text.n;
	return (struct ks_str){p, text.n};
}

static void
scan_key(struct match_walk *walk, const struct match_spot *self, struct ks_str key)
{
	struct match_value value = {
		.name = KS_STR("a key of the body"),
		.where = KS_WHERE_BODY,
		.nature = self->nature,
		.flags = walk->value_flags,
	};

	if (!walk->kube)
		value.nature = NATURE_PLAIN;
	else if (walk->copied)
		value.nature = NATURE_COPY;
	else if (self->flags & SPOT_DATA)
		value.nature = NATURE_PARAM;
	ks_match_text(walk->m, &value, key, ks_match_chars(key));
}

static void
on_key(struct match_walk *walk, const struct ks_json_item *item)
{
	struct match_frame *frame = top(walk);
	struct match_key key = {.text = {item->text.p, item->text.n}};
	struct ks_str raw = {item->text.p, item->text.n};

	if (ks_unlikely(item->escaped)) {
		raw = unescape(walk->m, raw);
		if (raw.p == NULL)
			return;
		key.text = key_stored(walk, raw);
	}
	key.hash = ks_hash64(frame->self.hash, raw.p, raw.n);
	if (ks_unlikely(ks_match_keys_add(walk->m, frame, key.hash)))
		walk->duplicate = true;
	ks_match_place_child(walk, &frame->self, &key, &frame->child);
	if (frame->child.key.p != key.text.p || raw.n > KEY_SCAN_MIN)
		scan_key(walk, &frame->self, raw);
	if (ks_unlikely(walk->patch) && is_patch_part(walk, KS_STR("value")) &&
	    walk->patch_spot.key.n > 0)
		ks_match_spot_copy(&frame->child, &walk->patch_spot);
}

/* ---- everything else ---- */

static void
open_container(struct match_walk *walk, bool array)
{
	struct match_frame *frame = top(walk), *inner = frame + 1;

	walk->top++;
	ks_match_spot_copy(&inner->self, &frame->child);
	inner->path_len = path_append(walk, frame->path_len, frame->child.key);
	inner->tabled = false;
	inner->keys_from = walk->m->keys.n;
	if (array)
		ks_match_place_element(&inner->self, &inner->child);
	else if (walk->patch && walk->top == 2)
		walk->patch_spot.key.n = 0;
	walk->depth_max = (uint16_t)KS_MAX((uint32_t)walk->depth_max, walk->top);
}

/* An empty container is a value; of others, what is in them speaks. */
static void
close_container(struct match_walk *walk, bool empty, enum ks_value_type type)
{
	struct match_frame *frame = top(walk);

	ks_match_keys_drop(&walk->m->keys, frame->keys_from, frame->tabled);
	walk->top--;
	if (empty)
		fold_value(walk, &top(walk)->child, type, KS_STR(""), 0);
}

/* Larger than any double: the API server refuses it, others may take it for infinity. */
static ks_cold bool
out_of_range(struct ks_str text)
{
	const char *p = text.p, *end = text.p + text.n;
	uint32_t exponent = 0;

	while (p < end && (*p | 0x20) != 'e')
		p++;
	if (p - text.p > EXPONENT_MAX)
		return true;
	for (p++; p < end && *p != '-' && exponent <= EXPONENT_MAX; p++)
		if (*p != '+')
			exponent = exponent * 10 + (uint32_t)(*p - '0');
	return exponent > EXPONENT_MAX;
}

static void
on_number(struct match_walk *walk, struct ks_str text)
{
	uint32_t chars = ks_match_chars(text);
	enum ks_value_type type = ks_match_type(text, chars);

	if (ks_unlikely((chars & (KS_CHAR_LOWER | KS_CHAR_UPPER)) || text.n > EXPONENT_MAX))
		walk->range |= out_of_range(text);
	fold_value(walk, &top(walk)->child, type, text, chars);
}

static int
on_item(void *arg, const struct ks_json_item *item)
{
	struct match_walk *walk = arg;
	const struct match_spot *spot = &top(walk)->child;

	switch (item->event) {
	case KS_JSON_KEY:
		walk->hollow = false;
		on_key(walk, item);
		return 0;
	case KS_JSON_OBJECT_BEGIN:
	case KS_JSON_ARRAY_BEGIN:
		open_container(walk, item->event == KS_JSON_ARRAY_BEGIN);
		walk->hollow = true;
		return 0;
	case KS_JSON_OBJECT_END:
	case KS_JSON_ARRAY_END:
		close_container(walk, walk->hollow,
				item->event == KS_JSON_ARRAY_END ? KS_VALUE_ARRAY
								 : KS_VALUE_OBJECT);
		break;
	case KS_JSON_STRING:
		on_string(walk, item);
		break;
	case KS_JSON_NUMBER:
		on_number(walk, (struct ks_str){item->text.p, item->text.n});
		break;
	case KS_JSON_TRUE:
	case KS_JSON_FALSE:
		fold_value(walk, spot, KS_VALUE_BOOL, item->text, KS_CHAR_LOWER);
		break;
	case KS_JSON_NULL:
		fold_value(walk, spot, KS_VALUE_NULL, item->text, KS_CHAR_LOWER);
		break;
	}
	walk->hollow = false;
	return 0;
}

void
ks_match_walk_init(struct match_walk *walk, struct ks_matcher *m)
{
	struct match_frame *frames = walk->frames;

	*walk = (struct match_walk){.m = m, .frames = frames, .fold = true};
	frames[0] = (struct match_frame){
		.child = {.hash = ks_match_field_hash(m->db, KS_PLACE_BODY, KS_STR("")),
			  .key = KS_STR("")},
	};
}

int
ks_match_walk_json(struct match_walk *walk, struct ks_str doc, uint32_t *err_off)
{
	struct ks_matcher *m = walk->m;
	int rc = ks_json_visit(doc, m->db->limits.json_depth, on_item, walk, err_off);

	/* A document that breaks off leaves objects open. */
	for (; walk->top > 0; walk->top--)
		ks_match_keys_drop(&m->keys, top(walk)->keys_from, top(walk)->tabled);
	if (rc == -E2BIG)
		ks_match_gap(m, GAP_DEPTH);
	return rc;
}
