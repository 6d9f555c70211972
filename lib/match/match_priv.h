/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the compiled database, the matcher of one worker, and the way
 * of a value through them.
 *
 *   head.c, body.c, walk.c   find values, say where they stand, fold them into the field list
 *   text.c, decode.c         make the forms of a value (as it is, decoded once, twice …)
 *   scan.c                   gathers forms into one buffer, scans it, finds the value behind a hit
 *   hit.c                    keeps the best evidence of each rule, makes findings of it
 *
 * Thread: a database is read-only; everything in a matcher belongs to its worker.
 */
#ifndef KS_MATCH_PRIV_H
#define KS_MATCH_PRIV_H

#include <hs.h>

#include "ks_hash.h"
#include "ks_json.h"
#include "ks_match.h"

/*
 * What a place makes of code that stands in it. A signature says "this is code"; how much that
 * means depends on whether code is normal there.
 */
enum match_nature {
	NATURE_PLAIN, /* names, labels, query, headers, cookies, path: code is never normal */
	NATURE_PARAM, /* free values that a program reads: flags, but does not block */
	NATURE_CODE,  /* commands, scripts, files in a ConfigMap: code is what belongs there */
	NATURE_COPY,  /* written by a controller of the cluster from what was judged when it came in
		       */
	NATURE_MAX,
};

/* Evidence that remains of a signature where what it finds is normal. */
#define MATCH_NORMAL_DB 20
/* Evidence of what blocks: it could not be looked at although it should have been, or it is broken.
 */
#define MATCH_CLOSED_DB 100
/* Evidence of a body of which only the bytes could be scanned. */
#define MATCH_BYTES_ONLY_DB 20

#define MATCH_WHERE_HEAD \
	(KS_WHERE_PATH | KS_WHERE_QUERY | KS_WHERE_HEADER | KS_WHERE_COOKIE | KS_WHERE_AGENT)
#define MATCH_WHERE_BODY (KS_WHERE_BODY | KS_WHERE_RAW)

/* Private bits beside enum ks_char_class: what decoders and type parsers ask for. */
enum match_char {
	CHAR_PERCENT = 1 << 16,
	CHAR_AMP = 1 << 17,
	CHAR_BACKSLASH = 1 << 18,
	CHAR_SLASH = 1 << 19,
	CHAR_STAR = 1 << 20,
	CHAR_DOLLAR = 1 << 21,
	CHAR_ODD_UTF8 = 1 << 22, /* leads overlong or full-width forms */
	CHAR_NO_BASE64 = 1 << 23,
	CHAR_PLUS = 1 << 24,
	CHAR_COLON = 1 << 25,
	CHAR_EQUALS = 1 << 26,
	CHAR_COMMA = 1 << 27,
	CHAR_NO_NAME = 1 << 28,	 /* not of lower-case letters, digits, '-' and '.' */
	CHAR_NO_FIELD = 1 << 29, /* not of letters, digits and '_' */
};
#define MATCH_CHARS_PUBLIC 0xffffu

/* ---- the compiled rules ---- */

struct match_rule {
	struct ks_match_rule r; /* texts owned */
};

#define MATCH_WORD_SLOTS 128u

struct ks_match_db {
	struct match_rule *rules;
	uint32_t n;
	uint64_t seed;
	struct ks_match_limits limits;
	hs_database_t *head; /* rules for path, query, headers, cookies; NULL when there are none */
	hs_database_t *body; /* rules for decoded and opaque bodies */
	uint8_t words[MATCH_WORD_SLOTS]; /* look-up of known keys, place.c; 0 is empty */
};

/** Refuses what would be dear at run time. @return NULL, or the reason. */
const char *ks_match_pattern_check(const char *pattern);

/* ---- values on their way to the scanner ---- */

enum match_value_flag {
	VALUE_WITHHELD = 1 << 0, /* a credential: nothing of it may show in a finding */
	VALUE_NO_LEAK = 1 << 1,	 /* credentials are normal here */
};

struct match_value {
	struct ks_str name; /* of header, cookie, parameter, or body path; stable while gathered */
	uint32_t off;	    /* into the gather buffer */
	uint32_t len;
	uint8_t where; /* enum ks_match_where */
	uint8_t nature;
	uint8_t flags;
};

/* Every rule holds a literal (pattern.c): shorter values cannot match. */
#define MATCH_HIT_MIN 2u

#define MATCH_GATHER_BYTES (48u * 1024)
#define MATCH_GATHER_VALUES 1024u
/* Larger values are scanned where they lie. */
#define MATCH_GATHER_VALUE_MAX 2048u

