/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary buddy over one mapping. What is known of a block stands beside the blocks, never inside
 * them: whoever writes past the end of a body cannot reach it, and free memory can be poisoned
 * whole.
 *
 * The unit is KS_ARENA_MIN_BYTES; a block of order k has 2^k units and starts at a multiple of its
 * own size. `order` and `free` are kept at the first unit of each block.
 * Thread: the owner.
 */
#include <assert.h>
#include <errno.h>

#include "ks_arena.h"
#include "ks_counter.h"
#include "map.h"
#include "poison.h"

#define ORDERS 32
#define NONE UINT32_MAX

struct unit {
	uint32_t next;
	uint32_t prev;
	uint8_t order;
	bool first; /* of a block, free or not */
	bool free;
};

struct ks_arena {
	uint8_t *mem;
	struct unit *units;
	uint32_t nunits;
	uint32_t max_order;
	uint32_t avail; /* bit k: a free block of order k exists */
	uint32_t head[ORDERS];
	size_t used_bytes;
	size_t used_max_bytes;
	uint64_t refused;
	bool (*fail)(void *arg);
	void *fail_arg;
	const char *name;
	size_t map_bytes;
};

static inline size_t
order_bytes(uint32_t order)
{
	return (size_t)KS_ARENA_MIN_BYTES << order;
}

static inline uint8_t *
block_at(const struct ks_arena *arena, uint32_t index)
{
	return arena->mem + (size_t)index * KS_ARENA_MIN_BYTES;
}

/* Smallest order that holds `bytes`; above max_order when none does. */
static inline uint32_t
order_of(const struct ks_arena *arena, size_t bytes)
{
	if (bytes <= KS_ARENA_MIN_BYTES)
		return 0;
	if (bytes > order_bytes(arena->max_order))
		return arena->max_order + 1;
	return 64 - (uint32_t)__builtin_clzll((bytes - 1) / KS_ARENA_MIN_BYTES);
}

static void
list_push(struct ks_arena *arena, uint32_t index, uint32_t order)
{
	struct unit *unit = &arena->units[index];

	*unit = (struct unit){.next = arena->head[order],
			      .prev = NONE,
			      .order = (uint8_t)order,
			      .first = true,
			      .free = true};
	if (unit->next != NONE)
		arena->units[unit->next].prev = index;
	arena->head[order] = index;
	arena->avail |= 1u << order;
}

static void
list_remove(struct ks_arena *arena, uint32_t index)
{
	struct unit *unit = &arena->units[index];
	uint32_t order = unit->order;

	if (unit->prev != NONE)
		arena->units[unit->prev].next = unit->next;
	else
		arena->head[order] = unit->next;
	if (unit->next != NONE)
		arena->units[unit->next].prev = unit->prev;
	if (arena->head[order] == NONE)
		arena->avail &= ~(1u << order);
	unit->free = false;
}

static void
fill(struct ks_arena *arena)
{
	uint32_t step = 1u << arena->max_order;

	for (uint32_t order = 0; order < ORDERS; order++)
		arena->head[order] = NONE;
	/* From the end, so that the lowest addresses are handed out first. */
	for (uint32_t index = arena->nunits; index > 0; index -= step)
		list_push(arena, index - step, arena->max_order);
	ks_poison(arena->mem, (size_t)arena->nunits * KS_ARENA_MIN_BYTES);
}

struct ks_arena *
ks_arena_create(const char *name, size_t bytes, size_t max_block)
{
	bool power = max_block != 0 && (max_block & (max_block - 1)) == 0;

	if (bytes == 0 || !power || max_block < KS_ARENA_MIN_BYTES || bytes > SIZE_MAX / 4 ||
	    ks_map_round(bytes, max_block) / KS_ARENA_MIN_BYTES >= NONE) {
		errno = EINVAL;
		return NULL;
	}
	bytes = ks_map_round(bytes, max_block);

	uint32_t nunits = (uint32_t)(bytes / KS_ARENA_MIN_BYTES);
	size_t at_units = bytes + ks_map_round(sizeof(struct ks_arena), KS_MAP_ALIGN);
	size_t map_bytes = at_units + nunits * sizeof(struct unit);
	uint8_t *mem = ks_map_create(map_bytes);

	if (mem == NULL)
		return NULL;

	/* Blocks first: they keep the alignment of the mapping. */
	struct ks_arena *arena = (struct ks_arena *)(mem + bytes);

	arena->mem = mem;
	arena->units = (struct unit *)(mem + at_units);
	arena->nunits = nunits;
	arena->max_order = (uint32_t)__builtin_ctzll(max_block / KS_ARENA_MIN_BYTES);
	arena->name = name;
	arena->map_bytes = map_bytes;
	fill(arena);
	return arena;
}

