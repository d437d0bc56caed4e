/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_record.c - attempts and outages of one connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "supervisor/record.h"

static struct record record;
static struct status_message status;
static uint64_t now_us;

static int
begin(void **state)
{
	record = (struct record){0};
	status = (struct status_message){0};
	now_us = 0;
	return 0;
}

static void
become(enum target_state next, enum err_code error)
{
	status.state = next;
	status.error = error;
	(void)snprintf(status.error_text, sizeof(status.error_text), "%s",
		error == ERR_NONE ? "" : err_slug(error));
	record_note(&record, &status, true, ++now_us);
}

static void
attempt(void)
{
	status.attempt++;
	status.attempt_at_us = now_us + 1;
	become(TARGET_CONNECTING, status.error);
}

static void
attempt_and_fail(enum err_code error)
{
	attempt();
	status.failed_attempt = status.attempt;
	become(TARGET_BACKOFF, error);
}

static void
the_oldest_tries_make_room(void **state)
{
	for (int i = 0; i < RECORD_TRIES + 3; i++)
		attempt_and_fail(ERR_UNREACHABLE);
	assert_int_equal(record_tries(&record), RECORD_TRIES);
	assert_int_equal(record_try_at(&record, 0)->number, 4);
	assert_int_equal(record_try_at(&record, RECORD_TRIES - 1)->number,
		RECORD_TRIES + 3);
	assert_int_equal(record.failure_count, RECORD_TRIES + 3);
}

static void
a_report_that_says_the_same_again_is_no_second_try(void **state)
{
	attempt_and_fail(ERR_UNREACHABLE);
	become(TARGET_BACKOFF, ERR_UNREACHABLE);
	become(TARGET_BACKOFF, ERR_UNREACHABLE);
	assert_int_equal(record_tries(&record), 1);
	assert_int_equal(record.failure_count, 1);
	assert_int_equal(record_try_at(&record, 0)->end_us, 2);
}

static void
a_report_that_was_missed_leaves_a_try_with_its_end(void **state)
{
	/* Two attempts between two reports: of the first nothing is known. */
	attempt();
	status.attempt = 3;
	status.failed_attempt = 3;
	become(TARGET_BACKOFF, ERR_IO);
	assert_int_equal(record_tries(&record), 2);
	assert_int_equal(record_try_at(&record, 0)->end_us, 0);
	assert_int_equal(record_try_at(&record, 1)->error, ERR_IO);
}

static void
an_outage_keeps_the_cause_that_it_began_with(void **state)
{
	become(TARGET_CONNECTED, ERR_NONE);
	become(TARGET_UNRESPONSIVE, ERR_TIMED_OUT);
	become(TARGET_UNRESPONSIVE, ERR_UNREACHABLE);
	assert_int_equal(record_outages(&record), 1);
	assert_int_equal(record_open_outage(&record)->error, ERR_TIMED_OUT);
	become(TARGET_CONNECTED, ERR_NONE);
	assert_null(record_open_outage(&record));
	assert_int_equal(record.outage_us, 2);
}

static void
an_outage_without_a_cause_gets_the_first_that_comes(void **state)
{
	become(TARGET_UNRESPONSIVE, ERR_NONE);
	become(TARGET_UNRESPONSIVE, ERR_IO);
	assert_int_equal(record_open_outage(&record)->error, ERR_IO);
}

static void
a_connection_that_vanished_is_out_until_it_is_back(void **state)
{
	become(TARGET_CONNECTED, ERR_NONE);
	become(TARGET_CONNECTING, ERR_VANISHED);
	assert_int_equal(record_open_outage(&record)->error, ERR_VANISHED);
	become(TARGET_CONNECTED, ERR_NONE);
	assert_int_equal(record_outages(&record), 1);
}

static void
the_first_attempt_is_no_outage_before_it_fails(void **state)
{
	attempt();
	assert_int_equal(record_outages(&record), 0);
	become(TARGET_CONNECTED, ERR_NONE);
	assert_int_equal(record_outages(&record), 0);
	assert_int_equal(record_try_at(&record, 0)->end_us, 2);
	assert_int_equal(record_try_at(&record, 0)->error, ERR_NONE);
}

static void
what_nobody_wants_any_more_is_not_out(void **state)
{
	become(TARGET_UNRESPONSIVE, ERR_IO);
	record_note(&record, &status, false, 9);
	assert_null(record_open_outage(&record));
	assert_int_equal(record_outage_at(&record, 0)->end_us, 9);
	record_note(&record, &status, false, 10);
	assert_int_equal(record_outages(&record), 1);
}

static void
a_clock_that_was_set_back_adds_nothing(void **state)
{
	now_us = 100;
	become(TARGET_UNRESPONSIVE, ERR_IO);
	now_us = 5;
	become(TARGET_CONNECTED, ERR_NONE);
	assert_int_equal(record.outage_us, 0);
}

#define RECORDS(test) cmocka_unit_test_setup(test, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDS(the_oldest_tries_make_room),
		RECORDS(a_report_that_says_the_same_again_is_no_second_try),
		RECORDS(a_report_that_was_missed_leaves_a_try_with_its_end),
		RECORDS(an_outage_keeps_the_cause_that_it_began_with),
		RECORDS(an_outage_without_a_cause_gets_the_first_that_comes),
		RECORDS(a_connection_that_vanished_is_out_until_it_is_back),
		RECORDS(the_first_attempt_is_no_outage_before_it_fails),
		RECORDS(what_nobody_wants_any_more_is_not_out),
		RECORDS(a_clock_that_was_set_back_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
