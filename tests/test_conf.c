/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_conf.c - holdfast.conf: what is taken and what stops the start.
 *
 * Runs in: the build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "supervisor/conf.h"

static int
read_text(const char *text, struct conf *conf, struct err *err)
{
	char path[] = "/tmp/holdfast-conf-XXXXXX";
	int fd = mkstemp(path);
	int result;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	result = conf_read(path, true, conf, err);
	(void)unlink(path);
	return result;
}

static void
a_missing_file_gives_the_defaults(void **state)
{
	struct conf conf;
	struct err err;

	assert_int_equal(conf_read("/nonexistent/conf", false, &conf, &err), 0);
	assert_int_equal(conf.probe_interval_ms, 10000);
	assert_string_equal(conf.run_dir, "/run/holdfast");
	assert_string_equal(conf.state_dir, "/var/lib/holdfast");
}

static void
a_missing_file_that_was_named_stops_the_start(void **state)
{
	struct conf conf;
	struct err err;

	assert_true(conf_read("/nonexistent/conf", true, &conf, &err) < 0);
	assert_non_null(strstr(err.text, "/nonexistent/conf"));
}

static void
settings_are_taken_from_their_sections(void **state)
{
	struct conf conf;
	struct err err;

	assert_int_equal(read_text("# a comment\n[probe]\ninterval_ms = 250\n"
				   "deadline_ms=200\n[paths]\n"
				   "run_dir = /run/other\n",
				 &conf, &err),
		0);
	assert_int_equal(conf.probe_interval_ms, 250);
	assert_int_equal(conf.probe_deadline_ms, 200);
	assert_string_equal(conf.run_dir, "/run/other");
	assert_int_equal(conf.retry_max_ms, 30000);
}

static const struct {
	const char *file;
	const char *part; /* of the error's text */
} refused[] = {
	{"[probe]\ninterval = 5\n", "no such setting"},
	{"[prode]\ninterval_ms = 5000\n", "no such setting"},
	{"interval_ms = 5000\n", "no such setting"},
	{"[probe]\ninterval_ms = 5000\ninterval_ms = 6000\n", "twice"},
	{"[probe]\ninterval_ms = 99\n", "from 100 to 3600000"},
	{"[probe]\ninterval_ms = 3600001\n", "from 100 to 3600000"},
	{"[probe]\ninterval_ms = -1\n", "no number"},
	{"[probe]\ninterval_ms = 10s\n", "no number"},
	{"[probe]\ninterval_ms =\n", "no number"},
	{"[probe]\ninterval_ms = 99999999999999999999\n", "no number"},
	{"[paths]\nrun_dir = run/holdfast\n", "no absolute path"},
	{"[paths]\nrun_dir =\n", "empty"},
	{"[retry]\nmin_ms = 5000\nmax_ms = 1000\n", "more than max_ms"},
	{"[probe]\nnonsense\n", "line 2"},
};

static void
what_is_wrong_stops_the_start_and_is_named(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct conf conf = {.clients_max = 77};
		struct err err = {0};

		if (read_text(refused[i].file, &conf, &err) >= 0)
			fail_msg("taken: %s", refused[i].file);
		if (!strstr(err.text, refused[i].part))
			fail_msg("%s: %s", refused[i].file, err.text);
		assert_int_equal(err.code, ERR_BAD_OPTION);
		/* Untouched on failure. */
		assert_int_equal(conf.clients_max, 77);
	}
}

static void
an_over_long_path_is_refused(void **state)
{
	char file[256];
	struct conf conf;
	struct err err;

	(void)snprintf(file, sizeof(file), "[paths]\nrun_dir = /%0100d\n", 0);
	assert_true(read_text(file, &conf, &err) < 0);
	assert_non_null(strstr(err.text, "too long"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_file_gives_the_defaults),
		cmocka_unit_test(a_missing_file_that_was_named_stops_the_start),
		cmocka_unit_test(settings_are_taken_from_their_sections),
		cmocka_unit_test(what_is_wrong_stops_the_start_and_is_named),
		cmocka_unit_test(an_over_long_path_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
