/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Value of a hexadecimal digit, shared by the codecs.
 * Thread: pure function.
 */
#ifndef KS_BASE_HEX_H
#define KS_BASE_HEX_H

#include "ks_base.h"

/** @return 0–15, or -1 when `c` is no hexadecimal digit. */
static inline int
ks_hex_value(uint8_t c)
{
	uint8_t lower = c | 0x20;

	if (c >= '0' && c <= '9')
		return c - '0';
	if (lower >= 'a' && lower <= 'f')
		return lower - 'a' + 10;
	return -1;
}

#endif
