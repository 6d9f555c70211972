/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake, which OpenSSL makes: one record after the other is given to it, and what was
 * agreed is read out of it at the end. Bounded in bytes; time is the caller's. Thread: whoever owns
 * the session; nothing stays behind in the thread between two calls.
 */
#include <errno.h>

#include <openssl/err.h>

#include "hello.h"
#include "session.h"

/* Two hellos, certificates and a handful of small messages. */
#define HANDSHAKE_BYTES_MAX (96u * 1024)

static ks_cold int
refuse_hello(struct ks_tls *tls, struct ks_chain *out, const struct ks_tls_refusal *why)
{
	if (why->alert >= 0) {
		uint8_t alert[] = {SSL3_RT_ALERT, SSL3_VERSION_MAJOR, 3, 0, 2,
				   SSL3_AL_FATAL, (uint8_t)why->alert};

		ks_tls_bio_alert(&tls->openssl.bio, out, alert, sizeof(alert));
	}
	ks_tls_fail(tls, why->reason);
	return -EPROTO;
}

/* Whether OpenSSL waits for a ClientHello: the first, or the second after HelloRetryRequest. */
static bool
hello_due(const struct ks_tls *tls, const struct ks_chain *in)
{
	OSSL_HANDSHAKE_STATE state = SSL_get_state(tls->openssl.ssl);
	const uint8_t *type;
	uint32_t n;

	if (!tls->ctx->server)
		return false;
	if (state == TLS_ST_BEFORE)
		return tls->hellos == 0;
	type = ks_chain_front(in, &n);
	/* Anything but a second hello is encrypted in this state, and of another record type. */
	return state == TLS_ST_EARLY_DATA && tls->hellos == 1 && n > 0 &&
	       *type == SSL3_RT_HANDSHAKE;
}

/* @return bytes that OpenSSL may have, 0: wait, -EPROTO. */
static int
next_record(struct ks_tls *tls, const struct ks_chain *in, struct ks_chain *out)
{
	struct ks_tls_refusal why;

	if (hello_due(tls, in)) {
		switch (ks_tls_hello_check(in, &why)) {
		case KS_TLS_HELLO_WAIT:
			return 0;
		case KS_TLS_HELLO_REFUSED:
			return refuse_hello(tls, out, &why);
		case KS_TLS_HELLO_GOOD:
			tls->hellos++;
			break;
		case KS_TLS_HELLO_OTHER:
			break;
		}
	}
	return (int)ks_tls_record_whole(in);
}

static enum ks_tls_alpn
alpn_selected(const SSL *ssl)
{
	const unsigned char *name;
	unsigned int n;
	struct ks_str s;

	SSL_get0_alpn_selected(ssl, &name, &n);
	s = (struct ks_str){(const char *)name, n};
	if (n == 0)
		return KS_TLS_ALPN_NONE;
	return ks_str_is(s, "h2") ? KS_TLS_ALPN_H2 : KS_TLS_ALPN_HTTP11;
}

static int
finish(struct ks_tls *tls)
{
	SSL *ssl = tls->openssl.ssl;

	/* The record engine tells close_notify from an alert by an empty queue. */
	ERR_clear_error();
	tls->version = SSL_get_version(ssl);
	tls->alpn = alpn_selected(ssl);
	tls->resumed = SSL_session_reused(ssl) == 1;
	/* OpenSSL 3.0 lets a server choose what it was not offered (RFC 7301 section 3.1). */
	if (tls->alpn != KS_TLS_ALPN_NONE && (tls->alpn & tls->ctx->alpn) == 0) {
		ks_tls_fail(tls, "no application protocol");
		return -EPROTO;
	}
	if (tls->ctx->server && tls->resumed &&
	    ks_tls_peer_resume(tls, SSL_get0_session(ssl)) != 0) {
		ks_tls_fail(tls, "out of memory");
		return -EPROTO;
	}
	/* Sent with no ticket perhaps, then it still has the certificate. */
	if (tls->ctx->server && SSL_SESSION_get0_peer(SSL_get0_session(ssl)) != NULL)
		ks_tls_peer_strip(SSL_get0_session(ssl));
	tls->state = KS_TLS_OPEN;
	return 0;
}

static ks_cold void
fail_step(struct ks_tls *tls)
{
	bool silent = ERR_peek_error() == 0;
	const char *reason = ks_tls_openssl_reason();

	/* Why a certificate was refused is known better than "certificate verify failed". */
	if (tls->reason[0] != '\0')
		reason = tls->reason;
	else if (silent && SSL_get_shutdown(tls->openssl.ssl) & SSL_RECEIVED_SHUTDOWN)
		reason = "closed in the handshake";
	ks_tls_fail(tls, reason);
}

/* @return 0 finished, -EAGAIN, -ENOBUFS, -EPROTO. */
static int
step(struct ks_tls *tls, struct ks_chain *in, uint32_t n, struct ks_chain *out)
{
	struct ks_tls_openssl *openssl = &tls->openssl;
	tls->started = true;
	tls->handshake_bytes += n;
	if (tls->handshake_bytes > HANDSHAKE_BYTES_MAX) {
		ks_tls_fail(tls, "handshake too long");
		return -EPROTO;
	}
	ks_tls_bio_lend(&openssl->bio, in, n, out);
	if (SSL_do_handshake(openssl->ssl) == 1)
		return finish(tls);
	if (openssl->bio.blocked)
		return -ENOBUFS;
	/* What is left of a record when it asks for more is a framing error not told otherwise. */
	if (openssl->bio.starved && openssl->bio.in_max == 0)
		return -EAGAIN;
	fail_step(tls);
	return -EPROTO;
}

int
ks_tls_handshake_run(struct ks_tls *tls, struct ks_chain *in, struct ks_chain *out)
{
	int rc = -EAGAIN;

	while (rc == -EAGAIN) {
		/* What could not be written comes first, and needs no new input. */
		bool again = tls->openssl.bio.blocked || !tls->started;
		int n = again ? 0 : next_record(tls, in, out);

		if (n < 0 || (n == 0 && !again))
			break;
		rc = step(tls, in, (uint32_t)n, out);
	}
	return rc == -ENOBUFS ? rc : 0;
}
