/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From counts to decibans.
 *
 * Something new: Good–Turing says that the next observation is new with probability once/n; where
 * nothing was seen only once, Ewens' kinds/ln(n) and the patience of the whole population (how many
 * observations pass there until something new turns up) stand in. Something larger than ever: after
 * n observations the next one is the largest with probability 1/(n + 1), and beyond the largest a
 * Pareto tail goes on whose index follows from the spread of the logarithms.
 * Few observations say little: evidence is weighed with n / (n + 30).
 * Thread: pure functions; cold: asked only when something is new or large.
 */
#ifndef KS_SCORE_EVIDENCE_H
#define KS_SCORE_EVIDENCE_H

#include "profile.h"

/** Findings below this are not worth a word. */
#define EVIDENCE_LEAST_DB 10

/** A new member of a set of `kinds` things, `once` of them seen once, in `n` observations. */
int ks_score_novelty_db(double n, struct model_variety variety, double patience);
/** A length above the largest of its kind. @return 0 when it is not. */
int ks_score_length_db(const struct model_length *length, uint32_t x);
/** A count in a window of time above `most`, with `n` windows seen. @return 0 when it is not. */
int ks_score_rate_db(uint32_t n, double most, double count);
/** Largest count in a window that gives at most `db`. */
double ks_score_rate_at(uint32_t n, double most, int db);
/** Evidence that does not come from the counts themselves, as much of it as `n` observations carry.
 */
int ks_score_weighed_db(int db, double n);
/** What is left of the largest of `tests` pieces of evidence. */
int ks_score_of_many_db(int db, uint32_t tests);

#endif
