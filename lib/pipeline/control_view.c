/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views for telemetry: copied out under the control core's lock, or read from counters that any
 * thread may read. Nothing here touches the data path. Thread: any.
 */
#include <rte_cycles.h>
#include <stdio.h>

#include "gateway_int.h"

#include "ks_log.h"

KS_LOG_DECLARE(pipeline);

/** jemalloc's control, where the program is linked with it. */
int mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen)
	__attribute__((weak));

static uint64_t
cycles_to_ns(uint64_t cycles)
{
	return (uint64_t)((double)cycles * 1e9 / (double)rte_get_tsc_hz());
}

static uint32_t
stage_list(struct ks_gateway *gw, struct stage *out[KS_STAGE_KINDS * KS_GATEWAY_STAGES_MAX + 1])
{
	uint32_t n = 0;

	for (int k = 0; k < KS_STAGE_KINDS; k++)
		for (uint32_t i = 0; i < gw->nstages[k]; i++)
			out[n++] = gw->stages[k][i];
	out[n++] = gw->record;
	return n;
}

static size_t
heap_figure(const char *name)
{
	size_t value = 0, len = sizeof(value);

	if (mallctl == NULL || mallctl(name, &value, &len, NULL, 0) != 0)
		return 0;
	return value;
}

static void
heap_get(struct ks_control_info *out)
{
	uint64_t epoch = 1;
	size_t len = sizeof(epoch);

	/* jemalloc's figures stand still until the epoch is moved on. */
	if (mallctl != NULL)
		(void)mallctl("epoch", &epoch, &len, &epoch, len);
	out->heap_allocated_bytes = heap_figure("stats.allocated");
	out->heap_resident_bytes = heap_figure("stats.resident");
}

static void
work_get(struct ks_gateway *gw, struct ks_control_info *out)
{
	struct stage *stages[KS_STAGE_KINDS * KS_GATEWAY_STAGES_MAX + 1];
	uint32_t n = stage_list(gw, stages);
	uint64_t cycles = 0;

	for (uint32_t i = 0; i < n; i++)
		cycles += ks_count_read(&stages[i]->cycles);
	out->busy_ns = cycles_to_ns(cycles);
	for (uint32_t i = 0; i < gw->nworkers; i++) {
		out->turns += ks_count_read(&gw->workers[i].turns);
		out->idle_turns += ks_count_read(&gw->workers[i].idle_turns);
	}
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_TERMINATE]; i++) {
		struct stage *st = gw->stages[KS_STAGE_TERMINATE][i];
		const struct session_sample *s = stage_terminate_sample(st);
		struct ks_arena_stats arena;

		ks_arena_stats_get(stage_terminate_arena(st), &arena);
		out->body_budget_bytes += arena.size_bytes;
		out->body_used_bytes += arena.used_bytes;
		out->connections += s->tcp.conns;
		out->connections_max += s->tcp.max_conns;
	}
}

void
ks_control_info_get(struct ks_control *c, struct ks_control_info *out)
{
	struct ks_gateway *gw = c->gw;

	memset(out, 0, sizeof(*out));
	heap_get(out);
	pthread_mutex_lock(&c->lock);
	out->version = KS_VERSION;
	out->uptime_s = c->start_s != 0 ? c->now.wall_s - c->start_s : 0;
	out->mode = __atomic_load_n(&c->mode, __ATOMIC_RELAXED);
	out->frozen = gw->p.freeze;
	out->lcores = gw->nworkers;
	out->rules = ks_match_db_rules(gw->p.match);
	out->exchanges = c->ended;
	out->alerts = c->alert_count;
	out->alerts_lost = c->alerts_lost;
	out->profile = c->profile;
	work_get(gw, out);
	pthread_mutex_unlock(&c->lock);
}

uint32_t
ks_control_stages(struct ks_control *c, uint32_t skip, struct ks_control_stage *out, uint32_t n)
{
	struct stage *stages[KS_STAGE_KINDS * KS_GATEWAY_STAGES_MAX + 1];
	uint32_t all = stage_list(c->gw, stages), done = 0;

	for (uint32_t i = skip; i < all && done < n; i++, done++) {
		const struct stage *s = stages[i];
		struct ks_control_stage *v = &out[done];

		memcpy(v->name, s->name, sizeof(v->name));
		v->lcore = s->lcore;
		v->cycles = ks_count_read(&s->cycles);
		v->busy_ns = cycles_to_ns(v->cycles);
		v->turns = ks_count_read(&s->turns);
		v->busy_turns = ks_count_read(&s->busy_turns);
		v->items = ks_count_read(&s->items);
		v->stalls = ks_count_read(&s->stalls);
	}
	return done;
}

