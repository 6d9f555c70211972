/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands under /kubescope: one table says name, parameters, help and who answers.
 *
 * DPDK hands callbacks no argument of ours and cannot forget a command, so one pointer to the
 * control core stands here, under a lock that ks_telemetry_unregister() waits for. Thread:
 * telemetry's threads, several at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ks_log.h"
#include "ks_telemetry.h"
#include "telemetry_views.h"

KS_LOG_DEFINE(manage);

#define WHO_BYTES 64

struct tel_command {
	struct ks_telemetry_command public;
	const struct tel_list *list;
	/** Where there is no list. @return 0, or -errno that becomes an error reply. */
	int (*answer)(struct ks_control *control, const char *params, struct rte_tel_data *data);
};

static pthread_rwlock_t control_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct ks_control *control_now;
static bool registered;

/** A number up to `stop`; NULL and "" are 0. */
static int
number_read(const char *text, char stop, uint64_t *out, const char **rest)
{
	char *end;

	*out = 0;
	*rest = "";
	if (text == NULL || *text == '\0')
		return 0;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno != 0 || (*end != '\0' && *end != stop))
		return -EINVAL;
	*rest = *end == '\0' ? end : end + 1;
	return 0;
}

/* ---- lists ---- */

static uint64_t
list_next(const struct tel_list *list, const char *rows, uint32_t shown, uint64_t cursor)
{
	uint64_t id;

	if (!list->by_id || shown == 0)
		return cursor + shown;
	memcpy(&id, rows + (shown - 1) * list->table.row_bytes + list->id, sizeof(id));
	return id;
}

static int
page_put(const struct tel_list *list, const void *rows, uint32_t n, uint64_t cursor,
	 struct rte_tel_data *data)
{
	uint32_t shown = tel_table_fit(&list->table, rows, KS_MIN(n, list->page), 64);
	int rc = rte_tel_data_start_dict(data);

	if (rc == 0)
		rc = rte_tel_data_add_dict_u64(
			data, "next", shown < n ? list_next(list, rows, shown, cursor) : 0);
	if (rc == 0)
		rc = rte_tel_data_add_dict_u64(data, "rows", shown);
	return rc == 0 ? tel_table_put(data, &list->table, rows, shown) : rc;
}

static int
list_answer(const struct tel_list *list, struct ks_control *control, const char *params,
	    struct rte_tel_data *data)
{
	const char *rest;
	uint64_t cursor;
	void *rows;
	uint32_t n;
	int rc;

	if (number_read(params, '\0', &cursor, &rest) != 0)
		return -EINVAL;
	if (!list->by_id && cursor > UINT32_MAX)
		return -ERANGE;
	/* One row more than a page shows tells whether there is a next page. */
	rows = calloc(list->page + 1, list->table.row_bytes);
	if (rows == NULL)
		return -ENOMEM;
	n = list->fill(control, cursor, rows, list->page + 1);
	rc = page_put(list, rows, n, cursor, data);
	free(rows);
	return rc;
}

/* ---- single views and commands ---- */

static int
info_answer(struct ks_control *control, const char *params, struct rte_tel_data *data)
{
	struct ks_control_info info;
	int rc = rte_tel_data_start_dict(data);

	memset(&info, 0, sizeof(info));
	ks_control_info_get(control, &info);
	return rc == 0 ? tel_row_put(data, &tel_info, &info) : rc;
}

static int
alert_put(const struct ks_record *record, uint64_t skip, struct rte_tel_data *data)
{
	uint32_t first = (uint32_t)KS_MIN(skip, (uint64_t)record->nfindings);
	uint32_t n = record->nfindings - first;
	const struct ks_finding *rows = &record->findings[first];
	uint32_t shown =
		tel_table_fit(&tel_findings, rows, n, tel_row_bytes(&tel_alert, record) + 64);
	int rc = rte_tel_data_start_dict(data);

	if (rc == 0)
		rc = tel_row_put(data, &tel_alert, record);
	if (rc == 0)
		rc = rte_tel_data_add_dict_u64(data, "next", shown < n ? first + shown : 0);
	if (rc == 0)
		rc = rte_tel_data_add_dict_u64(data, "rows", shown);
	return rc == 0 ? tel_table_put(data, &tel_findings, rows, shown) : rc;
}

static int
alert_answer(struct ks_control *control, const char *params, struct rte_tel_data *data)
{
	struct ks_record *record;
	uint64_t id, skip;
	const char *rest;
	int rc;

	if (number_read(params, ',', &id, &rest) != 0 || number_read(rest, '\0', &skip, &rest) != 0)
		return -EINVAL;
	record = calloc(1, sizeof(*record));
	if (record == NULL)
		return -ENOMEM;
	rc = ks_control_alert(control, id, record);
	if (rc == 0)
		rc = alert_put(record, skip, data);
	free(record);
	return rc;
}

/** The client's name goes to the log: printable, bounded. */
static void
who_read(const char *text, char who[WHO_BYTES])
{
	size_t n;

	snprintf(who, WHO_BYTES, "%s", text == NULL || *text == '\0' ? "telemetry" : text);
	n = strlen(who);
	for (size_t i = 0; i < n; i++)
		if (who[i] <= ' ' || who[i] >= 0x7f)
			who[i] = '.';
}

