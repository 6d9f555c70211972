/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at a ClientHello before OpenSSL gets it.
 * Thread: pure.
 */
#ifndef KS_TLS_HELLO_H
#define KS_TLS_HELLO_H

#include "ks_chain.h"

/* A hello with two post-quantum shares and a long ticket has 6 KB. */
#define KS_TLS_HELLO_BYTES_MAX 16384u

enum ks_tls_hello {
	KS_TLS_HELLO_WAIT,  /* more bytes are needed to tell */
	KS_TLS_HELLO_GOOD,  /* a ClientHello of bearable size begins */
	KS_TLS_HELLO_OTHER, /* something else that OpenSSL refuses or answers */
	KS_TLS_HELLO_REFUSED,
};

struct ks_tls_refusal {
	const char *reason;
	int alert; /* AlertDescription, -1: none, the peer does not speak TLS */
};

/** @param why filled for KS_TLS_HELLO_REFUSED. */
enum ks_tls_hello ks_tls_hello_check(const struct ks_chain *in, struct ks_tls_refusal *why);

#endif
