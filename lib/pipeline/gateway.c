/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a gateway from its parameters: links between every pair of stage instances that speak to
 * each other, stages, workers. Takes it down in reverse. Thread: the control core.
 */
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway_int.h"

#include "ks_log.h"

KS_LOG_DEFINE(pipeline);

static const char *const kind_name[KS_STAGE_KINDS] = {"rx", "terminate", "match", "score", "feed"};

static int
fail(char error[256], int rc, const char *what)
{
	snprintf(error, 256, "%s: %s", what, strerror(-rc));
	return rc;
}

/** @return 0, or -EINVAL for what cannot be counted. */
static int
placement_count(const struct ks_gateway_params *p, uint32_t count[KS_STAGE_KINDS])
{
	memset(count, 0, KS_STAGE_KINDS * sizeof(count[0]));
	if (p->nworkers > KS_GATEWAY_WORKERS_MAX)
		return -EINVAL;
	for (uint32_t w = 0; w < p->nworkers; w++) {
		const struct ks_gateway_worker *worker = &p->workers[w];

		if (worker->nstages > KS_GATEWAY_WORKER_STAGES_MAX)
			return -EINVAL;
		for (uint32_t i = 0; i < worker->nstages; i++) {
			if (worker->stages[i] >= KS_STAGE_KINDS)
				return -EINVAL;
			count[worker->stages[i]]++;
		}
	}
	return 0;
}

static int
placement_check(const struct ks_gateway_params *p, uint32_t count[KS_STAGE_KINDS], char error[256])
{
	bool fed = p->feeder != NULL;
	uint32_t sources;

	if (placement_count(p, count) != 0)
		return fail(error, -EINVAL, "placement: too many workers or stages");
	if (count[KS_STAGE_RX] != (fed ? 0 : 1))
		return fail(error, -EINVAL, "placement: rx must stand on exactly one worker");
	if (count[fed ? KS_STAGE_TERMINATE : KS_STAGE_FEED] != 0)
		return fail(error, -EINVAL, "placement: either terminate or feed");
	sources = count[KS_STAGE_TERMINATE] + count[KS_STAGE_FEED];
	if (sources == 0 || count[KS_STAGE_MATCH] == 0 || count[KS_STAGE_SCORE] == 0)
		return fail(error, -EINVAL, "placement: every stage must stand somewhere");
	if (sources > KS_GATEWAY_STAGES_MAX || count[KS_STAGE_MATCH] > KS_GATEWAY_STAGES_MAX ||
	    count[KS_STAGE_SCORE] > KS_GATEWAY_STAGES_MAX)
		return fail(error, -EINVAL, "placement: too many stages of one kind");
	return 0;
}

static int
link_add(struct ks_gateway *gw, struct link **out, const char *from, const char *to, uint32_t size)
{
	struct link *link = &gw->links[gw->nlinks];
	int rc;

	rc = link_init(link, from, to, size);
	if (rc != 0)
		return rc;
	gw->nlinks++;
	*out = link;
	return 0;
}

static const char *
instance(char name[24], enum ks_stage_kind kind, uint32_t i)
{
	snprintf(name, 24, "%s%u", kind_name[kind], i);
	return name;
}

static int
links_of_packets(struct ks_gateway *gw, uint32_t t)
{
	struct wiring *w = &gw->wiring;
	uint32_t packets = gw->p.packet_ring != 0 ? gw->p.packet_ring : 4096;
	char me[24];
	int rc;

	instance(me, KS_STAGE_TERMINATE, t);
	rc = link_add(gw, &w->packets_in[t], "rx0", me, packets);
	if (rc == 0)
		rc = link_add(gw, &w->packets_out[t], me, "rx0", packets);
	return rc;
}

