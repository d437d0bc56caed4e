/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_backoff.c - how long to wait before the next try.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/backoff.h"

enum {
	MIDDLE = 0x80000000u /* no jitter */
};

static void
a_delay_doubles_up_to_the_longest(void **state)
{
	static const struct {
		unsigned failures;
		uint64_t delay_us;
	} cases[] = {
		{0, 1000000},
		{1, 1000000},
		{2, 2000000},
		{3, 4000000},
		{6, 32000000},
		{7, 60000000},
		{8, 60000000},
		{4000000000u, 60000000},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(backoff_delay_us(cases[i].failures, 1000,
					 60000, MIDDLE),
			cases[i].delay_us);
}

static void
jitter_is_a_quarter_either_way(void **state)
{
	uint64_t longest = backoff_delay_us(1, 1000, 60000, UINT32_MAX);

	assert_int_equal(backoff_delay_us(1, 1000, 60000, 0), 750000);
	assert_in_range(longest, 1249000, 1250000);
}

static void
a_first_delay_beyond_the_longest_is_cut(void **state)
{
	assert_int_equal(backoff_delay_us(1, 5000, 2000, MIDDLE), 2000000);
}

static void
the_longest_delays_do_not_overflow(void **state)
{
	uint64_t day_ms = 86400000;

	assert_int_equal(
		backoff_delay_us(1, day_ms, day_ms, MIDDLE), day_ms * 1000);
	assert_int_equal(backoff_delay_us(UINT32_MAX, 1, 3600000, MIDDLE),
		UINT64_C(3600000000));
}

static void
a_spread_is_never_nothing_and_never_more_than_all(void **state)
{
	assert_int_equal(backoff_spread_us(1000000, 0), 1000000);
	assert_int_equal(backoff_spread_us(1000000, MIDDLE), 500000);
	assert_in_range(backoff_spread_us(1000000, UINT32_MAX), 1, 100);
	assert_int_equal(backoff_spread_us(0, UINT32_MAX), 0);
	assert_in_range(backoff_spread_us(1, UINT32_MAX), 1, 1);
}

static void
random_numbers_differ_and_cover_the_range(void **state)
{
	uint64_t seed = 1;
	unsigned seen = 0;

	for (int i = 0; i < 1000; i++)
		seen |= 1u << (backoff_random(&seed) >> 28);
	assert_int_equal(seen, 0xffff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delay_doubles_up_to_the_longest),
		cmocka_unit_test(jitter_is_a_quarter_either_way),
		cmocka_unit_test(a_first_delay_beyond_the_longest_is_cut),
		cmocka_unit_test(the_longest_delays_do_not_overflow),
		cmocka_unit_test(
			a_spread_is_never_nothing_and_never_more_than_all),
		cmocka_unit_test(random_numbers_differ_and_cover_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
