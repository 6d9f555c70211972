/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdio.h>

#include "clients.h"
#include "server.h"

struct report {
	const struct clients *clients;
	const struct server *server;
	struct clients_stats before; /**< what does not count any more */
	uint64_t opening_us;	     /**< from the first connection to all of them open */
	uint64_t us;		     /**< measured */
};

/** One JSON object on one line: what has happened since `before`. */
void report_print(FILE *out, const struct report *report);

#endif
