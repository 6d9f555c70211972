/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual wire: two ports joined by a seeded network that loses, reorders, duplicates, delays,
 * truncates and corrupts frames on a virtual clock. The same seed gives the same fate to the same
 * frames.
 */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "ks_port.h"
#include "random.h"

/** Chances in ten thousand, for each frame. */
struct wire_faults {
	uint16_t loss, duplicate, reorder, corrupt, truncate;
	uint32_t delay_us;  /**< of every frame */
	uint32_t jitter_us; /**< added at most; does not reorder */
};

struct wire_frame {
	struct wire_frame *next;
	struct rte_mbuf *m;
	uint64_t at_us;
};

struct wire;

struct wire_end {
	struct wire *wire;
	struct ks_port *port;
	struct wire_frame *queue; /**< in order of arrival */
	uint64_t last_at_us;
	uint32_t waiting;
};

struct wire {
	struct wire_end end[2];
	struct wire_faults faults;
	struct random random;
	struct rte_mempool *mbufs;
	const uint64_t *now_us;
	uint64_t frames, lost, duplicated, reordered, corrupted, truncated;
	uint64_t trace; /**< hash over every frame sent, when and what */
	bool down;	/**< nothing arrives */
	bool traced;	/**< each frame is printed */
};

/** @param now_us the virtual clock, read at every send and receive. */
int wire_init(struct wire *wire, const char *name, struct rte_mempool *mbufs, uint64_t seed,
	      const uint64_t *now_us);
void wire_fini(struct wire *wire);
/** Earliest arrival; UINT64_MAX when the wire is empty. */
uint64_t wire_next_us(const struct wire *wire);

/** Prints a frame on its way to `to`. */
void trace_print(const struct wire *wire, const struct wire_end *to, const struct rte_mbuf *m,
		 const char *fate);

#endif
