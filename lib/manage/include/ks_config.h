/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as plain values: what libconfig files say, checked against one schema table,
 * with the content of every file that they name (certificates, keys) already read.
 *
 * Nothing here points into libconfig; strings are arrays, file contents belong to the struct. The
 * daemon maps the values to the rooms' parameter structs. Keys, defaults, ranges and help stand in
 * the table (config_schema.c) and, generated from it, in conf/kubescope.conf.sample. Thread: the
 * control core; may read files, therefore never on the data path.
 */
#ifndef KS_CONFIG_H
#define KS_CONFIG_H

#include <stdio.h>

#include "ks_addr.h"
#include "ks_exchange.h"

#define KS_CONFIG_NAME_BYTES 32
#define KS_CONFIG_TEXT_BYTES 256
#define KS_CONFIG_PATH_BYTES 512
#define KS_CONFIG_EAL_ARGS_MAX 16
#define KS_CONFIG_WORKERS_MAX 32
#define KS_CONFIG_WORKER_STAGES_MAX 8
#define KS_CONFIG_PORTS_MAX 8
#define KS_CONFIG_ADDRESSES_MAX 8
#define KS_CONFIG_SERVICES_MAX 4
#define KS_CONFIG_IDENTITIES_MAX 8
#define KS_CONFIG_SERVERS_MAX 8
#define KS_CONFIG_RULE_DIRS_MAX 8
/** Larger than any chain of certificates or list of revocations that makes sense. */
#define KS_CONFIG_FILE_BYTES_MAX (4u << 20)

/** A file that was read at load. Empty path: not configured, `data` is NULL. */
struct ks_config_file {
	char path[KS_CONFIG_PATH_BYTES]; /**< resolved against the folder of the file that names it
					  */
	char *data;			 /**< '\0' behind the last byte, not counted */
	size_t bytes;
};
static inline struct ks_str
ks_config_file_str(const struct ks_config_file *file)
{
	return (struct ks_str){file->data, (uint32_t)file->bytes};
}

struct ks_config_identity {
	struct ks_config_file certificate; /**< PEM chain, leaf first */
	struct ks_config_file key;	   /**< wiped by ks_config_free() */
};

struct ks_config_eal {
	char lcores[KS_CONFIG_TEXT_BYTES]; /**< --lcores; the lowest becomes the control core */
	bool huge;			   /**< false: --no-huge */
	uint32_t memory_mb;		   /**< -m */
	char file_prefix[KS_CONFIG_NAME_BYTES];
	char args[KS_CONFIG_EAL_ARGS_MAX][KS_CONFIG_TEXT_BYTES]; /**< added as they are */
	uint32_t nargs;
};

struct ks_config_telemetry {
	/** EAL's RUNTIME_DIRECTORY; the socket is <this>/dpdk/<file_prefix>/dpdk_telemetry.v2 */
	char runtime_directory[KS_CONFIG_PATH_BYTES];
};

enum ks_config_stage {
	KS_CONFIG_STAGE_RX,
	KS_CONFIG_STAGE_TERMINATE,
	KS_CONFIG_STAGE_MATCH,
	KS_CONFIG_STAGE_SCORE,
	KS_CONFIG_STAGE_MAX,
};
/** "rx", "terminate", "match", "score" */
const char *ks_config_stage_name(enum ks_config_stage stage);

enum ks_config_idle {
	KS_CONFIG_IDLE_SPIN,	/**< poll without rest */
	KS_CONFIG_IDLE_BACKOFF, /**< sleep longer and longer while nothing comes, up to
				   idle_sleep_us */
};

/** One lcore and what it polls, in this order. A stage named on n lcores has n instances; `rx`
 *  stands exactly once; `record` is always on the control core and is not named. */
struct ks_config_worker {
	uint32_t lcore;
	uint8_t stages[KS_CONFIG_WORKER_STAGES_MAX]; /**< enum ks_config_stage */
	uint32_t nstages;
	enum ks_config_idle idle;
	uint32_t idle_sleep_us; /**< longest sleep with backoff */
};

struct ks_config_prefix {
	struct ks_addr addr;
	uint8_t len; /**< IPv4: 0–32; IPv6: 0–128 */
};

struct ks_config_port {
	char name[KS_CONFIG_NAME_BYTES];
	char device[KS_CONFIG_TEXT_BYTES]; /**< PCI address or vdev string */
	uint16_t mtu;
	uint16_t rx_desc, tx_desc;
	struct ks_config_prefix
		addresses[KS_CONFIG_ADDRESSES_MAX]; /**< all with one prefix length */
	uint32_t naddresses;
	struct ks_addr gateway; /**< all zero: none */
};

enum ks_config_overload { KS_CONFIG_FAIL_CLOSED, KS_CONFIG_FAIL_OPEN };

struct ks_config_upstream {
	struct ks_endpoint servers[KS_CONFIG_SERVERS_MAX];
	uint32_t nservers;
	struct ks_config_file ca;
	char server_name[KS_CONFIG_TEXT_BYTES]; /**< what the API server's certificate must carry */
	struct ks_config_identity front_proxy;	/**< may be empty: certificate users get 401 */
	struct ks_addr local_address;		/**< ours; one of a port's addresses */
	uint32_t max_connections;		/**< per TERMINATE instance and server */
	uint32_t connect_timeout_ms;		/**< TCP and TLS together */
	uint32_t response_timeout_ms; /**< until the first byte; not for long-running calls */
	uint32_t idle_timeout_ms;     /**< kept for reuse at most so long */
	uint32_t retry_ms;	      /**< a server that failed is left alone so long */
};

