/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at a ClientHello before OpenSSL gets it: OpenSSL sets aside (and zeroes) as many bytes as
 * the message's header claims, up to 128 KB for a peer that has sent nine. So the header is read
 * here, across records where somebody has split it. Plain HTTP and SSL 2 are told apart on the way.
 * RFC 8446 sections 4, 5.1 and 6.2.
 * Thread: pure.
 */
#include <openssl/ssl.h>

#include "hello.h"
#include "record.h"

#define MESSAGE_HEADER_BYTES 4u

/* First four bytes of every method that a client of the API or a browser sends, and of HTTP/2. */
static bool
is_http(const uint8_t head[4])
{
	static const char methods[][5] = {"GET ", "HEAD", "POST", "PUT ", "DELE",
					  "PATC", "OPTI", "TRAC", "CONN", "PRI "};

	for (size_t i = 0; i < KS_ARRAY_SIZE(methods); i++)
		if (memcmp(head, methods[i], 4) == 0)
			return true;
	return false;
}

static enum ks_tls_hello
refuse(struct ks_tls_refusal *why, const char *reason, int alert)
{
	why->reason = reason;
	why->alert = alert;
	return KS_TLS_HELLO_REFUSED;
}

/* The message's type and length, which may lie in several records. */
static enum ks_tls_hello
message_header(const struct ks_chain *in, uint8_t message[MESSAGE_HEADER_BYTES],
	       struct ks_tls_refusal *why)
{
	uint8_t header[KS_TLS_RECORD_HEADER_BYTES];
	uint32_t off = 0;

	for (uint32_t got = 0; got < MESSAGE_HEADER_BYTES;) {
		uint32_t body, n;

		if (ks_chain_peek(in, off, header, sizeof(header)) < sizeof(header))
			return KS_TLS_HELLO_WAIT;
		if (got > 0 && header[0] != SSL3_RT_HANDSHAKE)
			return refuse(why, "unexpected message", SSL_AD_UNEXPECTED_MESSAGE);
		body = (uint32_t)header[3] << 8 | header[4];
		if (header[1] != SSL3_VERSION_MAJOR || body > KS_TLS_RECORD_BODY_MAX)
			return KS_TLS_HELLO_OTHER;
		n = KS_MIN(body, MESSAGE_HEADER_BYTES - got);
		if (ks_chain_peek(in, off + sizeof(header), message + got, n) < n)
			return KS_TLS_HELLO_WAIT;
		got += n;
		off += (uint32_t)sizeof(header) + body;
	}
	return KS_TLS_HELLO_GOOD;
}

static enum ks_tls_hello
message_check(const struct ks_chain *in, struct ks_tls_refusal *why)
{
	uint8_t message[MESSAGE_HEADER_BYTES];
	enum ks_tls_hello hello = message_header(in, message, why);
	uint32_t len;

	if (hello != KS_TLS_HELLO_GOOD)
		return hello;
	if (message[0] != SSL3_MT_CLIENT_HELLO)
		return KS_TLS_HELLO_OTHER;
	len = (uint32_t)message[1] << 16 | (uint32_t)message[2] << 8 | message[3];
	if (len > KS_TLS_HELLO_BYTES_MAX)
		return refuse(why, "excessive message size", SSL_AD_ILLEGAL_PARAMETER);
	return KS_TLS_HELLO_GOOD;
}

enum ks_tls_hello
ks_tls_hello_check(const struct ks_chain *in, struct ks_tls_refusal *why)
{
	uint8_t head[KS_TLS_RECORD_HEADER_BYTES];

	if (ks_chain_peek(in, 0, head, sizeof(head)) < sizeof(head))
		return KS_TLS_HELLO_WAIT;
	if (head[0] == SSL3_RT_HANDSHAKE)
		return message_check(in, why);
	if (is_http(head))
		return refuse(why, "http request", -1);
	/* RFC 6176: a hello in SSL 2 form is no way to ask for TLS 1.2. */
	if ((head[0] & 0x80) != 0 && head[2] == SSL2_MT_CLIENT_HELLO)
		return refuse(why, "unsupported protocol", SSL_AD_PROTOCOL_VERSION);
	return KS_TLS_HELLO_OTHER;
}
