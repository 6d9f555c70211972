/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that a profile and a delta consist of.
 *
 * Everything learned is a count, a set, a smallest or a largest value: the order in which requests
 * came, and who of several scorers saw them, leaves no trace, so that merging is commutative and
 * associative. What can be computed from these (how many things were seen only once, what is usual,
 * how peers behave) is derived at the merge and never stored on disk.
 * Thread: plain values.
 */
#ifndef KS_SCORE_MODEL_H
#define KS_SCORE_MODEL_H

#include "ks_exchange.h"
#include "ks_score.h"
#include "table.h"

#define MODEL_PLACES (KS_PLACE_PATH + 1)
#define MODEL_VALUES 8 /* more distinct values than this are no enumeration */
#define MODEL_TEXTS 3  /* of which so many are kept in words */
#define MODEL_TEXT_BYTES 17
#define MODEL_EDGE_TEXT 36

/** What is measured of a whole request. */
enum model_size {
	SIZE_URL,
	SIZE_BODY,
	SIZE_PARAMS,
	SIZE_HEADERS,
	SIZE_FIELDS,
	SIZE_DEPTH,
	MODEL_SIZES,
};

/** A length or a number: how often, how large, and how much its logarithm varies. */
struct model_length {
	uint64_t log_sum; /**< of log2(1 + x) in 1/256 */
	uint64_t log_sq;
	uint32_t n;
	uint32_t max;
};

/** Windows of time in which something happened, and the highest number seen in one of them. */
struct model_rate {
	uint64_t sum; /**< of each window's highest number */
	uint32_t n;   /**< windows */
	uint32_t max;
};

enum model_window { WINDOW_1S, WINDOW_10S, WINDOW_60S, WINDOW_MAX };

/** How many different things a set holds, and how many of them were seen in one request only. */
struct model_variety {
	uint32_t kinds;
	uint32_t once;
};

struct model_call {
	uint64_t key;
	uint64_t requests;
	uint64_t bodies;
	struct model_length size[MODEL_SIZES];
	uint32_t last_s;
	char name[KS_KUBE_CALL_KEY_BYTES];

	/* derived */
	struct model_variety place[MODEL_PLACES];
	struct model_variety types;
	uint32_t fields;
	uint32_t principals;
	uint32_t type_top; /**< 1 + index of the usual content type among the edges; 0: none */
};

#define FIELD_MANY 1u /**< more values than an enumeration has */

/** A field of a call. The first line is what a judgement of a known field reads. */
struct model_field {
	uint64_t key;
	uint32_t n;
	uint32_t type_all;  /**< types seen */
	uint32_t type_once; /**< of these, seen in one request only */
	uint16_t char_all;
	uint16_t char_once;
	uint8_t nvalues;
	uint8_t flags;
	uint8_t place;
	uint8_t zero;
	uint32_t last_s;
	uint64_t call;
	struct model_length len;

	uint64_t values[MODEL_VALUES]; /**< hashes, ascending */

	uint64_t hash;				  /**< of the name: the same in every call */
	uint32_t id;				  /**< which request it was while n is 1, else 0 */
	char text[MODEL_TEXTS][MODEL_TEXT_BYTES]; /**< of the first values[] */
};

/** Sets that belong to a principal or a call. */
enum model_edge_kind { EDGE_CALL, EDGE_PROGRAM, EDGE_SOURCE, EDGE_TYPE, EDGE_KIND_MAX };
#define EDGE_OF_CALLER EDGE_TYPE /* kinds below belong to a principal */

/** `from` (a principal, or a call for EDGE_TYPE) was seen with `to`. */
struct model_edge {
	uint64_t key;
	uint64_t from;
	uint64_t to;
	uint32_t n;
	uint32_t last_s;
	uint8_t kind;
	uint8_t scope; /**< EDGE_CALL: enum request_scope */
	uint8_t power; /**< EDGE_CALL: what the call gives, ks_score_power_of() */
	uint8_t zero;
	struct model_rate rate[WINDOW_MAX]; /**< EDGE_CALL */
	uint32_t uninspected; /**< EDGE_TYPE: requests of which something could not be looked at */
	char text[MODEL_EDGE_TEXT];
};

/** Principals that are alike in what they may newly do. */
enum model_group {
	GROUP_NODE,
	GROUP_SERVICE_ACCOUNT,
	GROUP_SYSTEM, /**< system: users of the control plane */
	GROUP_USER,
	GROUP_TOKEN,
	GROUP_ANONYMOUS,
	GROUP_MAX,
};

#define MODEL_TOP 2

struct model_principal {
	uint64_t key;
	uint64_t requests;
	struct model_rate rate[WINDOW_MAX];   /**< all its requests */
	struct model_rate source[WINDOW_MAX]; /**< those of one of its sources */
	struct model_rate fails;	      /**< refused or missed, 60 s */
	uint32_t last_s;
	uint8_t group; /**< enum model_group */
	char name[KS_PRINCIPAL_NAME_BYTES];

	/* derived */
	uint32_t powers; /**< mask of 1 << model_edge.power */
	struct model_variety variety[EDGE_OF_CALLER];
	uint32_t top[EDGE_OF_CALLER][MODEL_TOP]; /**< 1 + index among the edges; 0: none */
};

/** The four tables that a profile and a delta share. */
struct model {
	struct ks_score_table calls;
	struct ks_score_table fields;
	struct ks_score_table principals;
	struct ks_score_table edges;
	uint64_t requests;
};

/* ---- learning and merging, both order-free ---- */

void ks_score_rate_add(struct model_rate *rate, uint32_t peak);
/** @param hash 0 with `many`: more than can be told apart. */
void ks_score_field_value_add(struct model_field *field, uint64_t hash, struct ks_str text);
bool ks_score_field_value_has(const struct model_field *field, uint64_t hash);

void ks_score_call_merge(struct model_call *dst, const struct model_call *src);
void ks_score_field_merge(struct model_field *dst, const struct model_field *src);
void ks_score_principal_merge(struct model_principal *dst, const struct model_principal *src);
void ks_score_edge_merge(struct model_edge *dst, const struct model_edge *src);

/** log2(1 + x) in 1/256, piecewise linear: the same on every machine. */
static inline uint32_t
log2_q8(uint32_t x)
{
	uint64_t v = (uint64_t)x + 1;
	unsigned int e = 63 - __builtin_clzll(v);

	return e * 256 + (uint32_t)(((v << 8) >> e) & 255);
}

static inline uint32_t
add_sat(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static inline void
length_add(struct model_length *length, uint32_t x)
{
	uint64_t l = log2_q8(x);

	length->log_sum += l;
	length->log_sq += l * l;
	length->n = add_sat(length->n, 1);
	length->max = KS_MAX(length->max, x);
}

static inline uint64_t
edge_key(uint64_t from, enum model_edge_kind kind, uint64_t to, uint8_t scope)
{
	return key_mix(from + kind, to + scope);
}

#endif
