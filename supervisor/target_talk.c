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
#include <errno.h>
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
	PENDING_CREDENTIALS = 16,
	PENDING_HOLDERS = 32,
	PENDING_TRIAL = 64,
	PENDING_PING = 128,
	PENDING_LIMIT = 256,
	PENDING_TURN = 512,
};

/* For a worker to follow an order, or to end. Long: a thousand of them may be
 * starting at once. */
#define PATIENCE_US (30 * US_PER_SEC)

/* A worker that is well says so with each probe. One from which nothing comes
 * for longer is asked, and not believed any more if it does not answer. */
#define SILENCE_US	 (5 * US_PER_SEC)
#define PONG_DEADLINE_US (5 * US_PER_SEC)

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
		.mount_deadline_ms = conf->mount_deadline_ms,
		.disconnect_deadline_ms = conf->disconnect_deadline_ms,
		.force_after_ms = conf->force_after_ms,
		.retry_min_ms = conf->retry_min_ms,
		.retry_max_ms = conf->retry_max_ms,
		.blocked_ms = conf->blocked_ms,
		.session = target->status.session,
		.origin = target->status.origin,
	};
	(void)snprintf(order->uri, sizeof(order->uri), "%s", target->uri);
}

static void
fill_want_order(const struct target *target, struct want_message *order)
{
	order->wanted = target_wanted(target);
}

static void
fill_credentials_order(
	const struct target *target, struct credentials_message *order)
{
	iscsi_auth_copy(order, &target->credential->auth);
	order->is_missing = !credential_is_usable(target->credential);
}

static void
fill_trial_order(const struct target *target, struct trial_message *order)
{
	uint32_t number;
	const struct iscsi_auth *auth = claiming_auth(target->trial, &number);

	order->number = number;
	iscsi_auth_copy(order, auth);
}

static unsigned
earlier_kinds(const struct target *target)
{
	return ledger_earlier_kinds(&target->supervisor->ledger, target);
}

static void
fill_limit_order(const struct target *target, struct limit_message *order)
{
	order->hold = server_hold(target);
	order->earlier_stuck = earlier_kinds(target);
}

static void
fill_order(const struct target *target, struct message *message)
{
	if (message->type == MESSAGE_target)
		fill_target_order(target, &message->target);
	else if (message->type == MESSAGE_want)
		fill_want_order(target, &message->want);
	else if (message->type == MESSAGE_limit)
		fill_limit_order(target, &message->limit);
	else if (message->type == MESSAGE_turn)
		message->turn.number = target->turn;
	else if (message->type == MESSAGE_ping)
		message->ping.number = target->ping;
	else if (message->type == MESSAGE_credentials)
		fill_credentials_order(target, &message->credentials);
	else if (message->type == MESSAGE_trial)
		fill_trial_order(target, &message->trial);
	else if (message->type == MESSAGE_holders)
		message->holders = (struct holders_message){
			.count = target->scanned_count,
			.is_complete = target->is_scan_complete,
		};
}

/* One order; true when it went out, or there is none to go. */
static bool
send_order(struct target *target, unsigned bit, enum message_type type)
{
	struct message message = {.type = type};
	int result;

	if (!(target->pending & bit))
		return true;
	fill_order(target, &message);
	result = link_send(&target->link, &message);
	if (result == 0 && type == MESSAGE_want)
		target->told = message.want.wanted;
	if (result == 0 && type == MESSAGE_limit) {
		target->told_hold = message.limit.hold;
		target->told_earlier = (unsigned)message.limit.earlier_stuck;
	}
	explicit_bzero(&message, sizeof(message)); /* it may be a secret */
	if (result < 0)
		return false;
	target->pending &= ~bit;
	return true;
}

/* What has lost its sense meanwhile is not said. */
static void
drop_vain_orders(struct target *target)
{
	if (!target->trial)
		target->pending &= ~(unsigned)PENDING_TRIAL;
	if (!target->credential)
		target->pending &= ~(unsigned)PENDING_CREDENTIALS;
}

/* A named credential is on its way: it comes before the wish to connect. */
static bool
is_waiting_for_credential(const struct target *target)
{
	return target->fetch && target->pending & PENDING_CREDENTIALS &&
	       target->pending & PENDING_WANT && !target->has_reported;
}

