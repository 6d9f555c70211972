/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same recording under placements on one, two and five lcores, live: with a frozen profile
 * every verdict, finding and deciban is the same, and what is learned becomes the same profile to
 * the byte.
 */
#include "pipeline_env.h"
#include "recording.h"

#define WINDOW 64u
#define PLACEMENTS 3

static struct recording rec;
static struct ks_match_db *rules;

static void
place(struct ks_gateway_params *p, int placement)
{
	switch (placement) {
	case 0:
		ENV_WORKER(p, KS_STAGE_FEED, KS_STAGE_MATCH, KS_STAGE_SCORE);
		break;
	case 1:
		ENV_WORKER(p, KS_STAGE_FEED, KS_STAGE_MATCH);
		ENV_WORKER(p, KS_STAGE_SCORE);
		break;
	default:
		ENV_WORKER(p, KS_STAGE_FEED);
		ENV_WORKER(p, KS_STAGE_MATCH);
		ENV_WORKER(p, KS_STAGE_MATCH);
		ENV_WORKER(p, KS_STAGE_SCORE);
		ENV_WORKER(p, KS_STAGE_SCORE);
	}
}

/** Time flies for the control core, so that many learning rounds fall into the run. */
static void
play(struct playback *pb, struct ks_gateway_params *p)
{
	struct ks_gateway *gw;
	struct ks_now now;
	char error[256];

	CU_ASSERT_EQUAL_FATAL(ks_gateway_create(p, &gw, error), 0);
	ks_now_read(&now);
	CU_ASSERT_EQUAL_FATAL(ks_gateway_start(gw), 0);
	for (int i = 0; i < 200000 && __atomic_load_n(&pb->left, __ATOMIC_ACQUIRE) > 0; i++) {
		now.mono_us += 300000;
		if (ks_gateway_control_turn(gw, &now) == 0)
			usleep(50);
	}
	ks_gateway_stop(gw);
	CU_ASSERT_EQUAL(pb->left, 0);
	CU_ASSERT_EQUAL(pb->errors, 0);
	ks_gateway_destroy(gw);
}

static void *
file_read(const char *path, size_t *bytes)
{
	FILE *in = fopen(path, "r");
	void *data = malloc(4u << 20);

	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	*bytes = fread(data, 1, 4u << 20, in);
	fclose(in);
	return data;
}

/** Learns the rows that are not hostile; the profile stands in the file. */
static void
learn(int placement, const char *path)
{
	struct ks_gateway_params p;
	struct playback pb;

	CU_ASSERT_EQUAL_FATAL(playback_init(&pb, &rec, false, WINDOW), 0);
	env_params(&p, rules, &pb.feeder, WINDOW);
	place(&p, placement);
	p.mode = KS_MODE_LEARN;
	p.profile_path = path;
	play(&pb, &p);
	playback_fini(&pb);
}

static void
path_make(char path[64], int placement)
{
	snprintf(path, 64, "/tmp/ks-placement-%d-%d", (int)getpid(), placement);
}

static void
learning_same_profile(void)
{
	char path[PLACEMENTS][64];
	size_t bytes[PLACEMENTS];
	void *data[PLACEMENTS];

	for (int i = 0; i < PLACEMENTS; i++) {
		path_make(path[i], i);
		learn(i, path[i]);
		data[i] = file_read(path[i], &bytes[i]);
		CU_ASSERT(bytes[i] > 10000);
		CU_ASSERT_EQUAL(bytes[i], bytes[0]);
		CU_ASSERT(bytes[i] == bytes[0] && memcmp(data[i], data[0], bytes[0]) == 0);
	}
	for (int i = 0; i < PLACEMENTS; i++) {
		free(data[i]);
		if (i > 0)
			unlink(path[i]);
	}
}

