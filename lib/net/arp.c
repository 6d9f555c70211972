/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARP (RFC 826) with the care that RFC 1122 section 2.3.2 asks for: entries age, requests are
 * limited in rate, a few packets wait for an answer.
 *
 * Who may write into the cache: the answer to our question, the request that asks for us, and for
 * neighbours that we know already any sender. An unknown sender that was not asked for teaches
 * nothing. Senders outside the connected network and in our own name are refused.
 * Thread: the RX stage.
 */
#include "iface.h"

#define SECOND_US 1000000u
#define RETRY_US SECOND_US
#define TRIES 3
/* An entry in use asks again before it is too old, so that traffic never stands still for it. */
#define REFRESH_US (45 * SECOND_US)
#define AGE_US (60 * SECOND_US)
/* A spoofed source costs a waiting answer of ours; all of them together may not empty the pool. */
#define WAITING_MAX 256

#define SWEEP_PARTS 16
#define SWEEP_US (250000 / SWEEP_PARTS)

#define ARP_FRAME_BYTES (RTE_ETHER_HDR_LEN + sizeof(struct rte_arp_hdr))

static void
ether_set(struct rte_ether_hdr *eth, const struct rte_ether_addr *dst,
	  const struct rte_ether_addr *src, uint16_t type)
{
	eth->dst_addr = *dst;
	eth->src_addr = *src;
	eth->ether_type = rte_cpu_to_be_16(type);
}

static void
frame_write(struct ks_iface *iface, void *frame, const struct rte_ether_addr *dst,
	    const struct rte_arp_ipv4 *parties, uint16_t opcode)
{
	struct rte_ether_hdr *eth = frame;
	struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);

	ether_set(eth, dst, &iface->mac, RTE_ETHER_TYPE_ARP);
	*arp = (struct rte_arp_hdr){
		.arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
		.arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = sizeof(rte_be32_t),
		.arp_opcode = rte_cpu_to_be_16(opcode),
		.arp_data = *parties,
	};
}

/*
 * One question; the second and later ones of a neighbour that was known go to everybody. Spoofed
 * sources make us ask for nobody: such questions are limited in rate, those for a neighbour that is
 * known never are. A question held back is a try all the same, so that nothing waits for ever.
 */
static void
ask(struct ks_iface *iface, struct ks_neigh *neigh, uint64_t now_us)
{
	static const struct rte_ether_addr broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	bool known = neigh->state == KS_NEIGH_REACHABLE;
	bool unicast = known && neigh->tries == 0;
	struct rte_arp_ipv4 parties = {
		.arp_sha = iface->mac,
		.arp_sip = iface->addr[0],
		.arp_tip = ks_addr_v4(&neigh->addr),
	};
	struct rte_mbuf *mbuf;
	void *frame;

	neigh->retry_us = now_us + RETRY_US;
	neigh->tries++;
	if (!known && !ks_rate_take(&iface->request_rate, now_us))
		return;
	mbuf = rte_pktmbuf_alloc(iface->pool);
	frame = mbuf == NULL ? NULL : rte_pktmbuf_append(mbuf, ARP_FRAME_BYTES);
	if (frame == NULL) {
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_NO_BUFFER);
		return;
	}
	frame_write(iface, frame, unicast ? &neigh->header.dst_addr : &broadcast, &parties,
		    RTE_ARP_OP_REQUEST);
	ks_iface_send(iface, mbuf);
}

static void
send_to(struct ks_iface *iface, const struct ks_neigh *neigh, struct rte_mbuf *ip)
{
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(ip, sizeof(*eth));

	if (ks_unlikely(eth == NULL)) {
		ks_iface_drop(iface, ip, KS_IFACE_DROP_NO_BUFFER);
		return;
	}
	*eth = neigh->header;
	ks_iface_send(iface, ip);
}

static void
drop_waiting(struct ks_iface *iface, struct ks_neigh *neigh)
{
	for (uint8_t i = 0; i < neigh->nwaiting; i++)
		ks_iface_drop(iface, neigh->waiting[i], KS_IFACE_DROP_UNRESOLVED);
	iface->neigh.nwaiting -= neigh->nwaiting;
	neigh->nwaiting = 0;
}

static void
forget(struct ks_iface *iface, struct ks_neigh *neigh)
{
	drop_waiting(iface, neigh);
	neigh->state = KS_NEIGH_FREE;
}

