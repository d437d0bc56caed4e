/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_rate.c - so many at once, then so many a second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "supervisor/rate.h"

#define NOON (43200 * US_PER_SEC)

/* How many are had when it is asked each step_us for span_us. */
static unsigned
take_for(
	struct rate *rate, uint64_t from_us, uint64_t span_us, uint64_t step_us)
{
	unsigned count = 0;

	for (uint64_t at = 0; at < span_us; at += step_us)
		count += rate_take(rate, from_us + at);
	return count;
}

static void
so_many_are_had_at_once(void **state)
{
	struct rate rate = {.most = 100, .a_second = 10};
	unsigned count = 0;

	for (int i = 0; i < 1000; i++)
		count += rate_take(&rate, NOON);
	assert_int_equal(count, 100);
}

static void
then_so_many_a_second_however_often_it_is_asked(void **state)
{
	static const uint64_t steps_us[] = {1000, 7001, 33333, 99999};

	for (size_t i = 0; i < sizeof(steps_us) / sizeof(steps_us[0]); i++) {
		struct rate rate = {.most = 100, .a_second = 10};
		unsigned count;

		(void)take_for(&rate, NOON, 100, 1);
		count = take_for(
			&rate, NOON + 100, 20 * US_PER_SEC, steps_us[i]);
		assert_in_range(count, 199, 200);
	}
}

static void
what_is_not_had_is_kept_up_to_the_most(void **state)
{
	struct rate rate = {.most = 100, .a_second = 10};

	(void)take_for(&rate, NOON, 100, 1);
	assert_int_equal(take_for(&rate, NOON + 5 * US_PER_SEC, 1000, 1), 50);
	assert_int_equal(
		take_for(&rate, NOON + 3600 * US_PER_SEC, 1000, 1), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_are_had_at_once),
		cmocka_unit_test(
			then_so_many_a_second_however_often_it_is_asked),
		cmocka_unit_test(what_is_not_had_is_kept_up_to_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
