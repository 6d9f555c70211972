/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in a body. Two questions, answered from the keys on the way, for any kind of object:
 *
 * Which path is it? A model wants the schema's path ("spec.containers[].image"), not one path per
 * label. A key counts as "*" when it stands in a map (labels, annotations, data, selectors …) or
 * does not look like a field of an API (letters, digits, '_'). Field sets and schemas count as one
 * path altogether.
 *
 * Is code normal there?
 *   - NATURE_CODE: commands, arguments, scripts, expressions, schemas and descriptions; a
 * ConfigMap's or Secret's entry with the name of a file (it has a dot) or with a line break; any
 * text of three lines or more outside `metadata`.
 *   - NATURE_PARAM: other entries of such maps, `value` (environment), `message` and `note`
 * (events).
 *   - NATURE_PLAIN: all else; names, labels, annotations first of all. An annotation that holds the
 * object as it was applied is walked as the object that it is. Natures apply to objects of the
 * Kubernetes API only; a body for another program is plain throughout.
 *
 * Thread: pure functions.
 */
#include "place.h"

struct word {
	const char *text;
	uint16_t flags;
	uint8_t nature;
	uint8_t n;
};

#define WORD(text, flags, nature)                     \
	{                                             \
		text, flags, nature, sizeof(text) - 1 \
	}

static const struct word words[] = {
	WORD("metadata", SPOT_METADATA, NATURE_PLAIN),
	WORD("labels", SPOT_MAP, NATURE_PLAIN),
	WORD("annotations", SPOT_MAP | SPOT_NOTES, NATURE_PLAIN),
	WORD("matchLabels", SPOT_MAP, NATURE_PLAIN),
	WORD("nodeSelector", SPOT_MAP, NATURE_PLAIN),
	WORD("selector", SPOT_MAP, NATURE_PLAIN),
	WORD("extra", SPOT_MAP, NATURE_PLAIN),
	WORD("options", SPOT_MAP, NATURE_PLAIN),
	WORD("parameters", SPOT_MAP, NATURE_PARAM),
	WORD("volumeAttributes", SPOT_MAP, NATURE_PARAM),
	WORD("data", SPOT_MAP | SPOT_DATA | SPOT_SECRET, NATURE_PLAIN),
	WORD("stringData", SPOT_MAP | SPOT_DATA | SPOT_SECRET, NATURE_PLAIN),
	WORD("binaryData", SPOT_MAP | SPOT_DATA | SPOT_SECRET, NATURE_PLAIN),
	WORD("fieldsV1", SPOT_DEEP, NATURE_PLAIN),
	WORD("openAPIV3Schema", SPOT_DEEP, NATURE_CODE),
	WORD("properties", SPOT_DEEP, NATURE_CODE),
	WORD("value", SPOT_SECRET, NATURE_PARAM),
	WORD("message", 0, NATURE_PARAM),
	WORD("note", 0, NATURE_PARAM),
	WORD("command", 0, NATURE_CODE),
	WORD("args", 0, NATURE_CODE),
	WORD("script", 0, NATURE_CODE),
	WORD("scripts", 0, NATURE_CODE),
	WORD("expression", 0, NATURE_CODE),
	WORD("messageExpression", 0, NATURE_CODE),
	WORD("expr", 0, NATURE_CODE),
	WORD("query", 0, NATURE_CODE),
	WORD("rego", 0, NATURE_CODE),
	WORD("lua", 0, NATURE_CODE),
	WORD("pattern", 0, NATURE_CODE),
	WORD("description", 0, NATURE_CODE),
	WORD("jsonPath", 0, NATURE_CODE),
	WORD("userData", 0, NATURE_CODE),
};
_Static_assert(KS_ARRAY_SIZE(words) < MATCH_WORD_SLOTS / 2, "the look-up must keep empty slots");

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define FIELD_NAME_MAX 64u

static inline uint32_t
word_slot(const char *p, uint32_t n)
{
	return (n * 5 + (uint8_t)p[0] * 3 + (uint8_t)p[n - 1] * 7) % MATCH_WORD_SLOTS;
}

void
ks_match_place_init(struct ks_match_db *db)
{
	for (uint8_t i = 0; i < KS_ARRAY_SIZE(words); i++) {
		uint32_t slot = word_slot(words[i].text, words[i].n);

		while (db->words[slot] != 0)
			slot = (slot + 1) % MATCH_WORD_SLOTS;
		db->words[slot] = i + 1;
	}
}

static const struct word *
word_find(const struct ks_match_db *db, struct ks_str key)
{
	uint32_t slot = key.n > 0 ? word_slot(key.p, key.n) : 0;

	for (; key.n > 0 && db->words[slot] != 0; slot = (slot + 1) % MATCH_WORD_SLOTS) {
		const struct word *word = &words[db->words[slot] - 1];

		if (word->n == key.n && memcmp(word->text, key.p, key.n) == 0)
			return word;
	}
	return NULL;
}

/* A field of an API object: a directive of a strategic merge patch counts as one. */
static bool
is_field_name(struct ks_str key)
{
	return key.n > 0 && key.n <= FIELD_NAME_MAX &&
	       ((ks_match_chars(key) & CHAR_NO_FIELD) == 0 || key.p[0] == '$');
}

static void
anonymous(const struct match_spot *self, struct match_spot *child)
{
	child->key = KS_STR("*");
	child->hash = ks_hash64(self->hash, "*", 1);
}

