/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and sentences of the counters.
 * Thread: constant.
 */
#include "ks_tcp_counters.h"

#define ROW(ID, name, help) KS_COUNTER_DESC_ROW(KS_TCP_, ID, name, help)

const struct ks_counter_desc ks_tcp_counter_desc[KS_TCP_COUNTER_MAX] = {KS_TCP_COUNTERS(ROW)};
