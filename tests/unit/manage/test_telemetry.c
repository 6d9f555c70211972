/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands over DPDK's own socket: every reply is whole JSON within DPDK's limits, lists come
 * back complete over their pages, hostile texts come back byte for byte, malformed parameters are
 * refused.
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <rte_log.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_control.h"
#include "ks_telemetry.h"
#include "ks_test.h"

static struct ks_control control;
static const char *folder;

static int
client_open(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char greeting[1024];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk_telemetry.v2", folder);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    recv(fd, greeting, sizeof(greeting), 0) <= 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static json_t *
ask_on(int fd, const char *request)
{
	static __thread char reply[65536];
	json_t *whole, *value = NULL;
	json_error_t error;
	ssize_t n;

	CU_ASSERT_EQUAL(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	n = recv(fd, reply, sizeof(reply) - 1, 0);
	CU_ASSERT_TRUE_FATAL(n > 0 && n <= 16384);
	reply[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		CU_ASSERT_TRUE(reply[i] >= ' ' && reply[i] < 0x7f);
	whole = json_loads(reply, JSON_REJECT_DUPLICATES, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	CU_ASSERT_EQUAL(json_object_size(whole), 1);
	value = json_incref(json_object_iter_value(json_object_iter(whole)));
	json_decref(whole);
	return value;
}

static json_t *
ask(const char *request)
{
	int fd = client_open();
	json_t *value;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	value = ask_on(fd, request);
	close(fd);
	return value;
}

static json_int_t
number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	CU_ASSERT_TRUE(json_is_integer(value));
	return json_integer_value(value);
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	CU_ASSERT_PTR_NOT_NULL(text);
	return text == NULL ? "" : text;
}

/** Joins the pieces of a text and resolves \xHH; `row` -1 for a plain value. */
static void
text_join(const json_t *reply, const char *name, int row, char out[4096])
{
	char key[64], wire[16384] = "";
	size_t n = 0;

	for (int piece = 0;; piece++) {
		const json_t *value;

		snprintf(key, sizeof(key), piece == 0 ? "%s" : "%s/%d", name, piece);
		value = json_object_get(reply, key);
		if (row >= 0)
			value = json_array_get(value, (size_t)row);
		if (value == NULL)
			break;
		CU_ASSERT_TRUE(json_string_length(value) <= 127);
		strcat(wire, json_string_value(value));
	}
	for (const char *p = wire; *p != '\0'; n++) {
		unsigned int byte;

		if (*p == '\\' && sscanf(p, "\\x%2x", &byte) == 1) {
			out[n] = (char)byte;
			p += 4;
		} else {
			out[n] = *p++;
		}
	}
	out[n] = '\0';
}

static void
test_names_and_help(void)
{
	json_t *list = ask("/");
	uint32_t n = 0;

	for (; ks_telemetry_command_at(n) != NULL; n++) {
		const char *name = ks_telemetry_command_at(n)->name;
		bool found = false;
		size_t i;
		json_t *value;

		json_array_foreach(list, i, value) found =
			found || strcmp(json_string_value(value), name) == 0;
		CU_ASSERT_TRUE(found);
	}
	CU_ASSERT_EQUAL(n, 13);
	json_decref(list);
}

static void
test_info(void)
{
	json_t *info;

	fake_control_fill(&control);
	info = ask("/kubescope/info");
	CU_ASSERT_STRING_EQUAL(text_of(info, "version"), "0.1.0");
	CU_ASSERT_STRING_EQUAL(text_of(info, "mode"), "detect");
	CU_ASSERT_EQUAL(number_of(info, "uptime_s"), 93784);
	CU_ASSERT_EQUAL(number_of(info, "frozen"), 0);
	CU_ASSERT_EQUAL(number_of(info, "busy_ns"), 5000000);
	CU_ASSERT_EQUAL(number_of(info, "profile_requests"), 900);
	CU_ASSERT_EQUAL(number_of(info, "heap_allocated_bytes"), 1 << 20);
	json_decref(info);
}

static void
test_small_lists(void)
{
	json_t *reply;

	fake_control_fill(&control);
	reply = ask("/kubescope/stages");
	CU_ASSERT_EQUAL(number_of(reply, "rows"), 1);
	CU_ASSERT_EQUAL(number_of(reply, "next"), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(reply, "name"), 0)),
			       "terminate0");
	json_decref(reply);
	reply = ask("/kubescope/links");
	CU_ASSERT_EQUAL(number_of(reply, "rows"), 1);
	json_decref(reply);
	reply = ask("/kubescope/ports");
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_array_get(json_object_get(reply, "offloads"), 0)), "tx_ip");
	json_decref(reply);
	control.nlinks = 0;
	reply = ask("/kubescope/links,0");
	CU_ASSERT_EQUAL(number_of(reply, "rows"), 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(reply, "from")), 0);
	CU_ASSERT_TRUE(json_is_array(json_object_get(reply, "from")));
	json_decref(reply);
}

