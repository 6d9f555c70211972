/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control core's books, kept from records, and the hand-over of alerts to the store.
 * Thread: the control core, under its lock.
 */
#include "gateway_int.h"

#include "ks_log.h"

KS_LOG_DECLARE(pipeline);

#define ALERTS_KEPT 4096u
#define EXCHANGES_KEPT 256u
#define SAMPLE_US 1000000u
/** Exchanges kept of one second before only every sixteenth is. */
#define SAMPLES_CALM 64u

int
control_init(struct ks_gateway *gw)
{
	struct ks_control *c = &gw->control;
	uint64_t last_id = gw->p.store != NULL ? ks_store_last_id(gw->p.store) : 0;
	int rc;

	c->gw = gw;
	c->mode = gw->p.mode;
	c->stored_id = last_id;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->saved, NULL);
	rc = book_init(&c->calls, "calls");
	if (rc == 0)
		rc = book_init(&c->principals, "principals");
	if (rc == 0)
		rc = record_ring_init(&c->alerts, ALERTS_KEPT, last_id + 1);
	if (rc == 0)
		rc = record_ring_init(&c->exchanges, EXCHANGES_KEPT, 1);
	return rc;
}

void
control_fini(struct ks_gateway *gw)
{
	struct ks_control *c = &gw->control;

	(void)control_housekeeping(gw);
	book_fini(&c->calls);
	book_fini(&c->principals);
	record_ring_fini(&c->alerts);
	record_ring_fini(&c->exchanges);
	pthread_cond_destroy(&c->saved);
	pthread_mutex_destroy(&c->lock);
}

static bool
is_alert(const struct ks_exchange *ex)
{
	return ex->verdict != KS_VERDICT_ALLOW || ex->advice != KS_VERDICT_ALLOW;
}

static void
alert_add(struct ks_control *c, const struct ks_exchange *ex)
{
	struct ks_record *r = record_ring_add(&c->alerts);
	uint64_t id = r->id;

	ks_record_from_exchange(r, ex);
	r->id = id;
	c->alert_count++;
	KS_LOG(pipeline, NOTICE,
	       "alert id=%" PRIu64 " verdict=%s principal=%s call=\"%s\" score_db=%d", id,
	       ks_verdict_name(ex->verdict), r->principal, r->call, ex->score_db);
}

static void
sample_add(struct ks_control *c, const struct ks_exchange *ex)
{
	struct ks_record *r = record_ring_add(&c->exchanges);
	uint64_t id = r->id;

	ks_record_from_exchange(r, ex);
	r->id = id;
}

void
control_record(void *arg, const struct ks_exchange *ex)
{
	struct ks_gateway *gw = arg;
	struct ks_control *c = &gw->control;
	char key[KS_KUBE_CALL_KEY_BYTES];

	c->ended++;
	ks_kube_call_key(&ex->call, key);
	book_add(&c->calls, key, ex);
	book_add(&c->principals, ex->principal.name, ex);
	if (is_alert(ex))
		alert_add(c, ex);
	/* Everything while it is calm, every sixteenth when it is not. */
	if (c->samples++ < SAMPLES_CALM || c->ended % 16 == 0)
		sample_add(c, ex);
	if (gw->record_fn != NULL)
		gw->record_fn(gw->record_arg, ex);
}

static uint32_t
alerts_store(struct ks_gateway *gw)
{
	struct ks_control *c = &gw->control;
	uint32_t done = 0;

	while (gw->p.store != NULL && c->stored_id < c->alerts.last_id && done < 64) {
		const struct ks_record *r;
		int rc;

		/* A store that is behind by more than the ring loses what the ring has lost. */
		c->stored_id = KS_MAX(c->stored_id, c->alerts.first_id - 1);
		r = record_ring_at(&c->alerts, c->stored_id + 1);
		rc = ks_store_add(gw->p.store, r, 1);
		if (rc != 0)
			break;
		c->stored_id++;
		done++;
	}
	return done;
}

static void
samples_ask(struct ks_gateway *gw)
{
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_TERMINATE]; i++) {
		struct session_sample *s =
			stage_terminate_sample(gw->stages[KS_STAGE_TERMINATE][i]);

		__atomic_store_n(&s->wanted, true, __ATOMIC_RELEASE);
	}
}

uint32_t
control_housekeeping(struct ks_gateway *gw)
{
	struct ks_control *c = &gw->control;
	uint32_t done = alerts_store(gw);

	if (c->now.mono_us >= c->sample_next_us) {
		c->sample_next_us = c->now.mono_us + SAMPLE_US;
		c->samples = 0;
		samples_ask(gw);
		if (gw->p.store != NULL)
			(void)ks_store_expire(gw->p.store, c->now.wall_s);
	}
	return done;
}
