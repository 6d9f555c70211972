/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: what enters and merges must not depend on the order. Tables: filling, copying, clearing.
 * Evidence: grows with observations and with excess, is little where little is known.
 */
#include <stdlib.h>

#include "ks_test.h"

#include "evidence.h"
#include "model.h"
#include "scorer.h"

static uint64_t state;

static uint32_t
draw(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

static void
table_fills_to_its_limit(void)
{
	struct ks_score_table table, copy;
	uint64_t *rec;

	CU_ASSERT_EQUAL_FATAL(ks_score_table_init(&table, 64, 100), 0);
	for (uint64_t i = 1; i <= 100; i++) {
		/* Equal low bits: all of them want one slot. */
		rec = ks_score_table_add(&table, i << 32);
		CU_ASSERT_PTR_NOT_NULL_FATAL(rec);
		rec[1] = i;
	}
	CU_ASSERT_PTR_NULL(ks_score_table_add(&table, 101ull << 32));
	CU_ASSERT_PTR_NOT_NULL(ks_score_table_add(&table, 7ull << 32));
	CU_ASSERT_PTR_NULL(table_find(&table, 101ull << 32));
	CU_ASSERT_EQUAL_FATAL(ks_score_table_copy(&copy, &table, 200), 0);
	for (uint64_t i = 1; i <= 100; i++) {
		rec = table_find(&copy, i << 32);
		CU_ASSERT(rec != NULL && rec[1] == i);
	}
	CU_ASSERT_PTR_NOT_NULL(ks_score_table_add(&copy, 101ull << 32));
	ks_score_table_clear(&table);
	CU_ASSERT_EQUAL(table.n, 0);
	CU_ASSERT_PTR_NULL(table_find(&table, 7ull << 32));
	ks_score_table_fini(&copy);
	ks_score_table_fini(&table);
}

static void
field_observe(struct model_field *field, uint32_t what)
{
	struct model_field one = {.key = 1, .n = 1, .id = what + 1, .last_s = what};
	char text[8];

	one.type_all = one.type_once = 1u << (what % 5);
	one.char_all = one.char_once = (uint16_t)(1u << (what % 3));
	length_add(&one.len, what * 7 % 100);
	snprintf(text, sizeof(text), "v%u", what % 6);
	ks_score_field_value_add(&one, 1000 - what % 6, (struct ks_str){text, 2});
	ks_score_field_merge(field, &one);
}

/* Any order, any grouping: the same record, byte for byte. */
static void
field_merges_without_order(void)
{
	for (int round = 0; round < 500; round++) {
		struct model_field whole = {.key = 1},
				   parts[3] = {{.key = 1}, {.key = 1}, {.key = 1}};
		struct model_field left = {.key = 1}, right = {.key = 1};
		uint32_t n = 1 + draw(9);

		for (uint32_t i = 0; i < n; i++) {
			uint32_t what = draw(40);

			field_observe(&whole, what);
			field_observe(&parts[draw(3)], what);
		}
		for (int i = 0; i < 3; i++) {
			ks_score_field_merge(&left, &parts[i]);
			ks_score_field_merge(&right, &parts[2 - i]);
		}
		CU_ASSERT(memcmp(&left, &whole, sizeof(whole)) == 0);
		CU_ASSERT(memcmp(&right, &whole, sizeof(whole)) == 0);
	}
}

static void
enumeration_ends_at_eight(void)
{
	struct model_field field = {.key = 1};
	char text[] = "a";

	for (uint64_t i = 0; i < 8; i++) {
		text[0] = (char)('h' - i);
		ks_score_field_value_add(&field, 100 - i, (struct ks_str){text, 1});
	}
	CU_ASSERT_EQUAL(field.nvalues, 8);
	CU_ASSERT(ks_score_field_value_has(&field, 93));
	CU_ASSERT_STRING_EQUAL(field.text[0], "a");
	CU_ASSERT_STRING_EQUAL(field.text[2], "c");
	ks_score_field_value_add(&field, 100, (struct ks_str){"h", 1});
	CU_ASSERT_EQUAL(field.nvalues, 8);
	ks_score_field_value_add(&field, 50, (struct ks_str){"z", 1});
	CU_ASSERT_EQUAL(field.nvalues, 0);
	CU_ASSERT_EQUAL(field.flags, FIELD_MANY);
	CU_ASSERT_STRING_EQUAL(field.text[0], "");
}

static void
novelty_means_what_it_says(void)
{
	struct model_variety settled = {1, 0}, restless = {40, 20};
	int before = 0;

	CU_ASSERT_EQUAL(ks_score_novelty_db(0, settled, 1), 0);
	CU_ASSERT(ks_score_novelty_db(5, settled, 1) < 3);
	CU_ASSERT(ks_score_novelty_db(20, settled, 1) < 10);
	/* The words of the manual: never seen in 12 331 requests, about 41 dB. */
	CU_ASSERT(abs(ks_score_novelty_db(12331, settled, 1) - 40) <= 1);
	CU_ASSERT(ks_score_novelty_db(1000, restless, 1) <= 18);
	for (double n = 10; n < 1e7; n *= 2) {
		int db = ks_score_novelty_db(n, settled, 1);

		CU_ASSERT(db >= before);
		before = db;
	}
	/* A population in which nothing new turns up makes a young member's novelty odder. */
	CU_ASSERT(ks_score_novelty_db(100, settled, 2000) >
		  ks_score_novelty_db(100, settled, 1) + 8);
}

static void
length_beyond_the_longest(void)
{
	struct model_length fixed = {0}, free_text = {0};

	for (uint32_t i = 0; i < 1000; i++) {
		length_add(&fixed, 36);
		length_add(&free_text, 1u << (i % 12));
	}
	CU_ASSERT_EQUAL(ks_score_length_db(&fixed, 36), 0);
	CU_ASSERT(ks_score_length_db(&fixed, 40) < 10);
	CU_ASSERT(ks_score_length_db(&fixed, 4000) >= 60);
	CU_ASSERT(ks_score_length_db(&free_text, 4000) < 40);
	CU_ASSERT(ks_score_length_db(&free_text, 4000) > 10);
}

static void
rate_beyond_the_most(void)
{
	CU_ASSERT_EQUAL(ks_score_rate_db(100, 20, 20), 0);
	CU_ASSERT(ks_score_rate_db(100, 20, 25) < 15);
	CU_ASSERT(ks_score_rate_db(100, 20, 100) >= 50);
	CU_ASSERT(ks_score_rate_db(0, 20, 2000) >= 60);
	for (uint32_t n = 0; n < 2000; n += 50)
		for (int db = 5; db < 120; db += 5) {
			double at = ks_score_rate_at(n, 20, db);

			CU_ASSERT(abs(ks_score_rate_db(n, 20, at) - db) <= 1);
		}
}

static void
many_tests_weigh_less(void)
{
	CU_ASSERT_EQUAL(ks_score_of_many_db(40, 1), 40);
	CU_ASSERT_EQUAL(ks_score_of_many_db(40, 100), 20);
	CU_ASSERT_EQUAL(ks_score_of_many_db(40, 0), 40);
}

static const struct ks_test tests[] = {
	KS_TEST(table_fills_to_its_limit),  KS_TEST(field_merges_without_order),
	KS_TEST(enumeration_ends_at_eight), KS_TEST(novelty_means_what_it_says),
	KS_TEST(length_beyond_the_longest), KS_TEST(rate_beyond_the_most),
	KS_TEST(many_tests_weigh_less),
};

KS_TEST_MAIN("score/model", tests)
