/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small codecs that several rooms need on the hot path, without heap: base64 both ways and percent
 * decoding. Sources: RFC 4648 sections 4 and 5, RFC 3986 section 2.1.
 * Thread: pure functions.
 */
#ifndef KS_CODEC_H
#define KS_CODEC_H

#include "ks_base.h"

/** Decodes base64 or base64url, with or without padding (both alphabets are taken).
 *  @return bytes written, -EBADMSG on a foreign character or impossible length, -E2BIG over cap. */
int ks_base64_decode(struct ks_str in, void *out, size_t cap);
/** Encodes base64url without padding. @return bytes written (no terminator) or -E2BIG. */
int ks_base64url_encode(const void *in, size_t len, char *out, size_t cap);
/** Decodes %XX; `plus` also turns '+' into a space (form data). A '%' without two hex digits is
 *  kept as it is and `*bad` is set. @return bytes written (never more than in.n), -E2BIG over cap.
 */
int ks_percent_decode(struct ks_str in, bool plus, void *out, size_t cap, bool *bad);

#endif