struct match_gather {
	char *bytes;
	struct match_value *v;
	const hs_database_t *hs;
	uint32_t used;
	uint32_t n;
	uint8_t where; /* union of the values' */
	uint8_t flags; /* what all of them have */
};

/* ---- evidence ---- */

#define MATCH_HITS_MAX 16u
/* Findings are few per exchange and SCORE needs room too. */
#define MATCH_SIGNATURE_FINDINGS_MAX 8u

struct match_hit {
	uint32_t rule;
	int16_t db;
	bool certain;
	char where[KS_FINDING_TEXT_BYTES];
	char observed[KS_FINDING_TEXT_BYTES];
};

/* Why something was not looked at; X(ID, certain, decibans, where, words). */
#define MATCH_GAPS(X)                                                                            \
	X(FIELDS, true, MATCH_CLOSED_DB, "the request", "more distinct fields than can be kept") \
	X(DEPTH, true, MATCH_CLOSED_DB, "the body", "nested too deep")                           \
	X(KEYS, true, MATCH_CLOSED_DB, "the body",                                               \
	  "more keys in open objects than can be compared")                                      \
	X(DECODED, true, MATCH_CLOSED_DB, "a value", "more encoded text than may be decoded")    \
	X(ROUNDS, true, MATCH_CLOSED_DB, "a value", "encoded more often than may be decoded")    \
	X(ENCODING, true, MATCH_CLOSED_DB, "the body", "a content encoding on a request")        \
	X(TYPES, true, MATCH_CLOSED_DB, "the body", "more than one content type")                \
	X(TYPE, true, MATCH_CLOSED_DB, "the body", "a content type that cannot be decoded")      \
	X(FOREIGN, false, MATCH_BYTES_ONLY_DB, "the body",                                       \
	  "meant for the program behind the proxy call, scanned as bytes only")                  \
	X(PROTOBUF, false, MATCH_BYTES_ONLY_DB, "the body",                                      \
	  "Kubernetes protobuf, scanned as bytes only")                                          \
	X(ALIASES, true, MATCH_CLOSED_DB, "the body", "YAML whose aliases multiply")             \
	X(YAML, false, MATCH_BYTES_ONLY_DB, "the body", "YAML, scanned as text only")
#define MATCH_GAP_ENUM(ID, certain, db, where, words) GAP_##ID,
enum match_gap { MATCH_GAPS(MATCH_GAP_ENUM) GAP_MAX };
#undef MATCH_GAP_ENUM

/* How a body is not what its type says, from the least to the worst; X(ID, decibans, words). */
#define MATCH_FAULTS(X)                                     \
	X(NONE, 0, "")                                      \
	X(RANGE, 60, "a number out of range")               \
	X(DUPLICATE, 60, "a key comes twice in one object") \
	X(GRAMMAR, MATCH_CLOSED_DB, "it breaks the grammar")
#define MATCH_FAULT_ENUM(ID, db, words) FAULT_##ID,
enum match_fault { MATCH_FAULTS(MATCH_FAULT_ENUM) FAULT_MAX };
#undef MATCH_FAULT_ENUM

/* ---- the field list's index ---- */

struct match_slot {
	uint32_t epoch;
	uint16_t field;
};

/* Small requests stay within the first slots, which fit the first-level cache. */
#define MATCH_INDEX_SMALL 128u
#define MATCH_INDEX_SLOTS 8192u
#define MATCH_FIELDS_MAX (MATCH_INDEX_SLOTS / 2)

/* ---- values seen before and found clean ---- */

#define MATCH_CLEAN_ENTRIES 512u
#define MATCH_CLEAN_BYTES 152u
#define MATCH_PENDING_MAX 48u

struct match_clean {
	uint64_t key;
	uint64_t field_hash;
	uint64_t value_hash;
	uint32_t chars;
	uint8_t name_len;
	uint8_t raw_len;   /* value as it came */
	uint8_t value_len; /* value as it is meant */
	uint8_t place;
	uint8_t type;
	bool value_differs;	       /* the meant value stands behind the raw one */
	char bytes[MATCH_CLEAN_BYTES]; /* name, raw value, meant value where that differs */
};

/* ---- the walk through a body ---- */

#define MATCH_WALK_DEPTH_MAX 1024u
/* Keys of one object compared one by one before they go into the table. */
#define MATCH_KEYS_LINEAR 16u
#define MATCH_KEYS_MAX 32768u
#define MATCH_KEYS_SLOTS (2 * MATCH_KEYS_MAX)

