/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves bytes between TCP, TLS and the parsers of one leg; decides nothing.
 * Thread: the TERMINATE owner.
 */
#include "ks_leg.h"

#include <errno.h>

int
ks_leg_open(struct ks_leg *leg, struct ks_tcp_stack *tcp, struct ks_tcp_conn *conn,
	    struct ks_tls_ctx *ctx, struct ks_pool *chunks)
{
	struct ks_tls *tls = ks_tls_create(ctx);

	if (tls == NULL)
		return -ENOMEM;
	leg->tcp = tcp;
	leg->conn = conn;
	leg->tls = tls;
	leg->ready_next = NULL;
	leg->sent_bytes = 0;
	leg->ready = leg->tcp_eof = leg->dead = leg->eof = leg->capped = leg->starved = leg->shut =
		false;
	ks_chain_init(&leg->plain_in, chunks);
	ks_chain_init(&leg->plain_out, chunks);
	ks_chain_init(&leg->cipher_out, chunks);
	ks_tcp_user_set(conn, leg);
	return 0;
}

int
ks_leg_pull(struct ks_leg *leg)
{
	struct ks_chain *rx;
	int rc;

	if (leg->conn == NULL)
		return 0;
	rx = ks_tcp_rx(leg->conn);
	rc = ks_tls_input(leg->tls, rx, &leg->plain_in, KS_LEG_IN_BYTES, &leg->cipher_out);
	leg->starved = rc == -ENOBUFS;
	leg->capped = leg->plain_in.len >= KS_LEG_IN_BYTES;
	ks_tcp_rx_done(leg->tcp, leg->conn);
	switch (ks_tls_state(leg->tls)) {
	case KS_TLS_FAILED:
		return -EPROTO;
	case KS_TLS_CLOSED:
		leg->eof = !ks_tls_pending(leg->tls);
		break;
	default:
		/* What is left of a record that the peer's FIN has cut short never becomes whole.
		 */
		leg->eof =
			leg->tcp_eof && !leg->starved && !leg->capped && !ks_tls_pending(leg->tls);
		break;
	}
	return 0;
}

static bool
may_write(const struct ks_leg *leg)
{
	enum ks_tls_state state = ks_tls_state(leg->tls);

	return state == KS_TLS_OPEN || state == KS_TLS_CLOSED;
}

/** plain_out, and behind it close_notify, become records. @return 0 or -EPIPE. */
static int
encrypt(struct ks_leg *leg)
{
	int rc = 0;

	if (!may_write(leg))
		return 0;
	if (leg->plain_out.len > 0)
		rc = ks_tls_output(leg->tls, &leg->plain_out, &leg->cipher_out);
	if (rc == 0 && leg->shut) {
		ks_tls_shutdown(leg->tls, &leg->cipher_out);
		/* A close_notify that found no chunk follows with the next output, even an empty
		 * one. */
		rc = ks_tls_output(leg->tls, &leg->plain_out, &leg->cipher_out);
	}
	leg->starved |= rc == -ENOBUFS;
	return rc == -EPROTO ? -EPIPE : 0;
}

int
ks_leg_push(struct ks_leg *leg)
{
	int sent;

	if (leg->conn == NULL || leg->dead || encrypt(leg) != 0)
		return -EPIPE;
	if (leg->cipher_out.len > 0) {
		sent = ks_tcp_send(leg->tcp, leg->conn, &leg->cipher_out);
		if (sent < 0)
			return -EPIPE;
		leg->sent_bytes += sent;
	}
	if (leg->shut && !leg->starved && ks_leg_queued(leg) == 0)
		ks_tcp_shutdown(leg->tcp, leg->conn);
	return 0;
}

void
ks_leg_discard(struct ks_leg *leg)
{
	struct ks_chain *rx;

	ks_chain_clear(&leg->plain_in);
	if (leg->conn == NULL)
		return;
	rx = ks_tcp_rx(leg->conn);
	ks_chain_clear(rx);
	ks_tcp_rx_done(leg->tcp, leg->conn);
	leg->eof = leg->tcp_eof;
	leg->starved = false;
}

void
ks_leg_shutdown(struct ks_leg *leg)
{
	leg->shut = true;
	(void)ks_leg_push(leg);
}

void
ks_leg_close(struct ks_leg *leg, bool reset)
{
	if (leg->conn != NULL && reset)
		ks_tcp_abort(leg->tcp, leg->conn);
	else if (leg->conn != NULL)
		ks_tcp_release(leg->tcp, leg->conn);
	leg->conn = NULL;
	ks_tls_destroy(leg->tls);
	leg->tls = NULL;
	ks_chain_clear(&leg->plain_in);
	ks_chain_clear(&leg->plain_out);
	ks_chain_clear(&leg->cipher_out);
}
