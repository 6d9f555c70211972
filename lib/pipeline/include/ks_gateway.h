/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway: stages joined by links, placed on workers, and the control core that looks after them.
 *
 * Everything is built from one struct of parameters. Workers run either on lcores
 * (ks_gateway_start) or turn by turn in the caller's thread and time (ks_gateway_turn), which is what the
 * simulation does with the same code.
 * Thread: create, start, stop, destroy and the control turn on the control core.
 */
#ifndef KS_GATEWAY_H
#define KS_GATEWAY_H

#include "ks_control.h"
#include "ks_iface.h"
#include "ks_match.h"
#include "ks_proxy.h"
#include "ks_score.h"
#include "ks_store.h"

struct ks_gateway;

enum ks_stage_kind {
	KS_STAGE_RX,        /**< exactly one */
	KS_STAGE_TERMINATE,
	KS_STAGE_MATCH,
	KS_STAGE_SCORE,
	KS_STAGE_FEED,      /**< instead of RX and TERMINATE: see struct ks_gateway_feeder */
	KS_STAGE_KINDS,
};

#define KS_GATEWAY_WORKERS_MAX 32
#define KS_GATEWAY_WORKER_STAGES_MAX 8
#define KS_GATEWAY_PORTS_MAX 8
#define KS_GATEWAY_STAGES_MAX 16 /**< instances of one kind */

/** One lcore and what it polls, in this order. */
struct ks_gateway_worker {
	uint32_t lcore;
	uint8_t stages[KS_GATEWAY_WORKER_STAGES_MAX]; /**< enum ks_stage_kind */
	uint8_t nstages;
	uint32_t idle_sleep_us; /**< longest sleep while nothing comes; 0: spin */
};

/** What a TERMINATE instance gets; memory is per instance. */
struct ks_gateway_terminate {
	struct ks_tcp_params tcp;     /**< chunks, wheel, key and emit are filled in by the gateway */
	struct ks_proxy_params proxy; /**< owner and all borrowed rooms likewise */
	uint32_t chunks;              /**< of KS_CHUNK_BYTES */
	size_t arena_bytes;           /**< heads, field lists and bodies */
};

struct ks_feed;

/**
 * Where requests do not come from the wire but from a recording or a test: FEED stages stand in the
 * place of TERMINATE, and all behind them is the same as ever. The feeder owns the exchanges: each that
 * it has submitted comes back once to `judged`, and once more to `freed` after ks_feed_outcome().
 * Called in the turns of the FEED stage, for several instances from several threads.
 */
struct ks_gateway_feeder {
	/** @return how much was done. */
	uint32_t (*poll)(void *arg, struct ks_feed *feed, const struct ks_now *now);
	void (*judged)(void *arg, struct ks_feed *feed, struct ks_exchange *ex);
	void (*freed)(void *arg, struct ks_feed *feed, struct ks_exchange *ex);
	void *arg;
};
/** The instance, from 0: what ks_exchange.owner must be. */
uint32_t ks_feed_index(const struct ks_feed *feed);
/** To MATCH. @return 0, or -EAGAIN when the link is full: try again in a later turn. */
int ks_feed_submit(struct ks_feed *feed, struct ks_exchange *ex);
/** A judged exchange that has ended, to SCORE and RECORD. @return likewise. */
int ks_feed_outcome(struct ks_feed *feed, struct ks_exchange *ex);

struct ks_gateway_params {
	struct ks_gateway_worker workers[KS_GATEWAY_WORKERS_MAX];
	uint32_t nworkers;
	struct ks_iface *ifaces[KS_GATEWAY_PORTS_MAX]; /**< borrowed; index is ks_tuple.iface */
	uint32_t nifaces;
	struct rte_mempool *mbufs;       /**< borrowed; for packets that we send */
	struct ks_endpoint listen;
	struct ks_gateway_terminate terminate;
	const struct ks_gateway_feeder *feeder; /**< borrowed; of FEED stages: then only
						 *   terminate.proxy.limits.exchanges counts of the above */
	uint32_t packet_ring;            /**< entries of packet links, a power of two; 0: 4096 */
	const struct ks_match_db *match; /**< borrowed */
	struct ks_score_params score;
	struct ks_profile *profile;      /**< owned from now on, on error too; NULL: an empty one */
	bool freeze;                     /**< learn nothing */
	enum ks_mode mode;
	const char *profile_path;        /**< NULL: not saved */
	uint32_t profile_save_s;         /**< 0: only at the end and on command */
	struct ks_store *store;          /**< borrowed; may be NULL */
	uint64_t start_us;               /**< where time starts; 0: the system's clock */
	uint64_t seed;                   /**< keys follow from it; 0: from the system's random source */
};

/** @return 0 or -errno; `error` gets a sentence. */
int ks_gateway_create(const struct ks_gateway_params *params, struct ks_gateway **out,
		      char error[256]);
/** Workers must have stopped. What has ended is still recorded and learned; saves the profile. */
void ks_gateway_destroy(struct ks_gateway *gw);

/** Launches every worker on its lcore. @return 0 or -errno. */
int ks_gateway_start(struct ks_gateway *gw);
/** Asks the workers to end and waits for them. */
void ks_gateway_stop(struct ks_gateway *gw);

/** One turn of one worker in the caller's thread and time. @return how much was done. */
uint32_t ks_gateway_turn(struct ks_gateway *gw, uint32_t worker, const struct ks_now *now);
/** One turn of the control core: records, learning, what is published. @return how much was done. */
uint32_t ks_gateway_control_turn(struct ks_gateway *gw, const struct ks_now *now);

struct ks_control *ks_gateway_control(struct ks_gateway *gw);
/** Earliest time at which a timer of any stage is due; for virtual clocks. */
uint64_t ks_gateway_next_us(const struct ks_gateway *gw);
/** For tests and simulation: the rooms inside TERMINATE instance `i`. */
struct ks_proxy *ks_gateway_proxy(struct ks_gateway *gw, uint32_t i);
struct ks_tcp_stack *ks_gateway_tcp(struct ks_gateway *gw, uint32_t i);
/** Failure injection: every taking from TERMINATE's chunks and arena and every putting into a link asks
 *  `fail`; true means "empty" or "full". NULL takes it away. */
void ks_gateway_fault_set(struct ks_gateway *gw, bool (*fail)(void *arg), void *arg);
/** Called for every record on the control core, in its turn (tests, the load program). */
void ks_gateway_on_record(struct ks_gateway *gw, void (*fn)(void *arg, const struct ks_exchange *ex),
			  void *arg);

#endif