static void
judge(int placement, struct playback *pb)
{
	struct ks_gateway_params p;
	char path[64];

	path_make(path, 0);
	CU_ASSERT_EQUAL_FATAL(playback_init(pb, &rec, true, WINDOW), 0);
	env_params(&p, rules, &pb->feeder, WINDOW);
	place(&p, placement);
	CU_ASSERT_EQUAL_FATAL(ks_store_profile_load(path, &p.profile), 0);
	p.freeze = true;
	p.score.throttle_db = 40;
	p.mode = KS_MODE_ENFORCE;
	play(pb, &p);
}

static bool
finding_same(const struct ks_finding *a, const struct ks_finding *b)
{
	return a->code == b->code && a->certain == b->certain && a->db == b->db &&
	       a->seen == b->seen && strcmp(a->where, b->where) == 0 &&
	       strcmp(a->observed, b->observed) == 0 && strcmp(a->expected, b->expected) == 0;
}

static bool
judged_same(const struct judged *a, const struct judged *b)
{
	bool same = a->there && b->there && a->verdict == b->verdict && a->advice == b->advice &&
		    a->score_db == b->score_db && a->nfindings == b->nfindings &&
		    a->retry_after_s == b->retry_after_s;

	for (uint8_t i = 0; same && i < a->nfindings; i++)
		same = finding_same(&a->findings[i], &b->findings[i]);
	return same;
}

/** The comparison means something only if all sorts of verdicts and findings are in it. */
static void
variety_check(const struct playback *pb)
{
	uint32_t verdicts[4] = {0}, codes[KS_FINDING_MAX] = {0}, kinds = 0;

	for (uint32_t i = 0; i < rec.n; i++) {
		verdicts[pb->results[i].verdict]++;
		for (uint8_t k = 0; k < pb->results[i].nfindings; k++)
			codes[pb->results[i].findings[k].code]++;
	}
	for (int c = 0; c < KS_FINDING_MAX; c++)
		kinds += codes[c] > 0;
	CU_ASSERT(verdicts[KS_VERDICT_ALLOW] > 300);
	CU_ASSERT(verdicts[KS_VERDICT_FLAG] > 0);
	CU_ASSERT(verdicts[KS_VERDICT_THROTTLE] > 10);
	CU_ASSERT(verdicts[KS_VERDICT_BLOCK] >= 4);
	CU_ASSERT(kinds >= 8);
	CU_ASSERT(codes[KS_FINDING_TOKEN_FORGED] > 0);
	CU_ASSERT(codes[KS_FINDING_SOURCE_NEW] > 0);
}

static void
frozen_same_verdicts(void)
{
	static struct playback pb[PLACEMENTS];
	char path[64];

	for (int i = 0; i < PLACEMENTS; i++)
		judge(i, &pb[i]);
	variety_check(&pb[0]);
	for (int i = 1; i < PLACEMENTS; i++) {
		uint32_t different = 0;

		for (uint32_t row = 0; row < rec.n; row++)
			different += !judged_same(&pb[0].results[row], &pb[i].results[row]);
		CU_ASSERT_EQUAL(different, 0);
		CU_ASSERT(pb[i].parallel_max > 4);
	}
	for (int i = 0; i < PLACEMENTS; i++)
		playback_fini(&pb[i]);
	path_make(path, 0);
	unlink(path);
}

static const struct ks_test tests[] = {
	KS_TEST(learning_same_profile),
	KS_TEST(frozen_same_verdicts),
};

int
main(void)
{
	const char *dir = getenv("KS_DATA_DIR");
	char path[512];
	int rc;

	snprintf(path, sizeof(path), "%s/placement.jsonl", dir != NULL ? dir : "tests/data");
	rc = recording_load(&rec, path);
	if (rc != 0 || env_eal_start() != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-rc));
		return 2;
	}
	rules = env_rules();
	rc = rules == NULL ? 2 : ks_test_run("placement", tests, KS_ARRAY_SIZE(tests));
	ks_match_db_destroy(rules);
	recording_free(&rec);
	return rc;
}
