/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a unit test program: a table of tests, run by CUnit, one line of sum at the end.
 */
#ifndef KS_TEST_H
#define KS_TEST_H

#include <CUnit/Basic.h>
#include <stdio.h>

struct ks_test {
	const char *name;
	void (*fn)(void);
};

static inline int
ks_test_run(const char *suite_name, const struct ks_test *tests, size_t n)
{
	unsigned int failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);

	for (size_t i = 0; suite != NULL && i < n; i++)
		if (CU_add_test(suite, tests[i].name, tests[i].fn) == NULL)
			return 2;
	if (suite == NULL)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	printf("%s: %u passed, %u failed\n", suite_name, CU_get_number_of_tests_run() - failed,
	       failed);
	CU_cleanup_registry();
	return failed == 0 ? 0 : 1;
}

#define KS_TEST(fn) {#fn, fn}
#define KS_TEST_MAIN(suite, table)                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		return ks_test_run(suite, table, sizeof(table) / sizeof((table)[0]));              \
	}

#endif
