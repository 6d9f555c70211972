/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON visitor and string codecs: what RFC 8259 accepts and refuses, the events, depth, error
 * offsets, UTF-8, escapes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ks_json.h"
#include "ks_test.h"
#include "rand.h"

#define DEPTH 64

/* All strings of this file are handed in on the heap, cut to size: ASan sees a byte too many. */
static struct ks_str
heap(const void *s, size_t n)
{
	char *p = malloc(n == 0 ? 1 : n);

	memcpy(p, s, n);
	return (struct ks_str){p, (uint32_t)n};
}

static int
ignore(void *arg, const struct ks_json_item *item)
{
	return 0;
}

static int
visit_bytes(const void *s, size_t n, uint32_t *off)
{
	struct ks_str doc = heap(s, n);
	int rc = ks_json_visit(doc, DEPTH, ignore, NULL, off);

	free((void *)(uintptr_t)doc.p);
	return rc;
}

static void
accepts(void)
{
	static const char *const good[] = {
		"{}",
		"[]",
		"0",
		"-0",
		"1",
		"-1",
		"10",
		"1.0",
		"0.5e1",
		"1E+2",
		"1e-2",
		"123e65",
		"\"\"",
		"\"a\"",
		"true",
		"false",
		"null",
		" [ ] ",
		"\t\r\n {} \n",
		"[1]",
		"[1,2]",
		"[[]]",
		"[{}]",
		"{\"a\":1}",
		"{\"a\":1,\"a\":2}",
		"{\"\":0}",
		"[null,true,false]",
		"{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"e\"}",
		"[\"\\u0000\"]",
		"[\"\\ud800\"]",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
		"[\"\\uD834\\uDd1e\"]",
		"\"\x7f\"",
		"\"\xc2\x80\"",
		"\"\xed\x9f\xbf\"",
		"\"\xef\xbf\xbf\"",
		"\"\xf4\x8f\xbf\xbf\"",
		"\"asd \xe2\x82\xac and a long tail of plain characters\"",
		"[1 , 2 ]",
		"{\"long key of more than sixteen bytes\" : \"long value of more than that\"}",
		"0.000000000000000000000000000000000000000000000000000000000000000000000000001",
	};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(good); i++) {
		int rc = visit_bytes(good[i], strlen(good[i]), NULL);

		CU_ASSERT_EQUAL(rc, 0);
		if (rc != 0)
			printf("refused: %s\n", good[i]);
	}
}

