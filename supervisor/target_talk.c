/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target_talk.c - one connection: orders to its worker, and what it reports.
 *
 * Runs in: supervisor.
 * Trusts: a worker's reports only as far as they concern its own target; that
 *         it follows orders not at all: one that does not is killed.
 * Invariant: an order is a bit until it went out, so that a full pipe holds up
 *            nobody and the last wish counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/supervisor.h"
#include "supervisor/target_private.h"

enum {
	PENDING_TARGET = 1,
	PENDING_WANT = 2,
	PENDING_RETRY = 4,
	PENDING_LOOK = 8,
};

/* For a worker to follow an order, or to end. Long: a thousand of them may be
 * starting at once. */
#define PATIENCE_US (30 * US_PER_SEC)

/* Lines of one worker's log in a window; more are dropped. */
enum {
	LOG_LINES = 20
};
#define LOG_WINDOW_US (10 * US_PER_SEC)

enum wanted
target_wanted(const struct target *target)
{
	return target->claim_count > 0 ? WANTED_UP : WANTED_DOWN;
}

void
target_lose_patience(struct target *target)
{
	if (target->patience.due_us == 0)
		(void)loop_arm(target->supervisor->loop, &target->patience,
			clock_boot_us() + PATIENCE_US);
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
		message.want.wanted = target_wanted(target);
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
		target_lose_patience(target);
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

/* It goes out at the turn's end: a claim that is staged may yet be undone. */
static void
add_order(struct target *target, unsigned bit)
{
	if (target->phase != PHASE_RUNNING)
		return;
	target->pending |= bit;
	target_touch(target);
}

void
target_look(struct target *target)
{
	add_order(target, PENDING_LOOK);
}

void
target_begin_orders(struct target *target)
{
	target->pending = PENDING_TARGET | PENDING_WANT;
	target_touch(target);
}

void
target_give_orders(struct target *target)
{
	if (target->told != target_wanted(target))
		target->pending |= PENDING_WANT;
	send_orders(target);
}

void
target_retry(struct target *target)
{
	unsigned orders = PENDING_RETRY;

	target_hurry(target);
	if (target->status.state == TARGET_CONNECTED)
		return; /* there is nothing to be tried */

	/* Else it would hurry to do what is not wanted any more. */
	if (target->told != target_wanted(target))
		orders |= PENDING_WANT;
	add_order(target, orders);
}

static void
on_writable(struct link *link)
{
	target_touch(container_of(link, struct target, link));
}

static void
on_pipe_end(struct link *link)
{
	target_lose_patience(container_of(link, struct target, link));
}

static void
on_patience_lost(struct loop_timer *timer)
{
	struct target *target = container_of(timer, struct target, patience);

	log_warning("target %s: worker %d does not react: killed", target->uri,
		(int)target->link.pid);
	(void)launch_kill(&target->supervisor->launch, target->slot);
	target_lose_patience(target);
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
		log_line(link_log_level(message->level), "worker %s: %s",
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
	/* One of the two accounts is behind: which, the table will show. */
	if (status->is_mounted != (target->mount_id != 0))
		mounts_read_soon(&target->supervisor->mounts);
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
	target_lose_patience(target);
}

void
target_talk_init(struct target *target)
{
	target->link.on_writable = on_writable;
	target->link.on_report = on_report;
	target->link.on_bad_report = on_bad_report;
	target->link.on_pipe_end = on_pipe_end;
	target->patience.on_due = on_patience_lost;
}
