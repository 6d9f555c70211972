/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anonymous memory mappings. Pages are touched by their users only: a gateway sized for many
 * connections costs what its connections need, and the most-recently-used order of the pools keeps
 * that part small.
 * Thread: creation and destruction on the control core.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "map.h"

#define HUGE_BYTES ((size_t)2 << 20)

/* What munmap() gets must be what mmap() gave, so the surplus of an aligned mapping is cut off. */
static void *
map_aligned(size_t bytes)
{
	uint8_t *mem = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return NULL;

	uintptr_t start = ks_map_round((uintptr_t)mem, HUGE_BYTES);
	size_t before = start - (uintptr_t)mem;

	if (before > 0)
		munmap(mem, before);
	munmap((uint8_t *)start + bytes, HUGE_BYTES - before);
	return (void *)start;
}

void *
ks_map_create(size_t bytes)
{
	if (bytes == 0 || bytes > SIZE_MAX / 2) {
		errno = EINVAL;
		return NULL;
	}
	if (bytes < HUGE_BYTES) {
		void *mem = mmap(NULL, ks_map_round(bytes, 4096), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		return mem == MAP_FAILED ? NULL : mem;
	}
	bytes = ks_map_round(bytes, HUGE_BYTES);

	void *mem = map_aligned(bytes);

	/* Advice only: kernels without transparent huge pages refuse it and nothing is lost. */
	if (mem != NULL)
		(void)madvise(mem, bytes, MADV_HUGEPAGE);
	return mem;
}

void
ks_map_destroy(void *mem, size_t bytes)
{
	if (mem != NULL)
		munmap(mem, ks_map_round(bytes, bytes < HUGE_BYTES ? 4096 : HUGE_BYTES));
}
