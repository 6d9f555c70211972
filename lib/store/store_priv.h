/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the open database, its prepared statements, errors.
 * Thread: whoever holds the store's lock.
 */
#ifndef KS_STORE_PRIV_H
#define KS_STORE_PRIV_H

#include <pthread.h>
#include <sqlite3.h>

#include "ks_log.h"
#include "ks_store.h"

KS_LOG_DECLARE(store);

enum store_statement {
	STATEMENT_ALERT_ADD,
	STATEMENT_EXCHANGE_ADD,
	STATEMENT_ALERTS_AFTER,
	STATEMENT_LAST_ID,
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_EXCHANGES_OLD,
	STATEMENT_ALERTS_OLD,
	STATEMENT_EXCHANGES_FIRST,
	STATEMENT_ALERTS_FIRST,
	STATEMENT_MAX,
};

struct ks_store {
	pthread_mutex_t lock; /**< of all below */
	sqlite3 *db;	      /**< NULL when starting anew has failed */
	sqlite3_stmt *statement[STATEMENT_MAX];
	char *path;
	uint32_t retention_days;
	uint64_t max_bytes;
	bool moved; /**< a corrupt file has been moved aside already */
};

/** Opens, checks and prepares `store->path`. @return as ks_store_open(). */
int ks_store_database_open(struct ks_store *store);
void ks_store_database_close(struct ks_store *store);
/** Moves a corrupt file aside and starts anew, once. @return 0 or -errno. */
int ks_store_database_renew(struct ks_store *store);

/** @return the negative errno that says best what SQLite said. */
int ks_store_error(int rc);
/** Runs a statement without results and readies it for the next time. @return 0 or -errno. */
int ks_store_run(struct ks_store *store, enum store_statement which);

/* ---- rows ---- */

/** Binds every column of a record; texts are copied. `id` is the first column. */
int ks_store_record_bind(sqlite3_stmt *statement, const struct ks_record *record);
void ks_store_record_read(sqlite3_stmt *statement, struct ks_record *record);

#define STORE_COLUMNS                                                                              \
	"id, time_s, mono_us, source, principal, effective, call, call_key, user_agent, verdict, " \
	"advice, mode, end, proven, status, score_db, request_bytes, response_bytes, "             \
	"duration_us, findings"

/* 24 findings of three texts, each byte of which may become six in JSON. */
#define STORE_FINDINGS_BYTES (KS_EXCHANGE_FINDINGS_MAX * (3 * 6 * KS_FINDING_TEXT_BYTES + 160) + 16)
/** Findings as JSON text. @return length. */
size_t ks_store_findings_write(const struct ks_record *record, char text[STORE_FINDINGS_BYTES]);
/** What is no finding is left out. */
void ks_store_findings_read(struct ks_record *record, const char *text, size_t n);

#endif
