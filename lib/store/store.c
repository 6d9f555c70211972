/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts and records of exchanges: adding, reading, forgetting.
 *
 * Each call is one transaction under the store's lock, so the control core may add while
 * telemetry's thread reads an old alert. Thread: any, one at a time by that lock; may block on the
 * disk.
 */
#include <errno.h>
#include <stdlib.h>

#include "store_priv.h"

#define DEFAULT_DAYS 30u
#define DEFAULT_BYTES (1ull << 30)
#define DAY_S 86400u
/* Pages given back to the file system by one ks_store_expire(). */
#define VACUUM_SQL "PRAGMA incremental_vacuum(256)"

int
ks_store_open(const struct ks_store_params *params, struct ks_store **out)
{
	struct ks_store *store = calloc(1, sizeof(*store));
	int rc = -ENOMEM;

	*out = NULL;
	if (store == NULL)
		return rc;
	pthread_mutex_init(&store->lock, NULL);
	store->retention_days = params->retention_days == 0 ? DEFAULT_DAYS : params->retention_days;
	store->max_bytes = params->max_bytes == 0 ? DEFAULT_BYTES : params->max_bytes;
	store->path = strdup(params->path);
	if (store->path != NULL)
		rc = ks_store_database_open(store);
	if (rc == -EBADMSG)
		rc = ks_store_database_renew(store);
	if (rc != 0) {
		ks_store_close(store);
		return rc;
	}
	*out = store;
	return 0;
}

void
ks_store_close(struct ks_store *store)
{
	if (store == NULL)
		return;
	ks_store_database_close(store);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}

static int
add_one(struct ks_store *store, const struct ks_record *record)
{
	enum store_statement which =
		ks_record_is_alert(record) ? STATEMENT_ALERT_ADD : STATEMENT_EXCHANGE_ADD;
	int rc = ks_store_record_bind(store->statement[which], record);

	if (rc != SQLITE_OK)
		return ks_store_error(rc);
	/* The number of a normal exchange is the file's own. */
	if (which == STATEMENT_EXCHANGE_ADD)
		sqlite3_bind_null(store->statement[which], 1);
	return ks_store_run(store, which);
}

static int
add_all(struct ks_store *store, const struct ks_record *records, uint32_t n)
{
	int rc = ks_store_run(store, STATEMENT_BEGIN);

	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = add_one(store, &records[i]);
	if (rc == 0)
		rc = ks_store_run(store, STATEMENT_COMMIT);
	/* Some errors have rolled back already; to roll back twice does no harm. */
	if (rc != 0 && !sqlite3_get_autocommit(store->db))
		(void)ks_store_run(store, STATEMENT_ROLLBACK);
	return rc;
}

int
ks_store_add(struct ks_store *store, const struct ks_record *records, uint32_t n)
{
	int rc = -EIO;

	pthread_mutex_lock(&store->lock);
	if (store->db != NULL)
		rc = add_all(store, records, n);
	/* Damage that came while it was open: once, and on in a new file. */
	if (rc == -EBADMSG && ks_store_database_renew(store) == 0)
		rc = add_all(store, records, n);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

uint64_t
ks_store_last_id(struct ks_store *store)
{
	sqlite3_stmt *statement;
	uint64_t id = 0;

	pthread_mutex_lock(&store->lock);
	statement = store->statement[STATEMENT_LAST_ID];
	if (store->db != NULL && sqlite3_step(statement) == SQLITE_ROW)
		id = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	pthread_mutex_unlock(&store->lock);
	return id;
}

static int
alerts_read(struct ks_store *store, uint64_t after, struct ks_record *out, uint32_t n)
{
	sqlite3_stmt *statement = store->statement[STATEMENT_ALERTS_AFTER];
	uint32_t got = 0;
	int rc;

	sqlite3_bind_int64(statement, 1, (int64_t)KS_MIN(after, (uint64_t)INT64_MAX));
	sqlite3_bind_int64(statement, 2, n);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW && got < n)
		ks_store_record_read(statement, &out[got++]);
	rc = ks_store_error(rc);
	sqlite3_reset(statement);
	return rc != 0 ? rc : (int)got;
}

int
ks_store_alerts(struct ks_store *store, uint64_t after, struct ks_record *out, uint32_t n)
{
	int rc = -EIO;

	pthread_mutex_lock(&store->lock);
	if (store->db != NULL)
		rc = alerts_read(store, after, out, KS_MIN(n, (uint32_t)INT32_MAX));
	pthread_mutex_unlock(&store->lock);
	return rc;
}

/* ---- forgetting ---- */

static int64_t
number_of(struct ks_store *store, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t number = 0;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

static uint64_t
used_bytes(struct ks_store *store)
{
	int64_t pages =
		number_of(store, "PRAGMA page_count") - number_of(store, "PRAGMA freelist_count");

	return (uint64_t)pages * (uint64_t)number_of(store, "PRAGMA page_size");
}

static int
expire_by_age(struct ks_store *store, uint64_t now_s)
{
	static const enum store_statement old[] = {STATEMENT_EXCHANGES_OLD, STATEMENT_ALERTS_OLD};
	uint64_t keep_s = (uint64_t)store->retention_days * DAY_S;
	int rc = 0;

	if (now_s < keep_s)
		return 0;
	for (size_t i = 0; i < KS_ARRAY_SIZE(old) && rc == 0; i++) {
		sqlite3_bind_int64(store->statement[old[i]], 1, (int64_t)(now_s - keep_s));
		rc = ks_store_run(store, old[i]);
	}
	return rc;
}

/* Normal exchanges go first; an alert only when there are none left. */
static int
expire_by_size(struct ks_store *store)
{
	int rc;

	if (used_bytes(store) <= store->max_bytes)
		return 0;
	rc = ks_store_run(store, STATEMENT_EXCHANGES_FIRST);
	if (rc == 0 && sqlite3_changes(store->db) == 0)
		rc = ks_store_run(store, STATEMENT_ALERTS_FIRST);
	return rc;
}

int
ks_store_expire(struct ks_store *store, uint64_t now_s)
{
	int rc = -EIO;

	pthread_mutex_lock(&store->lock);
	if (store->db != NULL)
		rc = expire_by_age(store, now_s);
	if (rc == 0)
		rc = expire_by_size(store);
	if (rc == 0)
		rc = ks_store_error(sqlite3_exec(store->db, VACUUM_SQL, NULL, NULL, NULL));
	pthread_mutex_unlock(&store->lock);
	return rc;
}