/* An entry of a map: its key is data. */
static void
map_entry(const struct match_spot *self, struct ks_str key, struct match_spot *child)
{
	anonymous(self, child);
	child->flags &= (uint16_t) ~(SPOT_MAP | SPOT_DATA | SPOT_NOTES);
	if (self->flags & SPOT_DATA) {
		child->flags |= SPOT_ENTRY;
		if (memchr(key.p, '.', key.n) != NULL)
			child->flags |= SPOT_FILE;
	}
	if ((self->flags & SPOT_NOTES) && ks_str_eq(key, KS_STR(LAST_APPLIED)))
		child->flags |= SPOT_EMBED;
}

static bool
is_selector_part(struct ks_str key)
{
	return ks_str_is(key, "matchLabels") || ks_str_is(key, "matchExpressions");
}

static void
field(const struct ks_match_db *db, const struct match_spot *self, const struct match_key *key,
      struct match_spot *child)
{
	const struct word *word = word_find(db, key->text);

	child->flags &= (uint16_t) ~(SPOT_MAP | SPOT_DATA | SPOT_NOTES | SPOT_ENTRY);
	if (word == NULL && !is_field_name(key->text)) {
		anonymous(self, child);
		return;
	}
	child->key = key->text;
	child->hash = key->hash;
	if (word != NULL) {
		child->flags |= word->flags;
		child->nature = KS_MAX(child->nature, word->nature);
	}
}

void
ks_match_place_child(const struct match_walk *walk, const struct match_spot *self,
		     const struct match_key *key, struct match_spot *child)
{
	ks_match_spot_copy(child, self);
	if (self->flags & SPOT_SUNK) {
		child->key = (struct ks_str){"", 0};
	} else if (self->flags & SPOT_DEEP) {
		anonymous(self, child);
		child->flags |= SPOT_SUNK;
	} else if ((self->flags & SPOT_MAP) && !is_selector_part(key->text)) {
		map_entry(self, key->text, child);
	} else {
		field(walk->m->db, self, key, child);
	}
}

void
ks_match_place_element(const struct match_spot *self, struct match_spot *child)
{
	ks_match_spot_copy(child, self);
	child->flags &= (uint16_t) ~(SPOT_MAP | SPOT_DATA | SPOT_NOTES);
	if (self->flags & SPOT_SUNK) {
		child->key = (struct ks_str){"", 0};
		return;
	}
	child->key = KS_STR("[]");
	child->hash = ks_hash64(self->hash, "[]", 2);
}

/* Two line breaks: what has them is a document, not a value. */
static bool
is_document(struct ks_str value)
{
	const char *line = memchr(value.p, '\n', value.n);

	return line != NULL &&
	       memchr(line + 1, '\n', value.n - (size_t)(line + 1 - value.p)) != NULL;
}

uint8_t
ks_match_place_nature(const struct match_walk *walk, const struct match_spot *spot,
		      struct ks_str value, uint32_t chars)
{
	if (!walk->kube)
		return NATURE_PLAIN;
	if (ks_unlikely(walk->copied))
		return NATURE_COPY;
	if (spot->flags & SPOT_ENTRY)
		return (spot->flags & SPOT_FILE) || (chars & KS_CHAR_LINE) ? NATURE_CODE
									   : NATURE_PARAM;
	if (ks_unlikely(chars & KS_CHAR_LINE) && (spot->flags & SPOT_METADATA) == 0 &&
	    is_document(value))
		return NATURE_CODE;
	return spot->nature;
}

/* ---- JSON pointers ---- */

/* One reference token, its ~0 and ~1 resolved. @return its length, cut at the room. */
static uint32_t
pointer_token(struct ks_str pointer, uint32_t *pos, char *out, uint32_t cap)
{
	uint32_t n = 0, i = *pos + 1;

	for (; i < pointer.n && pointer.p[i] != '/'; i++) {
		char c = pointer.p[i];

		if (c == '~' && i + 1 < pointer.n && (pointer.p[i + 1] & 0xfe) == '0')
			c = pointer.p[++i] == '0' ? '~' : '/';
		if (n < cap)
			out[n++] = c;
	}
	*pos = i;
	return n;
}

static bool
is_index(struct ks_str token)
{
	return (ks_match_chars(token) & MATCH_CHARS_PUBLIC) == KS_CHAR_DIGIT ||
	       ks_str_is(token, "-");
}

void
ks_match_place_pointer(struct match_walk *walk, const struct match_spot *op, struct ks_str pointer)
{
	struct match_spot spot = *op, child;
	uint32_t pos = 0, used = 0;
	char token[FIELD_NAME_MAX + 1];

	spot.flags = 0;
	while (pos < pointer.n) {
		struct match_key key = {
			.text = {token, pointer_token(pointer, &pos, token, sizeof(token))}};

		key.hash = ks_hash64(spot.hash, key.text.p, key.text.n);
		if (is_index(key.text) && (spot.flags & SPOT_MAP) == 0)
			ks_match_place_element(&spot, &child);
		else
			ks_match_place_child(walk, &spot, &key, &child);
		if (used + child.key.n + 1 <= sizeof(walk->patch_path)) {
			if (used > 0 && child.key.n > 0 && child.key.p[0] != '[')
				walk->patch_path[used++] = '.';
			memcpy(walk->patch_path + used, child.key.p, child.key.n);
			used += child.key.n;
		}
		spot = child;
	}
	spot.key = (struct ks_str){walk->patch_path, used};
	walk->patch_spot = spot;
}
