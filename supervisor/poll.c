/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * poll.c - those who follow events: calls that wait, and subscriptions.
 *
 * Runs in: supervisor.
 * Trusts: arguments that method_events.c has checked.
 * Invariant: see poll.h. What is told of a change comes behind the answer to
 *            the request that made it: it is told at the turn's end.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "supervisor/api.h"
#include "supervisor/poll.h"
#include "supervisor/supervisor.h"

enum {
	RPC_NOTIFICATION = 2,
	POLLS_PER_CLIENT = 16,
};

/* Until a client that reads slowly is tried again. */
#define ROOM_PAUSE_US (US_PER_SEC / 5)

struct poll {
	TAILQ_ENTRY(poll) entry;
	struct client *client;
	uint64_t message_id;
	uint64_t since;
	uint64_t most;
	struct loop_timer deadline;
};

static void
poll_free(struct poll *poll)
{
	struct supervisor *supervisor = poll->client->supervisor;

	loop_disarm(supervisor->loop, &poll->deadline);
	TAILQ_REMOVE(&supervisor->polls, poll, entry);
	poll->client->poll_count--;
	free(poll);
}

void
poll_answer(struct client *client, uint64_t message_id, uint64_t since,
	uint64_t most)
{
	const struct journal *journal = &client->supervisor->journal;
	const struct journal_view view = journal_look(journal, since, most);
	struct wire_writer *out = &client->out;

	api_begin_result(out, message_id);
	wire_map(out, 2);
	wire_pair_uint(out, "next", journal_view_next(&view, since));
	wire_text(out, "events");
	wire_array(out, journal_view_count(&view));
	if (view.gap_from != 0)
		journal_write_gap(out, &view);
	for (uint64_t i = view.first; i < view.end; i++)
		journal_write_event(out, journal, i);
}

static void
answer(struct poll *poll)
{
	struct wire_writer *out = &poll->client->out;
	size_t mark = api_mark(out);

	poll_answer(poll->client, poll->message_id, poll->since, poll->most);
	api_check_fits(out, mark, poll->message_id);
	poll_free(poll);
}

static void
on_deadline(struct loop_timer *timer)
{
	struct poll *poll = container_of(timer, struct poll, deadline);

	/* It was armed, so there is memory to arm it again. */
	if (!client_has_room(poll->client))
		(void)loop_arm(poll->client->supervisor->loop, timer,
			clock_boot_us() + ROOM_PAUSE_US);
	else
		answer(poll);
}

int
poll_new(struct client *client, uint64_t message_id, uint64_t since,
	uint64_t most, uint64_t timeout_ms, struct err *err)
{
	struct supervisor *supervisor = client->supervisor;
	struct poll *poll;
	int result;

	result = client_check_waiting(client, err);
	if (result < 0)
		return result;
	if (client->poll_count >= POLLS_PER_CLIENT)
		return err_set(err, ERR_TOO_MANY, ENOSPC,
			"this client waits for events by %d calls already",
			POLLS_PER_CLIENT);
	poll = calloc(1, sizeof(*poll));
	if (!poll)
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	*poll = (struct poll){.client = client,
		.message_id = message_id,
		.since = since,
		.most = most,
		.deadline.on_due = on_deadline};
	TAILQ_INSERT_TAIL(&supervisor->polls, poll, entry);
	client->poll_count++;
	if (loop_arm(supervisor->loop, &poll->deadline,
		    clock_boot_us() + timeout_ms * US_PER_MS) < 0) {
		poll_free(poll);
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	}
	return 0;
}

void
poll_wake_all(struct supervisor *supervisor)
{
	const struct journal *journal = &supervisor->journal;
	struct poll *poll, *next;

	for (poll = TAILQ_FIRST(&supervisor->polls); poll; poll = next) {
		next = TAILQ_NEXT(poll, entry);
		if (poll->since + 1 == journal->next)
			continue;
		/* All are woken at once, and each may be told much. */
		if (client_has_room(poll->client))
			answer(poll);
		else
			poll->client->is_starved = true;
	}
}

void
poll_forget_client(struct client *client)
{
	struct poll *poll, *next;

	for (poll = TAILQ_FIRST(&client->supervisor->polls); poll;
		poll = next) {
		next = TAILQ_NEXT(poll, entry);
		if (poll->client == client)
			poll_free(poll);
	}
}

static void
begin_notification(struct wire_writer *out)
{
	wire_array(out, 3);
	wire_uint(out, RPC_NOTIFICATION);
	wire_text(out, "event");
	wire_array(out, 1);
}

bool
poll_is_behind(const struct client *client)
{
	return client->is_subscribed && !client->is_closing &&
	       client->told + 1 != client->supervisor->journal.next;
}

void
poll_feed(struct client *client, size_t room)
{
	const struct journal *journal = &client->supervisor->journal;
	struct wire_writer *out = &client->out;
	size_t most = out->len + room;
	struct journal_view view;

	if (!poll_is_behind(client))
		return;
	view = journal_look(journal, client->told, UINT64_MAX);
	if (view.gap_from != 0) {
		begin_notification(out);
		journal_write_gap(out, &view);
		client->told = view.first - 1;
	}
	while (client->told + 1 < view.end && out->len < most) {
		begin_notification(out);
		journal_write_event(out, journal, ++client->told);
	}
}
