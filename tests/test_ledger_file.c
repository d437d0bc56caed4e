/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_ledger_file.c - lines of the ledger, and of /proc/PID/stat.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "supervisor/ledger_private.h"
#include "supervisor/process.h"

static int
parse(const char *line, struct ledger_entry *ret_facts)
{
	static char uri[LEDGER_URI_MAX + 1];

	return ledger_parse_line(line, ret_facts, uri);
}

static void
a_line_has_all_that_was_written(void **state)
{
	struct ledger_entry facts;

	assert_int_equal(
		parse("12 345 disconnect 1790000000000000 nfs://nas1/a%20b",
			&facts),
		0);
	assert_int_equal(facts.pid, 12);
	assert_int_equal(facts.started, 345);
	assert_int_equal(facts.operation, OPERATION_DISCONNECT);
	assert_int_equal(facts.since_us, 1790000000000000);
	assert_string_equal(facts.uri, "nfs://nas1/a%20b");
}

static void
a_line_that_is_not_exactly_so_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"12",
		"12 345 probe 1",
		"12 345 probe 1 ",
		"0 345 probe 1 nfs://h/e",
		"-1 345 probe 1 nfs://h/e",
		"+1 345 probe 1 nfs://h/e",
		" 1 345 probe 1 nfs://h/e",
		"2147483648 345 probe 1 nfs://h/e",
		"12 99999999999999999999 probe 1 nfs://h/e",
		"12 345 none 1 nfs://h/e",
		"12 345 probes 1 nfs://h/e",
		"12 345 prob 1 nfs://h/e",
		"12 345 probe 9007199254740992 nfs://h/e",
		"12 345 probe 1 nfs://h/e/",
		"12 345 probe 1 NFS://h/e",
		"12 345 probe 1 nfs://h/e more",
		"12 345 probe 1  nfs://h/e",
		"12 345 probe 1 file:///etc",
	};
	struct ledger_entry facts;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(parse(lines[i], &facts), -EBADMSG);
}

static void
start_time_and_session_are_found_behind_any_name(void **state)
{
	struct process_facts facts;

	assert_int_equal(
		process_parse_stat("12 (a) b) S) D 1 2 77 4 5 6 7 8 9 10 11 12 "
				   "13 14 15 16 17 18 4711 20 21",
			&facts),
		0);
	assert_int_equal(facts.started, 4711);
	assert_int_equal(facts.session, 77);
}

static void
a_zombie_has_ended(void **state)
{
	struct process_facts facts;

	assert_int_equal(
		process_parse_stat("12 (x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 "
				   "15 16 17 18 4711 20",
			&facts),
		-ESRCH);
}

static void
what_is_no_stat_line_is_refused(void **state)
{
	static const char *const texts[] = {"", "12", "12 (x)", "12 (x) ",
		"12 (x) S", "12 (x) S 1 2 3",
		"12 (x) S 1 2 x 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
		"12 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x 20"};
	struct process_facts facts;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(
			process_parse_stat(texts[i], &facts), -EBADMSG);
}

static void
this_process_started_some_time_and_has_its_own_number(void **state)
{
	struct process_facts facts;

	assert_int_equal(process_read(getpid(), &facts), 0);
	assert_true(facts.started > 0);
	assert_int_equal(facts.session, getsid(0));
	/* It is in no PID namespace of its own. */
	assert_int_equal(process_host_number(getpid(), 4711), 0);
	assert_int_equal(process_open(0), -ESRCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_all_that_was_written),
		cmocka_unit_test(a_line_that_is_not_exactly_so_is_refused),
		cmocka_unit_test(
			start_time_and_session_are_found_behind_any_name),
		cmocka_unit_test(a_zombie_has_ended),
		cmocka_unit_test(what_is_no_stat_line_is_refused),
		cmocka_unit_test(
			this_process_started_some_time_and_has_its_own_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
