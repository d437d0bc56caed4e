/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backoff.h - how long to wait before the next try.
 *
 * Runs in: worker.
 * Invariant: pure: the same arguments give the same delay. A thousand workers
 *            that lost one server do not come back to it at the same moment.
 */
#ifndef WORKER_BACKOFF_H
#define WORKER_BACKOFF_H

#include <stdint.h>

/*
 * The delay after that many failures in a row (1 and up): min_ms, doubled with
 * each further one up to max_ms, give or take a quarter as random decides.
 */
uint64_t backoff_delay_us(
	unsigned failures, uint64_t min_ms, uint64_t max_ms, uint32_t random);

/* A random part of span_us, more than 0 unless span_us is. */
uint64_t backoff_spread_us(uint64_t span_us, uint32_t random);

/* The next of a sequence of numbers that are good enough for jitter; *state is
 * seeded by the caller with anything but 0. */
uint32_t backoff_random(uint64_t *state);

#endif
