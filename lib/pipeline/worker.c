/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The turn of a worker, and how it rests when there is nothing to do.
 * Thread: the lcore of the worker.
 */
#include "worker.h"

#include <rte_cycles.h>
#include <unistd.h>

/** So many empty turns before the first sleep: a request's packets follow one another closely. */
#define IDLE_TURNS_BEFORE_SLEEP 2000u
#define IDLE_SLEEP_MIN_US 10u

uint32_t
worker_turn(struct worker *worker, const struct ks_now *now)
{
	uint64_t before = rte_rdtsc();
	uint32_t sum = 0;

	for (uint32_t i = 0; i < worker->nstages; i++) {
		struct stage *stage = worker->stages[i];
		uint32_t done = stage->poll(stage, now);
		uint64_t after = rte_rdtsc();

		ks_count(&stage->turns);
		if (done > 0) {
			ks_count(&stage->busy_turns);
			ks_count_add(&stage->items, done);
			ks_count_add(&stage->cycles, after - before);
		}
		before = after;
		sum += done;
	}
	ks_count(&worker->turns);
	if (sum == 0)
		ks_count(&worker->idle_turns);
	return sum;
}

static void
rest(const struct worker *worker, uint32_t idle)
{
	uint32_t us;

	if (worker->idle_sleep_us == 0 || idle < IDLE_TURNS_BEFORE_SLEEP) {
		rte_pause();
		return;
	}
	us = IDLE_SLEEP_MIN_US << KS_MIN((idle - IDLE_TURNS_BEFORE_SLEEP) / 64, 10u);
	usleep(KS_MIN(us, worker->idle_sleep_us));
}

int
worker_main(void *arg)
{
	struct worker *worker = arg;
	uint32_t idle = 0;
	struct ks_now now;

	while (!__atomic_load_n(&worker->stop, __ATOMIC_RELAXED)) {
		ks_now_read(&now);
		if (worker_turn(worker, &now) > 0)
			idle = 0;
		else
			rest(worker, ++idle);
	}
	return 0;
}
