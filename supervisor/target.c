/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target.c - one connection: registry, paths, and what is known of it.
 *
 * Runs in: supervisor.
 * Trusts: URIs that uri_parse() made canonical.
 * Invariant: target_set_status() is the one setter of status; it logs, keeps
 *            the history, and lets waiters look.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/hash.h"
#include "common/log.h"
#include "supervisor/entry.h"
#include "supervisor/supervisor.h"
#include "supervisor/target_private.h"
#include "supervisor/waiter.h"

void
target_slots_init(struct slots *slots)
{
	/* The lowest is handed out first. */
	for (uint32_t i = 0; i < LAUNCH_SLOT_SCANNER; i++)
		slots->free[i] = LAUNCH_SLOT_SCANNER - 1 - i;
	slots->count = LAUNCH_SLOT_SCANNER;
}

/* A second URI with the same key is refused, which harms only who chose it. */
static int
check_new(struct supervisor *supervisor, uint64_t key, struct err *err)
{
	const struct target *other;

	HASH_FIND(by_key, supervisor->targets_by_key, &key, sizeof(key), other);
	if (other)
		return err_set(err, ERR_BAD_URI, EEXIST,
			"its directory is taken by %s: write one of the two "
			"in another way",
			other->uri);
	if (supervisor->slots.count == 0)
		return err_set(err, ERR_TOO_MANY, ENOSPC,
			"%u connections are managed already, which is the most "
			"that can be",
			HASH_CNT(by_uri, supervisor->targets));
	return 0;
}

int
target_new(struct supervisor *supervisor, const struct uri *uri,
	struct target **ret_target, struct err *err)
{
	uint64_t key = hash_text(uri->canonical);
	struct target *target;
	int result = check_new(supervisor, key, err);

	if (result < 0)
		return result;
	target = calloc(1, sizeof(*target));
	if (target) {
		target->uri = strdup(uri->canonical);
		target->mount_name = strdup(uri->mount_name);
		target->iqn = strdup(uri->scheme == URI_ISCSI ? uri->path : "");
	}
	if (!target || !target->uri || !target->mount_name || !target->iqn) {
		if (target) {
			free(target->uri);
			free(target->mount_name);
			free(target->iqn);
		}
		free(target);
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	}
	target->supervisor = supervisor;
	target->scheme = uri->scheme;
	target->key = key;
	target->slot = supervisor->slots.free[--supervisor->slots.count];
	supervisor->slots.by_slot[target->slot] = target;
	target->since_us = clock_unix_us();
	TAILQ_INIT(&target->claims);
	TAILQ_INIT(&target->waiters);
	if (server_join(target, uri) < 0)
		log_warning("target %s: no memory to watch its server",
			target->uri);
	entry_make_info(target, uri);
	target_session_load(target);
	target_life_init(target);
	HASH_ADD_KEYPTR(by_uri, supervisor->targets, target->uri,
		strlen(target->uri), target);
	HASH_ADD(by_key, supervisor->targets_by_key, key, sizeof(target->key),
		target);
	*ret_target = target;
	return 0;
}

void
target_free(struct target *target)
{
	struct supervisor *supervisor = target->supervisor;

	scan_forget(&supervisor->scan, target);
	claiming_end_target(target);
	fetch_cancel(target->fetch);
	credential_free(target->credential);
	waiter_end_target(target);
	user_forget_leaver(target);
	server_leave(target);
	link_close(&target->link);
	loop_disarm(supervisor->loop, &target->again);
	loop_disarm(supervisor->loop, &target->scan_again);
	loop_disarm(supervisor->loop, &target->patience);
	loop_disarm(supervisor->loop, &target->silence);
	if (target->is_touched)
		TAILQ_REMOVE(&supervisor->touched, target, in_touched);
	HASH_DELETE(by_uri, supervisor->targets, target);
	HASH_DELETE(by_key, supervisor->targets_by_key, target);
	supervisor->slots.by_slot[target->slot] = NULL;
	supervisor->slots.free[supervisor->slots.count++] = target->slot;
	free(target->uri);
	free(target->mount_name);
	free(target->iqn);
	free(target->last_cid);
	free(target->fault);
	free(target->info);
	free(target->history);
	free(target->holders);
	free(target->mount_options);
	free(target->mount_flags);
	free(target);
}

struct target *
target_find(struct supervisor *supervisor, const char *uri)
{
	struct target *target;

	HASH_FIND(by_uri, supervisor->targets, uri, strlen(uri), target);
	return target;
}

void
target_path(const struct supervisor *supervisor, const struct target *target,
	char *path)
{
	(void)snprintf(path, TARGET_PATH_MAX, "%s/%016llx/%s",
		supervisor->mount_root, (unsigned long long)target->key,
		target->mount_name);
}

void
target_touch(struct target *target)
{
	struct supervisor *supervisor = target->supervisor;

	if (target->is_touched)
		return;
	target->is_touched = true;
	TAILQ_INSERT_TAIL(&supervisor->touched, target, in_touched);
	loop_hurry(supervisor->loop);
}

