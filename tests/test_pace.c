/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_pace.c - when the next step is due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/pace.h"

#define MIDDLE UINT32_C(0x80000000) /* no jitter; half of a spread */

static const struct target_message limits = {
	.probe_interval_ms = 10000,
	.probe_deadline_ms = 5000,
	.connect_deadline_ms = 30000,
	.mount_deadline_ms = 30000,
	.disconnect_deadline_ms = 30000,
	.retry_min_ms = 1000,
	.retry_max_ms = 60000,
	.blocked_ms = 300000,
};

static void
each_pace_has_its_delay(void **state)
{
	static const struct {
		enum pace pace;
		unsigned tries;
		uint64_t delay_ms;
	} cases[] = {
		{PACE_NOW, 1, 0},
		{PACE_PROBE, 1, 10000},
		{PACE_FIRST_PROBE, 1, 5000},
		{PACE_PROBE_SOON, 9, 2000},
		{PACE_BACKOFF, 1, 1000},
		{PACE_BACKOFF, 4, 8000},
		{PACE_BACKOFF, 40, 60000},
		{PACE_BLOCKED, 9, 300000},
		{PACE_LINGER, 1, 500},
		{PACE_LINGER, 2, 1000},
		{PACE_LINGER, 9, 5000},
		{PACE_DETACH, 9, 5000},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(pace_delay_us(cases[i].pace, &limits,
					 cases[i].tries, MIDDLE),
			cases[i].delay_ms * 1000);
}

static void
an_unhealthy_one_is_not_asked_less_often_than_a_healthy_one(void **state)
{
	struct target_message quick = limits;

	quick.probe_interval_ms = 100;
	assert_int_equal(
		pace_delay_us(PACE_PROBE_SOON, &quick, 1, MIDDLE), 100000);
}

static void
only_attempts_are_retries(void **state)
{
	assert_true(pace_is_retry(PACE_BACKOFF));
	assert_true(pace_is_retry(PACE_BLOCKED));
	assert_true(pace_is_retry(PACE_LINGER));
	assert_false(pace_is_retry(PACE_PROBE));
	assert_false(pace_is_retry(PACE_NOW));
}

static void
no_time_may_be_0(void **state)
{
	static const size_t times[] = {
		offsetof(struct target_message, probe_interval_ms),
		offsetof(struct target_message, probe_deadline_ms),
		offsetof(struct target_message, connect_deadline_ms),
		offsetof(struct target_message, mount_deadline_ms),
		offsetof(struct target_message, disconnect_deadline_ms),
		offsetof(struct target_message, retry_min_ms),
		offsetof(struct target_message, retry_max_ms),
		offsetof(struct target_message, blocked_ms),
	};

	assert_true(pace_is_sane(&limits));
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct target_message bad = limits;

		*(uint64_t *)((char *)&bad + times[i]) = 0;
		assert_false(pace_is_sane(&bad));
	}
}

static void
the_longest_back_off_is_not_below_the_first(void **state)
{
	struct target_message bad = limits;

	bad.retry_max_ms = bad.retry_min_ms - 1;
	assert_false(pace_is_sane(&bad));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pace_has_its_delay),
		cmocka_unit_test(
			an_unhealthy_one_is_not_asked_less_often_than_a_healthy_one),
		cmocka_unit_test(only_attempts_are_retries),
		cmocka_unit_test(no_time_may_be_0),
		cmocka_unit_test(the_longest_back_off_is_not_below_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
