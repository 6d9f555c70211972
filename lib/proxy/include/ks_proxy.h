/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy: everything of a connection above TCP. A client session (TLS, HTTP, one exchange at a time),
 * the pools of connections to the API server, and the answers that the gateway makes itself.
 *
 * One instance per TERMINATE worker, which alone calls it. Pure: packets belong to `tcp`, judgement
 * to whoever takes the exchanges through `submit`.
 */
#ifndef KS_PROXY_H
#define KS_PROXY_H

#include "ks_arena.h"
#include "ks_exchange.h"
#include "ks_tcp.h"
#include "ks_tls.h"

struct ks_proxy;

#define KS_PROXY_SERVERS_MAX 8

/** Connections to the API server are of two classes that are never mixed. */
enum ks_upstream_class {
	KS_UPSTREAM_PLAIN, /**< without a client certificate: tokens and anonymous */
	KS_UPSTREAM_FRONT, /**< with the front-proxy certificate: certificate users */
	KS_UPSTREAM_CLASSES,
};

struct ks_proxy_limits {
	uint32_t sessions;            /**< client connections */
	uint32_t handshakes;          /**< sessions whose handshake is not over */
	uint32_t exchanges;
	uint32_t upstreams;           /**< connections to the API server, both classes */
	uint32_t body_bytes;          /**< of one request; 3 MiB at the API server */
	uint32_t body_min_rate;       /**< bytes a second after a grace of body_grace_ms */
	uint32_t body_grace_ms;
	uint8_t source_share_percent; /**< of exchanges and body budget one source may hold */
	uint8_t principal_share_percent;
	uint8_t connection_share_percent; /**< of sessions one source may hold */
	uint32_t handshake_timeout_ms, head_timeout_ms, idle_timeout_ms;
	uint32_t write_timeout_ms;    /**< a client that takes nothing of an answer for so long */
	uint32_t connect_timeout_ms;  /**< to the API server, TLS included */
	uint32_t upstream_idle_ms;    /**< an unused connection to the API server is kept so long */
	uint32_t retry_ms;            /**< a server that failed is left alone so long at most */
	uint32_t response_timeout_ms; /**< until the head of an answer, but for long-running calls */
	struct ks_http_limits http;
};

struct ks_proxy_params {
	uint16_t owner, nowners;      /**< this TERMINATE instance, for local ports and exchanges */
	uint16_t service;
	struct ks_proxy_limits limits;
	bool fail_open;               /**< overload lets requests past inspection; else 429 */
	struct ks_tls_ctx *server_tls;                       /**< borrowed */
	struct ks_tls_ctx *client_tls[KS_UPSTREAM_CLASSES];  /**< borrowed; FRONT may be NULL */
	struct ks_endpoint servers[KS_PROXY_SERVERS_MAX];
	uint8_t nservers;
	struct ks_addr upstream_local; /**< our address towards the API server */
	uint16_t upstream_iface;
	struct ks_identity_config identity;
	struct ks_tcp_stack *tcp;      /**< borrowed, as all below */
	struct ks_timer_wheel *wheel;
	struct ks_pool *chunks;
	struct ks_arena *arena;        /**< heads, field lists and bodies */
	/** Hands an exchange to MATCH. @return 0, or -EAGAIN when the link is full. */
	int (*submit)(void *arg, struct ks_exchange *ex);
	/** Hands an ended exchange to SCORE and RECORD. @return 0 or -EAGAIN. */
	int (*outcome)(void *arg, struct ks_exchange *ex);
	void *arg;
};

/** @return NULL with errno set. */
struct ks_proxy *ks_proxy_create(const struct ks_proxy_params *params);
/** Every session and exchange that it still holds ends as SHUTDOWN; exchanges that are with other
 *  stages must have come back before. */
void ks_proxy_destroy(struct ks_proxy *proxy);

/** Deals with what TCP has to tell and what waits. @return how much was done. */
uint32_t ks_proxy_poll(struct ks_proxy *proxy, const struct ks_now *now);
/** A judged exchange comes back. */
void ks_proxy_verdict(struct ks_proxy *proxy, struct ks_exchange *ex, const struct ks_now *now);
/** An ended exchange comes back from RECORD. */
void ks_proxy_free(struct ks_proxy *proxy, struct ks_exchange *ex);

