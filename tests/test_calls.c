/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_calls.c - which system calls are left to a worker. Needs no privilege.
 *
 * Every call below is one that does nothing even if it were let through.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/calls.h"

enum {
	NOT_CONFINED = 99
};

/* As _exit(2), for which a sanitizer makes calls of its own. */
static void
leave(int status)
{
	(void)syscall(SYS_exit_group, status);
}

/* Runs function in a confined child; what it returns, 0 to 98. */
static int
run_with(int (*function)(void), enum call_set set)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			calls_limit(set) < 0)
			_exit(NOT_CONFINED);
		leave(function());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
run_confined(int (*function)(void))
{
	return run_with(function, CALLS_NFS);
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

/* Every call that is not in calls.def, whatever it may be. */

enum {
	NFS = CALLS_NFS,
	TMPFS = CALLS_TMPFS,
	MOUNT = NFS | TMPFS,
	SCANNER = CALLS_SCANNER,
	ISCSI = CALLS_ISCSI,
	ALL = MOUNT | SCANNER | ISCSI,
	CALLS_MAX = 512,
};

static unsigned allowed[CALLS_MAX];

static void
note_allowed(int call, unsigned who)
{
	if (call >= 0 && call < CALLS_MAX)
		allowed[call] |= who;
}

static void
read_allowed(void)
{
#define CALL(name, who) note_allowed(SCMP_SYS(name), who);
#define CALL_IF(name, who, argument, mask, value)                              \
	note_allowed(SCMP_SYS(name), who);
#define CALL_MISSING(name, who)
#include "worker/calls.def"
#undef CALL
#undef CALL_IF
#undef CALL_MISSING
}

static unsigned set_at_work;

/* uretprobe(2) and uprobe(2) of x86-64: no filter is asked, and whoever calls
 * them other than from the kernel's own trampoline is killed. */
static bool
is_the_kernels_own(int call)
{
	return call == 335 || call == 336;
}

/* 0, or 1 when one was let through: its number goes to standard error. */
static int
try_all_others(void)
{
	for (int call = 0; call < CALLS_MAX; call++) {
		if (allowed[call] & set_at_work || is_the_kernels_own(call))
			continue;
		if (syscall(call, -1, -1, -1, -1, -1, -1) >= 0 ||
			(errno != EPERM && errno != ENOSYS)) {
			dprintf(STDERR_FILENO, "call %d: %d\n", call, errno);
			return 1;
		}
	}
	return 0;
}

static void
what_is_not_listed_is_refused(void **state)
{
	static const enum call_set sets[] = {
		CALLS_NFS, CALLS_TMPFS, CALLS_SCANNER, CALLS_ISCSI};

	read_allowed();
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		set_at_work = sets[i];
		assert_int_equal(run_with(try_all_others, sets[i]), 0);
	}
}

static int
call_fcntl_owner(void)
{
	int fd = dup(STDERR_FILENO);
	int failed = fcntl(fd, F_SETOWN, getppid()) < 0 ? errno : 0;

	return failed == EPERM && fcntl(fd, F_SETSIG, SIGKILL) < 0 ? errno : 98;
}

static int
call_prlimit_of_another(void)
{
	struct rlimit none = {0, 0};

	return result_of(prlimit(getppid(), RLIMIT_CPU, NULL, &none));
}

static int
call_ioctl_owner(void)
{
	int owner = getppid();

	return result_of(ioctl(STDERR_FILENO, FIOSETOWN, &owner));
}

static int
call_kill_of_another(void)
{
	return result_of(kill(getppid(), 0));
}

static int
call_clone_for_parent(void)
{
	return result_of(
		syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, NULL));
}

/* Other workers have the same user. */
static void
others_of_the_same_user_are_out_of_reach(void **state)
{
	assert_int_equal(run_confined(call_fcntl_owner), EPERM);
	assert_int_equal(run_confined(call_prlimit_of_another), EPERM);
	assert_int_equal(run_confined(call_ioctl_owner), EPERM);
	assert_int_equal(run_confined(call_kill_of_another), EPERM);
	assert_int_equal(run_confined(call_clone_for_parent), EPERM);
}

static int
call_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		leave(0);
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

/* Its children execute programs, and these talk to their daemon. */
static int
count_families_with_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int netlink = socket(AF_NETLINK, SOCK_RAW, 0);

	return fd >= 0 && netlink < 0 && errno == EPERM ? 0 : 98;
}

static void
a_worker_that_runs_programs_may_do_that_and_no_more(void **state)
{
	assert_int_equal(run_with(call_exec, CALLS_ISCSI), ENOENT);
	assert_int_equal(run_with(count_families_with_unix, CALLS_ISCSI), 0);
	assert_int_equal(run_with(call_unshare, CALLS_ISCSI), EPERM);
	assert_int_equal(run_with(call_chroot, CALLS_ISCSI), EPERM);
	assert_int_equal(run_with(call_open_tree, CALLS_ISCSI), EPERM);
	assert_int_equal(run_with(call_clone3, CALLS_ISCSI), ENOSYS);
}

