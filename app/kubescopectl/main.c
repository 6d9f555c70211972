/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubescopectl: looks at a running gateway and commands it, over DPDK's telemetry socket.
 * Arguments, the table of commands, exit codes.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl.h"

#define DIRECTORY "/var/run/dpdk/kubescope"

struct command {
	const char *name;
	const char *params;
	int args_min, args_max;
	bool after, follow;	     /**< options that it takes */
	int (*run)(struct ctl *ctl); /**< NULL: a list, by its name */
	const char *help;
	bool (*arg_fits)(const char *arg); /**< NULL: any */
};

static bool
number_parse(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool
is_number(const char *arg)
{
	uint64_t number;

	return number_parse(arg, &number);
}

static bool
is_mode(const char *arg)
{
	return strcmp(arg, "learn") == 0 || strcmp(arg, "detect") == 0 ||
	       strcmp(arg, "enforce") == 0;
}

static bool
is_save(const char *arg)
{
	return strcmp(arg, "save") == 0;
}

static const struct command commands[] = {
	{"status", "", 0, 0, false, false, cmd_status, "mode, load, memory, profile"},
	{"alerts", "[--after ID] [--follow]", 0, 0, true, true, cmd_alerts, "what was abnormal"},
	{"alert", "ID", 1, 1, false, false, cmd_alert, "one alert with its reasons", is_number},
	{"calls", "", 0, 0, false, false, NULL, "API calls: how often, how abnormal"},
	{"principals", "", 0, 0, false, false, NULL, "who calls: how often, how abnormal"},
	{"connections", "", 0, 0, false, false, NULL, "a sample of what is connected"},
	{"exchanges", "[--after ID]", 0, 0, true, false, NULL, "the last requests"},
	{"stages", "", 0, 0, false, false, NULL, "where the data path's time goes"},
	{"links", "", 0, 0, false, false, NULL, "queues between the stages"},
	{"ports", "", 0, 0, false, false, NULL, "network ports"},
	{"counters", "", 0, 0, false, false, NULL, "every counter"},
	{"mode", "[learn|detect|enforce]", 0, 1, false, false, cmd_mode, "tell or set the mode",
	 is_mode},
	{"profile", "save", 1, 1, false, false, cmd_profile, "write what was learned to the disk",
	 is_save},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *f)
{
	fputs("usage: kubescopectl [-s DIR] [--json] COMMAND ...\n\n", f);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(f, "  %-11s %-24s %s\n", commands[i].name, commands[i].params,
			commands[i].help);
	fputs("\n  -s DIR   folder of the telemetry socket; else $KUBESCOPE_TELEMETRY_DIR,\n"
	      "           else " DIRECTORY "\n"
	      "  --json   for other programs\n\n"
	      "exit status: 0 done, 1 the gateway said no, 2 usage, 3 no gateway to be reached\n",
	      f);
}

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/** @return -1 to go on, else the exit status. */
static int
options_read(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},   {"after", required_argument, NULL, 'a'},
		{"follow", no_argument, NULL, 'f'}, {"socket-dir", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},   {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:h", options, NULL)) != -1) {
		if (c == 'j') {
			ctl->json = true;
		} else if (c == 'f') {
			ctl->follow = true;
		} else if (c == 's') {
			ctl->directory = optarg;
		} else if (c == 'h') {
			usage(stdout);
			return CTL_OK;
		} else if (c != 'a' || !number_parse(optarg, &ctl->after)) {
			if (c == 'a')
				fprintf(stderr, "kubescopectl: --after wants a number\n");
			return CTL_USAGE;
		}
	}
	ctl->args = argv + optind;
	return -1;
}

static void
terminal_read(struct ctl *ctl)
{
	const char *term = getenv("TERM"), *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (!isatty(STDOUT_FILENO))
		return;
	ctl->colour = getenv("NO_COLOR") == NULL && term != NULL && strcmp(term, "dumb") != 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		ctl->width = size.ws_col;
	else if (columns != NULL && number_parse(columns, &width) && width < 10000)
		ctl->width = (unsigned int)width;
}

static bool
arguments_fit(const struct ctl *ctl, const struct command *command)
{
	int n = 0;

	for (; ctl->args[n] != NULL; n++)
		if (command->arg_fits != NULL && !command->arg_fits(ctl->args[n]))
			return false;
	return n >= command->args_min && n <= command->args_max &&
	       (!ctl->follow || command->follow) && (ctl->after == 0 || command->after);
}

static int
command_run(struct ctl *ctl, const struct command *command)
{
	int rc = ctl_connect(ctl);

	if (rc == CTL_OK)
		rc = command->run != NULL ? command->run(ctl) : cmd_list(ctl, command->name);
	ctl_disconnect(ctl);
	return rc;
}

int
main(int argc, char **argv)
{
	static struct ctl ctl = {.socket = -1};
	const char *directory = getenv("KUBESCOPE_TELEMETRY_DIR");
	const struct command *command;
	int rc;

	ctl.directory = directory != NULL && *directory != '\0' ? directory : DIRECTORY;
	rc = options_read(&ctl, argc, argv);
	if (rc >= 0)
		return rc;
	command = ctl.args[0] == NULL ? NULL : command_find(ctl.args[0]);
	if (command == NULL) {
		usage(stderr);
		return CTL_USAGE;
	}
	ctl.args++;
	if (!arguments_fit(&ctl, command)) {
		fprintf(stderr, "usage: kubescopectl %s %s\n", command->name, command->params);
		return CTL_USAGE;
	}
	/* Writing to a closed pipe is an error of printf, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	terminal_read(&ctl);
	return command_run(&ctl, command);
}
