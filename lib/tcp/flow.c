/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow table: open addressing with linear probing over 8-byte slots, one table for connections,
 * half-open entries and TIME-WAIT together, so that a segment for nothing costs one look-up too.
 *
 * Chosen over rte_hash because the tuple already stands in the first line of the object: a hit
 * costs one line of slots and the line that the receive path needs anyway, where rte_hash has a
 * bucket, a copy of the key and then the object; and a slot costs 16–32 bytes a flow at the load
 * kept here (at most one half) against 40 + 8 of key and bucket. It needs no EAL either.
 *
 * The hash is XXH3 with a secret 64-bit seed that no outsider ever sees a result of. Should
 * somebody find colliding tuples all the same, PROBE_MAX bounds what they cost: an entry that would
 * stand further from its place is refused.
 *
 * A slot is the object's address with 16 bits of hash above it and the kind below it: user space
 * ends at 2^47 here and objects are aligned to 64 bytes.
 * Thread: the owner.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "stack.h"

#define PROBE_MAX 128u
#define PREFETCH_PROBES 8u
#define PREFETCH_LINES 4u /* what header prediction and an acknowledgment touch of a connection */
#define TAG_SHIFT 48
#define KIND_MASK 3u
#define ADDR_MASK (((uint64_t)1 << TAG_SHIFT) - 1 - KIND_MASK)

static inline uint64_t
slot_make(const void *obj, enum ks_tcp_kind kind, uint64_t tag)
{
	return (uint64_t)(uintptr_t)obj | kind | tag << TAG_SHIFT;
}

static inline struct ks_tcp_flow *
slot_flow(uint64_t slot)
{
	return (struct ks_tcp_flow *)(uintptr_t)(slot & ADDR_MASK);
}

/* The place is taken from the low half of the hash, the tag from the high one. */
static inline uint64_t
tag_of(uint64_t hash)
{
	return hash >> TAG_SHIFT;
}

static inline bool
tuple_eq(const struct ks_tuple *a, const struct ks_tuple *b)
{
	uint64_t x[5], y[5];

	_Static_assert(sizeof(x) == sizeof(*a), "tuple");
	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
}

int
ks_tcp_flow_init(struct ks_tcp_flow_table *table, uint32_t max_flows, uint64_t seed)
{
	uint64_t n = 64;

	while (n < (uint64_t)max_flows * 2)
		n *= 2;
	if (n > (uint64_t)1 << 31)
		return -E2BIG;
	table->slots = aligned_alloc(64, n * sizeof(*table->slots));
	if (table->slots == NULL)
		return -ENOMEM;
	memset(table->slots, 0, n * sizeof(*table->slots));
	table->mask = (uint32_t)(n - 1);
	table->seed = seed;
	return 0;
}

void
ks_tcp_flow_fini(struct ks_tcp_flow_table *table)
{
	free(table->slots);
	table->slots = NULL;
}

uint64_t
ks_tcp_flow_hash(const struct ks_tcp_flow_table *table, const struct ks_tuple *tuple)
{
	return ks_hash64(table->seed, tuple, sizeof(*tuple));
}

void *
ks_tcp_flow_find(const struct ks_tcp_flow_table *table, const struct ks_tuple *tuple, uint64_t hash,
		 enum ks_tcp_kind *kind)
{
	uint32_t at = (uint32_t)hash & table->mask;

	for (uint32_t i = 0; i < PROBE_MAX; i++, at = (at + 1) & table->mask) {
		uint64_t slot = table->slots[at];

		if (slot == 0)
			break;
		if (slot >> TAG_SHIFT != tag_of(hash) || !tuple_eq(&slot_flow(slot)->tuple, tuple))
			continue;
		*kind = (enum ks_tcp_kind)(slot & KIND_MASK);
		return slot_flow(slot);
	}
	*kind = KS_TCP_KIND_NONE;
	return NULL;
}

void
ks_tcp_flow_prefetch_slot(const struct ks_tcp_flow_table *table, uint64_t hash)
{
	__builtin_prefetch(&table->slots[(uint32_t)hash & table->mask]);
}

/* The tag alone decides: it is right but for one in 65 536, and a wrong prefetch harms nobody. */
void
ks_tcp_flow_prefetch(const struct ks_tcp_flow_table *table, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & table->mask;

	for (uint32_t i = 0; i < PREFETCH_PROBES; i++, at = (at + 1) & table->mask) {
		uint64_t slot = table->slots[at];

		if (slot == 0)
			return;
		if (slot >> TAG_SHIFT != tag_of(hash))
			continue;
		for (uint32_t line = 0; line < PREFETCH_LINES; line++)
			__builtin_prefetch((const uint8_t *)slot_flow(slot) + 64 * line);
		return;
	}
}

int
ks_tcp_flow_add(struct ks_tcp_flow_table *table, void *obj, enum ks_tcp_kind kind)
{
	struct ks_tcp_flow *flow = obj;
	uint64_t hash = ks_tcp_flow_hash(table, &flow->tuple);
	uint32_t at = (uint32_t)hash & table->mask;

	assert(((uint64_t)(uintptr_t)obj & ~ADDR_MASK) == 0);
	flow->hash = (uint32_t)hash;
	for (uint32_t i = 0; i < PROBE_MAX; i++, at = (at + 1) & table->mask) {
		if (table->slots[at] != 0)
			continue;
		table->slots[at] = slot_make(obj, kind, tag_of(hash));
		return 0;
	}
	return -ENOSPC;
}

static uint32_t
find_object(const struct ks_tcp_flow_table *table, const struct ks_tcp_flow *flow)
{
	uint32_t at = flow->hash & table->mask;

	while (slot_flow(table->slots[at]) != flow) {
		assert(table->slots[at] != 0);
		at = (at + 1) & table->mask;
	}
	return at;
}

void
ks_tcp_flow_swap(struct ks_tcp_flow_table *table, const void *old, void *obj, enum ks_tcp_kind kind)
{
	const struct ks_tcp_flow *flow = old;
	uint64_t *slot = &table->slots[find_object(table, flow)];

	((struct ks_tcp_flow *)obj)->hash = flow->hash;
	*slot = slot_make(obj, kind, *slot >> TAG_SHIFT);
}

/* What follows moves up into the gap where that is nearer to its own place: no tombstones. */
void
ks_tcp_flow_del(struct ks_tcp_flow_table *table, const void *obj)
{
	uint32_t gap = find_object(table, obj);
	uint32_t at = gap;

	for (;;) {
		at = (at + 1) & table->mask;
		if (table->slots[at] == 0)
			break;

		uint32_t home = slot_flow(table->slots[at])->hash & table->mask;

		if (((at - home) & table->mask) < ((at - gap) & table->mask))
			continue;
		table->slots[gap] = table->slots[at];
		gap = at;
	}
	table->slots[gap] = 0;
}

void
ks_tcp_flow_each(const struct ks_tcp_flow_table *table, enum ks_tcp_kind kind,
		 void (*fn)(void *obj))
{
	for (uint64_t i = 0; i <= table->mask; i++)
		if (table->slots[i] != 0 && (table->slots[i] & KIND_MASK) == kind)
			fn(slot_flow(table->slots[i]));
}
