/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pace.c - when the next step is due.
 *
 * Runs in: worker.
 * Invariant: pure.
 */
#include "common/clock.h"
#include "worker/backoff.h"
#include "worker/pace.h"

enum {
	PROBE_SOON_MS = 2000, /* for a quick return */
	LINGER_MIN_MS = 500,
	LINGER_MAX_MS = 5000,
	DETACH_RETRY_MS = 5000,
};

uint64_t
pace_delay_us(enum pace pace, const struct target_message *limits,
	unsigned tries, uint32_t random)
{
	uint64_t interval_ms = limits->probe_interval_ms;

	switch (pace) {
	case PACE_NOW:
		return 0;
	case PACE_PROBE:
		return interval_ms * US_PER_MS;
	case PACE_FIRST_PROBE:
		/* A thousand that came up together are not asked together. */
		return backoff_spread_us(interval_ms * US_PER_MS, random);
	case PACE_PROBE_SOON:
		if (interval_ms > PROBE_SOON_MS)
			interval_ms = PROBE_SOON_MS;
		return interval_ms * US_PER_MS;
	case PACE_BACKOFF:
		return backoff_delay_us(tries, limits->retry_min_ms,
			limits->retry_max_ms, random);
	case PACE_BLOCKED:
		return backoff_delay_us(
			1, limits->blocked_ms, limits->blocked_ms, random);
	case PACE_LINGER:
		return backoff_delay_us(
			tries, LINGER_MIN_MS, LINGER_MAX_MS, random);
	case PACE_DETACH:
		return DETACH_RETRY_MS * US_PER_MS;
	}
	return 0;
}

bool
pace_is_retry(enum pace pace)
{
	return pace == PACE_BACKOFF || pace == PACE_BLOCKED ||
	       pace == PACE_LINGER;
}

bool
pace_is_sane(const struct target_message *limits)
{
	return limits->probe_interval_ms && limits->probe_deadline_ms &&
	       limits->connect_deadline_ms && limits->disconnect_deadline_ms &&
	       limits->mount_deadline_ms && limits->retry_min_ms &&
	       limits->blocked_ms &&
	       limits->retry_max_ms >= limits->retry_min_ms;
}
