/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads EAL's --lcores list, as far as it must be known which lcores there will be:
 *   list := item (',' item)*    item := set ['@' set]    set := n | n-n | '(' n | n-n (',' …)* ')'
 * Thread: pure function.
 */
#include <errno.h>
#include <stdlib.h>

#include "config_check.h"

struct reader {
	const char *p;
	uint32_t lcore;
	bool found;
};

static bool
read_number(struct reader *r, uint32_t *n)
{
	char *end;
	unsigned long value;

	if (*r->p < '0' || *r->p > '9')
		return false;
	value = strtoul(r->p, &end, 10);
	r->p = end;
	*n = (uint32_t)value;
	return value <= 1023;
}

static bool
read_range(struct reader *r, bool lcores)
{
	uint32_t first, last;

	if (!read_number(r, &first))
		return false;
	last = first;
	if (*r->p == '-') {
		r->p++;
		if (!read_number(r, &last) || last < first)
			return false;
	}
	if (lcores && r->lcore >= first && r->lcore <= last)
		r->found = true;
	return true;
}

static bool
read_set(struct reader *r, bool lcores)
{
	if (*r->p != '(')
		return read_range(r, lcores);
	do {
		r->p++;
		if (!read_range(r, lcores))
			return false;
	} while (*r->p == ',');
	return *r->p++ == ')';
}

int
config_lcores_have(const char *list, uint32_t lcore)
{
	struct reader r = {.p = list, .lcore = lcore};

	for (;;) {
		if (!read_set(&r, true))
			return -EINVAL;
		if (*r.p == '@') {
			r.p++;
			if (!read_set(&r, false))
				return -EINVAL;
		}
		if (*r.p == '\0')
			return r.found ? 1 : 0;
		if (*r.p++ != ',')
			return -EINVAL;
	}
}
