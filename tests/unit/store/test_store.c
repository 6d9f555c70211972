/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on a real disk: records come back as they were, ids go on, damage and newer versions
 * are told apart, limits of age and size hold, a full disk loses nothing that was stored.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ks_test.h"

#include "ks_store.h"

#define DAY_S 86400ull
#define NOW_S 1800000000ull

static char folder[64];
static char path[96];

static void
folder_clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void
folder_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ks-store-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/events.db", folder);
}

static struct ks_store *
open_limited(uint64_t max_bytes)
{
	const struct ks_store_params params = {.path = path, .max_bytes = max_bytes};
	struct ks_store *store;

	CU_ASSERT_EQUAL_FATAL(ks_store_open(&params, &store), 0);
	return store;
}

static struct ks_store *
open_default(void)
{
	return open_limited(0);
}

/* Alerts have an id, others 0. */
static struct ks_record
record_make(uint64_t id, uint64_t time_s)
{
	struct ks_record r = {.id = id,
			      .time_s = time_s,
			      .mono_us = 77,
			      .verdict = id > 0 ? KS_VERDICT_FLAG : KS_VERDICT_ALLOW,
			      .advice = id > 0 ? KS_VERDICT_BLOCK : KS_VERDICT_ALLOW,
			      .mode = KS_MODE_DETECT,
			      .end = KS_END_STREAMING,
			      .proven = true,
			      .nfindings = 2,
			      .status = 201,
			      .score_db = 123,
			      .request_bytes = 1ull << 40,
			      .response_bytes = 5,
			      .duration_us = 99};

	snprintf(r.principal, sizeof(r.principal), "system:serviceaccount:shop:web");
	snprintf(r.effective, sizeof(r.effective), "o'brien\";--");
	snprintf(r.call, sizeof(r.call), "list secrets");
	snprintf(r.call_key, sizeof(r.call_key), "list v1 secrets");
	snprintf(r.user_agent, sizeof(r.user_agent), "curl/8");
	CU_ASSERT_EQUAL(ks_addr_parse("10.1.2.3", &r.source), 0);
	r.findings[0] = (struct ks_finding){
		.code = KS_FINDING_SIGNATURE, .certain = true, .db = 100, .seen = 4000000000u};
	snprintf(r.findings[0].where, KS_FINDING_TEXT_BYTES, "spec.\"a\"\\b");
	snprintf(r.findings[0].observed, KS_FINDING_TEXT_BYTES, "line\nbreak\x01 \xc3\xa9");
	r.findings[1] = (struct ks_finding){.code = KS_FINDING_SOURCE_NEW, .db = 31};
	snprintf(r.findings[1].expected, KS_FINDING_TEXT_BYTES, "10.1.0.1, 10.1.0.2");
	return r;
}

static uint32_t
alerts_count(struct ks_store *store)
{
	static struct ks_record out[1000];
	uint32_t n = 0;
	int got;

	while ((got = ks_store_alerts(store, n == 0 ? 0 : out[999].id, out, 1000)) == 1000)
		n += 1000;
	return n + (uint32_t)KS_MAX(got, 0);
}

static void
records_come_back(void)
{
	struct ks_record in[3], out[4];
	struct ks_store *store;

	folder_make();
	store = open_default();
	in[0] = record_make(7, NOW_S);
	in[1] = record_make(0, NOW_S);
	in[2] = record_make(9, NOW_S + 1);
	in[2].nfindings = 0;
	CU_ASSERT_EQUAL(ks_store_add(store, in, 3), 0);
	memset(out, 0xff, sizeof(out));
	CU_ASSERT_EQUAL(ks_store_alerts(store, 0, out, 4), 2);
	CU_ASSERT_EQUAL(out[1].id, 9);
	CU_ASSERT_EQUAL(out[1].nfindings, 0);
	/* All of the first, byte for byte. */
	CU_ASSERT(memcmp(&out[0], &in[0], sizeof(in[0])) == 0);
	CU_ASSERT_EQUAL(ks_store_alerts(store, 7, out, 4), 1);
	CU_ASSERT_EQUAL(out[0].id, 9);
	CU_ASSERT_EQUAL(ks_store_alerts(store, 9, out, 4), 0);
	CU_ASSERT_EQUAL(ks_store_alerts(store, UINT64_MAX, out, 4), 0);
	CU_ASSERT_EQUAL(ks_store_alerts(store, 0, out, 1), 1);
	/* The same record again is the same record. */
	CU_ASSERT_EQUAL(ks_store_add(store, in, 1), 0);
	CU_ASSERT_EQUAL(alerts_count(store), 2);
	ks_store_close(store);
	folder_clean();
}

