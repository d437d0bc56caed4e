/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * operation_child.c - an operation's child: does the work, says how it went.
 *
 * Runs in: children of a worker.
 * Trusts: the worker that it was forked from.
 * Invariant: it dies with the worker, and has no descriptor but its pipe and
 *            the one that its task names.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/operation_private.h"

/* Where to say things; the worker itself has none. */
static int words_fd = -1;

/* Above 2, where descriptors begin that are more than /dev/null. */
static void
close_all_but(int a, int b)
{
	int low = a < b ? a : b;
	int high = a < b ? b : a;

	/* What is left open costs nothing but clarity. */
	if (low > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	if (low > STDERR_FILENO && high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	if (low <= STDERR_FILENO && high > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0u, 0);
}

void
operation_step(enum operation_step step, uint64_t limit_ms)
{
	struct operation_note note = {
		.step = step, .limit_ms = (uint32_t)limit_ms};

	/* Unsaid, it is under the operation's deadline still. */
	if (words_fd >= 0)
		(void)!write(words_fd, &note, sizeof(note));
}

void
operation_run_child(const struct operation_task *task, int resultfd,
	pid_t parent, uint64_t deadline_us)
{
	struct operation_result result = {0};
	struct err err = {0};
	uint64_t began_us = clock_boot_us();
	int rc;

	(void)setpgid(0, 0); /* to be killed with all that it starts */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
		getppid() != parent)
		_exit(1);
	close_all_but(resultfd, task->keepfd);
	words_fd = resultfd;
	rc = task->run(task->data, deadline_us, &err);
	result.latency_us = clock_boot_us() - began_us;
	if (rc >= 0) {
		result.value = (uint32_t)rc;
	} else {
		result.code = err.code;
		result.errnum = -rc;
		memcpy(result.text, err.text, sizeof(result.text));
	}
	(void)!write(resultfd, &result, sizeof(result)); /* seen as missing */
	_exit(0);
}
