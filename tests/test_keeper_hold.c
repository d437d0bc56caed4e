/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_keeper_hold.c - a mount that may begin nothing, and its turns; wishes
 * that change quickly, attempts that end late.
 */
#include "tests/keeper_bench.h"

static const struct backend with_mounts = {
	.name = "fake",
	.scheme = URI_NFS,
	.undone = "unmounted it",
	.aim = aim,
	.look = look,
	.probe = probe,
};

static void
show_mount(uint64_t id)
{
	there = (struct object){.exists = id != 0, .mount_id = id};
}

static void
limit(enum hold hold, unsigned earlier_stuck)
{
	const struct limit_message order = {
		.hold = hold, .earlier_stuck = earlier_stuck};

	keeper_limit(&order);
}

static void
give_turn(uint64_t number)
{
	const struct turn_message order = {.number = number};

	keeper_turn(&order);
}

static void
assert_state(enum target_state state)
{
	if (keeper_status()->state != state)
		fail_msg("%s", target_state_word(keeper_status()->state));
}

static void
assert_idle(void)
{
	assert_int_equal(operations_running(operations), OPERATION_NONE);
}

static void
connect_mount(void)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	show_mount(7);
	end(OPERATION_CONNECT, ERR_NONE, 0);
	assert_state(TARGET_CONNECTED);
}

/* Held */

static void
old_evidence_is_not_held_up_as_new(void **state)
{
	connect_mount();
	limit(HOLD_SERVER, 0);
	assert_state(TARGET_CONNECTED);
	pass(60);
	assert_state(TARGET_UNRESPONSIVE);
	assert_idle();
	assert_int_equal(keeper_status()->error, ERR_STUCK);
	assert_non_null(strstr(keeper_status()->error_text, "its turn"));
	assert_int_equal(keeper_status()->hold, HOLD_SERVER);
}

static void
a_pause_doubts_nothing_and_asks_nothing(void **state)
{
	connect_mount();
	limit(HOLD_PAUSED, 0);
	pass(3600);
	assert_state(TARGET_CONNECTED);
	assert_idle();
	assert_int_equal(keeper_status()->error, ERR_NONE);
}

static void
what_is_unmounted_during_a_pause_is_missed_and_not_replaced(void **state)
{
	connect_mount();
	limit(HOLD_PAUSED, 0);
	show_mount(0);
	keeper_look();
	assert_state(TARGET_BACKOFF);
	assert_idle();
	assert_int_equal(keeper_status()->error, ERR_VANISHED);
	assert_int_equal(keeper_status()->next_retry_us, 0);
}

static void
what_was_lost_during_a_hold_is_connected_at_its_end(void **state)
{
	connect_mount();
	limit(HOLD_PAUSED, 0);
	show_mount(0);
	pass(60);
	limit(HOLD_NONE, 0);
	assert_int_equal(started[OPERATION_CONNECT], 2);
}

static void
what_became_due_during_a_hold_is_done_at_its_end(void **state)
{
	connect_mount();
	limit(HOLD_PAUSED, 0);
	pass(60);
	pass(60);
	limit(HOLD_NONE, 0);
	assert_int_equal(started[OPERATION_PROBE], 1);
}

static void
what_is_not_due_at_the_end_of_a_hold_keeps_its_time(void **state)
{
	uint64_t retry_us;

	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	end(OPERATION_CONNECT, ERR_ACCESS_DENIED, 0);
	retry_us = keeper_status()->next_retry_us;
	assert_true(retry_us > 0);
	limit(HOLD_SERVER, 0);
	assert_int_equal(keeper_status()->next_retry_us, 0);
	limit(HOLD_NONE, 0);
	assert_state(TARGET_BLOCKED);
	assert_idle();
	assert_int_equal(keeper_status()->next_retry_us, retry_us);
}

static void
an_attempt_that_runs_when_it_is_held_may_succeed(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	limit(HOLD_SERVER, 0);
	assert_int_equal(cancelled[OPERATION_CONNECT], 0);
	show_mount(7);
	end(OPERATION_CONNECT, ERR_NONE, 0);
	assert_state(TARGET_CONNECTED);
}