/* Where the walk stands: everything that follows from the normalised path. */
struct match_spot {
	uint64_t hash;
	struct ks_str key;
	uint16_t flags; /* enum match_spot_flag, place.h */
	uint8_t nature;
};

/* Field by field: a copy in one piece would have to wait for the pieces just written (a failed
 * store forward, 12 cycles each; measured at a sixth of a walk). */
static inline void
ks_match_spot_copy(struct match_spot *to, const struct match_spot *from)
{
	to->hash = from->hash;
	to->key.p = from->key.p;
	to->key.n = from->key.n;
	to->flags = from->flags;
	to->nature = from->nature;
}

struct match_frame {
	struct match_spot self;	 /* the container */
	struct match_spot child; /* what the next value in it is */
	uint32_t keys_from;	 /* first of its keys on the key stack */
	uint32_t path_len;	 /* of its path in match_walk.path */
	bool tabled;		 /* its keys are in the table too */
};

struct match_walk {
	struct ks_matcher *m;
	struct match_frame *frames;
	uint32_t top;
	uint16_t depth_max;
	bool fold;	/* values go into the field list */
	bool kube;	/* the body is a Kubernetes object: natures apply */
	bool copied;	/* NATURE_COPY throughout */
	bool patch;	/* JSON patch: a list of operations */
	bool duplicate; /* a key came twice in one object */
	bool hollow;	/* nothing has come in the innermost container */
	bool range;	/* a number that no machine holds */
	uint8_t value_flags;
	struct ks_str owner;	      /* name of values that have no field of their own */
	struct match_spot patch_spot; /* place that `path` of this operation names */
	char patch_path[256];
	char path[1024];
};

/* Paths whose secrecy is known: hash with the answer in the lowest bit. */
#define MATCH_SECRET_ENTRIES 1024u

/* Open keys of all objects that are being walked: a stack, and a table for large objects. */
struct match_keys {
	uint64_t *stack; /* hash of object and key */
	uint64_t *table;
	uint32_t n;
};

#define MATCH_KEY_TEXT_BYTES (16u * 1024)
#define MATCH_NAME_TEXT_BYTES (64u * 1024)
#define MATCH_DECODE_BYTES (4u * 1024 * 1024)

struct ks_matcher {
	const struct ks_match_db *db;
	hs_scratch_t *scratch;
	struct ks_exchange *ex;

	struct match_gather head;
	struct match_gather body[NATURE_MAX];

	struct match_hit *hits;
	uint32_t nhits;
	uint32_t *rule_epoch; /* per rule: the request in which it was last hit … */
	uint8_t *rule_hit;    /* … and its place in `hits` */

	struct match_slot *slots;
	uint32_t slot_mask;
	uint32_t epoch;

	struct match_clean *clean;
	struct match_clean *pending;
	uint32_t npending;

	struct match_walk walk[2]; /* the body, and a document inside one of its values */
	struct match_keys keys;
	uint64_t *secret; /* MATCH_SECRET_ENTRIES */
	char *key_text;	  /* keys that came with escapes */
	uint32_t key_bytes;

	char *name_text; /* decoded names of parameters */
	uint32_t name_bytes;

	char *decode[2]; /* forms of one value, in turn */
	char *plain;	 /* value without its escapes */
	char *embed;	 /* document inside a value */
	uint64_t decode_left;
	uint32_t gaps; /* 1 << enum match_gap */
	uint8_t fault; /* enum match_fault: the worst */
	uint32_t fault_at;

	struct ks_match_stats stats;
};

/* ---- chars and types (value.c) ---- */

extern const uint32_t ks_match_char[256];

static inline uint32_t
ks_match_chars(struct ks_str text)
{
	const uint8_t *p = (const uint8_t *)text.p, *end = p + text.n;
	uint32_t a = 0, b = 0, c = 0, d = 0;

	for (; end - p >= 4; p += 4) {
		a |= ks_match_char[p[0]];
		b |= ks_match_char[p[1]];
		c |= ks_match_char[p[2]];
		d |= ks_match_char[p[3]];
	}
	for (; p < end; p++)
		a |= ks_match_char[*p];
	return a | b | c | d;
}
enum ks_value_type ks_match_type(struct ks_str text, uint32_t chars);

/* ---- decoders (decode.c) ---- */

/** Bits of which one at least must be in a text before ks_match_decode() can change it. */
#define MATCH_DECODABLE \
	(CHAR_PERCENT | CHAR_AMP | CHAR_BACKSLASH | CHAR_STAR | CHAR_DOLLAR | CHAR_ODD_UTF8)
