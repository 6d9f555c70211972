/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scoring: what is normal for each API call and each caller, and how unlikely a request is under it.
 *
 * A profile is an immutable snapshot. Each scorer (one per SCORE worker) judges against the snapshot plus
 * its own delta and learns into the delta; the control core takes deltas, merges them into the next
 * profile and hands that out. Frequencies live in the scorer that owns the principal.
 * Evidence is in decibans: −10·log10 of the probability of the observation; what is below 10 is not
 * raised. The sums work for a profile of two minutes as for one of weeks: a set of n observations gives a new
 * member about 10·log10(n), weighed with n/(n + 30), so one surprise in a settled profile and two or
 * three in a young one reach the default of flag_db.
 *
 * Where a request goes: ks_exchange.route_hash must be of the principal when that is proven and of the
 * source for all others; then every window has one owner, and verdicts do not depend on how many scorers there
 * are.
 * Thread: a scorer belongs to one worker; a profile is read-only and shared; a delta is handed over.
 */
#ifndef KS_SCORE_H
#define KS_SCORE_H

#include "ks_exchange.h"

struct ks_profile;
struct ks_delta;
struct ks_scorer;

struct ks_score_params {
	uint64_t seed;              /**< of feature hashes; must equal the match database's */
	int16_t flag_db;            /**< sum that flags; 0: 40, one request in ten thousand */
	int16_t block_db;           /**< sum that blocks when certain findings make at least half of it;
				     *   0: 90 */
	int16_t throttle_db;        /**< frequency evidence that throttles; 0: 60 */
	bool novelty_blocks;        /**< operator's wish; default: novelty only flags */
	uint32_t max_principals;    /**< of the profile, and windows per scorer; 0: 65 536; oldest evicted */
	uint32_t max_calls;         /**< 0: 4 096 */
	uint32_t max_fields_per_call; /**< 0: 1 024 */
};

/** An empty profile. @return NULL with errno set. */
struct ks_profile *ks_profile_create(uint64_t seed);
void ks_profile_destroy(struct ks_profile *profile);
/** The seed of its feature hashes, which everything that reads it must use. */
uint64_t ks_profile_seed(const struct ks_profile *profile);
/** base + deltas → a new profile; commutative and associative over deltas. `deltas` are not changed. */
struct ks_profile *ks_profile_merge(const struct ks_profile *base, struct ks_delta *const *deltas,
				    uint32_t n);
void ks_delta_destroy(struct ks_delta *delta);

/** Serialised form: versioned, checksummed, the same bytes for the same content.
 *  @return malloc'ed bytes or NULL with errno set. */
void *ks_profile_encode(const struct ks_profile *profile, size_t *bytes);
/** @return NULL with errno EBADMSG (damaged), EPROTO (other version), ENOMEM. */
struct ks_profile *ks_profile_decode(const void *data, size_t bytes);

struct ks_scorer *ks_scorer_create(const struct ks_score_params *params,
				   const struct ks_profile *profile);
void ks_scorer_destroy(struct ks_scorer *scorer);
/** From now on this snapshot; the caller keeps the old one alive until this has returned. */
void ks_scorer_profile_set(struct ks_scorer *scorer, const struct ks_profile *profile);
/** Takes what was learned since the last call and starts afresh; NULL when nothing was learned, or while
 *  the one taken before has not been destroyed. The scorer goes on judging with it until the profile that
 *  contains it is set: destroy it only after ks_scorer_profile_set(). Destroying gives its memory back to the
 *  scorer: nothing is allocated here. */
struct ks_delta *ks_scorer_delta_take(struct ks_scorer *scorer);

/**
 * Judges: adds findings, sets score_db, advice, verdict (by mode: learn → signatures only count as
 * advice and verdict is ALLOW or FLAG; detect → at most FLAG; enforce → as advised), mode and
 * retry_after_s. Never blocks on novelty alone unless asked to. Counts the request into frequencies.
 * In learn mode nothing is compared with the profile: what is being learned cannot be odd.
 * A token that is only claimed is compared with what is usual for the name that it claims, but its
 * requests are counted under source and token.
 */
void ks_scorer_judge(struct ks_scorer *scorer, struct ks_exchange *ex, enum ks_mode mode);
/** Learns at the end of the exchange, if ks_exchange_teaches() and the mode at its judgement allows
 *  (learn: all; detect and enforce: what was not flagged). `learn` false freezes. */
void ks_scorer_outcome(struct ks_scorer *scorer, const struct ks_exchange *ex, bool learn);

struct ks_scorer_stats {
	uint64_t judged;
	uint64_t learned;
	uint64_t lost;   /**< records of an exchange that found no room in the delta */
	uint32_t windows, windows_max; /**< callers, sources and calls whose frequency is remembered */
};
/** Plain reads: may be called from another thread for display, values may be a turn old. */
void ks_scorer_stats_get(const struct ks_scorer *scorer, struct ks_scorer_stats *out);

/* ---- looking at it (control core, on a snapshot) ---- */

struct ks_profile_stats {
	uint64_t requests;
	uint32_t calls, principals, fields;
	size_t bytes;
};
void ks_profile_stats_get(const struct ks_profile *profile, struct ks_profile_stats *out);

struct ks_profile_call {
	const char *key;
	uint64_t requests;
	uint32_t fields, principals;
};
/** In order of key. @return 0 or -ENOENT past the end. */
int ks_profile_call_at(const struct ks_profile *profile, uint32_t i, struct ks_profile_call *out);

struct ks_profile_principal {
	const char *name;
	uint64_t requests;
	uint32_t calls, sources;
};
int ks_profile_principal_at(const struct ks_profile *profile, uint32_t i,
			    struct ks_profile_principal *out);

#endif
