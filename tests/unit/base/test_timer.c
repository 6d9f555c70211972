/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ks_timer: never early, at most a tick late, over milliseconds and centuries; callbacks that set,
 * cancel and free; next_us as a sleeper uses it.
 */
#include <stdlib.h>

#include "ks_test.h"
#include "ks_timer.h"
#include "rand.h"

#define SECOND 1000000ull
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define ALL UINT32_MAX

struct probe {
	struct ks_timer timer;
	struct ks_timer_wheel *wheel;
	uint64_t fired_us;
	uint32_t count;
	struct probe *other;
};

static void
on_fire(struct ks_timer *timer, uint64_t now_us)
{
	struct probe *probe = ks_container_of(timer, struct probe, timer);

	probe->fired_us = now_us;
	probe->count++;
}

static void
probe_init(struct probe *probe, struct ks_timer_wheel *wheel, ks_timer_fn fn)
{
	*probe = (struct probe){.wheel = wheel};
	ks_timer_init(&probe->timer, fn);
}

/* Sleeps from one next_us to the following one, as a simulation does. */
static uint32_t
run_until(struct ks_timer_wheel *wheel, uint64_t end_us)
{
	uint32_t fired = 0;

	for (uint64_t now = 0; now < end_us;) {
		now = KS_MIN(ks_timer_wheel_next_us(wheel), end_us);
		fired += ks_timer_wheel_advance(wheel, now, ALL);
	}
	return fired;
}

static const uint64_t distances[] = {
	0,	 1,	   999,	      1000,	   1001,	   63 * 1000, 64 * 1000,
	65000,	 4095999,  4096000,   4096001,	   HOUR,	   HOUR + 1,  DAY,
	7 * DAY, 40 * DAY, 365 * DAY, 40000 * DAY, 20000000 * DAY,
};

static void
fires_on_time_at_any_distance(void)
{
	static const uint64_t starts[] = {1, 999, 1000, 1700000000123456, 4095999, 262143999};

	for (uint32_t s = 0; s < KS_ARRAY_SIZE(starts); s++) {
		for (uint32_t d = 0; d < KS_ARRAY_SIZE(distances); d++) {
			struct ks_timer_wheel *wheel = ks_timer_wheel_create(starts[s]);
			uint64_t expires = starts[s] + distances[d];
			struct probe probe;

			probe_init(&probe, wheel, on_fire);
			ks_timer_set(wheel, &probe.timer, expires);
			CU_ASSERT_TRUE(ks_timer_pending(&probe.timer));
			run_until(wheel, expires + 1000);
			CU_ASSERT_EQUAL(probe.count, 1);
			CU_ASSERT_TRUE(probe.fired_us >= expires);
			CU_ASSERT_TRUE(probe.fired_us < expires + 1000);
			CU_ASSERT_FALSE(ks_timer_pending(&probe.timer));
			CU_ASSERT_EQUAL(ks_timer_wheel_next_us(wheel), UINT64_MAX);
			ks_timer_wheel_destroy(wheel);
		}
	}
}

static void
never_early(void)
{
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(1500);
	struct probe probe;

	probe_init(&probe, wheel, on_fire);
	ks_timer_set(wheel, &probe.timer, 2001);
	for (uint64_t now = 1500; now <= 2000; now++)
		CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, now, ALL), 0);
	ks_timer_wheel_advance(wheel, 3000, ALL);
	CU_ASSERT_EQUAL(probe.count, 1);
	ks_timer_wheel_destroy(wheel);
}

static void
the_end_of_time_never_comes(void)
{
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(5);
	struct probe probe;

	probe_init(&probe, wheel, on_fire);
	ks_timer_set(wheel, &probe.timer, UINT64_MAX);
	run_until(wheel, 20000000 * DAY);
	CU_ASSERT_EQUAL(probe.count, 0);
	CU_ASSERT_TRUE(ks_timer_pending(&probe.timer));
	ks_timer_cancel(wheel, &probe.timer);
	CU_ASSERT_EQUAL(ks_timer_wheel_next_us(wheel), UINT64_MAX);
	ks_timer_wheel_destroy(wheel);
}

static void
one_long_step_fires_all_in_order(void)
{
	enum { N = 5000 };
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(1);
	struct probe *probes = calloc(N, sizeof(*probes));
	struct ks_rand r = {3};
	uint32_t fired = 0;

	for (uint32_t i = 0; i < N; i++) {
		probe_init(&probes[i], wheel, on_fire);
		ks_timer_set(wheel, &probes[i].timer, ks_rand_next(&r) % (30 * DAY));
	}
	/* At most seven at a time: the rest waits for the next call. */
	for (uint32_t n; (n = ks_timer_wheel_advance(wheel, 30 * DAY + 1000, 7)) > 0; fired += n)
		CU_ASSERT_TRUE_FATAL(n <= 7);
	CU_ASSERT_EQUAL(fired, N);
	for (uint32_t i = 0; i < N; i++)
		CU_ASSERT_EQUAL(probes[i].count, 1);
	free(probes);
	ks_timer_wheel_destroy(wheel);
}

