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

/* One end of a flow as numbers: any order will do, as long as both directions see the same one. */
struct flow_end {
	uint64_t high;
	uint64_t low;
	uint64_t port;
};

static inline struct flow_end
end_of(const struct ks_addr *addr, rte_be16_t port)
{
	struct flow_end end = {.port = port};

	memcpy(&end.high, addr->b, sizeof(end.high));
	memcpy(&end.low, addr->b + 8, sizeof(end.low));
	return end;
}

static inline bool
comes_after(const struct flow_end *a, const struct flow_end *b)
{
	if (a->low != b->low)
		return a->low > b->low;
	if (a->high != b->high)
		return a->high > b->high;
	return a->port > b->port;
}

uint32_t
ks_steer_hash(const struct ks_tuple *tuple, uint32_t key)
{
	struct flow_end local = end_of(&tuple->local, tuple->local_port);
	struct flow_end remote = end_of(&tuple->remote, tuple->remote_port);
	bool swap = comes_after(&local, &remote);
	const struct flow_end *a = swap ? &remote : &local, *b = swap ? &local : &remote;
	/* A sum or XOR of the two ends would be symmetric too, but could be aimed. */
	uint64_t both[5] = {a->high, a->low, b->high, b->low, a->port << 16 | b->port};
	uint64_t hash = ks_hash64(key, both, sizeof(both));

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