/* A repeated attempt that fails as the one before is no news. */
static bool
is_news(const struct target *target, const struct status_message *next)
{
	enum target_state from = target->status.state;
	bool was_down = from == TARGET_BACKOFF || from == TARGET_BLOCKED;

	if (next->state == TARGET_CONNECTING && was_down)
		return false;
	if (from == TARGET_CONNECTING && (next->state == TARGET_BACKOFF ||
						 next->state == TARGET_BLOCKED))
		return next->error != target->logged_error;
	return next->state != from || next->error != target->logged_error;
}

static void
add_history(struct target *target, const struct status_message *status)
{
	struct target_event *event;

	if (!target->history)
		target->history =
			calloc(TARGET_HISTORY, sizeof(*target->history));
	if (!target->history)
		return; /* it goes on without one */
	event = &target->history[target->history_count++ % TARGET_HISTORY];
	event->at_us = clock_unix_us();
	event->state = status->state;
	event->error = status->error;
	(void)snprintf(event->text, sizeof(event->text), "%.95s",
		status->error == ERR_NONE ? "" : status->error_text);
	err_clean_text(event->text);
}

static void
log_status(const struct target *target, const struct status_message *next)
{
	if (next->error == ERR_NONE)
		log_notice("target %s: %s -> %s", target->uri,
			target_state_word(target->status.state),
			target_state_word(next->state));
	else
		log_notice("target %s: %s -> %s (%s: %s)", target->uri,
			target_state_word(target->status.state),
			target_state_word(next->state), err_slug(next->error),
			next->error_text);
}

void
target_set_status(struct target *target, const struct status_message *next)
{
	enum target_state before;
	enum err_code error_before;

	if (is_news(target, next)) {
		if (target_may_log(target))
			log_status(target, next);
		add_history(target, next);
		target->logged_error = next->error;
		if (next->state != target->status.state)
			target->since_us = clock_unix_us();
	}
	if (next->state != TARGET_LINGERING &&
		next->state != TARGET_DISCONNECTING) {
		target_set_holders(target, NULL, 0);
		scan_forget(&target->supervisor->scan, target);
	}
	if (next->state == TARGET_DISCONNECTING &&
		target->status.state != next->state)
		scan_hurry(target);
	target_session_note(target, next);
	before = target->status.state;
	error_before = target->status.error;
	target->status = *next;
	record_note(&target->record, next, target_wanted(target) == WANTED_UP,
		clock_unix_us());
	journal_note_status(target->supervisor, target, before, error_before);
	target_touch(target);
}

/*
 * An attempt that its worker cannot report on any more has failed all the same,
 * and so has one that never began because there was no worker to begin it.
 */
static void
count_failure(const struct target *target, struct status_message *status)
{
	status->failed_began_us = target->attempt_after_us;
	if (status->state != TARGET_CONNECTING) {
		if (target->has_reported)
			return;
		status->attempt++;
		status->attempt_at_us = clock_unix_us();
		status->failed_began_us = clock_boot_us();
	}
	status->failed_attempt = status->attempt;
}

void
target_forget_processes(struct target *target)
{
	struct status_message *status = &target->status;

	status->operation_pid = 0;
	status->stuck_connect = 0;
	status->stuck_probe = 0;
	status->stuck_detach = 0;
	status->stuck_disconnect = 0;
	status->stuck_trial = 0;
}

void
target_set_error(
	struct target *target, enum target_state state, const struct err *err)
{
	struct status_message next = target->status;

	if (state == TARGET_BACKOFF)
		count_failure(target, &next);
	next.state = state;
	next.operation = OPERATION_NONE;
	next.has_object = target_has_object(target);
	next.next_retry_us = 0;
	next.error = err->code;
	next.error_errno = (uint64_t)err->errnum;
	next.error_attempt = state == TARGET_BACKOFF ? next.attempt : 0;
	next.error_at_us = clock_unix_us();
	(void)snprintf(
		next.error_text, sizeof(next.error_text), "%.255s", err->text);
	target_set_status(target, &next);
}

void
target_set_holders(struct target *target, const struct holder_message *holders,
	size_t count)
{
	free(target->holders);
	target->holders = NULL;
	target->holder_count = 0;
	if (count == 0)
		return;
	target->holders = calloc(count, sizeof(*holders));
	if (!target->holders)
		return; /* the next scan tells again */
	memcpy(target->holders, holders, count * sizeof(*holders));
	target->holder_count = count;
}

void
target_see_mount(struct target *target, const struct mount_entry *entry,
	uint32_t reading)
{
	target->seen = reading;
	if (target->mount_id != entry->id) {
		target->mount_id = entry->id;
		target_look(target);
	}
	target->device_major = entry->device_major;
	target->device_minor = entry->device_minor;
	if (!target->mount_flags ||
		strcmp(target->mount_flags, entry->flags) != 0) {
		free(target->mount_flags);
		target->mount_flags = strdup(entry->flags);
	}
	if (target->mount_options &&
		strcmp(target->mount_options, entry->options) == 0)
		return;
	free(target->mount_options);
	target->mount_options = strdup(entry->options);
}

void
target_end_reading(struct target *target, uint32_t reading)
{
	if (target->seen != reading && target->mount_id != 0) {
		target->mount_id = 0;
		free(target->mount_options);
		target->mount_options = NULL;
		target_look(target);
	}
	if (target->gone_us != 0)
		target_touch(target); /* it waited for this reading */
	/* It may have come and gone between two readings. */
	if (target->status.has_object != (target->mount_id != 0))
		target_look(target);
}
