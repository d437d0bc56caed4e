/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_decide.c - what a worker does next, by table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/decide.h"

#define BIT(name) (1u << OPERATION_##name)

enum {
	GONE = false,
	THERE = true,
	LATER = false,
	DUE = true
};

/* state, operation to start, whether to kill */
#define NEXT(state, operation)                                                 \
	{                                                                      \
		TARGET_##state, OPERATION_##operation, false                   \
	}
#define KILL(state)                                                            \
	{                                                                      \
		TARGET_##state, OPERATION_NONE, true                           \
	}
#define IS(wanted, state, mounted, running, stuck, due)                        \
	{                                                                      \
		WANTED_##wanted, TARGET_##state, mounted, OPERATION_##running, \
			stuck, due, false, false, false, HOLD_NONE, false,     \
			false, false                                           \
	}
/* The same, of one whose users have to be looked for. */
#define WAITS(state, due)                                                      \
	{                                                                      \
		WANTED_DOWN, TARGET_##state, THERE, OPERATION_NONE, 0, due,    \
			true, false, false, HOLD_NONE, false, false, false     \
	}
/* Of one whose attempts go on in a daemon and leave records behind. */
#define LEAVES(state, running, traces)                                         \
	{                                                                      \
		WANTED_DOWN, TARGET_##state, GONE, OPERATION_##running, 0,     \
			LATER, true, true, traces, HOLD_NONE, false, false,    \
			false                                                  \
	}
/* Of one that may begin nothing. */
#define HELD(hold, wanted, state, mounted, running, due)                       \
	{                                                                      \
		WANTED_##wanted, TARGET_##state, mounted, OPERATION_##running, \
			0, due, false, false, false, HOLD_##hold, false,       \
			false, false                                           \
	}
/* Nor it, but whose turn it is. */
#define TURN(hold, wanted, state, mounted, running, stuck)                     \
	{                                                                      \
		WANTED_##wanted, TARGET_##state, mounted, OPERATION_##running, \
			stuck, LATER, false, false, false, HOLD_##hold, true,  \
			false, false                                           \
	}

struct decide_case {
	struct situation situation;
	struct decision decision;
};

static void
check(const struct decide_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct decision found = decide(&cases[i].situation);
		const struct decision *expected = &cases[i].decision;

		if (found.state != expected->state ||
			found.start != expected->start ||
			found.is_kill != expected->is_kill)
			fail_msg("case %zu: %s, %s%s", i,
				target_state_word(found.state),
				operation_word(found.start),
				found.is_kill ? ", kill" : "");
	}
}