#define KS_PROXY_COUNTERS(X)                                                                       \
	X(SESSIONS, "sessions", "client connections accepted")                                     \
	X(SESSION_REFUSED_FULL, "session_refused_full", "client connections refused: limit")       \
	X(SESSION_REFUSED_SHARE, "session_refused_share",                                          \
	  "client connections refused: share of their source")                                      \
	X(HANDSHAKE_OK, "handshake_ok", "TLS handshakes with clients finished")                    \
	X(HANDSHAKE_RESUMED, "handshake_resumed", "of these, resumed sessions")                    \
	X(HANDSHAKE_FAILED, "handshake_failed", "TLS handshakes with clients failed")              \
	X(HANDSHAKE_TIMEOUT, "handshake_timeout", "handshakes given up: too slow")                 \
	X(HANDSHAKE_DISPLACED, "handshake_displaced", "handshakes given up for newer ones: limit") \
	X(PLAIN_HTTP, "plain_http", "plain HTTP spoken to the TLS port")                           \
	X(HEAD_TIMEOUT, "head_timeout", "request heads given up: too slow")                        \
	X(BODY_TIMEOUT, "body_timeout", "request bodies given up: under the minimum rate")         \
	X(IDLE_TIMEOUT, "idle_timeout", "idle client connections closed")                          \
	X(WRITE_TIMEOUT, "write_timeout", "clients that stopped reading their answer")             \
	X(EXCHANGES, "exchanges", "requests taken")                                                \
	X(BAD_REQUEST, "bad_request", "requests refused: malformed")                               \
	X(HEAD_TOO_LARGE, "head_too_large", "requests refused: head over the limit")               \
	X(BODY_TOO_LARGE, "body_too_large", "requests refused: body over the limit")               \
	X(NOT_ADMITTED_BUDGET, "not_admitted_budget", "requests refused: no memory for the body")  \
	X(NOT_ADMITTED_SHARE, "not_admitted_share", "requests refused: share of source or principal") \
	X(NO_EXCHANGE, "no_exchange", "times a connection waited for an exchange")                 \
	X(CERTIFICATE_REFUSED, "certificate_refused", "requests with a bad client certificate")    \
	X(UPGRADE_REFUSED, "upgrade_refused", "requests to change the protocol refused")           \
	X(FORWARDED, "forwarded", "requests sent to the API server")                               \
	X(RETRIED, "retried", "requests sent again over a fresh connection")                       \
	X(VERDICT_ORPHAN, "verdict_orphan", "verdicts for connections that had died")              \
	X(OVERLOAD_REFUSED, "overload_refused", "requests answered 429: inspection cannot keep up")    \
	X(OVERLOAD_PASSED, "overload_passed", "requests let past inspection: it cannot keep up")      \
	X(LINK_STALL, "link_stall", "exchanges that waited for a full link")                       \
	X(PROOFS, "proofs", "tokens proven by an answer of the API server")                        \
	X(FORGERIES, "forgeries", "tokens that the API server refused")                            \
	X(IDENTITY_FIELDS, "identity_fields", "X-Remote-* fields of clients taken away")           \
	X(UPSTREAM_OPENED, "upstream_opened", "connections to the API server opened")              \
	X(UPSTREAM_REUSED, "upstream_reused", "requests over a connection used before")            \
	X(UPSTREAM_FAILED, "upstream_failed", "connections to the API server that failed to open") \
	X(UPSTREAM_BAD, "upstream_bad", "answers of the API server that were malformed")           \
	X(UPSTREAM_CLOSED, "upstream_closed", "connections that the API server closed")            \
	X(UPSTREAM_TIMEOUT, "upstream_timeout", "answers that did not come in time")               \
	X(END_ANSWERED, "end_answered", "exchanges answered by the API server")                    \
	X(END_STREAMING, "end_streaming", "long-running exchanges begun")                          \
	X(END_BLOCKED, "end_blocked", "exchanges answered 403 by us")                              \
	X(END_THROTTLED, "end_throttled", "exchanges answered 429 by us")                          \
	X(END_REFUSED, "end_refused", "exchanges refused before a verdict")                        \
	X(END_UPSTREAM_UNAVAILABLE, "end_upstream_unavailable", "exchanges answered 503 or 504")   \
	X(END_UPSTREAM_BROKEN, "end_upstream_broken", "exchanges whose answer broke off")          \
	X(END_CLIENT_GONE, "end_client_gone", "exchanges whose client left")                       \
	X(END_SHUTDOWN, "end_shutdown", "exchanges alive when the gateway ended")

#define KS_PROXY_COUNTER_ROW(ID, name, help) KS_COUNTER_ENUM_ROW(KS_PROXY_, ID, name, help)
enum ks_proxy_counter { KS_PROXY_COUNTERS(KS_PROXY_COUNTER_ROW) KS_PROXY_COUNTER_MAX };
#undef KS_PROXY_COUNTER_ROW
extern const struct ks_counter_desc ks_proxy_counter_desc[KS_PROXY_COUNTER_MAX];
const uint64_t *ks_proxy_counters(const struct ks_proxy *proxy);

struct ks_proxy_stats {
	uint32_t sessions, sessions_max, handshakes;
	uint32_t exchanges, exchanges_max; /**< out of the pool now, and its size */
	uint32_t upstreams, upstreams_idle;
	uint32_t proofs;
};
void ks_proxy_stats_get(const struct ks_proxy *proxy, struct ks_proxy_stats *out);

struct ks_proxy_session_view {
	struct ks_tuple tuple;
	char principal[64];
	const char *state;
	const char *tls;
	uint64_t since_us;
	uint64_t exchanges;
};
/** A sample of sessions. Owner's thread. @return how many. */
uint32_t ks_proxy_sessions(const struct ks_proxy *proxy, struct ks_proxy_session_view *out,
			   uint32_t n);

#endif
