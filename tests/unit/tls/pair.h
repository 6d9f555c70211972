/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server and a client session joined by two chains, with certificates for both; the bench of the
 * tests of this room.
 * Thread: one.
 */
#ifndef TLS_PAIR_H
#define TLS_PAIR_H

#include "ks_tls.h"
#include "test_certs.h"

/* One CA, one server certificate of each kind, one client certificate. */
struct tls_certs {
	struct test_cert *ca;
	struct test_cert *server; /* P-256, DNS:api.test,IP:10.0.0.1 */
	struct test_cert *server_rsa;
	struct test_cert *client; /* CN system:node:n1, O system:nodes */
};

void tls_certs_make(struct tls_certs *certs);
void tls_certs_free(struct tls_certs *certs);

struct ks_tls_identity tls_identity(const struct test_cert *cert);
/** Contexts with what the tests mostly want; NULL parameters allowed where marked. */
struct ks_tls_ctx *tls_server_ctx(const struct tls_certs *certs, const struct test_cert *leaf);
struct ks_tls_ctx *tls_client_ctx(const struct tls_certs *certs,
				  const struct test_cert *leaf /* may be NULL */);
/** No newer version than TLS 1.2. */
void tls_ctx_limit_12(struct ks_tls_ctx *ctx);

struct tls_pair {
	struct ks_pool *pool;
	struct ks_tls *server;
	struct ks_tls *client;
	struct ks_chain to_server; /* ciphertext not yet handed over */
	struct ks_chain to_client;
	struct ks_chain server_in; /* handed over, not yet taken */
	struct ks_chain client_in;
	struct ks_chain server_got; /* plaintext that came out */
	struct ks_chain client_got;
	uint32_t slice; /* bytes handed over in one step, 0: all */
	uint32_t plain_max;
	uint64_t scarce; /* calls that found no chunk */
};

void tls_pair_init(struct tls_pair *pair, struct ks_tls_ctx *server, struct ks_tls_ctx *client);
void tls_pair_fini(struct tls_pair *pair);
/** Hands bytes over and back until nothing moves any more. */
void tls_pair_pump(struct tls_pair *pair);
/** One call of the server's (client's) input with what has arrived. @return as ks_tls_input(). */
int tls_pair_server_turn(struct tls_pair *pair);
int tls_pair_client_turn(struct tls_pair *pair);
/** Both sides open. */
bool tls_pair_open(const struct tls_pair *pair);
/** Sends `n` bytes of a pattern that starts with `seed`. @return as ks_tls_output(). */
int tls_pair_send(struct tls_pair *pair, struct ks_tls *from, uint32_t n, uint8_t seed);
/** Takes all of `got` and compares it with the pattern. */
bool tls_pair_got(struct ks_chain *got, uint32_t n, uint8_t seed);

#endif