static void
an_attempt_that_fails_while_held_is_not_repeated(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	limit(HOLD_SERVER, 0);
	end(OPERATION_CONNECT, ERR_UNREACHABLE, 0);
	pass(3600);
	assert_state(TARGET_BACKOFF);
	assert_int_equal(started[OPERATION_CONNECT], 1);
	assert_int_equal(keeper_status()->error, ERR_UNREACHABLE);
	assert_int_equal(keeper_status()->next_retry_us, 0);
}

static void
what_is_not_wanted_stays_mounted_while_held(void **state)
{
	connect_mount();
	limit(HOLD_PAUSED, 0);
	keeper_want(WANTED_DOWN);
	pass(3600);
	assert_state(TARGET_DISCONNECTING);
	assert_idle();
	limit(HOLD_NONE, 0);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
}

static void
a_retry_order_begins_nothing_while_held(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	end(OPERATION_CONNECT, ERR_ACCESS_DENIED, 0);
	limit(HOLD_SERVER, 0);
	keeper_retry();
	assert_idle();
	limit(HOLD_NONE, 0);
	assert_int_equal(started[OPERATION_CONNECT], 2);
}

static void
a_retry_order_while_held_is_no_reason_to_doubt(void **state)
{
	connect_mount();
	limit(HOLD_SERVER, 0);
	keeper_retry();
	assert_state(TARGET_CONNECTED);
}

/* Turns */

static void
a_turn_is_over_when_its_operation_has_ended(void **state)
{
	connect_mount();
	limit(HOLD_SERVER, 0);
	give_turn(5);
	assert_int_equal(started[OPERATION_PROBE], 1);
	assert_int_equal(keeper_status()->turn, 0);
	end(OPERATION_PROBE, ERR_NONE, 0);
	assert_int_equal(keeper_status()->turn, 5);
	assert_state(TARGET_CONNECTED);
	pass(3600);
	assert_int_equal(started[OPERATION_PROBE], 1);
}

static void
a_turn_is_over_when_its_operation_is_stuck(void **state)
{
	struct operation_outcome outcome = {
		.operation = OPERATION_CONNECT, .is_overdue = true};

	begin(&with_mounts, 0, ORIGIN_NONE);
	limit(HOLD_SERVER, 0);
	keeper_want(WANTED_UP);
	assert_idle();
	give_turn(5);
	assert_int_equal(started[OPERATION_CONNECT], 1);
	outcome.is_stuck = true;
	(void)err_set(&outcome.error, ERR_TIMED_OUT, ETIMEDOUT, "late");
	operations->slots[OPERATION_CONNECT].phase = OPERATION_STUCK;
	stuck_now = 1u << OPERATION_CONNECT;
	operations->on_outcome(operations, &outcome);
	assert_int_equal(keeper_status()->turn, 5);
	assert_state(TARGET_STUCK);
}

static void
a_turn_that_fails_is_over_and_not_repeated(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	limit(HOLD_SERVER, 0);
	keeper_want(WANTED_UP);
	give_turn(5);
	end(OPERATION_CONNECT, ERR_TIMED_OUT, 0);
	pass(3600);
	assert_int_equal(started[OPERATION_CONNECT], 1);
	assert_int_equal(keeper_status()->turn, 5);
}

static void
a_turn_with_nothing_to_begin_is_over_at_once(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	limit(HOLD_SERVER, 0);
	give_turn(3); /* nothing is wished for yet */
	assert_int_equal(keeper_status()->turn, 3);
	keeper_want(WANTED_DOWN);
	give_turn(4);
	assert_int_equal(keeper_status()->turn, 4);
	limit(HOLD_PAUSED, 0);
	keeper_want(WANTED_UP);
	give_turn(5);
	assert_idle();
	assert_int_equal(keeper_status()->turn, 5);
}

