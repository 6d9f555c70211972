/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's clocks, for those who stamp `now` once a turn.
 * Thread: any.
 */
#include <time.h>

#include "ks_base.h"

void
ks_now_read(struct ks_now *now)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	/* The coarse clock is at most one tick behind and costs a quarter of the exact one. */
	clock_gettime(CLOCK_REALTIME_COARSE, &wall);
	now->mono_us = (uint64_t)mono.tv_sec * 1000000 + (uint64_t)mono.tv_nsec / 1000;
	now->wall_s = (uint64_t)wall.tv_sec;
	if (now->mono_us == 0)
		now->mono_us = 1;
}
