/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile from within: the model and what is derived from it for judging.
 * Thread: written while it is made by one thread, read-only afterwards.
 */
#ifndef KS_SCORE_PROFILE_H
#define KS_SCORE_PROFILE_H

#include "model.h"

/** How often new things of one sort turn up, over all sets of that sort. */
struct profile_prior {
	uint64_t n; /**< observations */
	uint64_t kinds;
	uint64_t once;
	double patience; /**< observations until something new is due, from the whole population */
};

struct profile_group {
	struct profile_prior set[EDGE_OF_CALLER];
	struct profile_prior member; /**< a new principal is the novelty here */
	struct model_rate rate[WINDOW_MAX];
};

/** A mark says of a key "so many have it"; which sort of key is mixed into it. */
struct profile_mark {
	uint64_t key;
	uint64_t n;
};
enum mark_kind {
	MARK_FIELD, /**< calls that know a field of this name */
	MARK_PEER,  /**< members of a group that know the far end of an edge */
	MARK_PAIR,  /**< principal and call, in whichever scope: requests */
	MARK_ONCE,  /**< requests that brought a field seen but once */
	MARK_TYPE,  /**< requests with a content type, in whichever call */
	MARK_BLIND, /**< of these, with something that could not be looked at */
	MARK_END,   /**< principals that know the far end of an edge, whatever their group */
};

struct profile_limits {
	uint32_t principals;
	uint32_t calls;
	uint32_t fields_per_call;
};

struct ks_profile {
	uint64_t seed;
	struct profile_limits limits;
	struct model model;

	/* derived */
	struct ks_score_table marks;
	struct profile_prior call;		  /**< a new call is the novelty */
	struct profile_prior place[MODEL_PLACES]; /**< new fields in calls */
	struct profile_prior name[MODEL_PLACES];  /**< names of fields that no call has */
	struct profile_prior type;		  /**< new content types in calls */
	struct profile_group group[GROUP_MAX];
	uint32_t *call_order;	   /**< indexes of model.calls by name */
	uint32_t *principal_order; /**< indexes of model.principals by name */
};

/* In the count of a MARK_FIELD, while derived figures are made: this name has been counted. */
#define MARK_COUNTED (1ull << 63)

#define PROFILE_CALLS 4096u
#define PROFILE_PRINCIPALS 65536u
#define PROFILE_FIELDS_PER_CALL 1024u
/* Tables over all calls and principals; means, so that a few may have more. */
#define PROFILE_FIELDS_MEAN 64u
#define PROFILE_EDGES_MEAN 32u
/* A set of one principal that grows beyond this is open: nothing new in it is a surprise. */
#define PROFILE_SET_MAX 512u

static inline uint64_t
mark_key(enum mark_kind kind, uint64_t a, uint64_t b)
{
	return key_mix(key_mix(a, kind), b);
}

static inline uint64_t
mark_count(const struct ks_profile *profile, uint64_t key)
{
	const struct profile_mark *mark = table_find(&profile->marks, key);

	return mark == NULL ? 0 : mark->n;
}

int ks_score_model_init(struct model *model, const struct profile_limits *limits);
void ks_score_model_fini(struct model *model);
/** Fills in all that is derived. @param base the profile that this one extends by appending only,
 * whose orders can be used again; or NULL. @return 0 or -ENOMEM. */
int ks_score_profile_derive(struct ks_profile *profile, const struct ks_profile *base);
/** Drops the oldest above the limits, and what hangs on them. @return 0, 1 when something went,
 * -ENOMEM. */
int ks_score_profile_evict(struct ks_profile *profile);

#endif
