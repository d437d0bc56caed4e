/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_filter.c - what a worker cannot do any more. Needs no privilege.
 *
 * Every call below is one that does nothing even if it were let through.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/filter.h"

enum {
	NOT_CONFINED = 99
};

/* Runs function in a confined child; what it returns, 0 to 98. */
static int
run_confined(int (*function)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			filter_enter() < 0)
			_exit(NOT_CONFINED);
		_exit(function());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
result_of(long result)
{
	return result < 0 ? errno : 0;
}

static int
call_exec(void)
{
	return result_of(syscall(SYS_execve, "/nonexistent", NULL, NULL));
}

static int
call_unshare(void)
{
	return result_of(unshare(0));
}

static int
call_chroot(void)
{
	return result_of(chroot("/nonexistent"));
}

static int
call_clone3(void)
{
	return result_of(syscall(SYS_clone3, NULL, 0));
}

static int
call_open_tree(void)
{
	return result_of(syscall(SYS_open_tree, AT_FDCWD, "/nonexistent", 0));
}

static void
a_worker_executes_and_enters_nothing(void **state)
{
	assert_int_equal(run_confined(call_exec), EPERM);
	assert_int_equal(run_confined(call_unshare), EPERM);
	assert_int_equal(run_confined(call_chroot), EPERM);
	assert_int_equal(run_confined(call_open_tree), EPERM);
	assert_int_equal(run_confined(call_clone3), ENOSYS);
}

static int
call_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result_of(waitpid(pid, NULL, 0));
}

static void
a_worker_may_have_children(void **state)
{
	assert_int_equal(run_confined(call_fork), 0);
}

static int
count_families(void)
{
	int count = 0;

	for (int family = 0; family < 64; family++) {
		int fd = socket(family, SOCK_DGRAM, 0);

		if (fd < 0 && errno == EPERM)
			continue;
		if (family != AF_INET && family != AF_INET6)
			return 98;
		count++;
	}
	return count;
}

static void
only_internet_sockets_are_left(void **state)
{
	assert_int_equal(run_confined(count_families), 2);
}

/* A bad address: what passes the filter fails with another error than EPERM,
 * at least as root. */
static int
mount_with(unsigned long flags)
{
	const char *bad = (const char *)1;

	return result_of(mount(bad, bad, bad, flags, NULL));
}

static int
call_mounts(void)
{
	static const unsigned long denied[] = {0, MS_NOSUID, MS_NODEV,
		MS_NOSUID | MS_NODEV | MS_BIND,
		MS_NOSUID | MS_NODEV | MS_REMOUNT,
		MS_NOSUID | MS_NODEV | MS_MOVE,
		MS_NOSUID | MS_NODEV | MS_SHARED,
		MS_NOSUID | MS_NODEV | MS_PRIVATE,
		MS_NOSUID | MS_NODEV | MS_SLAVE,
		MS_NOSUID | MS_NODEV | MS_UNBINDABLE};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		if (mount_with(denied[i]) != EPERM)
			return (int)i + 1;
	return 0;
}

static int
call_good_mount(void)
{
	return mount_with(MS_NOSUID | MS_NODEV | MS_RDONLY | MS_NOATIME);
}

static void
only_fresh_nosuid_nodev_mounts_are_left(void **state)
{
	assert_int_equal(run_confined(call_mounts), 0);
	assert_int_equal(run_confined(call_good_mount), EFAULT);
}

static int
call_umount(void)
{
	return result_of(umount2("/nonexistent", MNT_DETACH));
}

static int
call_umount_nofollow(void)
{
	return result_of(umount2("/nonexistent", UMOUNT_NOFOLLOW));
}

static void
no_unmount_follows_a_symlink(void **state)
{
	assert_int_equal(run_confined(call_umount), EPERM);
	if (geteuid() == 0)
		assert_int_equal(run_confined(call_umount_nofollow), ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_executes_and_enters_nothing),
		cmocka_unit_test(a_worker_may_have_children),
		cmocka_unit_test(only_internet_sockets_are_left),
		cmocka_unit_test(only_fresh_nosuid_nodev_mounts_are_left),
		cmocka_unit_test(no_unmount_follows_a_symlink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
