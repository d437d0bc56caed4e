/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_origin.c - who made the session, by table: only what is ours is ever
 * taken down.
 *
 * Runs in: the build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/guard.h"
#include "common/iscsi.h"
#include "worker/origin.h"

/* A session's number and who made it. */
struct known {
	uint32_t session;
	enum origin origin;
};

static void
check(size_t index, const struct status_message *status, struct known expected)
{
	if (status->session != expected.session ||
		status->origin != expected.origin)
		fail_msg("case %zu: session %u, origin %d", index,
			(unsigned)status->session, (int)status->origin);
}

static struct status_message
status_of(struct known known)
{
	return (struct status_message){
		.session = known.session, .origin = known.origin};
}

static void
what_the_kernel_shows_decides_who_made_it(void **state)
{
	static const struct {
		struct known before;
		uint32_t seen;
		struct known after;
	} cases[] = {
		/* There was none. */
		{{0, ORIGIN_NONE}, 0, {0, ORIGIN_NONE}},
		{{0, ORIGIN_NONE}, 5, {5, ORIGIN_FOUND}},
		/* The same as before. */
		{{5, ORIGIN_OURS}, 5, {5, ORIGIN_OURS}},
		{{5, ORIGIN_FOUND}, 5, {5, ORIGIN_FOUND}},
		/* It has gone. */
		{{5, ORIGIN_OURS}, 0, {0, ORIGIN_NONE}},
		{{5, ORIGIN_FOUND}, 0, {0, ORIGIN_NONE}},
		/* Another one stands in its place: it is not ours. */
		{{5, ORIGIN_OURS}, 6, {6, ORIGIN_FOUND}},
		{{5, ORIGIN_FOUND}, 6, {6, ORIGIN_FOUND}},
		/* An attempt of ours was cut short. */
		{{0, ORIGIN_TRYING}, 0, {0, ORIGIN_TRYING}},
		{{0, ORIGIN_TRYING}, 5, {5, ORIGIN_OURS}},
		{{5, ORIGIN_TRYING}, 5, {5, ORIGIN_OURS}},
		{{5, ORIGIN_TRYING}, 6, {6, ORIGIN_OURS}},
		{{5, ORIGIN_TRYING}, 0, {0, ORIGIN_TRYING}},
		/* A number that nobody has vouched for. */
		{{5, ORIGIN_NONE}, 5, {5, ORIGIN_FOUND}},
		{{5, ORIGIN_NONE}, 0, {0, ORIGIN_NONE}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct status_message status = status_of(cases[i].before);

		origin_see(&status, cases[i].seen);
		check(i, &status, cases[i].after);
	}
}

static void
an_attempt_is_on_record_before_it_can_have_made_one(void **state)
{
	static const enum origin origins[] = {
		ORIGIN_NONE, ORIGIN_TRYING, ORIGIN_OURS, ORIGIN_FOUND};

	for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
		struct status_message status =
			status_of((struct known){5, origins[i]});

		assert_int_equal(origin_begin(&status), origins[i]);
		check(i, &status, (struct known){0, ORIGIN_TRYING});
	}
}

static void
an_attempt_that_succeeds_made_it_unless_it_was_there(void **state)
{
	static const struct {
		enum origin before;
		bool was_there;
		enum origin after;
	} cases[] = {
		{ORIGIN_NONE, false, ORIGIN_OURS},
		{ORIGIN_OURS, false, ORIGIN_OURS},
		{ORIGIN_FOUND, false, ORIGIN_OURS},
		{ORIGIN_TRYING, false, ORIGIN_OURS},
		{ORIGIN_NONE, true, ORIGIN_FOUND},
		{ORIGIN_OURS, true, ORIGIN_FOUND},
		{ORIGIN_FOUND, true, ORIGIN_FOUND},
		/* What is there is of the attempt that was cut short. */
		{ORIGIN_TRYING, true, ORIGIN_OURS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct status_message status =
			status_of((struct known){0, ORIGIN_TRYING});

		origin_end(&status, cases[i].before,
			(uint32_t)connected_pack(7, cases[i].was_there));
		check(i, &status, (struct known){7, cases[i].after});
	}
}

static void
an_attempt_that_failed_for_good_makes_nothing_ours(void **state)
{
	static const struct {
		enum origin before;
		enum origin after;
	} cases[] = {
		{ORIGIN_TRYING, ORIGIN_NONE},
		{ORIGIN_NONE, ORIGIN_NONE},
		{ORIGIN_OURS, ORIGIN_OURS},
		{ORIGIN_FOUND, ORIGIN_FOUND},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct status_message status =
			status_of((struct known){3, cases[i].before});

		origin_give_up(&status);
		check(i, &status, (struct known){3, cases[i].after});
	}
}

static void
only_what_was_found_stays_with_the_last_claim(void **state)
{
	static const struct {
		enum origin origin;
		bool stays;
	} cases[] = {
		{ORIGIN_NONE, false},
		{ORIGIN_TRYING, false},
		{ORIGIN_OURS, false},
		{ORIGIN_FOUND, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct status_message status =
			status_of((struct known){3, cases[i].origin});

		assert_int_equal(origin_stays(&status), cases[i].stays);
	}
	assert_int_equal(ARRAY_SIZE(cases), ORIGIN_COUNT);
}

static void
the_value_of_an_attempt_holds_any_session_and_fits_an_int(void **state)
{
	static const uint32_t sessions[] = {0, 1, 2, ISCSI_SESSION_MAX + 1};

	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++)
		for (int was_there = 0; was_there < 2; was_there++) {
			int value = connected_pack(sessions[i], was_there);

			assert_true(value >= 0);
			assert_int_equal(connected_session((uint32_t)value),
				sessions[i]);
			assert_int_equal(connected_was_there((uint32_t)value),
				was_there);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_shows_decides_who_made_it),
		cmocka_unit_test(
			an_attempt_is_on_record_before_it_can_have_made_one),
		cmocka_unit_test(
			an_attempt_that_succeeds_made_it_unless_it_was_there),
		cmocka_unit_test(
			an_attempt_that_failed_for_good_makes_nothing_ours),
		cmocka_unit_test(only_what_was_found_stays_with_the_last_claim),
		cmocka_unit_test(
			the_value_of_an_attempt_holds_any_session_and_fits_an_int),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
