/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of character classes.
 * Thread: constant.
 */
#include "http_scan.h"

#define T KS_HTTP_CHAR_TOKEN
#define P KS_HTTP_CHAR_PATH
#define H KS_HTTP_CHAR_HOST

const uint8_t ks_http_chars[256] = {
	['0' ... '9'] = T | P | H,
	['A' ... 'Z'] = T | P | H,
	['a' ... 'z'] = T | P | H,
	['-'] = T | P | H,
	['.'] = T | P | H,
	['_'] = T | P | H,
	['~'] = T | P | H,
	['!'] = T | P,
	['$'] = T | P,
	['%'] = T | P,
	['&'] = T | P,
	['\''] = T | P,
	['*'] = T | P,
	['+'] = T | P,
	['#'] = T,
	['^'] = T,
	['`'] = T,
	['|'] = T,
	['('] = P,
	[')'] = P,
	[','] = P,
	['/'] = P,
	[':'] = P,
	[';'] = P,
	['='] = P,
	['@'] = P,
};
