/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the room share: the proxy, its sessions and its upstream connections.
 *
 *   client leg ── session ── exchange ── upstream ── upstream leg
 *
 * session.c   a client connection from accept to close, and its states
 * request.c   head and body of a request, until it is submitted
 * admission.c who may hold how much memory
 * verdict.c   what is done with a judged exchange
 * forward.c   the request, written anew for the API server
 * response.c  the answer, streamed back
 * upstream.c  the pools of connections to the API server
 * answer.c    the answers that we make ourselves
 * proof.c     which tokens the API server has accepted
 *
 * Thread: the TERMINATE owner.
 */
#ifndef KS_PROXY_INT_H
#define KS_PROXY_INT_H

#include <errno.h>
#include <sys/queue.h>

#include "deadline.h"
#include "ks_json.h"
#include "ks_proxy.h"
#include "ks_leg.h"

#define PROOF_SETS 4096u
#define PROOF_WAYS 4u
#define SHARE_SLOTS 4096u
#define PRINCIPALS_CACHED 4096u
#define RESPONSE_HEAD_BYTES (64u * 1024)

enum session_state {
	SESSION_HANDSHAKE,
	SESSION_HEAD, /**< idle, or part of a head is there */
	SESSION_BODY,
	SESSION_SUBMIT,	  /**< complete; the link to MATCH was full */
	SESSION_VERDICT,  /**< the exchange is with other stages */
	SESSION_UPSTREAM, /**< waits for a connection to the API server */
	SESSION_SENT,	  /**< waits for the head of the answer */
	SESSION_ANSWER,	  /**< the answer streams */
	SESSION_DRAIN,	  /**< last answer is out; input is thrown away until the peer closes */
};

struct upstream;

struct session {
	struct ks_leg leg;	/**< first: a leg of a session is its session */
	uint8_t state;		/**< enum session_state */
	bool handshaking;	/**< counted as such */
	bool head_started;	/**< the first byte of a head has come */
	bool chunked_out;	/**< the answer is sent in chunks */
	bool close_after;	/**< the connection ends with this answer */
	bool to_head;		/**< the request is a HEAD */
	bool long_running;
	bool retried; /**< the request was sent before, over a connection that died */
	uint8_t minor;
	struct deadline deadline;
	struct ks_proxy *proxy;
	struct ks_exchange *ex; /**< NULL while it is with other stages or when there is none */
	struct upstream *up;
	TAILQ_ENTRY(session) wait; /**< in one of the waiting lists */
	TAILQ_ENTRY(session) all;
	uint8_t waiting;	   /**< enum waiting */
	uint8_t class;		   /**< enum ks_upstream_class of the exchange */
	uint32_t scanned;	   /**< of the head in plain_in */
	struct ks_http1_body body; /**< of the request */
	uint64_t body_start_us;
	uint64_t sent_mark; /**< leg.sent_bytes at the last look of the write time-out */
	uint64_t answer_bytes;
	uint64_t since_us;
	uint64_t exchanges;
	uint16_t source_slot;       /**< where it is counted as a connection of its source */
	uint64_t verdict_seq; /**< the exchange that is awaited */
	char principal[64];   /**< of the last exchange, for display */
};

enum waiting { WAITING_NOT, WAITING_PEER, WAITING_EXCHANGE, WAITING_LINK, WAITING_UPSTREAM };

TAILQ_HEAD(session_list, session);

enum upstream_state { UPSTREAM_CONNECTING, UPSTREAM_IDLE, UPSTREAM_BUSY };

struct upstream {
	struct ks_leg leg; /**< first */
	uint8_t state;	   /**< enum upstream_state */
	uint8_t class;	   /**< enum ks_upstream_class */
	uint8_t server;
	bool head_sent;	    /**< of the request */
	bool head_done;	    /**< of the answer */
	bool answer_seen;   /**< something of an answer has come */
	bool keep_alive;    /**< as the answer says */
	bool blocked;               /**< the client's leg had no room for more of the answer */
	bool body_complete; /**< the request was sent whole */
	struct deadline deadline;
	struct ks_proxy *proxy;
	struct session *session;
	TAILQ_ENTRY(upstream) link; /**< in the idle list of its class */
	TAILQ_ENTRY(upstream) all;
	uint32_t served;
	uint32_t scanned;
	uint32_t body_sent;
	struct ks_http1_body body; /**< of the answer */
};

TAILQ_HEAD(upstream_list, upstream);

struct server {
	uint64_t down_until_us; /**< 0: up, as far as known */
	uint32_t backoff_ms;
	uint32_t outstanding; /**< connections open to it */
};

struct proof {
	uint8_t hash[16];
	uint64_t exp_s;
};

struct ks_proxy {
	struct ks_proxy_params p;
	struct ks_now now;
	uint64_t counters[KS_PROXY_COUNTER_MAX];
	struct ks_pool *sessions, *upstreams, *exchanges;
	struct session_list all_sessions;
	struct session_list shaking; /**< handshakes under way, oldest first */
	struct session_list wait_exchange, wait_link;
	struct session_list wait_upstream[KS_UPSTREAM_CLASSES];
	struct upstream_list all_upstreams;
	struct upstream_list idle[KS_UPSTREAM_CLASSES];
	uint32_t connecting[KS_UPSTREAM_CLASSES];
	uint32_t idle_count;
	struct ks_leg *ready_head, *ready_tail;
	struct ks_leg *retry_head; /**< become ready at the next poll */
	struct server servers[KS_PROXY_SERVERS_MAX];
	uint8_t next_server;
	uint16_t next_port;
	uint32_t handshakes;
	uint32_t judging;           /**< exchanges with MATCH and SCORE */
	uint64_t seq;
	struct ks_exchange *outcome_head, *outcome_tail; /**< held back by a full link */
	uint32_t source_conns[SHARE_SLOTS]; /**< sessions open */
	uint32_t source_share[SHARE_SLOTS], actor_share[SHARE_SLOTS]; /**< bytes held */
	struct ks_hash_key share_key;
	struct ks_principal_cache *principals;
	struct proof (*proofs)[PROOF_WAYS];
	uint32_t proof_count;
	char *scratch; /**< head of an answer while it is parsed */
	struct ks_http_head response;
	struct ks_http_limits response_limits;
};

