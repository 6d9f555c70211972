/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema table: one row says everything about one key of the configuration. The loader walks
 * files by it, defaults come from it, and conf/kubescope.conf.sample is printed from it.
 */
#ifndef KS_CONFIG_SCHEMA_H
#define KS_CONFIG_SCHEMA_H

#include "ks_config.h"

enum config_type {
	CONFIG_GROUP, /**< { … }; its keys have rows of their own */
	CONFIG_LIST,  /**< ( { … }, { … } ); `size` is the stride, count at `count_offset` */
	CONFIG_BOOL,
	CONFIG_UINT,	 /**< any unsigned width, by `size` */
	CONFIG_TEXT,	 /**< char[size] */
	CONFIG_ENUM,	 /**< one of `names`; stored by index in `size` bytes */
	CONFIG_ADDRESS,	 /**< struct ks_addr */
	CONFIG_PREFIX,	 /**< struct ks_config_prefix, "10.0.0.1/24" */
	CONFIG_ENDPOINT, /**< struct ks_endpoint, "10.0.0.1:6443" */
	CONFIG_FILE,	 /**< struct ks_config_file: read now, must be PEM of kind `pem` */
	CONFIG_PATH,	 /**< char[]: a file written later, its folder must exist */
	CONFIG_FOLDER,	 /**< char[]: must exist */
};

enum config_apply {
	CONFIG_RESTART, /**< read at start only */
	CONFIG_LIVE,	/**< a reload may change it */
};

struct config_row {
	const char *path; /**< "services[].upstream.servers" */
	enum config_type type;
	bool many;     /**< [ … ] of such values; `size` is the stride */
	bool required; /**< else the default holds */
	bool secret;   /**< a file that nobody else should read */
	enum config_apply apply;
	uint32_t max_count;	  /**< of `many` and CONFIG_LIST */
	uint32_t size;		  /**< bytes of one value in the struct */
	size_t offset;		  /**< in the innermost list's element, else in struct ks_config */
	size_t count_offset;	  /**< the same, for the number of values (uint32_t) */
	const char *def;	  /**< as written in a file without quotes; NULL: empty or 0 */
	uint64_t min, max;	  /**< CONFIG_UINT */
	const char *unit;	  /**< for people; may be NULL */
	const char *const *names; /**< CONFIG_ENUM, ends with NULL; "" is a hole */
	const char *pem;	  /**< CONFIG_FILE: "CERTIFICATE" */
	const char *example;	  /**< for the sample, where there is no default */
	const char *help;
};

extern const struct config_row config_schema[];
extern const uint32_t config_schema_rows;
/** More rows than this do not fit the loader's mask of keys that were seen. */
#define CONFIG_ROWS_MAX 128

/** @return the row or NULL. `path` has "[]" where lists are. */
const struct config_row *config_schema_find(const char *path);
/** True when `row` stands directly in the element or root called `scope` ("" or "services[]."),
 *  not inside a list further down. */
bool config_row_in_scope(const struct config_row *row, const char *scope);

#endif
