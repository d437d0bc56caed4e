/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan.c - finds out who holds a lingering connection: one scanner at a time.
 *
 * Runs in: supervisor.
 * Trusts: the scanner no more than any worker.
 * Invariant: what a scan has found is stored when it said that this was all,
 *            and only if the question is still the same; a scan that fails or
 *            takes too long leaves the last answer.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/supervisor.h"

#define SCAN_DEADLINE_US  (12 * US_PER_SEC) /* it ends in ten by itself */
#define SCAN_PAUSE_US	  (US_PER_SEC)
#define SCAN_PAUSE_MAX_US (30 * US_PER_SEC)
#define SCAN_PAUSE_PART	  4 /* of the time that it has been waiting */

static void start_next(struct scan *scan);

/* The one place that knows what there is to ask about a target. */
static struct question
fill_question(const struct target *target)
{
	struct question question = {.kind = QUESTION_NONE};

	if (target->mount_id != 0) {
		question.kind = QUESTION_MOUNT;
		question.mount_id = target->mount_id;
		question.device_major = target->device_major;
		question.device_minor = target->device_minor;
	} else if (target->status.session != 0) {
		question.kind = QUESTION_SESSION;
		question.session = target->status.session;
	}
	return question;
}

static bool
is_same_question(const struct question *a, const struct question *b)
{
	return a->kind == b->kind && a->mount_id == b->mount_id &&
	       a->device_major == b->device_major &&
	       a->device_minor == b->device_minor && a->session == b->session;
}

/* Whether holders keep the target in the state that it is in. */
static bool
is_waiting(const struct target *target)
{
	return target->status.state == TARGET_LINGERING ||
	       target->status.state == TARGET_DISCONNECTING;
}

static void
finish(struct scan *scan)
{
	link_close(&scan->link);
	loop_disarm(scan->supervisor->loop, &scan->deadline);
	scan->phase = SCAN_IDLE;
	if (scan->target)
		target_touch(scan->target); /* it has got no answer */
	scan->target = NULL;
	start_next(scan);
}

/* The longer it has been waiting, the more rarely it is asked for. */
static uint64_t
pause_us(const struct target *target)
{
	uint64_t waited_us = clock_unix_us() - target->since_us;
	uint64_t pause_us = waited_us / SCAN_PAUSE_PART;

	if (pause_us < SCAN_PAUSE_US)
		return SCAN_PAUSE_US;
	return pause_us < SCAN_PAUSE_MAX_US ? pause_us : SCAN_PAUSE_MAX_US;
}

static void
start_for(struct scan *scan, struct target *target)
{
	int orderfd, reportfd;

	target->is_scan_wanted = false;
	scan->question = fill_question(target);
	if (scan->question.kind == QUESTION_NONE)
		return; /* it has gone since */
	target->scan_not_before_us = clock_boot_us() + pause_us(target);
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

/* Whoever has been waiting for longest: one that asks again and again must not
 * have the scanner to itself. */
static struct target *
find_next(struct supervisor *supervisor)
{
	struct target *target, *next, *first = NULL;

	HASH_ITER (by_uri, supervisor->targets, target, next)
		if (target->is_scan_wanted &&
			(!first ||
				target->scan_wanted_us < first->scan_wanted_us))
			first = target;
	return first;
}

static void
start_next(struct scan *scan)
{
	struct target *target;

	if (scan->supervisor->is_stopping)
		return;
	while (scan->phase == SCAN_IDLE &&
		(target = find_next(scan->supervisor)))
		start_for(scan, target);
}

void
scan_request(struct scan *scan, struct target *target)
{
	if (fill_question(target).kind == QUESTION_NONE ||
		clock_boot_us() < target->scan_not_before_us)
		return;
	if (!target->is_scan_wanted)
		target->scan_wanted_us = clock_boot_us();
	target->is_scan_wanted = true;
	if (scan->phase == SCAN_IDLE)
		start_next(scan);
}

void
scan_hurry(struct target *target)
{
	target->scan_not_before_us = 0;
}

void
scan_forget(struct scan *scan, struct target *target)
{
	target->is_scan_wanted = false;
	if (scan->target == target)
		scan->target = NULL;
}

static void
on_writable(struct link *link)
{
	/* One order in an empty pipe: it was never full. */
}

/* The end of a scan: what it found is the target's, if that still asks it. */
static void
on_scanned(struct scan *scan, const struct scanned_message *scanned)
{
	struct target *target = scan->target;
	struct question now;

	scan->target = NULL; /* it answers once */
	if (!target || !is_waiting(target))
		return;
	now = fill_question(target);
	if (!is_same_question(&now, &scan->question))
		return;
	target_set_holders(target, scan->holders, scan->count);
	target_on_scanned(target, scanned->count, scanned->is_complete);
}

/* Scan after scan says the same as long as something lingers. */
static void
log_for_scanner(struct scan *scan, const struct log_message *message)
{
	if (strncmp(scan->said, message->text, sizeof(scan->said) - 1) == 0)
		return;
	(void)snprintf(scan->said, sizeof(scan->said), "%.255s", message->text);
	log_line(link_log_level(message->level), "scanner: %s", message->text);
}

static bool
on_report(struct link *link, const struct message *message)
{
	struct scan *scan = container_of(link, struct scan, link);

	if (message->type == MESSAGE_holder) {
		if (scan->count < TARGET_HOLDERS)
			scan->holders[scan->count++] = message->holder;
	} else if (message->type == MESSAGE_scanned) {
		on_scanned(scan, &message->scanned);
		link_hang_up(link);
	} else if (message->type == MESSAGE_log) {
		log_for_scanner(scan, &message->log);
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
	const struct question *question = &scan->question;
	struct message message = {.type = MESSAGE_scan};

	if (!scan->target) {
		link_hang_up(&scan->link);
		return;
	}
	if (question->kind == QUESTION_SESSION) {
		message.type = MESSAGE_scan_session;
		message.scan_session.session = question->session - 1;
	} else {
		target_path(scan->supervisor, scan->target, message.scan.path);
		message.scan.mount_id = question->mount_id;
		message.scan.device_major = question->device_major;
		message.scan.device_minor = question->device_minor;
	}
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