/* Texts that are full, and of bytes that are no UTF-8: kept as well as may be, and never
 * unreadable. */
static void
odd_texts_stay_readable(void)
{
	struct ks_record in = record_make(1, NOW_S), out;
	struct ks_store *store;

	folder_make();
	store = open_default();
	in.nfindings = KS_EXCHANGE_FINDINGS_MAX;
	for (int i = 0; i < KS_EXCHANGE_FINDINGS_MAX; i++) {
		in.findings[i] = in.findings[0];
		memset(in.findings[i].where, '\x01', KS_FINDING_TEXT_BYTES - 1);
		memset(in.findings[i].observed, '\xff', KS_FINDING_TEXT_BYTES - 1);
		memset(in.findings[i].expected, '"', KS_FINDING_TEXT_BYTES - 1);
		in.findings[i].where[95] = in.findings[i].observed[95] =
			in.findings[i].expected[95] = '\0';
	}
	memset(in.principal, '\xfe', sizeof(in.principal) - 1);
	CU_ASSERT_EQUAL(ks_store_add(store, &in, 1), 0);
	CU_ASSERT_EQUAL_FATAL(ks_store_alerts(store, 0, &out, 1), 1);
	CU_ASSERT_EQUAL(out.nfindings, KS_EXCHANGE_FINDINGS_MAX);
	CU_ASSERT_STRING_EQUAL(out.findings[23].where, in.findings[23].where);
	CU_ASSERT_STRING_EQUAL(out.findings[23].expected, in.findings[23].expected);
	CU_ASSERT_STRING_EQUAL(out.principal, in.principal);
	ks_store_close(store);
	folder_clean();
}

static void
ids_go_on(void)
{
	struct ks_record r = record_make(41, NOW_S);
	struct ks_store *store;
	struct stat st;

	folder_make();
	store = open_default();
	CU_ASSERT_EQUAL(ks_store_last_id(store), 0);
	CU_ASSERT_EQUAL(ks_store_add(store, &r, 1), 0);
	CU_ASSERT_EQUAL(ks_store_last_id(store), 41);
	ks_store_close(store);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	store = open_default();
	CU_ASSERT_EQUAL(ks_store_last_id(store), 41);
	/* Even when the alert itself has expired. */
	CU_ASSERT_EQUAL(ks_store_expire(store, NOW_S + 100 * DAY_S), 0);
	CU_ASSERT_EQUAL(alerts_count(store), 0);
	ks_store_close(store);
	store = open_default();
	CU_ASSERT_EQUAL(ks_store_last_id(store), 41);
	ks_store_close(store);
	folder_clean();
}

static int
open_error(void)
{
	const struct ks_store_params params = {.path = path};
	struct ks_store *store = (void *)1;
	int rc = ks_store_open(&params, &store);

	CU_ASSERT(rc == 0 || store == NULL);
	if (rc == 0)
		ks_store_close(store);
	return rc;
}

