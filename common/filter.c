/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.c - system call filters. Owner file of libseccomp.
 *
 * Runs in: worker, supervisor, launcher, once; a child of each makes the
 *          filter.
 * Invariant: see filter.h.
 *
 * libseccomp leaves tens of KiB of dirty heap behind. A worker lives for months
 * and there are many, and the launcher has no heap: a short-lived child makes
 * the program and hands it over.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/guard.h"

enum {
	INSTRUCTIONS_MAX = 2048, /* 16 KiB: fits into a pipe at once */
	BINARY_TREE = 2		 /* seccomp_attr_set(3) */
};

static void
guard_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int
add_rule(scmp_filter_ctx filter, const struct filter_rule *rule)
{
	uint32_t action = rule->errnum ? SCMP_ACT_ERRNO((uint16_t)rule->errnum)
				       : SCMP_ACT_ALLOW;

	if (rule->argument == FILTER_ANY)
		return seccomp_rule_add(filter, action, rule->call, 0);
	return seccomp_rule_add(filter, action, rule->call, 1,
		SCMP_CMP((unsigned)rule->argument, SCMP_CMP_MASKED_EQ,
			rule->mask, rule->value));
}

/* In the child: writes the program to outfd. 0 or -errno. */
static int
make_program(
	int outfd, const struct filter_rule *rules, size_t count, unsigned who)
{
	cleanup(guard_filter) scmp_filter_ctx filter =
		seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE,
				      BINARY_TREE)
			    : -ENOMEM;

	for (size_t i = 0; result == 0 && i < count; i++)
		if (rules[i].who & who)
			result = add_rule(filter, &rules[i]);
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
load_program(struct sock_filter *instructions, ssize_t len)
{
	struct sock_fprog program = {.filter = instructions};

	if (len <= 0 || (size_t)len % sizeof(instructions[0]) != 0)
		return len < 0 ? (int)len : -EPROTO;
	program.len = (unsigned short)((size_t)len / sizeof(instructions[0]));
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0
		       ? -errno
		       : 0;
}

int
filter_enter(const struct filter_rule *rules, size_t count, unsigned who)
{
	struct sock_filter instructions[INSTRUCTIONS_MAX];
	cleanup_close int infd = -1;
	cleanup_close int outfd = -1;
	int pair[2], status;
	ssize_t len;
	pid_t maker;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	infd = pair[0];
	outfd = pair[1];
	maker = fork();
	if (maker < 0)
		return -errno;
	if (maker == 0)
		_exit(make_program(outfd, rules, count, who) < 0);
	guard_close(&outfd);
	outfd = -1;
	len = read_all(infd, (char *)instructions, sizeof(instructions));
	/* Half a program might be one, too. */
	if (waitpid(maker, &status, 0) < 0 || status != 0)
		return -EPROTO;
	return load_program(instructions, len);
}
