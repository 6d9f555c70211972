/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of a session, shared by the files of this room.
 * Thread: the owner of the session, one at a time; the whole may be handed to another.
 */
#ifndef KS_TLS_SESSION_H
#define KS_TLS_SESSION_H

#include "ctx.h"
#include "record_openssl.h"

struct ks_tls {
	struct ks_tls_ctx *ctx;
	struct ks_tls_record *record; /* who owns the records once the handshake is over */
	struct ks_tls_openssl openssl;
	struct ks_tls_peer *peer; /* NULL: the client showed no certificate */
	const char *reason;
	const char *version;
	uint64_t chain_end_s;	  /* client session: when the server's certificates end */
	uint32_t handshake_bytes; /* taken in so far */
	uint8_t hellos;		  /* server: ClientHellos whose size was looked at */
	enum ks_tls_state state;
	enum ks_tls_alpn alpn;
	bool started;
	bool resumed;
	bool shutdown; /* close_notify was asked for */
	bool closing;  /* and waits for the rest of a record */
};

/** Ends the session; `reason` must be static. */
void ks_tls_fail(struct ks_tls *tls, const char *reason);

/* handshake.c */

/** One more piece of the handshake, until `in` holds no whole record. @return 0 or -ENOBUFS. */
int ks_tls_handshake_run(struct ks_tls *tls, struct ks_chain *in, struct ks_chain *out);

/* peer.c: verification callbacks of the two kinds of context. */

/** Never fails the handshake; leaves the verdict in the session. */
int ks_tls_peer_verify_client(X509_STORE_CTX *store, void *arg);
/** Fails the handshake; leaves the reason in the session. */
int ks_tls_peer_verify_server(X509_STORE_CTX *store, void *arg);
/** Reads subject, serial and end of `cert`. @return NULL or why its names are refused. */
const char *ks_tls_peer_names(struct ks_tls_peer *peer, const X509 *cert);

/* peer_ticket.c */

/** Puts into a ticket what ks_tls_peer_resume() needs. @return false on lack of memory. */
bool ks_tls_peer_save(const struct ks_tls *tls, SSL_SESSION *session);
/** Takes the certificate out of a session. @return whether none is left in it. */
bool ks_tls_peer_strip(SSL_SESSION *session);
/** Whether what a ticket says of its client still holds at `now_s`. */
bool ks_tls_peer_resumable(SSL_SESSION *session, uint64_t now_s);
/** A resumed session: verdict and names come out of its ticket. @return 0 or -1. */
int ks_tls_peer_resume(struct ks_tls *tls, SSL_SESSION *session);

static inline struct ks_tls *
ks_tls_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

#endif
