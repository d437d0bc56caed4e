/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backoff.c - how long to wait before the next try.
 *
 * Runs in: worker.
 * Invariant: see backoff.h. No arithmetic here overflows: delays are at most
 *            a day, in microseconds below 2^37.
 */
#include "common/clock.h"
#include "worker/backoff.h"

enum {
	DOUBLINGS_MAX = 32
};

/* That part of whole which the high bits of random say, never all of it. */
static uint64_t
fraction_of(uint64_t whole, uint32_t random)
{
	return whole * (random >> 16) / 65536;
}

uint64_t
backoff_delay_us(
	unsigned failures, uint64_t min_ms, uint64_t max_ms, uint32_t random)
{
	uint64_t delay_ms = min_ms;
	uint64_t delay_us;

	for (unsigned i = 1; i < failures && i < DOUBLINGS_MAX; i++) {
		if (delay_ms >= max_ms)
			break;
		delay_ms *= 2;
	}
	if (delay_ms > max_ms)
		delay_ms = max_ms;
	delay_us = delay_ms * US_PER_MS;
	return delay_us - delay_us / 4 + fraction_of(delay_us / 2, random);
}

uint64_t
backoff_spread_us(uint64_t span_us, uint32_t random)
{
	return span_us - fraction_of(span_us, random);
}

/* xorshift64* (Marsaglia, Vigna): the high half of its product. */
uint32_t
backoff_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (uint32_t)(x * UINT64_C(0x2545F4914F6CDD1D) >> 32);
}
