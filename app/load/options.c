/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum option_id {
	OPT_CLIENT_PORT = 256,
	OPT_API_PORT,
	OPT_GATEWAY,
	OPT_API,
	OPT_FROM,
	OPT_ADDRESSES,
	OPT_CLIENTS,
	OPT_OPENING,
	OPT_PER_CONNECTION,
	OPT_SECONDS,
	OPT_WARM_UP,
	OPT_REQUESTS,
	OPT_IDLE,
	OPT_FULL,
	OPT_MIX,
	OPT_RECORDING,
	OPT_TOKEN_FILE,
	OPT_CA,
	OPT_API_CERT,
	OPT_API_KEY,
	OPT_CERT,
	OPT_KEY,
	OPT_READY_FILE,
	OPT_EAL,
	OPT_HELP,
};

static const struct option longs[] = {
	{"client-port", required_argument, NULL, OPT_CLIENT_PORT},
	{"api-port", required_argument, NULL, OPT_API_PORT},
	{"gateway", required_argument, NULL, OPT_GATEWAY},
	{"api", required_argument, NULL, OPT_API},
	{"clients-from", required_argument, NULL, OPT_FROM},
	{"addresses", required_argument, NULL, OPT_ADDRESSES},
	{"clients", required_argument, NULL, OPT_CLIENTS},
	{"opening", required_argument, NULL, OPT_OPENING},
	{"per-connection", required_argument, NULL, OPT_PER_CONNECTION},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"warm-up", required_argument, NULL, OPT_WARM_UP},
	{"requests", required_argument, NULL, OPT_REQUESTS},
	{"idle", no_argument, NULL, OPT_IDLE},
	{"full-handshakes", no_argument, NULL, OPT_FULL},
	{"mix", required_argument, NULL, OPT_MIX},
	{"recording", required_argument, NULL, OPT_RECORDING},
	{"token-file", required_argument, NULL, OPT_TOKEN_FILE},
	{"ca", required_argument, NULL, OPT_CA},
	{"api-cert", required_argument, NULL, OPT_API_CERT},
	{"api-key", required_argument, NULL, OPT_API_KEY},
	{"cert", required_argument, NULL, OPT_CERT},
	{"key", required_argument, NULL, OPT_KEY},
	{"ready-file", required_argument, NULL, OPT_READY_FILE},
	{"eal", required_argument, NULL, OPT_EAL},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static void
usage(FILE *out)
{
	fputs("usage: kubescope-load --client-port DEV --api-port DEV --ca FILE --api-cert FILE "
	      "--api-key FILE\n"
	      "  puts load on a gateway from both sides: clients on one port, the API server on "
	      "the other\n\n"
	      "  --client-port DEV, --api-port DEV  vdev string or PCI address\n"
	      "  --gateway A:P      where clients connect to (10.98.0.2:6443)\n"
	      "  --api A:P          where our API server listens (10.99.0.1:6443)\n"
	      "  --clients-from A   first client address (10.98.0.10); --addresses N of them (8, "
	      "at most 8)\n"
	      "  --clients N        connections kept (32); --opening N at a time (16)\n"
	      "  --per-connection N requests, then a new connection (0: keep it)\n"
	      "  --seconds N        measured (5), after --warm-up N (1); or --requests N of each "
	      "client\n"
	      "  --idle             open connections and leave them; counts and times are those of "
	      "the opening\n"
	      "  --full-handshakes  no TLS session is resumed\n"
	      "  --mix NAME         get, post4k, mixed (get); or --recording FILE of JSON lines\n"
	      "  --token-file FILE  bearer token; --cert FILE --key FILE: client certificate\n"
	      "  --ready-file FILE  made when all connections are open and the measuring begins\n"
	      "  --eal ARG          handed to DPDK (may stand several times)\n"
	      "Prints one JSON object.\n",
	      out);
}

static void
defaults(struct options *o)
{
	memset(o, 0, sizeof(*o));
	(void)ks_endpoint_parse("10.98.0.2:6443", &o->gateway);
	(void)ks_endpoint_parse("10.99.0.1:6443", &o->api);
	(void)ks_addr_parse("10.98.0.10", &o->clients_from);
	o->naddrs = 8;
	o->clients = 32;
	o->opening = 16;
	o->seconds = 5;
	o->warm_up = 1;
	o->mix = "get";
}

static bool
number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*out = (uint32_t)v;
	return *text != '\0' && *end == '\0' && v <= UINT32_MAX;
}

static bool
number64(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text != '\0' && *end == '\0';
}

static bool
eal_add(struct options *o, const char *arg)
{
	if (o->neal == OPTIONS_EAL_MAX)
		return false;
	o->eal[o->neal++] = arg;
	return true;
}

static bool
text_option(struct options *o, int id, const char *arg)
{
	const char **slot[] = {
		[OPT_CLIENT_PORT - 256] = &o->client_port,
		[OPT_API_PORT - 256] = &o->api_port,
		[OPT_MIX - 256] = &o->mix,
		[OPT_RECORDING - 256] = &o->recording,
		[OPT_TOKEN_FILE - 256] = &o->token_file,
		[OPT_CA - 256] = &o->ca,
		[OPT_API_CERT - 256] = &o->api_cert,
		[OPT_API_KEY - 256] = &o->api_key,
		[OPT_CERT - 256] = &o->cert,
		[OPT_KEY - 256] = &o->key,
		[OPT_READY_FILE - 256] = &o->ready_file,
	};

	if (id - 256 >= (int)KS_ARRAY_SIZE(slot) || slot[id - 256] == NULL)
		return false;
	*slot[id - 256] = arg;
	return true;
}

static bool
option_set(struct options *o, int id, const char *arg)
{
	switch (id) {
	case OPT_GATEWAY:
		return ks_endpoint_parse(arg, &o->gateway) == 0;
	case OPT_API:
		return ks_endpoint_parse(arg, &o->api) == 0;
	case OPT_FROM:
		return ks_addr_parse(arg, &o->clients_from) == 0;
	case OPT_ADDRESSES:
		return number(arg, &o->naddrs) && o->naddrs >= 1 && o->naddrs <= 8;
	case OPT_CLIENTS:
		return number(arg, &o->clients) && o->clients > 0;
	case OPT_OPENING:
		return number(arg, &o->opening) && o->opening > 0;
	case OPT_PER_CONNECTION:
		return number(arg, &o->per_connection);
	case OPT_SECONDS:
		return number(arg, &o->seconds);
	case OPT_WARM_UP:
		return number(arg, &o->warm_up);
	case OPT_REQUESTS:
		return number64(arg, &o->requests);
	case OPT_IDLE:
		o->idle = true;
		return true;
	case OPT_FULL:
		o->full = true;
		return true;
	case OPT_EAL:
		return eal_add(o, arg);
	default:
		return text_option(o, id, arg);
	}
}

int
options_read(int argc, char **argv, struct options *o)
{
	int id;

	defaults(o);
	while ((id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (id == OPT_HELP) {
			usage(stdout);
			return 0;
		}
		if (id == '?') {
			usage(stderr);
			return 2;
		}
		if (!option_set(o, id, optarg)) {
			fprintf(stderr, "kubescope-load: bad value: %s\n", optarg);
			return 2;
		}
	}
	if (o->client_port != NULL && o->api_port != NULL && o->ca != NULL && o->api_cert != NULL &&
	    o->api_key != NULL && optind == argc)
		return -1;
	usage(stderr);
	return 2;
}
