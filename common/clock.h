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

#include <stdint.h>

#define US_PER_MS  UINT64_C(1000)
#define US_PER_SEC UINT64_C(1000000)

uint64_t clock_boot_us(void);
uint64_t clock_unix_us(void);

#endif
