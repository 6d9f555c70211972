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

/* Nobody is alarmed below these, however quiet a caller has been: one kubectl command with a cold
 * cache makes thirty requests in a second. */
static const double floor_count[WINDOW_MAX] = {20, 60, 200};
/* One address may speak for a hundred pods (masquerading): more room for not yet proven tokens. */
#define CLAIMS_ROOM 5.0
#define FAILS_FLOOR 15.0
/* Windows after which a caller's own past counts as much as its group's. */
#define YOUNG_WINDOWS 30.0
/* Surprise up to which a count still teaches. */
#define TEACHES_DB 20

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
	double most = floor_count[w] * series->room;
	double n = series->usual == NULL ? 0 : series->usual[w].n;
	const struct model_rate *group = &j->profile->group[j->rq.group].rate[w];

	if (series->usual != NULL)
		most = KS_MAX(most, (double)series->usual[w].max);
	if (series->room > 1.0)
		return most;
	return KS_MAX(most, group->max * YOUNG_WINDOWS / (YOUNG_WINDOWS + n));
}

static void
series_count(const struct judge *j, const struct series *series, bool raise, struct excess *worst)
{
	uint64_t now_us = j->ex->now.mono_us;

	for (int w = 0; w < WINDOW_MAX; w++) {
		struct freq_window *window = &series->window[w];
		uint32_t n = series->usual == NULL ? 0 : series->usual[w].n;
		double count, most;
		uint64_t q8;
		int db = 0;

		ks_score_window_roll(window, w, now_us);
		window->count++;
		q8 = ks_score_window_slide_q8(window, w, now_us);
		if (raise && ks_unlikely(q8 > (uint64_t)floor_count[w] * 256)) {
			count = q8 / 256.0;
			most = most_usual(j, series, w);
			db = ks_score_rate_db(n, most, count);
			if (db > worst->db)
				*worst = (struct excess){db, count, most, w, series};
		}
		if (db <= TEACHES_DB)
			window->peak = KS_MAX(window->peak, (uint32_t)(q8 / 256));
	}
}

static uint32_t
series_list(struct judge *j, struct series series[4])
{
	struct ks_score_frequency *frequency = j->scorer->frequency;
	uint64_t now_us = j->ex->now.mono_us;
	const struct model_principal *who = j->who;
	uint32_t n = 0;

	series[n++] = (struct series){
		ks_score_frequency_get(frequency, j->rq.actor, now_us)->window,
		who == NULL ? NULL : (j->rq.proven ? who->rate : who->source),
		1.0,
		j->rq.proven ? KS_FINDING_FREQUENCY_PRINCIPAL : KS_FINDING_FREQUENCY_SOURCE,
	};
	series[n++] = (struct series){
		ks_score_frequency_get(frequency, freq_key_call(&j->rq), now_us)->window,
		j->caller == NULL ? NULL : j->caller->rate,
		1.0,
		KS_FINDING_FREQUENCY_CALL,
	};
	if (j->rq.proven)
		series[n++] = (struct series){
			ks_score_frequency_get(frequency, freq_key_source(&j->rq), now_us)->window,
			who == NULL ? NULL : who->source,
			1.0,
			KS_FINDING_FREQUENCY_SOURCE,
		};
	else if (!j->rq.anonymous)
		series[n++] = (struct series){
			ks_score_frequency_get(frequency, freq_key_claims(&j->rq), now_us)->window,
			NULL,
			CLAIMS_ROOM,
			KS_FINDING_FREQUENCY_SOURCE,
		};
	return n;
}

static ks_cold void
raise_excess(struct judge *j, const struct excess *excess)
{
	const struct model_rate *usual =
		excess->series->usual == NULL ? NULL : &excess->series->usual[excess->w];
	unsigned int seconds = (unsigned int)(ks_score_window_us(excess->w) / 1000000);
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

static void
judge_fails(struct judge *j)
{
	struct freq_entry *entry =
		ks_score_frequency_get(j->scorer->frequency, j->rq.actor, j->ex->now.mono_us);
	uint64_t now_us = j->ex->now.mono_us;
	uint32_t n = j->who == NULL ? 0 : j->who->fails.n;
	double most = FAILS_FLOOR, count;
	int db;

	ks_score_window_roll(&entry->fails, WINDOW_60S, now_us);
	count = ks_score_window_slide_q8(&entry->fails, WINDOW_60S, now_us) / 256.0;
	if (j->who != NULL)
		most = KS_MAX(most, (double)j->who->fails.max);
	db = ks_score_rate_db(n, most, count);
	if (ks_unlikely(db >= EVIDENCE_LEAST_DB))
		raise_fails(j, most, count, db);
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

void
ks_score_judge_frequency(struct judge *j, bool raise)
{
	struct excess worst = {.db = EVIDENCE_LEAST_DB - 1};
	struct freq_entry *actor;
	struct series series[4];
	uint32_t n = series_list(j, series);

	for (uint32_t i = 0; i < n; i++)
		series_count(j, &series[i], raise, &worst);
	if (!raise)
		return;
	if (ks_unlikely(worst.series != NULL))
		raise_excess(j, &worst);
	judge_fails(j);
	actor = ks_score_frequency_find(j->scorer->frequency, j->rq.actor);
	if (ks_unlikely(actor != NULL && actor->refused > 0 && !j->rq.proven))
		raise_forged(j, actor->refused);
}

uint16_t
ks_score_retry_after_s(struct judge *j)
{
	uint64_t now_us = j->ex->now.mono_us;
	struct series series[4];
	uint32_t n = series_list(j, series), wait = 1;

	for (uint32_t i = 0; i < n; i++) {
		for (int w = 0; w < WINDOW_MAX; w++) {
			const struct freq_window *window = &series[i].window[w];
			double most = most_usual(j, &series[i], w);
			uint32_t windows = series[i].usual == NULL ? 0 : series[i].usual[w].n;
			double count = ks_score_window_slide_q8(window, w, now_us) / 256.0;

			most = ks_score_rate_at(windows, most, j->scorer->params.throttle_db);
			if (count <= most)
				continue;
			wait = KS_MAX(wait, ks_score_window_wait_s(window, w, now_us, most));
		}
	}
	return wait;
}

void
ks_score_count_failure(struct ks_scorer *scorer, const struct request *rq)
{
	uint64_t now_us = rq->ex->now.mono_us;
	struct freq_entry *entry = ks_score_frequency_find(scorer->frequency, rq->actor);

	if (entry == NULL) /* evicted meanwhile */
		return;
	ks_score_window_roll(&entry->fails, WINDOW_60S, now_us);
	entry->fails.count++;
	entry->fails.peak = KS_MAX(entry->fails.peak, entry->fails.count);
	if (rq->ex->status == 401 && !rq->proven && !rq->anonymous)
		entry->refused = add_sat(entry->refused, 1);
}
