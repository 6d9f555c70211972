/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hierarchical timer wheel over embedded timers; set, change and cancel are O(1).
 *
 * Resolution 1 ms; a timer never fires early. Time only comes in through `now_us`.
 * A callback may set, cancel or free any timer, its own included.
 * Thread: the owner.
 */
#ifndef KS_TIMER_H
#define KS_TIMER_H

#include "ks_base.h"

struct ks_timer;
typedef void (*ks_timer_fn)(struct ks_timer *timer, uint64_t now_us);

struct ks_timer {
	struct ks_timer *next; /**< private to the wheel; NULL when not pending */
	struct ks_timer *prev;
	ks_timer_fn fn;
	uint64_t expires_us;
};

struct ks_timer_wheel;

/** @param now_us where time starts. @return NULL with errno set on lack of memory. */
struct ks_timer_wheel *ks_timer_wheel_create(uint64_t now_us);
void ks_timer_wheel_destroy(struct ks_timer_wheel *wheel);

void ks_timer_init(struct ks_timer *timer, ks_timer_fn fn);
/** Sets or moves; a time in the past fires at the next advance. */
void ks_timer_set(struct ks_timer_wheel *wheel, struct ks_timer *timer, uint64_t expires_us);
/** No effect when not pending. */
void ks_timer_cancel(struct ks_timer_wheel *wheel, struct ks_timer *timer);
bool ks_timer_pending(const struct ks_timer *timer);

/** Fires what is due, at most `max` callbacks (the rest at the next call). @return how many fired.
 */
uint32_t ks_timer_wheel_advance(struct ks_timer_wheel *wheel, uint64_t now_us, uint32_t max);
/**
 * When to call ks_timer_wheel_advance() next, for sleeping: not later than the moment at which the
 * next timer fires, and each such call makes progress. UINT64_MAX when nothing is pending.
 */
uint64_t ks_timer_wheel_next_us(const struct ks_timer_wheel *wheel);

#endif