static void
sql(const char *text)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
what_is_not_ours_is_left_alone(void)
{
	folder_make();
	snprintf(path, sizeof(path), "%s/none/events.db", folder);
	CU_ASSERT_EQUAL(open_error(), -ENOENT);
	snprintf(path, sizeof(path), "%s/events.db", folder);
	CU_ASSERT_EQUAL(open_error(), 0);
	sql("PRAGMA user_version=2");
	CU_ASSERT_EQUAL(open_error(), -EPROTO);
	sql("PRAGMA user_version=1");
	CU_ASSERT_EQUAL(open_error(), 0);
	snprintf(path, sizeof(path), "%s/other.db", folder);
	sql("CREATE TABLE somebody_elses(x)");
	CU_ASSERT_EQUAL(open_error(), -EPROTO);
	snprintf(path, sizeof(path), "%s", folder);
	CU_ASSERT(open_error() < 0);
	folder_clean();
}

static void
overwrite(const char *file, off_t at, size_t n)
{
	char junk[4096];
	int fd = open(file, O_WRONLY);

	memset(junk, 'x', sizeof(junk));
	CU_ASSERT_FATAL(fd >= 0);
	while (n > 0) {
		size_t part = KS_MIN(n, sizeof(junk));

		CU_ASSERT_EQUAL(pwrite(fd, junk, part, at), (ssize_t)part);
		at += (off_t)part;
		n -= part;
	}
	close(fd);
}

static void
corrupt_file_is_moved_aside(off_t at, size_t n)
{
	static struct ks_record r[500];
	char aside[128];
	struct ks_store *store;
	struct stat st;

	folder_make();
	store = open_default();
	for (uint32_t i = 0; i < 500; i++)
		r[i] = record_make(i + 1, NOW_S);
	CU_ASSERT_EQUAL(ks_store_add(store, r, 500), 0);
	ks_store_close(store);
	overwrite(path, at, n);
	store = open_default();
	CU_ASSERT_EQUAL(alerts_count(store), 0);
	CU_ASSERT_EQUAL(ks_store_add(store, r, 1), 0);
	CU_ASSERT_EQUAL(alerts_count(store), 1);
	ks_store_close(store);
	snprintf(aside, sizeof(aside), "%s.corrupt", path);
	CU_ASSERT_EQUAL(stat(aside, &st), 0);
	CU_ASSERT(st.st_size > 100000);
	folder_clean();
}

static void
corrupt_files(void)
{
	corrupt_file_is_moved_aside(0, 100);
	corrupt_file_is_moved_aside(4096 * 3, 8192);
	corrupt_file_is_moved_aside(0, 100000);
}

/* Cannot be moved aside: the folder does not let us. As root nothing is forbidden, so a folder with
 * that name stands in the way instead. */
static void
corrupt_file_that_cannot_be_moved(void)
{
	char aside[128], within[160];

	folder_make();
	snprintf(aside, sizeof(aside), "%s.corrupt", path);
	snprintf(within, sizeof(within), "%s/x", aside);
	CU_ASSERT_EQUAL(mkdir(aside, 0700), 0);
	CU_ASSERT_EQUAL(mkdir(within, 0700), 0);
	CU_ASSERT_EQUAL(open_error(), 0);
	overwrite(path, 0, 4096);
	CU_ASSERT_EQUAL(open_error(), -EBADMSG);
	folder_clean();
}

/* Damage while it is open: found at the next reading of the pages, then on in a new file. */
static void
corrupt_while_open(void)
{
	static struct ks_record r[400];
	struct ks_store *store;
	int rc = 0;

	folder_make();
	store = open_default();
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 400; i++)
			r[i] = record_make(round * 400 + i + 1, NOW_S);
		CU_ASSERT_EQUAL(ks_store_add(store, r, 400), 0);
	}
	sql("PRAGMA wal_checkpoint(TRUNCATE)");
	overwrite(path, 4096, 4096 * 20);
	/* The cache may answer for a while; a reader with a cold one cannot. */
	for (uint32_t i = 0; i < 2000 && rc == 0; i++) {
		r[0] = record_make(5000 + i, NOW_S);
		rc = ks_store_add(store, r, 1);
	}
	CU_ASSERT_EQUAL(rc, 0);
	ks_store_close(store);
	store = open_default();
	r[0] = record_make(9000, NOW_S);
	CU_ASSERT_EQUAL(ks_store_add(store, r, 1), 0);
	CU_ASSERT_EQUAL(ks_store_last_id(store), 9000);
	ks_store_close(store);
	folder_clean();
}

