/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database file: opening, checking, its schema, and starting anew when it is corrupt.
 *
 * WAL with synchronous=NORMAL: a killed process loses nothing that was committed, a power failure
 * at most the last moments and never the file. The file is checked as a whole when it is opened
 * (about a second for each GiB), so that damage is found at the start and not in the middle of an
 * attack. Thread: the control core.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store_priv.h"

KS_LOG_DEFINE(store)

#define SCHEMA_VERSION 1
#define APPLICATION_ID 0x4b534350 /* "KSCP" */
#define PAGE_BYTES 4096
#define BUSY_MS 1000
/* The file may be this much over the limit before it is full: retention runs after adding. */
#define SLACK_BYTES (1u << 20)

#define RECORD_TABLE(name, id)                                                                    \
	"CREATE TABLE " name "(id INTEGER PRIMARY KEY " id ", time_s INTEGER NOT NULL, "          \
	"mono_us INTEGER NOT NULL, source TEXT NOT NULL, principal TEXT NOT NULL, "               \
	"effective TEXT NOT NULL, call TEXT NOT NULL, call_key TEXT NOT NULL, "                   \
	"user_agent TEXT NOT NULL, verdict INTEGER NOT NULL, advice INTEGER NOT NULL, "           \
	"mode INTEGER NOT NULL, end INTEGER NOT NULL, proven INTEGER NOT NULL, "                  \
	"status INTEGER NOT NULL, score_db INTEGER NOT NULL, request_bytes INTEGER NOT NULL, "    \
	"response_bytes INTEGER NOT NULL, duration_us INTEGER NOT NULL, findings TEXT NOT NULL);" \
	"CREATE INDEX " name "_time ON " name "(time_s);"

/* AUTOINCREMENT keeps the highest id for ever, though the row may have expired. */
static const char schema[] = "BEGIN IMMEDIATE;" RECORD_TABLE("alerts", "AUTOINCREMENT")
	RECORD_TABLE("exchanges", "") "PRAGMA application_id=1263747920;"
				      "PRAGMA user_version=1;"
				      "COMMIT;";
_Static_assert(APPLICATION_ID == 1263747920 && SCHEMA_VERSION == 1, "numbers in the schema");

#define VALUES "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define OLDEST(table, where) \
	"DELETE FROM " table " WHERE id IN (SELECT id FROM " table " " where " LIMIT 500)"

static const char *const statements[STATEMENT_MAX] = {
	[STATEMENT_ALERT_ADD] = "INSERT OR REPLACE INTO alerts(" STORE_COLUMNS ") " VALUES,
	[STATEMENT_EXCHANGE_ADD] = "INSERT INTO exchanges(" STORE_COLUMNS ") " VALUES,
	[STATEMENT_ALERTS_AFTER] =
		"SELECT " STORE_COLUMNS " FROM alerts WHERE id > ? ORDER BY id LIMIT ?",
	[STATEMENT_LAST_ID] = "SELECT seq FROM sqlite_sequence WHERE name = 'alerts'",
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_EXCHANGES_OLD] = OLDEST("exchanges", "WHERE time_s < ? ORDER BY time_s"),
	[STATEMENT_ALERTS_OLD] = OLDEST("alerts", "WHERE time_s < ? ORDER BY time_s"),
	[STATEMENT_EXCHANGES_FIRST] = OLDEST("exchanges", "ORDER BY id"),
	[STATEMENT_ALERTS_FIRST] = OLDEST("alerts", "ORDER BY id"),
};

int
ks_store_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	default:
		return -EIO;
	}
}

int
ks_store_run(struct ks_store *store, enum store_statement which)
{
	sqlite3_stmt *statement = store->statement[which];
	int rc = ks_store_error(sqlite3_step(statement));

	sqlite3_reset(statement);
	return rc;
}

static int
execute(struct ks_store *store, const char *sql)
{
	return ks_store_error(sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

/* First column of the first row; `*number` or `text`, whichever is wanted. */
static int
ask(struct ks_store *store, const char *sql, int64_t *number, char text[16])
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW && number != NULL)
		*number = sqlite3_column_int64(statement, 0);
	if (rc == SQLITE_ROW && text != NULL)
		snprintf(text, 16, "%s", (const char *)sqlite3_column_text(statement, 0));
	rc = ks_store_error(rc);
	sqlite3_finalize(statement);
	return rc;
}

