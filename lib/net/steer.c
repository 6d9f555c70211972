/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which worker a packet belongs to: by hash of its flow, or by the owner number that is coded in
 * our own local port (RFC 6056 leaves the choice of the range to us).
 * Thread: pure functions.
 */
#include "ks_hash.h"
#include "ks_iface.h"

#define PORT_FIRST 32768u
#define PORT_LAST 60999u
#define PORTS (PORT_LAST - PORT_FIRST + 1)

struct flow_end {
	struct ks_addr addr;
	rte_be16_t port;
} __attribute__((packed));

uint32_t
ks_steer_hash(const struct ks_tuple *tuple, uint32_t key)
{
	struct flow_end a = {tuple->local, tuple->local_port};
	struct flow_end b = {tuple->remote, tuple->remote_port};
	struct flow_end pair[2];
	bool swap = memcmp(&a, &b, sizeof(a)) > 0;
	uint64_t hash;

	/* In one order for both directions; a sum or XOR of the ends could be aimed. */
	pair[0] = swap ? b : a;
	pair[1] = swap ? a : b;
	hash = ks_hash64(key, pair, sizeof(pair));
	return (uint32_t)(hash ^ hash >> 32);
}

uint16_t
ks_steer_port_count(uint16_t nowners)
{
	return nowners == 0 ? 0 : (uint16_t)(PORTS / nowners);
}

uint16_t
ks_steer_port_first(uint16_t owner, uint16_t nowners)
{
	return (uint16_t)(PORT_FIRST + (uint32_t)owner * ks_steer_port_count(nowners));
}

uint16_t
ks_steer_port_owner(uint16_t port, uint16_t nowners)
{
	uint32_t count = ks_steer_port_count(nowners);
	uint32_t owner;

	if (port < PORT_FIRST || count == 0)
		return nowners;
	owner = (port - PORT_FIRST) / count;
	return owner < nowners ? (uint16_t)owner : nowners;
}
