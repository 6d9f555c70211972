/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as a row: one place says in which order the columns stand, for writing and for reading.
 * Thread: whoever holds the store's lock.
 */
#include "store_priv.h"

/* Verdicts, modes and ends are small numbers that are never renumbered; texts are for people. */

struct row {
	sqlite3_stmt *statement;
	int column; /**< binding counts from 1, reading from 0 */
	int rc;
};

static void
bind_number(struct row *row, int64_t value)
{
	if (row->rc == SQLITE_OK)
		row->rc = sqlite3_bind_int64(row->statement, row->column, value);
	row->column++;
}

static void
bind_text(struct row *row, const char *text, size_t n)
{
	if (row->rc == SQLITE_OK)
		row->rc = sqlite3_bind_text(row->statement, row->column, text, (int)n,
					    SQLITE_TRANSIENT);
	row->column++;
}

static void
bind_string(struct row *row, const char *text, size_t cap)
{
	bind_text(row, text, strnlen(text, cap));
}

int
ks_store_record_bind(sqlite3_stmt *statement, const struct ks_record *r)
{
	char findings[STORE_FINDINGS_BYTES], source[KS_ADDR_TEXT_BYTES];
	struct row row = {statement, 1, SQLITE_OK};

	bind_number(&row, (int64_t)r->id);
	bind_number(&row, (int64_t)r->time_s);
	bind_number(&row, (int64_t)r->mono_us);
	ks_addr_format(&r->source, source);
	bind_string(&row, source, sizeof(source));
	bind_string(&row, r->principal, sizeof(r->principal));
	bind_string(&row, r->effective, sizeof(r->effective));
	bind_string(&row, r->call, sizeof(r->call));
	bind_string(&row, r->call_key, sizeof(r->call_key));
	bind_string(&row, r->user_agent, sizeof(r->user_agent));
	bind_number(&row, r->verdict);
	bind_number(&row, r->advice);
	bind_number(&row, r->mode);
	bind_number(&row, r->end);
	bind_number(&row, r->proven);
	bind_number(&row, r->status);
	bind_number(&row, r->score_db);
	bind_number(&row, (int64_t)r->request_bytes);
	bind_number(&row, (int64_t)r->response_bytes);
	bind_number(&row, (int64_t)r->duration_us);
	bind_text(&row, findings, ks_store_findings_write(r, findings));
	return row.rc;
}

static int64_t
read_number(struct row *row)
{
	return sqlite3_column_int64(row->statement, row->column++);
}

static void
read_string(struct row *row, char *out, size_t cap)
{
	const char *text = (const char *)sqlite3_column_text(row->statement, row->column++);

	snprintf(out, cap, "%s", text == NULL ? "" : text);
}

void
ks_store_record_read(sqlite3_stmt *statement, struct ks_record *r)
{
	struct row row = {statement, 0, SQLITE_OK};
	char source[KS_ADDR_TEXT_BYTES];
	const char *findings;

	memset(r, 0, sizeof(*r));
	r->id = (uint64_t)read_number(&row);
	r->time_s = (uint64_t)read_number(&row);
	r->mono_us = (uint64_t)read_number(&row);
	read_string(&row, source, sizeof(source));
	(void)ks_addr_parse(source, &r->source);
	read_string(&row, r->principal, sizeof(r->principal));
	read_string(&row, r->effective, sizeof(r->effective));
	read_string(&row, r->call, sizeof(r->call));
	read_string(&row, r->call_key, sizeof(r->call_key));
	read_string(&row, r->user_agent, sizeof(r->user_agent));
	r->verdict = (uint8_t)read_number(&row);
	r->advice = (uint8_t)read_number(&row);
	r->mode = (uint8_t)read_number(&row);
	r->end = (uint8_t)read_number(&row);
	r->proven = read_number(&row) != 0;
	r->status = (uint16_t)read_number(&row);
	r->score_db = (int16_t)read_number(&row);
	r->request_bytes = (uint64_t)read_number(&row);
	r->response_bytes = (uint64_t)read_number(&row);
	r->duration_us = (uint64_t)read_number(&row);
	findings = (const char *)sqlite3_column_text(statement, row.column);
	if (findings != NULL)
		ks_store_findings_read(r, findings,
				       (size_t)sqlite3_column_bytes(statement, row.column));
}