/** One round of all decoders that take turns in hiding: percent, HTML entities, \x and \u escapes,
 *  overlong and full-width UTF-8, SQL comments, shell field separators.
 *  @param out room for text.n bytes; may not overlap. @param hidden set when what changed was an
 * encoding (and not just spelling). @return bytes written, or -1 when nothing changed. */
int64_t ks_match_decode(struct ks_str text, char *out, bool *hidden);
/** @return bytes written when the text is base64 of something readable or of a known kind of file;
 *  -1 otherwise. */
int64_t ks_match_decode_base64(struct ks_str text, uint32_t chars, char *out, size_t cap);

/** True when YAML's anchors and aliases would unfold into much more than the text (yaml.c). */
bool ks_match_yaml_multiplies(struct ks_str text);

/* ---- fields (field.c) ---- */

struct match_fold {
	enum ks_place place;
	uint64_t hash;
	uint32_t chars;
	uint64_t value_hash; /* 0: none */
	enum ks_value_type type;
	uint8_t depth;
	bool secret;
};

uint64_t ks_match_field_hash(const struct ks_match_db *db, enum ks_place place, struct ks_str path);
/** Index of the field, or -1. */
int ks_match_field_find(struct ks_matcher *m, uint64_t hash);
/** Adds a field. @return index, or -1 when the list is full (noted as a gap). */
int ks_match_field_add(struct ks_matcher *m, const struct match_fold *fold, struct ks_str path);
/** Folds one value into a field. */
void ks_match_field_fold(struct ks_matcher *m, int field, const struct match_fold *fold,
			 struct ks_str value);
/** Names under which secrets stand: their values are never kept. */
bool ks_match_name_secret(struct ks_str name);

/* ---- clean values (clean.c) ---- */

/** @return the entry for exactly this value in this place, or NULL. */
const struct match_clean *ks_match_clean_find(const struct ks_matcher *m, enum ks_place place,
					      struct ks_str name, struct ks_str raw);
/** Remembers a value of this request; it becomes known as clean when the request turns out to be.
 */
void ks_match_clean_note(struct ks_matcher *m, const struct match_fold *fold, struct ks_str name,
			 struct ks_str raw, struct ks_str value);
void ks_match_clean_commit(struct ks_matcher *m);

/* ---- texts and scans (text.c, scan.c) ---- */

/** Puts a value on its way in all its forms. `chars` are those of `text`. */
void ks_match_text(struct ks_matcher *m, const struct match_value *value, struct ks_str text,
		   uint32_t chars);
/** One form of a value, as it is. */
void ks_match_scan_add(struct ks_matcher *m, const struct match_value *value, struct ks_str text);
void ks_match_scan_flush(struct ks_matcher *m);

/* ---- evidence (hit.c) ---- */

bool ks_match_rule_applies(const struct ks_match_db *db, uint32_t rule, uint8_t where,
			   uint8_t flags);
/** True when a hit of this rule in this place would tell more than is known already. */
bool ks_match_hit_wanted(const struct ks_matcher *m, uint32_t rule, uint8_t nature);
/** @param observed the matching bytes. */
void ks_match_hit_add(struct ks_matcher *m, uint32_t rule, const struct match_value *value,
		      struct ks_str observed);
static inline void
ks_match_gap(struct ks_matcher *m, enum match_gap gap)
{
	m->gaps |= 1u << gap;
}
static inline void
ks_match_fault(struct ks_matcher *m, enum match_fault fault, uint32_t at)
{
	if (fault > m->fault) {
		m->fault = (uint8_t)fault;
		m->fault_at = at;
	}
}
void ks_match_findings(struct ks_matcher *m);

/* ---- parts of the request ---- */

void ks_match_head(struct ks_matcher *m);
void ks_match_body(struct ks_matcher *m);
/** True when the call is one of the Kubernetes API's own objects, so that its fields have meaning.
 */
static inline bool
ks_match_kube_object(const struct ks_exchange *ex)
{
	return ex->call.resource_request && ex->call.verb != KS_KUBE_PROXY &&
	       !ks_str_is(ex->call.subresource, "proxy");
}

/* ---- the walk (walk.c) ---- */

/** Readies a walk from its root on; the caller then sets what differs from zero and `fold`. */
void ks_match_walk_init(struct match_walk *walk, struct ks_matcher *m);
int ks_match_walk_json(struct match_walk *walk, struct ks_str doc, uint32_t *err_off);

#endif
