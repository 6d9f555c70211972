/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 and 1.3 over byte chains; knows no TCP and no files. The handshake is OpenSSL's; records
 * go through one small interface inside the room (engine: OpenSSL). RFC 8446, 5246, 7301 (ALPN),
 * 6066 (SNI), 5280 (certificates).
 *
 * Thread: a context is immutable after creation and may be shared; a session belongs to one owner.
 */
#ifndef KS_TLS_H
#define KS_TLS_H

#include "ks_chain.h"
#include "ks_counter.h"

struct ks_tls_ctx;
struct ks_tls;

/**
 * Records are taken whole: an `in` that is held shorter than this (header, 2^14 and 2048 bytes, RFC
 * 5246 section 6.2.3) can stand still. So a receive window must be larger.
 */
#define KS_TLS_IN_BYTES_MIN 18437u

enum ks_tls_alpn { KS_TLS_ALPN_NONE = 0, KS_TLS_ALPN_HTTP11 = 1 << 0, KS_TLS_ALPN_H2 = 1 << 1 };

#define KS_TLS_ERROR_BYTES 256
/** Why something was refused, in words for the log or the operator. */
struct ks_tls_error {
	char text[KS_TLS_ERROR_BYTES];
};

struct ks_tls_identity {
	struct ks_str chain_pem; /**< leaf first */
	struct ks_str key_pem;
};

struct ks_tls_server_params {
	/** Chosen by SNI, the first is the default. Two with the same subjectAltName and keys of
	 * different kinds (RSA, ECDSA) serve together: the client's signature algorithms decide. */
	const struct ks_tls_identity *identities;
	uint32_t nidentities;
	struct ks_str client_ca_pem; /**< empty: client certificates are not asked for */
	/** May be empty. Each list must be signed by one of the client CAs; a CA need not have one.
	 * A list past its next update refuses all certificates of its CA (RFC 5280 section 6.3.3).
	 */
	struct ks_str crl_pem;
	uint32_t alpn; /**< mask of what is accepted, our order: h2 first */
	bool tls13_only;
	uint64_t verify_time_s; /**< 0: system time; for simulation */
};

struct ks_tls_client_params {
	struct ks_str ca_pem;
	struct ks_str server_name; /**< DNS name or IP address that the certificate must carry */
	struct ks_tls_identity identity; /**< empty: no client certificate */
	uint32_t alpn;
	uint64_t verify_time_s;
};

/** Everything is copied. @return NULL with `err` filled. */
struct ks_tls_ctx *ks_tls_server_ctx_create(const struct ks_tls_server_params *params,
					    struct ks_tls_error *err);
struct ks_tls_ctx *ks_tls_client_ctx_create(const struct ks_tls_client_params *params,
					    struct ks_tls_error *err);
/** Sessions made from it keep what they need; safe while they live. NULL is allowed.
 *  Tickets are good in the context that made them only: a new one looks at every client afresh. */
void ks_tls_ctx_destroy(struct ks_tls_ctx *ctx);

enum ks_tls_state {
	KS_TLS_HANDSHAKE,
	KS_TLS_OPEN,
	KS_TLS_CLOSED, /**< peer's close_notify was read; we may still write. The end of the stream
			*   in state OPEN is a truncation. */
	KS_TLS_FAILED, /**< see ks_tls_reason(); an alert may wait in the output */
};

/** @return NULL on lack of memory. For a client context resumption is tried by itself.
 *  Nothing of a session stays in the thread between two calls: it may be handed over whole. */
struct ks_tls *ks_tls_create(struct ks_tls_ctx *ctx);
/** NULL is allowed. */
void ks_tls_destroy(struct ks_tls *tls);

/**
 * Takes ciphertext from `in`, appends plaintext to `plain` until it holds `plain_max` bytes,
 * appends handshake messages and alerts to `out`. A client session starts with an empty `in`. What
 * is no whole record yet stays in `in`. Close_notify is read only while `plain` has room.
 * @return 0 (look at the state), -ENOBUFS no chunk: nothing is lost, call again later (in state
 * FAILED too: the alert waits).
 */
int ks_tls_input(struct ks_tls *tls, struct ks_chain *in, struct ks_chain *plain,
		 uint32_t plain_max, struct ks_chain *out);
/**
 * Encrypts all of `plain` to `out`, in records as large as may be. Only in state OPEN or CLOSED.
 * @return 0, -ENOBUFS (what is left stays in `plain`: half a record of it may be in `out` already,
 * so it must come again with the same bytes in front), -EPROTO.
 */
int ks_tls_output(struct ks_tls *tls, struct ks_chain *plain, struct ks_chain *out);
/** Appends close_notify; once, only the first call counts. After -ENOBUFS of ks_tls_output(), and
 * when there is no chunk, it follows at the next ks_tls_output(), for which `plain` may be empty.
 */
void ks_tls_shutdown(struct ks_tls *tls, struct ks_chain *out);
/** True when decrypted bytes wait inside because `plain_max` was reached. */
bool ks_tls_pending(const struct ks_tls *tls);

enum ks_tls_state ks_tls_state(const struct ks_tls *tls);
/** Short word for the failure, static ("no shared cipher", "http request", …); "" when none.
 *  "http request": plain HTTP came, no alert is sent and `in` still has it. */
const char *ks_tls_reason(const struct ks_tls *tls);
enum ks_tls_alpn ks_tls_alpn(const struct ks_tls *tls);
bool ks_tls_resumed(const struct ks_tls *tls);
/** "TLSv1.3", "TLSv1.2" */
const char *ks_tls_version(const struct ks_tls *tls);

#define KS_TLS_NAME_BYTES 256
#define KS_TLS_ORGS_MAX 16

/**
 * The client's certificate in plain words; empty names when there was none, or when they cannot be
 * told without doubt (too long, not UTF-8, a NUL or another control character in them). Of several
 * common names the last counts, as in Go.
 */
struct ks_tls_peer {
	enum { KS_TLS_PEER_NONE, KS_TLS_PEER_VERIFIED, KS_TLS_PEER_REFUSED } verdict;
	char reason[64];		 /**< why REFUSED */
	char cn[KS_TLS_NAME_BYTES];	 /**< subject common name, UTF-8 */
	char orgs[KS_TLS_ORGS_MAX][128]; /**< subject organisations */
	uint8_t norgs;
	char serial[64];      /**< hexadecimal */
	uint64_t not_after_s; /**< of VERIFIED: Unix time at which the first certificate of the
			       *   chain ends, and the verdict with it */
};
/** Valid once the handshake is over; owned by the session, never NULL.
 *  A bad client certificate does not fail the handshake: the verdict tells. */
const struct ks_tls_peer *ks_tls_peer(const struct ks_tls *tls);

/** For the simulation: makes every random number of the process follow from `seed` (0 restores).
 * With `verify_time_s` set in the contexts, all bytes of all sessions of one thread follow from it.
 */
void ks_tls_random_seed(uint64_t seed);

#endif
