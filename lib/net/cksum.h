/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum (RFC 1071) for what the device does not check or fill in.
 * Thread: pure functions.
 */
#ifndef KS_NET_CKSUM_H
#define KS_NET_CKSUM_H

#include <rte_ip.h>

#include "ks_base.h"

/** Adds `len` bytes at `data`, which stand at an even place of the message, to a sum. */
uint64_t ks_cksum_add(uint64_t sum, const void *data, size_t len);

/** The 16-bit one's complement sum, not complemented, as it stands in memory. */
static inline uint16_t
ks_cksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/** Sum of the pseudo header (RFC 9293 section 3.1) of an IPv4 packet. */
static inline uint64_t
ks_cksum_pseudo_v4(const struct rte_ipv4_hdr *ip, uint16_t l4_bytes)
{
	return (uint64_t)ip->src_addr + ip->dst_addr +
	       rte_cpu_to_be_16((uint16_t)(ip->next_proto_id)) + rte_cpu_to_be_16(l4_bytes);
}

/** A message whose checksum field is right sums up to all ones. */
static inline bool
ks_cksum_is_right(uint64_t sum)
{
	return ks_cksum_fold(sum) == 0xffff;
}

#endif
