/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: handshake, open, closed, failed. What happens in each is the handshake's and the
 * record engine's business. Thread: the owner of the session.
 */
#include <errno.h>
#include <stdlib.h>

#include "session.h"

static int
set_client(struct ks_tls *tls)
{
	struct ks_tls_ctx *ctx = tls->ctx;
	SSL *ssl = tls->openssl.ssl;

	SSL_set_connect_state(ssl);
	if (ctx->server_name[0] != '\0' && SSL_set_tlsext_host_name(ssl, ctx->server_name) != 1)
		return -ENOMEM;
	tls->chain_end_s = ks_tls_resume_use(ctx, ssl);
	return 0;
}

struct ks_tls *
ks_tls_create(struct ks_tls_ctx *ctx)
{
	struct ks_tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		return NULL;
	tls->ctx = ks_tls_ctx_ref(ctx);
	tls->record = &tls->openssl.record;
	tls->reason = "";
	tls->version = "";
	if (ks_tls_openssl_init(&tls->openssl, ctx->ssl, ctx->bio_method) != 0)
		goto fail;
	SSL_set_app_data(tls->openssl.ssl, tls);
	if (ctx->server)
		SSL_set_accept_state(tls->openssl.ssl);
	else if (set_client(tls) != 0)
		goto fail;
	return tls;
fail:
	ks_tls_destroy(tls);
	return NULL;
}

void
ks_tls_destroy(struct ks_tls *tls)
{
	if (tls == NULL)
		return;
	tls->record->ops->destroy(tls->record);
	ks_tls_ctx_destroy(tls->ctx);
	free(tls->peer);
	free(tls);
}

ks_cold void
ks_tls_fail(struct ks_tls *tls, const char *reason)
{
	tls->state = KS_TLS_FAILED;
	tls->reason = reason;
}

static int
input_open(struct ks_tls *tls, struct ks_chain *in, struct ks_chain *plain, uint32_t plain_max,
	   struct ks_chain *out)
{
	int rc = tls->record->ops->read(tls->record, in, plain, plain_max, out);

	if (ks_likely(rc == 0 || rc == -ENOBUFS))
		return rc;
	if (rc == -ESHUTDOWN)
		tls->state = KS_TLS_CLOSED;
	else
		ks_tls_fail(tls, tls->record->reason);
	return 0;
}

int
ks_tls_input(struct ks_tls *tls, struct ks_chain *in, struct ks_chain *plain, uint32_t plain_max,
	     struct ks_chain *out)
{
	int rc = ks_tls_bio_flush(&tls->openssl.bio, out);

	if (rc == 0 && tls->state == KS_TLS_HANDSHAKE)
		rc = ks_tls_handshake_run(tls, in, out);
	if (rc == 0 && tls->state == KS_TLS_OPEN)
		rc = input_open(tls, in, plain, plain_max, out);
	/* RFC 8446 section 6.1: what comes after close_notify is ignored. */
	if (tls->state == KS_TLS_CLOSED)
		ks_chain_consume(in, in->len);
	return rc == 0 && tls->openssl.bio.nstash != 0 ? -ENOBUFS : rc;
}

int
ks_tls_output(struct ks_tls *tls, struct ks_chain *plain, struct ks_chain *out)
{
	int rc;

	if (tls->state != KS_TLS_OPEN && tls->state != KS_TLS_CLOSED)
		return -EPROTO;
	if (ks_unlikely(tls->shutdown && !tls->closing && plain->len > 0))
		return -EPROTO;
	rc = ks_tls_bio_flush(&tls->openssl.bio, out);
	if (rc == 0)
		rc = tls->record->ops->write(tls->record, plain, out);
	if (rc == -EPROTO)
		ks_tls_fail(tls, tls->record->reason);
	if (ks_unlikely(rc == 0 && tls->closing)) {
		tls->closing = false;
		rc = tls->record->ops->shutdown(tls->record, out);
	}
	/* The end of the last record may stand in the stash: the caller must come again. */
	return rc == 0 && ks_unlikely(tls->openssl.bio.nstash != 0) ? -ENOBUFS : rc;
}

void
ks_tls_shutdown(struct ks_tls *tls, struct ks_chain *out)
{
	if (tls->shutdown || (tls->state != KS_TLS_OPEN && tls->state != KS_TLS_CLOSED))
		return;
	tls->shutdown = true;
	/* Half a record is out: the rest goes first, at the next ks_tls_output(). */
	tls->closing = tls->record->ops->shutdown(tls->record, out) == -ENOBUFS;
}

bool
ks_tls_pending(const struct ks_tls *tls)
{
	return tls->state == KS_TLS_OPEN && tls->record->ops->pending(tls->record);
}

enum ks_tls_state
ks_tls_state(const struct ks_tls *tls)
{
	return tls->state;
}

const char *
ks_tls_reason(const struct ks_tls *tls)
{
	return tls->reason;
}

enum ks_tls_alpn
ks_tls_alpn(const struct ks_tls *tls)
{
	return tls->alpn;
}

bool
ks_tls_resumed(const struct ks_tls *tls)
{
	return tls->resumed;
}

const char *
ks_tls_version(const struct ks_tls *tls)
{
	return tls->version;
}

const struct ks_tls_peer *
ks_tls_peer(const struct ks_tls *tls)
{
	static const struct ks_tls_peer none = {.verdict = KS_TLS_PEER_NONE};

	return tls->peer != NULL ? tls->peer : &none;
}