static void
a_later_turn_takes_the_place_of_the_one_that_runs(void **state)
{
	connect_mount();
	limit(HOLD_SERVER, 0);
	give_turn(5);
	give_turn(6);
	assert_int_equal(started[OPERATION_PROBE], 1);
	end(OPERATION_PROBE, ERR_NONE, 0);
	assert_int_equal(keeper_status()->turn, 6);
	assert_idle();
}

/* Stuck before us */

static void
what_an_earlier_worker_left_stuck_is_not_begun_again(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	limit(HOLD_NONE, 1u << OPERATION_CONNECT);
	keeper_want(WANTED_UP);
	assert_state(TARGET_STUCK);
	assert_idle();
	assert_int_equal(
		keeper_status()->earlier_stuck, 1u << OPERATION_CONNECT);
	limit(HOLD_NONE, 0);
	assert_int_equal(started[OPERATION_CONNECT], 1);
}

static void
a_probe_that_an_earlier_worker_left_stuck_is_told(void **state)
{
	show_mount(7);
	begin(&with_mounts, 0, ORIGIN_NONE);
	limit(HOLD_NONE, 1u << OPERATION_PROBE);
	keeper_want(WANTED_UP);
	assert_state(TARGET_UNRESPONSIVE);
	assert_idle();
	assert_int_equal(keeper_status()->error, ERR_STUCK);
	limit(HOLD_NONE, 0);
	assert_int_equal(started[OPERATION_PROBE], 1);
}

/* Late, and one after the other */

static void
an_attempt_that_was_given_up_and_succeeds_is_adopted(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	end_as(OPERATION_CONNECT, ERR_TIMED_OUT, 0, true);
	assert_state(TARGET_BACKOFF);
	show_mount(7);
	keeper_look();
	assert_int_equal(started[OPERATION_PROBE], 1);
	end(OPERATION_PROBE, ERR_NONE, 0);
	assert_state(TARGET_CONNECTED);
	assert_int_equal(started[OPERATION_CONNECT], 1);
}

