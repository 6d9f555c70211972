/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request path taken apart, and what the API server reads from a query: for the files of this
 * room. Thread: pure functions over the caller's memory.
 */
#ifndef KS_KUBE_PATH_H
#define KS_KUBE_PATH_H

#include "ks_base.h"

/* /apis/GROUP/VERSION/watch/namespaces/NS/RESOURCE/NAME/SUBRESOURCE */
#define KS_KUBE_SEGMENTS_MAX 9

struct ks_kube_path {
	struct ks_str decoded;
	struct ks_str segments[KS_KUBE_SEGMENTS_MAX]; /**< the first ones; slices of `decoded` */
	uint32_t nsegments;			      /**< of all */
};

/**
 * Decodes `raw` (no query) into `scratch` of at least raw.n bytes and splits it.
 * @return 0 or -EBADMSG for a path that two parties could read in two ways.
 */
int ks_kube_path_parse(struct ks_str raw, char *scratch, struct ks_kube_path *path);

/** Value of the first pair whose decoded name is `name` (which must be plain), as Go's url.Query()
 * finds it: pairs with bad escapes or a semicolon do not exist. @return false when there is none.
 */
bool ks_kube_query_find(struct ks_str query, const char *name, struct ks_str *value);
/** How the API machinery reads a boolean option: there, and neither "false" nor "0". */
bool ks_kube_query_flag(struct ks_str query, const char *name);
/** The object that a fieldSelector of a list or watch pins by metadata.name, decoded into `scratch`
 * of at least query.n bytes; `name` stays as it is when none is. */
void ks_kube_query_object(struct ks_str query, char *scratch, struct ks_str *name);

#endif
