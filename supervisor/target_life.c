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

enum {
	PENDING_TARGET = 1,
	PENDING_WANT = 2,
	PENDING_RETRY = 4,
	PENDING_LOOK = 8,
};

/* A worker that lived that long did not die of its start. */
#define LONG_LIFE_US	 (10 * US_PER_SEC)
#define RESTART_FIRST_US (US_PER_SEC / 10)
#define RESTART_MIN_US	 US_PER_SEC
#define RESTART_MAX_US	 (60 * US_PER_SEC)
/* For a worker to follow an order, or to end. Long: a thousand of them may be
 * starting at once. */
#define PATIENCE_US (30 * US_PER_SEC)

/* Lines of one worker's log in a window; more are dropped. */
enum {
	LOG_LINES = 20
};
#define LOG_WINDOW_US (10 * US_PER_SEC)

static enum wanted
wanted_of(const struct target *target)
{
	return target->claim_count > 0 ? WANTED_UP : WANTED_DOWN;
}

static void
try_again_in(struct target *target, uint64_t pause_us)
{
	/* Without memory for a timer: the next touch tries again. */
	(void)loop_arm(target->supervisor->loop, &target->again,
		clock_boot_us() + pause_us);
}

/* The worker owes us something: it is killed if that does not come. */
static void
lose_patience_soon(struct target *target)
{
	if (target->patience.due_us == 0)
		(void)loop_arm(target->supervisor->loop, &target->patience,
			clock_boot_us() + PATIENCE_US);
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
give_up_for_now(struct target *target, enum target_phase phase, int errnum,
	const char *what)
{
	struct err err;

	(void)err_set(
		&err, ERR_INTERNAL, errnum, "%s: %s", what, strerror(errnum));
	target->phase = phase;
	target_set_error(target,
		target->mount_id ? TARGET_UNRESPONSIVE : TARGET_BACKOFF, &err);
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
		give_up_for_now(target, PHASE_ABSENT, -result,
			"its directory cannot be made");
	else
		target->phase = PHASE_PREPARING;
}

static enum backend
backend_of(const struct target *target)
{
	switch (target->scheme) {
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
		give_up_for_now(target, PHASE_READY, -result,
			"no worker can be started");
	else
		target->phase = PHASE_STARTING;
}

static void
fill_target_order(const struct target *target, struct target_message *order)
{
	const struct conf *conf = &target->supervisor->conf;

	*order = (struct target_message){
		.attempt = target->status.attempt,
		.probe_interval_ms = conf->probe_interval_ms,
		.probe_deadline_ms = conf->probe_deadline_ms,
		.connect_deadline_ms = conf->connect_deadline_ms,
		.disconnect_deadline_ms = conf->disconnect_deadline_ms,
		.retry_min_ms = conf->retry_min_ms,
		.retry_max_ms = conf->retry_max_ms,
		.blocked_ms = conf->blocked_ms,
	};
	(void)snprintf(order->uri, sizeof(order->uri), "%s", target->uri);
}

/* One order; true when it went out. */
static bool
send_order(struct target *target, unsigned bit, enum message_type type)
{
	struct message message = {.type = type};

	if (!(target->pending & bit))
		return true;
	if (type == MESSAGE_target)
		fill_target_order(target, &message.target);
	if (type == MESSAGE_want)
		message.want.wanted = wanted_of(target);
	if (link_send(&target->link, &message) < 0)
		return false;
	target->pending &= ~bit;
	if (type == MESSAGE_want)
		target->told = message.want.wanted;
	return true;
}

/* Whether the worker has done, and said, all that it was told. */
static bool
is_obedient(const struct target *target)
{
	return target->pending == 0 && link_is_open(&target->link) &&
	       target->has_reported && target->status.wanted == target->told;
}

static void
watch_obedience(struct target *target)
{
	if (target->phase != PHASE_RUNNING)
		return;
	if (is_obedient(target))
		loop_disarm(target->supervisor->loop, &target->patience);
	else
		lose_patience_soon(target);
}

/* In this order: a worker takes nothing before it knows its target. */
static void
send_orders(struct target *target)
{
	(void)(send_order(target, PENDING_TARGET, MESSAGE_target) &&
		send_order(target, PENDING_WANT, MESSAGE_want) &&
		send_order(target, PENDING_LOOK, MESSAGE_look) &&
		send_order(target, PENDING_RETRY, MESSAGE_retry));
	watch_obedience(target);
}

static void
add_order(struct target *target, unsigned bit)
{
	if (target->phase != PHASE_RUNNING)
		return;
	target->pending |= bit;
	send_orders(target);
}

void
target_look(struct target *target)
{
	add_order(target, PENDING_LOOK);
}

void
target_hurry(struct target *target)
{
	/* A worker that cannot be started is not tried faster than that. */
	if (target->again.due_us > clock_boot_us() + RESTART_MIN_US)
		try_again_in(target, RESTART_MIN_US);
}

void
target_retry(struct target *target)
{
	unsigned orders = PENDING_RETRY;

	if (target->status.state == TARGET_CONNECTED)
		return; /* there is nothing to be hurried */

	/* Else it would hurry to do what is not wanted any more. */
	if (target->told != wanted_of(target))
		orders |= PENDING_WANT;
	add_order(target, orders);
	target_hurry(target);
}

/* Whether a running worker has nothing left to take down. */
static bool
is_gone(const struct target *target)
{
	return wanted_of(target) == WANTED_DOWN &&
	       target->told == WANTED_DOWN &&
	       target->status.wanted == WANTED_DOWN &&
	       target->status.state == TARGET_REGISTERED &&
	       !target->status.is_mounted;
}

static void
settle_running(struct target *target)
{
	if (is_gone(target)) {
		target->phase = PHASE_STOPPING;
		link_hang_up(&target->link);
		lose_patience_soon(target);
		return;
	}
	if (target->told != wanted_of(target))
		add_order(target, PENDING_WANT);
	if (target->status.state == TARGET_LINGERING)
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
on_writable(struct link *link)
{
	send_orders(container_of(link, struct target, link));
}

static void
on_pipe_end(struct link *link)
{
	lose_patience_soon(container_of(link, struct target, link));
}

static void
on_patience_lost(struct loop_timer *timer)
{
	struct target *target = container_of(timer, struct target, patience);

	log_warning("target %s: worker %d does not react: killed", target->uri,
		(int)target->link.pid);
	(void)launch_kill(&target->supervisor->launch, target->slot);
	lose_patience_soon(target);
}

/* A worker that has much to say may say only so much. */
static void
log_for_worker(struct target *target, const struct log_message *message)
{
	uint64_t now_us = clock_boot_us();

	if (now_us - target->log_window_us > LOG_WINDOW_US) {
		target->log_window_us = now_us;
		target->log_count = 0;
	}
	if (target->log_count++ < LOG_LINES)
		log_line((enum log_level)message->level, "worker %s: %s",
			target->uri, message->text);
}

static bool
on_report(struct link *link, const struct message *message)
{
	struct target *target = container_of(link, struct target, link);
	const struct status_message *status = &message->status;

	if (message->type == MESSAGE_log) {
		log_for_worker(target, &message->log);
		return true;
	}
	if (message->type != MESSAGE_status)
		return false;
	/* A new worker that has not looked yet knows less than we do. */
	if (status->state != TARGET_REGISTERED || status->wanted != WANTED_UP ||
		target->status.state == TARGET_REGISTERED)
		target_set_status(target, status);
	target->has_reported = true;
	watch_obedience(target);
	return true;
}

static void
on_bad_report(struct link *link, const struct err *err)
{
	struct target *target = container_of(link, struct target, link);

	log_error("target %s: worker %d said what it may not (%s): killed",
		target->uri, (int)link->pid, err->text);
	free(target->fault);
	target->fault = strdup(err->text);
	(void)launch_kill(&target->supervisor->launch, target->slot);
	lose_patience_soon(target);
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

	if (wanted_of(target) == WANTED_UP)
		state = target->mount_id ? TARGET_UNRESPONSIVE : TARGET_BACKOFF;
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
	free(target->fault);
	target->fault = NULL;
	loop_disarm(supervisor->loop, &target->patience);
	if (supervisor->is_stopping) {
		target->phase = PHASE_READY;
	} else if (target->phase != PHASE_STOPPING) {
		on_death(target, &err);
	} else if (wanted_of(target) == WANTED_UP ||
		   launch_remove(&supervisor->launch, target->slot) < 0) {
		target->phase = PHASE_READY;
	} else {
		target->phase = PHASE_REMOVING;
	}
	target_touch(target);
}

void
target_life_init(struct target *target)
{
	link_init(&target->link, target->supervisor->loop);
	target->link.on_writable = on_writable;
	target->link.on_report = on_report;
	target->link.on_bad_report = on_bad_report;
	target->link.on_pipe_end = on_pipe_end;
	target->link.on_exit = on_worker_exit;
	target->again.on_due = on_again;
	target->patience.on_due = on_patience_lost;
}

static void
on_prepared(struct target *target, int result)
{
	if (result < 0)
		give_up_for_now(target, PHASE_ABSENT, -result,
			"its directory cannot be prepared");
	else
		target->phase = PHASE_READY;
}

static void
on_started(struct target *target, const struct launch_reply *reply, int pidfd)
{
	int result = reply->result;

	if (result == 0)
		result = link_attach(&target->link, reply->pid, dup(pidfd));
	if (result < 0) {
		link_close(&target->link);
		give_up_for_now(target, PHASE_READY, -result,
			"no worker can be started");
		return;
	}
	target->phase = PHASE_RUNNING;
	target->started_us = clock_boot_us();
	target->has_reported = false;
	target->pending = PENDING_TARGET | PENDING_WANT;
	if (target->supervisor->is_stopping)
		link_hang_up(&target->link);
	else
		send_orders(target);
}

static void
on_removed(struct target *target, int result)
{
	if (result < 0) {
		/* Someone stands in it, or mounted in it: look again. */
		give_up_for_now(target, PHASE_ABSENT, -result,
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
		on_started(target, reply, owned);
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
