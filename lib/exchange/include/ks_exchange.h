/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange: one request with its parts, its judgement and its end. It travels
 * TERMINATE → MATCH → SCORE → TERMINATE (verdict) and, when the answer is through,
 * TERMINATE → SCORE (outcome) → RECORD → TERMINATE (free). It owns every byte it points to.
 *
 * Thread: whoever holds it; it is handed over whole. Memory belongs to the TERMINATE owner and is given
 * back only there.
 */
#ifndef KS_EXCHANGE_H
#define KS_EXCHANGE_H

#include "ks_addr.h"
#include "ks_arena.h"
#include "ks_finding.h"
#include "ks_http.h"
#include "ks_kube.h"
#include "ks_pool.h"

enum ks_mode { KS_MODE_LEARN, KS_MODE_DETECT, KS_MODE_ENFORCE };
const char *ks_mode_name(enum ks_mode mode);
/** @return 0 or -EINVAL. */
int ks_mode_parse(const char *text, enum ks_mode *out);

enum ks_verdict { KS_VERDICT_ALLOW, KS_VERDICT_FLAG, KS_VERDICT_THROTTLE, KS_VERDICT_BLOCK };
/** "allow", "flag", "throttle", "block" */
const char *ks_verdict_name(enum ks_verdict verdict);

/** Every exchange ends in exactly one of these. */
#define KS_EXCHANGE_ENDS(X)                                                                        \
	X(ANSWERED, "answered", "the API server's whole answer was delivered")                     \
	X(STREAMING, "streaming", "long-running: recorded when its answer began")                  \
	X(BLOCKED, "blocked", "answered 403 by us")                                                \
	X(THROTTLED, "throttled", "answered 429 by us")                                            \
	X(REFUSED, "refused", "answered by us: malformed, too large, not admitted")                \
	X(UPSTREAM_UNAVAILABLE, "upstream_unavailable", "answered 503 or 504 by us")               \
	X(UPSTREAM_BROKEN, "upstream_broken", "the API server's answer broke off")                 \
	X(CLIENT_GONE, "client_gone", "the client left before its answer was through")             \
	X(SHUTDOWN, "shutdown", "the gateway ended")
#define KS_EXCHANGE_END_ENUM(ID, name, help) KS_END_##ID,
enum ks_exchange_end { KS_EXCHANGE_ENDS(KS_EXCHANGE_END_ENUM) KS_END_MAX };
#undef KS_EXCHANGE_END_ENUM
const char *ks_exchange_end_name(enum ks_exchange_end end);

/* ---- fields: what MATCH saw, as SCORE wants it ---- */

enum ks_place { KS_PLACE_QUERY, KS_PLACE_HEADER, KS_PLACE_COOKIE, KS_PLACE_BODY, KS_PLACE_PATH };

/** Value types from narrow to wide; one value has one. */
#define KS_VALUE_TYPES(X)                                                                          \
	X(EMPTY, "empty") X(NULL, "null") X(BOOL, "a boolean") X(INT, "an integer")                \
	X(NUMBER, "a number") X(IP, "an IP address") X(CIDR, "an address range")                   \
	X(UUID, "a UUID") X(TIME, "a time") X(DURATION, "a duration") X(QUANTITY, "a quantity")    \
	X(NAME, "a name") X(PATH, "a path") X(BASE64, "base64 data") X(WORD, "a word")             \
	X(LIST, "a list of words") X(TEXT, "text") X(BINARY, "binary data")                        \
	X(OBJECT, "an object") X(ARRAY, "an array")
#define KS_VALUE_TYPE_ENUM(ID, name) KS_VALUE_##ID,
enum ks_value_type { KS_VALUE_TYPES(KS_VALUE_TYPE_ENUM) KS_VALUE_TYPE_MAX };
#undef KS_VALUE_TYPE_ENUM
const char *ks_value_type_name(enum ks_value_type type);

/** Characters that a value holds (mask). */
enum ks_char_class {
	KS_CHAR_LOWER = 1 << 0, KS_CHAR_UPPER = 1 << 1, KS_CHAR_DIGIT = 1 << 2,
	KS_CHAR_SPACE = 1 << 3,   /**< blank, tab */
	KS_CHAR_NAME = 1 << 4,    /**< - _ . */
	KS_CHAR_PATH = 1 << 5,    /**< / : @ */
	KS_CHAR_LIST = 1 << 6,    /**< , ; = & + */
	KS_CHAR_QUOTE = 1 << 7,   /**< ' " ` */
	KS_CHAR_BRACKET = 1 << 8, /**< ( ) [ ] { } */
	KS_CHAR_ANGLE = 1 << 9,   /**< < > */
	KS_CHAR_SHELL = 1 << 10,  /**< $ | \ ^ ~ ! # * ? % */
	KS_CHAR_LINE = 1 << 11,   /**< CR, LF */
	KS_CHAR_CONTROL = 1 << 12,
	KS_CHAR_HIGH = 1 << 13,   /**< beyond ASCII */
};

/**
 * All values under one normalised path of one request, folded together: "spec.containers[].image".
 * Bounded by the list's capacity however large the body is.
 */
