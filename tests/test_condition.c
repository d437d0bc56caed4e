/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_condition.c - what is said of a target.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "worker/condition.h"

static uint64_t now_us = 1000;

uint64_t
clock_boot_us(void)
{
	return now_us;
}

uint64_t
clock_unix_us(void)
{
	return now_us;
}

static struct err
refused(void)
{
	struct err err;

	(void)err_set(&err, ERR_ACCESS_DENIED, EACCES, "not for you");
	return err;
}

static void
an_error_met_again_keeps_its_time(void **state)
{
	struct status_message status = {0};
	struct err err = refused();

	now_us = 1000;
	condition_note_error(&status, &err, 3);
	now_us = 2000;
	condition_note_error(&status, &err, 3);
	assert_int_equal(status.error_at_us, 1000);
	condition_note_error(&status, &err, 4);
	assert_int_equal(status.error_at_us, 2000);
	assert_int_equal(status.error_attempt, 4);
	assert_int_equal(status.error_errno, EACCES);
	assert_string_equal(status.error_text, "not for you");
}

static void
a_success_clears_the_error_and_nothing_else(void **state)
{
	struct status_message status = {.attempt = 4, .failed_attempt = 3};
	struct err err = refused();

	now_us = 3000;
	condition_note_error(&status, &err, 3);
	condition_note_success(&status, 42);
	assert_int_equal(status.error, ERR_NONE);
	assert_string_equal(status.error_text, "");
	assert_int_equal(status.probe_at_us, 3000);
	assert_int_equal(status.probe_latency_us, 42);
	assert_int_equal(status.failed_attempt, 3);
	assert_int_equal(status.attempt, 4);
}

static void
a_new_state_has_no_retry_scheduled(void **state)
{
	struct status_message status = {
		.state = TARGET_BACKOFF, .next_retry_us = 5};

	condition_set_state(&status, TARGET_CONNECTING);
	assert_int_equal(status.next_retry_us, 0);
	assert_int_equal(status.state, TARGET_CONNECTING);
}

static void
each_stuck_operation_is_named(void **state)
{
	struct status_message status = {.state = TARGET_STUCK};
	struct operations operations = {0};

	operations_init(&operations, NULL);
	operations.slots[OPERATION_CONNECT].phase = OPERATION_STUCK;
	operations.slots[OPERATION_CONNECT].pid = 2;
	operations.slots[OPERATION_PROBE].phase = OPERATION_STUCK;
	operations.slots[OPERATION_PROBE].pid = 1;
	operations.slots[OPERATION_DISCONNECT].phase = OPERATION_RUNNING;
	operations.slots[OPERATION_DISCONNECT].pid = 3;
	condition_note_operations(&status, &operations);
	assert_int_equal(status.stuck_connect, 2);
	assert_int_equal(status.stuck_probe, 1);
	assert_int_equal(status.stuck_disconnect, 0);
	assert_int_equal(status.operation, OPERATION_DISCONNECT);
	assert_int_equal(status.operation_pid, 3);
	operations_init(&operations, NULL);
	condition_note_operations(&status, &operations);
	assert_int_equal(status.stuck_connect, 0);
	assert_int_equal(status.operation, OPERATION_NONE);
	assert_int_equal(status.operation_pid, 0);
}

static void
the_usual_probe_of_a_healthy_one_is_not_news(void **state)
{
	struct status_message status = {.state = TARGET_CONNECTED};
	struct operations operations = {0};

	operations_init(&operations, NULL);
	operations.slots[OPERATION_PROBE].phase = OPERATION_RUNNING;
	condition_note_operations(&status, &operations);
	assert_int_equal(status.operation, OPERATION_NONE);
	status.state = TARGET_UNRESPONSIVE;
	condition_note_operations(&status, &operations);
	assert_int_equal(status.operation, OPERATION_PROBE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_met_again_keeps_its_time),
		cmocka_unit_test(a_success_clears_the_error_and_nothing_else),
		cmocka_unit_test(a_new_state_has_no_retry_scheduled),
		cmocka_unit_test(each_stuck_operation_is_named),
		cmocka_unit_test(the_usual_probe_of_a_healthy_one_is_not_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