uint32_t
ks_control_links(struct ks_control *c, uint32_t skip, struct ks_control_link *out, uint32_t n)
{
	uint32_t done = 0;

	for (uint32_t i = skip; i < c->gw->nlinks && done < n; i++, done++) {
		const struct link *l = &c->gw->links[i];
		struct ks_control_link *v = &out[done];

		memcpy(v->from, l->from, sizeof(v->from));
		memcpy(v->to, l->to, sizeof(v->to));
		v->size = rte_ring_get_capacity(l->ring);
		v->depth = rte_ring_count(l->ring);
		v->depth_max = __atomic_load_n(&l->get.depth_max, __ATOMIC_RELAXED);
		v->bursts = ks_count_read(&l->put.bursts);
		v->items = ks_count_read(&l->put.items);
		v->stalls = ks_count_read(&l->put.stalls);
	}
	return done;
}

uint32_t
ks_control_ports(struct ks_control *c, uint32_t skip, struct ks_control_port *out, uint32_t n)
{
	uint32_t done = 0;

	for (uint32_t i = skip; i < c->gw->p.nifaces && done < n; i++, done++) {
		struct ks_port *port = ks_iface_port(c->gw->p.ifaces[i]);
		struct ks_control_port *v = &out[done];

		snprintf(v->name, sizeof(v->name), "%s", ks_port_name(port));
		rte_ether_format_addr(v->mac, sizeof(v->mac), ks_port_mac(port));
		v->mtu = ks_port_mtu(port);
		v->caps = *ks_port_caps_get(port);
		ks_port_stats_get(port, &v->stats);
	}
	return done;
}

/** A room's counters: its table, and the arrays of its instances to be summed. */
struct counter_room {
	const char *name;
	const struct ks_counter_desc *desc;
	uint32_t n, instances;
	const uint64_t *v[KS_GATEWAY_STAGES_MAX];
};

static void
rooms_list(struct ks_gateway *gw, struct counter_room rooms[3])
{
	rooms[0] = (struct counter_room){
		"net", ks_iface_counter_desc, KS_IFACE_COUNTER_MAX, gw->p.nifaces, {0}};
	rooms[1] = (struct counter_room){"tcp",
					 ks_tcp_counter_desc,
					 KS_TCP_COUNTER_MAX,
					 gw->nstages[KS_STAGE_TERMINATE],
					 {0}};
	rooms[2] = (struct counter_room){"proxy",
					 ks_proxy_counter_desc,
					 KS_PROXY_COUNTER_MAX,
					 gw->nstages[KS_STAGE_TERMINATE],
					 {0}};
	for (uint32_t i = 0; i < gw->p.nifaces; i++)
		rooms[0].v[i] = ks_iface_counters(gw->p.ifaces[i]);
	for (uint32_t i = 0; i < gw->nstages[KS_STAGE_TERMINATE]; i++) {
		rooms[1].v[i] = ks_tcp_counters(ks_gateway_tcp(gw, i));
		rooms[2].v[i] = ks_proxy_counters(ks_gateway_proxy(gw, i));
	}
}

static uint64_t
counter_sum(const struct counter_room *room, uint32_t counter)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < room->instances; i++)
		sum += ks_count_read(&room->v[i][counter]);
	return sum;
}

uint32_t
ks_control_counters(struct ks_control *c, uint32_t skip, struct ks_control_counter *out, uint32_t n)
{
	struct counter_room rooms[3];
	uint32_t done = 0;

	rooms_list(c->gw, rooms);
	for (uint32_t r = 0; r < KS_ARRAY_SIZE(rooms); r++) {
		for (uint32_t i = 0; i < rooms[r].n && done < n; i++) {
			if (skip > 0) {
				skip--;
				continue;
			}
			out[done++] = (struct ks_control_counter){
				rooms[r].name, rooms[r].desc[i].name, rooms[r].desc[i].help,
				counter_sum(&rooms[r], i)};
		}
	}
	return done;
}

static void
connection_view(const struct ks_proxy_session_view *s, uint64_t now_us,
		struct ks_control_connection *v)
{
	char addr[KS_ADDR_TEXT_BYTES];

