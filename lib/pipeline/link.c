/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links live in memory of their own, not in EAL's memzones: a process may hold many gateways
 * (simulation).
 */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int
link_init(struct link *link, const char *from, const char *to, uint32_t size)
{
	ssize_t bytes = rte_ring_get_memsize(size);

	memset(link, 0, sizeof(*link));
	if (bytes < 0)
		return (int)bytes;
	link->ring = aligned_alloc(RTE_CACHE_LINE_SIZE,
				   RTE_ALIGN_CEIL((size_t)bytes, RTE_CACHE_LINE_SIZE));
	if (link->ring == NULL)
		return -ENOMEM;
	if (rte_ring_init(link->ring, "link", size, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
		link_fini(link);
		return -EINVAL;
	}
	snprintf(link->from, sizeof(link->from), "%s", from);
	snprintf(link->to, sizeof(link->to), "%s", to);
	return 0;
}

void
link_fini(struct link *link)
{
	free(link->ring);
	link->ring = NULL;
}
