/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request under the model of its caller: does this principal make this call, with this program,
 * from this source? A claimed name is only read here, never charged and never taught.
 * Thread: the scorer's worker.
 */
#include <stdio.h>

#include "ks_addr.h"
#include "scorer.h"

/* Members of these groups do what their fellows do: kubelets all, people much. A service account is
 * its own group already (all its replicas), and what others may do says nothing about it. */
static bool
group_alike(uint8_t group)
{
	return group == GROUP_NODE || group == GROUP_USER;
}

/* What is left of a surprise when a part of the caller's peers does the same. */
static int
peers_db(const struct judge *j, int db, uint64_t end)
{
	const struct profile_group *group = &j->profile->group[j->rq.group];
	uint64_t peers;

	if (!group_alike(j->rq.group) || group->member.kinds == 0)
		return db;
	peers = mark_count(j->profile, mark_key(MARK_PEER, end, j->rq.group));
	return (int)(db * (1.0 - (double)KS_MIN(peers, group->member.kinds) / group->member.kinds));
}

/* Surprise at a new member of one of the caller's sets; of its group's when the caller is new. */
static int
set_db(const struct judge *j, enum model_edge_kind kind)
{
	const struct profile_group *group = &j->profile->group[j->rq.group];
	struct model_variety variety;

	if (j->who == NULL) {
		variety.kinds = group->set[kind].kinds;
		variety.once = group->set[kind].once;
		return group_alike(j->rq.group)
			       ? ks_score_novelty_db(group->set[kind].n, variety, 1)
			       : 0;
	}
	variety = j->who->variety[kind];
	if (variety.kinds >= PROFILE_SET_MAX)
		return 0;
	return ks_score_novelty_db(j->who->requests, variety, group->set[kind].patience);
}

static void
usual_words(const struct judge *j, enum model_edge_kind kind, char text[KS_FINDING_TEXT_BYTES])
{
	const struct ks_score_table *edges = &j->profile->model.edges;
	size_t n = 0;

	snprintf(text, KS_FINDING_TEXT_BYTES, "nothing yet");
	for (int i = 0; j->who != NULL && i < MODEL_TOP && j->who->top[kind][i] != 0; i++) {
		const struct model_edge *edge = table_at(edges, j->who->top[kind][i] - 1);

		n += snprintf(text + n, KS_FINDING_TEXT_BYTES - n, "%s%s", n == 0 ? "" : ", ",
			      edge->text);
	}
}

static struct ks_finding *
raise_caller(struct judge *j, enum ks_finding_code code, int db)
{
	uint64_t n = j->who != NULL ? j->who->requests : j->profile->model.requests;
	struct ks_finding *f;

	if (db < EVIDENCE_LEAST_DB)
		return NULL;
	f = ks_exchange_finding_add(j->ex, code, db, (uint32_t)KS_MIN(n, (uint64_t)UINT32_MAX));
	if (f != NULL)
		ks_finding_text_set(f->where, (struct ks_str){j->rq.name, strlen(j->rq.name)});
	return f;
}

static bool
edge_lately(const struct judge *j, uint64_t key)
{
	return learned_lately(j->scorer, offsetof(struct model, edges), key);
}

/* ---- the call ---- */

/* Nobody makes it: mostly the same surprise as "this caller does not", so it counts half. */
static void
unknown_call(struct judge *j)
{
	const struct profile_prior *prior = &j->profile->call;
	struct model_variety variety = {(uint32_t)prior->kinds, (uint32_t)prior->once};
	struct ks_finding *f;
	int db;

	if (j->call != NULL || learned_lately(j->scorer, offsetof(struct model, calls), j->rq.call))
		return;
	db = ks_score_novelty_db(prior->n, variety, 1) / 2;
	if (db < EVIDENCE_LEAST_DB)
		return;
	f = ks_exchange_finding_add(j->ex, KS_FINDING_UNKNOWN_CALL, db, (uint32_t)prior->n);
	if (f != NULL)
		ks_finding_text_set(f->where, (struct ks_str){j->rq.call_name, j->rq.call_len});
}

static ks_cold void
new_call(struct judge *j, uint64_t key)
{
	struct ks_finding *f;
	int db;

	if (edge_lately(j, key))
		return;
	unknown_call(j);
	db = peers_db(j, set_db(j, EDGE_CALL), j->rq.call + j->rq.scope);
	/* The same call, only reaching elsewhere: people change their namespace often. */
	if (group_alike(j->rq.group) &&
	    mark_count(j->profile, mark_key(MARK_PAIR, j->rq.principal, j->rq.call)) > 0)
		db /= 2;
	else
		ks_score_judge_meaning(j);
	f = raise_caller(j, KS_FINDING_CALLER_NEW_CALL, db);
	if (f == NULL)
		return;
	ks_kube_call_text(&j->ex->call, f->observed, sizeof(f->observed));
	usual_words(j, EDGE_CALL, f->expected);
}

/* ---- program and source ---- */

static ks_cold void
new_program(struct judge *j, uint64_t key)
{
	const char *program = j->rq.program_text[0] == '\0' ? "(none)" : j->rq.program_text;
	struct ks_finding *f;

	if (edge_lately(j, key))
		return;
	f = raise_caller(j, KS_FINDING_UNKNOWN_USER_AGENT,
			 peers_db(j, set_db(j, EDGE_PROGRAM), j->rq.program));
	if (f == NULL)
		return;
	ks_finding_text_set(f->observed, (struct ks_str){program, strlen(program)});
	usual_words(j, EDGE_PROGRAM, f->expected);
}

static ks_cold void
new_source(struct judge *j, uint64_t key)
{
	struct ks_finding *f;

	/* Anonymous callers have no source of their own, and new callers had none before. */
	if (j->rq.anonymous || j->who == NULL || edge_lately(j, key))
		return;
	f = raise_caller(j, KS_FINDING_SOURCE_NEW, set_db(j, EDGE_SOURCE));
	if (f == NULL)
		return;
	ks_addr_format(&j->ex->source, f->observed);
	usual_words(j, EDGE_SOURCE, f->expected);
}

static ks_cold void
unknown_principal(struct judge *j)
{
	const struct profile_prior *prior = &j->profile->group[j->rq.group].member;
	struct model_variety variety = {(uint32_t)prior->kinds, (uint32_t)prior->once};

	/* Who is always refused teaches nothing and never becomes known: two thirds. */
	raise_caller(j, KS_FINDING_UNKNOWN_PRINCIPAL,
		     ks_score_novelty_db(prior->n, variety, 1) * 2 / 3);
}

void
ks_score_judge_caller(struct judge *j)
{
	const struct ks_score_table *edges = &j->profile->model.edges;
	const struct request *rq = &j->rq;
	uint64_t call = edge_key(rq->principal, EDGE_CALL, rq->call, rq->scope);
	uint64_t program = edge_key(rq->principal, EDGE_PROGRAM, rq->program, 0);
	uint64_t source = edge_key(rq->principal, EDGE_SOURCE, rq->source, 0);

	if (ks_unlikely(j->who == NULL)) {
		if (learned_lately(j->scorer, offsetof(struct model, principals), rq->principal))
			return;
		unknown_principal(j);
	}
	j->caller = table_find(edges, call);
	if (ks_unlikely(j->caller == NULL))
		new_call(j, call);
	if (ks_unlikely(table_find(edges, program) == NULL))
		new_program(j, program);
	if (ks_unlikely(table_find(edges, source) == NULL))
		new_source(j, source);
}
