/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few rules, so that a test says by itself what must match: MARKER in a place of each sort.
 */
#ifndef MATCH_SMALL_H
#define MATCH_SMALL_H

#include "match_fixture.h"

#define SMALL_HEAD (KS_WHERE_PATH | KS_WHERE_QUERY | KS_WHERE_HEADER | KS_WHERE_COOKIE)
#define SMALL_ALL (SMALL_HEAD | KS_WHERE_BODY | KS_WHERE_RAW)

static const struct ks_match_rule small_rules[] = {
	{.id = "shell-marker",
	 .class = KS_MATCH_SHELL,
	 .db = 100,
	 .block = true,
	 .where = SMALL_ALL,
	 .caseless = true,
	 .pattern = "run\\s{1,8}marker",
	 .words = "runs the marker"},
	{.id = "sql-marker",
	 .class = KS_MATCH_SQLI,
	 .db = 90,
	 .block = true,
	 .where = SMALL_ALL,
	 .caseless = true,
	 .pattern = "union\\s{1,8}select",
	 .words = "selects the marker"},
	{.id = "tag-marker",
	 .class = KS_MATCH_SCRIPT,
	 .db = 90,
	 .block = true,
	 .where = SMALL_ALL,
	 .caseless = true,
	 .pattern = "<script>",
	 .words = "a script"},
	{.id = "leak-marker",
	 .class = KS_MATCH_LEAK,
	 .db = 70,
	 .where = SMALL_ALL,
	 .pattern = "key_[A-Za-z0-9]{16}",
	 .words = "a key"},
	{.id = "file-marker",
	 .class = KS_MATCH_FILE,
	 .db = 100,
	 .block = true,
	 .where = SMALL_ALL,
	 .pattern = "bad-file-\\d\\d\\d",
	 .words = "a bad file"},
	{.id = "kube-marker",
	 .class = KS_MATCH_KUBE,
	 .db = 50,
	 .where = SMALL_ALL,
	 .pattern = "escape-host",
	 .words = "an escape"},
	{.id = "agent-marker",
	 .class = KS_MATCH_SCANNER,
	 .db = 100,
	 .block = true,
	 .where = KS_WHERE_AGENT,
	 .pattern = "scanner/\\d",
	 .words = "a scanner"},
	{.id = "query-only",
	 .class = KS_MATCH_TEMPLATE,
	 .db = 60,
	 .where = KS_WHERE_QUERY,
	 .pattern = "only-in-query",
	 .words = "in a query"},
	{.id = "raw-only",
	 .class = KS_MATCH_FILE,
	 .db = 60,
	 .where = KS_WHERE_RAW,
	 .pattern = "\\x7fELF",
	 .words = "a program"},
	{.id = "line-start",
	 .class = KS_MATCH_TRAVERSAL,
	 .db = 60,
	 .where = SMALL_ALL,
	 .pattern = "^/secret/file$",
	 .words = "a file"},
};

static inline void
small_init(struct fixture *f)
{
	fixture_init(f, small_rules, KS_ARRAY_SIZE(small_rules), NULL);
}

static inline void
small_query(struct fixture *f, const char *query)
{
	fixture_request(f);
	fixture_query(f, query);
	fixture_run(f);
}

#endif
