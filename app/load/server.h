/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API server to put load on: answers every call at once with a body whose size and bytes follow
 * from the last path segment. Knows no objects: tests with real clients use tests/apiserver.
 *
 *   …/b2048-7     2 048 bytes of pattern 7, with Content-Length
 *   …/c2048-7     the same in chunks
 *   …?watch=true  the head, then one event for each of 1 to 9 in the name, and the end
 *   anything else a fixed object of 2 KiB
 * A request body must be the pattern of its own length and of the number in `X-Pattern`, if that is
 * there. Thread: whoever polls its host.
 */
#ifndef LOAD_SERVER_H
#define LOAD_SERVER_H

#include "host.h"
#include "pattern.h"

struct server {
	struct host *host;	/**< borrowed */
	struct ks_tls_ctx *tls; /**< borrowed */
	struct ks_pool *conns;
	struct server_conn *all;
	uint64_t accepted, requests, bad_requests, bad_bodies, identity_fields;
	uint64_t front_proxy_requests; /**< that came with X-Remote-User */
};

int server_init(struct server *server, struct host *host, struct ks_tls_ctx *tls,
		const struct ks_endpoint *listen, uint32_t conns);
void server_fini(struct server *server);
/** Deals with events of its host. Call after host_poll(). @return how much was done. */
uint32_t server_poll(struct server *server);

#endif