static int
mode_change(struct ks_control *control, const char *params)
{
	const char *comma = strchr(params, ',');
	char name[16], who[WHO_BYTES];
	enum ks_mode mode;
	size_t n = comma == NULL ? strlen(params) : (size_t)(comma - params);

	if (n >= sizeof(name))
		return -EINVAL;
	memcpy(name, params, n);
	name[n] = '\0';
	if (ks_mode_parse(name, &mode) != 0)
		return -EINVAL;
	who_read(comma == NULL ? NULL : comma + 1, who);
	KS_LOG(manage, NOTICE, "mode_command mode=%s who=%s", name, who);
	return ks_control_mode_set(control, mode, who);
}

static int
mode_answer(struct ks_control *control, const char *params, struct rte_tel_data *data)
{
	struct ks_control_info info;
	int rc = params == NULL || *params == '\0' ? 0 : mode_change(control, params);

	if (rc != 0)
		return rc;
	memset(&info, 0, sizeof(info));
	ks_control_info_get(control, &info);
	rc = rte_tel_data_start_dict(data);
	return rc == 0 ? rte_tel_data_add_dict_string(data, "mode", ks_mode_name(info.mode)) : rc;
}

static int
save_answer(struct ks_control *control, const char *params, struct rte_tel_data *data)
{
	char who[WHO_BYTES];
	int rc;

	who_read(params, who);
	KS_LOG(manage, NOTICE, "profile_save_command who=%s", who);
	rc = ks_control_profile_save(control, who);
	if (rc == 0)
		rc = rte_tel_data_start_dict(data);
	return rc == 0 ? rte_tel_data_add_dict_int(data, "saved", 1) : rc;
}

/* ---- the table ---- */

static const struct tel_command commands[] = {
	{{"/kubescope/info", "", "Version, mode, load, memory, profile"}, NULL, info_answer},
	{{"/kubescope/stages", "[SKIP]", "Stages: lcore, time, work. [SKIP]"}, &tel_stages},
	{{"/kubescope/links", "[SKIP]", "Links between stages: depth, stalls. [SKIP]"}, &tel_links},
	{{"/kubescope/ports", "[SKIP]", "Ports: packets, bytes, errors. [SKIP]"}, &tel_ports},
	{{"/kubescope/counters", "[SKIP]", "Counters of all rooms. [SKIP]"}, &tel_counters},
	{{"/kubescope/connections", "[SKIP]", "A sample of connections. [SKIP]"}, &tel_connections},
	{{"/kubescope/calls", "[SKIP]", "API calls and how often. [SKIP]"}, &tel_calls},
	{{"/kubescope/principals", "[SKIP]", "Who calls and how often. [SKIP]"}, &tel_principals},
	{{"/kubescope/exchanges", "[AFTER]", "The last exchanges. [AFTER id]"}, &tel_exchanges},
	{{"/kubescope/alerts", "[AFTER]", "Alerts, oldest first. [AFTER id]"}, &tel_alerts},
	{{"/kubescope/alert", "ID[,SKIP]", "One alert with its findings. ID[,SKIP]"},
	 NULL,
	 alert_answer},
	{{"/kubescope/mode", "[learn|detect|enforce[,WHO]]",
	  "Tells or sets the mode. [MODE[,WHO]]"},
	 NULL,
	 mode_answer},
	{{"/kubescope/profile/save", "[WHO]", "Saves the profile now. [WHO]"}, NULL, save_answer},
};

const struct ks_telemetry_command *
ks_telemetry_command_at(uint32_t i)
{
	return i < KS_ARRAY_SIZE(commands) ? &commands[i].public : NULL;
}

static const char *
error_words(int rc)
{
	switch (rc) {
	case -EINVAL:
		return "malformed parameter";
	case -ENOENT:
		return "there is none";
	case -ESHUTDOWN:
		return "the gateway is starting or ending";
	default:
		return strerror(-rc);
	}
}

static int
command_answer(const char *name, const char *params, struct rte_tel_data *data)
{
	if (control_now == NULL)
		return -ESHUTDOWN;
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(commands); i++) {
		const struct tel_command *command = &commands[i];

		if (strcmp(command->public.name, name) != 0)
			continue;
		if (command->list != NULL)
			return list_answer(command->list, control_now, params, data);
		return command->answer(control_now, params, data);
	}
	return -ENOENT;
}

static int
command_callback(const char *name, const char *params, struct rte_tel_data *data)
{
	int rc;

	pthread_rwlock_rdlock(&control_lock);
	rc = command_answer(name, params, data);
	pthread_rwlock_unlock(&control_lock);
	if (rc == 0)
		return 0;
	if (rte_tel_data_start_dict(data) != 0)
		return -1;
	return rte_tel_data_add_dict_string(data, "error", error_words(rc)) == 0 ? 0 : -1;
}

int
ks_telemetry_register(struct ks_control *control)
{
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(commands) && !registered; i++) {
		int rc = rte_telemetry_register_cmd(commands[i].public.name, command_callback,
						    commands[i].public.help);

		if (rc != 0)
			return rc;
	}
	registered = true;
	pthread_rwlock_wrlock(&control_lock);
	control_now = control;
	pthread_rwlock_unlock(&control_lock);
	return 0;
}

void
ks_telemetry_unregister(void)
{
	pthread_rwlock_wrlock(&control_lock);
	control_now = NULL;
	pthread_rwlock_unlock(&control_lock);
}
