/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of every telemetry view, and where their rows come from.
 * Nothing secret can leave here: rows hold names, numbers and findings only (see ks_record.h).
 * Thread: telemetry's; the control core's functions copy.
 */
#include <stdio.h>

#include "telemetry_views.h"

#define TABLE(array, type)                                          \
	{                                                           \
		.columns = array, .ncolumns = KS_ARRAY_SIZE(array), \
		.row_bytes = sizeof(struct type)                    \
	}
#define COLUMN_UINT(s, column, field)                 \
	{                                             \
		column, TEL_UINT, TEL_FIELD(s, field) \
	}
#define COLUMN_TEXT(s, column, field)                 \
	{                                             \
		column, TEL_TEXT, TEL_FIELD(s, field) \
	}
#define COLUMN_MAKE(column, function)              \
	{                                          \
		column, TEL_MAKE, .make = function \
	}
#define MAKE_FUNCTION(function, type, format, ...)                    \
	static void function(const void *row, char *text, size_t cap) \
	{                                                             \
		const struct type *r = row;                           \
                                                                      \
		snprintf(text, cap, format, __VA_ARGS__);             \
	}

/* ---- info ---- */

MAKE_FUNCTION(info_version, ks_control_info, "%s", r->version)
MAKE_FUNCTION(info_mode, ks_control_info, "%s", ks_mode_name(r->mode))

static const struct tel_column info_columns[] = {
	COLUMN_MAKE("version", info_version),
	COLUMN_MAKE("mode", info_mode),
	COLUMN_UINT(ks_control_info, "uptime_s", uptime_s),
	COLUMN_UINT(ks_control_info, "frozen", frozen),
	COLUMN_UINT(ks_control_info, "lcores", lcores),
	COLUMN_UINT(ks_control_info, "rules", rules),
	COLUMN_UINT(ks_control_info, "exchanges", exchanges),
	COLUMN_UINT(ks_control_info, "alerts", alerts),
	COLUMN_UINT(ks_control_info, "alerts_lost", alerts_lost),
	COLUMN_UINT(ks_control_info, "connections", connections),
	COLUMN_UINT(ks_control_info, "connections_max", connections_max),
	COLUMN_UINT(ks_control_info, "busy_ns", busy_ns),
	COLUMN_UINT(ks_control_info, "turns", turns),
	COLUMN_UINT(ks_control_info, "idle_turns", idle_turns),
	COLUMN_UINT(ks_control_info, "body_budget_bytes", body_budget_bytes),
	COLUMN_UINT(ks_control_info, "body_used_bytes", body_used_bytes),
	COLUMN_UINT(ks_control_info, "profile_requests", profile.requests),
	COLUMN_UINT(ks_control_info, "profile_calls", profile.calls),
	COLUMN_UINT(ks_control_info, "profile_principals", profile.principals),
	COLUMN_UINT(ks_control_info, "profile_fields", profile.fields),
	COLUMN_UINT(ks_control_info, "profile_bytes", profile.bytes),
	COLUMN_UINT(ks_control_info, "heap_allocated_bytes", heap_allocated_bytes),
	COLUMN_UINT(ks_control_info, "heap_resident_bytes", heap_resident_bytes),
};
const struct tel_table tel_info = TABLE(info_columns, ks_control_info);

/* ---- the machinery ---- */

static const struct tel_column stage_columns[] = {
	COLUMN_TEXT(ks_control_stage, "name", name),
	COLUMN_UINT(ks_control_stage, "lcore", lcore),
	COLUMN_UINT(ks_control_stage, "busy_ns", busy_ns),
	COLUMN_UINT(ks_control_stage, "cycles", cycles),
	COLUMN_UINT(ks_control_stage, "turns", turns),
	COLUMN_UINT(ks_control_stage, "busy_turns", busy_turns),
	COLUMN_UINT(ks_control_stage, "items", items),
	COLUMN_UINT(ks_control_stage, "stalls", stalls),
};

static uint32_t
stages_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_stages(control, (uint32_t)cursor, rows, n);
}
const struct tel_list tel_stages = {
	.table = TABLE(stage_columns, ks_control_stage), .page = 64, .fill = stages_fill};

static const struct tel_column link_columns[] = {
	COLUMN_TEXT(ks_control_link, "from", from),
	COLUMN_TEXT(ks_control_link, "to", to),
	COLUMN_UINT(ks_control_link, "size", size),
	COLUMN_UINT(ks_control_link, "depth", depth),
	COLUMN_UINT(ks_control_link, "depth_max", depth_max),
	COLUMN_UINT(ks_control_link, "bursts", bursts),
	COLUMN_UINT(ks_control_link, "items", items),
	COLUMN_UINT(ks_control_link, "stalls", stalls),
};

static uint32_t
links_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_links(control, (uint32_t)cursor, rows, n);
}
const struct tel_list tel_links = {
	.table = TABLE(link_columns, ks_control_link), .page = 64, .fill = links_fill};

