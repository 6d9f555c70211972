/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control core's books, kept from records, and the hand-over of alerts to the store.
 * Thread: the control core, under its lock.
 */
#include <stdio.h>

#include "gateway_int.h"

#include "ks_log.h"

KS_LOG_DECLARE(pipeline);

#define ALERTS_KEPT 4096u
#define EXCHANGES_KEPT 256u
#define SAMPLE_US 1000000u
/** In one transaction of the store. */
#define ALERTS_AT_ONCE 64u
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

	while (control_alerts_store(gw) > 0)
		;
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

static ks_cold void
store_failed(struct ks_control *c, int rc)
{
	uint64_t held;

	if (ks_log_limit(&c->store_log, c->now.mono_us, &held))
		KS_LOG(pipeline, ERR, "store_failed errno=%d held=%" PRIu64, -rc, held);
}

uint32_t
control_alerts_store(struct ks_gateway *gw)
{
	struct ks_control *c = &gw->control;
	const struct record_ring *ring = &c->alerts;
	uint64_t first, n;
	int rc;

	if (gw->p.store == NULL || c->stored_id >= ring->last_id)
		return 0;
	first = c->stored_id + 1;
	n = KS_MIN(ring->last_id - c->stored_id, ALERTS_AT_ONCE);
	n = KS_MIN(n, ring->size - first % ring->size);
	rc = ks_store_add(gw->p.store, record_ring_at(ring, first), (uint32_t)n);
	if (rc != 0) {
		store_failed(c, rc);
		return 0;
	}
	c->stored_id += n;
	return (uint32_t)n;
}

/** The oldest alert gives way only after it has been stored, even if everybody must wait for the
 * disk: alerts are not lost to load, only to a store that fails. */
static void
alert_make_room(struct ks_gateway *gw, struct ks_control *c)
{
	if (gw->p.store == NULL || c->alerts.last_id - c->stored_id < c->alerts.size)
		return;
	if (control_alerts_store(gw) > 0)
		return;
	c->stored_id++;
	c->alerts_lost++;
}

static void
alert_add(struct ks_control *c, const struct ks_exchange *ex)
{
	struct ks_record *r;
	uint64_t id, held;

	alert_make_room(c->gw, c);
	r = record_ring_add(&c->alerts);
	id = r->id;
	ks_record_from_exchange(r, ex);
	r->id = id;
	c->alert_count++;
	if (ks_log_limit(&c->alert_log, c->now.mono_us, &held))
		KS_LOG(pipeline, NOTICE,
		       "alert id=%" PRIu64
		       " verdict=%s principal=%s call=\"%s\" score_db=%d held=%" PRIu64,
		       id, ks_verdict_name(ex->verdict), r->principal, r->call, ex->score_db, held);
}

static void
sample_add(struct ks_control *c, const struct ks_exchange *ex)
{
	struct ks_record *r = record_ring_add(&c->exchanges);
	uint64_t id = r->id;

	ks_record_from_exchange(r, ex);
	r->id = id;
}

/** Anybody can write a token in anyone's name: what nobody has vouched for has a row of its own. */
static void
principal_add(struct book *book, const struct ks_exchange *ex)
{
	const struct ks_principal *p = &ex->principal;
	char name[KS_PRINCIPAL_NAME_BYTES];

	if (p->proven || p->kind == KS_PRINCIPAL_ANONYMOUS) {
		book_add(book, p->name, ex);
		return;
	}
	snprintf(name, sizeof(name), "(claimed) %.*s", (int)(sizeof(name) - sizeof("(claimed) ")),
		 p->name);
	book_add(book, name, ex);
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
	principal_add(&c->principals, ex);
	if (is_alert(ex))
		alert_add(c, ex);
	/* Everything while it is calm, every sixteenth when it is not. */
	if (c->samples++ < SAMPLES_CALM || c->ended % 16 == 0)
		sample_add(c, ex);
	if (gw->record_fn != NULL)
		gw->record_fn(gw->record_arg, ex);
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
	uint32_t done = control_alerts_store(gw);

	if (c->now.mono_us >= c->sample_next_us) {
		c->sample_next_us = c->now.mono_us + SAMPLE_US;
		c->samples = 0;
		samples_ask(gw);
		if (gw->p.store != NULL)
			(void)ks_store_expire(gw->p.store, c->now.wall_s);
	}
	return done;
}
