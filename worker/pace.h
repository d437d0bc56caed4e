/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pace.h - when the next step is due.
 *
 * Runs in: worker.
 * Invariant: pure.
 */
#ifndef WORKER_PACE_H
#define WORKER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

enum pace {
	PACE_NOW,
	PACE_PROBE,	  /* the usual interval */
	PACE_FIRST_PROBE, /* a random part of it */
	PACE_PROBE_SOON,  /* an unhealthy one is looked at more often */
	PACE_BACKOFF,
	PACE_BLOCKED,
	PACE_LINGER,
	PACE_DETACH,
};

/* How long until then. tries: failures in a row, for those that grow. */
uint64_t pace_delay_us(enum pace pace, const struct target_message *limits,
	unsigned tries, uint32_t random);
/* Whether an attempt is what is due then. */
bool pace_is_retry(enum pace pace);
/* Whether no time is 0: a worker would turn without end. */
bool pace_is_sane(const struct target_message *limits);

#endif
