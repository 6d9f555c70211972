/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a packet script against one stack on a virtual clock. The language stands in
 * scripts/README.md. A segment that no line expects, or a line that no segment meets, fails it.
 */
#ifndef KS_TEST_TCP_SCRIPT_H
#define KS_TEST_TCP_SCRIPT_H

#include <stddef.h>

/**
 * @param error why it failed, with file and line.
 * @return 0, or -1 with `error` filled.
 */
int script_run(const char *path, char *error, size_t cap);

#endif
