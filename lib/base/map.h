/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anonymous memory mappings of pools, arenas and wheels; the only place of `base` that asks the
 * system for memory.
 * Thread: creation and destruction on the control core.
 */
#ifndef KS_BASE_MAP_H
#define KS_BASE_MAP_H

#include "ks_base.h"

#define KS_MAP_ALIGN 64u

static inline size_t
ks_map_round(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/**
 * Zeroed memory, aligned to 2 MiB when it is that large, so that huge pages can back it.
 * @return NULL with errno set.
 */
void *ks_map_create(size_t bytes);
/** @param bytes as given to ks_map_create(). NULL is allowed. */
void ks_map_destroy(void *mem, size_t bytes);

#endif
