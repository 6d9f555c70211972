/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hierarchical timer wheel: ten levels of 64 slots of 1 ms, 64 ms, 4 s, … cover all of 64-bit
 * microseconds, so no time is too far away.
 *
 * A timer stands at the level of the highest group of six bits in which its tick differs from the
 * wheel's. Thus all slots of a level lie before all of the level above, and within a level in the
 * order of their numbers: the next slot is found with one bit scan, however long nothing happened.
 * Reaching a slot of a higher level hands its timers down. Two more rows hold what is due in this
 * advance and what was set in the past and is due in the next one.
 * Thread: the owner.
 */
#include <assert.h>
#include <errno.h>

#include "ks_timer.h"
#include "map.h"

#define SLOT_BITS 6
#define SLOTS 64u
#define LEVELS 10u
#define TICK_US 1000u

#define ROW_DUE LEVELS
#define ROW_LATE (LEVELS + 1)
#define ROWS (LEVELS + 2)

struct ks_timer_wheel {
	uint64_t now_us;		    /* last time told */
	uint64_t tick;			    /* all slots up to here have been dealt with */
	uint64_t filled[ROWS];		    /* bit per slot that is not empty */
	struct ks_timer slot[ROWS * SLOTS]; /* heads of circular lists */
};

struct ks_timer_wheel *
ks_timer_wheel_create(uint64_t now_us)
{
	struct ks_timer_wheel *wheel = ks_map_create(sizeof(*wheel));

	if (wheel == NULL)
		return NULL;
	wheel->now_us = now_us;
	wheel->tick = now_us / TICK_US;
	for (uint32_t i = 0; i < ROWS * SLOTS; i++) {
		wheel->slot[i].next = &wheel->slot[i];
		wheel->slot[i].prev = &wheel->slot[i];
	}
	return wheel;
}

void
ks_timer_wheel_destroy(struct ks_timer_wheel *wheel)
{
	ks_map_destroy(wheel, sizeof(*wheel));
}

void
ks_timer_init(struct ks_timer *timer, ks_timer_fn fn)
{
	*timer = (struct ks_timer){.fn = fn};
}

bool
ks_timer_pending(const struct ks_timer *timer)
{
	return timer->next != NULL;
}

static inline uint64_t
tick_of(uint64_t expires_us)
{
	return expires_us / TICK_US + (expires_us % TICK_US != 0);
}

/* Index of the list in which a timer for `tick` waits. */
static inline uint32_t
slot_of(const struct ks_timer_wheel *wheel, uint64_t tick)
{
	uint32_t level = (63 - (uint32_t)__builtin_clzll(tick ^ wheel->tick)) / SLOT_BITS;

	return level * SLOTS + (tick >> (level * SLOT_BITS) & (SLOTS - 1));
}

static inline void
insert(struct ks_timer_wheel *wheel, struct ks_timer *timer, uint32_t slot)
{
	struct ks_timer *head = &wheel->slot[slot];

	timer->next = head;
	timer->prev = head->prev;
	head->prev->next = timer;
	head->prev = timer;
	wheel->filled[slot / SLOTS] |= (uint64_t)1 << slot % SLOTS;
}

static inline void
unlink_timer(struct ks_timer_wheel *wheel, struct ks_timer *timer)
{
	struct ks_timer *next = timer->next;

	next->prev = timer->prev;
	timer->prev->next = next;
	/* Both neighbours are one only where that is the head of a list that is now empty. */
	if (next == timer->prev) {
		uint32_t slot = (uint32_t)(next - wheel->slot);

		wheel->filled[slot / SLOTS] &= ~((uint64_t)1 << slot % SLOTS);
	}
	timer->next = NULL;
}

