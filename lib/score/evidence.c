/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From counts to decibans. See evidence.h.
 * Thread: pure functions.
 */
#include <math.h>

#include "evidence.h"

/* Observations that give half the weight. */
#define CONFIDENCE_HALF 30.0
/* Counts of requests have heavier tails than any Poisson mixture that fits their middle:
 * controllers restart, people paste loops. The fifth power gives 50 dB for ten times the most ever
 * seen. */
#define RATE_TAIL 5.0
/* Lengths: between those of free text and those of fixed forms. */
#define LENGTH_TAIL_MIN 0.5
#define LENGTH_TAIL_MAX 4.0
/* A value a little longer than the longest is a record, too, but no surprise. */
#define LENGTH_SLACK 16

static double
confidence(double n)
{
	return n / (n + CONFIDENCE_HALF);
}

int
ks_score_novelty_db(double n, struct model_variety variety, double patience)
{
	double turnover = variety.kinds / log(n + M_E);
	double due = 1.0 + fmax(variety.once, turnover);

	return (int)(confidence(n) * 10.0 * log10((n + patience) / due));
}

/* Log-lengths that spread by s natural units are the tail of a Pareto law of index 1/s. */
static double
length_tail(const struct model_length *length)
{
	double n = length->n, unit = 256.0 / M_LN2;
	double mean = length->log_sum / n;
	double var = length->log_sq / n - mean * mean;
	double spread = var > 0 ? sqrt(var) / unit : 0;

	return fmax(LENGTH_TAIL_MIN, fmin(LENGTH_TAIL_MAX, 1.0 / (spread + 0.25)));
}

int
ks_score_length_db(const struct model_length *length, uint32_t x)
{
	double ratio = ((double)x + LENGTH_SLACK) / ((double)length->max + LENGTH_SLACK);
	double record, tail;

	if (x <= length->max || length->n == 0)
		return 0;
	record = 10.0 * log10(length->n + 1.0) * fmin(1.0, log2(ratio));
	tail = 10.0 * length_tail(length) * log10(ratio);
	return (int)(confidence(length->n) * (record + tail));
}

int
ks_score_rate_db(uint32_t n, double most, double count)
{
	double ratio = count / most;

	if (count <= most)
		return 0;
	return (int)(10.0 * log10(n + 1.0) * fmin(1.0, log2(ratio)) +
		     10.0 * RATE_TAIL * log10(ratio));
}

double
ks_score_rate_at(uint32_t n, double most, int db)
{
	double record = 10.0 * log10(n + 1.0), half = record + 10.0 * RATE_TAIL * log10(2.0);

	/* Below twice the most both terms grow with the logarithm of the ratio. */
	if (db < half)
		return most * exp2(db / half);
	return most * pow(10.0, (db - record) / (10.0 * RATE_TAIL));
}

int
ks_score_weighed_db(int db, double n)
{
	return (int)(db * confidence(n));
}

int
ks_score_of_many_db(int db, uint32_t tests)
{
	return tests <= 1 ? db : db - (int)(10.0 * log10(tests));
}
