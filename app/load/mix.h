/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients ask for: a list of whole requests, ready to be sent, taken in turn.
 */
#ifndef LOAD_MIX_H
#define LOAD_MIX_H

#include "ks_base.h"
#include "pattern.h"

struct mix_item {
	char *bytes; /**< head, and the body when it is not a pattern */
	uint32_t len;
	struct pattern body; /**< request body to be made; bytes 0: none */
	struct pattern want; /**< answer that must come; bytes 0: not checked */
	bool head;	     /**< a HEAD request */
};

struct mix {
	struct mix_item *v;
	uint32_t n;
};

/**
 * Built-in ones: "get" (a pod), "post4k" (a ConfigMap of 4 KB), "mixed".
 * @param token goes into Authorization; NULL: none. @return 0, -ENOENT unknown name, -ENOMEM.
 */
int mix_builtin(struct mix *mix, const char *name, const char *token);
/** Requests of a recording: JSON lines with method, path, headers, body_b64. At most `max` rows.
 *  @return 0 or -errno; -EBADMSG with the row's number in *line. */
int mix_load(struct mix *mix, const char *path, uint32_t max, const char *token, uint32_t *line);
/** One request with bodies that both ends can check. */
int mix_pattern_add(struct mix *mix, const char *method, uint32_t body_bytes, uint32_t answer_bytes,
		    bool chunked, uint64_t seed);
void mix_free(struct mix *mix);

#endif
