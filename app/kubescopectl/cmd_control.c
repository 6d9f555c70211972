/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that change something: `mode` and `profile save`. The gateway logs them with the name
 * that is stated here; the socket itself knows nobody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static const char *
who(void)
{
	static char name[48];
	const char *user = getenv("SUDO_USER");

	if (user == NULL || *user == '\0')
		user = getenv("USER");
	if (user == NULL || *user == '\0' || strlen(user) >= sizeof(name))
		snprintf(name, sizeof(name), "uid-%u", (unsigned int)getuid());
	else
		snprintf(name, sizeof(name), "%s", user);
	return name;
}

int
cmd_mode(struct ctl *ctl)
{
	char params[80];
	json_t *reply, *mode;
	int rc;

	snprintf(params, sizeof(params), "%.16s,%s", ctl->args[0] == NULL ? "" : ctl->args[0],
		 who());
	rc = ctl_request(ctl, "/kubescope/mode", ctl->args[0] == NULL ? NULL : params, &reply);
	if (rc != CTL_OK)
		return rc;
	if (ctl->json)
		return ctl_json_print(reply);
	mode = json_object_get(reply, "mode");
	puts(json_is_string(mode) ? json_string_value(mode) : "?");
	json_decref(reply);
	return CTL_OK;
}

int
cmd_profile(struct ctl *ctl)
{
	json_t *reply;
	int rc;

	rc = ctl_request(ctl, "/kubescope/profile/save", who(), &reply);
	if (rc != CTL_OK)
		return rc;
	if (ctl->json)
		return ctl_json_print(reply);
	json_decref(reply);
	puts("the profile is saved");
	return CTL_OK;
}
