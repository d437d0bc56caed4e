/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_keeper.c - keeping a session: whose it is, and who may take it down.
 *
 * Runs in: the build. Operations are begun here, and end when the test says
 *          so; the clock is the test's too.
 */
#include "tests/keeper_bench.h"
#include "worker/trial.h"

static int
try_credentials(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	return 0;
}

static const struct backend with_sessions = {
	.name = "fake",
	.scheme = URI_ISCSI,
	.undone = "logged out of it",
	.has_instant_probe = true,
	.needs_clearance = true,
	.aim = aim,
	.look = look,
	.probe = probe,
	.try_credentials = try_credentials,
};

static void
show_session(uint32_t session)
{
	there = (struct object){.exists = session != 0, .session = session};
}

static void
tell_holders(uint32_t count, bool is_complete)
{
	const struct holders_message order = {
		.count = count, .is_complete = is_complete};

	keeper_holders(&order);
}

static void
assert_is(enum target_state state, enum origin origin)
{
	const struct status_message *status = keeper_status();

	if (status->state != state || status->origin != origin)
		fail_msg("%s, origin %d", target_state_word(status->state),
			(int)status->origin);
}

/* By an attempt of its own. */
static void
connect_session(uint32_t session)
{
	begin(&with_sessions, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	show_session(session);
	end(OPERATION_CONNECT, ERR_NONE,
		(uint32_t)connected_pack(session, false));
	assert_is(TARGET_CONNECTED, ORIGIN_OURS);
}

/* Whose session it is */

static void
an_attempt_is_reported_as_one_that_may_make_a_session(void **state)
{
	begin(&with_sessions, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	assert_int_equal(started[OPERATION_CONNECT], 1);
	assert_is(TARGET_CONNECTING, ORIGIN_TRYING);
}

static void
a_session_that_an_attempt_found_is_not_ours(void **state)
{
	begin(&with_sessions, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	show_session(4);
	end(OPERATION_CONNECT, ERR_NONE, (uint32_t)connected_pack(4, true));
	assert_is(TARGET_CONNECTED, ORIGIN_FOUND);
}

static void
a_session_that_is_there_at_the_start_is_used_and_not_ours(void **state)
{
	show_session(4);
	begin(&with_sessions, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	assert_int_equal(started[OPERATION_CONNECT], 0);
	assert_is(TARGET_CONNECTED, ORIGIN_FOUND);
}

static void
a_session_is_whose_the_worker_before_said(void **state)
{
	show_session(4);
	begin(&with_sessions, 4, ORIGIN_OURS);
	keeper_want(WANTED_UP);
	assert_is(TARGET_CONNECTED, ORIGIN_OURS);
}

static void
what_turns_up_after_an_attempt_is_ours_unless_that_failed_for_good(void **state)
{
	static const struct {
		enum err_code error;
		bool is_overdue;
		enum origin then;
	} cases[] = {
		/* iscsid goes on with what it was asked for. */
		{ERR_TIMED_OUT, true, ORIGIN_OURS},
		{ERR_INTERNAL, false, ORIGIN_OURS},
		/* It has given up, or was never asked. */
		{ERR_TIMED_OUT, false, ORIGIN_FOUND},
		{ERR_AUTH_FAILED, false, ORIGIN_FOUND},
		{ERR_LOGIN_FAILED, false, ORIGIN_FOUND},
		{ERR_UNREACHABLE, false, ORIGIN_FOUND},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		show_session(0);
		begin(&with_sessions, 0, ORIGIN_NONE);
		keeper_want(WANTED_UP);
		end_as(OPERATION_CONNECT, cases[i].error, 0,
			cases[i].is_overdue);
		show_session(4);
		keeper_look();
		assert_is(TARGET_CONNECTED, cases[i].then);
	}
}

static void
a_session_that_vanished_is_made_anew(void **state)
{
	connect_session(4);
	show_session(0);
	keeper_look();
	assert_is(TARGET_CONNECTING, ORIGIN_TRYING);
	assert_int_equal(keeper_status()->error, ERR_VANISHED);
	assert_non_null(
		strstr(keeper_status()->error_text, "logged out of it"));
}

static void
a_session_that_is_not_well_is_left_to_recover(void **state)
{
	connect_session(4);
	probe_error = ERR_UNREACHABLE;
	pass(60);
	assert_is(TARGET_UNRESPONSIVE, ORIGIN_OURS);
	pass(60);
	assert_int_equal(started[OPERATION_CONNECT], 1);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	probe_error = ERR_NONE;
	pass(60);
	assert_is(TARGET_CONNECTED, ORIGIN_OURS);
}

/* The last claim has gone */

static void
nothing_is_taken_down_before_its_users_were_looked_for(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	pass(3600);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	assert_is(TARGET_DISCONNECTING, ORIGIN_OURS);
}

static void
what_nobody_uses_is_taken_down(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	tell_holders(0, true);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
	show_session(0);
	end(OPERATION_DISCONNECT, ERR_NONE, 0);
	assert_is(TARGET_REGISTERED, ORIGIN_NONE);
	assert_int_equal(keeper_status()->has_object, 0);
}

static void
what_somebody_uses_lingers(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	tell_holders(2, true);
	pass(3600);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	assert_is(TARGET_LINGERING, ORIGIN_OURS);
	assert_int_equal(keeper_status()->error, ERR_BUSY);
	assert_non_null(strstr(keeper_status()->error_text, "in use"));
}

static void
what_somebody_may_use_lingers(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	tell_holders(0, false);
	pass(3600);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	assert_is(TARGET_LINGERING, ORIGIN_OURS);
	assert_non_null(strstr(keeper_status()->error_text, "cannot be seen"));
}

static void
what_lingers_goes_when_nobody_uses_it_any_more(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	tell_holders(2, true);
	tell_holders(0, true);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
}

static void
a_clearance_is_good_for_one_attempt(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	tell_holders(0, true);
	end(OPERATION_DISCONNECT, ERR_BUSY, 0);
	assert_is(TARGET_LINGERING, ORIGIN_OURS);
	pass(3600);
	keeper_retry();
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
	tell_holders(0, true);
	assert_int_equal(started[OPERATION_DISCONNECT], 2);
}

static void
a_clearance_that_nobody_asked_for_is_none(void **state)
{
	connect_session(4);
	tell_holders(0, true);
	keeper_want(WANTED_DOWN);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	keeper_want(WANTED_UP);
	tell_holders(0, true);
	keeper_want(WANTED_DOWN);
	keeper_retry();
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
}

static void
holders_that_are_told_during_a_logout_change_nothing(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	tell_holders(0, true);
	tell_holders(2, true);
	tell_holders(0, true);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
	end(OPERATION_DISCONNECT, ERR_BUSY, 0);
	pass(3600);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
}

static void
what_lingers_is_taken_back_without_an_attempt(void **state)
{
	connect_session(4);
	keeper_want(WANTED_DOWN);
	tell_holders(2, true);
	keeper_want(WANTED_UP);
	assert_is(TARGET_CONNECTED, ORIGIN_OURS);
	assert_int_equal(started[OPERATION_CONNECT], 1);
	assert_int_equal(keeper_status()->error, ERR_NONE);
}

static void
a_session_that_was_there_before_us_is_left_alone(void **state)
{
	show_session(4);
	begin(&with_sessions, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	keeper_want(WANTED_DOWN);
	tell_holders(0, true);
	pass(3600);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	assert_is(TARGET_REGISTERED, ORIGIN_FOUND);
	assert_int_equal(keeper_status()->has_object, 0);
}

static void
a_session_that_an_attempt_found_is_left_alone(void **state)
{
	begin(&with_sessions, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	show_session(4);
	end(OPERATION_CONNECT, ERR_NONE, (uint32_t)connected_pack(4, true));
	keeper_want(WANTED_DOWN);
	tell_holders(0, true);
	assert_int_equal(started[OPERATION_DISCONNECT], 0);
	assert_is(TARGET_REGISTERED, ORIGIN_FOUND);
}

static void
a_departing_session_is_taken_down_by_the_next_worker_if_it_is_ours(void **state)
{
	static const struct {
		enum origin origin;
		int disconnects;
	} cases[] = {
		{ORIGIN_OURS, 1},
		{ORIGIN_FOUND, 0},
		{ORIGIN_TRYING, 1},
		{ORIGIN_NONE, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		started[OPERATION_DISCONNECT] = 0;
		show_session(4);
		begin(&with_sessions, 4, cases[i].origin);
		keeper_want(WANTED_DOWN);
		tell_holders(0, true);
		assert_int_equal(
			started[OPERATION_DISCONNECT], cases[i].disconnects);
	}
}

static void
a_session_that_was_left_alone_is_taken_up_again(void **state)
{
	show_session(4);
	begin(&with_sessions, 0, ORIGIN_NONE);
	keeper_want(WANTED_UP);
	keeper_want(WANTED_DOWN);
	keeper_want(WANTED_UP);
	assert_is(TARGET_CONNECTED, ORIGIN_FOUND);
	assert_int_equal(started[OPERATION_CONNECT], 0);
}

static void
a_kind_that_needs_no_clearance_does_not_wait_for_one(void **state)
{
	struct backend backend = with_sessions;

	backend.needs_clearance = false;
	show_session(4);
	begin(&backend, 4, ORIGIN_OURS);
	keeper_want(WANTED_DOWN);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
}

/* Credentials */

static void
a_trial_goes_on_beside_the_connection(void **state)
{
	const struct trial_message order = {.number = 9, .username = "joe"};
	struct tried_message tried;
	struct err err;

	connect_session(4);
	assert_int_equal(keeper_try(&order, &err), 0);
	assert_int_equal(started[OPERATION_TRIAL], 1);
	pass(60);
	assert_is(TARGET_CONNECTED, ORIGIN_OURS);
	assert_false(trial_take_result(&tried));
	end(OPERATION_TRIAL, ERR_AUTH_FAILED, 0);
	assert_true(trial_take_result(&tried));
	assert_int_equal(tried.number, 9);
	assert_int_equal(tried.error, ERR_AUTH_FAILED);
	assert_string_equal(tried.error_text, "it failed");
	assert_false(trial_take_result(&tried));
	assert_is(TARGET_CONNECTED, ORIGIN_OURS);
	assert_int_equal(keeper_status()->error, ERR_NONE);
}

static void
a_trial_holds_up_no_logout(void **state)
{
	const struct trial_message order = {.number = 9};
	struct err err;

	connect_session(4);
	assert_int_equal(keeper_try(&order, &err), 0);
	keeper_want(WANTED_DOWN);
	tell_holders(0, true);
	assert_int_equal(started[OPERATION_DISCONNECT], 1);
}

static void
a_second_trial_is_answered_at_once_and_refused(void **state)
{
	const struct trial_message first = {.number = 9};
	const struct trial_message second = {.number = 10};
	struct tried_message tried;
	struct err err;

	connect_session(4);
	assert_int_equal(keeper_try(&first, &err), 0);
	assert_int_equal(keeper_try(&second, &err), 0);
	assert_true(trial_take_result(&tried));
	assert_int_equal(tried.number, 10);
	assert_int_equal(tried.error, ERR_INTERNAL);
	assert_int_equal(started[OPERATION_TRIAL], 1);
	end(OPERATION_TRIAL, ERR_NONE, 0);
	assert_true(trial_take_result(&tried));
	assert_int_equal(tried.number, 9);
	assert_int_equal(tried.error, ERR_NONE);
}

static void
a_kind_without_credentials_takes_no_order_about_them(void **state)
{
	const struct credentials_message credentials = {.username = "joe"};
	const struct trial_message trial = {.number = 9};
	struct backend backend = with_sessions;
	struct err err;

	backend.try_credentials = NULL;
	begin(&backend, 0, ORIGIN_NONE);
	assert_int_equal(keeper_credentials(&credentials, &err), -EBADMSG);
	assert_int_equal(keeper_try(&trial, &err), -EBADMSG);
}

#define KEEPS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEEPS(an_attempt_is_reported_as_one_that_may_make_a_session),
		KEEPS(a_session_that_an_attempt_found_is_not_ours),
		KEEPS(a_session_that_is_there_at_the_start_is_used_and_not_ours),
		KEEPS(a_session_is_whose_the_worker_before_said),
		KEEPS(what_turns_up_after_an_attempt_is_ours_unless_that_failed_for_good),
		KEEPS(a_session_that_vanished_is_made_anew),
		KEEPS(a_session_that_is_not_well_is_left_to_recover),
		KEEPS(nothing_is_taken_down_before_its_users_were_looked_for),
		KEEPS(what_nobody_uses_is_taken_down),
		KEEPS(what_somebody_uses_lingers),
		KEEPS(what_somebody_may_use_lingers),
		KEEPS(what_lingers_goes_when_nobody_uses_it_any_more),
		KEEPS(a_clearance_is_good_for_one_attempt),
		KEEPS(a_clearance_that_nobody_asked_for_is_none),
		KEEPS(holders_that_are_told_during_a_logout_change_nothing),
		KEEPS(what_lingers_is_taken_back_without_an_attempt),
		KEEPS(a_session_that_was_there_before_us_is_left_alone),
		KEEPS(a_session_that_an_attempt_found_is_left_alone),
		KEEPS(a_departing_session_is_taken_down_by_the_next_worker_if_it_is_ours),
		KEEPS(a_session_that_was_left_alone_is_taken_up_again),
		KEEPS(a_kind_that_needs_no_clearance_does_not_wait_for_one),
		KEEPS(a_trial_goes_on_beside_the_connection),
		KEEPS(a_trial_holds_up_no_logout),
		KEEPS(a_second_trial_is_answered_at_once_and_refused),
		KEEPS(a_kind_without_credentials_takes_no_order_about_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
