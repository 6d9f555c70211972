/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call gives its caller: a sort of power, and how far it reaches.
 * Thread: pure.
 */
#ifndef KS_SCORE_POWER_H
#define KS_SCORE_POWER_H

#include "ks_kube.h"

enum power_sort {
	POWER_LOOK,	   /**< sees what there is */
	POWER_SELF,	   /**< asks who it is and what it may do */
	POWER_CREDENTIALS, /**< takes credentials */
	POWER_WORKLOAD,	   /**< starts or changes programs */
	POWER_ENTER,	   /**< gets into running programs and nodes */
	POWER_RIGHTS,	   /**< gives rights, issues identities */
	POWER_TRACES,	   /**< removes traces */
	POWER_SORTS,
};

/* Reach: own namespace, another one, kube-* or everywhere. */
#define POWER_REACHES 3u
#define POWER_END (POWER_SORTS * POWER_REACHES + 1u)

/** @param scope enum request_scope. @return 0: none; else 1 + sort * POWER_REACHES + reach. */
uint8_t ks_score_power_of(const struct ks_kube_call *call, uint8_t scope);

#endif
