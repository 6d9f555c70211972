/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to see: the lists and single views of the gateway, as tables.
 */
#ifndef KS_TELEMETRY_VIEWS_H
#define KS_TELEMETRY_VIEWS_H

#include "ks_control.h"
#include "tel_table.h"

/** A list of the control core's. */
struct tel_list {
	struct tel_table table;
	uint32_t page; /**< rows fetched at a time at most */
	bool by_id;    /**< the cursor is the last id known, else how many rows are skipped */
	size_t id;     /**< offset of the id in a row, with by_id */
	uint32_t (*fill)(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n);
};

extern const struct tel_list tel_stages, tel_links, tel_ports, tel_counters, tel_connections,
	tel_calls, tel_principals, tel_exchanges, tel_alerts;
extern const struct tel_table tel_info, tel_alert, tel_findings;

#endif
