/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: devices that DPDK makes without hardware, what is refused, and ports over functions.
 */
#include <errno.h>

#include "net_env.h"

static struct ks_port_params
params_of(const char *device)
{
	return (struct ks_port_params){.name = "p0", .device = device, .pool = pool_once()};
}

/* A ring device is its own wire: what is sent comes back. */
static void
a_device_moves_frames(void)
{
	struct ks_port_params params = params_of("net_ring0");
	struct rte_mbuf *in[8], *out[8];
	struct ks_port_stats stats;
	struct ks_port *port;

	/* Twice, so that closing gives everything back. */
	for (int round = 0; round < 2; round++) {
		CU_ASSERT_EQUAL_FATAL(ks_port_open(&params, &port), 0);
		CU_ASSERT_STRING_EQUAL(ks_port_name(port), "p0");
		CU_ASSERT_EQUAL(ks_port_mtu(port), 1500);
		CU_ASSERT_TRUE(rte_is_valid_assigned_ether_addr(ks_port_mac(port)));
		for (int i = 0; i < 8; i++) {
			out[i] = rte_pktmbuf_alloc(params.pool);
			rte_pktmbuf_append(out[i], 60);
		}
		CU_ASSERT_EQUAL(ks_port_tx_burst(port, out, 8), 8);
		CU_ASSERT_EQUAL(ks_port_rx_burst(port, in, 8), 8);
		CU_ASSERT_EQUAL(memcmp(in, out, sizeof(in)), 0);
		ks_port_stats_get(port, &stats);
		CU_ASSERT_EQUAL(stats.rx_packets, 8);
		CU_ASSERT_EQUAL(stats.tx_packets, 8);
		CU_ASSERT_TRUE(stats.link_up);
		rte_pktmbuf_free_bulk(in, 8);
		ks_port_close(port);
	}
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(params.pool), 0);
}

static void
a_device_has_one_user(void)
{
	struct ks_port_params params = params_of("net_ring1");
	struct ks_port *port, *second;

	CU_ASSERT_EQUAL_FATAL(ks_port_open(&params, &port), 0);
	CU_ASSERT_EQUAL(ks_port_open(&params, &second), -EBUSY);
	/* The first goes on as if nothing had been. */
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(params.pool);

	rte_pktmbuf_append(mbuf, 60);
	CU_ASSERT_EQUAL(ks_port_tx_burst(port, &mbuf, 1), 1);
	CU_ASSERT_EQUAL(ks_port_rx_burst(port, &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	ks_port_close(port);
}

static void
what_is_no_device_is_refused(void)
{
	static const struct {
		const char *device;
		int rc;
	} bad[] = {
		{"", -EINVAL},
		{NULL, -EINVAL},
		{"no_such_driver0", -ENODEV},
		{"0000:ff:1f.7", -ENODEV},
		{"net_af_packet9,iface=no-such-if", 1},
	};
	struct ks_port *port;

	rte_log_set_global_level(RTE_LOG_EMERG);
	for (uint32_t i = 0; i < KS_ARRAY_SIZE(bad); i++) {
		struct ks_port_params params = params_of(bad[i].device);
		int rc = ks_port_open(&params, &port);

		if (bad[i].rc <= 0)
			CU_ASSERT_EQUAL(rc, bad[i].rc);
		CU_ASSERT_TRUE(rc < 0);
		if (rc >= 0 || (bad[i].rc <= 0 && rc != bad[i].rc))
			printf("%s: %d\n", bad[i].device, rc);
	}
	struct ks_port_params params = params_of("net_ring2");

	params.pool = NULL;
	CU_ASSERT_EQUAL(ks_port_open(&params, &port), -EINVAL);
	rte_log_set_global_level(RTE_LOG_ERR);
}

/* A frame that does not fit into a buffer needs a device that scatters. */
static void
buffers_must_fit_the_mtu(void)
{
	struct rte_mempool *small = rte_pktmbuf_pool_create("small", 63, 0, 0, 1024, 0);
	struct ks_port_params params = params_of("net_null0");
	struct ks_port *port;

	CU_ASSERT_PTR_NOT_NULL_FATAL(small);
	params.pool = small;
	rte_log_set_global_level(RTE_LOG_EMERG);
	CU_ASSERT_EQUAL(ks_port_open(&params, &port), -EINVAL);
	rte_log_set_global_level(RTE_LOG_ERR);
	params.mtu = 600;
	CU_ASSERT_EQUAL_FATAL(ks_port_open(&params, &port), 0);
	CU_ASSERT_EQUAL(ks_port_mtu(port), 600);
	CU_ASSERT_FALSE(ks_port_caps_get(port)->tx_tcp_cksum);
	ks_port_close(port);
	/* Rings pass buffers on, so they say that they scatter. */
	params = params_of("net_ring3");
	params.pool = small;
	CU_ASSERT_EQUAL_FATAL(ks_port_open(&params, &port), 0);
	ks_port_close(port);
	rte_mempool_free(small);
}

static void
functions_make_a_port(void)
{
	struct ks_port_ops half = {.rx_burst = wire_rx};
	struct wire wire = {.take = 3};
	struct ks_port_stats stats;
	struct rte_mbuf *pkts[5];
	struct ks_port *port;

	CU_ASSERT_EQUAL(ks_port_open_ops("w", &half, &wire, &our_mac, 0, &port), -EINVAL);
	CU_ASSERT_EQUAL_FATAL(ks_port_open_ops("w", &wire_ops, &wire, &our_mac, 9000, &port), 0);
	CU_ASSERT_EQUAL(ks_port_mtu(port), 9000);
	CU_ASSERT_TRUE(rte_is_same_ether_addr(ks_port_mac(port), &our_mac));
	for (uint16_t i = 0; i < 5; i++) {
		pkts[i] = rte_pktmbuf_alloc(pool_once());
		rte_pktmbuf_append(pkts[i], (uint16_t)(60 + i));
	}
	CU_ASSERT_EQUAL(ks_port_tx_burst(port, pkts, 5), 3);
	wire.in[0] = pkts[3];
	wire.in[1] = pkts[4];
	wire.nin = 2;
	CU_ASSERT_EQUAL(ks_port_rx_burst(port, pkts, 5), 2);
	ks_port_stats_get(port, &stats);
	CU_ASSERT_EQUAL(stats.tx_packets, 3);
	CU_ASSERT_EQUAL(stats.tx_bytes, 60 + 61 + 62);
	CU_ASSERT_EQUAL(stats.rx_packets, 2);
	CU_ASSERT_EQUAL(stats.rx_bytes, 63 + 64);
	rte_pktmbuf_free_bulk(pkts, 2);
	rte_pktmbuf_free_bulk(wire.out, wire.nout);
	ks_port_close(port);
	ks_port_close(NULL);
}

static const struct ks_test tests[] = {
	KS_TEST(a_device_moves_frames),	       KS_TEST(a_device_has_one_user),
	KS_TEST(what_is_no_device_is_refused), KS_TEST(buffers_must_fit_the_mtu),
	KS_TEST(functions_make_a_port),
};

NET_TEST_MAIN("net_port", tests)
