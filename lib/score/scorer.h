/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scorer from within, and what its judges share.
 *
 * A known thing costs one look into the snapshot. Only what is not in the snapshot, or exceeds it,
 * is looked up in the deltas that the next snapshot will contain; that is the cold path. Thread:
 * the scorer's worker.
 */
#ifndef KS_SCORE_SCORER_H
#define KS_SCORE_SCORER_H

#include "delta.h"
#include "evidence.h"
#include "frequency.h"
#include "request.h"

struct ks_scorer {
	struct ks_score_params params; /**< defaults filled in */
	const struct ks_profile *profile;
	struct ks_delta *delta[2];
	struct ks_delta *active;  /**< learned into */
	struct ks_delta *pending; /**< taken, not yet part of `profile`; or NULL */
	struct ks_score_frequency *frequency;
	uint64_t judged;
	uint64_t learned;
	uint64_t lost;
};

/** One judgement. */
struct judge {
	struct ks_scorer *scorer;
	const struct ks_profile *profile;
	struct ks_exchange *ex;
	const struct model_call *call;	   /**< of the snapshot; NULL: unknown there */
	const struct model_principal *who; /**< likewise */
	const struct model_edge *caller;   /**< who makes call, likewise */
	struct freq_clock clock;
	struct request rq;
};

/** Shape, values and sizes of the request under its call. */
void ks_score_judge_call(struct judge *j);
/** Caller, program and source. */
void ks_score_judge_caller(struct judge *j);
/** Counts the request; with `raise`, adds findings where it comes too often. */
void ks_score_judge_frequency(struct judge *j, bool raise);
/** Seconds until the worst window is down to what does not throttle. */
uint16_t ks_score_retry_after_s(struct judge *j);
/** Call that gives its caller power over others: adds a finding. Only for calls new to the caller.
 */
void ks_score_judge_meaning(struct judge *j);

/** Learns one exchange into the delta. */
void ks_score_learn(struct ks_scorer *scorer, const struct request *rq);
/** Counts a refusal or a miss. */
void ks_score_count_failure(struct ks_scorer *scorer, const struct request *rq);

/* ---- keys of the frequency table ---- */

static inline uint64_t
freq_key_source(const struct request *rq)
{
	return key_mix(rq->actor, rq->source);
}
static inline uint64_t
freq_key_program(const struct request *rq)
{
	return key_mix(freq_key_source(rq), rq->program);
}
static inline uint64_t
freq_key_call(const struct request *rq)
{
	return key_mix(freq_key_program(rq), rq->call);
}
/** Refusals and misses; a new forged token each time is no way out of it. */
static inline uint64_t
freq_key_fails(const struct request *rq)
{
	return key_mix(rq->proven ? rq->actor : rq->source, 0x6661696c);
}
/** 401 answers to this very token. */
static inline uint64_t
freq_key_refused(const struct request *rq)
{
	return key_mix(rq->actor, 0x66616c73);
}
/** All that comes from one address with tokens that nobody has vouched for yet. */
static inline uint64_t
freq_key_claims(const struct request *rq)
{
	return key_mix(rq->source, 0x636c61696d);
}

/** Is there a record in a delta that the snapshot does not know yet? */
static inline bool
learned_lately(const struct ks_scorer *scorer, size_t table_off, uint64_t key)
{
	const struct ks_delta *delta[] = {scorer->active, scorer->pending};

	for (size_t i = 0; i < KS_ARRAY_SIZE(delta); i++) {
		if (delta[i] == NULL)
			continue;
		if (table_find((const void *)((const char *)&delta[i]->model + table_off), key) !=
		    NULL)
			return true;
	}
	return false;
}

#endif