static void
port_offloads(const void *row, char *text, size_t cap)
{
	const struct ks_port_caps *caps = &((const struct ks_control_port *)row)->caps;
	const struct {
		const char *name;
		bool on;
	} offloads[] = {
		{"rx_ip", caps->rx_ip_cksum},	   {"rx_l4", caps->rx_l4_cksum},
		{"tx_ip", caps->tx_ip_cksum},	   {"tx_tcp", caps->tx_tcp_cksum},
		{"multi_seg", caps->tx_multi_seg},
	};
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < KS_ARRAY_SIZE(offloads) && used < cap; i++)
		if (offloads[i].on)
			used += (size_t)snprintf(text + used, cap - used, "%s%s",
						 used == 0 ? "" : " ", offloads[i].name);
}

static const struct tel_column port_columns[] = {
	COLUMN_TEXT(ks_control_port, "name", name),
	COLUMN_TEXT(ks_control_port, "mac", mac),
	COLUMN_UINT(ks_control_port, "mtu", mtu),
	COLUMN_UINT(ks_control_port, "link_up", stats.link_up),
	COLUMN_UINT(ks_control_port, "rx_packets", stats.rx_packets),
	COLUMN_UINT(ks_control_port, "rx_bytes", stats.rx_bytes),
	COLUMN_UINT(ks_control_port, "tx_packets", stats.tx_packets),
	COLUMN_UINT(ks_control_port, "tx_bytes", stats.tx_bytes),
	COLUMN_UINT(ks_control_port, "rx_missed", stats.rx_missed),
	COLUMN_UINT(ks_control_port, "rx_errors", stats.rx_errors),
	COLUMN_UINT(ks_control_port, "tx_errors", stats.tx_errors),
	COLUMN_UINT(ks_control_port, "rx_nombuf", stats.rx_nombuf),
	COLUMN_MAKE("offloads", port_offloads),
};

static uint32_t
ports_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_ports(control, (uint32_t)cursor, rows, n);
}
const struct tel_list tel_ports = {
	.table = TABLE(port_columns, ks_control_port), .page = 16, .fill = ports_fill};

MAKE_FUNCTION(counter_room, ks_control_counter, "%s", r->room)
MAKE_FUNCTION(counter_name, ks_control_counter, "%s", r->name)
MAKE_FUNCTION(counter_help, ks_control_counter, "%s", r->help)

static const struct tel_column counter_columns[] = {
	COLUMN_MAKE("room", counter_room),
	COLUMN_MAKE("name", counter_name),
	COLUMN_UINT(ks_control_counter, "value", value),
	COLUMN_MAKE("help", counter_help),
};

static uint32_t
counters_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_counters(control, (uint32_t)cursor, rows, n);
}
const struct tel_list tel_counters = {
	.table = TABLE(counter_columns, ks_control_counter), .page = 128, .fill = counters_fill};

/* ---- who talks ---- */

static const struct tel_column connection_columns[] = {
	COLUMN_TEXT(ks_control_connection, "peer", peer),
	COLUMN_TEXT(ks_control_connection, "principal", principal),
	COLUMN_TEXT(ks_control_connection, "state", state),
	COLUMN_TEXT(ks_control_connection, "tls", tls),
	COLUMN_UINT(ks_control_connection, "age_s", age_s),
	COLUMN_UINT(ks_control_connection, "exchanges", exchanges),
};

static uint32_t
connections_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_connections(control, (uint32_t)cursor, rows, n);
}
const struct tel_list tel_connections = {.table = TABLE(connection_columns, ks_control_connection),
					 .page = 64,
					 .fill = connections_fill};

MAKE_FUNCTION(row_rate, ks_control_row, "%.3f", r->rate_10s)

static const struct tel_column row_columns[] = {
	COLUMN_TEXT(ks_control_row, "name", name),
	COLUMN_UINT(ks_control_row, "requests", requests),
	COLUMN_MAKE("rate_10s", row_rate),
	COLUMN_UINT(ks_control_row, "flagged", flagged),
	COLUMN_UINT(ks_control_row, "throttled", throttled),
	COLUMN_UINT(ks_control_row, "blocked", blocked),
	COLUMN_UINT(ks_control_row, "errors", errors),
	COLUMN_UINT(ks_control_row, "last_s", last_s),
	{"score_max_db", TEL_INT, TEL_FIELD(ks_control_row, score_max_db)},
};

static uint32_t
calls_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_calls(control, (uint32_t)cursor, rows, n);
}
const struct tel_list tel_calls = {
	.table = TABLE(row_columns, ks_control_row), .page = 64, .fill = calls_fill};

static uint32_t
principals_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_principals(control, (uint32_t)cursor, rows, n);
}
const struct tel_list tel_principals = {
	.table = TABLE(row_columns, ks_control_row), .page = 64, .fill = principals_fill};

/* ---- what happened ---- */

static void
record_source(const void *row, char *text, size_t cap)
{
	const struct ks_record *record = row;
	char addr[KS_ADDR_TEXT_BYTES];

	snprintf(text, cap, "%s", ks_addr_format(&record->source, addr));
}

