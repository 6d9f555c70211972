/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scorer: its life, the order in which a request is judged, what the evidence advises, and when
 * an outcome teaches.
 * Thread: its worker; only the profile and the deltas are exchanged with the control core.
 */
#include <errno.h>
#include <stdlib.h>

#include "ks_counter.h"
#include "scorer.h"

/* One observation in ten thousand; alone a surprise of that size is rare even in settled profiles.
 */
#define DEFAULT_FLAG_DB 40
#define DEFAULT_BLOCK_DB 90
#define DEFAULT_THROTTLE_DB 60
/* Windows per principal: itself, its sources, its calls; most principals have few of each. */
#define WINDOWS_PER_PRINCIPAL 4u

/* ---- life ---- */

static void
params_default(struct ks_score_params *p)
{
	p->flag_db = p->flag_db == 0 ? DEFAULT_FLAG_DB : p->flag_db;
	p->block_db = p->block_db == 0 ? DEFAULT_BLOCK_DB : p->block_db;
	p->throttle_db = p->throttle_db == 0 ? DEFAULT_THROTTLE_DB : p->throttle_db;
	p->max_principals = p->max_principals == 0 ? PROFILE_PRINCIPALS : p->max_principals;
	p->max_calls = p->max_calls == 0 ? PROFILE_CALLS : p->max_calls;
	p->max_fields_per_call =
		p->max_fields_per_call == 0 ? PROFILE_FIELDS_PER_CALL : p->max_fields_per_call;
}

struct ks_scorer *
ks_scorer_create(const struct ks_score_params *params, const struct ks_profile *profile)
{
	struct ks_scorer *scorer = calloc(1, sizeof(*scorer));
	struct profile_limits limits;

	if (scorer == NULL)
		return NULL;
	scorer->params = *params;
	params_default(&scorer->params);
	limits = (struct profile_limits){
		.principals = scorer->params.max_principals,
		.calls = scorer->params.max_calls,
		.fields_per_call = scorer->params.max_fields_per_call,
	};
	scorer->profile = profile;
	scorer->frequency = ks_score_frequency_create(limits.principals * WINDOWS_PER_PRINCIPAL);
	for (int i = 0; i < 2; i++)
		scorer->delta[i] = ks_score_delta_create(scorer->params.seed, &limits);
	scorer->active = scorer->delta[0];
	if (scorer->frequency == NULL || scorer->delta[0] == NULL || scorer->delta[1] == NULL) {
		ks_scorer_destroy(scorer);
		errno = ENOMEM;
		return NULL;
	}
	return scorer;
}

void
ks_scorer_destroy(struct ks_scorer *scorer)
{
	if (scorer == NULL)
		return;
	ks_score_frequency_destroy(scorer->frequency);
	for (int i = 0; i < 2; i++)
		if (scorer->delta[i] != NULL)
			ks_score_delta_leave(scorer->delta[i]);
	free(scorer);
}

void
ks_scorer_profile_set(struct ks_scorer *scorer, const struct ks_profile *profile)
{
	scorer->profile = profile;
	scorer->pending = NULL;
}

struct ks_delta *
ks_scorer_delta_take(struct ks_scorer *scorer)
{
	struct ks_delta *taken = scorer->active;
	struct ks_delta *other = taken == scorer->delta[0] ? scorer->delta[1] : scorer->delta[0];

	if (taken->model.requests == 0 || !ks_score_delta_home(other))
		return NULL;
	ks_score_delta_send(taken);
	scorer->pending = taken;
	scorer->active = other;
	return taken;
}

void
ks_scorer_stats_get(const struct ks_scorer *scorer, struct ks_scorer_stats *out)
{
	*out = (struct ks_scorer_stats){
		.judged = ks_count_read(&scorer->judged),
		.learned = ks_count_read(&scorer->learned),
		.lost = ks_count_read(&scorer->lost),
		.windows = ks_score_frequency_used(scorer->frequency),
		.windows_max = scorer->params.max_principals * WINDOWS_PER_PRINCIPAL,
	};
}

