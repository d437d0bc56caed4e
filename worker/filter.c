/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.c - the worker's system call filter. Owner file of libseccomp there.
 *
 * Runs in: worker, once; a child of it makes the filter.
 * Invariant: what is listed answers EPERM, clone3 ENOSYS; anything else is
 *            allowed. mount(2) makes fresh nosuid, nodev mounts and no others;
 *            umount2(2) follows no symlink.
 *
 * libseccomp leaves tens of KiB of dirty heap behind. A worker lives for months
 * and there are many: a short-lived child makes the program and hands it over.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/guard.h"
#include "worker/filter.h"

enum {
	INSTRUCTIONS_MAX = 512 /* 4 KiB: fits into a pipe at once */
};

/* What a worker never does, and somebody in its place would like to. */
static const int denied[] = {
	SCMP_SYS(execveat), /* no program by descriptor */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), /* nobody's memory */
	SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
	SCMP_SYS(pidfd_getfd), /* nor files */
	SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr), /* mount(2) is all it uses */
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns),
	SCMP_SYS(unshare), /* it stays where it is */
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(quotactl),
	SCMP_SYS(quotactl_fd), SCMP_SYS(fanotify_init),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at),
	SCMP_SYS(lookup_dcookie), SCMP_SYS(acct), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname), SCMP_SYS(syslog), SCMP_SYS(vhangup),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl), /* what else CAP_SYS_ADMIN and its like open */
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(personality),
	SCMP_SYS(modify_ldt), /* kernel surface */
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid),
	SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid),
	SCMP_SYS(setgroups), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid),
	SCMP_SYS(capset), /* ids */
};

/* A call is denied when the argument, so masked, has this value. */
struct mask_rule {
	int call;
	unsigned argument;
	uint64_t mask;
	uint64_t value;
};

static const struct mask_rule mask_rules[] = {
	/* mount(2): these flags always */
	{SCMP_SYS(mount), 3, MS_NOSUID, 0},
	{SCMP_SYS(mount), 3, MS_NODEV, 0},
	/* and a fresh mount only: these would expose another or move it */
	{SCMP_SYS(mount), 3, MS_BIND, MS_BIND},
	{SCMP_SYS(mount), 3, MS_MOVE, MS_MOVE},
	{SCMP_SYS(mount), 3, MS_REMOUNT, MS_REMOUNT},
	{SCMP_SYS(mount), 3, MS_SHARED, MS_SHARED},
	{SCMP_SYS(mount), 3, MS_SLAVE, MS_SLAVE},
	{SCMP_SYS(mount), 3, MS_PRIVATE, MS_PRIVATE},
	{SCMP_SYS(mount), 3, MS_UNBINDABLE, MS_UNBINDABLE},
	/* kcmp(2): all but KCMP_FILES, by which a scanner tells which tasks
	 * share their descriptors */
	{SCMP_SYS(kcmp), 2, UINT32_MAX, KCMP_FILE},
	{SCMP_SYS(kcmp), 2, 1, 1}, /* VM, FS, IO, EPOLL_TFD */
	{SCMP_SYS(kcmp), 2, 4, 4}, /* SIGHAND, IO, SYSVSEM, EPOLL_TFD */
	/* umount2(2) */
	{SCMP_SYS(umount2), 1, UMOUNT_NOFOLLOW, 0},
	{SCMP_SYS(umount2), 1, MNT_EXPIRE, MNT_EXPIRE}, /* it has no use */
	/* clone(2): processes, no namespaces */
	{SCMP_SYS(clone), 0, CLONE_NEWNS, CLONE_NEWNS},
	{SCMP_SYS(clone), 0, CLONE_NEWUSER, CLONE_NEWUSER},
	{SCMP_SYS(clone), 0, CLONE_NEWPID, CLONE_NEWPID},
	{SCMP_SYS(clone), 0, CLONE_NEWNET, CLONE_NEWNET},
	{SCMP_SYS(clone), 0, CLONE_NEWIPC, CLONE_NEWIPC},
	{SCMP_SYS(clone), 0, CLONE_NEWUTS, CLONE_NEWUTS},
	{SCMP_SYS(clone), 0, CLONE_NEWCGROUP, CLONE_NEWCGROUP},
};

static void
guard_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* One whose children execute programs needs execve(2) for that. */
static int
deny_programs(scmp_filter_ctx filter, bool runs_programs)
{
	return runs_programs ? 0
			     : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				       SCMP_SYS(execve), 0);
}

static int
deny_calls(scmp_filter_ctx filter)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(denied); i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	/* clone3's flags lie in memory, where no filter can look. */
	if (result == 0)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return result;
}

static int
deny_arguments(scmp_filter_ctx filter)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(mask_rules); i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			mask_rules[i].call, 1,
			SCMP_CMP(mask_rules[i].argument, SCMP_CMP_MASKED_EQ,
				mask_rules[i].mask, mask_rules[i].value));
	return result;
}

