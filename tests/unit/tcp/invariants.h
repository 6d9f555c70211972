/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of a stack between any two turns, whatever came in. White box: reads the room's
 * private headers.
 */
#ifndef KS_TEST_TCP_INVARIANTS_H
#define KS_TEST_TCP_INVARIANTS_H

#include "ks_tcp.h"

/* To be called after ks_tcp_flush(). @return NULL, or what does not hold. */
const char *invariants_broken(struct ks_tcp_stack *stack);

#endif
