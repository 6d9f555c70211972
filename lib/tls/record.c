/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing of records in a chain (RFC 8446 section 5.1), the part that all engines share.
 * Thread: pure.
 */
#include "record.h"

static inline uint32_t
whole(const uint8_t header[KS_TLS_RECORD_HEADER_BYTES], uint32_t have)
{
	uint32_t body = (uint32_t)header[3] << 8 | header[4];

	if (ks_unlikely(header[1] != 3 || body > KS_TLS_RECORD_BODY_MAX))
		return have;
	return have - KS_TLS_RECORD_HEADER_BYTES >= body ? body + KS_TLS_RECORD_HEADER_BYTES : 0;
}

uint32_t
ks_tls_record_whole(const struct ks_chain *in)
{
	uint8_t split[KS_TLS_RECORD_HEADER_BYTES];
	const uint8_t *header;
	uint32_t n;

	if (in->len < KS_TLS_RECORD_HEADER_BYTES)
		return 0;
	header = ks_chain_front(in, &n);
	if (ks_likely(n >= KS_TLS_RECORD_HEADER_BYTES))
		return whole(header, in->len);
	ks_chain_peek(in, 0, split, sizeof(split));
	return whole(split, in->len);
}
