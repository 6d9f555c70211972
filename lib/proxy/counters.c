/* SPDX-License-Identifier: Apache-2.0 */
#include "ks_proxy.h"

#define ROW(ID, name, help) KS_COUNTER_DESC_ROW(KS_PROXY_, ID, name, help)
const struct ks_counter_desc ks_proxy_counter_desc[KS_PROXY_COUNTER_MAX] = {KS_PROXY_COUNTERS(ROW)};
