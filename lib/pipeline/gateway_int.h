/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gateway.c (building), learning.c (profiles), control.c (books and views) share.
 */
#ifndef KS_PIPELINE_GATEWAY_INT_H
#define KS_PIPELINE_GATEWAY_INT_H

#include <pthread.h>

#include "books.h"
#include "worker.h"

#include "ks_log.h"

#define DELTAS_MAX KS_GATEWAY_STAGES_MAX

enum learning_state { LEARNING_REST, LEARNING_ASKED, LEARNING_GIVEN };

/** The round in which what the scorers have learned becomes the next profile. */
struct learning {
	enum learning_state state;
	uint64_t next_us, save_next_us, retry_us;
	uint32_t save_round; /**< commands to save that this round answers */
	struct ks_profile *profile, *old;
	struct ks_delta *deltas[DELTAS_MAX];
	bool got[DELTAS_MAX];
	uint32_t ndeltas;
};

struct ks_control {
	struct ks_gateway *gw;
	pthread_mutex_t lock; /**< all below but `mode` */
	pthread_cond_t saved;
	uint32_t mode; /**< enum ks_mode; read by SCORE each turn without the lock */
	uint64_t start_s;
	struct ks_now now;
	struct book calls, principals;
	struct record_ring alerts, exchanges;
	uint64_t ended, stored_id, alert_count, alerts_lost, sample_next_us;
	struct ks_log_limiter alert_log, store_log;
	uint32_t samples; /**< exchanges kept in this second */
	uint32_t save_wanted, save_done; /**< rounds of profile saving */
	int save_result;
	struct ks_profile_stats profile;
};

struct ks_gateway {
	struct ks_gateway_params p;
	struct wiring wiring;
	struct link *links;
	uint32_t nlinks;
	struct stage *stages[KS_STAGE_KINDS][KS_GATEWAY_STAGES_MAX];
	uint32_t nstages[KS_STAGE_KINDS];
	struct stage *record;
	struct worker record_worker; /**< RECORD's turn on the control core */
	struct worker workers[KS_GATEWAY_WORKERS_MAX];
	uint32_t nworkers, started;
	struct ks_control control;
	struct learning learning;
	void (*record_fn)(void *arg, const struct ks_exchange *ex);
	void *record_arg;
};

/* control.c */
int control_init(struct ks_gateway *gw);
void control_fini(struct ks_gateway *gw);
/** RECORD's callback: `arg` is the gateway. */
void control_record(void *arg, const struct ks_exchange *ex);
/** Samples, alerts to the store. Lock held. @return how much was done. */
uint32_t control_housekeeping(struct ks_gateway *gw);
/** Some of the alerts that are not in the store yet. @return how many went there. */
uint32_t control_alerts_store(struct ks_gateway *gw);

/* learning.c */
void learning_init(struct ks_gateway *gw);
void learning_turn(struct ks_gateway *gw, const struct ks_now *now);
void learning_fini(struct ks_gateway *gw);

#endif
