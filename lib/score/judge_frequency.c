/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Too many, too often: windows of the actor, of the actor from this source, of this call by this
 * actor, and of the failures, each against the highest count that was ever usual.
 *
 * The windows belong to whoever is charged: the principal when it is proven, else source and token.
 * A count that is a surprise does not raise what counts as usual, unless the mode is `learn`.
 * Thread: the scorer's worker.
 */
#include <stdio.h>

#include "ks_addr.h"
#include "scorer.h"

/* Nobody is alarmed below these. A new caller gets more room than one whose quiet is well known:
 * one kubectl command with a cold cache makes thirty requests in a second. */
static const double floor_young[WINDOW_MAX] = {20, 60, 200};
static const double floor_known[WINDOW_MAX] = {12, 30, 80};
/* One address may speak for a hundred pods (masquerading): more room for not yet proven tokens. */
#define CLAIMS_ROOM 3.0
#define FAILS_FLOOR 15.0
/* Windows after which a caller's own past counts as much as its group's. */
#define YOUNG_WINDOWS 30.0
/* Surprise up to which a count still becomes part of what is usual (growth is followed, a burst
 * not), and up to which it is counted in wider series. */
#define TEACHES_DB 20

/*
 * The counts of one request, from the narrowest to the widest: this call by this program from this
 * source, all calls of it, the source, the principal. What is too much in a narrow one is not
 * counted in the wider ones, so that one pod's burst is not charged to its replicas, nor one
 * program's to the pod.
 */
#define SERIES_MAX 4

struct series {
	struct freq_window *window; /**< of WINDOW_MAX */
	const struct model_rate *usual;
	double room; /**< times the floor */
	enum ks_finding_code code;
};

struct excess {
	int db;
	double count, most;
	enum model_window w;
	const struct series *series;
};

static double
most_usual(const struct judge *j, const struct series *series, enum model_window w)
{
	const struct model_rate *group = &j->profile->group[j->rq.group].rate[w];
	double n = series->usual == NULL ? 0 : series->usual[w].n;
	double young = YOUNG_WINDOWS / (YOUNG_WINDOWS + n);
	double most = floor_known[w] + (floor_young[w] - floor_known[w]) * young;

	if (series->room > 1.0)
		return most * series->room;
	if (series->usual != NULL)
		most = KS_MAX(most, (double)series->usual[w].max);
	return KS_MAX(most, group->max * young);
}

/* @return true when it is too many already, and wider series shall not count it. */
static bool
series_count(const struct judge *j, const struct series *series, bool count, struct excess *worst)
{
	bool excess = false;
	uint64_t q8;

	for (int w = 0; w < WINDOW_MAX; w++) {
		struct freq_window *window = &series->window[w];
		uint32_t n = series->usual == NULL ? 0 : series->usual[w].n;
		double most;
		int db = 0;

		freq_window_roll(window, j->clock.index[w]);
		window->count += count;
		q8 = freq_window_slide_q8(window, j->clock.left_q8[w]);
		if (worst != NULL && ks_unlikely(q8 > (uint64_t)floor_known[w] * 256)) {
			most = most_usual(j, series, w);
			db = ks_score_rate_db(n, most, q8 / 256.0);
			if (db > worst->db)
				*worst = (struct excess){db, q8 / 256.0, most, w, series};
		}
		if (db > TEACHES_DB)
			excess = true;
		else if (count)
			window->peak = KS_MAX(window->peak, (uint32_t)(q8 / 256));
	}
	return excess;
}

static struct freq_window *
windows_of(const struct judge *j, uint64_t key)
{
	return ks_score_frequency_get(j->scorer->frequency, key, j->ex->now.mono_us)->window;
}

static uint32_t
series_list(const struct judge *j, struct series series[SERIES_MAX])
{
	const struct model_rate *source = j->who == NULL ? NULL : j->who->source;
	const struct request *rq = &j->rq;
	uint32_t n = 0;

	series[n++] = (struct series){windows_of(j, freq_key_call(rq)),
				      j->caller == NULL ? NULL : j->caller->rate, 1.0,
				      KS_FINDING_FREQUENCY_CALL};
	series[n++] = (struct series){windows_of(j, freq_key_program(rq)), source, 1.0,
				      KS_FINDING_FREQUENCY_SOURCE};
	series[n++] = (struct series){windows_of(j, freq_key_source(rq)), source, 1.0,
				      KS_FINDING_FREQUENCY_SOURCE};
	if (rq->proven)
		series[n++] = (struct series){windows_of(j, rq->actor),
					      j->who == NULL ? NULL : j->who->rate, 1.0,
					      KS_FINDING_FREQUENCY_PRINCIPAL};
	else if (!rq->anonymous)
		series[n++] = (struct series){windows_of(j, freq_key_claims(rq)), NULL, CLAIMS_ROOM,
					      KS_FINDING_FREQUENCY_SOURCE};
	return n;
}

