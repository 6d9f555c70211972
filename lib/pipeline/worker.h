/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one lcore that polls a list of stages, turn after turn.
 */
#ifndef KS_PIPELINE_WORKER_H
#define KS_PIPELINE_WORKER_H

#include "stage.h"

struct worker {
	struct stage *stages[KS_GATEWAY_WORKER_STAGES_MAX];
	uint32_t nstages;
	uint32_t lcore;
	uint32_t idle_sleep_us; /**< 0: spin */
	bool stop;		/**< set by the control core */
	uint64_t turns, idle_turns;
};

/** Polls each stage once. @return how much was done. */
uint32_t worker_turn(struct worker *worker, const struct ks_now *now);
/** The loop of an lcore; `arg` is the worker. Returns 0 when asked to stop. */
int worker_main(void *arg);

#endif
