/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target_life.c - one connection: its directory and its worker, phase by phase.
 *
 * Runs in: supervisor.
 * Trusts: nobody's report to be in time: a worker may die in any phase.
 * Invariant: target_settle() alone decides what is asked next; answers and
 *            exits only set the phase and touch the target.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"
#include "supervisor/target_private.h"

/* A worker that lived that long did not die of its start. */
#define LONG_LIFE_US	 (10 * US_PER_SEC)
#define RESTART_FIRST_US (US_PER_SEC / 10)
#define RESTART_MIN_US	 US_PER_SEC
#define RESTART_MAX_US	 (60 * US_PER_SEC)
static void
try_again_in(struct target *target, uint64_t pause_us)
{
	/* Without memory for a timer: the next touch tries again. */
	(void)loop_arm(target->supervisor->loop, &target->again,
		clock_boot_us() + pause_us);
}

/* Doubles the pause unless the worker lived long; returns it. */
static uint64_t
next_pause(struct target *target)
{
	uint64_t pause_us = target->restart_pause_us;
	bool lived_long = target->started_us != 0 &&
			  clock_boot_us() - target->started_us > LONG_LIFE_US;

	if (lived_long || pause_us == 0)
		pause_us = RESTART_FIRST_US;
	else if (pause_us < RESTART_MIN_US)
		pause_us = RESTART_MIN_US;
	else
		pause_us *= 2;
	if (pause_us > RESTART_MAX_US)
		pause_us = RESTART_MAX_US;
	target->restart_pause_us = pause_us;
	return pause_us;
}

/* A step of ours failed: shown, and tried again after a pause. */
static void
give_up_for_now(struct target *target, enum target_phase phase,
	enum err_code code, int errnum, const char *what)
{
	struct err err;

	(void)err_set(&err, code, errnum, "%s: %s", what, strerror(errnum));
	target->phase = phase;
	target_set_error(target,
		target_has_object(target) ? TARGET_UNRESPONSIVE
					  : TARGET_BACKOFF,
		&err);
	try_again_in(target, next_pause(target));
}

/* mnt/KEY, empty, and base/KEY/NAME; neither name is chosen outside. */
static int
make_directories(struct target *target)
{
	const struct supervisor *supervisor = target->supervisor;
	char name[TARGET_PATH_MAX];
	int len = snprintf(
		name, sizeof(name), "%016llx", (unsigned long long)target->key);

	if ((mkdirat(supervisor->mount_root_fd, name, 0755) < 0 &&
		    errno != EEXIST) ||
		(mkdirat(supervisor->base_root_fd, name, 0755) < 0 &&
			errno != EEXIST))
		return -errno;
	(void)snprintf(name + len, sizeof(name) - (size_t)len, "/%s",
		target->mount_name);
	if (mkdirat(supervisor->base_root_fd, name, 0755) < 0 &&
		errno != EEXIST)
		return -errno;
	return 0;
}

/* What stays behind is empty, and taken over next time. */
static void
remove_directories(struct target *target)
{
	const struct supervisor *supervisor = target->supervisor;
	char name[TARGET_PATH_MAX];
	size_t key_len = 16;

	(void)snprintf(name, sizeof(name), "%016llx/%s",
		(unsigned long long)target->key, target->mount_name);
	(void)unlinkat(supervisor->base_root_fd, name, AT_REMOVEDIR);
	target_session_remove(target);
	name[key_len] = '\0';
	(void)unlinkat(supervisor->base_root_fd, name, AT_REMOVEDIR);
	(void)unlinkat(supervisor->mount_root_fd, name, AT_REMOVEDIR);
}

static void
prepare(struct target *target)
{
	int result = make_directories(target);

	if (result == 0)
		result = launch_prepare(
			&target->supervisor->launch, target->slot, target->key);
	if (result < 0)
		give_up_for_now(target, PHASE_ABSENT, ERR_INTERNAL, -result,
			"its directory cannot be made");
	else
		target->phase = PHASE_PREPARING;
}

static enum backend
backend_of(const struct target *target)
{
	switch (target->scheme) {
	case URI_ISCSI:
		return BACKEND_ISCSI;
	case URI_NFS:
		return BACKEND_NFS;
	case URI_TMPFS:
		return BACKEND_TMPFS;
	case URI_SCHEME_COUNT:
		break;
	}
	return BACKEND_COUNT;
}

