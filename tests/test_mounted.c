/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_mounted.c - mount points, and errors of mount(2) in words. No root.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/backend.h"

static char dir[] = "/tmp/test_mounted.XXXXXX";
static struct backend_target target = {.source = "nas1:/vms"};

static int
set_up(void **state)
{
	struct err err;

	if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("point", 0755) < 0 ||
		symlink("point", "link") < 0)
		return -1;
	return mount_point_open(&target.point, dir, "point", &err);
}

static int
tear_down(void **state)
{
	guard_close(&target.point.dirfd);
	(void)unlink("link");
	(void)rmdir("point");
	return rmdir(dir);
}

static void
each_errno_of_mount_has_its_code(void **state)
{
	static const struct {
		int errnum;
		enum err_code code;
	} cases[] = {
		{ECONNREFUSED, ERR_UNREACHABLE},
		{EHOSTUNREACH, ERR_UNREACHABLE},
		{ENETUNREACH, ERR_UNREACHABLE},
		{EHOSTDOWN, ERR_UNREACHABLE},
		{ECONNRESET, ERR_UNREACHABLE},
		{ETIMEDOUT, ERR_TIMED_OUT},
		{EACCES, ERR_ACCESS_DENIED},
		{EPERM, ERR_ACCESS_DENIED},
		{ENOENT, ERR_NOT_FOUND},
		{EINVAL, ERR_UNSUPPORTED},
		{EPROTONOSUPPORT, ERR_UNSUPPORTED},
		{ENODEV, ERR_UNSUPPORTED},
		{ESTALE, ERR_STALE},
		{EIO, ERR_IO},
		{ENOMEM, ERR_MOUNT_FAILED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err;

		assert_int_equal(mounted_fail(&target, cases[i].errnum, &err),
			-cases[i].errnum);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.errnum, cases[i].errnum);
		assert_memory_equal(err.text, "nas1:/vms: ", 11);
		assert_true(strlen(err.text) < ERR_TEXT_MAX - 100);
	}
}

static void
a_long_export_leaves_room_for_the_reason(void **state)
{
	struct backend_target far = target;
	char source[1200];
	struct err err;

	memset(source, 'x', sizeof(source) - 1);
	source[sizeof(source) - 1] = '\0';
	far.source = source;
	(void)mounted_fail(&far, ESTALE, &err);
	assert_non_null(strstr(err.text, "no longer knows the directory"));
}

static void
a_missing_mount_point_is_not_a_missing_export(void **state)
{
	struct backend_target gone = target;
	struct err err;

	gone.point.name = "gone";
	assert_int_equal(mounted_fail(&gone, ENOENT, &err), -ENOENT);
	assert_int_equal(err.code, ERR_MOUNT_FAILED);
}

static void
a_plain_directory_is_not_mounted(void **state)
{
	uint64_t id = 1;
	struct err err;

	assert_int_equal(mount_look(&target.point, &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(mounted_probe(&target, 0, &err), -ENOENT);
	assert_int_equal(err.code, ERR_VANISHED);
}

static void
what_cannot_be_looked_at_is_left_unsaid(void **state)
{
	struct mount_point gone = target.point;
	uint64_t id = 1;

	gone.name = "gone";
	assert_int_equal(mount_look(&gone, &id), -ENOENT);
	assert_int_equal(id, 1);
}

static void
no_symlink_and_no_way_out_is_taken(void **state)
{
	static const struct mount_request request = {.type = "tmpfs"};
	static const struct {
		const char *name;
		int errnum;
	} cases[] = {
		{"link", ENOTDIR},
		{"..", EXDEV},
		{"/", EXDEV},
		{"gone", ENOENT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mount_point point = target.point;

		point.name = cases[i].name;
		assert_int_equal(
			mount_make(&point, &request), -cases[i].errnum);
		assert_int_equal(mount_ask(&point, 0), -cases[i].errnum);
	}
}

static void
nothing_is_mounted_on_what_is_mounted_by_now(void **state)
{
	static const struct mount_request request = {.type = "tmpfs"};
	struct backend_target taken = target;
	struct err err;

	taken.point.own_id++; /* so what lies there is another mount */
	assert_int_equal(mounted_make(&taken, &request), -EEXIST);
	assert_int_equal(mounted_fail(&taken, EEXIST, &err), -EEXIST);
	assert_int_equal(err.code, ERR_MOUNT_FAILED);
	assert_non_null(strstr(err.text, "meanwhile"));
}

static void
a_directory_that_is_a_symlink_is_refused(void **state)
{
	struct mount_point point;
	struct err err;

	assert_int_equal(
		mount_point_open(&point, "link", "point", &err), -ENOTDIR);
	assert_int_equal(err.code, ERR_INTERNAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_errno_of_mount_has_its_code),
		cmocka_unit_test(a_long_export_leaves_room_for_the_reason),
		cmocka_unit_test(a_missing_mount_point_is_not_a_missing_export),
		cmocka_unit_test(a_plain_directory_is_not_mounted),
		cmocka_unit_test(what_cannot_be_looked_at_is_left_unsaid),
		cmocka_unit_test(no_symlink_and_no_way_out_is_taken),
		cmocka_unit_test(nothing_is_mounted_on_what_is_mounted_by_now),
		cmocka_unit_test(a_directory_that_is_a_symlink_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
