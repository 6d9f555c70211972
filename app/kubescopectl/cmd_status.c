/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `status`: the gateway in a few lines.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ctl.h"

int
ctl_json_print(json_t *value)
{
	int rc = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	putchar('\n');
	json_decref(value);
	return rc == 0 && fflush(stdout) == 0 ? CTL_OK : CTL_REFUSED;
}

static json_int_t
number(const json_t *info, const char *key)
{
	return json_integer_value(json_object_get(info, key));
}

static const char *
amount(const json_t *info, const char *key, enum ctl_kind kind, char out[CTL_CELL_BYTES])
{
	ctl_value_format(json_object_get(info, key), kind, out);
	return out;
}

static void
status_print(const struct ctl *ctl, const json_t *info)
{
	const char *mode = json_string_value(json_object_get(info, "mode"));
	char a[CTL_CELL_BYTES], b[CTL_CELL_BYTES];
	json_int_t exchanges = number(info, "exchanges"), up = number(info, "uptime_s");

	printf("mode         %s%s%s%s\n", ctl_colour(ctl, mode == NULL ? "" : mode),
	       mode == NULL ? "?" : mode, ctl_colour(ctl, "end"),
	       json_is_true(json_object_get(info, "frozen")) ? ", learns nothing" : "");
	printf("up           %" PRId64 " d %02" PRId64 ":%02" PRId64 ":%02" PRId64 ", version %s\n",
	       (int64_t)(up / 86400), (int64_t)(up / 3600 % 24), (int64_t)(up / 60 % 60),
	       (int64_t)(up % 60), amount(info, "version", CTL_TEXT, a));
	printf("exchanges    %" PRId64 ", %s of the data path's time each\n", (int64_t)exchanges,
	       (ctl_value_format(json_object_get(info, "busy_ns_per_exchange"), CTL_NS, a), a));
	printf("alerts       %" PRId64 " (%" PRId64 " records lost)\n",
	       (int64_t)number(info, "alerts"), (int64_t)number(info, "alerts_lost"));
	printf("connections  %" PRId64 " of %" PRId64 "\n", (int64_t)number(info, "connections"),
	       (int64_t)number(info, "connections_max"));
	printf("bodies       %s of %s\n", amount(info, "body_used_bytes", CTL_BYTES, a),
	       amount(info, "body_budget_bytes", CTL_BYTES, b));
	printf("profile      %" PRId64 " requests, %" PRId64 " calls, %" PRId64
	       " principals, %" PRId64 " fields, %s\n",
	       (int64_t)number(info, "profile_requests"), (int64_t)number(info, "profile_calls"),
	       (int64_t)number(info, "profile_principals"), (int64_t)number(info, "profile_fields"),
	       amount(info, "profile_bytes", CTL_BYTES, a));
	printf("rules        %" PRId64 ", on %" PRId64 " lcores\n", (int64_t)number(info, "rules"),
	       (int64_t)number(info, "lcores"));
	printf("heap         %s allocated, %s resident\n",
	       amount(info, "heap_allocated_bytes", CTL_BYTES, a),
	       amount(info, "heap_resident_bytes", CTL_BYTES, b));
}

int
cmd_status(struct ctl *ctl)
{
	json_t *reply, *info;
	json_int_t exchanges;
	int rc = ctl_request(ctl, "/kubescope/info", NULL, &reply);

	if (rc != CTL_OK)
		return rc;
	info = ctl_reply_object(reply);
	json_decref(reply);
	json_object_set_new(info, "frozen", json_boolean(number(info, "frozen") != 0));
	exchanges = number(info, "exchanges");
	json_object_set_new(info, "busy_ns_per_exchange",
			    json_integer(exchanges == 0 ? 0 : number(info, "busy_ns") / exchanges));
	if (ctl->json)
		return ctl_json_print(info);
	status_print(ctl, info);
	json_decref(info);
	return CTL_OK;
}