/*
 * A file of root's that runs as root for whoever executes it: the way out for
 * one who is root without capabilities, and can write somewhere.
 */
static int
deny_setuid_files(scmp_filter_ctx filter, bool runs_programs)
{
	enum {
		FCHMODAT2 =
			452 /* the same everywhere; too new for libseccomp */
	};
	static const struct {
		int call;
		unsigned mode; /* which argument */
		int flags;     /* which; -1: the mode always counts */
	} calls[] = {
		{SCMP_SYS(chmod), 1, -1},
		{SCMP_SYS(fchmod), 1, -1},
		{SCMP_SYS(fchmodat), 2, -1},
		{FCHMODAT2, 2, -1},
		{SCMP_SYS(mknod), 1, -1},
		{SCMP_SYS(mknodat), 2, -1},
		{SCMP_SYS(creat), 1, -1},
		{SCMP_SYS(open), 2, 1},
		{SCMP_SYS(openat), 3, 2},
	};
	static const uint64_t modes[] = {S_ISUID, S_ISGID};
	static const uint64_t makes[] = {O_CREAT, O_TMPFILE & ~O_DIRECTORY};
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(calls); i++)
		for (size_t j = 0; result == 0 && j < 4; j++) {
			uint64_t mode = modes[j & 1];
			uint64_t make = makes[j >> 1];
			struct scmp_arg_cmp is_set = SCMP_CMP(
				calls[i].mode, SCMP_CMP_MASKED_EQ, mode, mode);

			if (calls[i].flags >= 0)
				result = seccomp_rule_add(filter,
					SCMP_ACT_ERRNO(EPERM), calls[i].call, 2,
					SCMP_CMP((unsigned)calls[i].flags,
						SCMP_CMP_MASKED_EQ, make, make),
					is_set);
			else if (j < 2)
				result = seccomp_rule_add(filter,
					SCMP_ACT_ERRNO(EPERM), calls[i].call, 1,
					is_set);
		}
	/* Its mode lies in memory. The scanner needs it, and writes nowhere. */
	if (result == 0 && runs_programs)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
	return result;
}

/* All families but AF_INET and AF_INET6: names, servers, no netlink; AF_UNIX
 * for programs that talk to their daemon. */
static int
deny_sockets(scmp_filter_ctx filter, bool runs_programs)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
		SCMP_SYS(socket), 1,
		SCMP_A0(SCMP_CMP_LT, runs_programs ? AF_UNIX : AF_INET));

	for (unsigned family = AF_INET + 1; result == 0 && family < AF_INET6;
		family++)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_INET6));
	return result;
}

/* In the child: writes the program to outfd. 0 or -errno. */
static int
make_program(int outfd, bool runs_programs)
{
	cleanup(guard_filter) scmp_filter_ctx filter =
		seccomp_init(SCMP_ACT_ALLOW);
	int result = filter ? 0 : -ENOMEM;

	if (result == 0)
		result = deny_calls(filter);
	if (result == 0)
		result = deny_programs(filter, runs_programs);
	if (result == 0)
		result = deny_arguments(filter);
	if (result == 0)
		result = deny_setuid_files(filter, runs_programs);
	if (result == 0)
		result = deny_sockets(filter, runs_programs);
	return result == 0 ? seccomp_export_bpf(filter, outfd) : result;
}

/* Reads to the end of the stream. Bytes, or -errno. */
static ssize_t
read_all(int fd, char *buffer, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, buffer + len, size - len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		if (n > 0)
			len += (size_t)n;
		if (len == size)
			return -E2BIG;
	}
}

static int
load_program(int infd)
{
	struct sock_filter instructions[INSTRUCTIONS_MAX];
	struct sock_fprog program = {.filter = instructions};
	ssize_t len =
		read_all(infd, (char *)instructions, sizeof(instructions));

	if (len < 0)
		return (int)len;
	if (len == 0 || (size_t)len % sizeof(instructions[0]) != 0)
		return -EPROTO;
	program.len = (unsigned short)((size_t)len / sizeof(instructions[0]));
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0
		       ? -errno
		       : 0;
}

int
filter_enter(bool runs_programs)
{
	cleanup_close int infd = -1;
	cleanup_close int outfd = -1;
	int pair[2], status, result;
	pid_t maker;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	infd = pair[0];
	outfd = pair[1];
	maker = fork();
	if (maker < 0)
		return -errno;
	if (maker == 0)
		_exit(make_program(outfd, runs_programs) < 0);
	guard_close(&outfd);
	outfd = -1;
	result = load_program(infd);
	/* Nothing it does can take long; the filter lets us wait. */
	if (waitpid(maker, &status, 0) < 0 || status != 0)
		return -EPROTO;
	return result;
}