static void
old_records_go(void)
{
	static struct ks_record r[1500];
	struct ks_store *store;

	folder_make();
	store = open_default();
	for (uint32_t i = 0; i < 1500; i++)
		r[i] = record_make(i + 1, NOW_S - (i < 1200 ? 31 * DAY_S : 29 * DAY_S));
	CU_ASSERT_EQUAL(ks_store_add(store, r, 1500), 0);
	/* Bounded work: not all in one go. */
	CU_ASSERT_EQUAL(ks_store_expire(store, NOW_S), 0);
	CU_ASSERT_EQUAL(alerts_count(store), 1000);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(ks_store_expire(store, NOW_S), 0);
	CU_ASSERT_EQUAL(alerts_count(store), 300);
	CU_ASSERT_EQUAL(ks_store_alerts(store, 0, r, 1), 1);
	CU_ASSERT_EQUAL(r[0].id, 1201);
	/* A clock that is wrong by half a century throws nothing away. */
	CU_ASSERT_EQUAL(ks_store_expire(store, 0), 0);
	CU_ASSERT_EQUAL(alerts_count(store), 300);
	ks_store_close(store);
	folder_clean();
}

/* Over the limit: normal exchanges go before alerts, and the file does not grow. */
static void
size_is_limited(void)
{
	static struct ks_record r[200];
	struct ks_store *store;
	struct stat st;

	folder_make();
	store = open_limited(512 * 1024);
	for (uint32_t i = 0; i < 200; i++)
		r[i] = record_make(i + 1, NOW_S);
	CU_ASSERT_EQUAL(ks_store_add(store, r, 200), 0);
	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < 200; i++)
			r[i] = record_make(0, NOW_S + round);
		CU_ASSERT_EQUAL(ks_store_add(store, r, 200), 0);
		CU_ASSERT_EQUAL(ks_store_expire(store, NOW_S + round), 0);
	}
	CU_ASSERT_EQUAL(alerts_count(store), 200);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT(st.st_size < 2 * 1024 * 1024);
	ks_store_close(store);
	folder_clean();
}

/* No retention for a long time: the file is full, says so, keeps what it has, and recovers. */
static void
full_file_recovers(void)
{
	static struct ks_record r[100];
	struct ks_store *store;
	uint64_t id = 0;
	uint32_t kept;
	int rc = 0;

	folder_make();
	store = open_limited(256 * 1024);
	for (uint32_t round = 0; round < 200 && rc == 0; round++) {
		for (uint32_t i = 0; i < 100; i++)
			r[i] = record_make(++id, NOW_S);
		rc = ks_store_add(store, r, 100);
	}
	CU_ASSERT_EQUAL(rc, -ENOSPC);
	kept = alerts_count(store);
	/* All or nothing: nothing of what failed is there. */
	CU_ASSERT_EQUAL(kept, id - 100);
	CU_ASSERT_EQUAL(ks_store_add(store, r, 100), -ENOSPC);
	CU_ASSERT_EQUAL(ks_store_expire(store, NOW_S), 0);
	CU_ASSERT_EQUAL(ks_store_add(store, r, 100), 0);
	CU_ASSERT_EQUAL(ks_store_last_id(store), id);
	ks_store_close(store);
	folder_clean();
}

static int
add_until_refused(struct ks_store *store, uint64_t *id)
{
	static struct ks_record r[100];
	int rc = 0;

	for (uint32_t round = 0; round < 200 && rc == 0; round++) {
		for (uint32_t i = 0; i < 100; i++)
			r[i] = record_make(++*id, NOW_S);
		rc = ks_store_add(store, r, 100);
	}
	return rc;
}

