/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdio.h>

#include "clients.h"
#include "server.h"

/** One JSON object on one line: what has happened since `before`, over `us` microseconds. */
void report_print(FILE *out, const struct clients *clients, const struct clients_stats *before,
		  const struct server *server, uint64_t us);

#endif
