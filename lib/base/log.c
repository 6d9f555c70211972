/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding back of repeated log lines. Refuses to format or print: that is rte_log's.
 * Thread: the owner of the limiter.
 */
#include "ks_log.h"

#define LINE_INTERVAL_US 1000000u

bool
ks_log_limit(struct ks_log_limiter *limiter, uint64_t now_us, uint64_t *held)
{
	if (limiter->last_us != 0 && now_us - limiter->last_us < LINE_INTERVAL_US) {
		limiter->held++;
		return false;
	}
	*held = limiter->held;
	limiter->held = 0;
	limiter->last_us = now_us;
	return true;
}
