/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a ticket says of the client: verdict, end and names, and no certificate. OpenSSL would put
 * the certificate itself in, which costs the wire a kilobyte each way and the resumption 300 µs
 * (OpenSSL 3.0 builds its decoders anew for every public key). A live session keeps it too, 5 KB of
 * objects.
 *
 * The names are read again in a full handshake only. Until then the verdict holds: a ticket is good
 * in one context, with one CA and CRL, and not beyond the end of the certificates. Thread: the
 * owner of the session; called back from within the handshake.
 */
#include <stdlib.h>

#include <openssl/asn1.h>
#include <openssl/err.h>

#include "session.h"

/* Element [3] of OpenSSL's encoding of a session, see SSL_SESSION(3) and i2d_SSL_SESSION(3). */
#define PEER_TAG 3

/* All that is in a ticket: end, verdict, serial, common name, organisations, each ended by a NUL.
 */
#define SAVED_BYTES_MAX                                                      \
	(9 + sizeof(((struct ks_tls_peer *)0)->serial) + KS_TLS_NAME_BYTES + \
	 sizeof(((struct ks_tls_peer *)0)->orgs))

/* Takes the certificate out of an encoded session. @return the new length, 0 when there is none. */
static long
cut_peer(unsigned char *der, long n, unsigned char **start)
{
	const unsigned char *p = der;
	unsigned char *content, *end;
	long len, head;
	int tag, class;

	if ((ASN1_get_object(&p, &len, &tag, &class, n) & 0x80) != 0)
		return 0;
	content = der + (p - der);
	end = content + len;
	while (p < end) {
		unsigned char *element = der + (p - der);

		if ((ASN1_get_object(&p, &n, &tag, &class, end - p) & 0x80) != 0)
			return 0;
		p += n;
		if (class != V_ASN1_CONTEXT_SPECIFIC || tag != PEER_TAG)
			continue;
		memmove(element, p, (size_t)(end - p));
		len -= p - element;
		/* The new header is never longer than the old one. */
		head = ASN1_object_size(1, (int)len, V_ASN1_SEQUENCE) - len;
		*start = content - head;
		content = *start;
		ASN1_put_object(&content, 1, (int)len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
		return head + len;
	}
	return 0;
}

/*
 * There is no call to drop the certificate, but decoding into a session that exists replaces its
 * parts by what is encoded, and the certificate by none.
 */
bool
ks_tls_peer_strip(SSL_SESSION *session)
{
	unsigned char *der = NULL;
	unsigned char *start = NULL;
	const unsigned char *from;
	long n = i2d_SSL_SESSION(session, &der);

	if (n > 0)
		n = cut_peer(der, n, &start);
	from = start;
	if (n > 0)
		d2i_SSL_SESSION(&session, &from, n);
	/* It holds the keys of the session. */
	if (der != NULL && start != NULL)
		OPENSSL_cleanse(start, (size_t)n);
	OPENSSL_free(der);
	return SSL_SESSION_get0_peer(session) == NULL;
}

static uint8_t *
put_name(uint8_t *to, const char *name)
{
	size_t n = strlen(name) + 1;

	memcpy(to, name, n);
	return to + n;
}

bool
ks_tls_peer_save(const struct ks_tls *tls, SSL_SESSION *session)
{
	const struct ks_tls_peer *peer = ks_tls_peer(tls);
	uint8_t saved[SAVED_BYTES_MAX];
	uint8_t *to = saved;

	memcpy(to, &peer->not_after_s, 8);
	to += 8;
	*to++ = (uint8_t)peer->verdict;
	to = put_name(to, peer->serial);
	to = put_name(to, peer->cn);
	for (uint32_t i = 0; i < peer->norgs; i++)
		to = put_name(to, peer->orgs[i]);
	return SSL_SESSION_set1_ticket_appdata(session, saved, (size_t)(to - saved)) == 1;
}

static bool
get_name(struct ks_str *from, char *to, size_t cap)
{
	const char *end = memchr(from->p, '\0', from->n);
	size_t n;

	if (end == NULL || (size_t)(end - from->p) >= cap)
		return false;
	n = (size_t)(end - from->p) + 1;
	memcpy(to, from->p, n);
	from->p += n;
	from->n -= (uint32_t)n;
	return true;
}

static bool
load(SSL_SESSION *session, struct ks_tls_peer *peer)
{
	struct ks_str from;
	void *data = NULL;
	size_t n = 0;

	*peer = (struct ks_tls_peer){0};
	if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) != 1 || n < 9)
		return false;
	memcpy(&peer->not_after_s, data, 8);
	peer->verdict = ((const uint8_t *)data)[8];
	from = (struct ks_str){(const char *)data + 9, (uint32_t)n - 9};
	if (!get_name(&from, peer->serial, sizeof(peer->serial)) ||
	    !get_name(&from, peer->cn, sizeof(peer->cn)))
		return false;
	for (; from.n > 0; peer->norgs++)
		if (peer->norgs == KS_TLS_ORGS_MAX ||
		    !get_name(&from, peer->orgs[peer->norgs], sizeof(peer->orgs[0])))
			return false;
	return true;
}

bool
ks_tls_peer_resumable(SSL_SESSION *session, uint64_t now_s)
{
	struct ks_tls_peer peer;

	if (!load(session, &peer) || SSL_SESSION_get0_peer(session) != NULL)
		return false;
	return peer.verdict == KS_TLS_PEER_NONE ||
	       (peer.verdict == KS_TLS_PEER_VERIFIED && now_s < peer.not_after_s);
}

int
ks_tls_peer_resume(struct ks_tls *tls, SSL_SESSION *session)
{
	struct ks_tls_peer peer;

	if (!load(session, &peer))
		return -1;
	if (peer.verdict == KS_TLS_PEER_NONE)
		return 0;
	tls->peer = malloc(sizeof(*tls->peer));
	if (tls->peer == NULL)
		return -1;
	*tls->peer = peer;
	return 0;
}