/* A file that cannot grow, in the middle of writing. */
static void
refused_writes_in_a_child(void)
{
	struct rlimit limit = {600 * 1024, 600 * 1024};
	struct ks_store *store = open_default();
	uint64_t id = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		_exit(3);
	/* No good-bye: as if the power had gone. */
	_exit(add_until_refused(store, &id) == -EIO ? 0 : 4);
}

static void
refused_writes_lose_nothing(void)
{
	struct ks_record r = record_make(100000, NOW_S);
	struct ks_store *store;
	uint32_t kept;
	int status;
	pid_t pid;

	folder_make();
	pid = fork();
	if (pid == 0)
		refused_writes_in_a_child();
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	store = open_default();
	kept = alerts_count(store);
	CU_ASSERT(kept >= 100 && kept % 100 == 0);
	CU_ASSERT_EQUAL(ks_store_last_id(store), kept);
	CU_ASSERT_EQUAL(ks_store_add(store, &r, 1), 0);
	ks_store_close(store);
	folder_clean();
}

#define NO_RIGHTS 77

/* In a small tmpfs of the child's own. */
static void
full_disk_in_a_child(void)
{
	struct ks_store *store;
	uint64_t id = 0;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=900k") != 0)
		_exit(NO_RIGHTS);
	store = open_default();
	if (add_until_refused(store, &id) != -ENOSPC)
		_exit(4);
	if (alerts_count(store) != id - 100 || ks_store_last_id(store) != id - 100)
		_exit(5);
	ks_store_close(store);
	store = open_default();
	_exit(alerts_count(store) == id - 100 ? 0 : 6);
}

static void
full_disk_loses_nothing(void)
{
	int status;
	pid_t pid;

	folder_make();
	pid = fork();
	if (pid == 0)
		full_disk_in_a_child();
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_RIGHTS)
		printf("(no right to mount: full disk not tried) ");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	folder_clean();
}

static void
add_until_killed(int fd)
{
	struct ks_store *store = open_default();

	for (uint64_t id = ks_store_last_id(store) + 1;; id++) {
		struct ks_record r = record_make(id, NOW_S);

		if (ks_store_add(store, &r, 1) != 0 || write(fd, &id, sizeof(id)) != sizeof(id))
			_exit(1);
	}
}

/* kill -9 in the middle: everything that add() had promised is there, and ids go on. */
static void
killed_process_loses_nothing(void)
{
	uint64_t promised = 0;

	folder_make();
	for (int round = 0; round < 8; round++) {
		uint64_t id, before = promised;
		struct ks_store *store;
		int fds[2], status;
		pid_t pid;

		CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
		pid = fork();
		if (pid == 0)
			add_until_killed(fds[1]);
		close(fds[1]);
		while (promised < before + 20 + (uint64_t)round * 7 &&
		       read(fds[0], &id, sizeof(id)) == sizeof(id))
			promised = id;
		kill(pid, SIGKILL);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status));
		while (read(fds[0], &id, sizeof(id)) == sizeof(id))
			promised = id;
		close(fds[0]);
		CU_ASSERT(promised > before);
		store = open_default();
		CU_ASSERT(ks_store_last_id(store) >= promised);
		CU_ASSERT_EQUAL(alerts_count(store), ks_store_last_id(store));
		promised = ks_store_last_id(store);
		ks_store_close(store);
	}
	folder_clean();
}

static const struct ks_test tests[] = {
	KS_TEST(records_come_back),
	KS_TEST(odd_texts_stay_readable),
	KS_TEST(ids_go_on),
	KS_TEST(what_is_not_ours_is_left_alone),
	KS_TEST(corrupt_files),
	KS_TEST(corrupt_file_that_cannot_be_moved),
	KS_TEST(corrupt_while_open),
	KS_TEST(old_records_go),
	KS_TEST(size_is_limited),
	KS_TEST(full_file_recovers),
	KS_TEST(refused_writes_lose_nothing),
	KS_TEST(full_disk_loses_nothing),
	KS_TEST(killed_process_loses_nothing),
};

KS_TEST_MAIN("store/store", tests)
