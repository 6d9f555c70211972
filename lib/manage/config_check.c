/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks between values: what each key alone allows may still not fit together. They name the keys
 * that contradict each other; a line would be only half of the truth. Thread: the control core, at
 * load.
 */
#include <errno.h>

#include "config_check.h"
#include "config_error.h"

static const struct config_place nowhere = {"", 0};

#define CHECK(errors, condition, key, ...)                               \
	do {                                                             \
		if (!(condition))                                        \
			config_error(errors, nowhere, key, __VA_ARGS__); \
	} while (0)

/* ---- placement ---- */

static void
check_worker(const struct ks_config *config, uint32_t i, struct ks_config_errors *errors)
{
	const struct ks_config_worker *worker = &config->workers[i];
	uint32_t mask = 0;
	char key[32];

	snprintf(key, sizeof(key), "placement[%u]", i);
	CHECK(errors, config_lcores_have(config->eal.lcores, worker->lcore) != 0, key,
	      "lcore %u is not in eal.lcores", worker->lcore);
	for (uint32_t j = 0; j < i; j++)
		CHECK(errors, config->workers[j].lcore != worker->lcore, key,
		      "lcore %u is in placement[%u] already", worker->lcore, j);
	for (uint32_t j = 0; j < worker->nstages; j++) {
		CHECK(errors, (mask & (1u << worker->stages[j])) == 0, key,
		      "stage %s stands there twice", ks_config_stage_name(worker->stages[j]));
		mask |= 1u << worker->stages[j];
	}
}

static uint32_t
stage_instances(const struct ks_config *config, enum ks_config_stage stage)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < config->nworkers; i++)
		for (uint32_t j = 0; j < config->workers[i].nstages; j++)
			n += config->workers[i].stages[j] == stage;
	return n;
}

static void
check_placement(const struct ks_config *config, struct ks_config_errors *errors)
{
	CHECK(errors, config_lcores_have(config->eal.lcores, 0) >= 0, "eal.lcores",
	      "\"%s\" is not a list of lcores", config->eal.lcores);
	for (uint32_t i = 0; i < config->nworkers; i++)
		check_worker(config, i, errors);
	for (uint32_t stage = 0; stage < KS_CONFIG_STAGE_MAX; stage++) {
		uint32_t n = stage_instances(config, stage);

		CHECK(errors, n > 0, "placement", "no lcore polls stage %s",
		      ks_config_stage_name(stage));
		CHECK(errors, stage != KS_CONFIG_STAGE_RX || n <= 1, "placement",
		      "stage rx is polled by %u lcores: it owns the ports and stands once", n);
	}
	CHECK(errors, (config->link_depth & (config->link_depth - 1)) == 0, "links.depth",
	      "%u is not a power of two", config->link_depth);
}

/* ---- ports ---- */

static bool
addr_is_zero(const struct ks_addr *addr)
{
	static const struct ks_addr zero;

	return ks_addr_eq(addr, &zero);
}

static bool
prefix_holds(const struct ks_config_prefix *prefix, const struct ks_addr *addr)
{
	unsigned int bits = prefix->len + (ks_addr_is_v4(&prefix->addr) ? 96u : 0u);
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(prefix->addr.b, addr->b, bytes) != 0)
		return false;
	return rest == 0 || ((prefix->addr.b[bytes] ^ addr->b[bytes]) >> (8 - rest)) == 0;
}

/** @return the port that owns `addr`, or NULL. */
static const struct ks_config_port *
port_of(const struct ks_config *config, const struct ks_addr *addr)
{
	for (uint32_t i = 0; i < config->nports; i++)
		for (uint32_t j = 0; j < config->ports[i].naddresses; j++)
			if (ks_addr_eq(&config->ports[i].addresses[j].addr, addr))
				return &config->ports[i];
	return NULL;
}

static bool
port_reaches(const struct ks_config_port *port, const struct ks_addr *addr)
{
	for (uint32_t j = 0; j < port->naddresses; j++)
		if (prefix_holds(&port->addresses[j], addr))
			return true;
	return !addr_is_zero(&port->gateway);
}