static void
start(struct target *target)
{
	int orderfd, reportfd;
	int result = link_open(&target->link, &orderfd, &reportfd);

	if (result == 0) {
		result = launch_start(&target->supervisor->launch, target->slot,
			backend_of(target), orderfd, reportfd);
		if (result < 0)
			link_close(&target->link);
	}
	if (result < 0)
		give_up_for_now(target, PHASE_READY, ERR_INTERNAL, -result,
			"no worker can be started");
	else
		target->phase = PHASE_STARTING;
}

void
target_hurry(struct target *target)
{
	/* A worker that cannot be started is not tried faster than that. */
	if (target->again.due_us > clock_boot_us() + RESTART_MIN_US)
		try_again_in(target, RESTART_MIN_US);
}

/* Whether a running worker has nothing left to take down, by its own word: the
 * status may still be that of the one before. */
static bool
says_gone(const struct target *target)
{
	return target->has_reported && target_wanted(target) == WANTED_DOWN &&
	       target->told == WANTED_DOWN &&
	       target->status.wanted == WANTED_DOWN &&
	       target->status.state == TARGET_REGISTERED &&
	       !target->status.has_object;
}

/*
 * And by the table of mounts, read since: an unmount that succeeded need not
 * have been one of the mount that matters.
 */
static bool
is_gone(struct target *target)
{
	struct mounts *mounts = &target->supervisor->mounts;

	if (!says_gone(target)) {
		target->gone_us = 0;
		return false;
	}
	if (target->scheme == URI_ISCSI)
		return true;
	if (target->gone_us == 0)
		target->gone_us = clock_boot_us();
	if (mounts->read_us < target->gone_us) {
		mounts_read_soon(mounts); /* touches it */
		return false;
	}
	if (target->mount_id == 0)
		return true;
	log_warning("target %s: mount %u is there after the unmount",
		target->uri, (unsigned)target->mount_id);
	target->gone_us = 0;
	target_look(target);
	return false;
}

/* A session goes when a scan has found nobody: it is looked for again and
 * again, ever more rarely. */
static void
scan_while_it_waits(struct target *target)
{
	enum target_state state = target->status.state;

	if (state != TARGET_LINGERING && state != TARGET_DISCONNECTING)
		return;
	if (clock_boot_us() >= target->scan_not_before_us)
		scan_request(&target->supervisor->scan, target);
	else
		/* Without memory for a timer: the next touch asks. */
		(void)loop_arm(target->supervisor->loop, &target->scan_again,
			target->scan_not_before_us);
}

static void
on_scan_again(struct loop_timer *timer)
{
	target_touch(container_of(timer, struct target, scan_again));
}

static void
settle_running(struct target *target)
{
	if (is_gone(target)) {
		target->phase = PHASE_STOPPING;
		link_hang_up(&target->link);
		target_lose_patience(target);
		return;
	}
	target_give_orders(target);
	if (target->scheme == URI_ISCSI)
		scan_while_it_waits(target);
	else if (target->status.state == TARGET_LINGERING)
		scan_request(&target->supervisor->scan, target);
}

/* The directory is as it was before: nobody needs the target any more. */
static void
settle_absent(struct target *target)
{
	if (target->claim_count > 0 ||
		(target->is_departing && !target->is_gone)) {
		prepare(target);
		return;
	}
	if (target->is_departing)
		batch_forget(&target->supervisor->batch, target);
	else if (!target->is_forgetting)
		target_free(target);
}

void
target_settle(struct target *target)
{
	if (target->supervisor->is_stopping || target->again.due_us != 0)
		return;
	switch (target->phase) {
	case PHASE_ABSENT:
		settle_absent(target);
		break;
	case PHASE_READY:
		start(target);
		break;
	case PHASE_RUNNING:
		settle_running(target);
		break;
	case PHASE_PREPARING:
	case PHASE_STARTING:
	case PHASE_STOPPING:
	case PHASE_REMOVING:
		break; /* an answer or an exit comes */
	}
}

static void
on_again(struct loop_timer *timer)
{
	target_touch(container_of(timer, struct target, again));
}

