/* SPDX-License-Identifier: Apache-2.0 */
#include "ks_record.h"
#include "ks_test.h"

static struct ks_exchange ex;

static void
test_findings_of_one_cause_count_once(void)
{
	ks_exchange_init(&ex);
	for (int i = 0; i < 5; i++)
		CU_ASSERT_PTR_NOT_NULL(
			ks_exchange_finding_add(&ex, KS_FINDING_UNKNOWN_FIELD, 20 + i, 100));
	CU_ASSERT_EQUAL(ks_exchange_score_db(&ex), 24);
	ks_exchange_finding_add(&ex, KS_FINDING_SOURCE_NEW, 30, 100);
	CU_ASSERT_EQUAL(ks_exchange_score_db(&ex), 54);
}

static void
test_full_list_keeps_the_strongest(void)
{
	ks_exchange_init(&ex);
	for (int i = 0; i < KS_EXCHANGE_FINDINGS_MAX; i++)
		ks_exchange_finding_add(&ex, KS_FINDING_UNKNOWN_FIELD, 10 + i, 1);
	CU_ASSERT_PTR_NULL(ks_exchange_finding_add(&ex, KS_FINDING_SOURCE_NEW, 10, 1));
	CU_ASSERT_PTR_NOT_NULL(ks_exchange_finding_add(&ex, KS_FINDING_SOURCE_NEW, 11, 1));
	CU_ASSERT_EQUAL(ex.nfindings, KS_EXCHANGE_FINDINGS_MAX);
	CU_ASSERT_TRUE(ks_exchange_has(&ex, KS_FINDING_SOURCE_NEW));
}

static void
test_words_name_everything(void)
{
	char text[512];
	struct ks_finding f = {.code = KS_FINDING_UNKNOWN_FIELD, .db = 41, .seen = 12331};

	ks_finding_text_set(f.where, KS_STR("spec.hostPID"));
	ks_finding_words(&f, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(
		text, "body field spec.hostPID: never seen in 12 331 bodies of this call: 41 dB");
	CU_ASSERT_EQUAL(ks_finding_words(&f, text, 11), 10);
	CU_ASSERT_STRING_EQUAL(text, "body field");
}

static void
test_text_is_printable_and_cut(void)
{
	char text[KS_FINDING_TEXT_BYTES], longer[200];

	memset(longer, 'x', sizeof(longer));
	ks_finding_text_set(text, (struct ks_str){longer, sizeof(longer)});
	CU_ASSERT_EQUAL(strlen(text), KS_FINDING_TEXT_BYTES - 1);
	CU_ASSERT_STRING_EQUAL(text + KS_FINDING_TEXT_BYTES - 4, "...");
	ks_finding_text_set(text, KS_STR("a\x1b[31m\nb\x80"));
	CU_ASSERT_STRING_EQUAL(text, "a.[31m.b.");
}

static void
test_only_good_proven_outcomes_teach(void)
{
	ks_exchange_init(&ex);
	ex.principal.kind = KS_PRINCIPAL_SERVICE_ACCOUNT;
	ex.status = 200;
	CU_ASSERT_FALSE(ks_exchange_teaches(&ex));
	ex.principal.proven = true;
	CU_ASSERT_TRUE(ks_exchange_teaches(&ex));
	ex.status = 403;
	CU_ASSERT_FALSE(ks_exchange_teaches(&ex));
	ex.status = 200;
	ex.verdict = KS_VERDICT_BLOCK;
	CU_ASSERT_FALSE(ks_exchange_teaches(&ex));
}

static void
test_a_claimed_name_is_not_charged(void)
{
	ks_exchange_init(&ex);
	strcpy(ex.principal.name, "system:serviceaccount:shop:web");
	uint64_t claimed = ks_exchange_actor_key(&ex, 7);

	ex.source.b[15] = 9;
	CU_ASSERT_NOT_EQUAL(ks_exchange_actor_key(&ex, 7), claimed);
	ex.principal.proven = true;
	uint64_t proven = ks_exchange_actor_key(&ex, 7);

	ex.source.b[15] = 10;
	CU_ASSERT_EQUAL(ks_exchange_actor_key(&ex, 7), proven);
	CU_ASSERT_NOT_EQUAL(proven, claimed);
}

static void
test_field_list_fits_its_block(void)
{
	static _Alignas(8) char block[4096];
	struct ks_field_list list;

	ks_field_list_init(&list, block, sizeof(block));
	CU_ASSERT_TRUE(list.cap >= 60);
	CU_ASSERT_EQUAL(list.text + list.text_cap, block + sizeof(block));
	ks_field_list_init(&list, NULL, 0);
	CU_ASSERT_EQUAL(list.cap, 0);
}

static const struct ks_test tests[] = {
	KS_TEST(test_findings_of_one_cause_count_once),
	KS_TEST(test_full_list_keeps_the_strongest),
	KS_TEST(test_words_name_everything),
	KS_TEST(test_text_is_printable_and_cut),
	KS_TEST(test_only_good_proven_outcomes_teach),
	KS_TEST(test_a_claimed_name_is_not_charged),
	KS_TEST(test_field_list_fits_its_block),
};
KS_TEST_MAIN("exchange", tests)
