/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control core's functions as the tests want them: they replace those of `pipeline` in the test
 * program.
 */
#include <errno.h>
#include <rte_eal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_control.h"

#define FAKE_LIST(function, type, field)                                                           \
	uint32_t function(struct ks_control *control, uint32_t skip, struct type *out, uint32_t n) \
	{                                                                                          \
		uint32_t have = control->n##field > skip ? control->n##field - skip : 0;           \
                                                                                                   \
		n = KS_MIN(n, have);                                                               \
		memcpy(out, control->field + skip, n * sizeof(*out));                              \
		return n;                                                                          \
	}

FAKE_LIST(ks_control_stages, ks_control_stage, stages)
FAKE_LIST(ks_control_links, ks_control_link, links)
FAKE_LIST(ks_control_ports, ks_control_port, ports)
FAKE_LIST(ks_control_counters, ks_control_counter, counters)
FAKE_LIST(ks_control_connections, ks_control_connection, connections)
FAKE_LIST(ks_control_calls, ks_control_row, calls)
FAKE_LIST(ks_control_principals, ks_control_row, principals)

void
ks_control_info_get(struct ks_control *control, struct ks_control_info *out)
{
	*out = control->info;
}

uint32_t
ks_control_alerts(struct ks_control *control, uint64_t after, struct ks_record *out, uint32_t n)
{
	uint32_t got = 0;

	for (uint32_t i = 0; i < control->nalerts && got < n; i++)
		if (control->alerts[i].id > after)
			out[got++] = control->alerts[i];
	return got;
}

uint32_t
ks_control_exchanges(struct ks_control *control, uint64_t after, struct ks_record *out, uint32_t n)
{
	return ks_control_alerts(control, after, out, n);
}

int
ks_control_alert(struct ks_control *control, uint64_t id, struct ks_record *out)
{
	for (uint32_t i = 0; i < control->nalerts; i++)
		if (control->alerts[i].id == id) {
			*out = control->alerts[i];
			return 0;
		}
	return -ENOENT;
}

int
ks_control_mode_set(struct ks_control *control, enum ks_mode mode, const char *who)
{
	control->info.mode = mode;
	control->mode_asked = mode;
	snprintf(control->who, sizeof(control->who), "%s", who);
	return 0;
}

int
ks_control_profile_save(struct ks_control *control, const char *who)
{
	control->saves++;
	snprintf(control->who, sizeof(control->who), "%s", who);
	return control->save_result;
}

static void
alert_fill(struct ks_record *alert, uint32_t i)
{
	alert->id = 1001 + 2 * i;
	alert->time_s = 1700000000 + i;
	ks_addr_parse("10.98.0.50", &alert->source);
	snprintf(alert->principal, sizeof(alert->principal), "system:serviceaccount:shop:web");
	snprintf(alert->call, sizeof(alert->call), "list secrets -n kube-system");
	alert->verdict = KS_VERDICT_BLOCK;
	alert->advice = KS_VERDICT_BLOCK;
	alert->mode = KS_MODE_ENFORCE;
	alert->status = 403;
	alert->score_db = 134;
	alert->proven = true;
	alert->nfindings = 2;
	alert->findings[0] = (struct ks_finding){.code = KS_FINDING_CALLER_NEW_CALL,
						 .db = 41,
						 .seen = 12331,
						 .where = "system:serviceaccount:shop:web",
						 .expected = "get configmaps"};
	alert->findings[1] = (struct ks_finding){.code = KS_FINDING_SIGNATURE,
						 .db = 93,
						 .certain = true,
						 .where = "query q",
						 .observed = "sqli-union-select",
						 .expected = "SQL injection"};
}

static void
machine_fill(struct ks_control *control)
{
	control->info = (struct ks_control_info){.version = "0.1.0",
						 .uptime_s = 93784,
						 .mode = KS_MODE_DETECT,
						 .lcores = 2,
						 .rules = 170,
						 .exchanges = 1000,
						 .alerts = 3,
						 .connections = 7,
						 .connections_max = 4096,
						 .busy_ns = 5000000,
						 .heap_allocated_bytes = 1 << 20,
						 .profile = {.requests = 900, .calls = 12}};
	control->stages[0] = (struct ks_control_stage){
		.name = "terminate0", .lcore = 1, .busy_ns = 1500000, .items = 5};
	control->nstages = 1;
	control->links[0] =
		(struct ks_control_link){.from = "rx0", .to = "terminate0", .size = 1024};
	control->nlinks = 1;
	control->ports[0] =
		(struct ks_control_port){.name = "cluster",
					 .mac = "02:00:00:98:00:02",
					 .mtu = 1500,
					 .caps = {.tx_ip_cksum = true},
					 .stats = {.rx_packets = UINT64_MAX, .link_up = true}};
	control->nports = 1;
}

