/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request as the models see it: who, what, with which program, from where, as keys.
 *
 * Computed from the exchange alone, at the judgement and again at the outcome (they may be hours
 * and other requests apart), so an exchange carries nothing of ours. Thread: plain values.
 */
#ifndef KS_SCORE_REQUEST_H
#define KS_SCORE_REQUEST_H

#include "model.h"

/** Where a call reaches, seen from its caller. */
enum request_scope {
	SCOPE_CLUSTER,	   /**< no namespace: cluster-scoped or all namespaces */
	SCOPE_OWN,	   /**< the namespace of the caller's service account */
	SCOPE_SYSTEM,	   /**< kube-* namespaces */
	SCOPE_OTHER,	   /**< another namespace; any one for callers that have none */
	SCOPE_IMPERSONATE, /**< added: in another's name */
};

#define REQUEST_PROGRAM_BYTES MODEL_EDGE_TEXT
#define REQUEST_TYPE_BYTES MODEL_EDGE_TEXT

struct request {
	const struct ks_exchange *ex;
	uint64_t call;	    /**< keys */
	uint64_t principal; /**< by name: of whom it is, or claims to be */
	uint64_t actor;	    /**< who is charged: ks_exchange_actor_key() */
	uint64_t source;
	uint64_t program;
	uint64_t type; /**< content type; 0: none */
	uint32_t id;   /**< tells it from other requests, the same whoever learns it */
	uint32_t now_s;
	uint32_t size[MODEL_SIZES];
	uint32_t call_len;
	uint8_t group; /**< enum model_group */
	uint8_t scope;
	bool proven;	  /**< charged to the principal itself */
	bool anonymous;	  /**< has no credentials */
	const char *name; /**< the principal's */
	char call_name[KS_KUBE_CALL_KEY_BYTES];
	char program_text[REQUEST_PROGRAM_BYTES];
	char type_text[REQUEST_TYPE_BYTES];
};

void ks_score_request_read(struct request *rq, const struct ks_exchange *ex, uint64_t seed);

#endif
