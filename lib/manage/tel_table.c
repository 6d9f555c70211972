/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telemetry replies from tables: escaping, cutting long texts into pieces, and counting bytes
 * before DPDK does, because it drops without a word what no longer fits into 16 KiB.
 *
 * DPDK 22.11 indexes a table with signed characters when it writes strings, so no byte beyond ASCII
 * may reach it; it leaves control characters out, so those must not either.
 * Thread: any; works on the caller's rows.
 */
#include <errno.h>
#include <stdio.h>

#include "tel_table.h"

#define PIECE_CHARS (RTE_TEL_MAX_STRING_LEN - 1)
/* Output limit of DPDK 22.11, less the command's name and the closing braces. */
#define REPLY_BYTES (16 * 1024 - 128)
#define NAME_BYTES 64
#define ESCAPED_BYTES (4 * TEL_TEXT_BYTES)

size_t
tel_escape(const char *in, char *out, size_t cap)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *in != '\0' && n + 5 <= cap; in++) {
		unsigned char c = (unsigned char)*in;

		if (c >= ' ' && c < 0x7f && c != '\\') {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	out[n] = '\0';
	return n;
}

static size_t
column_text(const struct tel_column *column, const void *row, char escaped[ESCAPED_BYTES])
{
	char text[TEL_TEXT_BYTES];
	const char *p = (const char *)row + column->offset;

	if (column->kind == TEL_TEXT)
		return tel_escape(p, escaped, ESCAPED_BYTES);
	text[0] = '\0';
	column->make(row, text, sizeof(text));
	return tel_escape(text, escaped, ESCAPED_BYTES);
}

static bool
column_is_text(const struct tel_column *column)
{
	return column->kind == TEL_TEXT || column->kind == TEL_MAKE;
}

static uint64_t
column_uint(const struct tel_column *column, const void *row)
{
	const char *p = (const char *)row + column->offset;
	uint64_t value = 0;

	/* Little-endian machines only, which is all that DPDK's vector code builds for here. */
	memcpy(&value, p, KS_MIN(column->size, (uint32_t)sizeof(value)));
	/* Readers of JSON hold integers in 63 bits. */
	return KS_MIN(value, (uint64_t)INT64_MAX);
}

static int
column_int(const struct tel_column *column, const void *row)
{
	const char *p = (const char *)row + column->offset;
	int16_t small;
	int32_t value;

	if (column->size == sizeof(small)) {
		memcpy(&small, p, sizeof(small));
		return small;
	}
	memcpy(&value, p, sizeof(value));
	return value;
}

/* ---- counting ---- */

static uint32_t
pieces_of(size_t chars)
{
	return chars == 0 ? 1 : (uint32_t)((chars + PIECE_CHARS - 1) / PIECE_CHARS);
}

/** Bytes of one value in JSON without quotes of pieces. */
static size_t
value_bytes(const struct tel_column *column, const void *row, uint32_t *pieces)
{
	char escaped[ESCAPED_BYTES];
	size_t bytes, chars;

	*pieces = 1;
	if (!column_is_text(column))
		return 20;
	chars = column_text(column, row, escaped);
	*pieces = pieces_of(chars);
	bytes = chars;
	for (size_t i = 0; i < chars; i++)
		bytes += escaped[i] == '"' || escaped[i] == '\\';
	return bytes;
}

static size_t
column_bytes(const struct tel_column *column, const struct tel_table *table, const char *rows,
	     uint32_t n)
{
	uint32_t most = 1, pieces;
	size_t bytes = 0;

	for (uint32_t i = 0; i < n; i++) {
		bytes += value_bytes(column, rows + i * table->row_bytes, &pieces);
		most = KS_MAX(most, pieces);
	}
	/* Every row has its quotes and comma in every piece; every piece has a name and brackets.
	 */
	return bytes + most * (3 * (size_t)n + strlen(column->name) + 12);
}

static size_t
table_bytes(const struct tel_table *table, const char *rows, uint32_t n)
{
	size_t bytes = 0;

	for (uint32_t c = 0; c < table->ncolumns; c++)
		bytes += column_bytes(&table->columns[c], table, rows, n);
	return bytes;
}

size_t
tel_row_bytes(const struct tel_table *table, const void *row)
{
	return table_bytes(table, row, 1);
}

uint32_t
tel_table_fit(const struct tel_table *table, const void *rows, uint32_t n, size_t used)
{
	uint32_t low = 0;

	/* The size grows with the rows: halve to the largest count that fits. */
	while (low < n) {
		uint32_t middle = low + (n - low + 1) / 2;

		if (used + table_bytes(table, rows, middle) <= REPLY_BYTES)
			low = middle;
		else
			n = middle - 1;
	}
	return low;
}

/* ---- writing ---- */

static const char *
piece_name(const struct tel_column *column, uint32_t piece, char name[NAME_BYTES])
{
	if (piece == 0)
		snprintf(name, NAME_BYTES, "%s", column->name);
	else
		snprintf(name, NAME_BYTES, "%s/%u", column->name, piece);
	return name;
}

static const char *
piece_text(const char *escaped, size_t chars, uint32_t piece, char text[PIECE_CHARS + 1])
{
	size_t from = KS_MIN((size_t)piece * PIECE_CHARS, chars);
	size_t n = KS_MIN(chars - from, (size_t)PIECE_CHARS);

	memcpy(text, escaped + from, n);
	text[n] = '\0';
	return text;
}

static int
text_piece_put(struct rte_tel_data *array, const struct tel_column *column, const void *row,
	       uint32_t piece)
{
	char escaped[ESCAPED_BYTES], text[PIECE_CHARS + 1];
	size_t chars = column_text(column, row, escaped);

	return rte_tel_data_add_array_string(array, piece_text(escaped, chars, piece, text));
}

static int
cell_put(struct rte_tel_data *array, const struct tel_column *column, const void *row,
	 uint32_t piece)
{
	if (column_is_text(column))
		return text_piece_put(array, column, row, piece);
	if (column->kind == TEL_INT)
		return rte_tel_data_add_array_int(array, column_int(column, row));
	return rte_tel_data_add_array_u64(array, column_uint(column, row));
}

static enum rte_tel_value_type
column_type(const struct tel_column *column)
{
	if (column_is_text(column))
		return RTE_TEL_STRING_VAL;
	return column->kind == TEL_INT ? RTE_TEL_INT_VAL : RTE_TEL_U64_VAL;
}

static int
piece_put(struct rte_tel_data *data, const struct tel_table *table, uint32_t c, const char *rows,
	  uint32_t n, uint32_t piece)
{
	const struct tel_column *column = &table->columns[c];
	struct rte_tel_data *array = rte_tel_data_alloc();
	char name[NAME_BYTES];
	int rc;

	if (array == NULL)
		return -ENOMEM;
	rc = rte_tel_data_start_array(array, column_type(column));
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = cell_put(array, column, rows + i * table->row_bytes, piece);
	if (rc == 0)
		rc = rte_tel_data_add_dict_container(data, piece_name(column, piece, name), array,
						     0);
	if (rc != 0)
		rte_tel_data_free(array);
	return rc;
}

int
tel_table_put(struct rte_tel_data *data, const struct tel_table *table, const void *rows,
	      uint32_t n)
{
	uint32_t most, pieces;
	int rc = 0;

	for (uint32_t c = 0; c < table->ncolumns; c++) {
		most = 1;
		for (uint32_t i = 0; i < n; i++) {
			value_bytes(&table->columns[c], (const char *)rows + i * table->row_bytes,
				    &pieces);
			most = KS_MAX(most, pieces);
		}
		for (uint32_t piece = 0; piece < most && rc == 0; piece++)
			rc = piece_put(data, table, c, rows, n, piece);
	}
	return rc;
}

static int
row_text_put(struct rte_tel_data *data, const struct tel_column *column, const void *row)
{
	char escaped[ESCAPED_BYTES], text[PIECE_CHARS + 1], name[NAME_BYTES];
	size_t chars = column_text(column, row, escaped);
	int rc = 0;

	for (uint32_t piece = 0; piece < pieces_of(chars) && rc == 0; piece++)
		rc = rte_tel_data_add_dict_string(data, piece_name(column, piece, name),
						  piece_text(escaped, chars, piece, text));
	return rc;
}

int
tel_row_put(struct rte_tel_data *data, const struct tel_table *table, const void *row)
{
	int rc = 0;

	for (uint32_t c = 0; c < table->ncolumns && rc == 0; c++) {
		const struct tel_column *column = &table->columns[c];

		if (column_is_text(column))
			rc = row_text_put(data, column, row);
		else if (column->kind == TEL_INT)
			rc = rte_tel_data_add_dict_int(data, column->name, column_int(column, row));
		else
			rc = rte_tel_data_add_dict_u64(data, column->name,
						       column_uint(column, row));
	}
	return rc;
}
