/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TERMINATE: owns connections from first SYN to free. A turn drains verdicts first, so that no
 * cycle of links can stand still; then packets, timers, what the connections have to say, and last
 * what TCP has to send.
 */
#include <rte_mbuf.h>
#include <stdlib.h>

#include "stage.h"

struct terminate {
	struct stage base; /**< first */
	struct wiring *wiring;
	uint32_t index;
	struct ks_timer_wheel *wheel;
	struct ks_pool *chunks;
	struct ks_arena *arena;
	struct ks_tcp_stack *tcp;
	struct ks_proxy *proxy;
	struct rte_mempool *mbufs;
	const struct ks_port_caps *caps[KS_GATEWAY_PORTS_MAX];
	struct rte_mbuf *out[STAGE_BURST];
	uint32_t nout;
	struct session_sample sample;
};

static void
out_flush(struct terminate *st)
{
	uint32_t done;

	if (st->nout == 0)
		return;
	done = link_put(st->wiring->packets_out[st->index], (void **)st->out, st->nout);
	if (ks_unlikely(done < st->nout)) {
		st->base.stalls++;
		rte_pktmbuf_free_bulk(st->out + done, st->nout - done);
	}
	st->nout = 0;
}

/** A segment becomes a packet. What finds no buffer is lost on the wire; TCP knows how to go on. */
static int
emit(void *arg, const struct ks_tcp_segment *seg)
{
	struct terminate *st = arg;
	struct rte_mbuf *m = rte_pktmbuf_alloc(st->mbufs);
	int n;

	if (ks_unlikely(m == NULL))
		return -ENOBUFS;
	n = ks_tcp_segment_write(seg, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_tailroom(m));
	if (ks_unlikely(n < 0)) {
		rte_pktmbuf_free(m);
		return n;
	}
	m->data_len = m->pkt_len = n;
	m->port = seg->tuple->iface;
	ks_packet_finish_tcp(m, seg->tuple, st->caps[seg->tuple->iface]);
	st->out[st->nout++] = m;
	if (st->nout == STAGE_BURST)
		out_flush(st);
	return 0;
}

static int
submit(void *arg, struct ks_exchange *ex)
{
	struct terminate *st = arg;
	uint32_t to = route(ex->route_hash, st->wiring->nmatch);
	void *obj = ex;

	return link_put(st->wiring->submit[st->index][to], &obj, 1) == 1 ? 0 : -EAGAIN;
}

static int
outcome(void *arg, struct ks_exchange *ex)
{
	struct terminate *st = arg;
	uint32_t to = route(ex->route_hash, st->wiring->nscore);
	void *obj = ex;

	return link_put(st->wiring->outcome[st->index][to], &obj, 1) == 1 ? 0 : -EAGAIN;
}

static uint32_t
verdicts(struct terminate *st, const struct ks_now *now)
{
	struct ks_exchange *ex[STAGE_BURST];
	uint32_t n, sum = 0;

	for (uint32_t i = 0; i < st->wiring->nscore; i++) {
		n = link_get(st->wiring->verdict[i][st->index], (void **)ex, STAGE_BURST);
		for (uint32_t j = 0; j < n; j++)
			ks_proxy_verdict(st->proxy, ex[j], now);
		sum += n;
	}
	n = link_get(st->wiring->freed[st->index], (void **)ex, STAGE_BURST);
	for (uint32_t j = 0; j < n; j++)
		ks_proxy_free(st->proxy, ex[j]);
	return sum + n;
}

static uint32_t
packets(struct terminate *st, const struct ks_now *now)
{
	struct rte_mbuf *pkts[STAGE_BURST];
	uint32_t n = link_get(st->wiring->packets_in[st->index], (void **)pkts, STAGE_BURST);

	for (uint32_t i = 0; i < n; i++) {
		struct ks_packet pkt;
		struct ks_tcp_packet seg;

		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 1], void *));
		ks_packet_read(pkts[i], &pkt);
		seg = (struct ks_tcp_packet){&pkt.tuple, pkt.l4, pkt.l4_bytes, pkt.ecn};
		ks_tcp_input(st->tcp, &seg, now);
	}
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static ks_cold void
sample_take(struct terminate *st)
{
	struct session_sample *s = &st->sample;

	s->n = ks_proxy_sessions(st->proxy, s->v, KS_ARRAY_SIZE(s->v));
	ks_proxy_stats_get(st->proxy, &s->proxy);
	ks_tcp_stats_get(st->tcp, &s->tcp);
	__atomic_store_n(&s->wanted, false, __ATOMIC_RELEASE);
}

