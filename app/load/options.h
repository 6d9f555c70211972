/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user of kubescope-load asks for.
 */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "ks_addr.h"

#define OPTIONS_EAL_MAX 16

struct options {
	const char *client_port, *api_port; /**< vdev strings or PCI addresses */
	struct ks_endpoint gateway;	    /**< where clients connect to */
	struct ks_endpoint api;	     /**< where the API server listens; its address is ours */
	struct ks_addr clients_from; /**< first address of the clients, the next ones follow */
	uint32_t naddrs;
	uint32_t clients, opening, per_connection;
	uint32_t seconds; /**< of measuring, after warm_up */
	uint32_t warm_up;
	uint64_t requests; /**< of each client; 0: until the time is over */
	bool idle;
	bool full; /**< handshakes: nothing is resumed */
	const char *mix, *recording, *token_file;
	const char *ca, *api_cert, *api_key, *cert, *key;
	const char *ready_file; /**< made when all connections are open */
	const char *eal[OPTIONS_EAL_MAX];
	int neal;
};

/** @return -1 to go on, else the exit status. */
int options_read(int argc, char **argv, struct options *out);

#endif