static void
only_internet_sockets_are_left(void **state)
{
	assert_int_equal(run_confined(count_families), 2);
	assert_int_equal(run_with(count_families, CALLS_TMPFS), 0);
	assert_int_equal(run_with(count_families, CALLS_SCANNER), 0);
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

static int
call_unmounts(void)
{
	static const int flags[] = {UMOUNT_NOFOLLOW,
		UMOUNT_NOFOLLOW | MNT_DETACH, UMOUNT_NOFOLLOW | MNT_FORCE,
		UMOUNT_NOFOLLOW | MNT_FORCE | MNT_DETACH};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (result_of(umount2("/nonexistent", flags[i])) != ENOENT)
			return (int)i + 1;
	return 0;
}

static int
call_unmount_of_the_unused(void)
{
	return result_of(umount2("/nonexistent", UMOUNT_NOFOLLOW | MNT_EXPIRE));
}

static int
call_forced_unmount_by_symlink(void)
{
	return result_of(umount2("/nonexistent", MNT_FORCE | MNT_DETACH));
}

static void
an_unmount_may_be_forced_or_lazy_and_no_more(void **state)
{
	if (geteuid() == 0)
		assert_int_equal(run_confined(call_unmounts), 0);
	assert_int_equal(run_confined(call_unmount_of_the_unused), EPERM);
	assert_int_equal(run_confined(call_forced_unmount_by_symlink), EPERM);
}

static void
no_unmount_follows_a_symlink(void **state)
{
	assert_int_equal(run_confined(call_umount), EPERM);
	if (geteuid() == 0)
		assert_int_equal(run_confined(call_umount_nofollow), ENOENT);
}

static int kcmp_type;

static int
call_kcmp(void)
{
	return result_of(
		syscall(SYS_kcmp, getpid(), getpid(), kcmp_type, 0, 0));
}

static void
tables_of_descriptors_alone_may_be_compared(void **state)
{
	/* Unfiltered, EPERM is what some containers answer to all of it. */
	kcmp_type = KCMP_FILES;
	if (call_kcmp() == 0)
		assert_int_equal(run_with(call_kcmp, CALLS_SCANNER), 0);
	for (kcmp_type = 0; kcmp_type < KCMP_TYPES; kcmp_type++)
		if (kcmp_type != KCMP_FILES)
			assert_int_equal(
				run_with(call_kcmp, CALLS_SCANNER), EPERM);
}

static int
count_setuid_files_that_can_be_made(void)
{
	char path[] = "/tmp/test_filter.XXXXXX";
	int fd = mkstemp(path);
	int made = 0;

	if (fd < 0)
		return 50;
	made += fchmod(fd, 04755) == 0 || fchmod(fd, 02755) == 0;
	made += chmod(path, 04755) == 0 || chmod(path, 06755) == 0;
	made += fchmodat(AT_FDCWD, path, 04755, 0) == 0;
	made += syscall(452, AT_FDCWD, path, 04755, 0) == 0;
	made += fchmod(fd, 0755) < 0; /* what is harmless is let through */
	made += chmod(path, 0700) < 0;
	(void)unlink(path);
	made += open(path, O_WRONLY | O_CREAT, 04755) >= 0;
	made += open("/tmp", O_WRONLY | O_TMPFILE, 04755) >= 0;
	made += syscall(SYS_open, path, O_WRONLY | O_CREAT, 02755) >= 0;
	made += syscall(SYS_creat, path, 04755) >= 0;
	made += mknod(path, S_IFREG | 04755, 0) == 0;
	/* A mode where none is asked for may be anything. */
	made += syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 07777) < 0;
	(void)unlink(path);
	return made;
}

static int
call_openat2(void)
{
	return result_of(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0));
}

static void
no_file_is_made_that_lends_its_owner(void **state)
{
	assert_int_equal(
		run_with(count_setuid_files_that_can_be_made, CALLS_ISCSI), 0);
	assert_int_equal(run_with(call_openat2, CALLS_ISCSI), ENOSYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_executes_and_enters_nothing),
		cmocka_unit_test(a_worker_may_have_children),
		cmocka_unit_test(what_is_not_listed_is_refused),
		cmocka_unit_test(others_of_the_same_user_are_out_of_reach),
		cmocka_unit_test(no_file_is_made_that_lends_its_owner),
		cmocka_unit_test(only_internet_sockets_are_left),
		cmocka_unit_test(
			a_worker_that_runs_programs_may_do_that_and_no_more),
		cmocka_unit_test(only_fresh_nosuid_nodev_mounts_are_left),
		cmocka_unit_test(no_unmount_follows_a_symlink),
		cmocka_unit_test(an_unmount_may_be_forced_or_lazy_and_no_more),
		cmocka_unit_test(tables_of_descriptors_alone_may_be_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