	ks_addr_format(&s->tuple.remote, addr);
	snprintf(v->peer, sizeof(v->peer), ks_addr_is_v4(&s->tuple.remote) ? "%s:%u" : "[%s]:%u",
		 addr, rte_be_to_cpu_16(s->tuple.remote_port));
	snprintf(v->principal, sizeof(v->principal), "%s", s->principal);
	snprintf(v->state, sizeof(v->state), "%s", s->state);
	snprintf(v->tls, sizeof(v->tls), "%s", s->tls);
	/* The sample may be younger than the turn of the control core that shows it. */
	v->age_s = now_us > s->since_us ? (now_us - s->since_us) / 1000000 : 0;
	v->exchanges = s->exchanges;
}

uint32_t
ks_control_connections(struct ks_control *c, uint32_t skip, struct ks_control_connection *out,
		       uint32_t n)
{
	uint32_t done = 0;

	pthread_mutex_lock(&c->lock);
	for (uint32_t t = 0; t < c->gw->nstages[KS_STAGE_TERMINATE]; t++) {
		const struct session_sample *s =
			stage_terminate_sample(c->gw->stages[KS_STAGE_TERMINATE][t]);

		/* While a new sample is being taken there is nothing to be shown of this one. */
		if (__atomic_load_n(&s->wanted, __ATOMIC_ACQUIRE))
			continue;
		for (uint32_t i = 0; i < s->n && done < n; i++) {
			if (skip > 0) {
				skip--;
				continue;
			}
			connection_view(&s->v[i], c->now.mono_us, &out[done++]);
		}
	}
	pthread_mutex_unlock(&c->lock);
	return done;
}

static uint32_t
book_view(struct ks_control *c, const struct book *book, uint32_t skip, struct ks_control_row *out,
	  uint32_t n)
{
	uint32_t done;

	pthread_mutex_lock(&c->lock);
	done = book_list(book, skip, out, n, c->now.wall_s);
	pthread_mutex_unlock(&c->lock);
	return done;
}

uint32_t
ks_control_calls(struct ks_control *c, uint32_t skip, struct ks_control_row *out, uint32_t n)
{
	return book_view(c, &c->calls, skip, out, n);
}

uint32_t
ks_control_principals(struct ks_control *c, uint32_t skip, struct ks_control_row *out, uint32_t n)
{
	return book_view(c, &c->principals, skip, out, n);
}

static uint32_t
ring_view(struct ks_control *c, const struct record_ring *ring, uint64_t after,
	  struct ks_record *out, uint32_t n)
{
	uint32_t done;

	pthread_mutex_lock(&c->lock);
	done = record_ring_list(ring, after, out, n);
	pthread_mutex_unlock(&c->lock);
	return done;
}

uint32_t
ks_control_exchanges(struct ks_control *c, uint64_t after, struct ks_record *out, uint32_t n)
{
	return ring_view(c, &c->exchanges, after, out, n);
}

uint32_t
ks_control_alerts(struct ks_control *c, uint64_t after, struct ks_record *out, uint32_t n)
{
	return ring_view(c, &c->alerts, after, out, n);
}

int
ks_control_alert(struct ks_control *c, uint64_t id, struct ks_record *out)
{
	const struct ks_record *r;
	int rc = -ENOENT;

	pthread_mutex_lock(&c->lock);
	r = record_ring_at(&c->alerts, id);
	if (r != NULL) {
		*out = *r;
		rc = 0;
	} else if (c->gw->p.store != NULL && id > 0 &&
		   ks_store_alerts(c->gw->p.store, id - 1, out, 1) == 1 && out->id == id) {
		rc = 0;
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int
ks_control_mode_set(struct ks_control *c, enum ks_mode mode, const char *who)
{
	__atomic_store_n(&c->mode, mode, __ATOMIC_RELAXED);
	KS_LOG(pipeline, NOTICE, "mode_set mode=%s by=%s", ks_mode_name(mode), who);
	return 0;
}

int
ks_control_profile_save(struct ks_control *c, const char *who)
{
	struct timespec until;
	uint32_t round;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	KS_LOG(pipeline, NOTICE, "profile_save by=%s", who);
	pthread_mutex_lock(&c->lock);
	round = ++c->save_wanted;
	while (rc == 0 && (int32_t)(c->save_done - round) < 0)
		rc = pthread_cond_timedwait(&c->saved, &c->lock, &until);
	rc = rc == 0 ? c->save_result : -ETIMEDOUT;
	pthread_mutex_unlock(&c->lock);
	return rc;
}
