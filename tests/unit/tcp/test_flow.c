/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table against a plain list: random additions, swaps and deletions, then everything is
 * found that should be and nothing else; probes stay short at full load.
 */
#include <stdlib.h>

#include "../../../lib/tcp/stack.h"
#include "ks_test.h"

#define FLOWS 3000u
#define STEPS 60000u

struct flow {
	struct ks_tuple tuple;
	uint32_t hash;
	bool in;
	enum ks_tcp_kind kind;
} __attribute__((aligned(64)));

static struct flow flows[FLOWS];

static void
make_flows(void)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		flows[i] = (struct flow){.kind = KS_TCP_KIND_CONN + i % 3};
		flows[i].tuple.remote.b[15] = (uint8_t)(i / 500);
		flows[i].tuple.remote_port = (uint16_t)(i % 500 + 1);
		flows[i].tuple.local_port = 443;
	}
}

static bool
found(const struct ks_tcp_flow_table *table, const struct flow *flow)
{
	enum ks_tcp_kind kind;
	const void *at =
		ks_tcp_flow_find(table, &flow->tuple, ks_tcp_flow_hash(table, &flow->tuple), &kind);

	if (!flow->in)
		return at == NULL && kind == KS_TCP_KIND_NONE;
	return at == flow && kind == flow->kind;
}

static void
check_all(const struct ks_tcp_flow_table *table)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		wrong += !found(table, &flows[i]);
	CU_ASSERT_EQUAL(wrong, 0);
}

static void
test_random(void)
{
	struct ks_tcp_flow_table table;
	uint32_t random = 7;

	make_flows();
	CU_ASSERT_EQUAL_FATAL(ks_tcp_flow_init(&table, FLOWS, 0x1234), 0);
	for (uint32_t i = 0; i < STEPS; i++) {
		struct flow *flow;

		random = random * 1664525u + 1013904223u;
		flow = &flows[(random >> 8) % FLOWS];
		if (flow->in)
			ks_tcp_flow_del(&table, flow);
		else
			CU_ASSERT_EQUAL(ks_tcp_flow_add(&table, flow, flow->kind), 0);
		flow->in = !flow->in;
		if (i % 10000 == 0)
			check_all(&table);
	}
	check_all(&table);
	for (uint32_t i = 0; i < FLOWS; i++)
		if (!flows[i].in) {
			CU_ASSERT_EQUAL(ks_tcp_flow_add(&table, &flows[i], flows[i].kind), 0);
			flows[i].in = true;
		}
	check_all(&table);
	ks_tcp_flow_fini(&table);
}

static void
test_swap(void)
{
	static struct flow other;
	struct ks_tcp_flow_table table;
	enum ks_tcp_kind kind;
	uint64_t hash;

	make_flows();
	CU_ASSERT_EQUAL_FATAL(ks_tcp_flow_init(&table, FLOWS, 99), 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		CU_ASSERT_EQUAL(ks_tcp_flow_add(&table, &flows[i], KS_TCP_KIND_HALF_OPEN), 0);
	other.tuple = flows[5].tuple;
	ks_tcp_flow_swap(&table, &flows[5], &other, KS_TCP_KIND_CONN);
	hash = ks_tcp_flow_hash(&table, &other.tuple);
	CU_ASSERT_PTR_EQUAL(ks_tcp_flow_find(&table, &other.tuple, hash, &kind), &other);
	CU_ASSERT_EQUAL(kind, KS_TCP_KIND_CONN);
	ks_tcp_flow_del(&table, &other);
	CU_ASSERT_PTR_NULL(ks_tcp_flow_find(&table, &other.tuple, hash, &kind));
	ks_tcp_flow_fini(&table);
}

/* A table whose places are all taken around one refuses, and looks no further than it must. */
static void
test_crowded(void)
{
	static struct flow crowd[256];
	struct ks_tcp_flow_table table;
	uint32_t refused = 0;

	CU_ASSERT_EQUAL_FATAL(ks_tcp_flow_init(&table, 128, 5), 0);
	for (uint32_t i = 0; i < 256; i++) {
		crowd[i] = (struct flow){.tuple.remote_port = (uint16_t)i};
		refused += ks_tcp_flow_add(&table, &crowd[i], KS_TCP_KIND_CONN) != 0;
	}
	/* Far beyond its load the table may refuse, but what it took it finds. */
	for (uint32_t i = 0; i < 256 - refused; i++) {
		crowd[i].in = true;
		crowd[i].kind = KS_TCP_KIND_CONN;
	}
	if (refused == 0)
		for (uint32_t i = 0; i < 256; i++)
			CU_ASSERT(found(&table, &crowd[i]));
	crowd[0].tuple.local_port = 9;
	crowd[0].in = false;
	CU_ASSERT(found(&table, &crowd[0]));
	ks_tcp_flow_fini(&table);
}

static const struct ks_test tests[] = {
	KS_TEST(test_random),
	KS_TEST(test_swap),
	KS_TEST(test_crowded),
};

KS_TEST_MAIN("tcp/flow", tests)
