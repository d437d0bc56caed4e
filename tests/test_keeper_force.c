/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_keeper_force.c - a mount that nobody wants, of a server that is dead.
 */
#include "tests/keeper_bench.h"

static bool was_forced; /* what the backend was asked for last */

static int
disconnect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	was_forced = false;
	return 0;
}

static int
force(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	was_forced = true;
	return 0;
}

static const struct backend with_mounts = {
	.name = "fake",
	.scheme = URI_NFS,
	.undone = "unmounted it",
	.aim = aim,
	.look = look,
	.probe = probe,
	.disconnect = disconnect,
	.force = force,
};

static void
show_mount(uint64_t id)
{
	there = (struct object){.exists = id != 0, .mount_id = id};
}

static void
limit(enum hold hold)
{
	const struct limit_message order = {.hold = hold};

	keeper_limit(&order);
}

/* Mounted, no longer wanted, an unmount is under way. */
static void
begin_unmount(const struct backend *backend)
{
	show_mount(7);
	begin(backend, 0, ORIGIN_NONE);
	keeper_want(WANTED_DOWN);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
}

/* Until it is tried again, or is no more. */
static void
try_again(void)
{
	int before = started[OPERATION_DISCONNECT];

	pass(10);
	assert_int_equal(started[OPERATION_DISCONNECT], before + 1);
}

static void
fail_for(uint64_t seconds, enum err_code error)
{
	for (uint64_t gone = 0; gone < seconds; gone += 10) {
		end(OPERATION_DISCONNECT, error, 0);
		try_again();
	}
}

static void
assert_forced(bool is_forced)
{
	run_started();
	assert_int_equal(was_forced, is_forced);
}

static void
a_dead_server_s_mount_is_forced_off_in_time(void **state)
{
	begin_unmount(&with_mounts);
	end(OPERATION_DISCONNECT, ERR_UNREACHABLE, 0);
	try_again();
	fail_for(FORCE_AFTER_S - 20, ERR_TIMED_OUT);
	assert_forced(false);
	fail_for(10, ERR_UNREACHABLE);
	assert_forced(true);
}

static void
when_it_will_be_forced_is_told(void **state)
{
	uint64_t at_us;

	begin_unmount(&with_mounts);
	assert_int_equal(keeper_status()->force_at_us, 0);
	end(OPERATION_DISCONNECT, ERR_UNREACHABLE, 0);
	at_us = now_us + UNIX_AHEAD_US + FORCE_AFTER_S * US_PER_SEC;
	assert_int_equal(keeper_status()->force_at_us, at_us);
	try_again();
	end(OPERATION_DISCONNECT, ERR_UNREACHABLE, 0);
	assert_int_equal(keeper_status()->force_at_us, at_us);
}

static void
a_server_that_answers_once_is_not_dead(void **state)
{
	begin_unmount(&with_mounts);
	fail_for(FORCE_AFTER_S - 20, ERR_UNREACHABLE);
	fail_for(10, ERR_BUSY);
	assert_int_equal(keeper_status()->force_at_us, 0);
	fail_for(FORCE_AFTER_S - 20, ERR_UNREACHABLE);
	assert_forced(false);
}

static void
a_server_that_could_not_be_asked_is_not_dead_for_that(void **state)
{
	static const enum err_code unknown[] = {
		ERR_NAME_LOOKUP, ERR_INTERNAL, ERR_MOUNT_FAILED};

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		started[OPERATION_DISCONNECT] = 0;
		begin_unmount(&with_mounts);
		fail_for(2 * FORCE_AFTER_S, unknown[i]);
		assert_forced(false);
	}
}

static void
an_unmount_that_hangs_counts_as_dead(void **state)
{
	begin_unmount(&with_mounts);
	end_in(OPERATION_DISCONNECT, OPERATION_STEP_UNMOUNT);
	assert_true(keeper_status()->force_at_us > 0);
}

static void
a_name_lookup_that_hangs_does_not(void **state)
{
	begin_unmount(&with_mounts);
	end_in(OPERATION_DISCONNECT, OPERATION_STEP_NONE);
	assert_int_equal(keeper_status()->force_at_us, 0);
}

static void
a_wish_that_came_back_begins_the_wait_anew(void **state)
{
	begin_unmount(&with_mounts);
	fail_for(FORCE_AFTER_S - 20, ERR_UNREACHABLE);
	end(OPERATION_DISCONNECT, ERR_UNREACHABLE, 0);
	keeper_want(WANTED_UP);
	assert_int_equal(keeper_status()->force_at_us, 0);
	end(OPERATION_PROBE, ERR_TIMED_OUT, 0);
	keeper_want(WANTED_DOWN);
	fail_for(FORCE_AFTER_S - 20, ERR_UNREACHABLE);
	assert_forced(false);
}

