/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema table itself, and finding rows in it. Order is the order of the sample.
 * Thread: constant data.
 */
#include "config_schema.h"

static const char *const stage_names[] = {"rx", "terminate", "match", "score", NULL};
static const char *const idle_names[] = {"spin", "backoff", NULL};
static const char *const mode_names[] = {"learn", "detect", "enforce", NULL};
static const char *const overload_names[] = {"fail_closed", "fail_open", NULL};
/* By the numbers of rte_log.h: 1 to 3 would hide errors. */
static const char *const level_names[] = {"",	     "",       "",     "",	"error",
					  "warning", "notice", "info", "debug", NULL};

/* clang-format off */
#define SIZE_OF(s, field) sizeof(((struct s *)0)->field)
#define AT(s, field) .offset = offsetof(struct s, field), .size = SIZE_OF(s, field)
#define MANY(s, field, count) .many = true, .offset = offsetof(struct s, field), \
	.size = SIZE_OF(s, field[0]), .count_offset = offsetof(struct s, count), \
	.max_count = KS_ARRAY_SIZE(((struct s *)0)->field)
#define LIST(s, field, count) .type = CONFIG_LIST, .offset = offsetof(struct s, field), \
	.size = SIZE_OF(s, field[0]), .count_offset = offsetof(struct s, count), \
	.max_count = KS_ARRAY_SIZE(((struct s *)0)->field)
#define UINT(s, field, value, low, high) .type = CONFIG_UINT, AT(s, field), \
	.def = value, .min = low, .max = high
#define MIB (1024u * 1024)
#define DAY_MS (24u * 3600 * 1000)