static void
describe_exit(const struct target *target, struct err *err, pid_t pid, int code,
	int status)
{
	const char *step = code == CLD_EXITED ? spawn_step_name(status) : NULL;

	if (target->fault)
		(void)err_set(err, ERR_WORKER_DIED, 0,
			"worker %d was killed, it said what it may not: %s",
			(int)pid, target->fault);
	else if (step)
		(void)err_set(err, ERR_WORKER_DIED, 0, "worker %d could not %s",
			(int)pid, step);
	else if (code == CLD_EXITED)
		(void)err_set(err, ERR_WORKER_DIED, 0,
			"worker %d ended with status %d", (int)pid, status);
	else
		(void)err_set(err, ERR_WORKER_DIED, 0,
			"worker %d was ended by signal %d (%s)", (int)pid,
			status, strsignal(status));
}

static void
on_death(struct target *target, const struct err *err)
{
	enum target_state state = target->status.state;

	if (target_wanted(target) == WANTED_UP)
		state = target_has_object(target) ? TARGET_UNRESPONSIVE
						  : TARGET_BACKOFF;
	target->phase = PHASE_READY;
	target_set_error(target, state, err);
	try_again_in(target, next_pause(target));
}

static void
on_worker_exit(struct link *link, pid_t pid, int code, int status)
{
	struct target *target = container_of(link, struct target, link);
	struct supervisor *supervisor = target->supervisor;
	struct err err;

	describe_exit(target, &err, pid, code, status);
	ledger_note_exit(&supervisor->ledger, target, pid);
	server_note_exit(target);
	target_forget_processes(target);
	free(target->fault);
	target->fault = NULL;
	loop_disarm(supervisor->loop, &target->patience);
	if (supervisor->is_stopping) {
		target->phase = PHASE_READY;
	} else if (target->phase != PHASE_STOPPING) {
		on_death(target, &err);
	} else if (target_wanted(target) == WANTED_UP ||
		   launch_remove(&supervisor->launch, target->slot) < 0) {
		target->phase = PHASE_READY;
	} else {
		target->phase = PHASE_REMOVING;
	}
	/* From here on it is the next one's report that is missing. */
	target->has_reported = false;
	target_touch(target);
}

void
target_life_init(struct target *target)
{
	link_init(&target->link, target->supervisor->loop);
	target_talk_init(target);
	target->link.on_exit = on_worker_exit;
	target->again.on_due = on_again;
	target->scan_again.on_due = on_scan_again;
}

static void
on_prepared(struct target *target, int result)
{
	if (result < 0)
		give_up_for_now(target, PHASE_ABSENT, ERR_INTERNAL, -result,
			"its directory cannot be prepared");
	else
		target->phase = PHASE_READY;
}

/* Takes pidfd. */
static void
on_started(struct target *target, const struct launch_reply *reply, int pidfd)
{
	int result = reply->result;

	if (result == 0)
		result = link_attach(&target->link, reply->pid, pidfd);
	if (result < 0) {
		link_close(&target->link);
		give_up_for_now(target, PHASE_READY, ERR_INTERNAL, -result,
			"no worker can be started");
		return;
	}
	target->phase = PHASE_RUNNING;
	target->started_us = clock_boot_us();
	target->start_count++;
	target->heard_us = target->started_us;
	if (target->supervisor->is_stopping)
		link_hang_up(&target->link);
	else
		target_begin_orders(target);
}

static void
on_removed(struct target *target, int result)
{
	if (result < 0) {
		/* Someone stands in it, or mounted in it: look again. */
		give_up_for_now(target, PHASE_ABSENT,
			result == -EBUSY ? ERR_BUSY : ERR_INTERNAL, -result,
			"its directory cannot be given back");
		return;
	}
	remove_directories(target);
	target->phase = PHASE_ABSENT;
	target->is_gone = target->claim_count == 0;
	target->mount_id = 0;
}

void
target_on_launch_reply(
	struct target *target, const struct launch_reply *reply, int pidfd)
{
	cleanup_close int owned = pidfd;

	if (reply->op == LAUNCH_PREPARE && target->phase == PHASE_PREPARING)
		on_prepared(target, reply->result);
	else if (reply->op == LAUNCH_START && target->phase == PHASE_STARTING)
		on_started(target, reply, take_fd(&owned));
	else if (reply->op == LAUNCH_REMOVE && target->phase == PHASE_REMOVING)
		on_removed(target, reply->result);
	else if (reply->op != LAUNCH_KILL)
		log_error("target %s: the launcher answered what was not "
			  "asked",
			target->uri);
	target_touch(target);
}

void
target_stop(struct target *target)
{
	if (target->phase == PHASE_RUNNING)
		link_hang_up(&target->link);
}
