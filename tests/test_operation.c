/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_operation.c - real children that succeed, fail, lie and hang.
 *
 * Deadlines are a few tens of ms; no test waits for anything but an event.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/operation.h"

enum {
	LONG_MS = 20000, /* never reached */
	SHORT_MS = 30,
	TURNS_MAX = 100
};

static struct loop *loop;
static struct operations operations;
static struct operation_outcome last;
static int outcome_count;
static int freed_count;

static void
on_outcome(struct operations *ended, const struct operation_outcome *outcome)
{
	last = *outcome;
	outcome_count++;
}

static void
on_freed(struct operations *ended, enum operation kind)
{
	freed_count++;
}

static int
set_up(void **state)
{
	operations = (struct operations){
		.subject = "nas1:/vms",
		.on_outcome = on_outcome,
		.on_freed = on_freed,
	};
	memset(&last, 0, sizeof(last));
	outcome_count = freed_count = 0;
	if (loop_new(&loop) < 0)
		return -1;
	operations_init(&operations, loop);
	return 0;
}

static int
tear_down(void **state)
{
	operations_kill_all(&operations);
	loop_free(loop);
	return 0;
}

static int
succeed(void *data, uint64_t deadline_us, struct err *err)
{
	return 0;
}

static int
fail_with_reason(void *data, uint64_t deadline_us, struct err *err)
{
	return err_set(err, ERR_ACCESS_DENIED, EACCES, "not for you");
}

/* The code says nothing, the result says failure. */
static int
contradict_itself(void *data, uint64_t deadline_us, struct err *err)
{
	return -EIO;
}

static int
write_controls(void *data, uint64_t deadline_us, struct err *err)
{
	err->code = ERR_IO;
	memcpy(err->text, "a\nb", 4);
	return -EIO;
}

static int
write_no_utf8(void *data, uint64_t deadline_us, struct err *err)
{
	err->code = ERR_IO;
	memcpy(err->text, "\xff\xfe", 3);
	return -EIO;
}

static int
write_no_end(void *data, uint64_t deadline_us, struct err *err)
{
	err->code = ERR_IO;
	memset(err->text, 'x', sizeof(err->text));
	return -EIO;
}

static int
write_unknown_code(void *data, uint64_t deadline_us, struct err *err)
{
	err->code = ERR_COUNT;
	return -EIO;
}

/* As a child that was taken over: the pipe is above 2, the first open one. */
static int
write_garbage(void *data, uint64_t deadline_us, struct err *err)
{
	static const char garbage[1024] = "garbage";

	for (int fd = 3; fd < 64; fd++)
		if (write(fd, garbage, sizeof(garbage)) > 0)
			break;
	return 0;
}

static int
leave_early(void *data, uint64_t deadline_us, struct err *err)
{
	_exit(0);
}

static int
crash(void *data, uint64_t deadline_us, struct err *err)
{
	(void)raise(SIGKILL);
	return 0;
}

static int
hang(void *data, uint64_t deadline_us, struct err *err)
{
	while (pause() < 0)
		continue;
	return 0;
}

static int
hang_against_sigterm(void *data, uint64_t deadline_us, struct err *err)
{
	(void)signal(SIGTERM, SIG_IGN);
	return hang(data, deadline_us, err);
}

/* Leaves a process behind that holds the write end of a pipe: *data. */
static int
leave_process(void *data, uint64_t deadline_us, struct err *err)
{
	if (fork() == 0)
		return hang(data, deadline_us, err);
	return 0;
}

static int
hang_with_process(void *data, uint64_t deadline_us, struct err *err)
{
	(void)leave_process(data, deadline_us, err);
	return hang(data, deadline_us, err);
}

static int
hang_in_mount(void *data, uint64_t deadline_us, struct err *err)
{
	operation_step(OPERATION_STEP_MOUNT, SHORT_MS);
	return hang(data, deadline_us, err);
}