static struct ks_neigh *
claim(struct ks_iface *iface, const struct ks_addr *addr)
{
	struct ks_neigh *neigh = ks_neigh_victim(&iface->neigh, addr);

	forget(iface, neigh);
	*neigh = (struct ks_neigh){.addr = *addr};
	return neigh;
}

static void
confirm(struct ks_iface *iface, struct ks_neigh *neigh, const struct rte_ether_addr *mac,
	uint64_t now_us)
{
	ether_set(&neigh->header, mac, &iface->mac, RTE_ETHER_TYPE_IPV4);
	neigh->state = KS_NEIGH_REACHABLE;
	neigh->tries = 0;
	neigh->confirmed_us = now_us;
	for (uint8_t i = 0; i < neigh->nwaiting; i++)
		send_to(iface, neigh, neigh->waiting[i]);
	iface->neigh.nwaiting -= neigh->nwaiting;
	neigh->nwaiting = 0;
}

/* RFC 1122 section 2.3.2.2: the latest packets are kept, they are those still wanted. */
static void
wait_for(struct ks_iface *iface, struct ks_neigh *neigh, struct rte_mbuf *ip)
{
	if (neigh->nwaiting == 0 && iface->neigh.nwaiting >= WAITING_MAX) {
		ks_iface_drop(iface, ip, KS_IFACE_DROP_UNRESOLVED);
		return;
	}
	if (neigh->nwaiting == KS_NEIGH_WAITING || iface->neigh.nwaiting >= WAITING_MAX) {
		ks_iface_drop(iface, neigh->waiting[0], KS_IFACE_DROP_UNRESOLVED);
		neigh->nwaiting--;
		iface->neigh.nwaiting--;
		memmove(neigh->waiting, neigh->waiting + 1,
			neigh->nwaiting * sizeof(neigh->waiting[0]));
	}
	neigh->waiting[neigh->nwaiting++] = ip;
	iface->neigh.nwaiting++;
}

static ks_noinline struct ks_neigh *
hop_find(struct ks_iface *iface, const struct ks_addr *addr, uint64_t now_us)
{
	struct ks_neigh *neigh = ks_neigh_find(&iface->neigh, addr);

	if (neigh == NULL) {
		neigh = claim(iface, addr);
		neigh->state = KS_NEIGH_INCOMPLETE;
		neigh->used_us = now_us;
		ask(iface, neigh, now_us);
	}
	iface->last_hop = neigh;
	return neigh;
}

void
ks_arp_output(struct ks_iface *iface, struct rte_mbuf *ip, rte_be32_t hop, uint64_t now_us)
{
	struct ks_addr addr = ks_addr_from_v4(hop);
	struct ks_neigh *neigh = iface->last_hop;

	if (neigh->state == KS_NEIGH_FREE || !ks_addr_eq(&neigh->addr, &addr))
		neigh = hop_find(iface, &addr, now_us);
	neigh->used_us = now_us;
	if (ks_unlikely(neigh->state != KS_NEIGH_REACHABLE)) {
		wait_for(iface, neigh, ip);
		return;
	}
	send_to(iface, neigh, ip);
	if (ks_unlikely(now_us - neigh->confirmed_us >= REFRESH_US) && neigh->tries == 0)
		ask(iface, neigh, now_us);
}

/* A network or link that is not what it says: another family, hardware, or a cut-off message. */
static bool
is_well_formed(const struct rte_mbuf *mbuf, const struct rte_arp_hdr *arp)
{
	return mbuf->data_len >= ARP_FRAME_BYTES &&
	       arp->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) &&
	       arp->arp_protocol == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       arp->arp_hlen == RTE_ETHER_ADDR_LEN && arp->arp_plen == sizeof(rte_be32_t) &&
	       (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) ||
		arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY));
}

static bool
sender_is_possible(const struct ks_iface *iface, const struct rte_arp_ipv4 *parties)
{
	const struct rte_ether_addr *mac = &parties->arp_sha;
	rte_be32_t ip = parties->arp_sip;

	if (!rte_is_valid_assigned_ether_addr(mac) || rte_is_same_ether_addr(mac, &iface->mac))
		return false;
	/* RFC 5227 section 2.1.1: a probe asks without a name. */
	if (ip == 0)
		return true;
	if (ks_iface_owns_v4(iface, ip) || ks_iface_is_broadcast(iface, ip))
		return false;
	return ks_iface_on_link(iface, ip) || ip == iface->gateway;
}