static void
record_reason(const void *row, char *text, size_t cap)
{
	const struct ks_record *record = row;
	const struct ks_finding *top = NULL;

	for (uint32_t i = 0; i < record->nfindings; i++)
		if (top == NULL || record->findings[i].db > top->db)
			top = &record->findings[i];
	if (top != NULL)
		ks_finding_words(top, text, cap);
}

MAKE_FUNCTION(record_verdict, ks_record, "%s", ks_verdict_name((enum ks_verdict)r->verdict))
MAKE_FUNCTION(record_advice, ks_record, "%s", ks_verdict_name((enum ks_verdict)r->advice))
MAKE_FUNCTION(record_mode, ks_record, "%s", ks_mode_name((enum ks_mode)r->mode))
MAKE_FUNCTION(record_end, ks_record, "%s", ks_exchange_end_name((enum ks_exchange_end)r->end))

#define RECORD_HEAD                                                                           \
	COLUMN_UINT(ks_record, "id", id), COLUMN_UINT(ks_record, "time_s", time_s),           \
		COLUMN_MAKE("source", record_source),                                         \
		COLUMN_TEXT(ks_record, "principal", principal),                               \
		COLUMN_TEXT(ks_record, "call", call), COLUMN_MAKE("verdict", record_verdict), \
		COLUMN_MAKE("advice", record_advice), COLUMN_MAKE("mode", record_mode),       \
		COLUMN_UINT(ks_record, "status", status),                                     \
	{                                                                                     \
		"score_db", TEL_INT, TEL_FIELD(ks_record, score_db)                           \
	}

static const struct tel_column alerts_columns[] = {
	RECORD_HEAD,
	COLUMN_UINT(ks_record, "findings", nfindings),
	COLUMN_MAKE("reason", record_reason),
};

static uint32_t
alerts_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_alerts(control, cursor, rows, n);
}
const struct tel_list tel_alerts = {.table = TABLE(alerts_columns, ks_record),
				    .page = 48,
				    .by_id = true,
				    .id = offsetof(struct ks_record, id),
				    .fill = alerts_fill};

static const struct tel_column exchanges_columns[] = {
	RECORD_HEAD,
	COLUMN_MAKE("end", record_end),
	COLUMN_UINT(ks_record, "request_bytes", request_bytes),
	COLUMN_UINT(ks_record, "response_bytes", response_bytes),
	COLUMN_UINT(ks_record, "duration_us", duration_us),
};

static uint32_t
exchanges_fill(struct ks_control *control, uint64_t cursor, void *rows, uint32_t n)
{
	return ks_control_exchanges(control, cursor, rows, n);
}
const struct tel_list tel_exchanges = {.table = TABLE(exchanges_columns, ks_record),
				       .page = 48,
				       .by_id = true,
				       .id = offsetof(struct ks_record, id),
				       .fill = exchanges_fill};

static const struct tel_column alert_columns[] = {
	RECORD_HEAD,
	COLUMN_MAKE("end", record_end),
	COLUMN_TEXT(ks_record, "effective", effective),
	COLUMN_TEXT(ks_record, "call_key", call_key),
	COLUMN_TEXT(ks_record, "user_agent", user_agent),
	COLUMN_UINT(ks_record, "proven", proven),
	COLUMN_UINT(ks_record, "request_bytes", request_bytes),
	COLUMN_UINT(ks_record, "response_bytes", response_bytes),
	COLUMN_UINT(ks_record, "duration_us", duration_us),
	COLUMN_UINT(ks_record, "findings", nfindings),
};
const struct tel_table tel_alert = TABLE(alert_columns, ks_record);

/** The table's row of a code; a record of a newer version may hold a code that we do not know. */
static const struct ks_finding_desc *
finding_desc(const struct ks_finding *finding)
{
	static const struct ks_finding_desc unknown = {.name = "unknown", .words = ""};

	return finding->code < KS_FINDING_MAX ? &ks_finding_desc[finding->code] : &unknown;
}

MAKE_FUNCTION(finding_code, ks_finding, "%s", finding_desc(r)->name)
MAKE_FUNCTION(finding_family, ks_finding, "%s",
	      ks_family_name((enum ks_family)finding_desc(r)->family))

static void
finding_words(const void *row, char *text, size_t cap)
{
	const struct ks_finding *finding = row;

	if (finding->code < KS_FINDING_MAX)
		ks_finding_words(finding, text, cap);
}

static const struct tel_column finding_columns[] = {
	COLUMN_MAKE("code", finding_code),
	COLUMN_MAKE("family", finding_family),
	COLUMN_TEXT(ks_finding, "where", where),
	COLUMN_TEXT(ks_finding, "observed", observed),
	COLUMN_TEXT(ks_finding, "expected", expected),
	COLUMN_MAKE("words", finding_words),
	{"db", TEL_INT, TEL_FIELD(ks_finding, db)},
	COLUMN_UINT(ks_finding, "seen", seen),
	COLUMN_UINT(ks_finding, "certain", certain),
};
const struct tel_table tel_findings = TABLE(finding_columns, ks_finding);
