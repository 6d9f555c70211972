/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pool of equal objects, taken from one mapping at creation; nothing is allocated later.
 *
 * Thread: one owner; not safe to share. A handle may travel to other threads and back.
 * A free object is poisoned under AddressSanitizer. Objects are cache-line aligned and are
 * handed out most-recently-freed first. Content of an object from get() is undefined.
 */
#ifndef KS_POOL_H
#define KS_POOL_H

#include "ks_base.h"

struct ks_pool;

/** Names one life of one object: generation and index. 0 is never valid. */
typedef uint64_t ks_handle_t;

/**
 * Maps memory for `n` objects of `size` bytes.
 * @param name kept as a pointer; must outlive the pool.
 * @return NULL with errno set when memory cannot be had.
 */
struct ks_pool *ks_pool_create(const char *name, uint32_t n, size_t size);
void ks_pool_destroy(struct ks_pool *pool);

/** @return an object, or NULL when the pool is empty (counted). */
void *ks_pool_get(struct ks_pool *pool);
/** Gives the object back and ends its generation: handles to it become stale. */
void ks_pool_put(struct ks_pool *pool, void *obj);

ks_handle_t ks_pool_handle(const struct ks_pool *pool, const void *obj);
/** @return the object, or NULL when its life has ended or the handle is garbage. */
void *ks_pool_at(const struct ks_pool *pool, ks_handle_t handle);

struct ks_pool_stats {
	const char *name;
	uint32_t size;	    /**< objects in all */
	uint32_t used;	    /**< objects handed out now */
	uint32_t used_max;  /**< most ever handed out */
	uint32_t obj_bytes; /**< bytes of one object with its alignment */
	uint64_t empty;	    /**< get() calls that found nothing */
};
/** Plain reads: may be called from another thread for display, values may be a turn old. */
void ks_pool_stats_get(const struct ks_pool *pool, struct ks_pool_stats *out);
uint32_t ks_pool_free_count(const struct ks_pool *pool);

/**
 * Failure injection for tests and simulation: every get() asks `fail`; true means "empty".
 * NULL takes it away again.
 */
void ks_pool_fail_set(struct ks_pool *pool, bool (*fail)(void *arg), void *arg);

#endif
