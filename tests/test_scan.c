/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_scan.c - what a scanner is asked, and what becomes of its answer.
 *
 * The launcher is replaced: a start keeps the scanner's ends of the pipes for
 * the test, which answers in its place. The process is one that sleeps.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/guard.h"
#include "supervisor/supervisor.h"

static struct supervisor supervisor;
static struct target target;
static uint64_t now_us;

static struct {
	int starts;
	int orderfd;
	int reportfd;
	pid_t pid;
	uint64_t count; /* what the target was told last */
	bool is_complete;
	int answers;
	int touches; /* of the target, by a scan without an answer */
} seen;

/* In place of the files that own them. */
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

void
target_touch(struct target *touched)
{
	seen.touches++;
}

int
launch_start(struct launch *launch, uint32_t slot, enum backend backend,
	int orderfd, int reportfd)
{
	assert_int_equal(slot, LAUNCH_SLOT_SCANNER);
	assert_int_equal(backend, BACKEND_SCANNER);
	seen.starts++;
	seen.orderfd = orderfd;
	seen.reportfd = reportfd;
	return 0;
}

int
launch_kill(struct launch *launch, uint32_t slot)
{
	return kill(seen.pid, SIGKILL);
}

void
target_path(const struct supervisor *of, const struct target *what, char *path)
{
	strcpy(path, "/run/mnt");
}

void
target_set_holders(
	struct target *what, const struct holder_message *holders, size_t count)
{
	what->holder_count = count;
}

void
target_on_scanned(struct target *what, uint64_t count, bool is_complete)
{
	seen.count = count;
	seen.is_complete = is_complete;
	seen.answers++;
}

/* --- one scanner --- */

static void
turn(void)
{
	assert_int_equal(loop_turn(supervisor.loop, 0), 0);
}

static void
start_scanner(void)
{
	struct launch_reply reply = {.op = LAUNCH_START};

	seen.pid = fork();
	assert_true(seen.pid >= 0);
	if (seen.pid == 0) {
		(void)pause();
		_exit(0);
	}
	reply.pid = seen.pid;
	scan_on_launch_reply(&supervisor.scan, &reply, pidfd_open(seen.pid, 0));
}

static struct message
read_order(void)
{
	uint8_t packet[MESSAGE_MAX];
	struct message order;
	struct err err;
	ssize_t len = read(seen.orderfd, packet, sizeof(packet));

	assert_true(len > 0);
	assert_int_equal(message_decode(MESSAGE_ORDER, packet, (size_t)len,
				 &order, &err),
		0);
	return order;
}

static void
report(const struct message *message)
{
	uint8_t packet[MESSAGE_MAX];
	size_t len = message_encode(message, packet);

	assert_int_equal(write(seen.reportfd, packet, len), len);
	turn();
}

static void
report_scanned(uint64_t count, bool is_complete)
{
	struct message holder = {
		.type = MESSAGE_holder, .holder = {.kind = HOLDER_DM}};
	struct message message = {.type = MESSAGE_scanned,
		.scanned = {.count = count, .is_complete = is_complete}};

	for (uint64_t i = 0; i < count; i++)
		report(&holder);
	report(&message);
}

static void
end_scanner(void)
{
	siginfo_t info;

	guard_close(&seen.orderfd);
	guard_close(&seen.reportfd);
	seen.orderfd = seen.reportfd = -1;
	(void)kill(seen.pid, SIGKILL);
	assert_int_equal(
		waitid(P_PID, (id_t)seen.pid, &info, WEXITED | WNOWAIT), 0);
	while (supervisor.scan.phase == SCAN_RUNNING)
		turn();
}

static int
set_up(void **state)
{
	memset(&seen, 0, sizeof(seen));
	seen.orderfd = seen.reportfd = -1;
	memset(&supervisor, 0, sizeof(supervisor));
	memset(&target, 0, sizeof(target));
	now_us = 10 * US_PER_SEC;
	if (loop_new(&supervisor.loop) < 0)
		return -1;
	scan_init(&supervisor.scan, &supervisor);
	target.supervisor = &supervisor;
	target.uri = "iscsi://nas1/iqn.2024-01.com.example:a";
	target.status.session = 0;
	target.status.state = TARGET_LINGERING;
	HASH_ADD_KEYPTR(by_uri, supervisor.targets, target.uri,
		strlen(target.uri), &target);
	return 0;
}