struct ks_field {
	uint64_t hash;       /**< ks_hash64 over place and path, seed of the profile */
	uint64_t value_hash; /**< of the first scalar value; 0 when none or longer than 64 bytes */
	uint32_t path_off;   /**< into ks_field_list.text */
	uint32_t value_off;  /**< first value's text when it is at most 64 bytes and not secret */
	uint32_t count;      /**< values folded */
	uint32_t len_max;    /**< bytes of the longest value */
	uint32_t type_mask;  /**< 1 << enum ks_value_type */
	uint16_t path_len;
	uint16_t value_len;  /**< 0: not kept */
	uint16_t char_mask;  /**< enum ks_char_class of all values */
	uint8_t place;       /**< enum ks_place */
	uint8_t depth;       /**< nesting of the path */
};

struct ks_field_list {
	struct ks_field *v;
	char *text;
	uint32_t text_bytes, text_cap;
	uint16_t n, cap;
	bool overflow; /**< more distinct paths than fit: also an `uninspected` finding */
};
/** Lays a list out in `block`: fields in front, text behind. */
void ks_field_list_init(struct ks_field_list *list, void *block, size_t bytes);
static inline struct ks_str
ks_field_path(const struct ks_field_list *list, const struct ks_field *field)
{
	return (struct ks_str){list->text + field->path_off, field->path_len};
}
static inline struct ks_str
ks_field_value(const struct ks_field_list *list, const struct ks_field *field)
{
	return (struct ks_str){list->text + field->value_off, field->value_len};
}

/* ---- the exchange ---- */

#define KS_EXCHANGE_FINDINGS_MAX 24
#define KS_EXCHANGE_STAGES_MAX 8

struct ks_exchange {
	/* who owns it and where it goes back to */
	struct ks_exchange *next; /**< private list of whoever holds it */
	ks_handle_t session;      /**< the owner's session; stale when that has died */
	uint64_t seq;             /**< per owner, from 1 */
	uint16_t owner;           /**< TERMINATE instance */
	uint16_t service;         /**< index of the service it came to */
	uint32_t route_hash;      /**< chooses MATCH and SCORE instance */
	struct ks_now now;        /**< when the request was complete */

	/* what its body is charged for, the owner's business */
	uint32_t charge_bytes;
	uint16_t charge_source, charge_actor;

	/* the request */
	char *block;              /**< head bytes and decoded path; from the owner's arena */
	void *field_block;
	struct ks_http_head head;
	struct ks_kube_call call;
	struct ks_principal principal;
	struct ks_addr source;
	uint8_t *body;            /**< complete body, contiguous; NULL when none */
	uint32_t body_bytes;
	bool tls_resumed;
	struct ks_field_list fields; /**< filled by MATCH */
	uint32_t body_fields;     /**< distinct body paths */
	uint16_t body_depth;
	bool body_inspected;      /**< false: judged on head only (proxy calls) */

	/* the judgement */
	bool judged;              /**< it has come back from SCORE, or was let past it */
	bool passed_uninspected;  /**< let past MATCH and SCORE: overload, by policy */
	struct ks_finding findings[KS_EXCHANGE_FINDINGS_MAX];
	uint8_t nfindings;
	uint8_t verdict;          /**< enum ks_verdict: what is done */
	uint8_t advice;           /**< enum ks_verdict: what enforce mode would do */
	uint8_t mode;             /**< enum ks_mode at the judgement */
	int16_t score_db;
	uint16_t retry_after_s;   /**< with THROTTLE */

	/* the end, set by the owner */
	uint8_t end;              /**< enum ks_exchange_end */
	uint16_t status;
	uint64_t response_bytes;
	uint64_t duration_us;
	uint64_t upstream_us;     /**< until the first byte of the answer; 0: never sent */
};

/** Readies an exchange fresh from its pool: clears all but the buffers' content. */
void ks_exchange_init(struct ks_exchange *ex);
/** Gives its blocks back to the owner's arena. */
void ks_exchange_fini(struct ks_exchange *ex, struct ks_arena *arena);

/**
 * Adds a finding; when the list is full the weakest goes if it is weaker (the sum keeps the strongest).
 * @return the slot to fill in (code, db, seen, certain set; texts empty), or NULL when too weak.
 */
struct ks_finding *ks_exchange_finding_add(struct ks_exchange *ex, enum ks_finding_code code,
					   int db, uint32_t seen);
/** Sum over causes of the largest finding of each cause. */
int ks_exchange_score_db(const struct ks_exchange *ex);
bool ks_exchange_has(const struct ks_exchange *ex, enum ks_finding_code code);
/** Who is charged and modelled: principal's name when proven, else "source/token-hash" of it, as
 *  a 64-bit key under `seed`. */
uint64_t ks_exchange_actor_key(const struct ks_exchange *ex, uint64_t seed);
/** Where it is judged: all of one proven name at one place; what is merely claimed counts against its
 *  source, so all of one source at one place. What ks_exchange.route_hash must be. */
uint32_t ks_exchange_route(const struct ks_exchange *ex);
/** True when a model may learn from it: proven or anonymous, not blocked or throttled, no signature,
 *  status known and neither 401, 403 nor 5xx. */
bool ks_exchange_teaches(const struct ks_exchange *ex);

#endif
