/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 and percent codecs: the vectors of RFC 4648 section 10, malformed input, caps.
 */
#include <errno.h>

#include "ks_codec.h"
#include "ks_test.h"
#include "rand.h"

static struct ks_str
str(const char *s)
{
	return (struct ks_str){s, (uint32_t)strlen(s)};
}

static void
base64_vectors(void)
{
	static const struct {
		const char *text, *padded, *plain;
	} v[] = {
		{"", "", ""},
		{"f", "Zg==", "Zg"},
		{"fo", "Zm8=", "Zm8"},
		{"foo", "Zm9v", "Zm9v"},
		{"foob", "Zm9vYg==", "Zm9vYg"},
		{"fooba", "Zm9vYmE=", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
		{"\xfb\xff\xfe", "+//+", "-__-"},
	};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(v); i++) {
		int n = (int)strlen(v[i].text), m = (int)strlen(v[i].plain);
		char out[16];

		CU_ASSERT_EQUAL(ks_base64_decode(str(v[i].padded), out, sizeof(out)), n);
		CU_ASSERT_EQUAL(memcmp(out, v[i].text, (size_t)n), 0);
		CU_ASSERT_EQUAL(ks_base64_decode(str(v[i].plain), out, sizeof(out)), n);
		CU_ASSERT_EQUAL(memcmp(out, v[i].text, (size_t)n), 0);
		CU_ASSERT_EQUAL(ks_base64url_encode(v[i].text, (size_t)n, out, sizeof(out)), m);
		CU_ASSERT_EQUAL(memcmp(out, v[i].plain, (size_t)m), 0);
	}
}

static void
base64_malformed(void)
{
	static const char *const bad[] = {
		"A",	 "=",	  "==",	    "====",    "A===",	   "AB=",  "ABC==",
		"ABCDE", "AB=C",  "A=BC",   "=ABC",    "AB==AB==", "AB C", "ABC\n",
		"AB%3",	 "ABCD=", "AB==\n", "\200BCD", "ABC\xff",  "A.CD",
	};
	char out[16];

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(ks_base64_decode(str(bad[i]), out, sizeof(out)), -EBADMSG);
	CU_ASSERT_EQUAL(ks_base64_decode((struct ks_str){"AB\0D", 4}, out, 16), -EBADMSG);
	/* A single last character is not completed by bytes that follow the slice. */
	CU_ASSERT_EQUAL(ks_base64_decode((struct ks_str){"ABCDEFGH", 5}, out, 16), -EBADMSG);
}

static void
base64_caps(void)
{
	char out[4];

	CU_ASSERT_EQUAL(ks_base64_decode(str("Zm9vYg=="), out, 4), 4);
	CU_ASSERT_EQUAL(ks_base64_decode(str("Zm9vYmE="), out, 4), -E2BIG);
	CU_ASSERT_EQUAL(ks_base64_decode(str(""), out, 0), 0);
	CU_ASSERT_EQUAL(ks_base64url_encode("foo", 3, out, 4), 4);
	CU_ASSERT_EQUAL(ks_base64url_encode("foo", 3, out, 3), -E2BIG);
	CU_ASSERT_EQUAL(ks_base64url_encode("f", 1, out, 1), -E2BIG);
}

static void
base64_goes_both_ways(void)
{
	struct ks_rand r = {4};

	for (uint32_t i = 0; i < 3000; i++) {
		uint8_t in[100], back[100];
		char text[140];
		uint32_t n = ks_rand_below(&r, sizeof(in) + 1);
		int m;

		for (uint32_t k = 0; k < n; k++)
			in[k] = (uint8_t)ks_rand_next(&r);
		m = ks_base64url_encode(in, n, text, sizeof(text));
		CU_ASSERT_TRUE_FATAL(m >= 0);
		CU_ASSERT_EQUAL_FATAL(ks_base64_decode((struct ks_str){text, (uint32_t)m}, back, n),
				      (int)n);
		CU_ASSERT_EQUAL_FATAL(memcmp(in, back, n), 0);
	}
}

static void
percent(void)
{
	static const struct {
		const char *in, *out;
		bool plus, bad;
	} v[] = {
		{"", "", false, false},
		{"plain", "plain", false, false},
		{"a%20b", "a b", false, false},
		{"%2e%2E%2f", "../", false, false},
		{"a+b", "a+b", false, false},
		{"a+b%2B", "a b+", true, false},
		{"%", "%", false, true},
		{"%4", "%4", false, true},
		{"%4g", "%4g", false, true},
		{"%%41", "%A", false, true},
		{"%25%34%31", "%41", false, false},
		{"%zz%41", "%zzA", false, true},
	};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(v); i++) {
		char out[16];
		bool bad = !v[i].bad;
		int n = ks_percent_decode(str(v[i].in), v[i].plus, out, sizeof(out), &bad);

		CU_ASSERT_EQUAL(n, (int)strlen(v[i].out));
		CU_ASSERT_EQUAL(memcmp(out, v[i].out, strlen(v[i].out)), 0);
		CU_ASSERT_EQUAL(bad, v[i].bad);
	}
}

static void
percent_caps_and_zero(void)
{
	char out[3];
	bool bad;

	CU_ASSERT_EQUAL(ks_percent_decode(str("%41%42%43"), false, out, 3, &bad), 3);
	CU_ASSERT_EQUAL(ks_percent_decode(str("%41%42%43D"), false, out, 3, &bad), -E2BIG);
	CU_ASSERT_EQUAL(ks_percent_decode(str("%00"), false, out, 3, &bad), 1);
	CU_ASSERT_EQUAL(out[0], 0);
	/* A cut-off escape must not be completed by bytes that follow the slice. */
	CU_ASSERT_EQUAL(ks_percent_decode((struct ks_str){"%41", 2}, false, out, 3, &bad), 2);
	CU_ASSERT_TRUE(bad);
}

static const struct ks_test tests[] = {
	KS_TEST(base64_vectors),	KS_TEST(base64_malformed), KS_TEST(base64_caps),
	KS_TEST(base64_goes_both_ways), KS_TEST(percent),	   KS_TEST(percent_caps_and_zero),
};

KS_TEST_MAIN("base_codec", tests)
