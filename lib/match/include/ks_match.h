/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching: decodes every value of a request, scans it with Hyperscan, and folds what it saw into the
 * exchange's field list for the models.
 *
 * Rules come as structs (who reads the files is `manage`). A value is scanned raw and decoded; what cannot
 * be decoded, and any cap that is reached, becomes an `uninspected` finding.
 * Thread: a database is immutable and shared; a matcher (scratch) belongs to one worker.
 */
#ifndef KS_MATCH_H
#define KS_MATCH_H

#include "ks_exchange.h"

#define KS_MATCH_CLASSES(X)                                                                        \
	X(SQLI, "sql_injection", "SQL injection")                                                  \
	X(SHELL, "shell_code", "shell code")                                                       \
	X(SCRIPT, "script", "script")                                                              \
	X(TRAVERSAL, "path_traversal", "path traversal")                                           \
	X(TEMPLATE, "template_injection", "template or JNDI injection")                            \
	X(FILE, "malicious_file", "malicious file")                                                \
	X(LEAK, "credential_leak", "credential leak")                                              \
	X(KUBE, "kubernetes", "known attack on Kubernetes")                                        \
	X(SCANNER, "scanner", "attack tool")
#define KS_MATCH_CLASS_ENUM(ID, name, words) KS_MATCH_##ID,
enum ks_match_class { KS_MATCH_CLASSES(KS_MATCH_CLASS_ENUM) KS_MATCH_CLASS_MAX };
#undef KS_MATCH_CLASS_ENUM
const char *ks_match_class_name(enum ks_match_class class);
int ks_match_class_parse(const char *name, enum ks_match_class *out);

/** Where a rule applies (mask). */
enum ks_match_where {
	KS_WHERE_PATH = 1 << 0,   /**< decoded path */
	KS_WHERE_QUERY = 1 << 1,  /**< names and values of the query */
	KS_WHERE_HEADER = 1 << 2, /**< values of headers that are not credentials, User-Agent too */
	KS_WHERE_COOKIE = 1 << 3,
	KS_WHERE_BODY = 1 << 4,   /**< string values (and keys) of a decoded body */
	KS_WHERE_RAW = 1 << 5,    /**< opaque bodies, and what comes out of an encoding in a body */
	KS_WHERE_AGENT = 1 << 6,  /**< User-Agent */
};

struct ks_match_rule {
	char id[48];            /**< "sqli-union-select" */
	enum ks_match_class class;
	uint16_t db;            /**< evidence in decibans, 1…200 */
	bool block;             /**< may block by itself in enforce mode */
	uint32_t where;         /**< mask of enum ks_match_where */
	bool caseless;
	bool dotall;
	bool word;              /**< not inside a larger word */
	const char *pattern;    /**< Hyperscan's PCRE subset; ^ and $ are ends of lines */
	const char *words;      /**< what it means, for the operator; may be NULL */
	const char *file;       /**< for errors */
	unsigned int line;
};

struct ks_match_limits {
	uint16_t json_depth;         /**< 0: 64; at most 1024 */
	uint32_t decoded_bytes;      /**< per body, all decoders; 0: 4 times body + 64 KiB */
	uint8_t decode_rounds;       /**< 0: 3; at most 8 */
};

struct ks_match_db;
struct ks_matcher;

#define KS_MATCH_ERROR_BYTES 512
/** @param error gets "file:line: rule id: reason"; costly patterns are refused with the reason.
 *  @return NULL on error. The rules' texts are copied. */
struct ks_match_db *ks_match_db_create(const struct ks_match_rule *rules, uint32_t n,
				       const struct ks_match_limits *limits, uint64_t seed,
				       char error[KS_MATCH_ERROR_BYTES]);
void ks_match_db_destroy(struct ks_match_db *db);
uint32_t ks_match_db_rules(const struct ks_match_db *db);

/** Scratch of one worker. @return NULL with errno set. */
struct ks_matcher *ks_matcher_create(const struct ks_match_db *db);
void ks_matcher_destroy(struct ks_matcher *matcher);

/**
 * Visits path, query, headers, cookies and body of the exchange: fills ex->fields, ex->body_fields,
 * ex->body_depth and adds findings of SIGNATURE, BODY_MALFORMED and UNINSPECTED. ex->fields must have been
 * laid out (ks_field_list_init).
 *
 * Fields: QUERY parameters, HEADER names in lower case, COOKIE names; PATH "namespace" and "name" of a resource
 * request, else "path"; BODY paths as "spec.containers[].image", where a key that people choose is "*", in a
 * JSON patch "[].metadata.labels.*". An empty object or array is a value of its own. Values of secrets' places
 * are neither kept nor hashed; `hash` is opaque, the same for the same seed.
 *
 * Signatures: one finding per rule, where it tells most, eight at most. `certain` is the rule's `block`. Where
 * a place makes code normal (see conf/rules/README.md) evidence is less and not certain. `observed` is
 * what matched, at most 40 characters; of a leak its first four and its length, of a credential only that.
 *
 * Uninspected and malformed: certain, and 100 dB (60 for double keys and numbers out of range), except Kubernetes
 * protobuf and YAML, whose bytes are scanned (20 dB), and bodies of proxy calls.
 */
void ks_match_exchange(struct ks_matcher *matcher, struct ks_exchange *ex);

struct ks_match_stats {
	uint64_t exchanges, values, bytes, hits, uninspected, malformed;
};
void ks_match_stats_get(const struct ks_matcher *matcher, struct ks_match_stats *out);

#endif
