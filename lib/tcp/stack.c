/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack as a whole: taken at creation, given back at destruction, nothing allocated between.
 * Listeners and the secrets of RFC 6528 and RFC 7323 section 5.4 stand here too.
 * Thread: the owner.
 */
#include <errno.h>
#include <stdlib.h>

#include "stack.h"

#define RCV_BUF_DEFAULT (256u * 1024)
#define SND_BUF_DEFAULT (256u * 1024)
#define BUF_MIN 4096u
#define BUF_MAX (64u * 1024 * 1024) /* congestion control counts in 32 bits */
#define MSS_DEFAULT 1460u
#define MSL_DEFAULT_MS 15000u
#define USER_TIMEOUT_DEFAULT_MS 60000u
#define KEEPALIVE_MIN_MS 1000u

static inline uint32_t
or_default(uint32_t value, uint32_t other)
{
	return value != 0 ? value : other;
}

static bool
params_valid(const struct ks_tcp_params *params)
{
	return params->max_conns > 0 && params->max_conns < 1u << 24 &&
	       params->max_half_open < 1u << 24 && params->max_time_wait < 1u << 24 &&
	       params->chunks != NULL && params->wheel != NULL && params->emit != NULL &&
	       params->rcv_buf_bytes <= BUF_MAX && params->snd_buf_bytes <= BUF_MAX;
}

/* Smallest shift with which the whole buffer can be offered (RFC 7323 section 2.3). */
static uint8_t
scale_for(uint32_t buf)
{
	uint8_t shift = 0;

	while (shift < KS_TCP_WSCALE_MAX && buf >> shift > UINT16_MAX)
		shift++;
	return shift;
}

static void
take_params(struct ks_tcp_stack *stack, const struct ks_tcp_params *params)
{
	struct ks_pool_stats chunks;

	stack->rcv_buf = KS_MAX(or_default(params->rcv_buf_bytes, RCV_BUF_DEFAULT), BUF_MIN);
	stack->snd_buf = KS_MAX(or_default(params->snd_buf_bytes, SND_BUF_DEFAULT), BUF_MIN);
	stack->rcv_wscale = scale_for(stack->rcv_buf);
	stack->mss = KS_MAX((uint16_t)or_default(params->mss, MSS_DEFAULT), KS_TCP_MSS_MIN);
	stack->cc = params->cc == KS_TCP_CC_NEWRENO ? &ks_tcp_cc_newreno : &ks_tcp_cc_cubic;
	stack->msl2_ms = 2 * or_default(params->msl_ms, MSL_DEFAULT_MS);
	stack->keepalive_ms = params->keepalive_ms;
	if (stack->keepalive_ms > 0)
		stack->keepalive_ms = KS_MAX(stack->keepalive_ms, KEEPALIVE_MIN_MS);
	stack->user_timeout_ms = or_default(params->user_timeout_ms, USER_TIMEOUT_DEFAULT_MS);
	stack->chunks = params->chunks;
	stack->wheel = params->wheel;
	stack->key = params->key;
	stack->emit = params->emit;
	stack->emit_arg = params->emit_arg;
	stack->max_listeners = params->max_listeners;
	stack->max_orphans = KS_MAX(params->max_conns / 4, 16u);
	stack->limits.max_conns = params->max_conns;
	stack->limits.max_half_open = params->max_half_open;
	stack->limits.max_time_wait = params->max_time_wait;
	ks_pool_stats_get(params->chunks, &chunks);
	stack->chunks_low = KS_MAX(chunks.size / 8, 1u);
}

/* A table of size 0 is one entry that nobody can be refused into: pools cannot be empty. */
static int
take_memory(struct ks_tcp_stack *stack, const struct ks_tcp_params *params)
{
	uint32_t half_open = KS_MAX(params->max_half_open, 1u);
	uint32_t time_wait = KS_MAX(params->max_time_wait, 1u);
	uint64_t seed = ks_siphash(&params->key, "flow", 4);

	if (ks_tcp_flow_init(&stack->flows, params->max_conns + half_open + time_wait, seed) != 0)
		return -ENOMEM;
	stack->conns = ks_pool_create("tcp_conn", params->max_conns, sizeof(struct ks_tcp_conn));
	stack->half_open =
		ks_pool_create("tcp_half_open", half_open, sizeof(struct ks_tcp_half_open));
	stack->time_wait =
		ks_pool_create("tcp_time_wait", time_wait, sizeof(struct ks_tcp_time_wait));
	stack->listeners =
		calloc(KS_MAX(params->max_listeners, 1u), sizeof(struct ks_tcp_listener));
	if (stack->conns == NULL || stack->half_open == NULL || stack->time_wait == NULL ||
	    stack->listeners == NULL)
		return -ENOMEM;
	return 0;
}

