/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control core's picture of the gateway: what telemetry shows and what operators command.
 *
 * Every function here may be called from any thread (telemetry has its own): views are copied out of
 * published state under the control core's lock, commands are posted to it and carried out at its next
 * turn. The data path never takes the lock.
 */
#ifndef KS_CONTROL_H
#define KS_CONTROL_H

#include "ks_port.h"
#include "ks_record.h"
#include "ks_score.h"

struct ks_control;

struct ks_control_info {
	const char *version;
	uint64_t uptime_s;
	enum ks_mode mode;
	bool frozen;                 /**< nothing is learned */
	uint32_t lcores, rules;
	uint64_t exchanges;          /**< ended so far */
	uint64_t alerts;             /**< so far */
	uint64_t alerts_lost;        /**< that the store did not take in time */
	uint32_t connections, connections_max; /**< client and upstream */
	uint64_t busy_ns;            /**< data path, all stages, since start */
	uint64_t turns, idle_turns;
	size_t body_budget_bytes, body_used_bytes;
	struct ks_profile_stats profile;
	size_t heap_allocated_bytes, heap_resident_bytes; /**< jemalloc; 0 when it is off */
};
void ks_control_info_get(struct ks_control *control, struct ks_control_info *out);

struct ks_control_stage {
	char name[24];        /**< "terminate0" */
	uint32_t lcore;
	uint64_t cycles;      /**< spent in turns that found work */
	uint64_t busy_ns;
	uint64_t turns, busy_turns, items; /**< items: packets or exchanges */
	uint64_t stalls;      /**< turns in which a full link held it back */
};
/** Fill up to `n` from index `skip`; return how many. The same for all lists below. */
uint32_t ks_control_stages(struct ks_control *control, uint32_t skip,
			   struct ks_control_stage *out, uint32_t n);

struct ks_control_link {
	char from[24], to[24];
	uint32_t size, depth, depth_max;
	uint64_t bursts, items, stalls;
};
uint32_t ks_control_links(struct ks_control *control, uint32_t skip, struct ks_control_link *out,
			  uint32_t n);

struct ks_control_port {
	char name[32];
	char mac[18];
	uint16_t mtu;
	struct ks_port_caps caps;
	struct ks_port_stats stats;
};
uint32_t ks_control_ports(struct ks_control *control, uint32_t skip, struct ks_control_port *out,
			  uint32_t n);

/** One named counter of a room: "tcp" "retrans_segs". Summed over its instances. */
struct ks_control_counter {
	const char *room;
	const char *name;
	const char *help;
	uint64_t value;
};
uint32_t ks_control_counters(struct ks_control *control, uint32_t skip,
			     struct ks_control_counter *out, uint32_t n);

struct ks_control_connection {
	char peer[64];        /**< "10.0.0.7:40112" */
	char principal[KS_PRINCIPAL_NAME_BYTES]; /**< of its last exchange */
	char state[24];       /**< handshake, idle, head, body, verdict, answer, closing */
	char tls[16];
	uint64_t age_s;
	uint64_t exchanges;
};
/** A sample published about once a second, at most 256. */
uint32_t ks_control_connections(struct ks_control *control, uint32_t skip,
				struct ks_control_connection *out, uint32_t n);

/** One row per API call or per principal since start (bounded table, least recent evicted). */
struct ks_control_row {
	char name[KS_PRINCIPAL_NAME_BYTES];
	uint64_t requests, flagged, throttled, blocked, errors; /**< errors: status 4xx and 5xx */
	uint64_t last_s;
	double rate_10s;
	int16_t score_max_db;
};
uint32_t ks_control_calls(struct ks_control *control, uint32_t skip, struct ks_control_row *out,
			  uint32_t n);
uint32_t ks_control_principals(struct ks_control *control, uint32_t skip,
			       struct ks_control_row *out, uint32_t n);

/** Records of the last exchanges (a sample when busy), oldest first, with id > `after`. */
uint32_t ks_control_exchanges(struct ks_control *control, uint64_t after, struct ks_record *out,
			      uint32_t n);
/** Alerts, oldest first, with id > `after`. The last 4 096 are in memory, older ones in the store. */
uint32_t ks_control_alerts(struct ks_control *control, uint64_t after, struct ks_record *out,
			   uint32_t n);
/** @return 0 or -ENOENT. */
int ks_control_alert(struct ks_control *control, uint64_t id, struct ks_record *out);

/** @param who the name that the client states; logged. @return 0. */
int ks_control_mode_set(struct ks_control *control, enum ks_mode mode, const char *who);
/** Saves the profile now and waits for it (at most 5 s). @return 0 or -errno. */
int ks_control_profile_save(struct ks_control *control, const char *who);

#endif
