/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a TCP segment, and its options: read within bounds, and what is read can be.
 */
#include <stdlib.h>

#include "../../../lib/tcp/seg.h"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_options(const struct ks_tcp_seg *seg)
{
	uint8_t again[KS_TCP_OPT_MAX_BYTES];
	struct ks_tcp_opts opts, back;
	uint8_t n;

	if (ks_tcp_options_parse(seg->opt, seg->opt_bytes, &opts) != 0)
		return;
	must(opts.nsack <= KS_TCP_SACK_BLOCKS && opts.wscale <= KS_TCP_WSCALE_MAX);
	if (seg->opts_plain)
		must(opts.has_ts == seg->has_ts && opts.nsack == 0);
	if (seg->has_ts)
		must(opts.tsval == seg->tsval && opts.tsecr == seg->tsecr);
	n = ks_tcp_options_write_syn(again, &opts);
	must(n <= sizeof(again) && n % 4 == 0);
	must(ks_tcp_options_parse(again, n, &back) == 0);
	must(back.mss == opts.mss && back.has_ts == opts.has_ts && back.sack_ok == opts.sack_ok &&
	     back.has_wscale == opts.has_wscale);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ks_tuple tuple = {.local_port = 1, .remote_port = 2};
	struct ks_tcp_seg seg;

	if (size > 2048)
		return 0;
	if (ks_tcp_seg_read(&seg, &(struct ks_tcp_packet){.tuple = &tuple,
							  .l4 = data,
							  .l4_bytes = (uint16_t)size}) != 0)
		return 0;
	must(seg.payload + seg.len == data + size);
	must(seg.opt + seg.opt_bytes == seg.payload);
	check_options(&seg);
	return 0;
}