static void
give_memory(struct ks_tcp_stack *stack)
{
	ks_pool_destroy(stack->conns);
	ks_pool_destroy(stack->half_open);
	ks_pool_destroy(stack->time_wait);
	free(stack->listeners);
	ks_tcp_flow_fini(&stack->flows);
	ks_wipe(&stack->key, sizeof(stack->key));
	free(stack);
}

struct ks_tcp_stack *
ks_tcp_stack_create(const struct ks_tcp_params *params)
{
	struct ks_tcp_stack *stack;

	if (!params_valid(params)) {
		errno = EINVAL;
		return NULL;
	}
	stack = calloc(1, sizeof(*stack));
	if (stack == NULL)
		return NULL;
	TAILQ_INIT(&stack->dirty);
	TAILQ_INIT(&stack->events);
	TAILQ_INIT(&stack->dead);
	take_params(stack, params);
	ks_tcp_time_wait_init(stack);
	if (take_memory(stack, params) != 0) {
		give_memory(stack);
		errno = ENOMEM;
		return NULL;
	}
	return stack;
}

static void
destroy_conn(void *obj)
{
	struct ks_tcp_conn *conn = obj;

	ks_tcp_count(conn->stack, KS_TCP_END_DESTROYED);
	ks_tcp_conn_clear(conn);
}

static void
destroy_half_open(void *obj)
{
	struct ks_tcp_half_open *half = obj;

	ks_timer_cancel(half->stack->wheel, &half->timer);
}

void
ks_tcp_stack_destroy(struct ks_tcp_stack *stack)
{
	struct ks_tcp_conn *conn;

	if (stack == NULL)
		return;
	ks_tcp_flow_each(&stack->flows, KS_TCP_KIND_CONN, destroy_conn);
	ks_tcp_flow_each(&stack->flows, KS_TCP_KIND_HALF_OPEN, destroy_half_open);
	TAILQ_FOREACH (conn, &stack->dead, dirty_link)
		ks_tcp_conn_clear(conn);
	ks_timer_cancel(stack->wheel, &stack->time_wait_timer);
	give_memory(stack);
}

static inline bool
any_address(const struct ks_addr *addr)
{
	static const struct ks_addr zero;

	return ks_addr_eq(addr, &zero);
}

int
ks_tcp_listen(struct ks_tcp_stack *stack, const struct ks_endpoint *local, void *service)
{
	for (uint32_t i = 0; i < stack->nlisteners; i++)
		if (stack->listeners[i].local.port == local->port &&
		    ks_addr_eq(&stack->listeners[i].local.addr, &local->addr))
			return -EEXIST;
	if (stack->nlisteners == stack->max_listeners)
		return -ENOSPC;
	stack->listeners[stack->nlisteners++] =
		(struct ks_tcp_listener){.local = *local, .service = service};
	return 0;
}

/* Few, and asked for SYNs only: a walk is right. The exact address goes before the open one. */
const struct ks_tcp_listener *
ks_tcp_listener_find(const struct ks_tcp_stack *stack, const struct ks_tuple *tuple)
{
	const struct ks_tcp_listener *any = NULL;

	for (uint32_t i = 0; i < stack->nlisteners; i++) {
		const struct ks_tcp_listener *listener = &stack->listeners[i];

		if (listener->local.port != tuple->local_port)
			continue;
		if (ks_addr_eq(&listener->local.addr, &tuple->local))
			return listener;
		if (any_address(&listener->local.addr))
			any = listener;
	}
	return any;
}

void
ks_tcp_secrets(const struct ks_tcp_stack *stack, const struct ks_tuple *tuple, uint32_t *iss,
	       uint32_t *ts_off)
{
	struct {
		struct ks_tuple tuple;
		uint8_t domain[8];
	} in = {*tuple, "isn+ts"};
	uint64_t secret = ks_siphash(&stack->key, &in, sizeof(in));

	/* RFC 6528 section 3: a clock of 4 us, and a place of its own for every flow. */
	*iss = (uint32_t)(stack->now_us / 4) + (uint32_t)secret;
	*ts_off = (uint32_t)(secret >> 32);
}

const uint64_t *
ks_tcp_counters(const struct ks_tcp_stack *stack)
{
	return stack->counters;
}

void
ks_tcp_stats_get(const struct ks_tcp_stack *stack, struct ks_tcp_stats *out)
{
	struct ks_pool_stats pool;

	*out = stack->limits;
	ks_pool_stats_get(stack->conns, &pool);
	out->conns = pool.used;
	out->conn_bytes = pool.obj_bytes;
	ks_pool_stats_get(stack->half_open, &pool);
	out->half_open = pool.used;
	ks_pool_stats_get(stack->time_wait, &pool);
	out->time_wait = pool.used;
}
