/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting what is wrong with a file: all of it, not only the first.
 */
#ifndef KS_CONFIG_ERROR_H
#define KS_CONFIG_ERROR_H

#include "ks_config.h"

/** Where something stands; `file` "" with line 0: nowhere in particular. */
struct config_place {
	const char *file;
	unsigned int line;
};

void config_error(struct ks_config_errors *errors, struct config_place place, const char *key,
		  const char *fmt, ...) ks_printf(4, 5);
void config_warning(struct ks_config_errors *errors, struct config_place place, const char *key,
		    const char *fmt, ...) ks_printf(4, 5);

#endif
