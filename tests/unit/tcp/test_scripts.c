/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every script under scripts/ is a test of its own, one rule of an RFC each.
 */
#include "ks_test.h"
#include "script.h"

#define SCRIPTS(X) X(passive_open)

static void
run(const char *name)
{
	char path[512], error[256] = "";

	snprintf(path, sizeof(path), "%s/%s.pkt", SCRIPT_DIR, name);
	if (script_run(path, error, sizeof(error)) == 0)
		return;
	printf("\n    %s\n", error);
	CU_FAIL("script");
}

#define SCRIPT_TEST(name)                                                                          \
	static void name(void)                                                                     \
	{                                                                                          \
		run(#name);                                                                        \
	}
SCRIPTS(SCRIPT_TEST)

#define SCRIPT_ROW(name) KS_TEST(name),
static const struct ks_test tests[] = {SCRIPTS(SCRIPT_ROW)};

KS_TEST_MAIN("tcp/scripts", tests)