static uint32_t
terminate_poll(struct stage *stage, const struct ks_now *now)
{
	struct terminate *st = (struct terminate *)stage;
	uint32_t done;

	done = verdicts(st, now);
	done += packets(st, now);
	done += ks_timer_wheel_advance(st->wheel, now->mono_us, 4 * STAGE_BURST);
	done += ks_proxy_poll(st->proxy, now);
	if (done > 0) {
		ks_tcp_flush(st->tcp, now);
		out_flush(st);
	}
	if (ks_unlikely(__atomic_load_n(&st->sample.wanted, __ATOMIC_ACQUIRE)))
		sample_take(st);
	return done;
}

static int
rooms_create(struct terminate *st, const struct ks_gateway_params *params, uint64_t now_us)
{
	const struct ks_gateway_terminate *t = &params->terminate;
	struct ks_tcp_params tcp = t->tcp;
	struct ks_proxy_params proxy = t->proxy;

	st->wheel = ks_timer_wheel_create(now_us);
	st->chunks = ks_chunk_pool_create("chunks", t->chunks);
	st->arena = ks_arena_create("bodies", t->arena_bytes, 4u << 20);
	if (st->wheel == NULL || st->chunks == NULL || st->arena == NULL)
		return -ENOMEM;
	tcp.chunks = st->chunks;
	tcp.wheel = st->wheel;
	tcp.emit = emit;
	tcp.emit_arg = st;
	st->tcp = ks_tcp_stack_create(&tcp);
	if (st->tcp == NULL)
		return -errno;
	proxy.owner = st->index;
	proxy.nowners = st->wiring->nterminate;
	proxy.tcp = st->tcp;
	proxy.wheel = st->wheel;
	proxy.chunks = st->chunks;
	proxy.arena = st->arena;
	proxy.submit = submit;
	proxy.outcome = outcome;
	proxy.arg = st;
	st->proxy = ks_proxy_create(&proxy);
	if (st->proxy == NULL)
		return -errno;
	return ks_tcp_listen(st->tcp, &params->listen, NULL);
}

struct stage *
stage_terminate_create(const struct ks_gateway_params *params, struct wiring *wiring,
		       uint32_t index, uint64_t now_us)
{
	struct terminate *st = calloc(1, sizeof(*st));
	int rc;

	if (st == NULL)
		return NULL;
	st->base.poll = terminate_poll;
	st->wiring = wiring;
	st->index = index;
	st->mbufs = params->mbufs;
	for (uint32_t i = 0; i < params->nifaces; i++)
		st->caps[i] = ks_port_caps_get(ks_iface_port(params->ifaces[i]));
	rc = rooms_create(st, params, now_us);
	if (rc != 0) {
		stage_terminate_destroy(&st->base);
		errno = -rc;
		return NULL;
	}
	return &st->base;
}

void
stage_terminate_destroy(struct stage *stage)
{
	struct terminate *st = (struct terminate *)stage;

	if (st == NULL)
		return;
	ks_proxy_destroy(st->proxy);
	ks_tcp_stack_destroy(st->tcp);
	ks_arena_destroy(st->arena);
	ks_pool_destroy(st->chunks);
	ks_timer_wheel_destroy(st->wheel);
	rte_pktmbuf_free_bulk(st->out, st->nout);
	free(st);
}

struct ks_proxy *
stage_terminate_proxy(struct stage *stage)
{
	return ((struct terminate *)stage)->proxy;
}

struct ks_tcp_stack *
stage_terminate_tcp(struct stage *stage)
{
	return ((struct terminate *)stage)->tcp;
}

struct ks_arena *
stage_terminate_arena(struct stage *stage)
{
	return ((struct terminate *)stage)->arena;
}

uint64_t
stage_terminate_next_us(const struct stage *stage)
{
	return ks_timer_wheel_next_us(((const struct terminate *)stage)->wheel);
}

struct session_sample *
stage_terminate_sample(struct stage *stage)
{
	return &((struct terminate *)stage)->sample;
}

void
stage_terminate_fault_set(struct stage *stage, bool (*fail)(void *arg), void *arg)
{
	struct terminate *st = (struct terminate *)stage;

	ks_pool_fail_set(st->chunks, fail, arg);
	ks_arena_fail_set(st->arena, fail, arg);
}
