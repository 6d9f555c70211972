/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line for each frame of a wire, for people who look for the reason of a failing seed.
 */
#include <inttypes.h>
#include <rte_arp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <stdio.h>

#include "wire.h"

static void
tcp_print(const struct rte_tcp_hdr *tcp, uint32_t l4_bytes)
{
	static const char flag[] = "FSRPAUEC";
	char flags[sizeof(flag)];
	uint32_t n = 0, head = (uint32_t)(tcp->data_off >> 4) * 4;

	for (uint32_t i = 0; i < sizeof(flag) - 1; i++)
		if (tcp->tcp_flags & (1u << i))
			flags[n++] = flag[i];
	flags[n] = '\0';
	printf(" %u>%u %s seq %u ack %u wnd %u len %u opt %u", rte_be_to_cpu_16(tcp->src_port),
	       rte_be_to_cpu_16(tcp->dst_port), flags, rte_be_to_cpu_32(tcp->sent_seq),
	       rte_be_to_cpu_32(tcp->recv_ack), rte_be_to_cpu_16(tcp->rx_win),
	       l4_bytes > head ? l4_bytes - head : 0, head - (uint32_t)sizeof(*tcp));
}

void
trace_print(const struct wire *w, const struct wire_end *to, const struct rte_mbuf *m,
	    const char *fate)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = (const void *)(eth + 1);
	const struct rte_arp_hdr *arp = (const void *)(eth + 1);

	printf("%10" PRIu64 " %s %s", *w->now_us, ks_port_name(to->port),
	       to == &w->end[0] ? "<" : ">");
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP) &&
	    m->data_len >= sizeof(*eth) + sizeof(*arp))
		printf(" arp %s %08x is %08x",
		       rte_be_to_cpu_16(arp->arp_opcode) == 1 ? "asks" : "tells",
		       rte_be_to_cpu_32(arp->arp_data.arp_sip),
		       rte_be_to_cpu_32(arp->arp_data.arp_tip));
	else if (m->data_len >= sizeof(*eth) + sizeof(*ip) + sizeof(struct rte_tcp_hdr))
		tcp_print((const void *)((const char *)ip + rte_ipv4_hdr_len(ip)),
			  rte_be_to_cpu_16(ip->total_length) - rte_ipv4_hdr_len(ip));
	printf(" %s\n", fate);
}
