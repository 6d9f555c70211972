/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer's certificate. Of a client: verified, the verdict kept, the handshake never failed,
 * because the API server does not either. Of a server: verified or the handshake fails. RFC 5280
 * section 6. Thread: the owner of the session; called back from within the handshake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>

#include "session.h"

static uint64_t
end_of(const X509 *cert)
{
	struct tm tm;
	time_t t;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return 0;
	t = timegm(&tm);
	return t > 0 ? (uint64_t)t : 0;
}

/* The verdict on a chain holds until the first certificate of it ends. */
static uint64_t
chain_end(const X509_STORE_CTX *store)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
	uint64_t end_s = UINT64_MAX;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		uint64_t t = end_of(sk_X509_value(chain, i));

		end_s = KS_MIN(end_s, t);
	}
	return end_s;
}

static struct ks_tls *
session_of(const X509_STORE_CTX *store)
{
	return ks_tls_of(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/*
 * With several CAs there need not be a list of each; lists that fit none of the CAs have been
 * refused when the context was made, so a list cannot be missed by mistake.
 */
static int
allow_missing_crl(int ok, X509_STORE_CTX *store)
{
	return ok == 1 || X509_STORE_CTX_get_error(store) == X509_V_ERR_UNABLE_TO_GET_CRL;
}

static ks_cold void
refuse(struct ks_tls *tls, const char *reason)
{
	tls->peer->verdict = KS_TLS_PEER_REFUSED;
	snprintf(tls->peer->reason, sizeof(tls->peer->reason), "%s", reason);
	/* Next time the certificate must be looked at again: it may be in order by then. */
	SSL_set_num_tickets(tls->openssl.ssl, 0);
	ERR_clear_error();
}

int
ks_tls_peer_verify_client(X509_STORE_CTX *store, void *arg)
{
	struct ks_tls *tls = session_of(store);
	const char *reason;

	tls->peer = calloc(1, sizeof(*tls->peer));
	if (tls->peer == NULL) {
		tls->reason = "out of memory";
		return -1;
	}
	reason = ks_tls_peer_names(tls->peer, X509_STORE_CTX_get0_cert(store));
	X509_STORE_CTX_set_verify_cb(store, allow_missing_crl);
	if (reason == NULL && X509_verify_cert(store) != 1)
		reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	if (reason != NULL) {
		refuse(tls, reason);
	} else {
		tls->peer->verdict = KS_TLS_PEER_VERIFIED;
		tls->peer->not_after_s = chain_end(store);
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	/* Else OpenSSL keeps the whole chain as long as the connection lives. */
	X509_STORE_CTX_set0_verified_chain(store, NULL);
	return 1;
}

int
ks_tls_peer_verify_server(X509_STORE_CTX *store, void *arg)
{
	struct ks_tls *tls = session_of(store);

	if (X509_verify_cert(store) != 1) {
		tls->reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
		return 0;
	}
	tls->chain_end_s = chain_end(store);
	X509_STORE_CTX_set0_verified_chain(store, NULL);
	return 1;
}
