/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan.c - finds out who holds a lingering mount: one scanner at a time.
 *
 * Runs in: supervisor.
 * Trusts: the scanner no more than any worker.
 * Invariant: what a scan has found is stored when it said that this was all;
 *            a scan that fails or takes too long leaves the last answer.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/supervisor.h"

#define SCAN_DEADLINE_US (10 * US_PER_SEC)
#define SCAN_PAUSE_US	 (2 * US_PER_SEC)

static void start_next(struct scan *scan);

static void
finish(struct scan *scan)
{
	link_close(&scan->link);
	loop_disarm(scan->supervisor->loop, &scan->deadline);
	scan->phase = SCAN_IDLE;
	scan->target = NULL;
	start_next(scan);
}

static void
start_for(struct scan *scan, struct target *target)
{
	int orderfd, reportfd;

	target->is_scan_wanted = false;
	target->scan_not_before_us = clock_boot_us() + SCAN_PAUSE_US;
	if (link_open(&scan->link, &orderfd, &reportfd) < 0)
		return; /* asked for again while it lingers */
	if (launch_start(&scan->supervisor->launch, LAUNCH_SLOT_SCANNER,
		    BACKEND_SCANNER, orderfd, reportfd) < 0) {
		link_close(&scan->link);
		return;
	}
	scan->phase = SCAN_STARTING;
	scan->target = target;
	scan->count = 0;
	(void)loop_arm(scan->supervisor->loop, &scan->deadline,
		clock_boot_us() + SCAN_DEADLINE_US);
}

static void
start_next(struct scan *scan)
{
	struct target *target, *next;

	if (scan->supervisor->is_stopping)
		return;
	HASH_ITER (by_uri, scan->supervisor->targets, target, next) {
		if (scan->phase != SCAN_IDLE)
			return;
		if (target->is_scan_wanted)
			start_for(scan, target);
	}
}

void
scan_request(struct scan *scan, struct target *target)
{
	if (target->mount_id == 0 ||
		clock_boot_us() < target->scan_not_before_us)
		return;
	target->is_scan_wanted = true;
	if (scan->phase == SCAN_IDLE)
		start_for(scan, target);
}

void
scan_forget(struct scan *scan, struct target *target)
{
	if (scan->target == target)
		scan->target = NULL;
}

static void
on_writable(struct link *link)
{
	/* One order in an empty pipe: it was never full. */
}

static bool
on_report(struct link *link, const struct message *message)
{
	struct scan *scan = container_of(link, struct scan, link);

	if (message->type == MESSAGE_holder) {
		if (scan->count < TARGET_HOLDERS)
			scan->holders[scan->count++] = message->holder;
	} else if (message->type == MESSAGE_scanned) {
		if (scan->target &&
			scan->target->status.state == TARGET_LINGERING)
			target_set_holders(
				scan->target, scan->holders, scan->count);
		link_hang_up(link);
	} else if (message->type == MESSAGE_log) {
		log_line(link_log_level(message->log.level), "scanner: %s",
			message->log.text);
	} else {
		return false;
	}
	return true;
}

static void
on_bad_report(struct link *link, const struct err *err)
{
	struct scan *scan = container_of(link, struct scan, link);

	log_error("scanner: said what it may not (%s): killed", err->text);
	(void)launch_kill(&scan->supervisor->launch, LAUNCH_SLOT_SCANNER);
}

static void
on_worker_exit(struct link *link, pid_t pid, int code, int status)
{
	finish(container_of(link, struct scan, link));
}

static void
on_pipe_end(struct link *link)
{
	/* Its end follows, or its deadline. */
}

static void
on_deadline(struct loop_timer *timer)
{
	struct scan *scan = container_of(timer, struct scan, deadline);

	log_warning("scanner: took too long: killed");
	(void)launch_kill(&scan->supervisor->launch, LAUNCH_SLOT_SCANNER);
	/* Until it has ended: a kill may come before its start. */
	(void)loop_arm(scan->supervisor->loop, timer,
		clock_boot_us() + SCAN_DEADLINE_US);
}

static void
send_question(struct scan *scan)
{
	struct message message = {.type = MESSAGE_scan};

	if (!scan->target) {
		link_hang_up(&scan->link);
		return;
	}
	target_path(scan->supervisor, scan->target, message.scan.path);
	message.scan.mount_id = scan->target->mount_id;
	message.scan.device_major = scan->target->device_major;
	message.scan.device_minor = scan->target->device_minor;
	/* A failure shows as its end. */
	(void)link_send(&scan->link, &message);
}

void
scan_on_launch_reply(
	struct scan *scan, const struct launch_reply *reply, int pidfd)
{
	cleanup_close int owned = pidfd;
	int result = reply->result;

	if (reply->op != LAUNCH_START || scan->phase != SCAN_STARTING)
		return; /* KILL needs no answer */
	if (result == 0)
		result = link_attach(&scan->link, reply->pid, take_fd(&owned));
	if (result < 0) {
		log_warning("scanner: cannot be started (%d)", result);
		finish(scan);
		return;
	}
	scan->phase = SCAN_RUNNING;
	send_question(scan);
}

void
scan_init(struct scan *scan, struct supervisor *supervisor)
{
	scan->supervisor = supervisor;
	link_init(&scan->link, supervisor->loop);
	scan->link.on_writable = on_writable;
	scan->link.on_report = on_report;
	scan->link.on_bad_report = on_bad_report;
	scan->link.on_pipe_end = on_pipe_end;
	scan->link.on_exit = on_worker_exit;
	scan->deadline.on_due = on_deadline;
}

void
scan_done(struct scan *scan)
{
	link_close(&scan->link);
}
