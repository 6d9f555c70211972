/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pool of equal objects: a stack of free indices over one mapping.
 *
 * A handle is {generation, index}. The generation of an object is odd while it is handed out and
 * even while it is free, so that one comparison tells a live handle and 0 never is one. It has 38
 * bits: at a million lives of one object a second it comes round after three days, and a handle
 * would have to wait exactly that long.
 * Thread: the owner.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "ks_counter.h"
#include "ks_pool.h"
#include "map.h"
#include "poison.h"

#define INDEX_BITS 26
#define INDEX_MASK (((uint64_t)1 << INDEX_BITS) - 1)
#define GEN_MASK (UINT64_MAX >> INDEX_BITS)

struct ks_pool {
	uint8_t *objs;
	uint32_t *free; /* stack of free indices */
	uint64_t *gen;	/* by index */
	uint32_t nfree;
	uint32_t n;
	uint32_t stride64; /* distance of objects in units of 64 bytes */
	uint32_t shift;	   /* stride64 = odd << shift */
	uint64_t inverse;  /* of that odd factor modulo 2^64 */
	size_t obj_bytes;  /* as asked for */
	bool (*fail)(void *arg);
	void *fail_arg;
	uint32_t nfree_min;
	uint64_t empty;
	const char *name;
	size_t map_bytes;
};

/*
 * Objects stand at exact multiples of the stride, and an exact division by an odd number is a
 * multiplication by its inverse: 3 cycles instead of 20. A pointer that is no object gives an
 * index far out of range.
 */
static inline uint32_t
index_of(const struct ks_pool *pool, const void *obj)
{
	uint64_t units = (uint64_t)((const uint8_t *)obj - pool->objs) / KS_MAP_ALIGN;
	uint64_t index = (units >> pool->shift) * pool->inverse;

	assert(index < pool->n);
	return (uint32_t)index;
}

static inline void *
object_at(const struct ks_pool *pool, uint32_t index)
{
	return pool->objs + (size_t)index * pool->stride64 * KS_MAP_ALIGN;
}

/* Newton's iteration doubles the right bits each time; odd * odd is 1 modulo 8 to begin with. */
static void
set_divisor(struct ks_pool *pool, uint32_t stride64)
{
	uint64_t odd, inverse;

	pool->stride64 = stride64;
	pool->shift = (uint32_t)__builtin_ctz(stride64);
	odd = stride64 >> pool->shift;
	inverse = odd;
	for (int i = 0; i < 5; i++)
		inverse *= 2 - odd * inverse;
	pool->inverse = inverse;
}

static void
fill(struct ks_pool *pool)
{
	for (uint32_t i = 0; i < pool->n; i++)
		pool->free[i] = pool->n - 1 - i;
	pool->nfree = pool->n;
	pool->nfree_min = pool->n;
	ks_poison(pool->objs, (size_t)pool->n * pool->stride64 * KS_MAP_ALIGN);
}

struct ks_pool *
ks_pool_create(const char *name, uint32_t n, size_t size)
{
	if (n == 0 || n > INDEX_MASK || size == 0 || size > UINT32_MAX / 2) {
		errno = EINVAL;
		return NULL;
	}
	size_t stride = ks_map_round(size, KS_MAP_ALIGN) + KS_REDZONE_BYTES;
	size_t at_gen = ks_map_round(sizeof(struct ks_pool), KS_MAP_ALIGN);
	size_t at_free = at_gen + ks_map_round(n * sizeof(uint64_t), KS_MAP_ALIGN);
	size_t at_objs = at_free + ks_map_round(n * sizeof(uint32_t), KS_MAP_ALIGN);
	size_t bytes = at_objs + n * stride;
	struct ks_pool *pool = ks_map_create(bytes);

	if (pool == NULL)
		return NULL;
	pool->gen = (uint64_t *)((uint8_t *)pool + at_gen);
	pool->free = (uint32_t *)((uint8_t *)pool + at_free);
	pool->objs = (uint8_t *)pool + at_objs;
	pool->n = n;
	pool->obj_bytes = size;
	pool->name = name;
	pool->map_bytes = bytes;
	set_divisor(pool, (uint32_t)(stride / KS_MAP_ALIGN));
	fill(pool);
	return pool;
}

void
ks_pool_destroy(struct ks_pool *pool)
{
	if (pool == NULL)
		return;
	ks_unpoison(pool->objs, (size_t)pool->n * pool->stride64 * KS_MAP_ALIGN);
	ks_map_destroy(pool, pool->map_bytes);
}

static ks_cold void *
get_failed(struct ks_pool *pool)
{
	ks_count(&pool->empty);
	return NULL;
}

void *
ks_pool_get(struct ks_pool *pool)
{
	uint32_t index;
	void *obj;

	if (ks_unlikely(pool->nfree == 0))
		return get_failed(pool);
	if (ks_unlikely(pool->fail != NULL) && pool->fail(pool->fail_arg))
		return get_failed(pool);
	index = pool->free[--pool->nfree];
	if (pool->nfree < pool->nfree_min)
		pool->nfree_min = pool->nfree;
	pool->gen[index] = (pool->gen[index] + 1) & GEN_MASK;
	obj = object_at(pool, index);
	ks_unpoison(obj, pool->obj_bytes);
	return obj;
}

void
ks_pool_put(struct ks_pool *pool, void *obj)
{
	uint32_t index = index_of(pool, obj);

	assert(pool->gen[index] & 1);
	pool->gen[index] = (pool->gen[index] + 1) & GEN_MASK;
	pool->free[pool->nfree++] = index;
	ks_poison(obj, pool->obj_bytes);
}

ks_handle_t
ks_pool_handle(const struct ks_pool *pool, const void *obj)
{
	uint32_t index = index_of(pool, obj);

	return pool->gen[index] << INDEX_BITS | index;
}

void *
ks_pool_at(const struct ks_pool *pool, ks_handle_t handle)
{
	uint64_t index = handle & INDEX_MASK;
	uint64_t gen = handle >> INDEX_BITS;

	if (index >= pool->n || (gen & 1) == 0 || pool->gen[index] != gen)
		return NULL;
	return object_at(pool, (uint32_t)index);
}

void
ks_pool_stats_get(const struct ks_pool *pool, struct ks_pool_stats *out)
{
	*out = (struct ks_pool_stats){
		.name = pool->name,
		.size = pool->n,
		.used = pool->n - pool->nfree,
		.used_max = pool->n - pool->nfree_min,
		.obj_bytes = (uint32_t)ks_map_round(pool->obj_bytes, KS_MAP_ALIGN),
		.empty = ks_count_read(&pool->empty),
	};
}

uint32_t
ks_pool_free_count(const struct ks_pool *pool)
{
	return pool->nfree;
}

void
ks_pool_fail_set(struct ks_pool *pool, bool (*fail)(void *arg), void *arg)
{
	pool->fail = fail;
	pool->fail_arg = arg;
}
