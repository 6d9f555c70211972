/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>

#include "ks_hash.h"

#define WAITING_MAX 4096u

static void
arrive(struct wire_end *to, struct rte_mbuf *m, uint64_t at_us)
{
	struct wire_frame *f = malloc(sizeof(*f)), **at = &to->queue;

	if (f == NULL || to->waiting >= WAITING_MAX) {
		free(f);
		rte_pktmbuf_free(m);
		return;
	}
	while (*at != NULL && (*at)->at_us <= at_us)
		at = &(*at)->next;
	*f = (struct wire_frame){*at, m, at_us};
	*at = f;
	to->waiting++;
}

static struct rte_mbuf *
damage(struct wire *w, struct rte_mbuf *m)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	if (random_chance(&w->random, w->faults.corrupt)) {
		data[random_below(&w->random, m->data_len)] ^=
			(uint8_t)(1 + random_below(&w->random, 255));
		w->corrupted++;
	}
	if (random_chance(&w->random, w->faults.truncate)) {
		(void)rte_pktmbuf_trim(m, (uint16_t)random_below(&w->random, m->data_len));
		w->truncated++;
	}
	return m;
}

static uint64_t
arrival(struct wire *w, struct wire_end *to)
{
	uint64_t at = *w->now_us + w->faults.delay_us;

	if (w->faults.jitter_us > 0)
		at += random_below(&w->random, w->faults.jitter_us);
	if (random_chance(&w->random, w->faults.reorder)) {
		w->reordered++;
		return at + 1 + random_below(&w->random, 5 * w->faults.delay_us + 1000);
	}
	to->last_at_us = KS_MAX(to->last_at_us, at);
	return to->last_at_us;
}

static void
trace_add(struct wire *w, const struct wire_end *to, const struct rte_mbuf *m)
{
	uint64_t words[4] = {w->trace, *w->now_us, (uint64_t)(to - w->end),
			     ks_hash64(0, rte_pktmbuf_mtod(m, void *), m->data_len)};

	w->trace = ks_hash64(1, words, sizeof(words));
}

static void
send_one(struct wire *w, struct wire_end *to, struct rte_mbuf *m)
{
	bool lost;

	w->frames++;
	trace_add(w, to, m);
	lost = w->down || random_chance(&w->random, w->faults.loss);
	if (w->traced)
		trace_print(w, to, m, lost ? "lost" : "sent");
	if (lost) {
		w->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	if (random_chance(&w->random, w->faults.duplicate)) {
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, w->mbufs, 0, UINT32_MAX);

		w->duplicated++;
		if (copy != NULL)
			arrive(to, damage(w, copy), arrival(w, to));
	}
	arrive(to, damage(w, m), arrival(w, to));
}

static uint16_t
tx_burst(void *arg, struct rte_mbuf **pkts, uint16_t n)
{
	struct wire_end *from = arg;
	struct wire *w = from->wire;

	for (uint16_t i = 0; i < n; i++)
		send_one(w, from == &w->end[0] ? &w->end[1] : &w->end[0], pkts[i]);
	return n;
}

static uint16_t
rx_burst(void *arg, struct rte_mbuf **pkts, uint16_t n)
{
	struct wire_end *end = arg;
	uint16_t done = 0;

	while (done < n && end->queue != NULL && end->queue->at_us <= *end->wire->now_us) {
		struct wire_frame *f = end->queue;

		end->queue = f->next;
		end->waiting--;
		pkts[done++] = f->m;
		free(f);
	}
	return done;
}

int
wire_init(struct wire *w, const char *name, struct rte_mempool *mbufs, uint64_t seed,
	  const uint64_t *now_us)
{
	static const struct ks_port_ops ops = {rx_burst, tx_burst};

	memset(w, 0, sizeof(*w));
	w->random.state = seed;
	w->mbufs = mbufs;
	w->now_us = now_us;
	for (uint8_t i = 0; i < 2; i++) {
		struct rte_ether_addr mac = {{2, 0, 0, 0, (uint8_t)(seed & 0x7f), i}};
		int rc;

		w->end[i].wire = w;
		rc = ks_port_open_ops(name, &ops, &w->end[i], &mac, 1500, &w->end[i].port);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void
wire_fini(struct wire *w)
{
	for (int i = 0; i < 2; i++) {
		while (w->end[i].queue != NULL) {
			struct wire_frame *f = w->end[i].queue;

			w->end[i].queue = f->next;
			rte_pktmbuf_free(f->m);
			free(f);
		}
		ks_port_close(w->end[i].port);
	}
}

uint64_t
wire_next_us(const struct wire *w)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < 2; i++)
		if (w->end[i].queue != NULL)
			next = KS_MIN(next, w->end[i].queue->at_us);
	return next;
}