/* ---- the judgement ---- */

/* Leases and node status keep nodes alive: to hold them back is to take nodes down. */
static bool
throttle_exempt(const struct ks_kube_call *call)
{
	if (ks_str_is(call->group, "coordination.k8s.io") && ks_str_is(call->resource, "leases"))
		return true;
	return call->group.n == 0 && ks_str_is(call->resource, "nodes") &&
	       ks_str_is(call->subresource, "status");
}

struct sums {
	int certain; /**< causes of which a certain finding is the largest */
	int frequency;
};

static struct sums
findings_sum(const struct ks_exchange *ex)
{
	int certain[KS_CAUSE_MAX] = {0};
	struct sums sums = {0};

	for (uint8_t i = 0; i < ex->nfindings; i++) {
		const struct ks_finding *f = &ex->findings[i];
		uint8_t cause = ks_finding_desc[f->code].cause;

		if (f->certain)
			certain[cause] = KS_MAX(certain[cause], f->db);
		if (cause == KS_CAUSE_FREQUENCY)
			sums.frequency = KS_MAX(sums.frequency, f->db);
	}
	for (int c = 0; c < KS_CAUSE_MAX; c++)
		sums.certain += certain[c];
	return sums;
}

static enum ks_verdict
advise(const struct judge *j, const struct sums *sums)
{
	const struct ks_score_params *p = &j->scorer->params;
	int score = j->ex->score_db;

	/* What is certain must be half of it: novelty does not block by way of a small defect. */
	if (score >= p->block_db && (p->novelty_blocks || sums->certain * 2 >= p->block_db))
		return KS_VERDICT_BLOCK;
	if (sums->frequency >= p->throttle_db && !throttle_exempt(&j->ex->call))
		return KS_VERDICT_THROTTLE;
	return score >= p->flag_db ? KS_VERDICT_FLAG : KS_VERDICT_ALLOW;
}

static void
decide(struct judge *j, enum ks_mode mode)
{
	struct ks_exchange *ex = j->ex;
	struct sums sums = findings_sum(ex);

	ex->mode = mode;
	ex->score_db = ks_exchange_score_db(ex);
	ex->advice = ex->nfindings == 0 ? KS_VERDICT_ALLOW : advise(j, &sums);
	ex->verdict = ex->advice;
	if (mode != KS_MODE_ENFORCE)
		ex->verdict = KS_MIN(ex->advice, KS_VERDICT_FLAG);
	ex->retry_after_s = ex->advice == KS_VERDICT_THROTTLE ? ks_score_retry_after_s(j) : 0;
}

void
ks_scorer_judge(struct ks_scorer *scorer, struct ks_exchange *ex, enum ks_mode mode)
{
	const struct model *model = &scorer->profile->model;
	bool learning = mode == KS_MODE_LEARN;
	struct judge j;

	j.scorer = scorer;
	j.profile = scorer->profile;
	j.ex = ex;
	j.caller = NULL;
	j.clock = freq_clock_at(ex->now.mono_us);
	ks_score_request_read(&j.rq, ex, scorer->params.seed);
	j.call = table_find(&model->calls, j.rq.call);
	j.who = table_find(&model->principals, j.rq.principal);
	if (!learning) {
		ks_score_judge_caller(&j);
		ks_score_judge_call(&j);
	}
	ks_score_judge_frequency(&j, !learning);
	decide(&j, mode);
	ks_count(&scorer->judged);
}

void
ks_scorer_outcome(struct ks_scorer *scorer, const struct ks_exchange *ex, bool learn)
{
	struct request rq;

	ks_score_request_read(&rq, ex, scorer->params.seed);
	if (ex->status == 401 || ex->status == 403 || ex->status == 404)
		ks_score_count_failure(scorer, &rq);
	if (!learn || !ks_exchange_teaches(ex))
		return;
	if (ex->mode != KS_MODE_LEARN && ex->advice != KS_VERDICT_ALLOW)
		return;
	ks_score_learn(scorer, &rq);
}