void
ks_timer_set(struct ks_timer_wheel *wheel, struct ks_timer *timer, uint64_t expires_us)
{
	uint64_t tick = tick_of(expires_us);
	bool past = expires_us <= wheel->now_us;

	if (timer->next != NULL) {
		/* A retransmission timer moves with every acknowledgment, mostly within its tick.
		 */
		if (!past && timer->expires_us > wheel->now_us &&
		    tick == tick_of(timer->expires_us)) {
			timer->expires_us = expires_us;
			return;
		}
		unlink_timer(wheel, timer);
	}
	timer->expires_us = expires_us;
	insert(wheel, timer, ks_unlikely(past) ? ROW_LATE * SLOTS : slot_of(wheel, tick));
}

void
ks_timer_cancel(struct ks_timer_wheel *wheel, struct ks_timer *timer)
{
	if (timer->next != NULL)
		unlink_timer(wheel, timer);
}

/* Moves the whole list of one slot behind another list. */
static void
move_slot(struct ks_timer_wheel *wheel, uint32_t from, uint32_t to)
{
	struct ks_timer *src = &wheel->slot[from];
	struct ks_timer *dst = &wheel->slot[to];

	if (src->next == src)
		return;
	src->next->prev = dst->prev;
	dst->prev->next = src->next;
	src->prev->next = dst;
	dst->prev = src->prev;
	src->next = src;
	src->prev = src;
	wheel->filled[from / SLOTS] &= ~((uint64_t)1 << from % SLOTS);
	wheel->filled[to / SLOTS] |= (uint64_t)1 << to % SLOTS;
}

/* First slot that holds timers, and the tick at which it begins. */
static bool
next_slot(const struct ks_timer_wheel *wheel, uint32_t *slot, uint64_t *tick)
{
	for (uint32_t level = 0; level < LEVELS; level++) {
		if (wheel->filled[level] == 0)
			continue;

		uint32_t number = (uint32_t)__builtin_ctzll(wheel->filled[level]);
		uint32_t shift = level * SLOT_BITS;

		*slot = level * SLOTS + number;
		*tick = (wheel->tick >> shift >> SLOT_BITS << SLOT_BITS | number) << shift;
		return true;
	}
	return false;
}

static ks_noinline void
hand_down(struct ks_timer_wheel *wheel, uint32_t slot)
{
	struct ks_timer *head = &wheel->slot[slot];

	while (head->next != head) {
		struct ks_timer *timer = head->next;
		uint64_t tick = tick_of(timer->expires_us);

		unlink_timer(wheel, timer);
		insert(wheel, timer, tick == wheel->tick ? ROW_DUE * SLOTS : slot_of(wheel, tick));
	}
}

/* Goes on to the next slot that has begun by `target`; false when there is none. */
static bool
step(struct ks_timer_wheel *wheel, uint64_t target)
{
	uint64_t tick;
	uint32_t slot;

	if (!next_slot(wheel, &slot, &tick) || tick > target) {
		wheel->tick = target;
		return false;
	}
	wheel->tick = tick;
	if (slot < SLOTS)
		move_slot(wheel, slot, ROW_DUE * SLOTS);
	else
		hand_down(wheel, slot);
	return true;
}

uint32_t
ks_timer_wheel_advance(struct ks_timer_wheel *wheel, uint64_t now_us, uint32_t max)
{
	struct ks_timer *due = &wheel->slot[ROW_DUE * SLOTS];
	uint32_t fired = 0;

	wheel->now_us = KS_MAX(wheel->now_us, now_us);
	move_slot(wheel, ROW_LATE * SLOTS, ROW_DUE * SLOTS);
	while (fired < max) {
		struct ks_timer *timer = due->next;

		if (timer == due) {
			if (!step(wheel, wheel->now_us / TICK_US))
				break;
			continue;
		}
		unlink_timer(wheel, timer);
		timer->fn(timer, wheel->now_us);
		fired++;
	}
	return fired;
}

uint64_t
ks_timer_wheel_next_us(const struct ks_timer_wheel *wheel)
{
	uint64_t tick;
	uint32_t slot;

	if (wheel->filled[ROW_DUE] != 0 || wheel->filled[ROW_LATE] != 0)
		return wheel->now_us;
	if (!next_slot(wheel, &slot, &tick))
		return UINT64_MAX;
	return tick * TICK_US;
}
