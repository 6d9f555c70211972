/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON visitor: walks a document once and reports each value as it passes; keeps nothing.
 *
 * Strict RFC 8259 with UTF-8 checked: what the visitor accepts is one document with nothing after
 * it but white space. No heap; work is linear in the input; depth is bounded by the caller's limit.
 * Duplicate keys are legal here and left to the caller.
 * Thread: pure function.
 */
#ifndef KS_JSON_H
#define KS_JSON_H

#include "ks_base.h"

enum ks_json_event {
	KS_JSON_OBJECT_BEGIN,
	KS_JSON_OBJECT_END,
	KS_JSON_ARRAY_BEGIN,
	KS_JSON_ARRAY_END,
	KS_JSON_KEY,
	KS_JSON_STRING,
	KS_JSON_NUMBER,
	KS_JSON_TRUE,
	KS_JSON_FALSE,
	KS_JSON_NULL,
};

struct ks_json_item {
	enum ks_json_event event;
	bool escaped;	    /**< text holds backslash escapes: see ks_json_unescape() */
	uint16_t depth;	    /**< 0 at the top-level value */
	struct ks_str text; /**< raw text of key, string (without quotes) or number */
};

/** @return 0 to go on, any other value ends the visit and is returned by ks_json_visit(). */
typedef int (*ks_json_fn)(void *arg, const struct ks_json_item *item);

/**
 * @param max_depth nesting of objects and arrays allowed (at most 1024).
 * @param err_off offset of the first bad byte on error; may be NULL.
 * @return 0, -EBADMSG malformed or truncated, -E2BIG too deep, or the visitor's value.
 */
int ks_json_visit(struct ks_str doc, uint16_t max_depth, ks_json_fn fn, void *arg,
		  uint32_t *err_off);

/** Resolves escapes (surrogate pairs included) to UTF-8. Lone surrogates become U+FFFD.
 *  @return bytes written (never more than text.n) or -E2BIG over cap. */
int ks_json_unescape(struct ks_str text, void *out, size_t cap);

/** Appends `in` as JSON string content with escapes (no quotes), always valid UTF-8 (bad bytes
 *  become U+FFFD). @return bytes written (no terminator), cut at a character boundary when over
 * cap. */
size_t ks_json_escape(struct ks_str in, char *out, size_t cap);

#endif
