/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses. One type holds both families: an IPv4 address is kept as IPv4-mapped IPv6
 * (RFC 4291 section 2.5.5.2), so tables, hashes and records know one form only.
 * Thread: plain values.
 */
#ifndef KS_ADDR_H
#define KS_ADDR_H

#include <rte_byteorder.h>

#include "ks_base.h"

struct ks_addr {
	uint8_t b[16];
};

#define KS_ADDR_TEXT_BYTES 46

struct ks_endpoint {
	struct ks_addr addr;
	rte_be16_t port;
};

/** A flow as its owner sees it. Compared and hashed as bytes: `zero` stays 0. */
struct ks_tuple {
	struct ks_addr local;
	struct ks_addr remote;
	rte_be16_t local_port;
	rte_be16_t remote_port;
	uint16_t iface; /**< index of the interface that the flow lives on */
	uint16_t zero;
};

#define KS_ADDR_V4_OFFSET 12u

static inline struct ks_addr
ks_addr_from_v4(rte_be32_t v4)
{
	struct ks_addr addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};

	memcpy(addr.b + KS_ADDR_V4_OFFSET, &v4, sizeof(v4));
	return addr;
}

static inline bool
ks_addr_is_v4(const struct ks_addr *addr)
{
	static const uint8_t prefix[KS_ADDR_V4_OFFSET] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr->b, prefix, sizeof(prefix)) == 0;
}

/** Of an address for which ks_addr_is_v4() holds. */
static inline rte_be32_t
ks_addr_v4(const struct ks_addr *addr)
{
	rte_be32_t v4;

	memcpy(&v4, addr->b + KS_ADDR_V4_OFFSET, sizeof(v4));
	return v4;
}

static inline bool
ks_addr_eq(const struct ks_addr *a, const struct ks_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/** Text form of either family (IPv4 dotted). @return 0 or -EINVAL. */
int ks_addr_parse(const char *text, struct ks_addr *out);
/** "10.0.0.1:6443" or "[fd00::1]:6443". @return 0 or -EINVAL. */
int ks_endpoint_parse(const char *text, struct ks_endpoint *out);
/** Writes at most KS_ADDR_TEXT_BYTES with terminator. @return `text`. */
const char *ks_addr_format(const struct ks_addr *addr, char text[KS_ADDR_TEXT_BYTES]);

#endif