/** Links of exchanges are as deep as the pools behind them: they can be full only by injection. */
static int
links_of_owner(struct ks_gateway *gw, uint32_t t, uint32_t depth)
{
	struct wiring *w = &gw->wiring;
	char me[24], other[24];
	int rc = 0;

	instance(me, gw->p.feeder != NULL ? KS_STAGE_FEED : KS_STAGE_TERMINATE, t);
	if (gw->p.feeder == NULL)
		rc = links_of_packets(gw, t);
	if (rc == 0)
		rc = link_add(gw, &w->freed[t], "record0", me, depth);
	for (uint32_t m = 0; m < w->nmatch && rc == 0; m++)
		rc = link_add(gw, &w->submit[t][m], me, instance(other, KS_STAGE_MATCH, m), depth);
	for (uint32_t s = 0; s < w->nscore && rc == 0; s++) {
		instance(other, KS_STAGE_SCORE, s);
		rc = link_add(gw, &w->outcome[t][s], me, other, depth);
		if (rc == 0)
			rc = link_add(gw, &w->verdict[s][t], other, me, depth);
	}
	return rc;
}

static int
links_create(struct ks_gateway *gw)
{
	struct wiring *w = &gw->wiring;
	uint32_t own = rte_align32pow2(gw->p.terminate.proxy.limits.exchanges + 1);
	uint32_t all = rte_align32pow2(own * w->nterminate);
	char from[24], to[24];
	/* To and from each owner: packets, freed, submit, outcome and verdict; matched; record. */
	uint32_t max =
		w->nterminate * (3 + w->nmatch + 2 * w->nscore) + w->nmatch * w->nscore + w->nscore;
	int rc = 0;

	gw->links = aligned_alloc(RTE_CACHE_LINE_SIZE, max * sizeof(*gw->links));
	if (gw->links == NULL)
		return -ENOMEM;
	for (uint32_t t = 0; t < w->nterminate && rc == 0; t++)
		rc = links_of_owner(gw, t, own);
	for (uint32_t m = 0; m < w->nmatch; m++)
		for (uint32_t s = 0; s < w->nscore && rc == 0; s++)
			rc = link_add(gw, &w->matched[m][s], instance(from, KS_STAGE_MATCH, m),
				      instance(to, KS_STAGE_SCORE, s), all);
	for (uint32_t s = 0; s < w->nscore && rc == 0; s++)
		rc = link_add(gw, &w->record[s], instance(from, KS_STAGE_SCORE, s), "record0", all);
	return rc;
}

static struct stage *
stage_create(struct ks_gateway *gw, enum ks_stage_kind kind, uint32_t i, uint64_t now_us)
{
	switch (kind) {
	case KS_STAGE_RX:
		return stage_rx_create(&gw->p, &gw->wiring);
	case KS_STAGE_TERMINATE:
		return stage_terminate_create(&gw->p, &gw->wiring, i, now_us);
	case KS_STAGE_FEED:
		return stage_feed_create(gw->p.feeder, &gw->wiring, i);
	case KS_STAGE_MATCH:
		return stage_match_create(gw->p.match, &gw->wiring, i);
	default:
		return stage_score_create(&gw->p.score, gw->p.profile, &gw->control.mode,
					  &gw->wiring, i);
	}
}

static int
workers_create(struct ks_gateway *gw, uint64_t now_us)
{
	for (uint32_t w = 0; w < gw->p.nworkers; w++) {
		const struct ks_gateway_worker *from = &gw->p.workers[w];
		struct worker *worker = &gw->workers[w];

		worker->lcore = from->lcore;
		worker->idle_sleep_us = from->idle_sleep_us;
		for (uint32_t i = 0; i < from->nstages; i++) {
			enum ks_stage_kind kind = from->stages[i];
			uint32_t index = gw->nstages[kind];
			struct stage *stage = stage_create(gw, kind, index, now_us);

			if (stage == NULL)
				return errno != 0 ? -errno : -ENOMEM;
			instance(stage->name, kind, index);
			stage->lcore = from->lcore;
			if (kind == KS_STAGE_SCORE)
				stage_score_freeze(stage, gw->p.freeze);
			gw->stages[kind][gw->nstages[kind]++] = stage;
			worker->stages[worker->nstages++] = stage;
		}
		gw->nworkers++;
	}
	return 0;
}

