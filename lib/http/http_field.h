/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field names and comma lists, for the files of this room.
 * Thread: pure functions.
 */
#ifndef KS_HTTP_FIELD_H
#define KS_HTTP_FIELD_H

#include "ks_http.h"

/** Which field a name means, any case. The name must be made of token characters. */
enum ks_http_field_id ks_http_field_id(const char *name, uint32_t len);
/** a == b in any case (ASCII). */
bool ks_http_name_eq(struct ks_str a, struct ks_str b);
/** True for names that begin with "impersonate-": they say as whom a request acts. */
bool ks_http_name_impersonates(struct ks_str name);
/** Next element of a comma list without white space around it; empty ones are passed over
 *  (RFC 9110 section 5.6.1.2). `*pos` starts at 0. @return false at the end. */
bool ks_http_list_next(struct ks_str list, uint32_t *pos, struct ks_str *item);

#endif
