/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rate.c - so many at once, then so many a second: a token bucket.
 *
 * Runs in: launcher, supervisor.
 * Invariant: see rate.h.
 */
#include "common/clock.h"
#include "supervisor/rate.h"

bool
rate_take(struct rate *rate, uint64_t now_us)
{
	uint64_t each_us = US_PER_SEC / rate->a_second;
	uint64_t earned = (now_us - rate->since_us) / each_us;

	if (rate->since_us == 0 || earned >= rate->most) {
		rate->left = rate->most;
		rate->since_us = now_us;
	} else {
		/* What is not a whole one counts towards the next. */
		rate->since_us += earned * each_us;
		rate->left += earned;
		if (rate->left > rate->most)
			rate->left = rate->most;
	}
	if (rate->left == 0)
		return false;
	rate->left--;
	return true;
}