static void
check_port(const struct ks_config *config, uint32_t i, struct ks_config_errors *errors)
{
	const struct ks_config_port *port = &config->ports[i];
	char key[32];

	snprintf(key, sizeof(key), "ports[%u]", i);
	for (uint32_t j = 0; j < i; j++) {
		CHECK(errors, strcmp(config->ports[j].name, port->name) != 0, key,
		      "name \"%s\" is ports[%u]'s already", port->name, j);
		CHECK(errors, strcmp(config->ports[j].device, port->device) != 0, key,
		      "device \"%s\" is ports[%u]'s already", port->device, j);
	}
	for (uint32_t j = 0; j < port->naddresses; j++) {
		CHECK(errors, port->addresses[j].len == port->addresses[0].len, key,
		      "all addresses need the same prefix length");
		CHECK(errors, port_of(config, &port->addresses[j].addr) == port, key,
		      "addresses[%u] is another port's already", j);
	}
	if (!addr_is_zero(&port->gateway)) {
		bool near = false;

		for (uint32_t j = 0; j < port->naddresses; j++)
			near = near || prefix_holds(&port->addresses[j], &port->gateway);
		CHECK(errors, near, key, "the gateway is not in a connected network");
	}
}

/* ---- services ---- */

static void
check_upstream(const struct ks_config *config, struct ks_config_upstream *upstream, const char *key,
	       struct ks_config_errors *errors)
{
	const struct ks_config_port *port = port_of(config, &upstream->local_address);
	char text[KS_ADDR_TEXT_BYTES];

	if (upstream->server_name[0] == '\0')
		strcpy(upstream->server_name, ks_addr_format(&upstream->servers[0].addr, text));
	CHECK(errors,
	      (upstream->front_proxy.certificate.path[0] == '\0') ==
		      (upstream->front_proxy.key.path[0] == '\0'),
	      key, "upstream.front_proxy needs both certificate and key");
	CHECK(errors, port != NULL, key, "upstream.local_address %s is no port's address",
	      ks_addr_format(&upstream->local_address, text));
	for (uint32_t i = 0; port != NULL && i < upstream->nservers; i++)
		CHECK(errors, port_reaches(port, &upstream->servers[i].addr), key,
		      "upstream server %s is not in the network of port \"%s\", which has no "
		      "gateway",
		      ks_addr_format(&upstream->servers[i].addr, text), port->name);
}

static void
check_service(struct ks_config *config, uint32_t i, struct ks_config_errors *errors)
{
	struct ks_config_service *service = &config->services[i];
	char key[32], text[KS_ADDR_TEXT_BYTES];

	snprintf(key, sizeof(key), "services[%u]", i);
	for (uint32_t j = 0; j < i; j++) {
		const struct ks_config_service *other = &config->services[j];

		CHECK(errors, strcmp(other->name, service->name) != 0, key,
		      "name \"%s\" is services[%u]'s already", service->name, j);
		CHECK(errors,
		      !ks_addr_eq(&other->listen.addr, &service->listen.addr) ||
			      other->listen.port != service->listen.port,
		      key, "services[%u] listens there already", j);
	}
	CHECK(errors, port_of(config, &service->listen.addr) != NULL, key,
	      "listen address %s is no port's address",
	      ks_addr_format(&service->listen.addr, text));
	CHECK(errors, service->crl.path[0] == '\0' || service->client_ca.path[0] != '\0', key,
	      "crl without client_ca");
	check_upstream(config, &service->upstream, key, errors);
	if (service->client_ca.path[0] != '\0' &&
	    service->upstream.front_proxy.certificate.path[0] == '\0')
		config_warning(
			errors, nowhere, key,
			"client_ca without upstream.front_proxy: users with certificates will "
			"be answered 401");
}

static void
check_limits(const struct ks_config *config, struct ks_config_errors *errors)
{
	const struct ks_config_limits *limits = &config->limits;

	CHECK(errors, limits->body_budget_bytes >= limits->body_bytes, "limits.body_budget_bytes",
	      "smaller than limits.body_bytes: no large body would ever fit");
	CHECK(errors,
	      limits->body_budget_bytes * limits->body_share_source_percent / 100 >=
		      limits->body_bytes,
	      "limits.body_share_source_percent",
	      "one source's share of the budget is smaller than limits.body_bytes");
	CHECK(errors,
	      limits->body_budget_bytes * limits->body_share_principal_percent / 100 >=
		      limits->body_bytes,
	      "limits.body_share_principal_percent",
	      "one principal's share of the budget is smaller than limits.body_bytes");
	CHECK(errors, limits->head_bytes > limits->target_bytes, "limits.head_bytes",
	      "not larger than limits.target_bytes");
	CHECK(errors, config->score.block_db >= config->score.flag_db, "score.block_db",
	      "smaller than score.flag_db: it would block what it does not flag");
}

void
config_check(struct ks_config *config, struct ks_config_errors *errors)
{
	check_placement(config, errors);
	for (uint32_t i = 0; i < config->nports; i++)
		check_port(config, i, errors);
	for (uint32_t i = 0; i < config->nservices; i++)
		check_service(config, i, errors);
	check_limits(config, errors);
}
