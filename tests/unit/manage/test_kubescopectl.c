/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real kubescopectl against DPDK's real socket with a made-up control core behind it: what it
 * prints for people and for programs, its exit status, and that hostile names stay harmless.
 */
#include <errno.h>
#include <jansson.h>
#include <rte_log.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_control.h"
#include "ks_telemetry.h"
#include "ks_test.h"

static struct ks_control control;
static const char *folder, *program;
static char output[1 << 22];

/** Runs it with stdout and stderr in `output`. @return its exit status. */
static int
ctl(const char *dir, const char *arguments)
{
	char command[512];
	size_t n = 0, got;
	int status;
	FILE *f;

	snprintf(command, sizeof(command), "%s -s %s %s 2>&1", program, dir, arguments);
	f = popen(command, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while ((got = fread(output + n, 1, sizeof(output) - 1 - n, f)) > 0)
		n += got;
	output[n] = '\0';
	status = pclose(f);
	CU_ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static json_t *
ctl_json(const char *arguments)
{
	json_error_t error;
	json_t *value;

	CU_ASSERT_EQUAL(ctl(folder, arguments), 0);
	value = json_loads(output, 0, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static json_int_t
int_of(const json_t *object, const char *key)
{
	CU_ASSERT_TRUE(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	CU_ASSERT_PTR_NOT_NULL(text);
	return text == NULL ? "" : text;
}

static void
test_status(void)
{
	json_t *status;

	fake_control_fill(&control);
	status = ctl_json("status --json");
	CU_ASSERT_STRING_EQUAL(text_of(status, "mode"), "detect");
	CU_ASSERT_EQUAL(int_of(status, "exchanges"), 1000);
	CU_ASSERT_EQUAL(int_of(status, "alerts"), 3);
	CU_ASSERT_EQUAL(int_of(status, "busy_ns"), 5000000);
	CU_ASSERT_EQUAL(int_of(status, "busy_ns_per_exchange"), 5000);
	CU_ASSERT_EQUAL(int_of(status, "connections"), 7);
	CU_ASSERT_EQUAL(int_of(status, "heap_allocated_bytes"), 1 << 20);
	CU_ASSERT_EQUAL(int_of(status, "profile_requests"), 900);
	CU_ASSERT_TRUE(json_is_false(json_object_get(status, "frozen")));
	json_decref(status);
	CU_ASSERT_EQUAL(ctl(folder, "status"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "mode         detect\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "up           1 d 02:03:04, version 0.1.0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "5.0 us of the data path's time each"));
	CU_ASSERT_PTR_NULL(strchr(output, '\033'));
}

static void
alert_check(const json_t *alert)
{
	const json_t *findings = json_object_get(alert, "findings");
	const json_t *first = json_array_get(findings, 0), *second = json_array_get(findings, 1);

	CU_ASSERT_EQUAL(json_object_size(alert), 11);
	CU_ASSERT_STRING_EQUAL(text_of(alert, "time"), "2023-11-14T22:13:20Z");
	CU_ASSERT_STRING_EQUAL(text_of(alert, "source"), "10.98.0.50");
	CU_ASSERT_STRING_EQUAL(text_of(alert, "principal"), "system:serviceaccount:shop:web");
	CU_ASSERT_STRING_EQUAL(text_of(alert, "call"), "list secrets -n kube-system");
	CU_ASSERT_STRING_EQUAL(text_of(alert, "verdict"), "block");
	CU_ASSERT_STRING_EQUAL(text_of(alert, "advice"), "block");
	CU_ASSERT_STRING_EQUAL(text_of(alert, "mode"), "enforce");
	CU_ASSERT_EQUAL(int_of(alert, "status"), 403);
	CU_ASSERT_EQUAL(int_of(alert, "score_db"), 134);
	CU_ASSERT_EQUAL(json_array_size(findings), 2);
	CU_ASSERT_EQUAL(json_object_size(first), 8);
	CU_ASSERT_STRING_EQUAL(text_of(first, "code"), "caller_new_call");
	CU_ASSERT_STRING_EQUAL(text_of(first, "family"), "unknown");
	CU_ASSERT_EQUAL(int_of(first, "db"), 41);
	CU_ASSERT_EQUAL(int_of(first, "seen"), 12331);
	CU_ASSERT_STRING_EQUAL(text_of(second, "observed"), "sqli-union-select");
	CU_ASSERT_STRING_EQUAL(text_of(second, "words"),
			       "SQL injection in query q: sqli-union-select: 93 dB");
}

static void
test_alerts(void)
{
	json_t *alerts, *alert;

	fake_control_fill(&control);
	alerts = ctl_json("alerts --json");
	CU_ASSERT_EQUAL(json_array_size(alerts), FAKE_ALERTS);
	for (size_t i = 0; i < json_array_size(alerts); i++)
		CU_ASSERT_EQUAL(int_of(json_array_get(alerts, i), "id"), 1001 + 2 * (json_int_t)i);
	alert_check(json_array_get(alerts, 0));
	json_decref(alerts);
	alerts = ctl_json("--json alerts --after 1395");
	CU_ASSERT_EQUAL(json_array_size(alerts), 2);
	json_decref(alerts);
	alerts = ctl_json("alerts --json --after 999999");
	CU_ASSERT_EQUAL(json_array_size(alerts), 0);
	json_decref(alerts);
	alert = ctl_json("alert 1001 --json");
	alert_check(alert);
	json_decref(alert);
	CU_ASSERT_EQUAL(ctl(folder, "alerts --after 1397"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "ID  TIME"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(output, "SQL injection in query q: sqli-union-select: 93 dB\n"));
	CU_ASSERT_EQUAL(ctl(folder, "alert 1003"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "  verdict     block\n"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(output, "\n  SQL injection in query q: sqli-union-select: 93 dB\n"));
}

/** U+FFFD for what is no UTF-8, the rest as it was. */
static void
text_expect(const char *raw, char *out)
{
	/* The only valid sequences in the hostile text are \xc3\xa4 and \xe2\x80\xae; texts are cut
	 * anywhere. */
	for (; *raw != '\0'; raw++) {
		size_t n = strncmp(raw, "\xc3\xa4", 2) == 0	  ? 2
			   : strncmp(raw, "\xe2\x80\xae", 3) == 0 ? 3
			   : (unsigned char)*raw < 0x80		  ? 1
								  : 0;

		if (n == 0) {
			memcpy(out, "\xef\xbf\xbd", 3);
			out += 3;
			continue;
		}
		memcpy(out, raw, n);
		out += n;
		raw += n - 1;
	}
	*out = '\0';
}

static void
test_hostile(void)
{
	static const char *const tables[] = {"alerts",	   "alert 1001",  "calls",
					     "principals", "connections", "exchanges"};
	char expected[4096];
	json_t *alerts, *findings;

	fake_control_fill_hostile(&control);
	alerts = ctl_json("alerts --json --after 1379");
	CU_ASSERT_EQUAL(json_array_size(alerts), 10);
	for (size_t i = 0; i < json_array_size(alerts); i++) {
		text_expect(control.alerts[190 + i].principal, expected);
		CU_ASSERT_STRING_EQUAL(text_of(json_array_get(alerts, i), "principal"), expected);
		text_expect(control.alerts[190 + i].call, expected);
		CU_ASSERT_STRING_EQUAL(text_of(json_array_get(alerts, i), "call"), expected);
		findings = json_object_get(json_array_get(alerts, i), "findings");
		CU_ASSERT_EQUAL(json_array_size(findings), KS_EXCHANGE_FINDINGS_MAX);
	}
	json_decref(alerts);
	for (size_t i = 0; i < KS_ARRAY_SIZE(tables); i++) {
		CU_ASSERT_EQUAL(ctl(folder, tables[i]), 0);
		CU_ASSERT_TRUE(strlen(output) > 200);
		for (const char *p = output; *p != '\0'; p++)
			CU_ASSERT_TRUE((unsigned char)*p >= ' ' || *p == '\n');
		CU_ASSERT_PTR_NULL(strstr(output, "\xe2\x80\xae"));
		CU_ASSERT_PTR_NULL(strchr(output, 0x7f));
	}
}

static void
test_lists(void)
{
	static const struct {
		const char *name, *key;
		uint32_t rows;
	} lists[] = {
		{"stages", "busy_ns", 1},
		{"links", "depth_max", 1},
		{"ports", "rx_packets", 1},
		{"counters", "value", FAKE_ROWS},
		{"connections", "age_s", FAKE_ROWS},
		{"calls", "requests", FAKE_ROWS},
		{"principals", "requests", FAKE_ROWS},
		{"exchanges", "duration_us", FAKE_ALERTS},
	};
	char arguments[64];

	fake_control_fill(&control);
	for (size_t i = 0; i < KS_ARRAY_SIZE(lists); i++) {
		json_t *rows;
		size_t lines = 0;

		snprintf(arguments, sizeof(arguments), "%s --json", lists[i].name);
		rows = ctl_json(arguments);
		CU_ASSERT_EQUAL(json_array_size(rows), lists[i].rows);
		int_of(json_array_get(rows, lists[i].rows - 1), lists[i].key);
		json_decref(rows);
		CU_ASSERT_EQUAL(ctl(folder, lists[i].name), 0);
		for (const char *p = output; *p != '\0'; p++)
			lines += *p == '\n';
		CU_ASSERT_EQUAL(lines, lists[i].rows + 1);
	}
}

static void
test_list_types(void)
{
	json_t *rows, *row;

	fake_control_fill(&control);
	rows = ctl_json("calls --json");
	row = json_array_get(rows, 5);
	CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(row, "rate_10s")), 1.5, 0.001);
	CU_ASSERT_EQUAL(int_of(row, "score_max_db"), -3);
	CU_ASSERT_STRING_EQUAL(text_of(row, "name"), "get v1 pods/5");
	json_decref(rows);
	rows = ctl_json("ports --json");
	CU_ASSERT_TRUE(json_is_true(json_object_get(json_array_get(rows, 0), "link_up")));
	json_decref(rows);
}

static void
test_mode_and_profile(void)
{
	fake_control_fill(&control);
	CU_ASSERT_EQUAL(ctl(folder, "mode"), 0);
	CU_ASSERT_STRING_EQUAL(output, "detect\n");
	setenv("SUDO_USER", "carol", 1);
	CU_ASSERT_EQUAL(ctl(folder, "mode enforce"), 0);
	CU_ASSERT_STRING_EQUAL(output, "enforce\n");
	CU_ASSERT_EQUAL(control.mode_asked, KS_MODE_ENFORCE);
	CU_ASSERT_STRING_EQUAL(control.who, "carol");
	CU_ASSERT_EQUAL(ctl(folder, "profile save"), 0);
	CU_ASSERT_EQUAL(control.saves, 1);
	control.save_result = -EROFS;
	CU_ASSERT_EQUAL(ctl(folder, "profile save"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "Read-only file system"));
}

static void
test_exit_codes(void)
{
	static const char *const usages[] = {"",
					     "nothing",
					     "alert",
					     "alert x",
					     "alert 1 2",
					     "mode off",
					     "status 1",
					     "profile",
					     "profile load",
					     "calls --follow",
					     "--after",
					     "--after x alerts",
					     "calls --after 5",
					     "--wrong status"};

	fake_control_fill(&control);
	for (size_t i = 0; i < KS_ARRAY_SIZE(usages); i++) {
		CU_ASSERT_EQUAL(ctl(folder, usages[i]), 2);
		CU_ASSERT_TRUE(strlen(output) > 10);
	}
	CU_ASSERT_EQUAL(ctl(folder, "alert 7"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "there is none"));
	CU_ASSERT_EQUAL(ctl("/tmp/ks-not-there", "status"), 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "does the gateway run?"));
	CU_ASSERT_EQUAL(ctl(folder, "--help"), 0);
	ks_telemetry_unregister();
	CU_ASSERT_EQUAL(ctl(folder, "status"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "starting or ending"));
	CU_ASSERT_EQUAL(ks_telemetry_register(&control), 0);
}

/** With --follow what is new comes as it happens, one object a line. */
static void
test_follow(void)
{
	char command[512], line[65536];
	json_error_t error;
	json_t *alert;
	FILE *f;

	fake_control_fill(&control);
	control.nalerts = 1;
	snprintf(command, sizeof(command), "exec timeout 20 %s -s %s alerts --follow --json",
		 program, folder);
	f = popen(command, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof(line), f));
		alert = json_loads(line, 0, &error);
		CU_ASSERT_PTR_NOT_NULL_FATAL(alert);
		CU_ASSERT_EQUAL(int_of(alert, "id"), 1001 + 2 * (json_int_t)i);
		json_decref(alert);
		control.nalerts = i + 2;
	}
	/* Closing the pipe ends it: its next line has no reader. */
	control.nalerts = FAKE_ALERTS;
	pclose(f);
}

static const struct ks_test tests[] = {
	KS_TEST(test_status),	  KS_TEST(test_alerts),	    KS_TEST(test_hostile),
	KS_TEST(test_lists),	  KS_TEST(test_list_types), KS_TEST(test_mode_and_profile),
	KS_TEST(test_exit_codes), KS_TEST(test_follow),
};

int
main(int argc, char **argv)
{
	int rc;

	program = argc > 1 ? argv[1] : "kubescopectl";
	folder = fake_eal_start();
	if (folder == NULL || ks_telemetry_register(&control) != 0) {
		fprintf(stderr, "no telemetry to test\n");
		return 1;
	}
	rte_log_set_level_pattern("kubescope.*", RTE_LOG_ERR);
	rc = ks_test_run("manage/kubescopectl", tests, KS_ARRAY_SIZE(tests));
	ks_telemetry_unregister();
	fake_eal_stop();
	return rc;
}
