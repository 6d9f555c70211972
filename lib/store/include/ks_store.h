/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What survives a restart: alerts and records in SQLite (WAL), profiles as files.
 *
 * Thread: the control core and telemetry's; one at a time by a lock of its own. May block on the disk,
 * therefore never on the data path.
 */
#ifndef KS_STORE_H
#define KS_STORE_H

#include "ks_record.h"
#include "ks_score.h"

struct ks_store;

struct ks_store_params {
	const char *path;          /**< database file; its directory must exist */
	uint32_t retention_days;   /**< 0: 30 */
	uint64_t max_bytes;        /**< 0: 1 GiB; exchanges go before alerts */
};

/** @return 0; -EIO, -ENOENT, -EPROTO (a newer version wrote it), -EBADMSG (corrupt: moved aside
 *  to `<path>.corrupt` and started anew is done once; this only when that fails). */
int ks_store_open(const struct ks_store_params *params, struct ks_store **out);
void ks_store_close(struct ks_store *store);
/** Adds records (alerts and normal ones) in one transaction; alerts get their id from the record.
 *  @return 0 or -errno; -ENOSPC when the disk is full or the file a good eighth over max_bytes
 *  (alerts are kept for the next call by the caller). A file found corrupt is moved aside, once. */
int ks_store_add(struct ks_store *store, const struct ks_record *records, uint32_t n);
/** Highest alert id ever stored, so that ids go on after a restart. */
uint64_t ks_store_last_id(struct ks_store *store);
/** Alerts with id > `after`, oldest first. @return how many or -errno. */
int ks_store_alerts(struct ks_store *store, uint64_t after, struct ks_record *out, uint32_t n);
/** Applies retention; bounded work per call: 500 rows of each kind. @return 0 or -errno. */
int ks_store_expire(struct ks_store *store, uint64_t now_s);

/** Writes a new file beside it, syncs, renames: never half a profile. @return 0 or -errno. */
int ks_store_profile_save(const char *path, const struct ks_profile *profile);
/** @return 0; -ENOENT none there; -EBADMSG damaged; -EPROTO other version. */
int ks_store_profile_load(const char *path, struct ks_profile **out);

#endif