/* The offset is that of the first byte that makes the document wrong, or its end. */
static void
refuses(void)
{
	static const struct {
		const char *doc;
		uint32_t off;
	} bad[] = {
		{"", 0},
		{" ", 1},
		{"[", 1},
		{"]", 0},
		{"{", 1},
		{"}", 0},
		{"[1", 2},
		{"[1,", 3},
		{"[1,]", 3},
		{"[,1]", 1},
		{"[1,,2]", 3},
		{"[1 2]", 3},
		{"{\"a\"}", 4},
		{"{\"a\":}", 5},
		{"{\"a\":1,}", 7},
		{"{a:1}", 1},
		{"{1:1}", 1},
		{"{\"a\" 1}", 5},
		{"{'a':1}", 1},
		{"{\"a\":1 \"b\":2}", 7},
		{"[}", 1},
		{"{]", 1},
		{"[1}", 2},
		{"{\"a\":1]", 6},
		{"1 2", 2},
		{"[] []", 3},
		{"{}x", 2},
		{"tru", 3},
		{"trux", 3},
		{"True", 0},
		{"nul", 3},
		{"falsey", 5},
		{"NaN", 0},
		{"Infinity", 0},
		{"-", 1},
		{"+1", 0},
		{"01", 1},
		{"-01", 2},
		{"1.", 2},
		{".5", 0},
		{"1.e1", 2},
		{"1e", 2},
		{"1e+", 3},
		{"1ee", 2},
		{"0x1", 1},
		{"1_0", 1},
		{"--1", 1},
		{"\"", 1},
		{"\"abc", 4},
		{"\"\\\"", 3},
		{"\"\\", 2},
		{"\"\\x\"", 2},
		{"\"\\u\"", 3},
		{"\"\\u12\"", 5},
		{"\"\\u123g\"", 6},
		{"\"\\u123", 6},
		{"\"\t\"", 1},
		{"\"a\nb\"", 2},
		{"\"\x1f\"", 1},
		{"\"0123456789abcdef\n\"", 17},
		{"'a'", 0},
		{"/**/1", 0},
		{"[1]//x", 3},
		{"\xef\xbb\xbf{}", 0},
		{"\"\x80\"", 1},
		{"\"\xc0\xaf\"", 1},
		{"\"\xc1\xbf\"", 1},
		{"\"\xe0\x9f\xbf\"", 1},
		{"\"\xed\xa0\x80\"", 1},
		{"\"\xf0\x8f\xbf\xbf\"", 1},
		{"\"\xf4\x90\x80\x80\"", 1},
		{"\"\xf5\x80\x80\x80\"", 1},
		{"\"\xff\"", 1},
		{"\"a\xe2\x82\"", 2},
		{"\"\xe2\x82\xac\xe2\"", 4},
		{"\"\xc2", 1},
		{"\"\xf0\x9f\x98", 1},
		{"\xa0[]", 0},
		{"\v[]", 0},
		{"[]\f", 2},
		{"[\"a\",\n4\n,1", 10},
	};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(bad); i++) {
		uint32_t off = UINT32_MAX;
		int rc = visit_bytes(bad[i].doc, strlen(bad[i].doc), &off);

		CU_ASSERT_EQUAL(rc, -EBADMSG);
		CU_ASSERT_EQUAL(off, bad[i].off);
		if (rc != -EBADMSG || off != bad[i].off)
			printf("%s: rc %d at %u, not %u\n", bad[i].doc, rc, off, bad[i].off);
	}
	CU_ASSERT_EQUAL(visit_bytes("[\0]", 3, NULL), -EBADMSG);
	CU_ASSERT_EQUAL(visit_bytes("\"\0\"", 3, NULL), -EBADMSG);
	CU_ASSERT_EQUAL(visit_bytes("\"\\\0\"", 4, NULL), -EBADMSG);
	CU_ASSERT_EQUAL(visit_bytes("1\0", 2, NULL), -EBADMSG);
}

struct trace {
	char text[512];
	size_t n;
};

static int
record(void *arg, const struct ks_json_item *item)
{
	static const char letter[] = "{}[]ksntfz";
	struct trace *t = arg;

	t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n, "%c%u%s%.*s ",
				 letter[item->event], item->depth, item->escaped ? "!" : "",
				 (int)item->text.n, item->text.p);
	return 0;
}

static void
tells_what_it_sees(void)
{
	static const char doc[] = " {\"a\" : [1, -2.5e3,\"x\\n\"],\"b\":{},\"c\\u0041\":[],"
				  "\"d\":true,\"e\":false,\"f\":null} ";
	struct trace t = {.n = 0};

	CU_ASSERT_EQUAL(ks_json_visit(KS_STR(doc), DEPTH, record, &t, NULL), 0);
	CU_ASSERT_STRING_EQUAL(t.text,
			       "{0 k1a [1 n21 n2-2.5e3 s2!x\\n ]1 k1b {1 }1 k1!c\\u0041 [1 ]1 "
			       "k1d t1true k1e f1false k1f z1null }0 ");
}

static void
bounds_the_depth(void)
{
	char doc[4096];

	for (uint32_t depth = 0; depth < 1100; depth++) {
		memset(doc, '[', depth);
		doc[depth] = '1';
		memset(doc + depth + 1, ']', depth);

		struct ks_str s = {doc, 2 * depth + 1};
		uint32_t off = 0;
		int rc = ks_json_visit(s, 40, ignore, NULL, &off);

		CU_ASSERT_EQUAL(rc, depth <= 40 ? 0 : -E2BIG);
		CU_ASSERT_EQUAL(off, depth <= 40 ? 0 : 40);
		rc = ks_json_visit(s, UINT16_MAX, ignore, NULL, NULL);
		CU_ASSERT_EQUAL(rc, depth <= 1024 ? 0 : -E2BIG);
		CU_ASSERT_EQUAL(ks_json_visit(s, 0, ignore, NULL, NULL), depth == 0 ? 0 : -E2BIG);
	}
}

