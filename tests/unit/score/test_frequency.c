/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows slide with the exchange's own time; the table forgets who was away longest and never
 * grows.
 */
#include "ks_test.h"

#include "frequency.h"

#define S 1000000ull

static void
hit(struct freq_window *window, enum model_window w, uint64_t now_us)
{
	freq_window_roll(window, freq_clock_at(now_us).index[w]);
	window->count++;
}

static uint64_t
slide(const struct freq_window *window, enum model_window w, uint64_t now_us)
{
	return freq_window_slide_q8(window, freq_clock_at(now_us).left_q8[w]);
}

static void
window_slides(void)
{
	struct freq_window window = {0};

	for (int i = 0; i < 10; i++)
		hit(&window, WINDOW_10S, 100 * S);
	CU_ASSERT_EQUAL(slide(&window, WINDOW_10S, 100 * S), 10 * 256);
	freq_window_roll(&window, freq_clock_at(115 * S).index[WINDOW_10S]);
	CU_ASSERT_EQUAL(window.before, 10);
	CU_ASSERT_EQUAL(window.count, 0);
	CU_ASSERT_EQUAL(slide(&window, WINDOW_10S, 115 * S), 5 * 256);
	freq_window_roll(&window, freq_clock_at(130 * S).index[WINDOW_10S]);
	CU_ASSERT_EQUAL(window.before, 0);
}

/* Turns of several owners are not in step: a request may be older than the one before it. */
static void
window_takes_late_requests(void)
{
	struct freq_window window = {0};

	hit(&window, WINDOW_1S, 10 * S);
	hit(&window, WINDOW_1S, 10 * S - 1);
	CU_ASSERT_EQUAL(window.count, 2);
	CU_ASSERT_EQUAL(window.index, 10);
}

static void
closed_window_is_learned_once_when_good(void)
{
	struct freq_window window = {0};

	hit(&window, WINDOW_1S, 10 * S);
	window.peak = 7;
	window.good = 1;
	freq_window_roll(&window, freq_clock_at(11 * S).index[WINDOW_1S]);
	CU_ASSERT_EQUAL(window.ready, 7);
	window.ready = 0;
	hit(&window, WINDOW_1S, 11 * S);
	window.peak = 3;
	freq_window_roll(&window, freq_clock_at(12 * S).index[WINDOW_1S]);
	CU_ASSERT_EQUAL(window.ready, 0);
}

/* After the time that was given the count really is down, and a second earlier it was not. */
static void
wait_is_long_enough(void)
{
	for (uint32_t count = 50; count < 1000; count += 37)
		for (uint32_t most = 10; most < 40; most += 7)
			for (uint64_t at = 60 * S; at < 70 * S; at += S * 3 / 4) {
				struct freq_window window = {.index = 6, .count = count};
				uint64_t wait =
					ks_score_window_wait_s(&window, WINDOW_10S, at, most);
				struct freq_window later = window;

				freq_window_roll(&later,
						 freq_clock_at(at + wait * S).index[WINDOW_10S]);
				CU_ASSERT(slide(&later, WINDOW_10S, at + wait * S) <= most * 256);
				later = window;
				freq_window_roll(
					&later,
					freq_clock_at(at + (wait - 1) * S).index[WINDOW_10S]);
				CU_ASSERT(wait == 1 ||
					  slide(&later, WINDOW_10S, at + (wait - 1) * S) + 256 +
							  count >=
						  most * 256);
			}
}

static void
table_forgets_the_oldest(void)
{
	struct ks_score_frequency *f = ks_score_frequency_create(100);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (uint64_t i = 1; i <= 100; i++)
		ks_score_frequency_get(f, i << 40, i * S)->window[0].count = (uint32_t)i;
	ks_score_frequency_get(f, 1ull << 40, 200 * S);
	for (uint64_t i = 101; i <= 150; i++)
		CU_ASSERT_EQUAL(ks_score_frequency_get(f, i << 40, 300 * S)->window[0].count, 0);
	CU_ASSERT_EQUAL(ks_score_frequency_used(f), 100);
	CU_ASSERT_PTR_NOT_NULL(ks_score_frequency_find(f, 1ull << 40));
	CU_ASSERT_PTR_NULL(ks_score_frequency_find(f, 2ull << 40));
	CU_ASSERT_PTR_NULL(ks_score_frequency_find(f, 51ull << 40));
	CU_ASSERT_EQUAL(ks_score_frequency_find(f, 52ull << 40)->window[0].count, 52);
	ks_score_frequency_destroy(f);
}

static void
table_of_a_million_stays_small(void)
{
	struct ks_score_frequency *f = ks_score_frequency_create(64);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (uint64_t i = 1; i <= 1000000; i++)
		ks_score_frequency_get(f, i * 0x9e3779b97f4a7c15ull, i);
	CU_ASSERT_EQUAL(ks_score_frequency_used(f), 64);
	for (uint64_t i = 1000000 - 10; i <= 1000000; i++)
		CU_ASSERT_PTR_NOT_NULL(ks_score_frequency_find(f, i * 0x9e3779b97f4a7c15ull));
	ks_score_frequency_destroy(f);
}

static const struct ks_test tests[] = {
	KS_TEST(window_slides),
	KS_TEST(window_takes_late_requests),
	KS_TEST(closed_window_is_learned_once_when_good),
	KS_TEST(wait_is_long_enough),
	KS_TEST(table_forgets_the_oldest),
	KS_TEST(table_of_a_million_stays_small),
};

KS_TEST_MAIN("score/frequency", tests)
