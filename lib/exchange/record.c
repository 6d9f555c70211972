/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an exchange to what is kept of it. Pure; thread: whoever holds both.
 */
#include "ks_record.h"

#include <stdio.h>

static void
text_copy(char *dst, size_t cap, const char *src)
{
	snprintf(dst, cap, "%s", src);
}

void
ks_record_from_exchange(struct ks_record *record, const struct ks_exchange *ex)
{
	const struct ks_principal *p = &ex->principal;

	record->id = 0;
	record->time_s = ex->now.wall_s;
	record->mono_us = ex->now.mono_us;
	record->source = ex->source;
	text_copy(record->principal, sizeof(record->principal), p->name);
	text_copy(record->effective, sizeof(record->effective), p->effective);
	ks_kube_call_text(&ex->call, record->call, sizeof(record->call));
	ks_kube_call_key(&ex->call, record->call_key);
	ks_finding_text_set(record->user_agent, ks_http_find(&ex->head, KS_HTTP_USER_AGENT));
	record->verdict = ex->verdict;
	record->advice = ex->advice;
	record->mode = ex->mode;
	record->end = ex->end;
	record->proven = p->proven;
	record->nfindings = ex->nfindings;
	record->status = ex->status;
	record->score_db = ex->score_db;
	record->request_bytes = ex->head.bytes + ex->body_bytes;
	record->response_bytes = ex->response_bytes;
	record->duration_us = ex->duration_us;
	memcpy(record->findings, ex->findings, ex->nfindings * sizeof(ex->findings[0]));
}

bool
ks_record_is_alert(const struct ks_record *record)
{
	return record->verdict != KS_VERDICT_ALLOW || record->advice != KS_VERDICT_ALLOW;
}
