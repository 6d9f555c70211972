/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's view of our byte chains: one BIO that reads from `in` and writes to `out`, without any
 * buffer of its own. The chains are lent for the length of one call.
 * Thread: the owner of the session.
 */
#ifndef KS_TLS_BIO_H
#define KS_TLS_BIO_H

#include <openssl/bio.h>

#include "ks_chain.h"

/* Room for one alert of either version (RFC 8446: 24 bytes, RFC 5246 with GCM: 31). */
#define KS_TLS_STASH_BYTES 40u

struct ks_tls_bio {
	struct ks_chain *in;
	struct ks_chain *out;
	uint32_t in_max; /* bytes of `in` that may be taken in this call */
	bool starved;	 /* a read found nothing since ks_tls_bio_lend() */
	bool blocked;	 /* a write found no chunk since ks_tls_bio_lend() */
	/* An alert must not get lost for want of a chunk: OpenSSL does not try it again. */
	uint8_t nstash;
	uint8_t stash[KS_TLS_STASH_BYTES];
};

BIO_METHOD *ks_tls_bio_method_create(void);
/** @return a BIO over `state`, which must outlive it; NULL on lack of memory. */
BIO *ks_tls_bio_create(const BIO_METHOD *method, struct ks_tls_bio *state);

/** Lends `in` (at most `in_max` bytes of it, may be NULL when that is 0) and `out` for one call. */
static inline void
ks_tls_bio_lend(struct ks_tls_bio *state, struct ks_chain *in, uint32_t in_max,
		struct ks_chain *out)
{
	state->in = in;
	state->in_max = in_max;
	state->out = out;
	state->starved = false;
	state->blocked = false;
}

/** Sends what waits from an earlier call. @return 0 or -ENOBUFS. */
static inline int
ks_tls_bio_flush(struct ks_tls_bio *state, struct ks_chain *out)
{
	int rc;

	if (ks_likely(state->nstash == 0))
		return 0;
	rc = ks_chain_append(out, state->stash, state->nstash);
	if (rc == 0)
		state->nstash = 0;
	return rc;
}

/** Sends an alert of our own; it waits when there is no chunk. */
static inline void
ks_tls_bio_alert(struct ks_tls_bio *state, struct ks_chain *out, const void *alert, uint8_t n)
{
	if (ks_tls_bio_flush(state, out) == 0 && ks_chain_append(out, alert, n) != 0) {
		memcpy(state->stash, alert, n);
		state->nstash = n;
	}
}

#endif
