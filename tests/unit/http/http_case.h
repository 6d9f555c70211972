/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of heads share: limits, and parsing from an exact copy of the bytes, so that
 * AddressSanitizer sees any step outside.
 */
#ifndef HTTP_CASE_H
#define HTTP_CASE_H

#include <stdlib.h>

#include "ks_http.h"
#include "ks_test.h"

#define FIRST "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define END "\r\n"

/** Bytes of a literal with its length: NUL bytes may stand in it. */
#define BYTES(lit) (lit), sizeof(lit) - 1

static const struct ks_http_limits case_limits = {4096, 256, 16};

/** @return the parser's result; `head` stays valid until the copy is freed. */
static inline int
request_parse(const char *bytes, size_t len, struct ks_http_head *head, struct ks_http_error *err,
	      char **copy)
{
	*copy = malloc(len == 0 ? 1 : len);
	memcpy(*copy, bytes, len);
	return ks_http1_request_parse(*copy, (uint32_t)len, &case_limits, head, err);
}

#endif
