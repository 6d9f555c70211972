/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage: init / poll / fini over its own state and its links. What all kinds share, and the
 * kinds.
 *
 *   RX ──packets──▶ TERMINATE ──▶ MATCH ──▶ SCORE ──verdict──▶ TERMINATE
 *      ◀──packets──            ──outcome──▶ SCORE ──▶ RECORD ──▶ TERMINATE (free)
 *
 * Thread: the worker that polls it; the counters may be read by any.
 */
#ifndef KS_PIPELINE_STAGE_H
#define KS_PIPELINE_STAGE_H

#include "ks_gateway.h"
#include "link.h"

#define STAGE_BURST 64u

struct stage;
/** One bounded turn. @return how many packets or exchanges it dealt with. */
typedef uint32_t (*stage_poll_fn)(struct stage *stage, const struct ks_now *now);

struct stage {
	char name[24];
	stage_poll_fn poll;
	uint32_t lcore;
	uint64_t cycles; /**< of turns that found work */
	uint64_t turns, busy_turns, items, stalls;
};

/** The links of one gateway, by their two ends. A pointer is NULL where there is no such pair. */
struct wiring {
	uint32_t nterminate, nmatch, nscore;
	struct link *packets_in[KS_GATEWAY_STAGES_MAX];	 /**< RX → TERMINATE */
	struct link *packets_out[KS_GATEWAY_STAGES_MAX]; /**< TERMINATE → RX */
	struct link
		*submit[KS_GATEWAY_STAGES_MAX][KS_GATEWAY_STAGES_MAX]; /**< [terminate][match] */
	struct link *matched[KS_GATEWAY_STAGES_MAX][KS_GATEWAY_STAGES_MAX]; /**< [match][score] */
	struct link
		*verdict[KS_GATEWAY_STAGES_MAX][KS_GATEWAY_STAGES_MAX]; /**< [score][terminate] */
	struct link
		*outcome[KS_GATEWAY_STAGES_MAX][KS_GATEWAY_STAGES_MAX]; /**< [terminate][score] */
	struct link *record[KS_GATEWAY_STAGES_MAX];			/**< SCORE → RECORD */
	struct link *freed[KS_GATEWAY_STAGES_MAX];			/**< RECORD → TERMINATE */
};

/** All of one actor to one instance, so that its requests stay in order. */
static inline uint32_t
route(uint32_t hash, uint32_t n)
{
	return n == 1 ? 0 : (uint32_t)(((uint64_t)hash * n) >> 32);
}

/* stage_rx.c */
struct stage *stage_rx_create(const struct ks_gateway_params *params, struct wiring *wiring);
void stage_rx_destroy(struct stage *stage);

/* stage_terminate.c */
struct stage *stage_terminate_create(const struct ks_gateway_params *params, struct wiring *wiring,
				     uint32_t index, uint64_t now_us);
void stage_terminate_destroy(struct stage *stage);
struct ks_proxy *stage_terminate_proxy(struct stage *stage);
struct ks_tcp_stack *stage_terminate_tcp(struct stage *stage);
struct ks_arena *stage_terminate_arena(struct stage *stage);
void stage_terminate_fault_set(struct stage *stage, bool (*fail)(void *arg), void *arg);
uint64_t stage_terminate_next_us(const struct stage *stage);
/** Asks for a sample of connections; it is there once `*ready` turns true. */
struct session_sample {
	bool wanted; /**< control core sets, stage clears */
	uint32_t n;
	struct ks_proxy_session_view v[256];
	struct ks_proxy_stats proxy;
	struct ks_tcp_stats tcp;
};
struct session_sample *stage_terminate_sample(struct stage *stage);

/* stage_feed.c */
struct stage *stage_feed_create(const struct ks_gateway_feeder *feeder, struct wiring *wiring,
				uint32_t index);
void stage_feed_destroy(struct stage *stage);

/* stage_match.c */
struct stage *stage_match_create(const struct ks_match_db *db, struct wiring *wiring,
				 uint32_t index);
void stage_match_destroy(struct stage *stage);
void stage_match_stats(const struct stage *stage, struct ks_match_stats *out);

/* stage_score.c */
struct stage *stage_score_create(const struct ks_score_params *params,
				 const struct ks_profile *profile, const uint32_t *mode,
				 struct wiring *wiring, uint32_t index);
void stage_score_destroy(struct stage *stage);
void stage_score_freeze(struct stage *stage, bool freeze);
/** Learning, handed to and fro with the control core; see stage_score.c. */
void stage_score_delta_ask(struct stage *stage);
/** @return true when the stage has answered; *delta may be NULL. */
bool stage_score_delta_got(struct stage *stage, struct ks_delta **delta);
void stage_score_profile_give(struct stage *stage, const struct ks_profile *profile);
/** @return true when the stage judges by the profile given last. */
bool stage_score_profile_taken(const struct stage *stage);

/* stage_record.c */
struct stage *stage_record_create(struct wiring *wiring,
				  void (*fn)(void *arg, const struct ks_exchange *ex), void *arg);
void stage_record_destroy(struct stage *stage);

#endif
