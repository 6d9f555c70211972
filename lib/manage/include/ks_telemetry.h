/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway on DPDK's telemetry socket: /kubescope/...
 *
 * What a reply looks like (22.11: at most 16 KiB, containers hold one type, strings 127
 * characters): lists   {"next": C, "rows": N, "<column>": [...], ...}   one array a column, values
 * in row order. The parameter is where to begin (lists of records: the last id that is known);
 * `next` is the parameter of the next page, 0 at the end. single  {"<name>": value, ...} refused
 * {"error": "why"} Strings are printable ASCII; a backslash and every other byte stand as \xHH. One
 * that is longer than 127 characters goes on in <column>/1, <column>/2 ...: to be joined before
 * \xHH is resolved. Rates are in thousandths a second.
 *
 * Callbacks run on telemetry's own threads: they copy what the control core publishes and post
 * commands to it.
 */
#ifndef KS_TELEMETRY_H
#define KS_TELEMETRY_H

#include "ks_control.h"

/** Registers the commands; from now on they answer for `control`. EAL must run.
 *  @return 0 or -errno of rte_telemetry_register_cmd(). */
int ks_telemetry_register(struct ks_control *control);
/** Commands answer with an error from now on; waits for those under way. DPDK keeps the names. */
void ks_telemetry_unregister(void);

struct ks_telemetry_command {
	const char *name;   /**< "/kubescope/alert" */
	const char *params; /**< "ID[,FINDING]"; "" none */
	const char *help;
};
/** For documentation and tests. @return NULL past the end. */
const struct ks_telemetry_command *ks_telemetry_command_at(uint32_t i);

#endif
