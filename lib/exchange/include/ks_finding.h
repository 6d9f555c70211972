/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings: what was noticed about an exchange, how unlikely it is in decibans, and in which words.
 *
 * One table lists every code with its family and its cause. Findings of one cause count once (the
 * largest); causes add. Codes are appended, never renumbered: records and profiles keep them.
 */
#ifndef KS_FINDING_H
#define KS_FINDING_H

#include "ks_base.h"

enum ks_family { KS_FAMILY_UNKNOWN, KS_FAMILY_INVALID, KS_FAMILY_ANOMALOUS, KS_FAMILY_MAX };

/** "unknown", "invalid", "anomalous" */
const char *ks_family_name(enum ks_family family);

/** Why a finding exists; findings of one cause are counted once. */
enum ks_cause {
	KS_CAUSE_SHAPE,     /**< paths, keys, fields, content type never seen: one new shape */
	KS_CAUSE_PROGRAM,   /**< user agent: another program */
	KS_CAUSE_CALLER,    /**< this principal does not make this call */
	KS_CAUSE_SOURCE,    /**< this source does not use this principal */
	KS_CAUSE_VALUE,     /**< value types and characters */
	KS_CAUSE_SIZE,      /**< lengths, counts, depth */
	KS_CAUSE_FREQUENCY, /**< too many, too often */
	KS_CAUSE_SIGNATURE, /**< a rule matched */
	KS_CAUSE_MEANING,   /**< the call itself grants power */
	KS_CAUSE_COVERAGE,  /**< something could not be looked at */
	KS_CAUSE_RESPONSE,  /**< status or size of the answer */
	KS_CAUSE_MAX,
};

/* X(ID, name, family, cause, words): the words are a sentence whose %w, %o, %e and %n stand for
 * where, observed, expected and the number of observations. */
#define KS_FINDING_CODES(X)                                                                        \
	X(UNKNOWN_CALL, "unknown_call", UNKNOWN, SHAPE,                                            \
	  "nobody has made this API call before (%n requests learned)")                            \
	X(UNKNOWN_PARAMETER, "unknown_parameter", UNKNOWN, SHAPE,                                  \
	  "query parameter %w: never seen in %n requests of this call")                            \
	X(UNKNOWN_FIELD, "unknown_field", UNKNOWN, SHAPE,                                          \
	  "body field %w: never seen in %n bodies of this call")                                   \
	X(UNKNOWN_HEADER, "unknown_header", UNKNOWN, SHAPE,                                        \
	  "header %w: never seen in %n requests of this call")                                     \
	X(UNKNOWN_CONTENT_TYPE, "unknown_content_type", UNKNOWN, SHAPE,                            \
	  "content type %o: never seen in %n requests of this call (usual: %e)")                   \
	X(UNKNOWN_USER_AGENT, "unknown_user_agent", UNKNOWN, PROGRAM,                              \
	  "program %o: %w has never used it in %n requests (usual: %e)")                           \
	X(UNKNOWN_PRINCIPAL, "unknown_principal", UNKNOWN, CALLER,                                 \
	  "%w has never been seen (%n requests learned)")                                          \
	X(CALLER_NEW_CALL, "caller_new_call", UNKNOWN, CALLER,                                     \
	  "%w has never made this call in its %n requests (usual: %e)")                            \
	X(SOURCE_NEW, "source_new", UNKNOWN, SOURCE,                                               \
	  "%w has never come from %o in its %n requests (usual: %e)")                              \
	X(VALUE_TYPE, "value_type", INVALID, VALUE, "%w is %o, but was %e in %n requests")         \
	X(VALUE_CHARACTERS, "value_characters", INVALID, VALUE,                                    \
	  "%w holds %o, but had only %e in %n requests")                                           \
	X(VALUE_NOT_IN_SET, "value_not_in_set", INVALID, VALUE,                                    \
	  "%w is %o, but always was one of %e in %n requests")                                     \
	X(BODY_MISSING, "body_missing", INVALID, VALUE,                                            \
	  "the body is empty, but never was in %n requests of this call")                          \
	X(BODY_MALFORMED, "body_malformed", INVALID, VALUE, "the body is not valid %e: %o")        \
	X(SIGNATURE, "signature", INVALID, SIGNATURE, "%e in %w: %o")                              \
	X(SIZE_LARGE, "size_large", ANOMALOUS, SIZE,                                               \
	  "%w is %o, but was at most %e in %n requests")                                           \
	X(FREQUENCY_PRINCIPAL, "frequency_principal", ANOMALOUS, FREQUENCY,                        \
	  "%w makes %o, its usual is %e")                                                          \
	X(FREQUENCY_CALL, "frequency_call", ANOMALOUS, FREQUENCY,                                  \
	  "%w makes this call %o, its usual is %e")                                                \
	X(FREQUENCY_SOURCE, "frequency_source", ANOMALOUS, FREQUENCY,                              \
	  "source %w makes %o, its usual is %e")                                                   \
	X(FREQUENCY_FAILURES, "frequency_failures", ANOMALOUS, FREQUENCY,                          \
	  "%w was refused or missed %o, its usual is %e")                                          \
	X(UNINSPECTED, "uninspected", INVALID, COVERAGE, "%w could not be looked at: %o")          \
	X(MEANING, "meaning", UNKNOWN, MEANING, "%e: %w is %o")                                    \
	X(TOKEN_FORGED, "token_forged", INVALID, CALLER,                                           \
	  "the API server refused this token; it claims to be %w")

#define KS_FINDING_ENUM_ROW(ID, name, family, cause, words) KS_FINDING_##ID,
enum ks_finding_code { KS_FINDING_CODES(KS_FINDING_ENUM_ROW) KS_FINDING_MAX };
#undef KS_FINDING_ENUM_ROW

struct ks_finding_desc {
	const char *name;
	const char *words;
	uint8_t family; /**< enum ks_family */
	uint8_t cause;  /**< enum ks_cause */
};
extern const struct ks_finding_desc ks_finding_desc[KS_FINDING_MAX];

#define KS_FINDING_TEXT_BYTES 96

struct ks_finding {
	uint8_t code;   /**< enum ks_finding_code */
	bool certain;   /**< not novelty: may block by itself (signatures, malformed, uninspected) */
	int16_t db;     /**< decibans, 0…999 */
	uint32_t seen;  /**< observations behind the expectation */
	char where[KS_FINDING_TEXT_BYTES];    /**< e.g. "spec.containers[].image", never a secret */
	char observed[KS_FINDING_TEXT_BYTES]; /**< printable; signature hits name the rule's id */
	char expected[KS_FINDING_TEXT_BYTES];
};

/** The finding as one sentence. @return length, cut at the capacity. */
size_t ks_finding_words(const struct ks_finding *finding, char *text, size_t cap);
/** Copies `in` with everything unprintable replaced by '.', cut with "…" when too long. */
void ks_finding_text_set(char text[KS_FINDING_TEXT_BYTES], struct ks_str in);

#endif
