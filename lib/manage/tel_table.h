/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of plain structs into telemetry replies, by a table of columns.
 */
#ifndef KS_TEL_TABLE_H
#define KS_TEL_TABLE_H

#include <rte_telemetry.h>

#include "ks_base.h"

enum tel_kind {
	TEL_UINT, /**< any unsigned width or bool, by `size` */
	TEL_INT,  /**< int16_t or int32_t, by `size` */
	TEL_TEXT, /**< char[] in the struct */
	TEL_MAKE, /**< text that `make` writes */
};

struct tel_column {
	const char *name;
	enum tel_kind kind;
	uint32_t size;
	size_t offset;
	/** Writes at most `cap` bytes with terminator. */
	void (*make)(const void *row, char *text, size_t cap);
};

#define TEL_FIELD(s, field) \
	.offset = offsetof(struct s, field), .size = (uint32_t)sizeof(((struct s *)0)->field)

struct tel_table {
	const struct tel_column *columns;
	uint32_t ncolumns;
	size_t row_bytes;
};

/** Longest text that a column may hold before it is escaped. */
#define TEL_TEXT_BYTES 640

/** How many of `n` rows fit into one reply that holds `used` bytes already. */
uint32_t tel_table_fit(const struct tel_table *table, const void *rows, uint32_t n, size_t used);
/** Adds one array a column to the started dictionary. @return 0 or -errno. */
int tel_table_put(struct rte_tel_data *data, const struct tel_table *table, const void *rows,
		  uint32_t n);
/** Adds the columns of one row as plain values. @return 0 or -errno. */
int tel_row_put(struct rte_tel_data *data, const struct tel_table *table, const void *row);
/** Bytes that tel_row_put() adds to the reply at most. */
size_t tel_row_bytes(const struct tel_table *table, const void *row);
/** Printable ASCII as it is, backslash and all else as \xHH. Cut at the capacity. */
size_t tel_escape(const char *in, char *out, size_t cap);

#endif