/* @return true when the frame told us something. */
static bool
learn(struct ks_iface *iface, const struct rte_arp_ipv4 *parties, bool asks_for_us, uint64_t now_us)
{
	struct ks_addr addr = ks_addr_from_v4(parties->arp_sip);
	struct ks_neigh *neigh;

	if (parties->arp_sip == 0)
		return false;
	neigh = ks_neigh_find(&iface->neigh, &addr);
	if (neigh == NULL && asks_for_us)
		neigh = claim(iface, &addr);
	if (neigh == NULL)
		return false;
	confirm(iface, neigh, &parties->arp_sha, now_us);
	return true;
}

/* In the frame of the question: no buffer can be missing, and padding stays as it was. */
static void
answer(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct rte_arp_ipv4 *asked)
{
	struct rte_arp_ipv4 parties = {
		.arp_sha = iface->mac,
		.arp_sip = asked->arp_tip,
		.arp_tha = asked->arp_sha,
		.arp_tip = asked->arp_sip,
	};

	mbuf = ks_iface_writable(iface, mbuf);
	if (mbuf == NULL)
		return;
	rte_pktmbuf_trim(mbuf, (uint16_t)(mbuf->pkt_len - ARP_FRAME_BYTES));
	frame_write(iface, rte_pktmbuf_mtod(mbuf, void *), &parties.arp_tha, &parties,
		    RTE_ARP_OP_REPLY);
	ks_iface_count(iface, KS_IFACE_RX_ARP);
	ks_iface_send(iface, mbuf);
}

void
ks_arp_input(struct ks_iface *iface, struct rte_mbuf *mbuf, const struct ks_now *now)
{
	const struct rte_arp_hdr *arp =
		rte_pktmbuf_mtod_offset(mbuf, struct rte_arp_hdr *, RTE_ETHER_HDR_LEN);
	struct rte_arp_ipv4 parties;
	bool request, for_us, learned;

	if (!is_well_formed(mbuf, arp)) {
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_ARP_BAD);
		return;
	}
	parties = arp->arp_data;
	if (!sender_is_possible(iface, &parties)) {
		ks_iface_drop(iface, mbuf, KS_IFACE_DROP_ARP_BAD);
		return;
	}
	request = arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
	for_us = ks_iface_owns_v4(iface, parties.arp_tip);
	learned = learn(iface, &parties, request && for_us, now->mono_us);
	if (request && for_us)
		answer(iface, mbuf, &parties);
	else
		ks_iface_drop(iface, mbuf,
			      learned || for_us ? KS_IFACE_RX_ARP : KS_IFACE_DROP_NOT_FOR_US);
}

static void
look_at(struct ks_iface *iface, struct ks_neigh *neigh, uint64_t now_us)
{
	bool asking = neigh->state == KS_NEIGH_INCOMPLETE || neigh->tries > 0;

	if (neigh->state == KS_NEIGH_FREE)
		return;
	if (!asking) {
		if (now_us - neigh->confirmed_us >= AGE_US)
			forget(iface, neigh);
		return;
	}
	if (now_us < neigh->retry_us)
		return;
	if (neigh->tries >= TRIES)
		forget(iface, neigh);
	else
		ask(iface, neigh, now_us);
}

void
ks_arp_sweep(struct ks_iface *iface, uint64_t now_us)
{
	struct ks_neigh_table *table = &iface->neigh;
	uint32_t total = table->nsets * KS_NEIGH_WAYS;

	/* After a long pause one whole round is enough. */
	for (uint32_t i = 0; i < SWEEP_PARTS && iface->sweep_us <= now_us; i++) {
		uint32_t part = iface->sweep_part;
		uint32_t first = (uint32_t)((uint64_t)total * part / SWEEP_PARTS);
		uint32_t last = (uint32_t)((uint64_t)total * (part + 1) / SWEEP_PARTS);

		for (; first < last; first++)
			look_at(iface, &table->entries[first], now_us);
		iface->sweep_part = (part + 1) % SWEEP_PARTS;
		iface->sweep_us += SWEEP_US;
	}
	if (iface->sweep_us <= now_us)
		iface->sweep_us = now_us + SWEEP_US;
}

void
ks_arp_fini(struct ks_iface *iface)
{
	for (uint32_t i = 0; i < iface->neigh.nsets * KS_NEIGH_WAYS; i++)
		forget(iface, &iface->neigh.entries[i]);
}