static int
tear_down(void **state)
{
	if (supervisor.scan.phase == SCAN_RUNNING)
		end_scanner();
	scan_done(&supervisor.scan);
	HASH_DELETE(by_uri, supervisor.targets, &target);
	loop_free(supervisor.loop);
	return 0;
}

static void
request_session(int32_t session)
{
	target.status.session = 1 + (uint64_t)session;
	scan_request(&supervisor.scan, &target);
	start_scanner();
}

/* --- questions --- */

static void
what_has_neither_mount_nor_session_is_not_asked_about(void **state)
{
	scan_request(&supervisor.scan, &target);
	assert_int_equal(seen.starts, 0);
	assert_false(target.is_scan_wanted);
}

static void
a_mount_is_asked_about_by_its_numbers(void **state)
{
	struct message order;

	target.mount_id = 30;
	target.device_minor = 50;
	scan_request(&supervisor.scan, &target);
	start_scanner();
	order = read_order();
	assert_int_equal(order.type, MESSAGE_scan);
	assert_string_equal(order.scan.path, "/run/mnt");
	assert_int_equal(order.scan.mount_id, 30);
	assert_int_equal(order.scan.device_minor, 50);
}

static void
a_session_is_asked_about_by_its_number(void **state)
{
	struct message order;

	request_session(0);
	order = read_order();
	assert_int_equal(order.type, MESSAGE_scan_session);
	assert_int_equal(order.scan_session.session, 0);
}

static void
a_session_that_went_before_the_start_is_not_asked_about(void **state)
{
	struct target other = target;

	other.uri = "iscsi://nas1/iqn.2024-01.com.example:b";
	other.status.session = 1 + 4;
	HASH_ADD_KEYPTR(by_uri, supervisor.targets, other.uri,
		strlen(other.uri), &other);
	request_session(3);
	scan_request(&supervisor.scan, &other);
	assert_true(other.is_scan_wanted);
	other.status.session = 0;
	end_scanner();
	assert_int_equal(seen.starts, 1);
	assert_false(other.is_scan_wanted);
	HASH_DELETE(by_uri, supervisor.targets, &other);
}

static void
whoever_asked_first_is_next(void **state)
{
	struct target others[3];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		static char *const uris[] = {
			"nfs://nas1/b", "nfs://nas1/c", "nfs://nas1/d"};

		others[i] = target;
		others[i].uri = uris[i];
		others[i].mount_id = 40 + (uint32_t)i;
		HASH_ADD_KEYPTR(by_uri, supervisor.targets, others[i].uri,
			strlen(others[i].uri), &others[i]);
	}
	request_session(3);
	for (size_t i = ARRAY_SIZE(others); i > 0; i--) {
		now_us++;
		scan_request(&supervisor.scan, &others[i - 1]);
	}
	/* Whose turn it was asks at once again, and has to wait for theirs. */
	scan_hurry(&target);
	now_us++;
	scan_request(&supervisor.scan, &target);
	for (size_t i = ARRAY_SIZE(others); i > 0; i--) {
		report_scanned(0, true);
		end_scanner();
		start_scanner();
		assert_int_equal(read_order().scan.mount_id, 40 + i - 1);
		scan_request(&supervisor.scan, &others[0]);
	}
	report_scanned(0, true);
	end_scanner();
	start_scanner();
	assert_int_equal(read_order().type, MESSAGE_scan_session);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		HASH_DELETE(by_uri, supervisor.targets, &others[i]);
}

/* --- pauses --- */

/* How long after a scan the next one is begun, of a target that has been
 * waiting for so long. */
static uint64_t
find_pause_us(uint64_t waited_us)
{
	uint64_t began_us = now_us;

	target.since_us = now_us - waited_us;
	scan_hurry(&target);
	scan_request(&supervisor.scan, &target);
	start_scanner();
	report_scanned(0, true);
	end_scanner();
	while (now_us - began_us < 60 * US_PER_SEC) {
		int before = seen.starts;

		now_us += US_PER_SEC / 2;
		scan_request(&supervisor.scan, &target);
		if (seen.starts == before)
			continue;
		start_scanner();
		end_scanner();
		return now_us - began_us;
	}
	return 0;
}