static void
keys_create(struct ks_gateway_params *p)
{
	struct ks_hash_key *key = &p->terminate.tcp.key;

	if (p->seed == 0) {
		ks_hash_key_random(key);
	} else {
		uint64_t words[2] = {ks_hash64(p->seed, "tcp", 3), ks_hash64(p->seed, "key", 3)};

		memcpy(key->bytes, words, sizeof(key->bytes));
	}
}

static int
record_create(struct ks_gateway *gw)
{
	gw->record = stage_record_create(&gw->wiring, control_record, gw);
	if (gw->record == NULL)
		return -ENOMEM;
	snprintf(gw->record->name, sizeof(gw->record->name), "record0");
	gw->record->lcore = rte_get_main_lcore();
	gw->record_worker.stages[0] = gw->record;
	gw->record_worker.nstages = 1;
	return 0;
}

int
ks_gateway_create(const struct ks_gateway_params *params, struct ks_gateway **out, char error[256])
{
	uint32_t count[KS_STAGE_KINDS];
	struct ks_gateway *gw;
	struct ks_now now;
	int rc = placement_check(params, count, error);

	if (rc != 0) {
		ks_profile_destroy(params->profile);
		return rc;
	}
	gw = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*gw), RTE_CACHE_LINE_SIZE));
	if (gw == NULL) {
		ks_profile_destroy(params->profile);
		return fail(error, -ENOMEM, "gateway");
	}
	memset(gw, 0, sizeof(*gw));
	gw->p = *params;
	keys_create(&gw->p);
	ks_now_read(&now);
	gw->wiring.nterminate = count[KS_STAGE_TERMINATE] + count[KS_STAGE_FEED];
	gw->wiring.nmatch = count[KS_STAGE_MATCH];
	gw->wiring.nscore = count[KS_STAGE_SCORE];
	if (gw->p.profile == NULL)
		gw->p.profile = ks_profile_create(gw->p.score.seed);
	rc = gw->p.profile == NULL ? -ENOMEM : control_init(gw);
	if (rc == 0)
		rc = links_create(gw);
	if (rc == 0)
		rc = record_create(gw);
	if (rc == 0)
		rc = workers_create(gw, params->start_us != 0 ? params->start_us : now.mono_us);
	learning_init(gw);
	if (rc != 0) {
		fail(error, rc, "gateway: not enough memory for its stages");
		ks_gateway_destroy(gw);
		return rc;
	}
	*out = gw;
	return 0;
}

/** What has ended is on its way to the books, alerts among it: it shall arrive. */
static void
drain(struct ks_gateway *gw)
{
	static const enum ks_stage_kind kinds[] = {KS_STAGE_MATCH, KS_STAGE_SCORE};
	const struct ks_now now = gw->control.now;
	uint32_t done;

	if (gw->nworkers < gw->p.nworkers)
		return;
	do {
		done = 0;
		for (uint32_t k = 0; k < KS_ARRAY_SIZE(kinds); k++)
			for (uint32_t i = 0; i < gw->nstages[kinds[k]]; i++)
				done += gw->stages[kinds[k]][i]->poll(gw->stages[kinds[k]][i],
								      &now);
		done += worker_turn(&gw->record_worker, &now);
	} while (done > 0);
}

