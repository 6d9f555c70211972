/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every script under scripts/ is a test of its own, one rule of an RFC each.
 */
#include <dirent.h>
#include <string.h>

#include "ks_test.h"
#include "script.h"

#define SCRIPTS(X)                                                                                                                            \
	X(abort)                                                                                                                              \
	X(abort_syn_sent)                                                                                                                     \
	X(ack_range) X(active_bad_ack) X(active_close) X(active_open) X(active_open_bare) X(active_refused) X(                                \
		bad_flags) X(challenge_limit) X(closed_port) X(conn_limit) X(cubic_reduction) X(delayed_ack) X(fast_retransmit)               \
		X(fin_ahead) X(fin_ahead_bare) X(fin_retransmit) X(fin_timeout) X(fin_zero_window) X(half_open_bad_ack) X(                    \
			half_open_limit) X(half_open_new_syn) X(half_open_rst) X(handshake_by_data) X(handshake_reordered)                    \
			X(idle_restart) X(inflation) X(karn) X(karn_recovery) X(keepalive) X(keepalive_answer) X(                             \
				keepalive_data) X(keepalive_in_flight) X(limited_transmit) X(low_memory_window) X(mss_default)                \
				X(mss_tiny) X(mss_with_ts) X(newreno_avoidance) X(no_memory) X(out_of_window) X(                              \
					overlap) X(overtaken_ack) X(passive_close) X(passive_open) X(paws) X(reass_gives_way)                 \
					X(release_closes) X(release_fin_wait_2) X(release_then_data) X(release_unread) X(                     \
						reorder_nosack) X(reorder_sack) X(rst_exact) X(rst_last_ack) X(rst_last_ack_data)             \
						X(rto_adapts) X(rto_backoff) X(rto_recovery_sack) X(rtt_by_timestamp) X(sack_beside_data) X(  \
							sack_lies) X(sack_recovery) X(sack_renege) X(sack_rescue) X(send_before_open)         \
							X(send_buffer) X(simultaneous_close) X(simultaneous_open) X(simultaneous_open_ack) X( \
								slow_start) X(sws_sender) X(sws_sender_grown) X(sws_sender_half)              \
								X(syn_ack_again) X(syn_ack_again_ts) X(syn_ack_retransmit) X(                 \
									syn_data) X(syn_retransmit) X(syn_timeout) X(time_wait_full)          \
									X(time_wait_no_listener) X(time_wait_reuse_busy) X(                   \
										time_wait_reuse_seq) X(time_wait_reuse_ts)                    \
										X(time_wait_rst) X(timestamp_echo) X(                         \
											timestamps_stop) X(urgent) X(window_of_syn_ack)       \
											X(window_on_old_bytes) X(window_scale) X(             \
												window_shrink) X(window_shrink_loss)          \
												X(window_unscaled) X(window_update) X(        \
													wire_loss) X(zero_window_opened)      \
													X(zero_window_probe) X(               \
														zero_window_probe_taken)      \
														X(zero_window_receiver)       \
															X(zero_window_silence)

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

#define SCRIPT_TEST(name)             \
	static void test_##name(void) \
	{                             \
		run(#name);           \
	}
SCRIPTS(SCRIPT_TEST)

#define SCRIPT_ROW(name) {#name, test_##name},
static void test_all_listed(void);
static const struct ks_test tests[] = {SCRIPTS(SCRIPT_ROW) KS_TEST(test_all_listed)};

/* A script that stands in no row would never run. */
static void
test_all_listed(void)
{
	size_t listed = sizeof(tests) / sizeof(tests[0]) - 1, found = 0;
	DIR *dir = opendir(SCRIPT_DIR);
	const struct dirent *entry;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((entry = readdir(dir)) != NULL)
		found += strstr(entry->d_name, ".pkt") != NULL;
	closedir(dir);
	CU_ASSERT_EQUAL(found, listed);
}

KS_TEST_MAIN("tcp/scripts", tests)
