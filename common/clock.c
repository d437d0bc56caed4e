/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock.c - the two clocks, in microseconds.
 *
 * Runs in: every process.
 */
#include <time.h>

#include "common/clock.h"

static uint64_t
read_clock_us(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now); /* fails only for a bad id */
	return (uint64_t)now.tv_sec * US_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
clock_boot_us(void)
{
	return read_clock_us(CLOCK_BOOTTIME);
}

uint64_t
clock_unix_us(void)
{
	return read_clock_us(CLOCK_REALTIME);
}
