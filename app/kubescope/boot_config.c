/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the boot that needs no device: configuration, rules, certificates. `--check` does
 * just this.
 */
#include <errno.h>
#include <stdio.h>

#include "boot.h"

int
boot_config(struct boot *boot, const char *path)
{
	struct ks_config_errors errors;
	int rc = ks_config_load(path, &boot->config, &errors);

	ks_config_errors_print(&errors, stderr);
	if (rc == -ENOENT && errors.n == 0)
		fprintf(stderr, "%s: no such file\n", path);
	return rc;
}

/** A profile that cannot be read is a decision for the operator, not for us: no start. */
int
boot_profile(struct boot *boot)
{
	const char *path = boot->config->profile.path;
	struct ks_hash_key fresh;
	int rc = path[0] != '\0' ? ks_store_profile_load(path, &boot->profile) : -ENOENT;

	if (rc == 0) {
		boot->seed = ks_profile_seed(boot->profile);
		return 0;
	}
	if (rc != -ENOENT) {
		fprintf(stderr, "profile %s: %s\n", path, strerror(-rc));
		return rc;
	}
	/* Nobody outside may know which names fall together. */
	ks_hash_key_random(&fresh);
	memcpy(&boot->seed, fresh.bytes, sizeof(boot->seed));
	return 0;
}

int
boot_rules(struct boot *boot)
{
	const struct ks_config_rules *c = &boot->config->rules;
	const struct ks_match_limits limits = {
		.json_depth = c->json_depth,
		.decoded_bytes = c->decoded_bytes,
		.decode_rounds = c->decode_rounds,
	};
	char error[KS_MATCH_ERROR_BYTES];
	struct ks_config_errors errors;
	int rc = ks_rules_load(c, &boot->rules, &errors);

	ks_config_errors_print(&errors, stderr);
	if (rc != 0)
		return rc;
	boot->match =
		ks_match_db_create(boot->rules->v, boot->rules->n, &limits, boot->seed, error);
	if (boot->match == NULL) {
		fprintf(stderr, "%s\n", error);
		return -EINVAL;
	}
	return 0;
}

static struct ks_tls_ctx *
server_tls(const struct ks_config_service *s, struct ks_tls_error *err)
{
	struct ks_tls_identity ids[KS_CONFIG_IDENTITIES_MAX];
	struct ks_tls_server_params params = {
		.identities = ids,
		.nidentities = s->nidentities,
		.client_ca_pem = ks_config_file_str(&s->client_ca),
		.crl_pem = ks_config_file_str(&s->crl),
		.alpn = KS_TLS_ALPN_HTTP11,
		.tls13_only = s->tls13_only,
	};

	for (uint32_t i = 0; i < s->nidentities; i++)
		ids[i] = (struct ks_tls_identity){
			ks_config_file_str(&s->identities[i].certificate),
			ks_config_file_str(&s->identities[i].key),
		};
	return ks_tls_server_ctx_create(&params, err);
}

static struct ks_tls_ctx *
client_tls(const struct ks_config_upstream *u, bool front, struct ks_tls_error *err)
{
	struct ks_tls_client_params params = {
		.ca_pem = ks_config_file_str(&u->ca),
		.server_name = {u->server_name, strlen(u->server_name)},
		.alpn = KS_TLS_ALPN_HTTP11,
	};

	if (front)
		params.identity = (struct ks_tls_identity){
			ks_config_file_str(&u->front_proxy.certificate),
			ks_config_file_str(&u->front_proxy.key),
		};
	return ks_tls_client_ctx_create(&params, err);
}

int
boot_tls(struct boot *boot)
{
	const struct ks_config_service *s = &boot->config->services[0];
	const struct ks_config_file *front = &s->upstream.front_proxy.certificate;
	struct ks_tls_error err;

	boot->server_tls = server_tls(s, &err);
	if (boot->server_tls == NULL)
		goto refused;
	boot->client_tls[KS_UPSTREAM_PLAIN] = client_tls(&s->upstream, false, &err);
	if (boot->client_tls[KS_UPSTREAM_PLAIN] == NULL)
		goto refused;
	if (front->data == NULL)
		return 0;
	boot->client_tls[KS_UPSTREAM_FRONT] = client_tls(&s->upstream, true, &err);
	if (boot->client_tls[KS_UPSTREAM_FRONT] == NULL)
		goto refused;
	return 0;
refused:
	fprintf(stderr, "%s: services.%s: %s\n", boot->config->path, s->name, err.text);
	return -EINVAL;
}
