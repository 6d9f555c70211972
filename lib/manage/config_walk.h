/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking libconfig's tree along the schema.
 */
#ifndef KS_CONFIG_WALK_H
#define KS_CONFIG_WALK_H

#include <libconfig.h>

#include "config_source.h"

struct config_walk {
	const struct config_source *source;
	struct ks_config_errors *errors;
	bool touch_files;
};

/** Fills `config` (cleared) with defaults and then with what `root` says; errors are added. */
void config_walk_root(const struct config_walk *walk, const config_setting_t *root,
		      struct ks_config *config);

#endif