/* Objects and arrays in random turn: a wrong bit per level would let the wrong bracket close. */
static void
keeps_brackets_apart(void)
{
	struct ks_rand r = {5};

	for (uint32_t round = 0; round < 200; round++) {
		uint32_t depth = 1 + ks_rand_below(&r, 300), n = 0;
		char doc[4096], close[300];

		for (uint32_t i = 0; i < depth; i++) {
			bool object = ks_rand_below(&r, 2);

			n += (uint32_t)sprintf(doc + n, "%s", object ? "{\"k\":" : "[");
			close[depth - 1 - i] = object ? '}' : ']';
		}
		doc[n++] = '7';
		memcpy(doc + n, close, depth);
		CU_ASSERT_EQUAL_FATAL(
			ks_json_visit((struct ks_str){doc, n + depth}, 300, ignore, NULL, NULL), 0);

		uint32_t at = ks_rand_below(&r, depth), off;

		doc[n + at] = doc[n + at] == '}' ? ']' : '}';
		CU_ASSERT_EQUAL_FATAL(
			ks_json_visit((struct ks_str){doc, n + depth}, 300, ignore, NULL, &off),
			-EBADMSG);
		CU_ASSERT_EQUAL_FATAL(off, n + at);
	}
}

static int
stop_at_number(void *arg, const struct ks_json_item *item)
{
	++*(uint32_t *)arg;
	return item->event == KS_JSON_NUMBER ? 77 : 0;
}

static void
stops_when_told(void)
{
	uint32_t seen = 0;

	CU_ASSERT_EQUAL(ks_json_visit(KS_STR("[true,5,6]"), 9, stop_at_number, &seen, NULL), 77);
	CU_ASSERT_EQUAL(seen, 3);
}

/* Every cut of a good document is bad, wherever the vector loop hands over to the single bytes. */
static void
every_cut_is_bad(void)
{
	static const char doc[] =
		"{\"metadata\":{\"name\":\"a long name with \\u00e4 and \xc3\xa4 in "
		"it, longer than a vector\",\"n\":[1.5e+3,true,null]}}";
	size_t n = sizeof(doc) - 1;

	for (size_t cut = 0; cut < n; cut++) {
		uint32_t off = UINT32_MAX;

		CU_ASSERT_EQUAL_FATAL(visit_bytes(doc, cut, &off), -EBADMSG);
		CU_ASSERT_TRUE_FATAL(off <= cut);
	}
	CU_ASSERT_EQUAL(visit_bytes(doc, n, NULL), 0);
}

/* Any byte at any place of a string, against the rule said plainly. */
static void
every_byte_in_every_place(void)
{
	for (uint32_t len = 1; len < 40; len++) {
		for (uint32_t at = 0; at < len; at += 1 + len / 8) {
			for (uint32_t c = 0; c < 256; c++) {
				char doc[64];
				bool good = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

				memset(doc, 'a', sizeof(doc));
				doc[0] = '"';
				doc[1 + at] = (char)c;
				doc[1 + len] = '"';
				if (c == '"' && at == len - 1)
					continue;
				if (c == '\\' && at < len - 1)
					continue;
				CU_ASSERT_EQUAL_FATAL(visit_bytes(doc, len + 2, NULL),
						      good ? 0 : -EBADMSG);
			}
		}
	}
}