void
fake_control_fill(struct ks_control *control)
{
	memset(control, 0, sizeof(*control));
	machine_fill(control);
	for (uint32_t i = 0; i < FAKE_ROWS; i++) {
		control->counters[i] = (struct ks_control_counter){"tcp", "retrans_segs",
								   "segments sent again", i};
		snprintf(control->connections[i].peer, 64, "10.98.0.1:%u", i);
		snprintf(control->calls[i].name, KS_PRINCIPAL_NAME_BYTES, "get v1 pods/%u", i);
		control->calls[i].requests = i;
		control->calls[i].rate_10s = 1.5;
		control->calls[i].score_max_db = -3;
		snprintf(control->principals[i].name, KS_PRINCIPAL_NAME_BYTES, "user-%u", i);
	}
	control->ncounters = control->nconnections = control->ncalls = FAKE_ROWS;
	control->nprincipals = FAKE_ROWS;
	for (uint32_t i = 0; i < FAKE_ALERTS; i++)
		alert_fill(&control->alerts[i], i);
	control->nalerts = FAKE_ALERTS;
}

static void
hostile_fill(char *text, size_t cap, uint32_t salt)
{
	static const char bytes[] =
		"\"\\\n\r\t\033[2J\x7f\x80\xff\xc3\xa4\xe2\x80\xae</script>\b'%s{},";

	for (size_t i = 0; i + 1 < cap; i++)
		text[i] = bytes[(i + salt) % (sizeof(bytes) - 1)];
	text[cap - 1] = '\0';
}

void
fake_control_fill_hostile(struct ks_control *control)
{
	fake_control_fill(control);
	for (uint32_t i = 0; i < FAKE_ROWS; i++) {
		hostile_fill(control->connections[i].peer, 64, i);
		hostile_fill(control->connections[i].principal, KS_PRINCIPAL_NAME_BYTES, i);
		hostile_fill(control->calls[i].name, KS_PRINCIPAL_NAME_BYTES, i);
		hostile_fill(control->principals[i].name, KS_PRINCIPAL_NAME_BYTES, i);
	}
	for (uint32_t i = 0; i < FAKE_ALERTS; i++) {
		struct ks_record *alert = &control->alerts[i];

		hostile_fill(alert->principal, sizeof(alert->principal), i);
		hostile_fill(alert->effective, sizeof(alert->effective), i);
		hostile_fill(alert->call, sizeof(alert->call), i);
		hostile_fill(alert->call_key, sizeof(alert->call_key), i);
		hostile_fill(alert->user_agent, sizeof(alert->user_agent), i);
		alert->nfindings = KS_EXCHANGE_FINDINGS_MAX;
		for (uint32_t k = 0; k < KS_EXCHANGE_FINDINGS_MAX; k++) {
			struct ks_finding *finding = &alert->findings[k];

			/* The last ones have codes that this version does not know. */
			finding->code = (uint8_t)(k < 20 ? k : KS_FINDING_MAX + k);
			finding->db = (int16_t)(100 + k);
			hostile_fill(finding->where, KS_FINDING_TEXT_BYTES, k);
			hostile_fill(finding->observed, KS_FINDING_TEXT_BYTES, k + 1);
			hostile_fill(finding->expected, KS_FINDING_TEXT_BYTES, k + 2);
		}
	}
}

static char runtime[64], socket_folder[128];

const char *
fake_eal_start(void)
{
	/* EAL reorders the array and cuts its texts. */
	char line[] = "test --no-huge --no-pci -m 64 -l 0 --file-prefix kst --log-level=error";
	char *args[16], *rest = line;
	int n = 0;

	while ((args[n] = strsep(&rest, " ")) != NULL)
		n++;
	strcpy(runtime, "/tmp/ks-telemetry-XXXXXX");
	if (mkdtemp(runtime) == NULL || setenv("RUNTIME_DIRECTORY", runtime, 1) != 0 ||
	    rte_eal_init(n, args) < 0)
		return NULL;
	snprintf(socket_folder, sizeof(socket_folder), "%s/dpdk/kst", runtime);
	return socket_folder;
}

void
fake_eal_stop(void)
{
	char command[128];

	rte_eal_cleanup();
	snprintf(command, sizeof(command), "rm -rf %s", runtime);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", runtime);
}
