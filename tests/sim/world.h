/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One simulated world: clients, a lossy wire, the whole gateway, another wire, the API server; one
 * thread, a virtual clock, and everything that chance decides from one seed.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "clients.h"
#include "ks_gateway.h"
#include "server.h"
#include "test_certs.h"
#include "wire.h"

/** What all worlds share: made once. */
struct cosmos {
	struct rte_mempool *mbufs;
	struct ks_match_db *match;
	struct test_cert *ca, *gateway, *api, *front, *user;
};
int cosmos_init(struct cosmos *cosmos);
void cosmos_fini(struct cosmos *cosmos);

/** Contexts keep sessions and ticket keys, so each world has its own. */
struct world_tls {
	struct ks_tls_ctx *server, *api, *plain, *front, *user;
};
int world_tls_init(const struct cosmos *cosmos, struct world_tls *tls);
void world_tls_fini(struct world_tls *tls);

struct world_params {
	uint64_t seed;
	bool trace; /**< every frame is printed */
};

struct world_result {
	uint64_t trace; /**< of both wires */
	uint64_t virtual_us, turns;
	uint64_t answered, retried, frames, lost;
	char failure[256]; /**< empty: all is well */
};

/** What time() says in this program. */
extern uint64_t sim_wall_s;

/** Runs one world to its end. */
void world_run(struct cosmos *cosmos, const struct world_params *params,
	       struct world_result *result);

#endif
