/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log in the form `event key=value …`, over rte_log with one log type per room.
 * Never payload, header values, tokens or keys.
 * Thread: any; on the data path only KS_LOG_LIMITED.
 */
#ifndef KS_LOG_H
#define KS_LOG_H

#include <rte_log.h>

#include "ks_base.h"

/** Declares the room's log type `ks_log_<room>`; the definition stands in one .c of the room. */
#define KS_LOG_DECLARE(room) extern int ks_log_##room
#define KS_LOG_DEFINE(room) \
	int ks_log_##room;  \
	RTE_LOG_REGISTER(ks_log_##room, kubescope.room, INFO)

/** KS_LOG(net, INFO, "port_up port=%u", id) */
#define KS_LOG(room, level, fmt, ...) \
	rte_log(RTE_LOG_##level, ks_log_##room, "%s: " fmt "\n", #room, ##__VA_ARGS__)

/** One limiter stands at one place in the code; at most one line a second. */
struct ks_log_limiter {
	uint64_t last_us;
	uint64_t held; /**< lines held back since the last one that was printed */
};
/** @return true when a line may be printed now; `*held` says how many were held back. */
bool ks_log_limit(struct ks_log_limiter *limiter, uint64_t now_us, uint64_t *held);

#endif
