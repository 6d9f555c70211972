/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubescope: the daemon. Arguments, boot in order, the control core's loop, unwind in reverse.
 */
#include <errno.h>
#include <getopt.h>
#include <rte_eal.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "boot.h"
#include "ks_telemetry.h"

/** RECORD may wait this long for its turn; exchanges are plenty. */
#define CONTROL_SLEEP_MIN_US 200u
#define CONTROL_SLEEP_MAX_US 1000u

static volatile sig_atomic_t ending;

static void
on_signal(int number)
{
	(void)number;
	ending = 1;
}

static void
signals_set(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
control_loop(struct ks_gateway *gw)
{
	uint32_t sleep_us = CONTROL_SLEEP_MIN_US;
	struct ks_now now;

	while (!ending) {
		ks_now_read(&now);
		if (ks_gateway_control_turn(gw, &now) > 0)
			sleep_us = CONTROL_SLEEP_MIN_US;
		else
			sleep_us = KS_MIN(sleep_us * 2, CONTROL_SLEEP_MAX_US);
		usleep(sleep_us);
	}
}

void
boot_unwind(struct boot *boot)
{
	ks_gateway_destroy(boot->gateway);
	ks_profile_destroy(boot->profile);
	ks_store_close(boot->store);
	if (boot->eal)
		boot_ports_close(boot);
	ks_tls_ctx_destroy(boot->server_tls);
	for (int i = 0; i < KS_UPSTREAM_CLASSES; i++)
		ks_tls_ctx_destroy(boot->client_tls[i]);
	ks_match_db_destroy(boot->match);
	ks_rules_free(boot->rules);
	ks_config_free(boot->config);
	if (boot->eal)
		rte_eal_cleanup();
}

static int
serve(struct boot *boot)
{
	int rc = boot_eal(boot);

	if (rc == 0)
		rc = boot_ports(boot);
	if (rc == 0)
		rc = boot_store(boot);
	if (rc == 0)
		rc = boot_gateway(boot);
	if (rc == 0)
		rc = ks_telemetry_register(ks_gateway_control(boot->gateway));
	if (rc == 0)
		rc = ks_gateway_start(boot->gateway);
	if (rc != 0)
		return rc;
	fprintf(stderr, "kubescope: ready, mode %s\n",
		ks_mode_name(boot->config->services[0].mode));
	control_loop(boot->gateway);
	ks_telemetry_unregister();
	ks_gateway_stop(boot->gateway);
	return 0;
}

static int
check(const struct boot *boot)
{
	printf("%s: good; %u rules\n", boot->config->path, ks_match_db_rules(boot->match));
	sizing_print(boot->config);
	return 0;
}

static void
usage(FILE *out)
{
	fputs("usage: kubescope -c FILE [--check]\n"
	      "  -c FILE    configuration (libconfig)\n"
	      "  --check    read configuration, rules and certificates, say what fits, and end\n"
	      "  --sample   print every configuration key with its default and meaning\n"
	      "  --version\n",
	      out);
}

struct options {
	const char *config;
	bool check;
};

/** @return -1 to go on, else the exit status. */
static int
options_read(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
		{"sample", no_argument, NULL, 's'},	  {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 's':
			ks_config_schema_print(stdout);
			return 0;
		case 'v':
			puts("kubescope " KS_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (o->config != NULL && optind == argc)
		return -1;
	usage(stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	static struct boot boot;
	struct options options = {NULL, false};
	int rc = options_read(argc, argv, &options);

	if (rc >= 0)
		return rc;
	signals_set();
	rc = boot_config(&boot, options.config);
	if (rc == 0)
		rc = boot_profile(&boot);
	if (rc == 0)
		rc = boot_rules(&boot);
	if (rc == 0)
		rc = boot_tls(&boot);
	if (rc == 0)
		rc = options.check ? check(&boot) : serve(&boot);
	boot_unwind(&boot);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
