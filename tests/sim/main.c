/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ks-sim: runs whole worlds from seeds. A failing world is a seed number; --seed replays it, and
 * --replay runs each world twice to see that it is the same to the last frame.
 */
#include <getopt.h>
#include <inttypes.h>
#include <rte_eal.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

struct options {
	uint64_t first;
	uint32_t n;
	bool replay, verbose, trace;
};

static int
options_read(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"seeds", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 's'},
		{"replay", no_argument, NULL, 'r'},	 {"verbose", no_argument, NULL, 'v'},
		{"trace", no_argument, NULL, 't'},	 {NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){.first = 1, .n = 1};
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			o->n = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 's':
			o->first = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			o->replay = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 't':
			o->trace = true;
			break;
		default:
			fputs("usage: ks-sim [--seeds N] [--seed S] [--replay] [--verbose] "
			      "[--trace]\n",
			      stderr);
			return 2;
		}
	}
	return 0;
}

static int
eal_start(void)
{
	static char arg[][24] = {"ks-sim",   "--no-huge",	  "--no-shconf",
				 "--no-pci", "--no-telemetry",	  "-m",
				 "128",	     "--log-level=error", "--lcores=0"};
	char *argv[KS_ARRAY_SIZE(arg)];

	for (size_t i = 0; i < KS_ARRAY_SIZE(arg); i++)
		argv[i] = arg[i];
	return rte_eal_init(KS_ARRAY_SIZE(arg), argv) < 0 ? -1 : 0;
}

static void
world_print(uint64_t seed, const struct world_result *r)
{
	printf("seed %" PRIu64 ": %" PRIu64 " answers, %" PRIu64 " retried, %" PRIu64
	       " frames, %" PRIu64 " lost, %" PRIu64 " virtual ms, trace %016" PRIx64 "%s%s\n",
	       seed, r->answered, r->retried, r->frames, r->lost, r->virtual_us / 1000, r->trace,
	       r->failure[0] != '\0' ? ": FAILED: " : "", r->failure);
}

static bool
seed_run(struct cosmos *cosmos, uint64_t seed, const struct options *o)
{
	struct world_params params = {seed, o->trace};
	struct world_result result, again;

	world_run(cosmos, &params, &result);
	if (o->replay && result.failure[0] == '\0') {
		world_run(cosmos, &params, &again);
		if (again.trace != result.trace)
			snprintf(result.failure, sizeof(result.failure), "replay differs");
	}
	if (o->verbose || result.failure[0] != '\0')
		world_print(seed, &result);
	return result.failure[0] == '\0';
}

int
main(int argc, char **argv)
{
	struct cosmos cosmos;
	struct options o;
	uint32_t bad = 0;
	int rc = options_read(argc, argv, &o);

	if (rc != 0)
		return rc;
	if (eal_start() != 0 || cosmos_init(&cosmos) != 0) {
		fputs("ks-sim: cannot start\n", stderr);
		return 2;
	}
	for (uint32_t i = 0; i < o.n; i++) {
		bad += !seed_run(&cosmos, o.first + i, &o);
		if ((i + 1) % 500 == 0)
			fprintf(stderr, "ks-sim: %u of %u worlds, %u failed\n", i + 1, o.n, bad);
	}
	cosmos_fini(&cosmos);
	printf("sim: %u passed, %u failed\n", o.n - bad, bad);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
