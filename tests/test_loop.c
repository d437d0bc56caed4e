/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_loop.c - the event loop, in a time of its own.
 *
 * Runs in: the build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/loop.h"

/* In place of common/clock.c. The timerfd of the loop still follows the
 * kernel's clock, so turns here never wait for it: they wait 0 ms. */
static uint64_t now_us;

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

enum {
	TIMERS = 500
};

struct fixture {
	struct loop *loop;
	struct loop_timer timers[TIMERS];
	uint64_t last_due_us;
	int calls;
};

static struct fixture fixture;

static int
set_up(void **state)
{
	fixture = (struct fixture){0};
	now_us = 1000;
	return loop_new(&fixture.loop);
}

static int
tear_down(void **state)
{
	loop_free(fixture.loop);
	return 0;
}

static uint64_t due_of[TIMERS];

static void
on_due(struct loop_timer *timer)
{
	uint64_t due_us = due_of[timer - fixture.timers];

	assert_true(due_us >= fixture.last_due_us);
	assert_true(due_us <= now_us);
	fixture.last_due_us = due_us;
	fixture.calls++;
}

static void
turn(void)
{
	loop_hurry(fixture.loop);
	assert_int_equal(loop_turn(fixture.loop, 0), 0);
}

static void
timers_fire_in_the_order_in_which_they_are_due(void **state)
{
	srandom(1);
	for (int i = 0; i < TIMERS; i++) {
		due_of[i] = 2000 + (uint64_t)random() % 1000;
		fixture.timers[i].on_due = on_due;
		assert_int_equal(
			loop_arm(fixture.loop, &fixture.timers[i], due_of[i]),
			0);
	}
	turn();
	assert_int_equal(fixture.calls, 0);
	now_us = 3000;
	turn();
	assert_int_equal(fixture.calls, TIMERS);
}

static void
a_timer_that_was_disarmed_does_not_fire(void **state)
{
	for (int i = 0; i < TIMERS; i++) {
		due_of[i] = 2000 + (uint64_t)((i * 37) % TIMERS);
		fixture.timers[i].on_due = on_due;
		(void)loop_arm(fixture.loop, &fixture.timers[i], due_of[i]);
	}
	for (int i = 0; i < TIMERS; i += 2)
		loop_disarm(fixture.loop, &fixture.timers[i]);
	now_us = 5000;
	turn();
	assert_int_equal(fixture.calls, TIMERS / 2);
}

static void
arming_an_armed_timer_moves_it(void **state)
{
	fixture.timers[0].on_due = on_due;
	(void)loop_arm(fixture.loop, &fixture.timers[0], 1500);
	due_of[0] = 4000;
	(void)loop_arm(fixture.loop, &fixture.timers[0], 4000);
	now_us = 2000;
	turn();
	assert_int_equal(fixture.calls, 0);
	now_us = 4000;
	turn();
	assert_int_equal(fixture.calls, 1);
}

static void
rearm_for_now(struct loop_timer *timer)
{
	fixture.calls++;
	(void)loop_arm(fixture.loop, timer, now_us);
}

static void
a_timer_that_arms_itself_for_now_waits_for_the_next_turn(void **state)
{
	fixture.timers[0].on_due = rearm_for_now;
	(void)loop_arm(fixture.loop, &fixture.timers[0], 500);
	turn();
	assert_int_equal(fixture.calls, 1);
	turn();
	assert_int_equal(fixture.calls, 2);
}

static struct loop_source sources[2];

static void
forget_both(struct loop_source *source, uint32_t events)
{
	fixture.calls++;
	loop_forget(fixture.loop, &sources[0]);
	loop_forget(fixture.loop, &sources[1]);
}

static void
a_source_that_is_forgotten_in_a_turn_is_not_called_in_it(void **state)
{
	int pipes[2][2];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
		sources[i] = (struct loop_source){.fd = pipes[i][0],
			.events = EPOLLIN,
			.on_event = forget_both};
		assert_int_equal(loop_watch(fixture.loop, &sources[i]), 0);
	}
	turn();
	assert_int_equal(fixture.calls, 1);
	for (int i = 0; i < 4; i++)
		(void)close(pipes[i / 2][i % 2]);
}

static void
count_turn(void *data)
{
	(*(int *)data)++;
}

static void
the_end_of_a_turn_comes_once_after_its_events(void **state)
{
	int turns = 0;

	loop_on_turn_end(fixture.loop, count_turn, &turns);
	turn();
	turn();
	assert_int_equal(turns, 2);
}

int
main(void)
{
#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(timers_fire_in_the_order_in_which_they_are_due),
		TEST(a_timer_that_was_disarmed_does_not_fire),
		TEST(arming_an_armed_timer_moves_it),
		TEST(a_timer_that_arms_itself_for_now_waits_for_the_next_turn),
		TEST(a_source_that_is_forgotten_in_a_turn_is_not_called_in_it),
		TEST(the_end_of_a_turn_comes_once_after_its_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
