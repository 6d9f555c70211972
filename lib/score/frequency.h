/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frequencies: how often an actor, an actor from one source, and an actor's one call came in the
 * last 1, 10 and 60 seconds. A window slides: what the one before it holds counts with the part of
 * it that is still inside. Time is the exchange's own.
 *
 * One table of fixed size per scorer; the entry not used for longest makes room (to the second, so
 * that busy entries need not be moved at every request).
 * Thread: the scorer's.
 */
#ifndef KS_SCORE_FREQUENCY_H
#define KS_SCORE_FREQUENCY_H

#include "model.h"

struct freq_window {
	uint32_t index; /**< which window of its length since the start of time */
	uint32_t count;
	uint32_t before; /**< count of the window before, 0 when that was not adjacent */
	uint32_t peak;	 /**< highest sliding count in it that was no surprise */
	uint32_t ready;	 /**< a closed window's peak, to be learned; 0: none */
	uint32_t good;	 /**< something in it may be learned from */
};

struct freq_entry {
	uint64_t key;
	uint32_t chain; /**< indexes; 0: none */
	uint32_t newer;
	uint32_t older;
	uint32_t stamp_s;
	uint32_t refused; /**< 401 answers to a claimed token */
	uint32_t zero;
	struct freq_window window[WINDOW_MAX];
};

struct ks_score_frequency;

struct ks_score_frequency *ks_score_frequency_create(uint32_t entries);
void ks_score_frequency_destroy(struct ks_score_frequency *frequency);
/** Finds, or takes the place of the oldest. */
struct freq_entry *ks_score_frequency_get(struct ks_score_frequency *frequency, uint64_t key,
					  uint64_t now_us);
/** NULL when there is none. */
struct freq_entry *ks_score_frequency_find(struct ks_score_frequency *frequency, uint64_t key);
uint32_t ks_score_frequency_used(const struct ks_score_frequency *frequency);

/** One moment as the windows see it; divided once per request, not once per window. */
struct freq_clock {
	uint32_t index[WINDOW_MAX];
	uint32_t left_q8[WINDOW_MAX]; /**< part of the window that is still to come, in 1/256 */
};

static inline struct freq_clock
freq_clock_at(uint64_t now_us)
{
	uint64_t now_ms = now_us / 1000;
	uint32_t s = (uint32_t)(now_ms / 1000), ms = (uint32_t)(now_ms % 1000);

	return (struct freq_clock){
		.index = {s, s / 10, s / 60},
		.left_q8 = {(1000 - ms) * 256 / 1000, (10000 - (s % 10 * 1000 + ms)) * 256 / 10000,
			    (60000 - (s % 60 * 1000 + ms)) * 256 / 60000},
	};
}

static inline unsigned int
freq_window_s(enum model_window w)
{
	static const unsigned int s[WINDOW_MAX] = {1, 10, 60};

	return s[w];
}

/** The part of freq_window_roll() that closes a window; one that may be learned becomes ready. */
void ks_score_window_close(struct freq_window *window, uint32_t index);

/** Moves the window on to window `index`. */
static inline void
freq_window_roll(struct freq_window *window, uint32_t index)
{
	/* Owners stamp their own turns: a request may be a turn older than the one before it. */
	if (ks_unlikely((int32_t)(index - window->index) > 0))
		ks_score_window_close(window, index);
}

/** Sliding count, in 1/256. */
static inline uint64_t
freq_window_slide_q8(const struct freq_window *window, uint32_t left_q8)
{
	return (uint64_t)window->count * 256 + (uint64_t)window->before * left_q8;
}

/** Seconds until the sliding count has come down to `most` when nothing more comes. */
uint32_t ks_score_window_wait_s(const struct freq_window *window, enum model_window w,
				uint64_t now_us, double most);

#endif
