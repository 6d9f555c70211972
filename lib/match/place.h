/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key means for the values under it: whether it is a name of the schema or a name that
 * somebody chose, whether code is normal there, whether secrets stand there.
 *
 * Thread: pure functions over a read-only database.
 */
#ifndef KS_MATCH_PLACE_H
#define KS_MATCH_PLACE_H

#include "match_priv.h"

enum match_spot_flag {
	SPOT_MAP = 1 << 0,	/* its keys are chosen freely: all count as "*" */
	SPOT_DEEP = 1 << 1,	/* all below it counts as one path */
	SPOT_SUNK = 1 << 2,	/* below such a one */
	SPOT_DATA = 1 << 3,	/* its values are files or parameters */
	SPOT_ENTRY = 1 << 4,	/* such a value … */
	SPOT_FILE = 1 << 5,	/* … under the name of a file */
	SPOT_METADATA = 1 << 6, /* within metadata, where no document belongs */
	SPOT_SECRET = 1 << 7,	/* its values are not kept */
	SPOT_NOTES = 1 << 8,	/* annotations */
	SPOT_EMBED = 1 << 9,	/* a whole object as one string */
};

/** Fills the look-up of known keys. */
void ks_match_place_init(struct ks_match_db *db);
/* A key and its hash, seeded with that of the object's path. */
struct match_key {
	struct ks_str text;
	uint64_t hash;
};

/** What stands under `key` in the object `self`. The result's key points to the key's text or to a
 *  literal. */
void ks_match_place_child(const struct match_walk *walk, const struct match_spot *self,
			  const struct match_key *key, struct match_spot *child);
void ks_match_place_element(const struct match_spot *self, struct match_spot *child);
/** Nature of this very value. */
uint8_t ks_match_place_nature(const struct match_walk *walk, const struct match_spot *spot,
			      struct ks_str value, uint32_t chars);
/** Sets the place that a JSON pointer of a patch names (RFC 6901); its text goes to
 * walk->patch_path. `op` is the operation's own spot. */
void ks_match_place_pointer(struct match_walk *walk, const struct match_spot *op,
			    struct ks_str pointer);

#endif
