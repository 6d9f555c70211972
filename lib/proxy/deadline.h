/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deadline that moves with every state change but touches the timer wheel only when it comes
 * nearer or the old timer fires: most deadlines are replaced long before they come true. Thread:
 * the owner of the wheel.
 */
#ifndef KS_PROXY_DEADLINE_H
#define KS_PROXY_DEADLINE_H

#include "ks_timer.h"

struct deadline {
	struct ks_timer timer;
	uint64_t at_us; /**< 0: none */
};

static inline void
deadline_set(struct ks_timer_wheel *wheel, struct deadline *d, uint64_t at_us)
{
	d->at_us = at_us;
	if (at_us != 0 && (!ks_timer_pending(&d->timer) || d->timer.expires_us > at_us))
		ks_timer_set(wheel, &d->timer, at_us);
}

static inline void
deadline_clear(struct deadline *d)
{
	d->at_us = 0;
}

/** For the timer's callback. @return true when the deadline has come; else it is armed again. */
static inline bool
deadline_reached(struct ks_timer_wheel *wheel, struct deadline *d, uint64_t now_us)
{
	if (d->at_us == 0)
		return false;
	if (d->at_us <= now_us) {
		d->at_us = 0;
		return true;
	}
	ks_timer_set(wheel, &d->timer, d->at_us);
	return false;
}

#endif
