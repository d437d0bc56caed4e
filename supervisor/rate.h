/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rate.h - so many at once, then so many a second: a token bucket.
 *
 * Runs in: launcher, supervisor.
 * Invariant: no clock, no heap; however the clock's steps are, no more is given
 *            than was earned.
 */
#ifndef SUPERVISOR_RATE_H
#define SUPERVISOR_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t most;	   /* at once */
	uint64_t a_second; /* from then on */
	uint64_t left;
	uint64_t since_us; /* up to then it has been earned; 0: never asked */
};

/* Whether one more may be had at that time (CLOCK_BOOTTIME); it is taken. */
bool rate_take(struct rate *rate, uint64_t now_us);

#endif
