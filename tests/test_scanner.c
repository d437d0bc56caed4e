/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_scanner.c - the scanner's order and answer, be its look cut short.
 *
 * Runs the scanner in a child, with its pipes in their places. What it looks
 * at is replaced: each session is another story. That a look which takes too
 * long is killed is test_operation.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/finding.h"
#include "worker/pipes.h"
#include "worker/scan_mount.h"
#include "worker/scan_session.h"
#include "worker/scanner.h"

enum {
	SESSION_FREE = 1,
	SESSION_HELD,
	SESSION_MISSED,
	SESSION_KILLED,
	SESSION_MANY,
};

void
scan_mount(int procfd, int hostprocfd, const struct scan_message *order)
{
	finding_holder(7, HOLDER_CWD, order->path);
}

void
scan_session(const struct scan_roots *roots, uint32_t session)
{
	switch (session) {
	case SESSION_HELD:
		finding_holder(0, HOLDER_MOUNT,
			"/a/path/that/is/too/long/for/a/holder/and/is/told/by/"
			"its/end/alone/as/that/says/most/b\n");
		break;
	case SESSION_MISSED:
		finding_look(77, "maps");
		finding_missed("maps", EACCES);
		finding_missed("more", EPERM);
		break;
	case SESSION_KILLED:
		finding_holder(8, HOLDER_FILE, "sh");
		finding_look(78, "fd/5");
		(void)raise(SIGKILL);
		break;
	case SESSION_MANY:
		for (int i = 0; i < 100; i++)
			finding_holder(8, HOLDER_FILE, "sh");
		break;
	}
}

/* --- the answers of a scanner that got this order --- */

static struct {
	struct message messages[64];
	size_t count;
	int status;
} answer;

static void __attribute__((noreturn))
become_scanner(const int *orders, const int *reports)
{
	int orderfd = fcntl(orders[0], F_DUPFD, 20);
	int reportfd = fcntl(reports[1], F_DUPFD, 20);

	(void)dup2(orderfd, PIPES_ORDER_FD);
	(void)dup2(reportfd, PIPES_REPORT_FD);
	(void)close_range(PIPES_REPORT_FD + 1, ~0u, 0);
	_exit(scanner_run());
}

static void
read_answer(int reportfd)
{
	uint8_t packet[MESSAGE_MAX];
	struct err err;
	ssize_t len;

	answer.count = 0;
	while ((len = read(reportfd, packet, sizeof(packet))) > 0) {
		assert_true(answer.count < ARRAY_SIZE(answer.messages));
		assert_int_equal(
			message_decode(MESSAGE_REPORT, packet, (size_t)len,
				&answer.messages[answer.count++], &err),
			0);
	}
}

static void
ask(const struct message *order)
{
	uint8_t packet[MESSAGE_MAX];
	size_t len = order ? message_encode(order, packet) : 0;
	int orders[2], reports[2];
	pid_t pid;

	assert_int_equal(pipe2(orders, O_DIRECT), 0);
	assert_int_equal(pipe2(reports, O_DIRECT), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become_scanner(orders, reports);
	(void)close(orders[0]);
	(void)close(reports[1]);
	if (len > 0)
		assert_int_equal(write(orders[1], packet, len), len);
	(void)close(orders[1]);
	read_answer(reports[0]);
	(void)close(reports[0]);
	assert_int_equal(waitpid(pid, &answer.status, 0), pid);
}

static void
ask_session(uint64_t session)
{
	struct message order = {
		.type = MESSAGE_scan_session, .scan_session.session = session};

	ask(&order);
	assert_int_equal(answer.status, 0);
	assert_true(answer.count > 0);
}

static void
assert_scanned(uint64_t count, bool is_complete)
{
	const struct message *last = &answer.messages[answer.count - 1];

	assert_int_equal(last->type, MESSAGE_scanned);
	assert_int_equal(last->scanned.count, count);
	assert_int_equal(last->scanned.is_complete, is_complete);
}

static void
assert_logged(const char *text)
{
	for (size_t i = 0; i < answer.count; i++)
		if (answer.messages[i].type == MESSAGE_log) {
			assert_string_equal(answer.messages[i].log.text, text);
			return;
		}
	fail_msg("nothing was logged");
}

static void
nothing_found_is_a_complete_nothing(void **state)
{
	ask_session(SESSION_FREE);
	assert_int_equal(answer.count, 1);
	assert_scanned(0, true);
}

static void
a_holder_is_told_by_the_end_of_its_text(void **state)
{
	ask_session(SESSION_HELD);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.messages[0].holder.kind, HOLDER_MOUNT);
	assert_int_equal(answer.messages[0].holder.pid, 0);
	assert_string_equal(answer.messages[0].holder.command,
		"/for/a/holder/and/is/told/by/its/end/alone/as/that/says/most/"
		"b?");
	assert_scanned(1, true);
}

static void
the_first_that_was_missed_is_logged(void **state)
{
	ask_session(SESSION_MISSED);
	assert_logged("not all could be looked at: maps of process 77: "
		      "Permission denied");
	assert_scanned(0, false);
}

static void
a_look_that_was_killed_is_not_complete(void **state)
{
	ask_session(SESSION_KILLED);
	assert_logged("not all could be looked at: fd/5 of process 78: "
		      "Timer expired");
	assert_int_equal(answer.messages[0].type, MESSAGE_holder);
	assert_scanned(1, false);
}

static void
many_holders_are_counted_and_some_named(void **state)
{
	ask_session(SESSION_MANY);
	assert_int_equal(answer.count, 32 + 1);
	assert_scanned(100, true);
}

static void
a_mount_is_asked_for_as_well(void **state)
{
	struct message order = {
		.type = MESSAGE_scan, .scan = {.path = "/mnt/a"}};

	ask(&order);
	assert_int_equal(answer.status, 0);
	assert_string_equal(answer.messages[0].holder.command, "/mnt/a");
	assert_scanned(1, true);
}

static void
other_orders_end_it(void **state)
{
	struct message orders[] = {
		{.type = MESSAGE_want},
		{.type = MESSAGE_scan, .scan = {.path = "mnt"}},
		{.type = MESSAGE_scan, .scan = {.path = "/"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		ask(&orders[i]);
		assert_int_equal(answer.count, 0);
		assert_int_equal(WEXITSTATUS(answer.status), 2);
	}
}

static void
asked_nothing_it_ends(void **state)
{
	ask(NULL);
	assert_int_equal(answer.count, 0);
	assert_int_equal(answer.status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_found_is_a_complete_nothing),
		cmocka_unit_test(a_holder_is_told_by_the_end_of_its_text),
		cmocka_unit_test(the_first_that_was_missed_is_logged),
		cmocka_unit_test(a_look_that_was_killed_is_not_complete),
		cmocka_unit_test(many_holders_are_counted_and_some_named),
		cmocka_unit_test(a_mount_is_asked_for_as_well),
		cmocka_unit_test(other_orders_end_it),
		cmocka_unit_test(asked_nothing_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
