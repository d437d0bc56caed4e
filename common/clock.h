/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock.h - the two clocks, in microseconds.
 *
 * Runs in: every process.
 * Invariant: schedules follow CLOCK_BOOTTIME, which no one can set and which
 *            goes on during suspend; CLOCK_REALTIME is only ever shown.
 *
 * Tests put a clock of their own in place of clock.c, at link time.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <limits.h>
#include <stdint.h>

#define US_PER_MS  UINT64_C(1000)
#define US_PER_SEC UINT64_C(1000000)

uint64_t clock_boot_us(void);
uint64_t clock_unix_us(void);

/* How many whole ms are left until deadline_us (boot time), at most limit_ms; 0
 * when there are none. Inline, so that it goes by a test's clock. */
static inline int
clock_left_ms(uint64_t deadline_us, int limit_ms)
{
	uint64_t now_us = clock_boot_us();
	uint64_t left =
		deadline_us > now_us ? (deadline_us - now_us) / US_PER_MS : 0;

	return left < (uint64_t)limit_ms ? (int)left : limit_ms;
}

/* The same, rounded up: who waits so long is not early, and does not spin. */
static inline int
clock_wait_ms(uint64_t deadline_us)
{
	return clock_left_ms(deadline_us + US_PER_MS - 1, INT_MAX);
}

#endif
