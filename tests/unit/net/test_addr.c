/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and endpoints as text; steering of flows and coding of owners in ports.
 */
#include <errno.h>

#include "ks_addr.h"
#include "ks_iface.h"
#include "ks_test.h"

static void
addresses_as_text(void)
{
	static const struct {
		const char *in, *out;
		bool v4;
	} v[] = {
		{"10.98.0.2", "10.98.0.2", true},
		{"255.255.255.255", "255.255.255.255", true},
		{"::ffff:1.2.3.4", "1.2.3.4", true},
		{"::", "::", false},
		{"fd00::1", "fd00::1", false},
		{"FD00:0:0:0:0:0:0:A", "fd00::a", false},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", false},
	};
	static const char *const bad[] = {
		"",	    "1.2.3",	 "1.2.3.256", "1.2.3.4.5", " 1.2.3.4",
		"1.2.3.4 ", "01.2.3.4x", ":::",	      "12345::",   "g::"};

	for (uint32_t i = 0; i < KS_ARRAY_SIZE(v); i++) {
		char text[KS_ADDR_TEXT_BYTES];
		struct ks_addr addr;

		CU_ASSERT_EQUAL(ks_addr_parse(v[i].in, &addr), 0);
		CU_ASSERT_EQUAL(ks_addr_is_v4(&addr), v[i].v4);
		CU_ASSERT_STRING_EQUAL(ks_addr_format(&addr, text), v[i].out);
	}
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(bad); i++) {
		struct ks_addr addr;

		CU_ASSERT_EQUAL(ks_addr_parse(bad[i], &addr), -EINVAL);
	}
}

static void
v4_is_mapped(void)
{
	struct ks_addr a = ks_addr_from_v4(RTE_BE32(0x0a620002)), b;

	CU_ASSERT_EQUAL(ks_addr_parse("10.98.0.2", &b), 0);
	CU_ASSERT_TRUE(ks_addr_eq(&a, &b));
	CU_ASSERT_EQUAL(ks_addr_v4(&b), RTE_BE32(0x0a620002));
	CU_ASSERT_EQUAL(b.b[10], 0xff);
	CU_ASSERT_EQUAL(b.b[9], 0);
	b.b[15]++;
	CU_ASSERT_FALSE(ks_addr_eq(&a, &b));
}

static void
endpoints_as_text(void)
{
	static const char *const bad[] = {
		"",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:0",
		"10.0.0.1:65536",
		"10.0.0.1:+1",
		"10.0.0.1: 1",
		"10.0.0.1:1x",
		":6443",
		"fd00::1:6443",
		"[fd00::1]",
		"[fd00::1]6443",
		"[]:1",
		"[10.0.0.1]:1",
		"[fd00::1:6443",
		"[:1",
		"[",
		"10.0.0.1:123456",
		"host:1",
		"[fd00::1]:",
	};
	struct ks_endpoint ep;
	char text[KS_ADDR_TEXT_BYTES];

	CU_ASSERT_EQUAL(ks_endpoint_parse("10.0.0.1:6443", &ep), 0);
	CU_ASSERT_EQUAL(ep.port, RTE_BE16(6443));
	CU_ASSERT_STRING_EQUAL(ks_addr_format(&ep.addr, text), "10.0.0.1");
	CU_ASSERT_EQUAL(ks_endpoint_parse("[fd00::1]:65535", &ep), 0);
	CU_ASSERT_EQUAL(ep.port, RTE_BE16(65535));
	CU_ASSERT_STRING_EQUAL(ks_addr_format(&ep.addr, text), "fd00::1");
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(ks_endpoint_parse(bad[i], &ep), -EINVAL);
}

static struct ks_tuple
tuple_of(uint32_t n)
{
	return (struct ks_tuple){
		.local = ks_addr_from_v4(RTE_BE32(0x0a620002)),
		.remote = ks_addr_from_v4(rte_cpu_to_be_32(0x0a630000 + n * 7919)),
		.local_port = RTE_BE16(6443),
		.remote_port = rte_cpu_to_be_16((uint16_t)(1024 + n)),
	};
}

static void
both_directions_steer_alike(void)
{
	uint32_t same_key = 0, bucket[4] = {0};

	for (uint32_t i = 0; i < 4000; i++) {
		struct ks_tuple t = tuple_of(i), back = t;
		uint32_t hash = ks_steer_hash(&t, 1);

		back.local = t.remote;
		back.remote = t.local;
		back.local_port = t.remote_port;
		back.remote_port = t.local_port;
		back.iface = 3;
		CU_ASSERT_EQUAL_FATAL(ks_steer_hash(&back, 1), hash);
		same_key += ks_steer_hash(&t, 2) == hash;
		bucket[hash % 4]++;
	}
	CU_ASSERT_TRUE(same_key < 4);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_TRUE(bucket[i] > 800 && bucket[i] < 1200);
}

/* Swapped ports alone are another flow, unless the addresses are swapped too. */
static void
different_flows_steer_apart(void)
{
	struct ks_tuple t = tuple_of(1), u = t;

	u.local_port = t.remote_port;
	u.remote_port = t.local_port;
	CU_ASSERT_NOT_EQUAL(ks_steer_hash(&t, 5), ks_steer_hash(&u, 5));
}

static void
ports_code_their_owner(void)
{
	for (uint16_t n = 1; n <= 64; n++) {
		uint32_t covered = 0;

		for (uint32_t port = 0; port <= UINT16_MAX; port++) {
			uint16_t owner = ks_steer_port_owner((uint16_t)port, n);
			uint32_t first = owner == n ? 0 : ks_steer_port_first(owner, n);

			CU_ASSERT_TRUE_FATAL(owner <= n);
			if (owner == n)
				continue;
			covered++;
			CU_ASSERT_TRUE_FATAL(port >= 32768 && port <= 60999);
			CU_ASSERT_TRUE_FATAL(port >= first &&
					     port < first + ks_steer_port_count(n));
		}
		CU_ASSERT_EQUAL(covered, (uint32_t)n * ks_steer_port_count(n));
		CU_ASSERT_TRUE(covered > 28232u - n);
	}
	CU_ASSERT_EQUAL(ks_steer_port_owner(40000, 0), 0);
	CU_ASSERT_EQUAL(ks_steer_port_count(0), 0);
}

static const struct ks_test tests[] = {
	KS_TEST(addresses_as_text),	      KS_TEST(v4_is_mapped),
	KS_TEST(endpoints_as_text),	      KS_TEST(both_directions_steer_alike),
	KS_TEST(different_flows_steer_apart), KS_TEST(ports_code_their_owner),
};

KS_TEST_MAIN("net_addr", tests)