static void
an_attempt_that_was_given_up_and_is_not_wanted_is_unmounted(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	end_as(OPERATION_CONNECT, ERR_TIMED_OUT, 0, true);
	keeper_want(WANTED_DOWN);
	assert_state(TARGET_REGISTERED);
	show_mount(7);
	keeper_look();
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
	show_mount(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_state(TARGET_REGISTERED);
}

static void
both_of_two_mounts_on_one_another_are_unmounted(void **state)
{
	connect_mount();
	show_mount(8);
	keeper_want(WANTED_DOWN);
	show_mount(7);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_int_equal(started[OPERATION_DISCONNECT], 2);
	show_mount(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_state(TARGET_REGISTERED);
}

static void
an_unmount_that_changed_nothing_has_failed(void **state)
{
	connect_mount();
	keeper_want(WANTED_DOWN);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_state(TARGET_LINGERING);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
	assert_int_equal(keeper_status()->error, ERR_MOUNT_FAILED);
	assert_true(keeper_status()->next_retry_us > 0);
}

static void
a_detach_that_changed_nothing_has_failed(void **state)
{
	connect_mount();
	pass(60);
	end(OPERATION_PROBE, ERR_STALE, 0);
	assert_int_equal(started[OPERATION_DETACH], 1);
	end(OPERATION_DETACH, ERR_NONE, 0);
	assert_state(TARGET_STALE);
	assert_int_equal(started[OPERATION_DETACH], 1);
}

static void
of_many_wishes_the_last_one_wins(void **state)
{
	connect_mount();
	for (int i = 0; i < 50; i++) {
		keeper_want(WANTED_DOWN);
		keeper_want(WANTED_UP);
	}
	keeper_want(WANTED_DOWN);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
	keeper_want(WANTED_UP);
	show_mount(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_int_equal(started[OPERATION_CONNECT], 2);
	show_mount(8);
	end(OPERATION_CONNECT, ERR_NONE, 0);
	assert_state(TARGET_CONNECTED);
}

static void
a_connect_waits_for_the_disconnect_before_it(void **state)
{
	connect_mount();
	keeper_want(WANTED_DOWN);
	keeper_want(WANTED_UP);
	assert_int_equal(started[OPERATION_CONNECT], 1);
	assert_int_equal(cancelled[OPERATION_DISCONNECT], 0);
}

static void
a_disconnect_that_only_asks_any_more_is_not_waited_for(void **state)
{
	connect_mount();
	keeper_want(WANTED_DOWN);
	operations->slots[OPERATION_DISCONNECT].step = OPERATION_STEP_ASK;
	keeper_want(WANTED_UP);
	assert_int_equal(cancelled[OPERATION_DISCONNECT], 1);
}

static void
a_disconnect_waits_for_the_end_of_the_connect_before_it(void **state)
{
	begin(&with_mounts, 0, ORIGIN_NONE);
	for (int i = 0; i < 50; i++) {
		keeper_want(WANTED_UP);
		keeper_want(WANTED_DOWN);
	}
	assert_int_equal(started[OPERATION_CONNECT], 1);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	/* It was quicker than the signal. */
	show_mount(7);
	end(OPERATION_CONNECT, ERR_NONE, 0);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
	show_mount(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_state(TARGET_REGISTERED);
}

static void
when_a_failed_attempt_began_is_told_by_the_clock_that_nobody_sets(void **state)
{
	uint64_t began_us;

	begin(&with_mounts, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	began_us = now_us;
	pass(5);
	end(OPERATION_CONNECT, ERR_UNREACHABLE, 0);
	assert_int_equal(keeper_status()->failed_began_us, began_us);
	pass(60);
	assert_int_equal(started[OPERATION_CONNECT], 2);
	assert_int_equal(keeper_status()->failed_began_us, began_us);
}

#define KEEPS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEEPS(old_evidence_is_not_held_up_as_new),
		KEEPS(a_pause_doubts_nothing_and_asks_nothing),
		KEEPS(what_is_unmounted_during_a_pause_is_missed_and_not_replaced),
		KEEPS(what_was_lost_during_a_hold_is_connected_at_its_end),
		KEEPS(what_became_due_during_a_hold_is_done_at_its_end),
		KEEPS(what_is_not_due_at_the_end_of_a_hold_keeps_its_time),
		KEEPS(an_attempt_that_runs_when_it_is_held_may_succeed),
		KEEPS(an_attempt_that_fails_while_held_is_not_repeated),
		KEEPS(what_is_not_wanted_stays_mounted_while_held),
		KEEPS(a_retry_order_begins_nothing_while_held),
		KEEPS(a_retry_order_while_held_is_no_reason_to_doubt),
		KEEPS(a_turn_is_over_when_its_operation_has_ended),
		KEEPS(a_turn_is_over_when_its_operation_is_stuck),
		KEEPS(a_turn_that_fails_is_over_and_not_repeated),
		KEEPS(a_turn_with_nothing_to_begin_is_over_at_once),
		KEEPS(a_later_turn_takes_the_place_of_the_one_that_runs),
		KEEPS(what_an_earlier_worker_left_stuck_is_not_begun_again),
		KEEPS(a_probe_that_an_earlier_worker_left_stuck_is_told),
		KEEPS(an_attempt_that_was_given_up_and_succeeds_is_adopted),
		KEEPS(an_attempt_that_was_given_up_and_is_not_wanted_is_unmounted),
		KEEPS(both_of_two_mounts_on_one_another_are_unmounted),
		KEEPS(an_unmount_that_changed_nothing_has_failed),
		KEEPS(a_detach_that_changed_nothing_has_failed),
		KEEPS(of_many_wishes_the_last_one_wins),
		KEEPS(a_connect_waits_for_the_disconnect_before_it),
		KEEPS(a_disconnect_that_only_asks_any_more_is_not_waited_for),
		KEEPS(a_disconnect_waits_for_the_end_of_the_connect_before_it),
		KEEPS(when_a_failed_attempt_began_is_told_by_the_clock_that_nobody_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