void
ks_arena_destroy(struct ks_arena *arena)
{
	if (arena == NULL)
		return;
	ks_unpoison(arena->mem, (size_t)arena->nunits * KS_ARENA_MIN_BYTES);
	ks_map_destroy(arena->mem, arena->map_bytes);
}

static ks_cold void *
refuse(struct ks_arena *arena)
{
	ks_count(&arena->refused);
	return NULL;
}

/* Takes the smallest free block that is large enough and gives its upper halves back. */
static uint32_t
take(struct ks_arena *arena, uint32_t order)
{
	uint32_t have = (uint32_t)__builtin_ctz(arena->avail >> order << order);
	uint32_t index = arena->head[have];

	list_remove(arena, index);
	while (have > order) {
		have--;
		list_push(arena, index + (1u << have), have);
	}
	arena->units[index].order = (uint8_t)order;
	return index;
}

void *
ks_arena_alloc(struct ks_arena *arena, size_t bytes)
{
	uint32_t order = order_of(arena, bytes);

	if (bytes == 0 || order > arena->max_order || arena->avail >> order == 0)
		return refuse(arena);
	if (ks_unlikely(arena->fail != NULL) && arena->fail(arena->fail_arg))
		return refuse(arena);

	uint32_t index = take(arena, order);
	uint8_t *block = block_at(arena, index);

	arena->used_bytes += order_bytes(order);
	arena->used_max_bytes = KS_MAX(arena->used_max_bytes, arena->used_bytes);
	/* Under AddressSanitizer the unused rest of the block stays poisoned. */
	ks_unpoison(block, bytes);
	return block;
}

size_t
ks_arena_block_bytes(const struct ks_arena *arena, size_t bytes)
{
	uint32_t order = order_of(arena, bytes);

	return bytes == 0 || order > arena->max_order ? 0 : order_bytes(order);
}

static bool
is_free(const struct ks_arena *arena, uint32_t index, uint32_t order)
{
	const struct unit *unit = &arena->units[index];

	return unit->free && unit->order == order;
}

void
ks_arena_free(struct ks_arena *arena, void *block)
{
	if (block == NULL)
		return;

	size_t off = (size_t)((uint8_t *)block - arena->mem);
	uint32_t index = (uint32_t)(off / KS_ARENA_MIN_BYTES);

	assert(off % KS_ARENA_MIN_BYTES == 0 && off / KS_ARENA_MIN_BYTES < arena->nunits);
	assert(arena->units[index].first && !arena->units[index].free);

	uint32_t order = arena->units[index].order;

	arena->used_bytes -= order_bytes(order);
	ks_poison(block, order_bytes(order));
	while (order < arena->max_order && is_free(arena, index ^ (1u << order), order)) {
		uint32_t buddy = index ^ (1u << order);

		list_remove(arena, buddy);
		arena->units[KS_MAX(index, buddy)].first = false;
		index = KS_MIN(index, buddy);
		order++;
	}
	list_push(arena, index, order);
}

void
ks_arena_stats_get(const struct ks_arena *arena, struct ks_arena_stats *out)
{
	*out = (struct ks_arena_stats){
		.name = arena->name,
		.size_bytes = (size_t)arena->nunits * KS_ARENA_MIN_BYTES,
		.used_bytes = arena->used_bytes,
		.used_max_bytes = arena->used_max_bytes,
		.refused = ks_count_read(&arena->refused),
	};
}

void
ks_arena_fail_set(struct ks_arena *arena, bool (*fail)(void *arg), void *arg)
{
	arena->fail = fail;
	arena->fail_arg = arg;
}
