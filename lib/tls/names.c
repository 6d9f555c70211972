/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a certificate as plain strings, exactly as Go's crypto/x509 gives them to the API
 * server: the last common name counts, all organisations count. What could be read in two ways, or
 * could break out of a header line or a terminal, is refused, never cut: a name that is cut is
 * somebody else's. RFC 5280 section 4.1.2. Thread: pure.
 */
#include <stdlib.h>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "session.h"

/* The types whose bytes are UTF-8 or a part of it; BMPString and the like are not seen in clusters.
 */
static bool
is_plain_type(int type)
{
	return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING ||
	       type == V_ASN1_IA5STRING || type == V_ASN1_NUMERICSTRING || type == V_ASN1_T61STRING;
}

static bool
is_control(unsigned long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* @return NULL or why the name is refused. */
static const char *
copy_name(char *to, size_t cap, const ASN1_STRING *name)
{
	const uint8_t *p = ASN1_STRING_get0_data(name);
	int len = ASN1_STRING_length(name);

	if (!is_plain_type(ASN1_STRING_type(name)))
		return "name of an unsupported string type";
	if (len < 0 || (size_t)len >= cap)
		return "name too long";
	for (int i = 0; i < len;) {
		unsigned long c;
		int n = UTF8_getc(p + i, len - i, &c);

		if (n <= 0)
			return "name is not UTF-8";
		if (c == 0)
			return "name holds a NUL";
		if (is_control(c))
			return "name holds a control character";
		i += n;
	}
	memcpy(to, p, (size_t)len);
	to[len] = '\0';
	return NULL;
}

static const char *
read_entry(struct ks_tls_peer *peer, const X509_NAME_ENTRY *entry)
{
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
	const char *reason;

	switch (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))) {
	case NID_commonName:
		return copy_name(peer->cn, sizeof(peer->cn), value);
	case NID_organizationName:
		if (peer->norgs == KS_TLS_ORGS_MAX)
			return "too many organisations";
		reason = copy_name(peer->orgs[peer->norgs], sizeof(peer->orgs[0]), value);
		if (reason == NULL)
			peer->norgs++;
		return reason;
	default:
		return NULL;
	}
}

static const char *
read_subject(struct ks_tls_peer *peer, const X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	const char *reason = NULL;

	for (int i = 0; reason == NULL && i < X509_NAME_entry_count(subject); i++)
		reason = read_entry(peer, X509_NAME_get_entry(subject, i));
	return reason;
}

static const char *
read_serial(struct ks_tls_peer *peer, const X509 *cert)
{
	static const char digits[] = "0123456789abcdef";
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	const uint8_t *p = ASN1_STRING_get0_data(serial);
	int len = ASN1_STRING_length(serial);

	/* RFC 5280 section 4.1.2.2: 20 octets at most, not negative. */
	if (len < 0 || len > 20 || ASN1_STRING_type(serial) != V_ASN1_INTEGER)
		return "serial number out of bounds";
	for (int i = 0; i < len; i++) {
		peer->serial[2 * i] = digits[p[i] >> 4];
		peer->serial[2 * i + 1] = digits[p[i] & 15];
	}
	return NULL;
}

const char *
ks_tls_peer_names(struct ks_tls_peer *peer, const X509 *cert)
{
	const char *reason = read_serial(peer, cert);

	if (reason == NULL)
		reason = read_subject(peer, cert);
	/* Half a set of names could pass for a whole one. */
	if (reason != NULL)
		*peer = (struct ks_tls_peer){0};
	return reason;
}