static ks_cold void
raise_excess(struct judge *j, const struct excess *excess)
{
	const struct model_rate *usual =
		excess->series->usual == NULL ? NULL : &excess->series->usual[excess->w];
	unsigned int seconds = freq_window_s(excess->w);
	uint32_t n = usual == NULL ? 0 : usual->n;
	struct ks_finding *f = ks_exchange_finding_add(j->ex, excess->series->code, excess->db, n);

	if (f == NULL)
		return;
	if (excess->series->code == KS_FINDING_FREQUENCY_SOURCE)
		ks_addr_format(&j->ex->source, f->where);
	else
		ks_finding_text_set(f->where, (struct ks_str){j->rq.name, strlen(j->rq.name)});
	snprintf(f->observed, sizeof(f->observed), "%.0f requests in %u s", excess->count, seconds);
	if (n == 0)
		snprintf(f->expected, sizeof(f->expected), "at most %.0f", excess->most);
	else
		snprintf(f->expected, sizeof(f->expected), "%.1f, at most %u, in %u such windows",
			 (double)usual->sum / n, usual->max, n);
}

/* ---- failures ---- */

static ks_cold void
raise_fails(struct judge *j, double most, double count, int db)
{
	uint32_t n = j->who == NULL ? 0 : j->who->fails.n;
	struct ks_finding *f = ks_exchange_finding_add(j->ex, KS_FINDING_FREQUENCY_FAILURES, db, n);

	if (f == NULL)
		return;
	ks_finding_text_set(f->where, (struct ks_str){j->rq.name, strlen(j->rq.name)});
	snprintf(f->observed, sizeof(f->observed), "%.0f times in 60 s", count);
	snprintf(f->expected, sizeof(f->expected), "at most %.0f", most);
}

/* A refused token that comes again. An expired one of an honest client looks the same, therefore
 * this is no proof, only a reason. */
#define FORGED_DB 30

static ks_cold void
raise_forged(struct judge *j, uint32_t refused)
{
	struct ks_finding *f =
		ks_exchange_finding_add(j->ex, KS_FINDING_TOKEN_FORGED, FORGED_DB, refused);

	if (f != NULL)
		ks_finding_text_set(f->where, (struct ks_str){j->rq.name, strlen(j->rq.name)});
}

/* Refusals and misses are counted at the outcome; here they are only looked at. */
static void
judge_fails(struct judge *j)
{
	struct freq_entry *entry =
		ks_score_frequency_find(j->scorer->frequency, freq_key_fails(&j->rq));
	const struct model_rate *usual =
		j->who != NULL && (j->rq.proven || j->rq.anonymous) ? &j->who->fails : NULL;
	double most = FAILS_FLOOR, count;
	int db;

	if (ks_likely(entry == NULL))
		return;
	freq_window_roll(&entry->window[WINDOW_60S], j->clock.index[WINDOW_60S]);
	count = freq_window_slide_q8(&entry->window[WINDOW_60S], j->clock.left_q8[WINDOW_60S]) /
		256.0;
	if (usual != NULL)
		most = KS_MAX(most, (double)usual->max);
	db = ks_score_rate_db(usual == NULL ? 0 : usual->n, most, count);
	if (ks_unlikely(db >= EVIDENCE_LEAST_DB))
		raise_fails(j, most, count, db);
}

static void
judge_refused(struct judge *j)
{
	struct freq_entry *entry;

	if (ks_likely(j->rq.proven || j->rq.anonymous))
		return;
	entry = ks_score_frequency_find(j->scorer->frequency, freq_key_refused(&j->rq));
	if (entry != NULL && entry->refused > 0)
		raise_forged(j, entry->refused);
}

void
ks_score_judge_frequency(struct judge *j, bool raise)
{
	struct excess worst = {.db = EVIDENCE_LEAST_DB - 1};
	struct series series[SERIES_MAX];
	uint32_t n = series_list(j, series);
	bool count = true;

	for (uint32_t i = 0; i < n; i++)
		if (series_count(j, &series[i], count, raise ? &worst : NULL))
			count = false;
	if (!raise)
		return;
	if (ks_unlikely(worst.series != NULL))
		raise_excess(j, &worst);
	judge_fails(j);
	judge_refused(j);
}

uint16_t
ks_score_retry_after_s(struct judge *j)
{
	uint64_t now_us = j->ex->now.mono_us;
	struct series series[SERIES_MAX];
	uint32_t n = series_list(j, series), wait = 1;

	for (uint32_t i = 0; i < n * WINDOW_MAX; i++) {
		const struct series *of = &series[i / WINDOW_MAX];
		enum model_window w = i % WINDOW_MAX;
		uint32_t seen = of->usual == NULL ? 0 : of->usual[w].n;
		double most =
			ks_score_rate_at(seen, most_usual(j, of, w), j->scorer->params.throttle_db);

		if (freq_window_slide_q8(&of->window[w], j->clock.left_q8[w]) / 256.0 > most)
			wait = KS_MAX(wait,
				      ks_score_window_wait_s(&of->window[w], w, now_us, most));
	}
	return wait;
}

void
ks_score_count_failure(struct ks_scorer *scorer, const struct request *rq)
{
	uint64_t now_us = rq->ex->now.mono_us;
	struct freq_entry *entry =
		ks_score_frequency_get(scorer->frequency, freq_key_fails(rq), now_us);
	struct freq_window *fails = &entry->window[WINDOW_60S];

	freq_window_roll(fails, freq_clock_at(now_us).index[WINDOW_60S]);
	fails->count++;
	fails->peak = KS_MAX(fails->peak, fails->count);
	if (rq->ex->status != 401 || rq->proven || rq->anonymous)
		return;
	entry = ks_score_frequency_get(scorer->frequency, freq_key_refused(rq), now_us);
	entry->refused = add_sat(entry->refused, 1);
}