static inline void
count(struct ks_proxy *px, enum ks_proxy_counter counter)
{
	ks_count(&px->counters[counter]);
}

/* proxy.c */
/** Looks at the leg again in this or the next poll. */
void proxy_ready(struct ks_proxy *px, struct ks_leg *leg);
/** The leg is about to die. */
void proxy_leg_forget(struct ks_proxy *px, struct ks_leg *leg);
struct ks_exchange *proxy_exchange_get(struct ks_proxy *px);
/** The one way in which an exchange ends. */
void proxy_exchange_end(struct ks_proxy *px, struct ks_exchange *ex, enum ks_exchange_end end);
void proxy_body_release(struct ks_proxy *px, struct ks_exchange *ex);
void session_wait(struct session *s, struct session_list *list, enum waiting kind);
void session_unwait(struct session *s);

/** Looks at it in the next poll: memory was short, or its share of this turn is used. */
void proxy_retry(struct ks_proxy *px, struct ks_leg *leg);

/** What a step of a session's states did. */
enum step {
	STEP_WAIT,  /**< nothing to do until something comes */
	STEP_AGAIN, /**< look again */
	STEP_GONE,  /**< the session is freed */
};

/* session.c */
bool session_accept(struct ks_proxy *px, struct ks_tcp_conn *conn);
void session_advance(struct session *s);
/** Frees the session; whatever exchange it holds ends as `end`. */
void session_destroy(struct session *s, bool reset, enum ks_exchange_end end);
/** The answer is through: next request, or close. */
void session_next(struct session *s);
/** Nothing more will be answered: close_notify, FIN, and a bounded wait for the peer's. */
void session_drain(struct session *s);
void session_deadline_in(struct session *s, uint32_t ms);
const char *session_state_name(enum session_state state);

/* request.c */
enum step request_head(struct session *s);
enum step request_body(struct session *s);
void request_body_timeout(struct session *s);
void request_submit(struct session *s);
/** It has waited long enough for an exchange. */
void request_not_taken(struct session *s);

/* admission.c */
/** Reserves the whole body; `whole`: all of it has come already.
 *  @return 0, -E2BIG, -ENOMEM (budget), -EDQUOT (share). */
int admission_body(struct ks_proxy *px, struct ks_exchange *ex, uint64_t bytes, bool whole);
void admission_release(struct ks_proxy *px, struct ks_exchange *ex);
/** Counts a connection of this source. @return false when its share is used up. */
bool admission_connection(struct ks_proxy *px, const struct ks_addr *source, uint16_t *slot);
void admission_connection_end(struct ks_proxy *px, uint16_t slot);

/* verdict.c */
void verdict_apply(struct session *s, struct ks_exchange *ex);
/** Puts the request on a connection to the API server, or answers 503. */
void verdict_forward(struct session *s);

/* forward.c */
/** Writes the head of the request to the upstream leg. @return 0 or -ENOBUFS. */
int forward_head(struct upstream *up, const struct ks_exchange *ex);
/** Goes on with the body as far as there is room. */
void forward_body(struct upstream *up, const struct ks_exchange *ex);

/* response.c */
void response_advance(struct upstream *up);

/* upstream.c */
/** @param fresh not one that was used before. @return a connection ready for a request, or NULL: then
 *  -EINPROGRESS (one will come), -EHOSTDOWN or -ENOBUFS in `*err`. */
struct upstream *upstream_get(struct ks_proxy *px, enum ks_upstream_class class, bool fresh,
			      int *err);
/** Opens what those who wait need, or tells them that there is nothing to wait for. Once a turn. */
void upstream_serve(struct ks_proxy *px);
void upstream_advance(struct upstream *up);
/** The exchange is over and both messages ended exactly. */
void upstream_put(struct upstream *up);
void upstream_destroy(struct upstream *up, bool reset);

/* answer.c */
struct answer {
	uint16_t code;
	const char *reason; /**< Kubernetes StatusReason */
	const char *message;
	uint16_t retry_after_s; /**< 0: none */
	bool close;		/**< the connection cannot be used any more */
};
/** Writes a Kubernetes Status and goes on to the next request, or closes. */
void answer_status(struct session *s, const struct answer *answer);
/** The same in answer to `ex`: no body to a HEAD. */
void answer_status_for(struct session *s, const struct ks_exchange *ex,
		       const struct answer *answer);
/** The same for an exchange that was allowed but could not be served; ends it as `end`. */
void answer_unavailable(struct session *s, const struct answer *answer, enum ks_exchange_end end);

/* proof.c */
bool proof_known(const struct ks_proxy *px, const uint8_t hash[16], uint64_t now_s);
void proof_add(struct ks_proxy *px, const uint8_t hash[16], uint64_t exp_s);
void proof_drop(struct ks_proxy *px, const uint8_t hash[16]);

#endif
