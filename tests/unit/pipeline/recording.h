/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording of requests, and a feeder that plays it into a gateway: requests of one caller one
 * after the other, those of different callers side by side. Thread: load and free anywhere; a
 * playback belongs to its FEED stage while the gateway runs.
 */
#ifndef TEST_RECORDING_H
#define TEST_RECORDING_H

#include "ks_gateway.h"

struct recorded {
	char *head; /**< as it came over the wire */
	uint32_t head_bytes, body_bytes;
	uint8_t *body;
	uint64_t t_us, wall_s, response_bytes;
	struct ks_addr source;
	struct ks_tls_peer peer;
	uint16_t status;
	bool hostile;
	bool proven;   /**< its token was accepted in an earlier row */
	uint32_t flow; /**< rows of one flow depend on one another */
};

struct recording {
	struct recorded *v;
	uint32_t n, nflows;
};

/** @return 0 or -errno. */
int recording_load(struct recording *rec, const char *path);
void recording_free(struct recording *rec);

/** What came out of one row. */
struct judged {
	bool there;
	uint8_t verdict, advice, nfindings;
	int16_t score_db;
	uint16_t retry_after_s;
	struct ks_finding findings[KS_EXCHANGE_FINDINGS_MAX];
};

struct flow {
	uint32_t next; /**< row to be sent */
	bool busy;
};

struct playback {
	const struct recording *rec;
	struct ks_gateway_feeder feeder;
	bool hostile; /**< else only the rows that are not */
	uint32_t window;
	struct ks_pool *exchanges;
	struct ks_arena *arena;
	struct ks_identity_config identity;
	struct flow *flows;
	struct judged *results; /**< of `rec->n` */
	uint32_t under_way, parallel_max;
	uint32_t left; /**< rows that have not come home; read by others */
	uint32_t errors;
};

/** @param window exchanges under way at most. */
int playback_init(struct playback *pb, const struct recording *rec, bool hostile, uint32_t window);
void playback_fini(struct playback *pb);

#endif
