/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leg: one TCP connection with its TLS session and the bytes that wait on either side of it. The
 * client's and the API server's side of the proxy are both built on it.
 * Thread: the TERMINATE owner.
 */
#ifndef KS_LEG_H
#define KS_LEG_H

#include "ks_tcp.h"
#include "ks_tls.h"

/** Output that may wait in a leg before its source is held back: four records. */
#define KS_LEG_OUT_BYTES (64u * 1024)
/** Decrypted input that may wait before reading stops: the longest head, and a record. */
#define KS_LEG_IN_BYTES (72u * 1024)

enum ks_leg_side { KS_LEG_CLIENT, KS_LEG_UPSTREAM };

struct ks_leg {
	struct ks_tcp_stack *tcp;
	struct ks_tcp_conn *conn; /**< NULL once it is gone */
	struct ks_tls *tls;
	struct ks_chain plain_in;
	struct ks_chain plain_out;
	struct ks_chain cipher_out;
	struct ks_leg *ready_next; /**< the proxy's list of legs with work */
	uint64_t sent_bytes;	/**< taken by TCP so far */
	uint8_t side;		/**< enum ks_leg_side */
	bool ready;		/**< in the list of this turn, or of the next */
	bool tcp_eof;		/**< peer's FIN came, or the connection died */
	bool dead;		/**< TCP has ended both ways: only release is left */
	bool eof;		/**< all of the peer's bytes were read and no more will come */
	bool capped;		/**< plain_in was full: there may be more to pull */
	bool starved;		/**< no chunk could be had: try again next turn */
	bool shut;		/**< our end of the stream is closed or will be */
};

/** @return 0 or -ENOMEM. On error the connection stays the caller's. */
int ks_leg_open(struct ks_leg *leg, struct ks_tcp_stack *tcp, struct ks_tcp_conn *conn,
	     struct ks_tls_ctx *ctx, struct ks_pool *chunks);
/** Wire → plain_in. Handshake answers go out by ks_leg_push().
 *  @return 0, -EPROTO when TLS failed (an alert waits in the output). */
int ks_leg_pull(struct ks_leg *leg);
/** plain_out → wire, as far as there is room. @return 0 or -EPIPE. */
int ks_leg_push(struct ks_leg *leg);
/** Bytes that wait in the leg to be sent. */
static inline uint32_t
ks_leg_queued(const struct ks_leg *leg)
{
	return leg->plain_out.len + leg->cipher_out.len;
}
static inline uint32_t
ks_leg_room(const struct ks_leg *leg)
{
	uint32_t queued = ks_leg_queued(leg);

	return queued < KS_LEG_OUT_BYTES ? KS_LEG_OUT_BYTES - queued : 0;
}
/** Throws input away, encrypted or not; keeps `eof` right. */
void ks_leg_discard(struct ks_leg *leg);
/** close_notify and FIN after what is queued. */
void ks_leg_shutdown(struct ks_leg *leg);
/** Lets the connection finish by itself, or resets it with `reset`; frees all. */
void ks_leg_close(struct ks_leg *leg, bool reset);

#endif