static void
the_longer_a_target_waits_the_rarer_are_its_scans(void **state)
{
	target.status.session = 1 + 3;
	target.status.state = TARGET_LINGERING;
	now_us = 1000 * US_PER_SEC;
	assert_int_equal(find_pause_us(0), US_PER_SEC);
	assert_int_equal(find_pause_us(4 * US_PER_SEC), US_PER_SEC);
	assert_int_equal(find_pause_us(20 * US_PER_SEC), 5 * US_PER_SEC);
	assert_int_equal(find_pause_us(900 * US_PER_SEC), 30 * US_PER_SEC);
}

static void
a_scan_without_an_answer_has_its_target_ask_again(void **state)
{
	request_session(3);
	seen.touches = 0;
	end_scanner();
	assert_int_equal(seen.touches, 1);
}

static void
a_hurried_scan_does_not_wait(void **state)
{
	request_session(3);
	end_scanner();
	scan_hurry(&target);
	scan_request(&supervisor.scan, &target);
	assert_int_equal(seen.starts, 2);
	start_scanner();
}

/* --- answers --- */

static void
an_answer_is_the_targets(void **state)
{
	request_session(3);
	report_scanned(2, true);
	assert_int_equal(seen.answers, 1);
	assert_int_equal(seen.count, 2);
	assert_true(seen.is_complete);
	assert_int_equal(target.holder_count, 2);
}

static void
an_incomplete_answer_is_told_as_one(void **state)
{
	request_session(3);
	report_scanned(0, false);
	assert_int_equal(seen.answers, 1);
	assert_int_equal(seen.count, 0);
	assert_false(seen.is_complete);
}

static void
an_answer_counts_while_holders_matter(void **state)
{
	for (unsigned state_now = 0; state_now < TARGET_STATE_COUNT;
		state_now++) {
		bool counts = state_now == TARGET_LINGERING ||
			      state_now == TARGET_DISCONNECTING;

		target.status.state = (enum target_state)state_now;
		seen.answers = 0;
		scan_hurry(&target);
		request_session(3);
		report_scanned(1, true);
		assert_int_equal(seen.answers, counts);
		end_scanner();
	}
}

static void
an_answer_about_another_session_is_dropped(void **state)
{
	request_session(3);
	target.status.session = 1 + 4;
	report_scanned(0, true);
	assert_int_equal(seen.answers, 0);
}

static void
an_answer_that_was_forgotten_meanwhile_is_dropped(void **state)
{
	request_session(3);
	scan_forget(&supervisor.scan, &target);
	report_scanned(0, true);
	assert_int_equal(seen.answers, 0);
}

static void
a_second_answer_is_dropped(void **state)
{
	request_session(3);
	report_scanned(1, true);
	report_scanned(0, true);
	assert_int_equal(seen.answers, 1);
	assert_int_equal(seen.count, 1);
}

static void
a_scanner_that_dies_says_nothing(void **state)
{
	request_session(3);
	end_scanner();
	assert_int_equal(seen.answers, 0);
	assert_int_equal(supervisor.scan.phase, SCAN_IDLE);
}

static void
a_scanner_that_does_not_end_is_killed(void **state)
{
	request_session(3);
	now_us += 12 * US_PER_SEC;
	/* The loop's timer goes by the kernel's clock, not by ours. */
	supervisor.scan.deadline.on_due(&supervisor.scan.deadline);
	end_scanner();
	assert_int_equal(seen.answers, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_has_neither_mount_nor_session_is_not_asked_about),
		TEST(a_mount_is_asked_about_by_its_numbers),
		TEST(a_session_is_asked_about_by_its_number),
		TEST(a_session_that_went_before_the_start_is_not_asked_about),
		TEST(whoever_asked_first_is_next),
		TEST(the_longer_a_target_waits_the_rarer_are_its_scans),
		TEST(a_scan_without_an_answer_has_its_target_ask_again),
		TEST(a_hurried_scan_does_not_wait),
		TEST(an_answer_is_the_targets),
		TEST(an_incomplete_answer_is_told_as_one),
		TEST(an_answer_counts_while_holders_matter),
		TEST(an_answer_about_another_session_is_dropped),
		TEST(an_answer_that_was_forgotten_meanwhile_is_dropped),
		TEST(a_second_answer_is_dropped),
		TEST(a_scanner_that_dies_says_nothing),
		TEST(a_scanner_that_does_not_end_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
