/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the objects that are open in a walk, to see a key that comes twice: the API server takes
 * the last of them, others the first, and what was inspected must be what is meant.
 *
 * Thread: the matcher's worker.
 */
#ifndef KS_MATCH_KEYS_H
#define KS_MATCH_KEYS_H

#include "match_priv.h"

/** @param frame the object. @param hash of the key, with a seed that is the same within the object.
 *  @return true when the object has this key already. */
bool ks_match_keys_add(struct ks_matcher *m, struct match_frame *frame, uint64_t hash);
/** Forgets the keys from `from` on: of an object that ends, or of a walk that breaks off. */
void ks_match_keys_drop(struct match_keys *keys, uint32_t from, bool tabled);

#endif