static void
hold_when_force_is_due(enum hold hold)
{
	const struct turn_message turn = {.number = 1};

	begin_unmount(&with_mounts);
	fail_for(FORCE_AFTER_S, ERR_UNREACHABLE);
	end(OPERATION_DISCONNECT, ERR_UNREACHABLE, 0);
	limit(hold);
	pass(60);
	assert_forced(false);
	keeper_turn(&turn);
}

static void
nothing_is_forced_while_paused(void **state)
{
	hold_when_force_is_due(HOLD_PAUSED);
	assert_int_equal(keeper_status()->force_at_us, 0);
	assert_forced(false);
}

static void
what_its_server_holds_is_forced_in_its_turn(void **state)
{
	hold_when_force_is_due(HOLD_SERVER);
	assert_int_not_equal(keeper_status()->force_at_us, 0);
	assert_forced(true);
}

static void
force_after_0_is_never(void **state)
{
	force_after_s = 0;
	begin_unmount(&with_mounts);
	fail_for(2 * FORCE_AFTER_S, ERR_UNREACHABLE);
	assert_int_equal(keeper_status()->force_at_us, 0);
	assert_forced(false);
}

static void
a_kind_that_is_never_forced_is_not(void **state)
{
	struct backend backend = with_mounts;

	backend.force = NULL;
	begin_unmount(&backend);
	fail_for(2 * FORCE_AFTER_S, ERR_UNREACHABLE);
	assert_int_equal(keeper_status()->force_at_us, 0);
	assert_forced(false);
}

static void
what_was_forced_is_said_until_it_is_wanted_again(void **state)
{
	begin_unmount(&with_mounts);
	fail_for(FORCE_AFTER_S, ERR_UNREACHABLE);
	show_mount(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 1);
	assert_int_equal(keeper_status()->state, TARGET_REGISTERED);
	assert_int_equal(keeper_status()->force_at_us, 0);
	pass(3600);
	assert_int_equal(keeper_status()->was_forced, 1);
	keeper_want(WANTED_UP);
	assert_int_equal(keeper_status()->was_forced, 0);
}

static void
that_data_may_be_lost_is_logged_once(void **state)
{
	begin_unmount(&with_mounts);
	fail_for(FORCE_AFTER_S, ERR_UNREACHABLE);
	assert_null(keeper_take_warning());
	show_mount(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 1);
	assert_string_equal(keeper_take_warning(),
		"nas1:/vms: its server did not answer for 600 s: forced off; "
		"what had not been written to it may be lost");
	assert_null(keeper_take_warning());
}

static void
what_went_without_force_was_not_forced(void **state)
{
	begin_unmount(&with_mounts);
	fail_for(FORCE_AFTER_S, ERR_UNREACHABLE);
	show_mount(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_int_equal(keeper_status()->was_forced, 0);
	assert_null(keeper_take_warning());
}

static void
a_forced_unmount_is_broken_off_when_it_is_wanted_again(void **state)
{
	begin_unmount(&with_mounts);
	fail_for(FORCE_AFTER_S, ERR_UNREACHABLE);
	keeper_want(WANTED_UP);
	assert_int_equal(cancelled[OPERATION_DISCONNECT], 1);
}

#define KEEPS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEEPS(a_dead_server_s_mount_is_forced_off_in_time),
		KEEPS(when_it_will_be_forced_is_told),
		KEEPS(a_server_that_answers_once_is_not_dead),
		KEEPS(a_server_that_could_not_be_asked_is_not_dead_for_that),
		KEEPS(an_unmount_that_hangs_counts_as_dead),
		KEEPS(a_name_lookup_that_hangs_does_not),
		KEEPS(a_wish_that_came_back_begins_the_wait_anew),
		KEEPS(nothing_is_forced_while_paused),
		KEEPS(what_its_server_holds_is_forced_in_its_turn),
		KEEPS(force_after_0_is_never),
		KEEPS(a_kind_that_is_never_forced_is_not),
		KEEPS(what_was_forced_is_said_until_it_is_wanted_again),
		KEEPS(that_data_may_be_lost_is_logged_once),
		KEEPS(what_went_without_force_was_not_forced),
		KEEPS(a_forced_unmount_is_broken_off_when_it_is_wanted_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
