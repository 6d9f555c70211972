/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of key hashes, those of the innermost object on top. Small objects compare one by one;
 * the keys of a large one go into a table with linear probing as well. Keys leave in the reverse
 * order of their coming, so emptying a slot never breaks a probe: the table is then as it was
 * before the key came.
 *
 * Thread: the matcher's worker.
 */
#include "keys.h"

#define OBJECT_MIX 0x9e3779b97f4a7c15u

static uint32_t
slot_of(uint64_t hash)
{
	return (uint32_t)(hash >> 24) % MATCH_KEYS_SLOTS;
}

/* @return false when it is there already. */
static bool
table_put(struct match_keys *keys, uint64_t hash)
{
	uint32_t i = slot_of(hash);

	for (; keys->table[i] != 0; i = (i + 1) % MATCH_KEYS_SLOTS)
		if (keys->table[i] == hash)
			return false;
	keys->table[i] = hash;
	return true;
}

static void
table_take(struct match_keys *keys, uint64_t hash)
{
	uint32_t i = slot_of(hash);

	while (keys->table[i] != 0 && keys->table[i] != hash)
		i = (i + 1) % MATCH_KEYS_SLOTS;
	keys->table[i] = 0;
}

static ks_cold void
move_to_table(struct match_keys *keys, struct match_frame *frame)
{
	frame->tabled = true;
	for (uint32_t i = frame->keys_from; i < keys->n; i++)
		table_put(keys, keys->stack[i]);
}

static bool
on_stack(const struct match_keys *keys, uint32_t from, uint64_t hash)
{
	for (uint32_t i = from; i < keys->n; i++)
		if (keys->stack[i] == hash)
			return true;
	return false;
}

bool
ks_match_keys_add(struct ks_matcher *m, struct match_frame *frame, uint64_t hash)
{
	struct match_keys *keys = &m->keys;

	/* Two objects that are open at once begin at different places of the stack, or the outer
	 * one has no key yet. 0 is an empty slot. */
	hash = (hash ^ frame->keys_from * OBJECT_MIX) | 1;
	if (ks_unlikely(keys->n == MATCH_KEYS_MAX)) {
		ks_match_gap(m, GAP_KEYS);
		return false;
	}
	if (!frame->tabled && keys->n - frame->keys_from >= MATCH_KEYS_LINEAR)
		move_to_table(keys, frame);
	if (frame->tabled ? !table_put(keys, hash) : on_stack(keys, frame->keys_from, hash))
		return true;
	keys->stack[keys->n++] = hash;
	return false;
}

void
ks_match_keys_drop(struct match_keys *keys, uint32_t from, bool tabled)
{
	while (keys->n > from) {
		uint64_t hash = keys->stack[--keys->n];

		if (tabled)
			table_take(keys, hash);
	}
}