/* Whether the worker has done, and said, all that it was told. */
static bool
is_obedient(const struct target *target)
{
	return target->pending == 0 && link_is_open(&target->link) &&
	       target->has_reported && target->status.wanted == target->told &&
	       target->pong == target->ping &&
	       target->heard_hold == target->told_hold &&
	       target->heard_earlier == target->told_earlier;
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
	drop_vain_orders(target);
	if (is_waiting_for_credential(target))
		return;
	(void)(send_order(target, PENDING_TARGET, MESSAGE_target) &&
		send_order(target, PENDING_CREDENTIALS, MESSAGE_credentials) &&
		send_order(target, PENDING_LIMIT, MESSAGE_limit) &&
		send_order(target, PENDING_WANT, MESSAGE_want) &&
		send_order(target, PENDING_PING, MESSAGE_ping) &&
		send_order(target, PENDING_LOOK, MESSAGE_look) &&
		send_order(target, PENDING_HOLDERS, MESSAGE_holders) &&
		send_order(target, PENDING_TRIAL, MESSAGE_trial) &&
		send_order(target, PENDING_TURN, MESSAGE_turn) &&
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
target_give_turn(struct target *target)
{
	target->turn++;
	add_order(target, PENDING_TURN);
}

void
target_give_credential(struct target *target)
{
	add_order(target, PENDING_CREDENTIALS);
}

void
target_try_credential(struct target *target)
{
	add_order(target, PENDING_TRIAL);
}

/* Connections with claims that are on this session as well: a portal may have
 * more than one name. */
static uint64_t
count_sharers(const struct target *target)
{
	struct target *other, *next;
	uint64_t count = 0;

	HASH_ITER (by_uri, target->supervisor->targets, other, next)
		if (other != target && other->scheme == URI_ISCSI &&
			other->status.session != 0 &&
			other->status.session == target->status.session &&
			target_wanted(other) == WANTED_UP)
			count++;
	return count;
}

void
target_on_scanned(struct target *target, uint64_t count, bool is_complete)
{
	if (target->scheme != URI_ISCSI)
		return; /* the kernel itself refuses to unmount what is used */
	target->scanned_count = count + count_sharers(target);
	target->is_scan_complete = is_complete;
	add_order(target, PENDING_HOLDERS);
}

void
target_begin_orders(struct target *target)
{
	target->ping = target->pong = 0;
	target->turn = target->heard_turn = 0;
	target->told_hold = target->heard_hold = HOLD_NONE;
	target->told_earlier = target->heard_earlier = 0;
	target->pending = PENDING_TARGET | PENDING_WANT | PENDING_CREDENTIALS |
			  PENDING_TRIAL;
	target_refresh_credential(target);
	target_touch(target);
}

void
target_give_orders(struct target *target)
{
	if (target->told != target_wanted(target))
		target->pending |= PENDING_WANT;
	if (target->told_hold != server_hold(target) ||
		target->told_earlier != earlier_kinds(target))
		target->pending |= PENDING_LIMIT;
	send_orders(target);
}

void
target_retry(struct target *target)
{
	unsigned orders = PENDING_RETRY;

	target_hurry(target);
	target_refresh_credential(target);
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
listen_until(struct target *target, uint64_t pause_us)
{
	/* Without memory for a timer: the next report arms it. */
	(void)loop_arm(target->supervisor->loop, &target->silence,
		clock_boot_us() + pause_us);
}

static void
note_report(struct target *target, const struct status_message *status)
{
	const struct conf *conf = &target->supervisor->conf;

	if (status->attempt != target->status.attempt)
		target->attempt_after_us = target->heard_us;
	target->heard_us = clock_boot_us();
	target->has_reported = true;
	target->pong = (uint32_t)status->pong;
	target->heard_hold = status->hold;
	target->heard_earlier = (unsigned)status->earlier_stuck;
	target->heard_turn = (uint32_t)status->turn;
	listen_until(
		target, (conf->probe_interval_ms + conf->probe_deadline_ms) *
					US_PER_MS +
				SILENCE_US);
}

/* What was well when it was last heard of need not be so any more. */
static void
doubt_worker(struct target *target)
{
	struct err err;

	if (target->status.state != TARGET_CONNECTED)
		return;
	(void)err_set(&err, ERR_WORKER_DIED, ETIMEDOUT,
		"worker %d does not react: it is replaced unless it does soon",
		(int)target->link.pid);
	target_set_error(target, TARGET_UNRESPONSIVE, &err);
}

static void
on_silence(struct loop_timer *timer)
{
	struct target *target = container_of(timer, struct target, silence);

	if (target->phase != PHASE_RUNNING || target->supervisor->is_stopping)
		return;
	if (target->ping == target->pong) {
		target->ping++;
		add_order(target, PENDING_PING);
		listen_until(target, PONG_DEADLINE_US);
	} else {
		doubt_worker(target);
	}
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

bool
target_may_log(struct target *target)
{
	uint64_t now_us = clock_boot_us();

	if (now_us - target->log_window_us > LOG_WINDOW_US) {
		target->log_window_us = now_us;
		target->log_count = 0;
	}
	return target->log_count++ < LOG_LINES;
}

static void
log_for_worker(struct target *target, const struct log_message *message)
{
	if (target_may_log(target))
		log_line(link_log_level(message->level), "worker %s: %s",
			target->uri, message->text);
}

/* One of the two accounts is behind: which, the table will show. */
static void
compare_accounts(struct target *target)
{
	struct supervisor *supervisor = target->supervisor;

	if (target->scheme == URI_ISCSI)
		target_session_compare(target);
	else if (target->status.has_object != (target->mount_id != 0))
		mounts_read_soon(&supervisor->mounts);
}

static void
take_status(struct target *target, const struct status_message *status)
{
	const struct status_message before = target->status;
	bool was_refused = before.error == ERR_AUTH_FAILED &&
			   before.error_attempt == status->error_attempt;

	note_report(target, status);
	/* A new worker that has not looked yet knows less than we do. */
	if (status->state != TARGET_REGISTERED || status->wanted != WANTED_UP ||
		target->status.state == TARGET_REGISTERED)
		target_set_status(target, status);
	watch_obedience(target);
	if (target->status.was_forced && !before.was_forced)
		journal_note(target->supervisor, EVENT_FORCED, target, "",
			"what had not been written to the server may be lost");
	ledger_note_report(&target->supervisor->ledger, target);
	server_note_report(target, &before);
	compare_accounts(target);
	if (!was_refused)
		target_doubt_credential(target);
}

static bool
on_report(struct link *link, const struct message *message)
{
	struct target *target = container_of(link, struct target, link);

	if (message->type == MESSAGE_log)
		log_for_worker(target, &message->log);
	else if (message->type == MESSAGE_status)
		take_status(target, &message->status);
	else if (message->type == MESSAGE_tried && target->scheme == URI_ISCSI)
		claiming_on_tried(target, &message->tried);
	else
		return false;
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
	target->silence.on_due = on_silence;
}