/* ---- opening ---- */

/* Names and addresses of users are nobody else's business: 0600 before SQLite makes it 0644. */
static int
file_ready(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EIO;
	close(fd);
	return 0;
}

static int
schema_ready(struct ks_store *store)
{
	int64_t version = 0, application = 0, tables = 0;
	int rc;

	rc = ask(store, "PRAGMA user_version", &version, NULL);
	if (rc == 0)
		rc = ask(store, "PRAGMA application_id", &application, NULL);
	if (rc == 0)
		rc = ask(store, "SELECT count(*) FROM sqlite_schema", &tables, NULL);
	if (rc != 0)
		return rc;
	if (tables == 0 && version == 0)
		return execute(store, schema);
	return application == APPLICATION_ID && version == SCHEMA_VERSION ? 0 : -EPROTO;
}

static int
whole(struct ks_store *store)
{
	char answer[16] = "";
	int rc = ask(store, "PRAGMA quick_check(1)", NULL, answer);

	return rc != 0 ? rc : strcmp(answer, "ok") == 0 ? 0 : -EBADMSG;
}

static int
settings_apply(struct ks_store *store)
{
	uint64_t bytes = store->max_bytes + store->max_bytes / 8 + SLACK_BYTES;
	char text[160];
	int rc;

	/* Page size and vacuum mode only count in a new file, the journal mode stays in it. */
	snprintf(text, sizeof(text),
		 "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;",
		 PAGE_BYTES);
	rc = execute(store, text);
	if (rc != 0)
		return rc;
	snprintf(text, sizeof(text),
		 "PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; "
		 "PRAGMA journal_size_limit=4194304; PRAGMA max_page_count=%llu;",
		 (unsigned long long)(bytes / PAGE_BYTES));
	return execute(store, text);
}

static int
statements_prepare(struct ks_store *store)
{
	int rc = SQLITE_OK;

	for (int i = 0; i < STATEMENT_MAX && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(store->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
					&store->statement[i], NULL);
	return ks_store_error(rc);
}

int
ks_store_database_open(struct ks_store *store)
{
	int rc = file_ready(store->path);

	if (rc != 0)
		return rc;
	rc = ks_store_error(sqlite3_open_v2(store->path, &store->db,
					    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
	if (rc == 0) {
		sqlite3_extended_result_codes(store->db, 1);
		sqlite3_busy_timeout(store->db, BUSY_MS);
		rc = settings_apply(store);
	}
	if (rc == 0)
		rc = schema_ready(store);
	if (rc == 0)
		rc = whole(store);
	if (rc == 0)
		rc = statements_prepare(store);
	if (rc != 0)
		ks_store_database_close(store);
	return rc;
}

void
ks_store_database_close(struct ks_store *store)
{
	for (int i = 0; i < STATEMENT_MAX; i++) {
		sqlite3_finalize(store->statement[i]);
		store->statement[i] = NULL;
	}
	sqlite3_close_v2(store->db);
	store->db = NULL;
}

/* ---- starting anew ---- */

static int
move_aside(const char *path, const char *suffix)
{
	size_t n = strlen(path) + 32;
	char *from = malloc(n), *to = malloc(n);
	int rc = -ENOMEM;

	if (from != NULL && to != NULL) {
		snprintf(from, n, "%s%s", path, suffix);
		snprintf(to, n, "%s.corrupt%s", path, suffix);
		rc = rename(from, to) == 0 || errno == ENOENT ? 0 : -EIO;
	}
	free(from);
	free(to);
	return rc;
}

int
ks_store_database_renew(struct ks_store *store)
{
	int rc;

	if (store->moved)
		return -EBADMSG;
	store->moved = true;
	ks_store_database_close(store);
	KS_LOG(store, ERR, "store_corrupt path=%s moved_to=%s.corrupt", store->path, store->path);
	rc = move_aside(store->path, "");
	if (rc == 0)
		rc = move_aside(store->path, "-wal");
	if (rc == 0)
		rc = move_aside(store->path, "-shm");
	return rc != 0 ? -EBADMSG : ks_store_database_open(store);
}
