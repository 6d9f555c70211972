/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest complete configuration, and changing a piece of it for a test.
 */
#ifndef KS_TEST_CONFIG_TEXT_H
#define KS_TEST_CONFIG_TEXT_H

#include <stdlib.h>

#include "ks_config.h"
#include "ks_test.h"

/* Line numbers count in the tests: each piece is one line. */
#define CONFIG_TEXT                                                                                \
	"eal = { lcores = \"0-2\"; };\n"                                                           \
	"placement = ( { lcore = 1; stages = [ \"rx\", \"terminate\", \"match\", \"score\" ]; } "  \
	");\n"                                                                                     \
	"ports = ( { name = \"c\"; device = \"net_null0\"; addresses = [ \"10.98.0.2/24\" ]; },\n" \
	"  { name = \"a\"; device = \"net_null1\"; addresses = [ \"10.99.0.2/24\" ]; } );\n"       \
	"services = ( { name = \"k\"; listen = \"10.98.0.2:6443\";\n"                              \
	"  identities = ( { certificate = \"s.crt\"; key = \"s.key\"; } );\n"                      \
	"  upstream = { servers = [ \"10.99.0.1:6443\" ]; ca = \"ca.crt\";\n"                      \
	"    local_address = \"10.99.0.2\"; }; } );\n"                                             \
	"rules = { directories = [ \"rules\" ]; };\n"

/** malloc'ed copy of `text` with the first `from` replaced; `from` must be there. */
static inline char *
text_replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	/* A piece that is not there is a mistake of the test itself. */
	if (at == NULL || out == NULL)
		abort();
	memcpy(out, text, (size_t)(at - text));
	strcpy(out + (at - text), to);
	strcat(out, at + strlen(from));
	return out;
}

static inline bool
errors_hold(const struct ks_config_errors *errors, const char *text)
{
	for (uint32_t i = 0; i < errors->n; i++)
		if (strstr(errors->v[i].text, text) != NULL)
			return true;
	return false;
}

#endif
