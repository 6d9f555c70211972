/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles as files: what was saved comes back, damage is seen, and a process killed while it saves
 * leaves the old profile or the new one, never half of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ks_test.h"

#include "../score/score_fixture.h"
#include "ks_store.h"

static const struct ks_score_params params = {.seed = FIXTURE_SEED};
static char folder[64];
static char path[96];

static void
folder_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ks-profile-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/profile", folder);
}

static void
folder_clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static uint64_t
requests_in_file(void)
{
	struct ks_profile_stats stats;
	struct ks_profile *profile;
	int rc = ks_store_profile_load(path, &profile);

	CU_ASSERT_EQUAL(rc, 0);
	if (rc != 0)
		return 0;
	ks_profile_stats_get(profile, &stats);
	ks_profile_destroy(profile);
	return stats.requests;
}

static void
saved_and_loaded(void)
{
	struct town_state *t = town_learn(&params, 600);
	char beside[128];
	struct stat st;

	folder_make();
	CU_ASSERT_EQUAL(ks_store_profile_save(path, t->profile), 0);
	CU_ASSERT_EQUAL(requests_in_file(), 600);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	snprintf(beside, sizeof(beside), "%s.new", path);
	CU_ASSERT_EQUAL(access(beside, F_OK), -1);
	town_leave(t);
	folder_clean();
}

static void
damage_and_absence(void)
{
	struct town_state *t = town_learn(&params, 300);
	struct ks_profile *profile = (void *)1;
	int fd;

	folder_make();
	CU_ASSERT_EQUAL(ks_store_profile_load(path, &profile), -ENOENT);
	CU_ASSERT_PTR_NULL(profile);
	CU_ASSERT_EQUAL(ks_store_profile_load(folder, &profile), -EBADMSG);
	CU_ASSERT_EQUAL(ks_store_profile_save(path, t->profile), 0);
	fd = open(path, O_RDWR);
	CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 500), 1);
	CU_ASSERT_EQUAL(ks_store_profile_load(path, &profile), -EBADMSG);
	CU_ASSERT_EQUAL(pwrite(fd, "\x02", 1, 8), 1);
	CU_ASSERT_EQUAL(ks_store_profile_load(path, &profile), -EPROTO);
	CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
	CU_ASSERT_EQUAL(ks_store_profile_load(path, &profile), -EBADMSG);
	close(fd);
	/* Saving over damage heals it. */
	CU_ASSERT_EQUAL(ks_store_profile_save(path, t->profile), 0);
	CU_ASSERT_EQUAL(requests_in_file(), 300);
	town_leave(t);
	folder_clean();
}

static void
a_failed_save_leaves_the_old_one(void)
{
	struct town_state *t = town_learn(&params, 300);
	char beside[128];

	folder_make();
	CU_ASSERT_EQUAL(ks_store_profile_save(path, t->profile), 0);
	/* What it wants to write beside cannot be made. */
	snprintf(beside, sizeof(beside), "%s.new", path);
	CU_ASSERT_EQUAL(mkdir(beside, 0700), 0);
	CU_ASSERT(ks_store_profile_save(path, t->profile) < 0);
	CU_ASSERT_EQUAL(requests_in_file(), 300);
	CU_ASSERT_EQUAL(rmdir(beside), 0);
	snprintf(path, sizeof(path), "%s/none/profile", folder);
	CU_ASSERT_EQUAL(ks_store_profile_save(path, t->profile), -ENOENT);
	town_leave(t);
	folder_clean();
}

static void
save_until_killed(struct town_state *a, struct town_state *b, int fd)
{
	for (uint32_t i = 0;; i++)
		if (ks_store_profile_save(path, i % 2 == 0 ? a->profile : b->profile) != 0 ||
		    write(fd, "s", 1) != 1)
			_exit(1);
}

static void
killed_while_saving(void)
{
	struct town_state *a = town_learn(&params, 300), *b = town_learn(&params, 2400);
	uint32_t seen[2] = {0};

	folder_make();
	for (int round = 0; round < 30; round++) {
		int fds[2], status;
		uint64_t requests;
		char saved[8];
		pid_t pid;

		CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
		pid = fork();
		if (pid == 0)
			save_until_killed(a, b, fds[1]);
		close(fds[1]);
		CU_ASSERT(read(fds[0], saved, 1 + round % 4) > 0);
		usleep((useconds_t)round * 53);
		kill(pid, SIGKILL);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status));
		close(fds[0]);
		requests = requests_in_file();
		CU_ASSERT(requests == 300 || requests == 2400);
		seen[requests == 2400]++;
	}
	CU_ASSERT(seen[0] + seen[1] == 30);
	town_leave(a);
	town_leave(b);
	folder_clean();
}

static const struct ks_test tests[] = {
	KS_TEST(saved_and_loaded),
	KS_TEST(damage_and_absence),
	KS_TEST(a_failed_save_leaves_the_old_one),
	KS_TEST(killed_while_saving),
};

KS_TEST_MAIN("store/profile_file", tests)
