/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that need more than one value.
 */
#ifndef KS_CONFIG_CHECK_H
#define KS_CONFIG_CHECK_H

#include "ks_config.h"

/** Also fills what follows from other values (the upstream's server name). Errors are added. */
void config_check(struct ks_config *config, struct ks_config_errors *errors);

/** Is `lcore` in a list as EAL's --lcores takes it? @return 1, 0, or -EINVAL for a malformed list.
 */
int config_lcores_have(const char *list, uint32_t lcore);

#endif