void
ks_gateway_destroy(struct ks_gateway *gw)
{
	if (gw == NULL)
		return;
	drain(gw);
	learning_fini(gw);
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_MATCH]; i++)
		stage_match_destroy(gw->stages[KS_STAGE_MATCH][i]);
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_TERMINATE]; i++)
		stage_terminate_destroy(gw->stages[KS_STAGE_TERMINATE][i]);
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_RX]; i++)
		stage_rx_destroy(gw->stages[KS_STAGE_RX][i]);
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_FEED]; i++)
		stage_feed_destroy(gw->stages[KS_STAGE_FEED][i]);
	stage_record_destroy(gw->record);
	for (uint32_t t = 0; t < gw->wiring.nterminate; t++) {
		struct link *links[] = {gw->wiring.packets_in[t], gw->wiring.packets_out[t]};
		struct rte_mbuf *m;

		for (uint32_t i = 0; i < KS_ARRAY_SIZE(links); i++)
			while (links[i] != NULL && link_get(links[i], (void **)&m, 1) == 1)
				rte_pktmbuf_free(m);
	}
	for (uint32_t i = 0; i < gw->nlinks; i++)
		link_fini(&gw->links[i]);
	free(gw->links);
	control_fini(gw);
	free(gw);
}

int
ks_gateway_start(struct ks_gateway *gw)
{
	for (uint32_t i = 0; i < gw->nworkers; i++) {
		struct worker *w = &gw->workers[i];
		int rc;

		w->stop = false;
		rc = rte_eal_remote_launch(worker_main, w, w->lcore);
		if (rc != 0) {
			KS_LOG(pipeline, ERR, "worker_launch_failed lcore=%u errno=%d", w->lcore,
			       -rc);
			gw->started = i;
			ks_gateway_stop(gw);
			return rc;
		}
		gw->started = i + 1;
	}
	return 0;
}

void
ks_gateway_stop(struct ks_gateway *gw)
{
	for (uint32_t i = 0; i < gw->started; i++)
		__atomic_store_n(&gw->workers[i].stop, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < gw->started; i++)
		(void)rte_eal_wait_lcore(gw->workers[i].lcore);
	gw->started = 0;
}

uint32_t
ks_gateway_turn(struct ks_gateway *gw, uint32_t worker, const struct ks_now *now)
{
	return worker_turn(&gw->workers[worker], now);
}

uint32_t
ks_gateway_control_turn(struct ks_gateway *gw, const struct ks_now *now)
{
	struct ks_control *c = &gw->control;
	uint32_t done;

	pthread_mutex_lock(&c->lock);
	c->now = *now;
	if (c->start_s == 0)
		c->start_s = now->wall_s;
	done = worker_turn(&gw->record_worker, now);
	learning_turn(gw, now);
	done += control_housekeeping(gw);
	pthread_mutex_unlock(&c->lock);
	return done;
}

struct ks_control *
ks_gateway_control(struct ks_gateway *gw)
{
	return &gw->control;
}

uint64_t
ks_gateway_next_us(const struct ks_gateway *gw)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_TERMINATE]; i++) {
		uint64_t at = stage_terminate_next_us(gw->stages[KS_STAGE_TERMINATE][i]);

		next = KS_MIN(next, at);
	}
	return next;
}

struct ks_proxy *
ks_gateway_proxy(struct ks_gateway *gw, uint32_t i)
{
	return stage_terminate_proxy(gw->stages[KS_STAGE_TERMINATE][i]);
}

struct ks_tcp_stack *
ks_gateway_tcp(struct ks_gateway *gw, uint32_t i)
{
	return stage_terminate_tcp(gw->stages[KS_STAGE_TERMINATE][i]);
}

void
ks_gateway_on_record(struct ks_gateway *gw, void (*fn)(void *arg, const struct ks_exchange *ex),
		     void *arg)
{
	gw->record_fn = fn;
	gw->record_arg = arg;
}

void
ks_gateway_fault_set(struct ks_gateway *gw, bool (*fail_fn)(void *arg), void *arg)
{
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_TERMINATE]; i++)
		stage_terminate_fault_set(gw->stages[KS_STAGE_TERMINATE][i], fail_fn, arg);
	for (uint32_t i = 0; i < gw->nlinks; i++) {
		gw->links[i].full = fail_fn;
		gw->links[i].full_arg = arg;
	}
}
