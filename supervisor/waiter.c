/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * waiter.c - requests that are answered once something has happened.
 *
 * Runs in: supervisor.
 * Trusts: arguments that methods.c has checked.
 * Invariant: see waiter.h. A waiter is in its target's list as long as it
 *            lives; its client's count bounds how many there are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "supervisor/api.h"
#include "supervisor/entry.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

struct waiter {
	TAILQ_ENTRY(waiter) in_target;
	struct client *client;
	uint64_t message_id;
	struct target *target;
	char *cid;
	enum wait_for what;
	uint64_t since_us; /* boot time: attempts from then on count */
	uint64_t timeout_ms;
	struct loop_timer deadline;
};

static void
waiter_free(struct waiter *waiter)
{
	loop_disarm(waiter->client->supervisor->loop, &waiter->deadline);
	TAILQ_REMOVE(&waiter->target->waiters, waiter, in_target);
	waiter->client->waiter_count--;
	free(waiter->cid);
	free(waiter);
}

static void
answer_error(struct waiter *waiter, const struct err *err)
{
	api_write_error(&waiter->client->out, waiter->message_id, err);
	waiter_free(waiter);
}

static void
answer_entry(struct waiter *waiter, const struct claim *claim)
{
	struct wire_writer *out = &waiter->client->out;
	struct supervisor *supervisor = waiter->client->supervisor;
	size_t mark;

	/* So that mount_id and options belong to the state that is told. */
	if (waiter->target->status.has_object && waiter->target->mount_id == 0)
		mounts_read_now(&supervisor->mounts);
	mark = api_mark(out);
	api_begin_result(out, waiter->message_id);
	if (claim)
		entry_write_claim(out, claim, false);
	else
		entry_write_gone(out, waiter->target);
	api_check_fits(out, mark, waiter->message_id);
	waiter_free(waiter);
}

static void
answer_nothing(struct waiter *waiter)
{
	api_begin_result(&waiter->client->out, waiter->message_id);
	entry_write_nothing(&waiter->client->out);
	waiter_free(waiter);
}

/* Whether what is waited for has come about. */
static bool
is_fulfilled(const struct waiter *waiter)
{
	const struct status_message *status = &waiter->target->status;

	switch (waiter->what) {
	case WAIT_CONNECTED:
		return status->state == TARGET_CONNECTED;
	case WAIT_SETTLED:
		return status->state == TARGET_CONNECTED ||
		       (status->failed_attempt != 0 &&
			       status->failed_began_us >= waiter->since_us);
	case WAIT_GONE:
		break; /* waiter_end_target() */
	}
	return false;
}

static void
look(struct waiter *waiter)
{
	const struct claim *claim = claim_find(
		waiter->client->supervisor, waiter->cid, strlen(waiter->cid));

	if (claim && claim->target == waiter->target && is_fulfilled(waiter))
		answer_entry(waiter, claim);
}

static void
on_deadline(struct loop_timer *timer)
{
	struct waiter *waiter = container_of(timer, struct waiter, deadline);
	const struct status_message *status = &waiter->target->status;
	struct err err;

	(void)err_set(&err, ERR_TIMEOUT, ETIMEDOUT,
		"%s is %s after %llu ms%s%s", waiter->cid,
		target_state_word(status->state),
		(unsigned long long)waiter->timeout_ms,
		status->error != ERR_NONE ? ": " : "",
		status->error != ERR_NONE ? status->error_text : "");
	answer_error(waiter, &err);
}

int
waiter_new(struct client *client, uint64_t message_id, struct target *target,
	const char *cid, size_t cid_len, enum wait_for what, uint64_t since_us,
	uint64_t timeout_ms, struct err *err)
{
	struct waiter *waiter;
	int result;

	result = client_check_waiting(client, err);
	if (result < 0)
		return result;
	waiter = calloc(1, sizeof(*waiter));
	if (waiter)
		waiter->cid = strndup(cid, cid_len);
	if (!waiter || !waiter->cid) {
		free(waiter);
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	}
	waiter->client = client;
	waiter->message_id = message_id;
	waiter->target = target;
	waiter->what = what;
	waiter->since_us = since_us;
	waiter->timeout_ms = timeout_ms;
	waiter->deadline.on_due = on_deadline;
	TAILQ_INSERT_TAIL(&target->waiters, waiter, in_target);
	client->waiter_count++;
	if (loop_arm(client->supervisor->loop, &waiter->deadline,
		    clock_boot_us() + timeout_ms * US_PER_MS) < 0) {
		waiter_free(waiter);
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	}
	look(waiter);
	return 0;
}

void
waiter_wake(struct target *target)
{
	struct waiter *waiter, *next;

	for (waiter = TAILQ_FIRST(&target->waiters); waiter; waiter = next) {
		next = TAILQ_NEXT(waiter, in_target);
		look(waiter);
	}
}

void
waiter_end_claim(struct target *target, const char *cid)
{
	struct waiter *waiter, *next;

	for (waiter = TAILQ_FIRST(&target->waiters); waiter; waiter = next) {
		struct err err;

		next = TAILQ_NEXT(waiter, in_target);
		if (strcmp(waiter->cid, cid) != 0)
			continue;
		if (waiter->what != WAIT_GONE) {
			(void)err_set(&err, ERR_NO_SUCH_CID, ENOENT,
				"%s was let go while it was waited for", cid);
			answer_error(waiter, &err);
		} else if (target->claim_count > 0) {
			/* Others keep it; for this ID it is gone. */
			answer_nothing(waiter);
		}
	}
}

void
waiter_end_departed(struct target *target)
{
	struct waiter *waiter, *next;

	for (waiter = TAILQ_FIRST(&target->waiters); waiter; waiter = next) {
		next = TAILQ_NEXT(waiter, in_target);
		if (waiter->what == WAIT_GONE &&
			!claim_find(waiter->client->supervisor, waiter->cid,
				strlen(waiter->cid)))
			answer_nothing(waiter);
	}
}

void
waiter_end_target(struct target *target)
{
	struct waiter *waiter;

	/* No claim is left, so all that still wait do so for this. */
	while ((waiter = TAILQ_FIRST(&target->waiters)))
		answer_entry(waiter, NULL);
}

void
waiter_forget_client(struct supervisor *supervisor, struct client *client)
{
	struct target *target, *next_target;

	if (client->waiter_count == 0)
		return;
	HASH_ITER (by_uri, supervisor->targets, target, next_target) {
		struct waiter *waiter, *next;

		for (waiter = TAILQ_FIRST(&target->waiters); waiter;
			waiter = next) {
			next = TAILQ_NEXT(waiter, in_target);
			if (waiter->client == client)
				waiter_free(waiter);
		}
	}
}
