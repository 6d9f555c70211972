/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delta: what one scorer learned since it was last asked.
 *
 * A scorer has two of them from its creation on, one that it learns into and one that is with the
 * control core; none is ever allocated later. Destroying a delta gives it back, emptied; when the
 * scorer has gone meanwhile, it is freed.
 * Thread: the scorer's, then whoever it was handed to.
 */
#ifndef KS_SCORE_DELTA_H
#define KS_SCORE_DELTA_H

#include "profile.h"

enum delta_state {
	DELTA_HOME,   /**< the scorer's, empty or being filled */
	DELTA_AWAY,   /**< handed over */
	DELTA_ORPHAN, /**< handed over by a scorer that is gone */
};

struct ks_delta {
	struct model model;
	uint64_t seed;
	struct profile_limits limits;
	uint8_t state; /**< enum delta_state; atomic */
};

struct ks_delta *ks_score_delta_create(uint64_t seed, const struct profile_limits *limits);
/** Hands it over. */
void ks_score_delta_send(struct ks_delta *delta);
/** True when it is home (again). */
bool ks_score_delta_home(const struct ks_delta *delta);
/** The scorer ends: frees it, or leaves that to whoever has it. */
void ks_score_delta_leave(struct ks_delta *delta);

#endif
