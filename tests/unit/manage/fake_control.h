/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control core that says what the test wants, behind DPDK's real telemetry socket.
 */
#ifndef KS_TEST_FAKE_CONTROL_H
#define KS_TEST_FAKE_CONTROL_H

#include "ks_control.h"

#define FAKE_ROWS 300
#define FAKE_ALERTS 200

struct ks_control {
	struct ks_control_info info;
	struct ks_control_stage stages[4];
	struct ks_control_link links[4];
	struct ks_control_port ports[2];
	struct ks_control_counter counters[FAKE_ROWS];
	struct ks_control_connection connections[FAKE_ROWS];
	struct ks_control_row calls[FAKE_ROWS], principals[FAKE_ROWS];
	struct ks_record alerts[FAKE_ALERTS]; /**< ids are 1001, 1003, 1005 ... */
	uint32_t nstages, nlinks, nports, ncounters, nconnections, ncalls, nprincipals, nalerts;
	enum ks_mode mode_asked;
	char who[64];
	int saves, save_result;
};

/** Fills it with harmless content. */
void fake_control_fill(struct ks_control *control);
/** The worst that the structs can hold: every text full of bytes that JSON or a terminal would
 * choke on. */
void fake_control_fill_hostile(struct ks_control *control);

/** EAL with telemetry in a folder of its own. @return the socket's folder or NULL. */
const char *fake_eal_start(void);
void fake_eal_stop(void);

#endif
