/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value: from text or a libconfig setting into its place in the struct, checked by its row.
 */
#ifndef KS_CONFIG_VALUE_H
#define KS_CONFIG_VALUE_H

#include <libconfig.h>

#include "config_error.h"
#include "config_schema.h"

/** What a setter needs to know of where it is. */
struct config_spot {
	struct ks_config_errors *errors;
	struct config_place place;
	const char *key;  /**< with indexes: "services[0].listen" */
	bool touch_files; /**< false: paths are kept, nothing is looked at */
};

/** Errors are added. @return true when the value stands in `dst`. */
bool config_value_set(const struct config_spot *spot, const struct config_row *row,
		      const config_setting_t *setting, void *dst);
/** The row's default, as if it stood in the file; for a row without one `dst` is left as it is.
 *  Defaults of paths are not looked at on the disk. */
void config_value_default(const struct config_row *row, void *dst);
/** "an integer", "a string" … */
const char *config_setting_words(const config_setting_t *setting);

#endif