/** Walks all pages; every column has as many values as the page has rows. @return rows seen. */
static uint32_t
pages_walk(const char *command, uint32_t columns, uint32_t *pages)
{
	unsigned long long cursor = 0;
	uint32_t rows = 0;

	*pages = 0;
	do {
		char request[96];
		json_t *reply, *value;
		const char *key;
		uint32_t n = 0;

		snprintf(request, sizeof(request), "%s,%llu", command, cursor);
		reply = ask(request);
		json_object_foreach(reply, key, value)
		{
			if (!json_is_array(value))
				continue;
			n += strchr(key, '/') == NULL;
			CU_ASSERT_EQUAL((json_int_t)json_array_size(value),
					number_of(reply, "rows"));
		}
		CU_ASSERT_EQUAL(n, columns);
		CU_ASSERT_TRUE_FATAL(number_of(reply, "rows") > 0);
		rows += (uint32_t)number_of(reply, "rows");
		cursor = (unsigned long long)number_of(reply, "next");
		json_decref(reply);
		(*pages)++;
	} while (cursor != 0 && *pages < 1000);
	return rows;
}

static void
lists_walk(void)
{
	uint32_t pages;

	CU_ASSERT_EQUAL(pages_walk("/kubescope/counters", 4, &pages), FAKE_ROWS);
	CU_ASSERT_EQUAL(pages_walk("/kubescope/connections", 6, &pages), FAKE_ROWS);
	CU_ASSERT_TRUE(pages > 4);
	CU_ASSERT_EQUAL(pages_walk("/kubescope/calls", 9, &pages), FAKE_ROWS);
	CU_ASSERT_EQUAL(pages_walk("/kubescope/principals", 9, &pages), FAKE_ROWS);
	CU_ASSERT_EQUAL(pages_walk("/kubescope/alerts", 12, &pages), FAKE_ALERTS);
	CU_ASSERT_TRUE(pages > 4);
	CU_ASSERT_EQUAL(pages_walk("/kubescope/exchanges", 14, &pages), FAKE_ALERTS);
}

static void
test_pages(void)
{
	fake_control_fill(&control);
	lists_walk();
}

static void
test_pages_hostile(void)
{
	fake_control_fill_hostile(&control);
	lists_walk();
}

static void
test_page_boundary(void)
{
	json_t *reply;
	uint32_t pages;

	/* Exactly a page's rows: no empty page behind it. */
	fake_control_fill(&control);
	reply = ask("/kubescope/calls");
	control.ncalls = (uint32_t)number_of(reply, "rows");
	json_decref(reply);
	CU_ASSERT_EQUAL(pages_walk("/kubescope/calls", 9, &pages), control.ncalls);
	CU_ASSERT_EQUAL(pages, 1);
	control.ncalls++;
	CU_ASSERT_EQUAL(pages_walk("/kubescope/calls", 9, &pages), control.ncalls);
	CU_ASSERT_EQUAL(pages, 2);
}

static void
test_texts_come_back(void)
{
	char text[4096];
	json_t *reply;

	fake_control_fill_hostile(&control);
	reply = ask("/kubescope/principals,7");
	text_join(reply, "name", 0, text);
	CU_ASSERT_STRING_EQUAL(text, control.principals[7].name);
	text_join(reply, "name", 2, text);
	CU_ASSERT_STRING_EQUAL(text, control.principals[9].name);
	json_decref(reply);
}

static void
test_alert(void)
{
	char text[4096], words[1024];
	json_t *reply;

	fake_control_fill(&control);
	reply = ask("/kubescope/alert,1003");
	CU_ASSERT_EQUAL(number_of(reply, "id"), 1003);
	CU_ASSERT_EQUAL(number_of(reply, "time_s"), 1700000001);
	CU_ASSERT_STRING_EQUAL(text_of(reply, "source"), "10.98.0.50");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "verdict"), "block");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "mode"), "enforce");
	CU_ASSERT_EQUAL(number_of(reply, "score_db"), 134);
	CU_ASSERT_EQUAL(number_of(reply, "rows"), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(json_object_get(reply, "db"), 0)), 41);
	text_join(reply, "code", 1, text);
	CU_ASSERT_STRING_EQUAL(text, "signature");
	text_join(reply, "family", 0, text);
	CU_ASSERT_STRING_EQUAL(text, "unknown");
	text_join(reply, "words", 0, text);
	ks_finding_words(&control.alerts[1].findings[0], words, sizeof(words));
	CU_ASSERT_STRING_EQUAL(text, words);
	CU_ASSERT_TRUE(strlen(words) > 20);
	json_decref(reply);
}