/* Random set, move and cancel on a walk with steps of all sizes. */
static void
random_walk(void)
{
	enum { N = 300 };
	static struct probe probes[N];
	static bool armed[N];

	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct ks_rand r = {seed};
		uint64_t now = ks_rand_next(&r) >> 20;
		struct ks_timer_wheel *wheel = ks_timer_wheel_create(now);

		for (uint32_t i = 0; i < N; i++) {
			probe_init(&probes[i], wheel, on_fire);
			armed[i] = false;
		}
		for (uint32_t turn = 0; turn < 20000; turn++) {
			struct probe *p = &probes[ks_rand_below(&r, N)];
			uint32_t op = ks_rand_below(&r, 4);

			if (op < 2) {
				ks_timer_set(
					wheel, &p->timer,
					now + (ks_rand_next(&r) >> (10 + ks_rand_below(&r, 54))));
				armed[p - probes] = true;
			} else if (op == 2) {
				ks_timer_cancel(wheel, &p->timer);
				armed[p - probes] = false;
			} else {
				now += ks_rand_next(&r) >> (24 + ks_rand_below(&r, 40));
				ks_timer_wheel_advance(wheel, now, ALL);
			}
			for (uint32_t i = 0; op == 3 && i < N; i++) {
				bool due = probes[i].timer.expires_us + 999 < now;

				if (armed[i] && probes[i].count > 0) {
					CU_ASSERT_TRUE_FATAL(probes[i].fired_us >=
							     probes[i].timer.expires_us);
					armed[i] = false;
				}
				probes[i].count = 0;
				CU_ASSERT_EQUAL_FATAL(ks_timer_pending(&probes[i].timer), armed[i]);
				CU_ASSERT_FALSE_FATAL(armed[i] && due);
			}
		}
		ks_timer_wheel_destroy(wheel);
	}
}

static void
cancel_other(struct ks_timer *timer, uint64_t now_us)
{
	struct probe *probe = ks_container_of(timer, struct probe, timer);

	on_fire(timer, now_us);
	ks_timer_cancel(probe->wheel, &probe->other->timer);
	ks_timer_cancel(probe->wheel, timer);
}

static void
a_callback_may_cancel_what_is_due(void)
{
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(1);
	struct probe a, b;

	probe_init(&a, wheel, cancel_other);
	probe_init(&b, wheel, cancel_other);
	a.other = &b;
	b.other = &a;
	ks_timer_set(wheel, &a.timer, 5000);
	ks_timer_set(wheel, &b.timer, 5000);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, 6000, ALL), 1);
	CU_ASSERT_EQUAL(a.count + b.count, 1);
	CU_ASSERT_EQUAL(ks_timer_wheel_next_us(wheel), UINT64_MAX);
	ks_timer_wheel_destroy(wheel);
}

static void
free_both(struct ks_timer *timer, uint64_t now_us)
{
	struct probe *probe = ks_container_of(timer, struct probe, timer);

	ks_timer_cancel(probe->wheel, &probe->other->timer);
	free(probe->other);
	free(probe);
}

static void
a_callback_may_free_timers(void)
{
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(1);

	for (int i = 0; i < 100; i++) {
		struct probe *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));

		probe_init(a, wheel, free_both);
		probe_init(b, wheel, free_both);
		a->other = b;
		b->other = a;
		ks_timer_set(wheel, &a->timer, 5000);
		ks_timer_set(wheel, &b->timer, 5000);
	}
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, 6000, ALL), 100);
	ks_timer_wheel_destroy(wheel);
}

static void
again_at_once(struct ks_timer *timer, uint64_t now_us)
{
	struct probe *probe = ks_container_of(timer, struct probe, timer);

	on_fire(timer, now_us);
	ks_timer_set(probe->wheel, timer, now_us);
}

static void
a_time_in_the_past_waits_for_the_next_advance(void)
{
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(10000);
	struct probe probe;

	probe_init(&probe, wheel, again_at_once);
	ks_timer_set(wheel, &probe.timer, 3);
	CU_ASSERT_EQUAL(ks_timer_wheel_next_us(wheel), 10000);
	for (uint32_t i = 1; i <= 5; i++) {
		CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, 10000, ALL), 1);
		CU_ASSERT_EQUAL(probe.count, i);
	}
	ks_timer_wheel_destroy(wheel);
}

static void
time_that_goes_back_does_no_harm(void)
{
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(10 * SECOND);
	struct probe probe, past;

	probe_init(&probe, wheel, on_fire);
	probe_init(&past, wheel, on_fire);
	ks_timer_set(wheel, &probe.timer, 11 * SECOND);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, 1 * SECOND, ALL), 0);
	/* It is still ten seconds past. */
	ks_timer_set(wheel, &past.timer, 5 * SECOND);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, 1 * SECOND, ALL), 1);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, 11 * SECOND - 1, ALL), 0);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, 11 * SECOND, ALL), 1);
	ks_timer_wheel_destroy(wheel);
}

/* A move within one tick keeps the list place; the moved time still counts. */
static void
a_move_counts(void)
{
	struct ks_timer_wheel *wheel = ks_timer_wheel_create(1);
	struct probe probe;

	probe_init(&probe, wheel, on_fire);
	ks_timer_set(wheel, &probe.timer, 5100);
	ks_timer_set(wheel, &probe.timer, 5900);
	CU_ASSERT_EQUAL(probe.timer.expires_us, 5900);
	ks_timer_set(wheel, &probe.timer, HOUR);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, HOUR - 1, ALL), 0);
	ks_timer_set(wheel, &probe.timer, HOUR + 2000);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, HOUR + 1999, ALL), 0);
	CU_ASSERT_EQUAL(ks_timer_wheel_advance(wheel, HOUR + 2000, ALL), 1);
	ks_timer_wheel_destroy(wheel);
}

static const struct ks_test tests[] = {
	KS_TEST(fires_on_time_at_any_distance),
	KS_TEST(never_early),
	KS_TEST(the_end_of_time_never_comes),
	KS_TEST(one_long_step_fires_all_in_order),
	KS_TEST(random_walk),
	KS_TEST(a_callback_may_cancel_what_is_due),
	KS_TEST(a_callback_may_free_timers),
	KS_TEST(a_time_in_the_past_waits_for_the_next_advance),
	KS_TEST(time_that_goes_back_does_no_harm),
	KS_TEST(a_move_counts),
};

KS_TEST_MAIN("base_timer", tests)
