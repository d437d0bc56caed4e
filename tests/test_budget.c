/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_budget.c - how long until an error; options that are not as asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/guard.h"
#include "supervisor/budget.h"
#include "supervisor/mounts.h"

static void
soft_mounts_give_up_after_timeo_times_retrans_plus_one(void **state)
{
	static const struct {
		const char *options;
		uint64_t deciseconds;
	} cases[] = {
		/* Measured in a lab kernel: 4.02 s. */
		{"rw,soft,timeo=20,retrans=1", 40},
		{"rw,softerr,timeo=100,retrans=3", 400},
		{"softerr,timeo=10,retrans=0", 10},
		/* The kernel's own, where nothing is shown. */
		{"soft", 1800},
		{"soft,timeo=600,retrans=2", 1800},
		{"soft,timeo=6000,retrans=30", 6000},
		{"soft,timeo=1,retrans=6000", 6000},
		{"soft,timeo=18446744073709551615,retrans=3", 6000},
		{"soft,timeo=3,retrans=18446744073709551615", 6000},
		{"soft,timeo=,retrans=", 1800},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(budget_nfs(cases[i].options).duration_us,
			cases[i].deciseconds * (US_PER_SEC / 10));
}

static void
a_hard_mount_never_gives_up(void **state)
{
	static const char *const options[] = {
		"hard,timeo=100,retrans=3", "", "rw,vers=4.2"};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		struct budget budget = budget_nfs(options[i]);

		assert_int_equal(budget.duration_us, 0);
		assert_memory_equal(budget.text, "never", strlen("never"));
	}
}

static void
the_text_names_what_it_was_computed_from(void **state)
{
	assert_string_equal(budget_nfs("softerr,timeo=105,retrans=2").text,
		"an error after 31.5 s without an answer (softerr, timeo=105 "
		"tenths of a second, retrans=2)");
}

static void
iscsi_waits_for_a_ping_and_for_recovery(void **state)
{
	assert_int_equal(
		budget_iscsi(true, 5, 5, 120).duration_us, 130 * US_PER_SEC);
	assert_int_equal(budget_iscsi(false, 5, 5, 120).duration_us, 0);
}

static char seen[512];

static void
note(const struct option_difference *difference, void *data)
{
	size_t len = strlen(seen);

	(void)snprintf(seen + len, sizeof(seen) - len, "%s:%s>%s ",
		difference->name, difference->requested, difference->effective);
}

static const char *
compare(const char *requested, const char *effective)
{
	seen[0] = '\0';
	mounts_compare(requested, effective, note, NULL);
	return seen;
}

static void
what_is_as_asked_for_is_no_difference(void **state)
{
	assert_string_equal(
		compare("nosuid,nodev,softerr,timeo=100,retrans=3,nosharecache",
			"rw,nosuid,nodev,relatime,rw,vers=4.2,rsize=1048576,"
			"softerr,nosharecache,proto=tcp,timeo=100,retrans=3"),
		"");
	assert_string_equal(compare("", "rw,vers=4.2"), "");
}

static void
what_is_otherwise_is_told(void **state)
{
	assert_string_equal(compare("timeo=100,rsize=1048576,hard",
				    "timeo=50,rsize=65536,soft"),
		"timeo:100>50 rsize:1048576>65536 hard:hard> ");
}

static void
what_the_kernel_never_shows_is_no_difference(void **state)
{
	assert_string_equal(compare("port=2049,nolock", "rw"), "");
	assert_string_equal(
		compare("port=2049", "rw,port=2050"), "port:2049>2050 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			soft_mounts_give_up_after_timeo_times_retrans_plus_one),
		cmocka_unit_test(a_hard_mount_never_gives_up),
		cmocka_unit_test(the_text_names_what_it_was_computed_from),
		cmocka_unit_test(iscsi_waits_for_a_ping_and_for_recovery),
		cmocka_unit_test(what_is_as_asked_for_is_no_difference),
		cmocka_unit_test(what_is_otherwise_is_told),
		cmocka_unit_test(what_the_kernel_never_shows_is_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