struct ks_config_service {
	char name[KS_CONFIG_NAME_BYTES];
	struct ks_endpoint listen;
	enum ks_mode mode;
	enum ks_config_overload overload;
	struct ks_config_identity
		identities[KS_CONFIG_IDENTITIES_MAX]; /**< the first is the default */
	uint32_t nidentities;
	struct ks_config_file client_ca; /**< empty: client certificates are not asked for */
	struct ks_config_file crl;
	bool tls13_only;
	char service_account_issuer[KS_CONFIG_TEXT_BYTES]; /**< "": any */
	struct ks_config_upstream upstream;
};

/** Per TERMINATE instance where not said otherwise. */
struct ks_config_limits {
	uint32_t connections; /**< client and upstream together */
	uint32_t half_open, time_wait;
	uint32_t exchanges;  /**< requests under way */
	uint32_t head_bytes; /**< request line and header fields */
	uint32_t target_bytes;
	uint32_t fields;	    /**< header fields of one message */
	uint32_t body_bytes;	    /**< largest body that is held for its verdict */
	uint64_t body_budget_bytes; /**< sum of bodies held at a time */
	uint32_t body_share_source_percent, body_share_principal_percent;
	uint32_t body_rate_bytes_per_s; /**< slower bodies end with 408 */
	uint32_t handshake_timeout_ms, head_timeout_ms, idle_timeout_ms;
	uint32_t receive_buffer_bytes, send_buffer_bytes; /**< of one connection, each way */
	uint32_t share_source_percent;			  /**< connections of one source */
};

struct ks_config_rules {
	char directories[KS_CONFIG_RULE_DIRS_MAX][KS_CONFIG_PATH_BYTES];
	uint32_t ndirectories;
	uint16_t json_depth;
	uint32_t decoded_bytes; /**< per request, all decoders; 0: from body_bytes */
	uint8_t decode_rounds;
};

struct ks_config_score {
	int16_t flag_db, block_db, throttle_db;
	bool novelty_blocks;
	bool freeze; /**< judge, but learn nothing */
	uint32_t max_principals, max_calls, max_fields_per_call;
};

struct ks_config_profile {
	char path[KS_CONFIG_PATH_BYTES]; /**< "": kept in memory only */
	uint32_t save_interval_s;
};

struct ks_config_store {
	char path[KS_CONFIG_PATH_BYTES]; /**< "": nothing is stored */
	uint32_t retention_days;
	uint64_t max_bytes;
};

struct ks_config {
	char path[KS_CONFIG_PATH_BYTES]; /**< the main file; "" when parsed from a string */
	struct ks_config_eal eal;
	struct ks_config_telemetry telemetry;
	struct ks_config_worker workers[KS_CONFIG_WORKERS_MAX];
	uint32_t nworkers;
	uint32_t link_depth; /**< entries of a link; a power of two */
	struct ks_config_port ports[KS_CONFIG_PORTS_MAX];
	uint32_t nports;
	struct ks_config_service services[KS_CONFIG_SERVICES_MAX];
	uint32_t nservices;
	struct ks_config_limits limits;
	struct ks_config_rules rules;
	struct ks_config_score score;
	struct ks_config_profile profile;
	struct ks_config_store store;
	uint32_t log_level; /**< RTE_LOG_ERR … RTE_LOG_DEBUG */
};

#define KS_CONFIG_ERRORS_MAX 32
#define KS_CONFIG_ERROR_BYTES 768

/** What is wrong, each as "file:line: key: reason". Warnings do not refuse the file. */
struct ks_config_errors {
	uint32_t nerrors, nwarnings; /**< all, also those that found no room */
	uint32_t n;		     /**< texts kept, in the order of the files */
	struct {
		bool warning;
		char text[KS_CONFIG_ERROR_BYTES];
	} v[KS_CONFIG_ERRORS_MAX];
};
/** One line each to `f`, and how many more there were. */
void ks_config_errors_print(const struct ks_config_errors *errors, FILE *f);

/**
 * Reads the file, what it includes and every file that it names.
 * @param errors is cleared and filled; warnings may stand there on success too.
 * @return 0 with *out (to be freed by ks_config_free()), -ENOENT no such file, -EINVAL see
 * `errors`, -ENOMEM.
 */
int ks_config_load(const char *path, struct ks_config **out, struct ks_config_errors *errors);
/**
 * The same from a string.
 * @param dir folder for relative paths; NULL: no file is touched (includes are refused, paths are
 * kept as they stand, contents stay NULL).
 */
int ks_config_parse_string(const char *text, const char *dir, struct ks_config **out,
			   struct ks_config_errors *errors);
/** Wipes keys. NULL is allowed. */
void ks_config_free(struct ks_config *config);

/** The whole table as a commented file with every key at its default: conf/kubescope.conf.sample.
 */
void ks_config_schema_print(FILE *f);

#endif
