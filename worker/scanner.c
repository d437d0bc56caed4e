/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scanner.c - finds out who uses a mount, or the disks of a session.
 *
 * Runs in: the scanner's worker, whose jail has the host's /proc and /sys.
 * Trusts: the supervisor for its order; its child for nothing but the end.
 * Invariant: answers in time. A child does the looking: a read of /proc may
 *            block, be it for a lock that one holds who waits for a dead
 *            server. It is killed then, and the answer is that not all could
 *            be looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/finding.h"
#include "worker/operation.h"
#include "worker/pipes.h"
#include "worker/scan_mount.h"
#include "worker/scan_session.h"
#include "worker/scanner.h"
#include "worker/tree.h"

enum {
	ORDER_WAIT_S = 10,
	SCAN_S = 8,	/* then it ends by itself */
	OVERDUE_S = 9,	/* then it is killed */
	GRACE_MS = 500, /* and then not waited for */
	EXIT_DONE = 0,
	EXIT_FAULT = 1,
	EXIT_BAD_ORDER = 2,
};

static struct scanner {
	struct message order;
	pid_t supervisor; /* it is in the host's namespaces */
	struct loop *loop;
	int exit_status;
} scanner;

static void
scan_for_session(int procfd, int hostprocfd)
{
	cleanup_close int sysfd = tree_open(AT_FDCWD, "/sys");
	cleanup_close int hostfd =
		openat(hostprocfd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct scan_roots roots = {
		procfd, sysfd, hostprocfd, hostfd, scanner.supervisor};

	if (sysfd < 0 || hostfd < 0)
		finding_missed(sysfd < 0 ? "/sys" : "root", errno);
	else
		scan_session(
			&roots, (uint32_t)scanner.order.scan_session.session);
}

static int
run_scan(void *data, uint64_t deadline_us, struct err *err)
{
	cleanup_close int procfd = tree_open(AT_FDCWD, "/proc");
	cleanup_close int hostprocfd = -1;
	char name[16];

	(void)snprintf(name, sizeof(name), "%d", (int)scanner.supervisor);
	hostprocfd = tree_open(procfd, name);
	if (hostprocfd < 0)
		finding_missed("/proc", errno);
	else if (scanner.order.type == MESSAGE_scan)
		scan_mount(procfd, hostprocfd, &scanner.order.scan);
	else
		scan_for_session(procfd, hostprocfd);
	return 0;
}

static void
on_outcome(
	struct operations *operations, const struct operation_outcome *outcome)
{
	bool is_whole = outcome->error.code == ERR_NONE && !outcome->is_stuck;

	if (finding_conclude(is_whole, clock_boot_us() + US_PER_SEC / 2) < 0)
		scanner.exit_status = EXIT_FAULT;
	loop_quit(scanner.loop);
}

static int
scan(void)
{
	static struct operations operations;
	struct operation_task task = {
		.run = run_scan,
		.keepfd = PIPES_REPORT_FD,
		.deadline_ms = OVERDUE_S * 1000,
	};

	if (finding_start(clock_boot_us() + SCAN_S * US_PER_SEC) < 0 ||
		loop_new(&scanner.loop) < 0)
		return EXIT_FAULT;
	operations_init(&operations, scanner.loop);
	operations.grace_us = GRACE_MS * US_PER_MS;
	operations.subject = "scan";
	operations.on_outcome = on_outcome;
	/* Any kind will do: there is one child, and nobody is told its kind. */
	if (operation_start(&operations, OPERATION_PROBE, &task) < 0 ||
		loop_run(scanner.loop) < 0)
		return EXIT_FAULT;
	operations_kill_all(&operations);
	return scanner.exit_status;
}

static bool
is_good(const struct message *order)
{
	if (order->type == MESSAGE_scan)
		return order->scan.path[0] == '/' && order->scan.path[1];
	return order->type == MESSAGE_scan_session;
}

int
scanner_run(void)
{
	struct err err;
	int result = pipes_wait_order(PIPES_ORDER_FD,
		clock_boot_us() + ORDER_WAIT_S * US_PER_SEC, &scanner.order,
		&err);

	if (result == -EPIPE)
		return EXIT_DONE; /* nothing was asked */
	if (result == -EBADMSG)
		return EXIT_BAD_ORDER;
	if (result < 0)
		return EXIT_FAULT;
	scanner.supervisor = getppid();
	return is_good(&scanner.order) ? scan() : EXIT_BAD_ORDER;
}
