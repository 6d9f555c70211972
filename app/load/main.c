/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubescope-load: thousands of clients and the API server on our own stack, in one thread on one
 * core, with the gateway between them. Prints rates, latencies and errors as one JSON object.
 */
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients.h"
#include "options.h"
#include "report.h"
#include "server.h"

#define MBUFS 32767u
#define RECORDING_ROWS 20000u

struct load {
	struct options options;
	struct rte_mempool *mbufs;
	struct ks_port *client_port, *api_port;
	struct host client_host, api_host;
	struct ks_tls_ctx *client_tls, *server_tls;
	struct ks_str ca;
	struct ks_tls_identity client_identity;
	struct mix mix;
	struct server server;
	struct clients clients;
	struct ks_addr addrs[8];
	char *token;
};

static volatile sig_atomic_t ending;

static void
on_signal(int number)
{
	(void)number;
	ending = 1;
}

static int
fail(const char *what, int rc)
{
	fprintf(stderr, "kubescope-load: %s: %s\n", what, strerror(-rc));
	return rc;
}

/** @return the file's content, terminated; NULL with errno set. */
static char *
file_read(const char *path, uint32_t *bytes)
{
	const size_t cap = 1u << 20;
	FILE *f = fopen(path, "r");
	char *text = f != NULL ? malloc(cap + 1) : NULL;

	if (text == NULL) {
		if (f != NULL)
			fclose(f);
		return NULL;
	}
	*bytes = (uint32_t)fread(text, 1, cap, f);
	text[*bytes] = '\0';
	fclose(f);
	return text;
}

static int
pem_read(const char *path, struct ks_str *out)
{
	char *text;

	*out = (struct ks_str){NULL, 0};
	if (path == NULL)
		return 0;
	text = file_read(path, &out->n);
	if (text == NULL)
		return fail(path, -errno);
	out->p = text;
	return 0;
}

static void
pem_free(struct ks_str *pem)
{
	free((char *)(uintptr_t)pem->p);
}

/** For all connections, or for each of its own where nothing shall be resumed. */
static struct ks_tls_ctx *
client_tls_make(void *arg)
{
	const struct load *l = arg;
	struct ks_tls_client_params params = {
		.ca_pem = l->ca,
		.identity = l->client_identity,
		.alpn = KS_TLS_ALPN_HTTP11,
	};
	char name[KS_ADDR_TEXT_BYTES];
	struct ks_tls_error err = {""};
	struct ks_tls_ctx *ctx;

	ks_addr_format(&l->options.gateway.addr, name);
	params.server_name = (struct ks_str){name, (uint32_t)strlen(name)};
	ctx = ks_tls_client_ctx_create(&params, &err);
	if (ctx == NULL)
		fprintf(stderr, "kubescope-load: %s\n", err.text);
	return ctx;
}

static int
server_tls_create(struct load *l)
{
	const struct options *o = &l->options;
	struct ks_tls_identity api = {0};
	struct ks_tls_server_params params = {
		.identities = &api,
		.nidentities = 1,
		.client_ca_pem = l->ca,
		.alpn = KS_TLS_ALPN_HTTP11,
	};
	struct ks_tls_error err = {""};

	if (pem_read(o->api_cert, &api.chain_pem) == 0 && pem_read(o->api_key, &api.key_pem) == 0)
		l->server_tls = ks_tls_server_ctx_create(&params, &err);
	if (l->server_tls == NULL)
		fprintf(stderr, "kubescope-load: %s\n", err.text);
	pem_free(&api.chain_pem);
	pem_free(&api.key_pem);
	return l->server_tls == NULL ? -EINVAL : 0;
}

static int
tls_create(struct load *l)
{
	const struct options *o = &l->options;

	if (pem_read(o->ca, &l->ca) != 0 || pem_read(o->cert, &l->client_identity.chain_pem) != 0 ||
	    pem_read(o->key, &l->client_identity.key_pem) != 0 || server_tls_create(l) != 0)
		return -EINVAL;
	l->client_tls = client_tls_make(l);
	return l->client_tls == NULL ? -EINVAL : 0;
}

static int
mix_create(struct load *l)
{
	const struct options *o = &l->options;
	uint32_t bytes, line;
	int rc;

	if (o->token_file != NULL) {
		l->token = file_read(o->token_file, &bytes);
		if (l->token == NULL)
			return fail(o->token_file, -errno);
		l->token[strcspn(l->token, "\r\n")] = '\0';
	}
	if (o->recording == NULL) {
		rc = mix_builtin(&l->mix, o->mix, l->token);
		return rc == 0 ? 0 : fail(o->mix, rc);
	}
	rc = mix_load(&l->mix, o->recording, RECORDING_ROWS, l->token, &line);
	if (rc != 0)
		fprintf(stderr, "%s:%u: %s\n", o->recording, line, strerror(-rc));
	return rc;
}

static int
eal_start(const struct options *o)
{
	const char *argv[OPTIONS_EAL_MAX + 8] = {"kubescope-load", "--no-telemetry", "--no-shconf",
						 "--file-prefix=kubescope-load",
						 "--log-level=error"};
	int argc = 5;

	for (int i = 0; i < o->neal; i++)
		argv[argc++] = o->eal[i];
	/* EAL does not write to the strings; its prototype is that of main(). */
	if (rte_eal_init(argc, (char **)(uintptr_t)argv) < 0)
		return fail("DPDK's environment", -rte_errno);
	return 0;
}

