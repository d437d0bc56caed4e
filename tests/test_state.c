/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_state.c - words of the states, and the paths between them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proto/state.h"

static const char *
word_of_state(unsigned value)
{
	return target_state_word((enum target_state)value);
}

static const char *
word_of_wanted(unsigned value)
{
	return wanted_word((enum wanted)value);
}

static const char *
word_of_operation(unsigned value)
{
	return operation_word((enum operation)value);
}

static void
assert_words(const char *(*word)(unsigned), unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_non_null(word(i));
		assert_true(word(i)[0]);
		assert_int_equal(strspn(word(i), "abcdefghijklmnopqrstuvwxyz"),
			strlen(word(i)));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(word(i), word(j));
	}
}

static void
each_word_stands_for_one_value(void **state)
{
	assert_words(word_of_state, TARGET_STATE_COUNT);
	assert_words(word_of_wanted, WANTED_COUNT);
	assert_words(word_of_operation, OPERATION_COUNT);
}

static void
no_state_is_called_what_others_connections_are_called(void **state)
{
	for (unsigned i = 0; i < TARGET_STATE_COUNT; i++)
		assert_string_not_equal(word_of_state(i), "unmanaged");
}

static void
no_state_leads_to_itself(void **state)
{
	for (unsigned i = 0; i < TARGET_STATE_COUNT; i++)
		assert_false(target_may_become(
			(enum target_state)i, (enum target_state)i));
}

/* The states that can be reached from one, as bits. */
static unsigned
reachable_from(enum target_state start)
{
	unsigned reached = 1u << start;
	unsigned before;

	do {
		before = reached;
		for (unsigned from = 0; from < TARGET_STATE_COUNT; from++)
			for (unsigned to = 0; to < TARGET_STATE_COUNT; to++)
				if ((reached & 1u << from) &&
					target_may_become(
						(enum target_state)from,
						(enum target_state)to))
					reached |= 1u << to;
	} while (reached != before);
	return reached;
}

static void
every_state_is_reached_from_registered(void **state)
{
	assert_int_equal(reachable_from(TARGET_REGISTERED),
		(1u << TARGET_STATE_COUNT) - 1);
}

static void
every_state_leads_back_to_registered_and_to_connected(void **state)
{
	for (unsigned i = 0; i < TARGET_STATE_COUNT; i++) {
		unsigned reached = reachable_from((enum target_state)i);

		assert_true(reached & 1u << TARGET_REGISTERED);
		assert_true(reached & 1u << TARGET_CONNECTED);
	}
}

/* Whatever goes on can hang; only what is stuck cannot get stuck. */
static void
every_other_state_may_get_stuck(void **state)
{
	for (unsigned i = 0; i < TARGET_STATE_COUNT; i++)
		assert_int_equal(
			target_may_become((enum target_state)i, TARGET_STUCK),
			i != TARGET_STUCK);
}

/* Whatever is held and has lost its object waits in BACKOFF. */
static void
only_an_attempt_ends_in_blocked_and_any_state_in_backoff(void **state)
{
	for (unsigned i = 0; i < TARGET_STATE_COUNT; i++) {
		enum target_state from = (enum target_state)i;
		bool may = from == TARGET_CONNECTING || from == TARGET_STUCK;

		assert_int_equal(target_may_become(from, TARGET_BLOCKED), may);
		assert_int_equal(target_may_become(from, TARGET_BACKOFF),
			from != TARGET_BACKOFF && from != TARGET_BLOCKED);
	}
}

static void
only_a_disconnect_leaves_a_connection_lingering(void **state)
{
	for (unsigned i = 0; i < TARGET_STATE_COUNT; i++)
		assert_int_equal(target_may_become((enum target_state)i,
					 TARGET_LINGERING),
			i == TARGET_DISCONNECTING || i == TARGET_STUCK);
}

static void
a_lingering_connection_can_be_taken_back(void **state)
{
	assert_true(target_may_become(TARGET_LINGERING, TARGET_CONNECTED));
	assert_true(target_may_become(TARGET_DISCONNECTING, TARGET_CONNECTED));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_stands_for_one_value),
		cmocka_unit_test(
			no_state_is_called_what_others_connections_are_called),
		cmocka_unit_test(no_state_leads_to_itself),
		cmocka_unit_test(every_state_is_reached_from_registered),
		cmocka_unit_test(
			every_state_leads_back_to_registered_and_to_connected),
		cmocka_unit_test(every_other_state_may_get_stuck),
		cmocka_unit_test(
			only_an_attempt_ends_in_blocked_and_any_state_in_backoff),
		cmocka_unit_test(
			only_a_disconnect_leaves_a_connection_lingering),
		cmocka_unit_test(a_lingering_connection_can_be_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