static void
test_alert_hostile(void)
{
	uint32_t seen = 0, pages = 0;
	json_int_t next = 0;
	char text[4096];

	fake_control_fill_hostile(&control);
	do {
		char request[64];
		json_t *reply;

		snprintf(request, sizeof(request), "/kubescope/alert,1001,%d", (int)next);
		reply = ask(request);
		CU_ASSERT_TRUE_FATAL(number_of(reply, "rows") > 0);
		text_join(reply, "principal", -1, text);
		CU_ASSERT_STRING_EQUAL(text, control.alerts[0].principal);
		for (int i = 0; i < number_of(reply, "rows"); i++, seen++) {
			text_join(reply, "observed", i, text);
			CU_ASSERT_STRING_EQUAL(text, control.alerts[0].findings[seen].observed);
		}
		next = number_of(reply, "next");
		json_decref(reply);
	} while (next != 0 && ++pages < 100);
	CU_ASSERT_EQUAL(seen, KS_EXCHANGE_FINDINGS_MAX);
	CU_ASSERT_TRUE(pages > 1);
}

static void
test_refusals(void)
{
	static const char *const bad[] = {
		"/kubescope/alerts,x",	    "/kubescope/alerts,-1",
		"/kubescope/alerts,1x",	    "/kubescope/alerts,99999999999999999999999",
		"/kubescope/calls,1,2",	    "/kubescope/calls,4294967296",
		"/kubescope/alert,5",	    "/kubescope/alert,1001,x",
		"/kubescope/alert",	    "/kubescope/mode,off",
		"/kubescope/mode, enforce", "/kubescope/mode,enforceenforceenforce,me",
	};

	fake_control_fill(&control);
	for (size_t i = 0; i < KS_ARRAY_SIZE(bad); i++) {
		json_t *reply = ask(bad[i]);

		CU_ASSERT_EQUAL(json_object_size(reply), 1);
		CU_ASSERT_TRUE(strlen(text_of(reply, "error")) > 5);
		json_decref(reply);
	}
	CU_ASSERT_EQUAL(control.info.mode, KS_MODE_DETECT);
}

static void
test_mode(void)
{
	json_t *reply;

	fake_control_fill(&control);
	reply = ask("/kubescope/mode");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "mode"), "detect");
	json_decref(reply);
	reply = ask("/kubescope/mode,enforce,al\nice\033 x=\"1\"");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "mode"), "enforce");
	CU_ASSERT_EQUAL(control.mode_asked, KS_MODE_ENFORCE);
	CU_ASSERT_STRING_EQUAL(control.who, "al.ice..x=\"1\"");
	json_decref(reply);
	reply = ask("/kubescope/mode,learn");
	CU_ASSERT_STRING_EQUAL(control.who, "telemetry");
	json_decref(reply);
}

static void
test_profile_save(void)
{
	json_t *reply;

	fake_control_fill(&control);
	reply = ask("/kubescope/profile/save,bob");
	CU_ASSERT_EQUAL(number_of(reply, "saved"), 1);
	CU_ASSERT_EQUAL(control.saves, 1);
	CU_ASSERT_STRING_EQUAL(control.who, "bob");
	json_decref(reply);
	control.save_result = -ENOSPC;
	reply = ask("/kubescope/profile/save");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "error"), strerror(ENOSPC));
	json_decref(reply);
}

static void *
many_asks(void *arg)
{
	int fd = client_open();
	long *bad = arg;

	for (int i = 0; i < 20 && fd >= 0; i++) {
		json_t *reply = ask_on(fd, "/kubescope/alerts");

		*bad += json_object_get(reply, "rows") == NULL &&
			json_object_get(reply, "error") == NULL;
		json_decref(reply);
	}
	*bad += fd < 0;
	close(fd);
	return NULL;
}

static void
test_many_clients_and_the_end(void)
{
	pthread_t threads[6];
	long bad[6] = {0};
	json_t *reply;

	fake_control_fill(&control);
	for (int i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, many_asks, &bad[i]);
	ks_telemetry_unregister();
	reply = ask("/kubescope/info");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "error"), "the gateway is starting or ending");
	json_decref(reply);
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(bad[i], 0);
	}
	CU_ASSERT_EQUAL(ks_telemetry_register(&control), 0);
	reply = ask("/kubescope/info");
	CU_ASSERT_STRING_EQUAL(text_of(reply, "mode"), "detect");
	json_decref(reply);
}

static const struct ks_test tests[] = {
	KS_TEST(test_names_and_help),
	KS_TEST(test_info),
	KS_TEST(test_small_lists),
	KS_TEST(test_pages),
	KS_TEST(test_pages_hostile),
	KS_TEST(test_page_boundary),
	KS_TEST(test_texts_come_back),
	KS_TEST(test_alert),
	KS_TEST(test_alert_hostile),
	KS_TEST(test_refusals),
	KS_TEST(test_mode),
	KS_TEST(test_profile_save),
	KS_TEST(test_many_clients_and_the_end),
};

int
main(void)
{
	int rc;

	folder = fake_eal_start();
	if (folder == NULL || ks_telemetry_register(&control) != 0) {
		fprintf(stderr, "no telemetry to test\n");
		return 1;
	}
	/* Commands are logged at NOTICE, which here would only be noise. */
	rte_log_set_level_pattern("kubescope.*", RTE_LOG_ERR);
	rc = ks_test_run("manage/telemetry", tests, KS_ARRAY_SIZE(tests));
	ks_telemetry_unregister();
	fake_eal_stop();
	return rc;
}
