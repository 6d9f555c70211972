/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients on our own stack: each keeps one TLS connection and sends one request after the other, as
 * soon as the last was answered. Every answer is checked. Thread: whoever polls their host.
 */
#ifndef LOAD_CLIENTS_H
#define LOAD_CLIENTS_H

#include "histogram.h"
#include "host.h"
#include "mix.h"
#include "pattern.h"

struct clients_params {
	struct host *host;	/**< borrowed */
	struct ks_tls_ctx *tls; /**< borrowed */
	/** Makes a context for one connection and gives it away: without tickets of others every
	 * handshake is a full one. NULL: `tls` for all, which resumes. */
	struct ks_tls_ctx *(*tls_make)(void *arg);
	void *tls_arg;
	const struct mix *mix; /**< borrowed */
	struct ks_endpoint server;
	const struct ks_addr *addrs; /**< the clients' own, taken in turn */
	uint32_t naddrs;
	uint32_t n;
	uint32_t opening;	 /**< connections being opened at a time */
	uint64_t requests;	 /**< each sends so many, then stops; 0: no end */
	uint32_t per_connection; /**< requests before it closes and opens anew; 0: no end */
	bool idle;		 /**< open and stay */
};

struct clients_stats {
	uint64_t opened, handshakes, resumed, closed, failed;
	uint64_t sent, answered, bad_answers, retried;
	uint64_t status[6]; /**< by hundreds */
	uint64_t bytes_in;
};

struct client;

struct clients {
	struct clients_params p;
	struct client *v;
	uint32_t open, opening, finished;
	uint32_t to_open; /**< closed, and not finished */
	uint16_t next_port;
	bool draining; /**< answer what is under way, send nothing new */
	struct clients_stats stats;
	struct histogram latency_us, handshake_us;
	uint32_t next_open;
};

int clients_init(struct clients *clients, const struct clients_params *params);
void clients_fini(struct clients *clients);
/** Deals with events of the host and opens what is to be opened. Call after host_poll(). */
uint32_t clients_poll(struct clients *clients);
/** True when each client has sent and got what it should. */
bool clients_done(const struct clients *clients);

#endif