static int
port_open(struct load *l, const char *name, const char *device, struct ks_port **out)
{
	struct ks_port_params params = {.name = name, .device = device, .pool = l->mbufs};
	int rc = ks_port_open(&params, out);

	return rc == 0 ? 0 : fail(device, rc);
}

static void
client_addrs(struct load *l)
{
	uint32_t first = rte_be_to_cpu_32(ks_addr_v4(&l->options.clients_from));

	for (uint32_t i = 0; i < l->options.naddrs; i++)
		l->addrs[i] = ks_addr_from_v4(rte_cpu_to_be_32(first + i));
}

static int
hosts_create(struct load *l, const struct ks_now *now)
{
	struct host_params p = {
		.prefix_len = 24,
		.mbufs = l->mbufs,
		.conns = l->options.clients + 1024,
		.chunks = 16384 + 2 * l->options.clients,
		.msl_ms = 100,
		.start_us = now->mono_us,
	};
	int rc;

	client_addrs(l);
	p.port = l->client_port;
	p.addrs = l->addrs;
	p.naddrs = l->options.naddrs;
	p.seed = now->mono_us;
	rc = host_init(&l->client_host, &p);
	if (rc != 0)
		return fail("client host", rc);
	p.port = l->api_port;
	p.addrs = &l->options.api.addr;
	p.naddrs = 1;
	p.seed++;
	rc = host_init(&l->api_host, &p);
	return rc == 0 ? 0 : fail("API server host", rc);
}

static int
create(struct load *l)
{
	const struct options *o = &l->options;
	struct ks_now now;
	int rc;

	ks_now_read(&now);
	l->mbufs = rte_pktmbuf_pool_create("load", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					   SOCKET_ID_ANY);
	if (l->mbufs == NULL)
		return fail("packet buffers", -rte_errno);
	rc = port_open(l, "clients", o->client_port, &l->client_port);
	if (rc == 0)
		rc = port_open(l, "api", o->api_port, &l->api_port);
	if (rc == 0)
		rc = hosts_create(l, &now);
	if (rc == 0)
		rc = server_init(&l->server, &l->api_host, l->server_tls, &o->api,
				 o->clients + 1024);
	if (rc != 0)
		return rc;
	return clients_init(&l->clients, &(struct clients_params){
						 .host = &l->client_host,
						 .tls = l->client_tls,
						 .tls_make = o->full ? client_tls_make : NULL,
						 .tls_arg = l,
						 .mix = &l->mix,
						 .server = o->gateway,
						 .addrs = l->addrs,
						 .naddrs = o->naddrs,
						 .n = o->clients,
						 .opening = o->opening,
						 .requests = o->requests,
						 .per_connection = o->per_connection,
						 .idle = o->idle,
					 });
}

static void
turn(struct load *l, struct ks_now *now)
{
	ks_now_read(now);
	host_poll(&l->client_host, now);
	clients_poll(&l->clients);
	host_flush(&l->client_host);
	host_poll(&l->api_host, now);
	server_poll(&l->server);
	host_flush(&l->api_host);
}

static void
run_until(struct load *l, uint64_t until_us)
{
	struct ks_now now;

	do
		turn(l, &now);
	while (!ending && now.mono_us < until_us && !clients_done(&l->clients));
}

static bool
all_open(struct load *l, uint64_t until_us)
{
	struct ks_now now;

	do
		turn(l, &now);
	while (!ending && now.mono_us < until_us && l->clients.open < l->options.clients);
	return l->clients.open == l->options.clients;
}

static void
ready_tell(const struct options *o)
{
	FILE *f = o->ready_file != NULL ? fopen(o->ready_file, "w") : NULL;

	if (f != NULL)
		fclose(f);
}

/** Connections that are closed after their requests are never all open: those need no waiting. */
static uint64_t
open_all(struct load *l)
{
	const struct options *o = &l->options;
	struct ks_now start, end;

	ks_now_read(&start);
	if (o->per_connection == 0 && !all_open(l, start.mono_us + 60 * 1000000ull))
		fprintf(stderr, "kubescope-load: %u of %u connections open\n", l->clients.open,
			o->clients);
	ks_now_read(&end);
	return end.mono_us - start.mono_us;
}

static int
run(struct load *l)
{
	const struct options *o = &l->options;
	struct report report = {.clients = &l->clients, .server = &l->server};
	struct ks_now start, end;

	report.opening_us = open_all(l);
	ks_now_read(&start);
	run_until(l, start.mono_us + o->warm_up * 1000000ull);
	if (!o->idle) {
		report.before = l->clients.stats;
		memset(&l->clients.latency_us, 0, sizeof(l->clients.latency_us));
		memset(&l->clients.handshake_us, 0, sizeof(l->clients.handshake_us));
	}
	ready_tell(o);
	ks_now_read(&start);
	run_until(l, start.mono_us + o->seconds * 1000000ull);
	ks_now_read(&end);
	report.us = end.mono_us - start.mono_us;
	report_print(stdout, &report);
	return l->clients.stats.bad_answers == 0 ? 0 : -EBADMSG;
}

int
main(int argc, char **argv)
{
	static struct load l;
	int rc = options_read(argc, argv, &l.options);

	if (rc >= 0)
		return rc;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	rc = tls_create(&l);
	if (rc == 0)
		rc = mix_create(&l);
	if (rc == 0)
		rc = eal_start(&l.options);
	if (rc == 0)
		rc = create(&l);
	if (rc == 0)
		rc = run(&l);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