static void
what_is_down_and_wanted_is_connected(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, REGISTERED, GONE, NONE, 0, DUE),
			NEXT(CONNECTING, CONNECT)},
		{IS(UP, CONNECTED, GONE, NONE, 0, LATER),
			NEXT(CONNECTING, CONNECT)},
		{IS(UP, UNRESPONSIVE, GONE, NONE, 0, LATER),
			NEXT(CONNECTING, CONNECT)},
		{IS(UP, STALE, GONE, NONE, 0, LATER),
			NEXT(CONNECTING, CONNECT)},
		{IS(UP, DISCONNECTING, GONE, NONE, 0, DUE),
			NEXT(CONNECTING, CONNECT)},
		{IS(UP, LINGERING, GONE, NONE, 0, LATER),
			NEXT(CONNECTING, CONNECT)},
		{IS(UP, STUCK, GONE, NONE, 0, DUE), NEXT(CONNECTING, CONNECT)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_failed_attempt_is_repeated_when_it_is_due(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, BACKOFF, GONE, NONE, 0, LATER), NEXT(BACKOFF, NONE)},
		{IS(UP, BACKOFF, GONE, NONE, 0, DUE),
			NEXT(CONNECTING, CONNECT)},
		{IS(UP, BLOCKED, GONE, NONE, 0, LATER), NEXT(BLOCKED, NONE)},
		{IS(UP, BLOCKED, GONE, NONE, 0, DUE),
			NEXT(CONNECTING, CONNECT)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_mount_that_is_found_is_probed_at_once(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, REGISTERED, THERE, NONE, 0, DUE),
			NEXT(REGISTERED, PROBE)},
		{IS(UP, BACKOFF, THERE, NONE, 0, LATER), NEXT(BACKOFF, PROBE)},
		{IS(UP, BLOCKED, THERE, NONE, 0, LATER), NEXT(BLOCKED, PROBE)},
		{IS(UP, DISCONNECTING, THERE, NONE, 0, DUE),
			NEXT(DISCONNECTING, PROBE)},
		{IS(UP, LINGERING, THERE, NONE, 0, LATER),
			NEXT(LINGERING, PROBE)},
		{IS(UP, STUCK, THERE, NONE, 0, LATER), NEXT(STUCK, PROBE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_mount_that_is_known_is_probed_when_it_is_due(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, CONNECTED, THERE, NONE, 0, LATER),
			NEXT(CONNECTED, NONE)},
		{IS(UP, CONNECTED, THERE, NONE, 0, DUE),
			NEXT(CONNECTED, PROBE)},
		{IS(UP, UNRESPONSIVE, THERE, NONE, 0, LATER),
			NEXT(UNRESPONSIVE, NONE)},
		{IS(UP, UNRESPONSIVE, THERE, NONE, 0, DUE),
			NEXT(UNRESPONSIVE, PROBE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_stuck_probe_is_not_replaced_and_nothing_is_torn_down(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, CONNECTED, THERE, NONE, BIT(PROBE), LATER),
			NEXT(CONNECTED, NONE)},
		{IS(UP, CONNECTED, THERE, NONE, BIT(PROBE), DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{IS(UP, UNRESPONSIVE, THERE, NONE, BIT(PROBE), DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{IS(UP, BACKOFF, THERE, NONE, BIT(PROBE), DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{IS(UP, CONNECTED, GONE, NONE, BIT(PROBE), LATER),
			NEXT(CONNECTING, CONNECT)},
		{IS(DOWN, UNRESPONSIVE, THERE, NONE, BIT(PROBE), LATER),
			NEXT(DISCONNECTING, DISCONNECT)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_stale_mount_is_detached(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, STALE, THERE, NONE, 0, DUE), NEXT(STALE, DETACH)},
		{IS(UP, STALE, THERE, NONE, 0, LATER), NEXT(STALE, NONE)},
		{IS(UP, STALE, THERE, DETACH, 0, DUE), NEXT(STALE, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
what_is_under_way_is_left_alone(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, CONNECTING, GONE, CONNECT, 0, DUE),
			NEXT(CONNECTING, NONE)},
		{IS(UP, CONNECTING, THERE, CONNECT, 0, DUE),
			NEXT(CONNECTING, NONE)},
		{IS(UP, CONNECTED, THERE, PROBE, 0, DUE),
			NEXT(CONNECTED, NONE)},
		{IS(UP, DISCONNECTING, THERE, DISCONNECT, 0, DUE),
			NEXT(DISCONNECTING, NONE)},
		{IS(DOWN, DISCONNECTING, THERE, DISCONNECT, 0, DUE),
			NEXT(DISCONNECTING, NONE)},
		{IS(DOWN, LINGERING, THERE, DISCONNECT, 0, DUE),
			NEXT(LINGERING, NONE)},
		{IS(DOWN, STALE, THERE, DETACH, 0, DUE), NEXT(STALE, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_change_of_mind_kills_what_is_in_its_way(void **state)
{
	static const struct decide_case cases[] = {
		{IS(DOWN, CONNECTING, GONE, CONNECT, 0, DUE), KILL(CONNECTING)},
		{IS(DOWN, CONNECTED, THERE, PROBE, 0, DUE), KILL(CONNECTED)},
		/* Its mount is gone: what it says no longer matters. */
		{IS(UP, CONNECTED, GONE, PROBE, 0, DUE), KILL(CONNECTED)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
what_is_up_and_not_wanted_is_disconnected(void **state)
{
	static const struct decide_case cases[] = {
		{IS(DOWN, REGISTERED, THERE, NONE, 0, LATER),
			NEXT(DISCONNECTING, DISCONNECT)},
		{IS(DOWN, CONNECTING, THERE, NONE, 0, DUE),
			NEXT(DISCONNECTING, DISCONNECT)},
		{IS(DOWN, CONNECTED, THERE, NONE, 0, LATER),
			NEXT(DISCONNECTING, DISCONNECT)},
		{IS(DOWN, UNRESPONSIVE, THERE, NONE, 0, LATER),
			NEXT(DISCONNECTING, DISCONNECT)},
		{IS(DOWN, STALE, THERE, NONE, 0, LATER),
			NEXT(DISCONNECTING, DISCONNECT)},
		{IS(DOWN, STUCK, THERE, NONE, 0, LATER),
			NEXT(DISCONNECTING, DISCONNECT)},
		/* One of a stack was taken away. */
		{IS(DOWN, DISCONNECTING, THERE, NONE, 0, LATER),
			NEXT(DISCONNECTING, DISCONNECT)},
		{IS(DOWN, LINGERING, THERE, NONE, 0, LATER),
			NEXT(LINGERING, NONE)},
		{IS(DOWN, LINGERING, THERE, NONE, 0, DUE),
			NEXT(LINGERING, DISCONNECT)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
what_may_have_users_waits_until_they_are_looked_for(void **state)
{
	static const struct decide_case cases[] = {
		{WAITS(CONNECTED, DUE), NEXT(DISCONNECTING, NONE)},
		{WAITS(UNRESPONSIVE, DUE), NEXT(DISCONNECTING, NONE)},
		{WAITS(STUCK, DUE), NEXT(DISCONNECTING, NONE)},
		{WAITS(DISCONNECTING, DUE), NEXT(DISCONNECTING, NONE)},
		{WAITS(LINGERING, LATER), NEXT(LINGERING, NONE)},
		{WAITS(LINGERING, DUE), NEXT(LINGERING, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
an_attempt_that_goes_on_elsewhere_is_left_to_its_end(void **state)
{
	static const struct decide_case cases[] = {
		{LEAVES(CONNECTING, CONNECT, true), NEXT(CONNECTING, NONE)},
		{LEAVES(DISCONNECTING, DISCONNECT, true),
			NEXT(DISCONNECTING, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
traces_are_removed_before_it_is_registered(void **state)
{
	static const struct decide_case cases[] = {
		{LEAVES(CONNECTING, NONE, true),
			NEXT(DISCONNECTING, DISCONNECT)},
		{LEAVES(BLOCKED, NONE, true), NEXT(DISCONNECTING, DISCONNECT)},
		{LEAVES(REGISTERED, NONE, true),
			NEXT(DISCONNECTING, DISCONNECT)},
		{LEAVES(LINGERING, NONE, true), NEXT(LINGERING, DISCONNECT)},
		{LEAVES(DISCONNECTING, NONE, false), NEXT(REGISTERED, NONE)},
		{LEAVES(LINGERING, NONE, false), NEXT(REGISTERED, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
what_is_down_and_not_wanted_is_registered(void **state)
{
	for (unsigned at = 0; at < TARGET_STATE_COUNT; at++) {
		struct situation situation =
			IS(DOWN, REGISTERED, GONE, NONE, 0, LATER);
		struct decision decision;

		situation.state = (enum target_state)at;
		decision = decide(&situation);
		assert_int_equal(decision.state, TARGET_REGISTERED);
		assert_int_equal(decision.start, OPERATION_NONE);
	}
}

static void
a_stuck_change_of_the_mount_stops_everything(void **state)
{
	static const struct decide_case cases[] = {
		{IS(UP, BACKOFF, GONE, NONE, BIT(CONNECT), DUE),
			NEXT(STUCK, NONE)},
		{IS(UP, BACKOFF, THERE, NONE, BIT(CONNECT), DUE),
			NEXT(STUCK, NONE)},
		{IS(UP, STALE, THERE, NONE, BIT(DETACH), DUE),
			NEXT(STUCK, NONE)},
		{IS(UP, LINGERING, THERE, NONE, BIT(DISCONNECT), DUE),
			NEXT(STUCK, NONE)},
		{IS(DOWN, LINGERING, THERE, NONE, BIT(DISCONNECT), DUE),
			NEXT(STUCK, NONE)},
		/* Its mount may appear yet. */
		{IS(DOWN, CONNECTING, GONE, NONE, BIT(CONNECT), DUE),
			NEXT(STUCK, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_server_that_holds_lets_nothing_begin(void **state)
{
	static const struct decide_case cases[] = {
		/* Of these nothing new is known. */
		{HELD(SERVER, UP, CONNECTED, THERE, NONE, LATER),
			NEXT(CONNECTED, NONE)},
		{HELD(SERVER, UP, CONNECTED, THERE, NONE, DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{HELD(SERVER, UP, UNRESPONSIVE, THERE, NONE, DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{HELD(SERVER, UP, REGISTERED, THERE, NONE, DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{HELD(SERVER, UP, BACKOFF, THERE, NONE, LATER),
			NEXT(UNRESPONSIVE, NONE)},
		{HELD(SERVER, UP, LINGERING, THERE, NONE, LATER),
			NEXT(UNRESPONSIVE, NONE)},
		{HELD(SERVER, UP, STALE, THERE, NONE, DUE), NEXT(STALE, NONE)},
		{HELD(SERVER, UP, CONNECTED, GONE, NONE, LATER),
			NEXT(BACKOFF, NONE)},
		{HELD(SERVER, UP, STALE, GONE, NONE, DUE), NEXT(BACKOFF, NONE)},
		{HELD(SERVER, UP, REGISTERED, GONE, NONE, DUE),
			NEXT(BACKOFF, NONE)},
		{HELD(SERVER, UP, BACKOFF, GONE, NONE, DUE),
			NEXT(BACKOFF, NONE)},
		{HELD(SERVER, UP, BLOCKED, GONE, NONE, DUE),
			NEXT(BLOCKED, NONE)},
		{HELD(SERVER, DOWN, CONNECTED, THERE, NONE, LATER),
			NEXT(DISCONNECTING, NONE)},
		{HELD(SERVER, DOWN, DISCONNECTING, THERE, NONE, DUE),
			NEXT(DISCONNECTING, NONE)},
		{HELD(SERVER, DOWN, LINGERING, THERE, NONE, DUE),
			NEXT(LINGERING, NONE)},
		{HELD(SERVER, DOWN, LINGERING, GONE, NONE, DUE),
			NEXT(REGISTERED, NONE)},
		{HELD(SERVER, DOWN, BACKOFF, GONE, NONE, LATER),
			NEXT(REGISTERED, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_pause_lets_nothing_begin_and_doubts_nothing(void **state)
{
	static const struct decide_case cases[] = {
		{HELD(PAUSED, UP, CONNECTED, THERE, NONE, DUE),
			NEXT(CONNECTED, NONE)},
		{HELD(PAUSED, UP, UNRESPONSIVE, THERE, NONE, DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{HELD(PAUSED, UP, REGISTERED, THERE, NONE, DUE),
			NEXT(UNRESPONSIVE, NONE)},
		{HELD(PAUSED, UP, STALE, THERE, NONE, DUE), NEXT(STALE, NONE)},
		{HELD(PAUSED, UP, CONNECTED, GONE, NONE, LATER),
			NEXT(BACKOFF, NONE)},
		{HELD(PAUSED, UP, BACKOFF, GONE, NONE, DUE),
			NEXT(BACKOFF, NONE)},
		{HELD(PAUSED, DOWN, CONNECTED, THERE, NONE, DUE),
			NEXT(DISCONNECTING, NONE)},
		{HELD(PAUSED, DOWN, LINGERING, THERE, NONE, DUE),
			NEXT(LINGERING, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
what_runs_when_the_hold_comes_is_left_to_its_end(void **state)
{
	static const struct decide_case cases[] = {
		{HELD(SERVER, UP, CONNECTING, GONE, CONNECT, DUE),
			NEXT(CONNECTING, NONE)},
		{HELD(SERVER, UP, CONNECTED, THERE, PROBE, DUE),
			NEXT(CONNECTED, NONE)},
		{HELD(PAUSED, DOWN, LINGERING, THERE, DISCONNECT, DUE),
			NEXT(LINGERING, NONE)},
		/* But a wish that has changed ends it as ever. */
		{HELD(SERVER, DOWN, CONNECTING, GONE, CONNECT, DUE),
			KILL(CONNECTING)},
		{HELD(PAUSED, DOWN, CONNECTED, THERE, PROBE, DUE),
			KILL(CONNECTED)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_turn_begins_what_is_due_next_though_it_is_not_due(void **state)
{
	static const struct decide_case cases[] = {
		{TURN(SERVER, UP, CONNECTED, THERE, NONE, 0),
			NEXT(CONNECTED, PROBE)},
		{TURN(SERVER, UP, UNRESPONSIVE, THERE, NONE, 0),
			NEXT(UNRESPONSIVE, PROBE)},
		{TURN(SERVER, UP, BACKOFF, GONE, NONE, 0),
			NEXT(CONNECTING, CONNECT)},
		{TURN(SERVER, UP, BLOCKED, GONE, NONE, 0),
			NEXT(CONNECTING, CONNECT)},
		{TURN(SERVER, UP, STALE, THERE, NONE, 0), NEXT(STALE, DETACH)},
		{TURN(SERVER, DOWN, LINGERING, THERE, NONE, 0),
			NEXT(LINGERING, DISCONNECT)},
		{TURN(SERVER, DOWN, DISCONNECTING, THERE, NONE, 0),
			NEXT(DISCONNECTING, DISCONNECT)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_turn_begins_nothing_while_paused_or_stuck_or_busy(void **state)
{
	static const struct decide_case cases[] = {
		{TURN(PAUSED, UP, CONNECTED, THERE, NONE, 0),
			NEXT(CONNECTED, NONE)},
		{TURN(PAUSED, UP, BACKOFF, GONE, NONE, 0), NEXT(BACKOFF, NONE)},
		{TURN(SERVER, UP, UNRESPONSIVE, THERE, NONE, BIT(PROBE)),
			NEXT(UNRESPONSIVE, NONE)},
		{TURN(SERVER, UP, BACKOFF, GONE, NONE, BIT(CONNECT)),
			NEXT(STUCK, NONE)},
		{TURN(SERVER, UP, CONNECTING, GONE, CONNECT, 0),
			NEXT(CONNECTING, NONE)},
		{TURN(SERVER, DOWN, REGISTERED, GONE, NONE, 0),
			NEXT(REGISTERED, NONE)},
	};

	check(cases, ARRAY_SIZE(cases));
}

static void
a_probe_that_asks_no_server_waits_for_a_pause_alone(void **state)
{
	struct situation situation =
		HELD(SERVER, UP, CONNECTED, THERE, NONE, DUE);

	situation.has_instant_probe = true;
	assert_int_equal(decide(&situation).start, OPERATION_PROBE);
	situation.hold = HOLD_PAUSED;
	assert_int_equal(decide(&situation).start, OPERATION_NONE);
	assert_int_equal(decide(&situation).state, TARGET_CONNECTED);
}

static void
a_disconnect_that_may_be_broken_off_is_when_it_is_wanted_up(void **state)
{
	struct situation situation =
		IS(UP, LINGERING, THERE, DISCONNECT, 0, LATER);

	assert_false(decide(&situation).is_kill);
	situation.is_breakable = true;
	assert_true(decide(&situation).is_kill);
	situation.wanted = WANTED_DOWN;
	assert_false(decide(&situation).is_kill);
}

struct verdict_case {
	struct situation situation;
	struct ending ending;
	struct verdict verdict;
};

#define ENDED(operation, error)                                                \
	{                                                                      \
		OPERATION_##operation, ERR_##error, false                      \
	}
#define CANCELLED(operation)                                                   \
	{                                                                      \
		OPERATION_##operation, ERR_NONE, true                          \
	}
#define THEN(state, pace)                                                      \
	{                                                                      \
		TARGET_##state, PACE_##pace                                    \
	}

static void
check_verdicts(const struct verdict_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct verdict found =
			decide_after(&cases[i].situation, &cases[i].ending);

		if (found.state != cases[i].verdict.state ||
			found.pace != cases[i].verdict.pace)
			fail_msg("case %zu: %s, pace %d", i,
				target_state_word(found.state), found.pace);
	}
}

static void
an_attempt_leads_to_connected_backoff_or_blocked(void **state)
{
	static const struct verdict_case cases[] = {
		{IS(UP, CONNECTING, THERE, NONE, 0, DUE), ENDED(CONNECT, NONE),
			THEN(CONNECTED, FIRST_PROBE)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, VANISHED), THEN(BACKOFF, BACKOFF)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, TIMED_OUT), THEN(BACKOFF, BACKOFF)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, UNREACHABLE), THEN(BACKOFF, BACKOFF)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, NAME_LOOKUP), THEN(BACKOFF, BACKOFF)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE), ENDED(CONNECT, STALE),
			THEN(BACKOFF, BACKOFF)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, INTERNAL), THEN(BACKOFF, BACKOFF)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, ACCESS_DENIED), THEN(BLOCKED, BLOCKED)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, NOT_FOUND), THEN(BLOCKED, BLOCKED)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, UNSUPPORTED), THEN(BLOCKED, BLOCKED)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, AUTH_FAILED), THEN(BLOCKED, BLOCKED)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE),
			ENDED(CONNECT, MOUNT_FAILED), THEN(BLOCKED, BLOCKED)},
	};

	check_verdicts(cases, ARRAY_SIZE(cases));
}

static void
a_mount_that_comes_too_late_is_looked_at_at_once(void **state)
{
	static const struct verdict_case cases[] = {
		{IS(UP, CONNECTING, THERE, NONE, 0, DUE),
			ENDED(CONNECT, TIMED_OUT), THEN(BACKOFF, NOW)},
		{IS(UP, CONNECTING, THERE, NONE, 0, DUE), CANCELLED(CONNECT),
			THEN(BACKOFF, NOW)},
		{IS(UP, CONNECTING, GONE, NONE, 0, DUE), CANCELLED(CONNECT),
			THEN(BACKOFF, NOW)},
	};

	check_verdicts(cases, ARRAY_SIZE(cases));
}

static void
an_attempt_for_a_wish_that_has_passed_decides_nothing(void **state)
{
	static const struct verdict_case cases[] = {
		{IS(DOWN, CONNECTING, THERE, NONE, 0, DUE),
			ENDED(CONNECT, NONE), THEN(CONNECTING, NOW)},
		{IS(DOWN, CONNECTING, GONE, NONE, 0, DUE), CANCELLED(CONNECT),
			THEN(CONNECTING, NOW)},
		{IS(DOWN, CONNECTED, THERE, NONE, 0, DUE), CANCELLED(PROBE),
			THEN(CONNECTED, NOW)},
		{IS(UP, DISCONNECTING, THERE, NONE, 0, DUE),
			ENDED(DISCONNECT, BUSY), THEN(DISCONNECTING, NOW)},
	};

	check_verdicts(cases, ARRAY_SIZE(cases));
}

static void
a_probe_tells_connected_stale_and_unresponsive_apart(void **state)
{
	static const struct verdict_case cases[] = {
		{IS(UP, CONNECTED, THERE, NONE, 0, DUE), ENDED(PROBE, NONE),
			THEN(CONNECTED, PROBE)},
		{IS(UP, REGISTERED, THERE, NONE, 0, DUE), ENDED(PROBE, NONE),
			THEN(CONNECTED, FIRST_PROBE)},
		{IS(UP, UNRESPONSIVE, THERE, NONE, 0, DUE), ENDED(PROBE, NONE),
			THEN(CONNECTED, FIRST_PROBE)},
		{IS(UP, CONNECTED, THERE, NONE, 0, DUE), ENDED(PROBE, STALE),
			THEN(STALE, NOW)},
		{IS(UP, CONNECTED, THERE, NONE, 0, DUE),
			ENDED(PROBE, TIMED_OUT),
			THEN(UNRESPONSIVE, PROBE_SOON)},
		{IS(UP, CONNECTED, THERE, NONE, 0, DUE), ENDED(PROBE, IO),
			THEN(UNRESPONSIVE, PROBE_SOON)},
		{IS(UP, CONNECTED, THERE, NONE, 0, DUE), ENDED(PROBE, VANISHED),
			THEN(UNRESPONSIVE, PROBE_SOON)},
		{IS(UP, CONNECTED, GONE, NONE, 0, DUE), ENDED(PROBE, VANISHED),
			THEN(CONNECTED, NOW)},
	};

	check_verdicts(cases, ARRAY_SIZE(cases));
}

static void
a_probe_that_could_not_be_made_says_nothing(void **state)
{
	static const struct verdict_case cases[] = {
		{IS(UP, CONNECTED, THERE, NONE, 0, DUE), ENDED(PROBE, INTERNAL),
			THEN(CONNECTED, PROBE_SOON)},
		{IS(UP, REGISTERED, THERE, NONE, 0, DUE),
			ENDED(PROBE, INTERNAL), THEN(UNRESPONSIVE, PROBE_SOON)},
	};

	check_verdicts(cases, ARRAY_SIZE(cases));
}

static void
a_failed_unmount_lingers(void **state)
{
	static const struct verdict_case cases[] = {
		{IS(DOWN, DISCONNECTING, THERE, NONE, 0, DUE),
			ENDED(DISCONNECT, BUSY), THEN(LINGERING, LINGER)},
		{IS(DOWN, LINGERING, THERE, NONE, 0, DUE),
			ENDED(DISCONNECT, TIMED_OUT), THEN(LINGERING, LINGER)},
		{IS(DOWN, LINGERING, THERE, NONE, 0, DUE),
			ENDED(DISCONNECT, NONE), THEN(LINGERING, NOW)},
		{IS(DOWN, DISCONNECTING, GONE, NONE, 0, DUE),
			ENDED(DISCONNECT, BUSY), THEN(DISCONNECTING, NOW)},
		{IS(UP, STALE, THERE, NONE, 0, DUE), ENDED(DETACH, STALE),
			THEN(STALE, DETACH)},
		{IS(UP, STALE, GONE, NONE, 0, DUE), ENDED(DETACH, NONE),
			THEN(STALE, NOW)},
		/* It lay on top of another. */
		{IS(UP, STALE, THERE, NONE, 0, DUE), ENDED(DETACH, NONE),
			THEN(UNRESPONSIVE, NOW)},
		{IS(DOWN, STALE, THERE, NONE, 0, DUE), ENDED(DETACH, NONE),
			THEN(STALE, NOW)},
	};

	check_verdicts(cases, ARRAY_SIZE(cases));
}

static const unsigned mount_changing =
	BIT(CONNECT) | BIT(DETACH) | BIT(DISCONNECT);

static void
for_each_hold(const struct situation *like,
	void (*check_one)(const struct situation *situation))
{
	struct situation situation = *like;

	for (unsigned hold = HOLD_NONE + 1; hold < HOLD_COUNT; hold++)
		for (unsigned rest = 0; rest < 4; rest++) {
			situation.hold = (enum hold)hold;
			situation.has_turn = rest & 1;
			situation.is_breakable = rest & 2;
			check_one(&situation);
			situation.awaits_clearance = false;
			situation.hands_over = situation.has_traces = false;
			check_one(&situation);
		}
}

/* All that can be, by the way the worker goes: calls check for each. */
static void
for_each_situation(void (*check_one)(const struct situation *situation))
{
	enum {
		FIELDS = 2 * 2 * 2 * 16
	};

	for (unsigned at = 0; at < TARGET_STATE_COUNT; at++)
		for (unsigned op = 0; op < OPERATION_COUNT; op++)
			for (unsigned rest = 0; rest < FIELDS; rest++) {
				struct situation situation = {
					.state = (enum target_state)at,
					.running = (enum operation)op,
					.wanted = rest & 1 ? WANTED_DOWN
							   : WANTED_UP,
					.has_object = rest & 2,
					.is_due = rest & 4,
					.stuck = (rest >> 3) << 1,
				};

				check_one(&situation);
				situation.awaits_clearance = true;
				check_one(&situation);
				situation.hands_over = true;
				situation.has_traces = true;
				check_one(&situation);
				for_each_hold(&situation, check_one);
			}
}

static void
check_step(const struct situation *situation)
{
	struct decision decision = decide(situation);
	bool is_between = situation->state == TARGET_CONNECTING &&
			  situation->running == OPERATION_NONE;

	/* An attempt that has ended has left this state, unless it is to be
	 * taken down. */
	if (is_between && situation->wanted == WANTED_UP)
		return;
	if (decision.state != situation->state)
		assert_true(
			target_may_become(situation->state, decision.state));
	if (decision.start == OPERATION_NONE)
		return;
	assert_int_equal(situation->running, OPERATION_NONE);
	assert_false(situation->stuck & 1u << decision.start);
	assert_false(decision.is_kill);
	assert_false(situation->stuck & mount_changing);
	/* Who is held begins nothing, but in its turn. */
	assert_true(situation->hold == HOLD_NONE ||
		    (situation->hold == HOLD_SERVER && situation->has_turn));
}

static void
no_decision_leaves_the_path_or_starts_a_second_operation(void **state)
{
	for_each_situation(check_step);
}

/* Which operation may end in which state. */
static bool
may_end_in(enum operation operation, enum target_state state)
{
	switch (operation) {
	case OPERATION_CONNECT:
		return state == TARGET_CONNECTING;
	case OPERATION_PROBE:
		return state != TARGET_CONNECTING;
	case OPERATION_DETACH:
		return state == TARGET_STALE;
	case OPERATION_DISCONNECT:
		return state == TARGET_DISCONNECTING ||
		       state == TARGET_LINGERING;
	case OPERATION_TRIAL: /* it ends in no state */
	case OPERATION_NONE:
	case OPERATION_COUNT:
		break;
	}
	return false;
}

static void
check_ends(const struct situation *situation)
{
	for (unsigned op = 1; op < OPERATION_COUNT; op++)
		for (unsigned error = 0; error < ERR_COUNT; error++) {
			struct ending ending = {(enum operation)op,
				(enum err_code)error, false};
			struct verdict verdict;

			if (situation->running != OPERATION_NONE ||
				!may_end_in(ending.operation, situation->state))
				continue;
			verdict = decide_after(situation, &ending);
			if (verdict.state != situation->state)
				assert_true(target_may_become(
					situation->state, verdict.state));
		}
}

static void
no_verdict_leaves_the_path(void **state)
{
	for_each_situation(check_ends);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_down_and_wanted_is_connected),
		cmocka_unit_test(a_failed_attempt_is_repeated_when_it_is_due),
		cmocka_unit_test(a_mount_that_is_found_is_probed_at_once),
		cmocka_unit_test(
			a_mount_that_is_known_is_probed_when_it_is_due),
		cmocka_unit_test(
			a_stuck_probe_is_not_replaced_and_nothing_is_torn_down),
		cmocka_unit_test(a_stale_mount_is_detached),
		cmocka_unit_test(what_is_under_way_is_left_alone),
		cmocka_unit_test(a_change_of_mind_kills_what_is_in_its_way),
		cmocka_unit_test(what_is_up_and_not_wanted_is_disconnected),
		cmocka_unit_test(
			what_may_have_users_waits_until_they_are_looked_for),
		cmocka_unit_test(
			an_attempt_that_goes_on_elsewhere_is_left_to_its_end),
		cmocka_unit_test(traces_are_removed_before_it_is_registered),
		cmocka_unit_test(what_is_down_and_not_wanted_is_registered),
		cmocka_unit_test(a_stuck_change_of_the_mount_stops_everything),
		cmocka_unit_test(a_server_that_holds_lets_nothing_begin),
		cmocka_unit_test(a_pause_lets_nothing_begin_and_doubts_nothing),
		cmocka_unit_test(
			what_runs_when_the_hold_comes_is_left_to_its_end),
		cmocka_unit_test(
			a_turn_begins_what_is_due_next_though_it_is_not_due),
		cmocka_unit_test(
			a_turn_begins_nothing_while_paused_or_stuck_or_busy),
		cmocka_unit_test(
			a_probe_that_asks_no_server_waits_for_a_pause_alone),
		cmocka_unit_test(
			a_disconnect_that_may_be_broken_off_is_when_it_is_wanted_up),
		cmocka_unit_test(
			an_attempt_leads_to_connected_backoff_or_blocked),
		cmocka_unit_test(
			a_mount_that_comes_too_late_is_looked_at_at_once),
		cmocka_unit_test(
			an_attempt_for_a_wish_that_has_passed_decides_nothing),
		cmocka_unit_test(
			a_probe_tells_connected_stale_and_unresponsive_apart),
		cmocka_unit_test(a_probe_that_could_not_be_made_says_nothing),
		cmocka_unit_test(a_failed_unmount_lingers),
		cmocka_unit_test(
			no_decision_leaves_the_path_or_starts_a_second_operation),
		cmocka_unit_test(no_verdict_leaves_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
