/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named counters. A room lists them once with an X-macro; the enumeration, the names and the
 * storage follow from it, so that every end of a packet, connection or exchange has one name.
 * Thread: one writer; any reader (relaxed, a turn old at most).
 */
#ifndef KS_COUNTER_H
#define KS_COUNTER_H

#include "ks_base.h"

struct ks_counter_desc {
	const char *name; /**< snake_case, the field's term */
	const char *help; /**< one sentence for operators */
};

#define KS_COUNTER_ENUM_ROW(PREFIX, ID, name, help) PREFIX##ID,
#define KS_COUNTER_DESC_ROW(PREFIX, ID, name, help) {name, help},

static inline void
ks_count_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void
ks_count(uint64_t *counter)
{
	ks_count_add(counter, 1);
}

static inline uint64_t
ks_count_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