static void
unescapes(void)
{
	static const struct {
		const char *in, *out;
	} v[] = {
		{"", ""},
		{"plain", "plain"},
		{"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
		{"a\\u0041b\\u00e4\\u20AC", "aAb\xc3\xa4\xe2\x82\xac"},
		{"\\ud83d\\uDE00", "\xf0\x9f\x98\x80"},
		{"\\ud83d", "\xef\xbf\xbd"},
		{"\\ude00x", "\xef\xbf\xbdx"},
		{"\\ud83d\\u0041", "\xef\xbf\xbd"
				   "A"},
		{"\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
		{"\\", "\\"},
		{"\\q", "\\q"},
		{"\\u12", "\\u12"},
		{"\\ud83d\\u", "\xef\xbf\xbd\\u"},
	};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(v); i++) {
		struct ks_str in = heap(v[i].in, strlen(v[i].in));
		size_t n = strlen(v[i].out);
		char out[64];

		CU_ASSERT_TRUE(n <= in.n);
		CU_ASSERT_EQUAL(ks_json_unescape(in, out, n), (int)n);
		CU_ASSERT_EQUAL(memcmp(out, v[i].out, n), 0);
		if (n > 0)
			CU_ASSERT_EQUAL(ks_json_unescape(in, out, n - 1), -E2BIG);
		free((void *)(uintptr_t)in.p);
	}
	char zero;

	CU_ASSERT_EQUAL(ks_json_unescape(KS_STR("\\u0000"), &zero, 1), 1);
	CU_ASSERT_EQUAL(zero, 0);
}

static void
escapes(void)
{
	static const struct {
		const char *in, *out;
	} v[] = {
		{"", ""},
		{"pods/log", "pods/log"},
		{"\"\\\b\f\n\r\t\x01\x1f", "\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f"},
		{"\xc3\xa4\xf0\x9f\x98\x80", "\xc3\xa4\xf0\x9f\x98\x80"},
		{"a\xff"
		 "b",
		 "a\xef\xbf\xbd"
		 "b"},
		{"\xc3", "\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(v); i++) {
		struct ks_str in = heap(v[i].in, strlen(v[i].in));
		size_t n = strlen(v[i].out);
		char out[64];

		CU_ASSERT_EQUAL(ks_json_escape(in, out, sizeof(out)), n);
		CU_ASSERT_EQUAL(memcmp(out, v[i].out, n), 0);
		free((void *)(uintptr_t)in.p);
	}
	char out[8];

	CU_ASSERT_EQUAL(ks_json_escape(KS_STR("ab\n"), out, 3), 2);
	CU_ASSERT_EQUAL(ks_json_escape(KS_STR("a\xe2\x82\xac"), out, 3), 1);
	CU_ASSERT_EQUAL(ks_json_escape(KS_STR("\x01"), out, 5), 0);
}

/* What is escaped is one JSON string, and unescaped it is the input again (where that is UTF-8). */
static void
goes_both_ways(void)
{
	struct ks_rand r = {6};

	for (uint32_t i = 0; i < 20000; i++) {
		char in[24], text[160], back[160];
		uint32_t n = ks_rand_below(&r, sizeof(in));
		bool ascii = ks_rand_below(&r, 2);
		size_t m;
		int rc;

		for (uint32_t k = 0; k < n; k++)
			in[k] = (char)(ks_rand_next(&r) & (ascii ? 0x7f : 0xff));
		text[0] = '"';
		m = ks_json_escape((struct ks_str){in, n}, text + 1, sizeof(text) - 2);
		text[1 + m] = '"';
		CU_ASSERT_EQUAL_FATAL(visit_bytes(text, m + 2, NULL), 0);
		rc = ks_json_unescape((struct ks_str){text + 1, (uint32_t)m}, back, sizeof(back));
		CU_ASSERT_TRUE_FATAL(rc >= 0);
		if (ascii)
			CU_ASSERT_TRUE_FATAL(rc == (int)n && memcmp(in, back, n) == 0);
	}
}

static const struct ks_test tests[] = {
	KS_TEST(accepts),
	KS_TEST(refuses),
	KS_TEST(tells_what_it_sees),
	KS_TEST(bounds_the_depth),
	KS_TEST(keeps_brackets_apart),
	KS_TEST(stops_when_told),
	KS_TEST(every_cut_is_bad),
	KS_TEST(every_byte_in_every_place),
	KS_TEST(unescapes),
	KS_TEST(escapes),
	KS_TEST(goes_both_ways),
};

KS_TEST_MAIN("base_json", tests)