const struct config_row config_schema[] = {
	{"eal", CONFIG_GROUP, .help = "DPDK's environment"},
	{"eal.lcores", CONFIG_TEXT, AT(ks_config, eal.lcores), .required = true, .example = "0,1",
	 .help = "lcores as EAL's --lcores takes them; the lowest becomes the control core"},
	{"eal.huge", CONFIG_BOOL, AT(ks_config, eal.huge), .def = "true",
	 .help = "memory in huge pages; false for machines that have none"},
	{"eal.memory_mb", UINT(ks_config, eal.memory_mb, "512", 64, 1u << 20), .unit = "MiB",
	 .help = "memory taken at start"},
	{"eal.file_prefix", CONFIG_TEXT, AT(ks_config, eal.file_prefix), .def = "kubescope",
	 .help = "keeps several DPDK programs of one machine apart; names the telemetry's folder"},
	{"eal.args", CONFIG_TEXT, MANY(ks_config, eal.args, eal.nargs),
	 .help = "further arguments for EAL, as they are (\"-a\", \"0000:3b:00.0\")"},

	{"telemetry", CONFIG_GROUP, .help = "DPDK's telemetry socket, for kubescopectl"},
	{"telemetry.runtime_directory", CONFIG_FOLDER, AT(ks_config, telemetry.runtime_directory),
	 .def = "/var/run",
	 .help = "the socket is dpdk/<file_prefix>/dpdk_telemetry.v2 in it"},

	{"links", CONFIG_GROUP, .help = "the rings between stages"},
	{"links.depth", UINT(ks_config, link_depth, "1024", 64, 65536), .unit = "entries",
	 .help = "size of a link; a power of two"},

	{"placement", LIST(ks_config, workers, nworkers), .required = true,
	 .help = "which lcore polls which stages; rx once, every other stage at least once. The record\n"
		 "stage is always on the control core"},
	{"placement[].lcore", UINT(ks_config_worker, lcore, NULL, 0, 1023), .required = true,
	 .example = "1", .help = "one of eal.lcores"},
	{"placement[].stages", CONFIG_ENUM, MANY(ks_config_worker, stages, nstages), .required = true,
	 .names = stage_names, .example = "[ \"rx\", \"terminate\", \"match\", \"score\" ]",
	 .help = "polled in this order"},
	{"placement[].idle", CONFIG_ENUM, AT(ks_config_worker, idle), .names = idle_names, .def = "spin",
	 .help = "what the lcore does when nothing comes: spin for an appliance, backoff for shared machines"},
	{"placement[].idle_sleep_us", UINT(ks_config_worker, idle_sleep_us, "100", 1, 10000),
	 .unit = "us", .help = "longest sleep with backoff"},

	{"ports", LIST(ks_config, ports, nports), .required = true,
	 .help = "network ports; one may serve clients and API server alike"},
	{"ports[].name", CONFIG_TEXT, AT(ks_config_port, name), .required = true,
	 .example = "cluster", .help = "for display"},
	{"ports[].device", CONFIG_TEXT, AT(ks_config_port, device), .required = true,
	 .example = "0000:3b:00.0", .help = "PCI address, or a vdev such as \"net_af_packet0,iface=eth1\""},
	{"ports[].mtu", UINT(ks_config_port, mtu, "1500", 576, 9216), .unit = "bytes",
	 .help = "largest IP packet"},
	{"ports[].rx_desc", UINT(ks_config_port, rx_desc, "1024", 64, 8192), .unit = "descriptors",
	 .help = "receive queue"},
	{"ports[].tx_desc", UINT(ks_config_port, tx_desc, "1024", 64, 8192), .unit = "descriptors",
	 .help = "transmit queue"},
	{"ports[].addresses", CONFIG_PREFIX, MANY(ks_config_port, addresses, naddresses),
	 .required = true, .example = "[ \"10.98.0.2/24\", \"10.98.0.3/24\" ]",
	 .help = "addresses that the gateway owns there, all with one prefix length"},
	{"ports[].gateway", CONFIG_ADDRESS, AT(ks_config_port, gateway),
	 .help = "next hop for addresses that are not in the connected network"},

	{"services", LIST(ks_config, services, nservices), .required = true,
	 .help = "what the gateway stands in front of"},
	{"services[].name", CONFIG_TEXT, AT(ks_config_service, name), .required = true,
	 .example = "kubernetes", .help = "for display"},
	{"services[].listen", CONFIG_ENDPOINT, AT(ks_config_service, listen), .required = true,
	 .example = "10.98.0.2:6443", .help = "address and port that clients connect to; one of a port's addresses"},
	{"services[].mode", CONFIG_ENUM, AT(ks_config_service, mode), .names = mode_names,
	 .def = "learn", .apply = CONFIG_LIVE,
	 .help = "learn: forward and learn; detect: say what is abnormal; enforce: throttle and block too"},
	{"services[].overload", CONFIG_ENUM, AT(ks_config_service, overload), .names = overload_names,
	 .def = "fail_closed", .apply = CONFIG_LIVE,
	 .help = "when inspection cannot keep up: answer 429, or forward uninspected (counted and recorded)"},
	{"services[].identities", LIST(ks_config_service, identities, nidentities), .required = true,
	 .apply = CONFIG_LIVE,
	 .help = "certificates shown to clients, chosen by the name that they ask for; the first is the default"},
	{"services[].identities[].certificate", CONFIG_FILE, AT(ks_config_identity, certificate),
	 .required = true, .pem = "CERTIFICATE", .apply = CONFIG_LIVE,
	 .example = "/etc/kubescope/tls/serving.crt", .help = "PEM chain, leaf first"},
	{"services[].identities[].key", CONFIG_FILE, AT(ks_config_identity, key), .required = true,
	 .secret = true, .pem = "PRIVATE KEY", .apply = CONFIG_LIVE,
	 .example = "/etc/kubescope/tls/serving.key", .help = "its private key"},
	{"services[].client_ca", CONFIG_FILE, AT(ks_config_service, client_ca), .pem = "CERTIFICATE",
	 .apply = CONFIG_LIVE, .example = "/etc/kubescope/tls/ca.crt",
	 .help = "authority of client certificates (the cluster's CA); without it none are asked for"},
	{"services[].crl", CONFIG_FILE, AT(ks_config_service, crl), .pem = "X509 CRL",
	 .apply = CONFIG_LIVE, .help = "revoked client certificates"},
	{"services[].tls13_only", CONFIG_BOOL, AT(ks_config_service, tls13_only), .def = "false",
	 .help = "refuse TLS 1.2"},
	{"services[].service_account_issuer", CONFIG_TEXT, AT(ks_config_service, service_account_issuer),
	 .help = "issuer of service-account tokens; empty: any token whose subject is a service account"},
	{"services[].upstream", CONFIG_GROUP, .help = "the API servers behind it"},
	{"services[].upstream.servers", CONFIG_ENDPOINT,
	 MANY(ks_config_service, upstream.servers, upstream.nservers), .required = true,
	 .example = "[ \"10.98.0.9:6443\" ]", .help = "addresses and ports of the API servers"},
	{"services[].upstream.ca", CONFIG_FILE, AT(ks_config_service, upstream.ca), .required = true,
	 .pem = "CERTIFICATE", .apply = CONFIG_LIVE, .example = "/etc/kubescope/tls/ca.crt",
	 .help = "authority of the API server's certificate"},
	{"services[].upstream.server_name", CONFIG_TEXT, AT(ks_config_service, upstream.server_name),
	 .help = "name or address that its certificate must carry; empty: the first server's address"},
	{"services[].upstream.front_proxy", CONFIG_GROUP,
	 .help = "the certificate with which the gateway speaks for users who showed one themselves (the API\n"
		 "server's requestheader CA must have signed it); without it they are answered 401"},
	{"services[].upstream.front_proxy.certificate", CONFIG_FILE,
	 AT(ks_config_service, upstream.front_proxy.certificate), .pem = "CERTIFICATE",
	 .apply = CONFIG_LIVE, .example = "/etc/kubescope/tls/front-proxy.crt", .help = "PEM chain, leaf first"},
	{"services[].upstream.front_proxy.key", CONFIG_FILE,
	 AT(ks_config_service, upstream.front_proxy.key), .secret = true, .pem = "PRIVATE KEY",
	 .apply = CONFIG_LIVE, .example = "/etc/kubescope/tls/front-proxy.key",
	 .help = "as powerful as cluster-admin: guard it like that"},
	{"services[].upstream.local_address", CONFIG_ADDRESS,
	 AT(ks_config_service, upstream.local_address), .required = true, .example = "10.98.0.3",
	 .help = "our end of the connections to the API servers; one of a port's addresses"},
	{"services[].upstream.max_connections",
	 UINT(ks_config_service, upstream.max_connections, "512", 1, 16384), .unit = "connections",
	 .help = "to one server, per terminate instance"},
	{"services[].upstream.connect_timeout_ms",
	 UINT(ks_config_service, upstream.connect_timeout_ms, "3000", 10, 60000), .unit = "ms",
	 .help = "for TCP and TLS together"},
	{"services[].upstream.response_timeout_ms",
	 UINT(ks_config_service, upstream.response_timeout_ms, "60000", 100, DAY_MS), .unit = "ms",
	 .help = "until an answer begins; not for watches and other long-running calls"},
	{"services[].upstream.idle_timeout_ms",
	 UINT(ks_config_service, upstream.idle_timeout_ms, "60000", 100, DAY_MS), .unit = "ms",
	 .help = "how long an unused connection is kept for the next request"},
	{"services[].upstream.retry_ms",
	 UINT(ks_config_service, upstream.retry_ms, "1000", 10, 600000), .unit = "ms",
	 .help = "how long a server that failed is left alone"},

	{"limits", CONFIG_GROUP, .help = "bounds; per terminate instance where not said otherwise"},
	{"limits.connections", UINT(ks_config, limits.connections, "4096", 16, 1u << 22),
	 .unit = "connections", .help = "of clients and to API servers together"},
	{"limits.half_open", UINT(ks_config, limits.half_open, "4096", 16, 1u << 20),
	 .unit = "connections", .help = "handshakes of TCP under way; beyond that SYN cookies"},
	{"limits.time_wait", UINT(ks_config, limits.time_wait, "16384", 16, 1u << 22),
	 .unit = "connections", .help = "closed ones that are remembered"},
	{"limits.exchanges", UINT(ks_config, limits.exchanges, "1024", 16, 65536),
	 .unit = "requests", .help = "under way at a time"},
	{"limits.head_bytes", UINT(ks_config, limits.head_bytes, "65536", 1024, 65536), .unit = "bytes",
	 .help = "request line and header fields of one request"},
	{"limits.target_bytes", UINT(ks_config, limits.target_bytes, "16384", 256, MIB),
	 .unit = "bytes", .help = "path and query"},
	{"limits.fields", UINT(ks_config, limits.fields, "128", 8, 128), .unit = "fields",
	 .help = "header fields of one request"},
	{"limits.body_bytes", UINT(ks_config, limits.body_bytes, "3145728", 1024, 4 * MIB),
	 .unit = "bytes", .help = "largest body; held until the verdict"},
	{"limits.body_budget_bytes",
	 UINT(ks_config, limits.body_budget_bytes, "67108864", 1024, 1ull << 40), .unit = "bytes",
	 .help = "sum of the bodies held; a body is admitted only when all of it fits"},
	{"limits.body_share_source_percent",
	 UINT(ks_config, limits.body_share_source_percent, "25", 1, 100), .unit = "%",
	 .help = "of the budget, for one source"},
	{"limits.body_share_principal_percent",
	 UINT(ks_config, limits.body_share_principal_percent, "50", 1, 100), .unit = "%",
	 .help = "of the budget, for one principal"},
	{"limits.body_rate_bytes_per_s",
	 UINT(ks_config, limits.body_rate_bytes_per_s, "4096", 1, 1u << 30), .unit = "bytes/s",
	 .help = "a body that comes more slowly ends with 408"},
	{"limits.share_source_percent", UINT(ks_config, limits.share_source_percent, "50", 1, 100),
	 .unit = "%", .help = "of the connections, for one source"},
	{"limits.handshake_timeout_ms",
	 UINT(ks_config, limits.handshake_timeout_ms, "10000", 100, 600000), .unit = "ms",
	 .help = "until TLS stands"},
	{"limits.head_timeout_ms", UINT(ks_config, limits.head_timeout_ms, "15000", 100, 600000),
	 .unit = "ms", .help = "from the first byte of a request to the end of its head"},
	{"limits.idle_timeout_ms", UINT(ks_config, limits.idle_timeout_ms, "300000", 100, DAY_MS),
	 .unit = "ms", .help = "of a connection between requests"},
	{"limits.receive_buffer_bytes",
	 UINT(ks_config, limits.receive_buffer_bytes, "262144", 8192, 16 * MIB), .unit = "bytes",
	 .help = "TCP window offered to a peer at most"},
	{"limits.send_buffer_bytes",
	 UINT(ks_config, limits.send_buffer_bytes, "262144", 8192, 16 * MIB), .unit = "bytes",
	 .help = "unacknowledged bytes of one connection at most"},

	{"rules", CONFIG_GROUP, .help = "signatures"},
	{"rules.directories", CONFIG_FOLDER, MANY(ks_config, rules.directories, rules.ndirectories),
	 .required = true, .apply = CONFIG_LIVE, .example = "[ \"/etc/kubescope/rules\" ]",
	 .help = "folders of rule files (*.conf)"},
	{"rules.json_depth", UINT(ks_config, rules.json_depth, "64", 4, 1024), .unit = "levels",
	 .help = "deeper bodies are a finding"},
	{"rules.decoded_bytes", UINT(ks_config, rules.decoded_bytes, "0", 0, 1u << 30), .unit = "bytes",
	 .help = "of all decoders for one request; 0: four bodies and 64 KiB"},
	{"rules.decode_rounds", UINT(ks_config, rules.decode_rounds, "3", 1, 8), .unit = "rounds",
	 .help = "how often a value is decoded again"},

	{"score", CONFIG_GROUP, .help = "what the models make of a request; evidence is in decibans"},
	{"score.flag_db", UINT(ks_config, score.flag_db, "40", 1, 999), .unit = "dB",
	 .apply = CONFIG_LIVE, .help = "a request with so much evidence against it is flagged"},
	{"score.block_db", UINT(ks_config, score.block_db, "90", 1, 999), .unit = "dB",
	 .apply = CONFIG_LIVE, .help = "so much with a certain finding among it blocks"},
	{"score.throttle_db", UINT(ks_config, score.throttle_db, "60", 1, 999), .unit = "dB",
	 .apply = CONFIG_LIVE, .help = "so much from frequency throttles"},
	{"score.novelty_blocks", CONFIG_BOOL, AT(ks_config, score.novelty_blocks), .def = "false",
	 .apply = CONFIG_LIVE, .help = "let what is merely new block too"},
	{"score.freeze", CONFIG_BOOL, AT(ks_config, score.freeze), .def = "false",
	 .apply = CONFIG_LIVE, .help = "judge, but learn nothing"},
	{"score.max_principals", UINT(ks_config, score.max_principals, "65536", 16, 1u << 22),
	 .help = "callers that are remembered, per score instance"},
	{"score.max_calls", UINT(ks_config, score.max_calls, "4096", 16, 65536),
	 .help = "API calls that are remembered"},
	{"score.max_fields_per_call", UINT(ks_config, score.max_fields_per_call, "1024", 16, 65536),
	 .help = "fields of one call that are remembered"},

	{"profile", CONFIG_GROUP, .help = "what was learned"},
	{"profile.path", CONFIG_PATH, AT(ks_config, profile.path),
	 .example = "/var/lib/kubescope/profile", .help = "file that it survives in; empty: memory only"},
	{"profile.save_interval_s", UINT(ks_config, profile.save_interval_s, "60", 1, 86400),
	 .unit = "s", .apply = CONFIG_LIVE, .help = "how often it is saved"},

	{"store", CONFIG_GROUP, .help = "alerts and records on disk"},
	{"store.path", CONFIG_PATH, AT(ks_config, store.path),
	 .example = "/var/lib/kubescope/events.db", .help = "SQLite file; empty: nothing is stored"},
	{"store.retention_days", UINT(ks_config, store.retention_days, "30", 1, 3650), .unit = "days",
	 .apply = CONFIG_LIVE, .help = "older records go"},
	{"store.max_bytes", UINT(ks_config, store.max_bytes, "1073741824", MIB, 1ull << 50),
	 .unit = "bytes", .apply = CONFIG_LIVE, .help = "beyond it records go before alerts"},

	{"log", CONFIG_GROUP, .help = "what is written to the log"},
	{"log.level", CONFIG_ENUM, AT(ks_config, log_level), .names = level_names, .def = "info",
	 .apply = CONFIG_LIVE, .help = "least level"},
};
/* clang-format on */

const uint32_t config_schema_rows = KS_ARRAY_SIZE(config_schema);
_Static_assert(KS_ARRAY_SIZE(config_schema) <= CONFIG_ROWS_MAX, "grow CONFIG_ROWS_MAX");

const struct config_row *
config_schema_find(const char *path)
{
	for (uint32_t i = 0; i < config_schema_rows; i++)
		if (strcmp(config_schema[i].path, path) == 0)
			return &config_schema[i];
	return NULL;
}

bool
config_row_in_scope(const struct config_row *row, const char *scope)
{
	size_t n = strlen(scope);

	return strncmp(row->path, scope, n) == 0 && strstr(row->path + n, "[]") == NULL;
}