static int
hang_in_long_unmount(void *data, uint64_t deadline_us, struct err *err)
{
	operation_step(OPERATION_STEP_UNMOUNT, LONG_MS);
	return hang(data, deadline_us, err);
}

static int
go_on_after_mount(void *data, uint64_t deadline_us, struct err *err)
{
	operation_step(OPERATION_STEP_MOUNT, SHORT_MS);
	operation_step(OPERATION_STEP_NONE, 0);
	(void)poll(NULL, 0, 2 * SHORT_MS);
	return 0;
}

static int
name_no_step(void *data, uint64_t deadline_us, struct err *err)
{
	for (int i = 0; i < 3; i++)
		operation_step(OPERATION_STEPS, SHORT_MS);
	return go_on_after_mount(data, deadline_us, err);
}

static int
check_deadline(void *data, uint64_t deadline_us, struct err *err)
{
	uint64_t left_us = deadline_us - clock_boot_us();

	return left_us <= LONG_MS * US_PER_MS
		       ? 0
		       : err_set(err, ERR_INTERNAL, ERANGE, "bad deadline");
}

/* Reports which descriptors the child has. */
static int
count_descriptors(void *data, uint64_t deadline_us, struct err *err)
{
	int keepfd = *(int *)data;
	int count = 0;

	for (int fd = 3; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	if (count != 2 || fcntl(keepfd, F_GETFD) < 0)
		return err_set(err, ERR_INTERNAL, EMFILE, "%d open", count);
	return getpgrp() == getpid()
		       ? 0
		       : err_set(err, ERR_INTERNAL, EPERM, "no own group");
}

static int
start(enum operation kind, uint64_t deadline_ms,
	int (*run)(void *data, uint64_t deadline_us, struct err *err))
{
	struct operation_task task = {
		.run = run, .keepfd = -1, .deadline_ms = deadline_ms};

	return operation_start(&operations, kind, &task);
}

static void
turn_until(const int *count, int value)
{
	for (int i = 0; *count < value && i < TURNS_MAX; i++)
		assert_int_equal(loop_turn(loop, LONG_MS), 0);
	assert_int_equal(*count, value);
}

static void
run_to_end(int (*run)(void *data, uint64_t deadline_us, struct err *err))
{
	assert_int_equal(start(OPERATION_CONNECT, LONG_MS, run), 0);
	turn_until(&outcome_count, 1);
	assert_int_equal(last.operation, OPERATION_CONNECT);
	assert_false(last.is_cancelled);
	assert_false(last.is_stuck);
	assert_int_equal(operations_running(&operations), OPERATION_NONE);
}

static void
a_success_is_reported_with_its_latency(void **state)
{
	run_to_end(succeed);
	assert_int_equal(last.error.code, ERR_NONE);
	assert_true(last.latency_us < LONG_MS * US_PER_MS);
}

static void
a_failure_keeps_its_code_errno_and_text(void **state)
{
	run_to_end(fail_with_reason);
	assert_int_equal(last.error.code, ERR_ACCESS_DENIED);
	assert_int_equal(last.error.errnum, EACCES);
	assert_string_equal(last.error.text, "not for you");
}

static void
control_characters_of_a_child_are_cleaned(void **state)
{
	run_to_end(write_controls);
	assert_int_equal(last.error.code, ERR_IO);
	assert_string_equal(last.error.text, "a?b");
}

static void
a_lie_is_no_result(void **state)
{
	int (*const liars[])(void *, uint64_t, struct err *) = {
		contradict_itself, write_no_utf8, write_no_end,
		write_unknown_code, write_garbage, leave_early, crash};

	for (size_t i = 0; i < ARRAY_SIZE(liars); i++) {
		outcome_count = 0;
		run_to_end(liars[i]);
		assert_int_equal(last.error.code, ERR_INTERNAL);
	}
}

static void
an_overrun_is_killed_and_timed_out(void **state)
{
	assert_int_equal(
		start(OPERATION_PROBE, SHORT_MS, hang_against_sigterm), 0);
	turn_until(&outcome_count, 1);
	assert_int_equal(last.error.code, ERR_TIMED_OUT);
	assert_string_equal(last.error.text,
		"nas1:/vms: statfs did not answer within 30 ms");
	assert_false(last.is_stuck);
	assert_int_equal(operations_running(&operations), OPERATION_NONE);
	assert_int_equal(operations_stuck(&operations), 0);
}

static void
a_cancelled_one_is_no_failure(void **state)
{
	assert_int_equal(start(OPERATION_CONNECT, LONG_MS, hang), 0);
	operation_cancel(&operations, OPERATION_CONNECT);
	assert_int_equal(outcome_count, 0);
	assert_int_equal(operations_running(&operations), OPERATION_CONNECT);
	turn_until(&outcome_count, 1);
	assert_true(last.is_cancelled);
	assert_int_equal(last.error.code, ERR_NONE);
}

static void
a_second_of_a_kind_is_refused(void **state)
{
	assert_int_equal(start(OPERATION_PROBE, LONG_MS, hang), 0);
	assert_int_equal(start(OPERATION_PROBE, LONG_MS, succeed), -EBUSY);
	assert_int_equal(start(OPERATION_DISCONNECT, LONG_MS, succeed), 0);
	turn_until(&outcome_count, 1);
	assert_int_equal(last.operation, OPERATION_DISCONNECT);
}

static void
one_that_does_not_die_is_stuck_and_not_replaced(void **state)
{
	/* No grace: nothing could have died by then. */
	operations.grace_us = 0;
	assert_int_equal(start(OPERATION_PROBE, SHORT_MS, hang), 0);
	turn_until(&outcome_count, 1);
	assert_true(last.is_stuck);
	assert_int_equal(last.error.code, ERR_TIMED_OUT);
	assert_int_equal(operations_stuck(&operations), 1u << OPERATION_PROBE);
	assert_int_equal(operations_running(&operations), OPERATION_NONE);
	assert_true(operations.slots[OPERATION_PROBE].stuck_unix_us > 0);
	assert_int_equal(start(OPERATION_PROBE, LONG_MS, succeed), -EBUSY);
}

static void
a_stuck_one_that_ends_frees_its_kind_without_an_outcome(void **state)
{
	operations.grace_us = 0;
	assert_int_equal(start(OPERATION_PROBE, SHORT_MS, hang), 0);
	turn_until(&outcome_count, 1);
	turn_until(&freed_count, 1);
	assert_int_equal(outcome_count, 1);
	assert_int_equal(operations_stuck(&operations), 0);
	assert_int_equal(start(OPERATION_PROBE, LONG_MS, succeed), 0);
	turn_until(&outcome_count, 2);
	assert_int_equal(last.error.code, ERR_NONE);
}

/* Starts it with the write end of a pipe, whose other end tells when the last
 * process has gone that had it. */
static void
start_with_pipe(uint64_t deadline_ms,
	int (*run)(void *data, uint64_t deadline_us, struct err *err),
	int *ret_readfd)
{
	struct operation_task task = {.run = run, .deadline_ms = deadline_ms};
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	task.keepfd = pair[1];
	assert_int_equal(
		operation_start(&operations, OPERATION_CONNECT, &task), 0);
	(void)close(pair[1]);
	*ret_readfd = pair[0];
}

static void
assert_all_gone(int readfd)
{
	struct pollfd end = {.fd = readfd};

	assert_int_equal(poll(&end, 1, LONG_MS), 1);
	assert_int_equal(end.revents, POLLHUP);
}

static void
an_overrun_takes_all_that_it_started_with_it(void **state)
{
	cleanup_close int readfd = -1;

	start_with_pipe(SHORT_MS, hang_with_process, &readfd);
	turn_until(&outcome_count, 1);
	assert_true(last.is_overdue);
	assert_all_gone(readfd);
}

static void
an_end_leaves_nothing_running(void **state)
{
	cleanup_close int readfd = -1;

	start_with_pipe(LONG_MS, leave_process, &readfd);
	turn_until(&outcome_count, 1);
	assert_int_equal(last.error.code, ERR_NONE);
	assert_all_gone(readfd);
}

static void
the_end_of_the_worker_is_that_of_all(void **state)
{
	cleanup_close int readfd = -1;

	start_with_pipe(LONG_MS, hang_with_process, &readfd);
	operations_kill_all(&operations);
	assert_all_gone(readfd);
}

static void
a_step_that_overruns_is_killed_before_the_deadline(void **state)
{
	assert_int_equal(start(OPERATION_CONNECT, LONG_MS, hang_in_mount), 0);
	turn_until(&outcome_count, 1);
	assert_true(last.is_overdue);
	assert_int_equal(last.step, OPERATION_STEP_MOUNT);
	assert_int_equal(last.error.code, ERR_TIMED_OUT);
	assert_string_equal(last.error.text,
		"nas1:/vms: mount(2) did not end within 30 ms");
}

static void
a_step_gets_no_more_time_than_its_operation(void **state)
{
	assert_int_equal(
		start(OPERATION_DISCONNECT, SHORT_MS, hang_in_long_unmount), 0);
	turn_until(&outcome_count, 1);
	assert_int_equal(last.step, OPERATION_STEP_UNMOUNT);
	assert_string_equal(last.error.text,
		"nas1:/vms: the disconnect did not end within 30 ms");
}

static void
a_step_that_has_ended_limits_nothing(void **state)
{
	run_to_end(go_on_after_mount);
	assert_int_equal(last.error.code, ERR_NONE);
}

static void
a_step_that_does_not_exist_limits_nothing(void **state)
{
	run_to_end(name_no_step);
	assert_int_equal(last.error.code, ERR_NONE);
}

static void
a_child_knows_its_deadline(void **state)
{
	run_to_end(check_deadline);
	assert_int_equal(last.error.code, ERR_NONE);
}

static void
a_child_has_no_descriptors_but_its_own(void **state)
{
	cleanup_close int low = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cleanup_close int keepfd = fcntl(low, F_DUPFD_CLOEXEC, 40);
	cleanup_close int high = fcntl(low, F_DUPFD_CLOEXEC, 50);
	struct operation_task task = {.run = count_descriptors,
		.data = &keepfd,
		.keepfd = keepfd,
		.deadline_ms = LONG_MS};

	assert_int_equal(
		operation_start(&operations, OPERATION_CONNECT, &task), 0);
	turn_until(&outcome_count, 1);
	assert_string_equal(last.error.text, "");
	assert_int_equal(last.error.code, ERR_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_success_is_reported_with_its_latency),
		TEST(a_failure_keeps_its_code_errno_and_text),
		TEST(control_characters_of_a_child_are_cleaned),
		TEST(a_lie_is_no_result),
		TEST(an_overrun_is_killed_and_timed_out),
		TEST(a_cancelled_one_is_no_failure),
		TEST(a_second_of_a_kind_is_refused),
		TEST(one_that_does_not_die_is_stuck_and_not_replaced),
		TEST(a_stuck_one_that_ends_frees_its_kind_without_an_outcome),
		TEST(an_overrun_takes_all_that_it_started_with_it),
		TEST(an_end_leaves_nothing_running),
		TEST(the_end_of_the_worker_is_that_of_all),
		TEST(a_step_that_overruns_is_killed_before_the_deadline),
		TEST(a_step_gets_no_more_time_than_its_operation),
		TEST(a_step_that_has_ended_limits_nothing),
		TEST(a_step_that_does_not_exist_limits_nothing),
		TEST(a_child_knows_its_deadline),
		TEST(a_child_has_no_descriptors_but_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
