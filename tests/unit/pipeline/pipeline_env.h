/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the pipeline share: EAL with six lcores on whatever CPUs there are, a few rules,
 * and a gateway without wires.
 */
#ifndef TEST_PIPELINE_ENV_H
#define TEST_PIPELINE_ENV_H

#include <rte_eal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ks_gateway.h"
#include "ks_test.h"

#define ENV_SEED 7u
#define ENV_LCORES 6u

static inline int
env_eal_start(void)
{
	static char arg[][128] = {"test",     "--no-huge",	   "--no-shconf",
				  "--no-pci", "--no-telemetry",	   "-m",
				  "64",	      "--log-level=error", ""};
	char *lcores = arg[KS_ARRAY_SIZE(arg) - 1], *argv[KS_ARRAY_SIZE(arg)];
	long last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	int n = snprintf(lcores, sizeof(arg[0]), "--lcores=0@0");

	for (unsigned int i = 1; i < ENV_LCORES; i++)
		n += snprintf(lcores + n, sizeof(arg[0]) - n, ",%u@%ld", i, i % 2 ? 0 : last);
	for (size_t i = 0; i < KS_ARRAY_SIZE(arg); i++)
		argv[i] = arg[i];
	return rte_eal_init(KS_ARRAY_SIZE(argv), argv) < 0 ? -1 : 0;
}

static inline struct ks_match_db *
env_rules(void)
{
	static const struct ks_match_rule rules[] = {
		{.id = "sqli-union",
		 .class = KS_MATCH_SQLI,
		 .db = 95,
		 .block = true,
		 .where = KS_WHERE_PATH | KS_WHERE_QUERY | KS_WHERE_BODY,
		 .caseless = true,
		 .pattern = "union\\s+select",
		 .words = "a query joined on",
		 .file = "t",
		 .line = 1},
		{.id = "shell-substitution",
		 .class = KS_MATCH_SHELL,
		 .db = 95,
		 .block = true,
		 .where = KS_WHERE_QUERY | KS_WHERE_BODY,
		 .pattern = "\\$\\(wget",
		 .words = "a download",
		 .file = "t",
		 .line = 2},
		{.id = "shell-netcat",
		 .class = KS_MATCH_SHELL,
		 .db = 60,
		 .block = false,
		 .where = KS_WHERE_BODY,
		 .pattern = "\\| nc ",
		 .words = "a pipe to netcat",
		 .file = "t",
		 .line = 3},
		{.id = "script-tag",
		 .class = KS_MATCH_SCRIPT,
		 .db = 90,
		 .block = true,
		 .where = KS_WHERE_BODY,
		 .caseless = true,
		 .pattern = "<script>",
		 .words = "a script",
		 .file = "t",
		 .line = 4},
		{.id = "jndi",
		 .class = KS_MATCH_TEMPLATE,
		 .db = 95,
		 .block = true,
		 .where = KS_WHERE_HEADER | KS_WHERE_AGENT,
		 .pattern = "\\$\\{jndi:",
		 .words = "a lookup",
		 .file = "t",
		 .line = 5},
	};
	const struct ks_match_limits limits = {0};
	char error[KS_MATCH_ERROR_BYTES];
	struct ks_match_db *db =
		ks_match_db_create(rules, KS_ARRAY_SIZE(rules), &limits, ENV_SEED, error);

	if (db == NULL)
		fprintf(stderr, "rules: %s\n", error);
	return db;
}

/** Adds a worker with these stages on its own lcore (1 and up). */
static inline void
env_worker(struct ks_gateway_params *p, const uint8_t *stages, uint8_t n)
{
	struct ks_gateway_worker *w = &p->workers[p->nworkers++];

	w->lcore = p->nworkers;
	w->idle_sleep_us = 100;
	w->nstages = n;
	memcpy(w->stages, stages, n);
}
#define ENV_WORKER(p, ...) \
	env_worker(p, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void
env_params(struct ks_gateway_params *p, const struct ks_match_db *db,
	   const struct ks_gateway_feeder *feeder, uint32_t exchanges)
{
	memset(p, 0, sizeof(*p));
	p->match = db;
	p->feeder = feeder;
	p->terminate.proxy.limits.exchanges = exchanges;
	p->score = (struct ks_score_params){.seed = ENV_SEED,
					    .max_principals = 256,
					    .max_calls = 128,
					    .max_fields_per_call = 128};
	p->seed = 1;
}

#endif
