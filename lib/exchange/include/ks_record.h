/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record: what is kept of an exchange after its end, for alerts, the store and the telemetry.
 * Holds no secrets: no header values, no bodies, no query values beyond what findings show.
 */
#ifndef KS_RECORD_H
#define KS_RECORD_H

#include "ks_exchange.h"

#define KS_RECORD_CALL_BYTES 192

struct ks_record {
	uint64_t id;        /**< given by the control core, from 1 */
	uint64_t time_s;
	uint64_t mono_us;
	struct ks_addr source;
	char principal[KS_PRINCIPAL_NAME_BYTES];
	char effective[KS_PRINCIPAL_NAME_BYTES];
	char call[KS_RECORD_CALL_BYTES];              /**< ks_kube_call_text() */
	char call_key[KS_KUBE_CALL_KEY_BYTES];        /**< ks_kube_call_key() */
	char user_agent[KS_FINDING_TEXT_BYTES];
	uint8_t verdict, advice, mode, end;
	bool proven;
	uint8_t nfindings;
	uint16_t status;
	int16_t score_db;
	uint64_t request_bytes, response_bytes, duration_us;
	struct ks_finding findings[KS_EXCHANGE_FINDINGS_MAX];
};

void ks_record_from_exchange(struct ks_record *record, const struct ks_exchange *ex);
/** True when an operator should see it: anything but ALLOW as verdict or advice. */
bool ks_record_is_alert(const struct ks_record *record);

#endif
