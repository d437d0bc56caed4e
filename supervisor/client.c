/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client.c - clients of the API socket: their bytes in, their answers out.
 *
 * Runs in: supervisor.
 * Trusts: nobody.
 * Invariant: see client.h. A client's input buffer holds one longest request;
 *            while its answers pile up, or a batch has to be committed first,
 *            no more is read from it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/api.h"
#include "supervisor/poll.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

enum {
	REQUESTS_A_TURN = 128,
	BACKLOG_MAX = 256 << 10,  /* more and no request is read */
	SENT_KEPT_MAX = 64 << 10, /* of bytes that are sent already */
	FED_MAX = 64 << 10,	  /* of events that are not sent yet */
};

#define MESSAGE_DEADLINE_US (10 * US_PER_SEC)
#define READ_DEADLINE_US    (30 * US_PER_SEC)
#define ACCEPT_PAUSE_US	    (US_PER_SEC / 5)

static size_t
backlog(const struct client *client)
{
	return client->out.len - client->out_sent;
}

int
client_check_waiting(const struct client *client, struct err *err)
{
	size_t count = client->waiter_count + client->poll_count;

	if (count < client->supervisor->conf.requests_max)
		return 0;
	return err_set(err, ERR_TOO_MANY, ENOSPC,
		"this client waits for %zu things already: see [limits] "
		"client_requests in holdfast.conf",
		count);
}

bool
client_has_room(const struct client *client)
{
	return backlog(client) <= BACKLOG_MAX;
}

/*
 * Something is due from the client: the rest of a message, or its reading.
 * send_output() takes the deadline back when it makes progress.
 */
static void
set_deadline(struct client *client)
{
	struct loop *loop = client->supervisor->loop;
	uint64_t wait_us = 0;

	if (backlog(client) > 0)
		wait_us = READ_DEADLINE_US;
	else if (client->in_len > 0 && !client->is_held && !client->is_claiming)
		wait_us = MESSAGE_DEADLINE_US;
	if (wait_us == 0)
		loop_disarm(loop, &client->deadline);
	else if (client->deadline.due_us == 0)
		(void)loop_arm(
			loop, &client->deadline, clock_boot_us() + wait_us);
}

static void
set_events(struct client *client)
{
	uint32_t events = 0;

	if (!client->is_held && !client->is_claiming && !client->has_ended &&
		backlog(client) <= BACKLOG_MAX)
		events |= EPOLLIN;
	if (backlog(client) > 0)
		events |= EPOLLOUT;
	loop_change(client->supervisor->loop, &client->source, events);
}

static void
on_deadline(struct loop_timer *timer)
{
	struct client *client = container_of(timer, struct client, deadline);

	log_notice("client uid %u: closed, it %s", (unsigned)client->uid,
		backlog(client) ? "does not read its answers"
				: "does not finish its message");
	client->is_closing = true;
}

/* Handles the message of len bytes at position; true when it was taken. */
static bool
handle_message(struct client *client, size_t position, size_t len)
{
	struct wire_message message;
	struct err err = {0};
	int result = wire_unpack(&message, client->in + position, len, &err);

	if (result == 0) {
		result = api_handle(client, message.root, &err);
		wire_release(&message);
	}
	if (result == API_HELD) {
		client->is_waiting = true;
		return false;
	}
	if (result < 0) {
		log_notice("client uid %u: closed, bad message: %s",
			(unsigned)client->uid, err.text);
		client->is_closing = true;
	}
	return true;
}

/* Length of the message at position, 0 when it is not whole; closes. */
static size_t
next_message(struct client *client, size_t position)
{
	struct err err = {0};
	ssize_t len = wire_scan(&client->scan, &wire_request_limits,
		client->in + position, client->in_len - position, &err);

	if (len < 0) {
		log_notice("client uid %u: closed, bad message: %s",
			(unsigned)client->uid, err.text);
		client->is_closing = true;
	}
	return len > 0 ? (size_t)len : 0;
}

static void
handle_input(struct client *client)
{
	size_t position = 0;
	int handled = 0;

	client->is_held = false;
	client->is_waiting = false;
	/* Behind half an answer there is no place for another. */
	while (!client->is_closing && !client->is_claiming &&
		!client->out.has_failed && position < client->in_len) {
		size_t len;

		if (handled++ == REQUESTS_A_TURN ||
			backlog(client) > BACKLOG_MAX) {
			client->is_held = true;
			break;
		}
		len = next_message(client, position);
		if (len == 0)
			break;
		if (!handle_message(client, position, len)) {
			client->is_held = true;
			break;
		}
		position += len;
	}
	memmove(client->in, client->in + position, client->in_len - position);
	client->in_len -= position;
	/* What was in there may have been a secret. */
	explicit_bzero(client->in + client->in_len, position);
	if (client->is_held)
		loop_hurry(client->supervisor->loop);
}

static void
read_input(struct client *client)
{
	ssize_t len = recv(client->source.fd, client->in + client->in_len,
		WIRE_REQUEST_MAX - client->in_len, 0);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len < 0) {
		client->is_closing = true;
		return;
	}
	/* Only its sending end may be closed: shutdown(2), SHUT_WR. */
	client->has_ended = len == 0;
	client->in_len += (size_t)len;
	handle_input(client);
}

static void
on_event(struct loop_source *source, uint32_t events)
{
	struct client *client = container_of(source, struct client, source);

	if (client->is_closing)
		return;
	/* What it sent before it went still counts. */
	if (events & EPOLLIN)
		read_input(client);
	if (events & (EPOLLHUP | EPOLLERR))
		client->is_closing = true;
}

/* Else a client that always leaves something unread would fill the writer up
 * with what it has read long ago. */
static void
drop_sent(struct client *client)
{
	size_t left = backlog(client);

	if (client->out_sent < SENT_KEPT_MAX || client->out_sent < left)
		return;
	memmove(client->out.data, client->out.data + client->out_sent, left);
	client->out.len = left;
	client->out_sent = 0;
}

static void
send_output(struct client *client)
{
	ssize_t len;

	if (backlog(client) == 0)
		return;
	len = send(client->source.fd, client->out.data + client->out_sent,
		backlog(client), MSG_NOSIGNAL);
	if (len < 0 && errno != EAGAIN && errno != EINTR) {
		client->is_closing = true;
		return;
	}
	if (len <= 0)
		return;
	client->out_sent += (size_t)len;
	loop_disarm(client->supervisor->loop, &client->deadline);
	if (backlog(client) > 0) {
		drop_sent(client);
		return;
	}
	/* A large answer's memory is not kept. */
	wire_writer_done(&client->out);
	wire_writer_init(&client->out, client->supervisor->conf.output_max);
	client->out_sent = 0;
}

static void
client_free(struct client *client)
{
	struct supervisor *supervisor = client->supervisor;

	waiter_forget_client(supervisor, client);
	poll_forget_client(client);
	claiming_forget_client(supervisor, client);
	batch_forget_client(&supervisor->batch, client);
	loop_disarm(supervisor->loop, &client->deadline);
	loop_forget(supervisor->loop, &client->source);
	guard_close(&client->source.fd);
	TAILQ_REMOVE(&supervisor->clients, client, entry);
	supervisor->client_count--;
	wire_writer_done(&client->out);
	explicit_bzero(client->in, client->in_len);
	free(client->in);
	free(client);
}

void
client_begin_claiming(struct client *client)
{
	client->is_claiming = true;
}

void
client_end_claiming(struct client *client)
{
	client->is_claiming = false;
	client->is_held = client->in_len > 0;
	loop_hurry(client->supervisor->loop);
}

void
client_resume_all(struct supervisor *supervisor)
{
	struct client *client;

	TAILQ_FOREACH (client, &supervisor->clients, entry) {
		if (!client->is_held || client->is_closing ||
			backlog(client) > BACKLOG_MAX)
			continue;
		/* One before it may have opened a batch again. */
		if (client->is_waiting)
			batch_commit(&supervisor->batch);
		handle_input(client);
	}
}

static void
close_overfull(struct client *client)
{
	log_notice("client uid %u: closed, its answers fill its place: see "
		   "[limits] client_output in holdfast.conf",
		(unsigned)client->uid);
	client->is_closing = true;
}

/* Whether it sends no more and nothing is left to be told to it. */
static bool
is_done_with(const struct client *client)
{
	return client->has_ended && !client->is_held && backlog(client) == 0 &&
	       client->waiter_count == 0 && client->poll_count == 0 &&
	       !client->is_claiming && !client->is_subscribed;
}

void
client_flush_all(struct supervisor *supervisor)
{
	struct client *client, *next;

	for (client = TAILQ_FIRST(&supervisor->clients); client;
		client = next) {
		next = TAILQ_NEXT(client, entry);
		if (backlog(client) < FED_MAX)
			poll_feed(client, FED_MAX);
		/* Half an answer stands at its end: the stream makes no sense
		 * any more. */
		if (client->out.has_failed)
			close_overfull(client);
		/* One that is closed still gets what its last good requests
		 * were answered, if it fits. */
		send_output(client);
		if (client->is_closing || is_done_with(client)) {
			client_free(client);
			continue;
		}
		if (client->is_held && backlog(client) <= BACKLOG_MAX)
			loop_hurry(supervisor->loop);
		if (poll_is_behind(client) && backlog(client) < FED_MAX)
			loop_hurry(supervisor->loop);
		if (client->is_starved && client_has_room(client)) {
			client->is_starved = false;
			loop_hurry(supervisor->loop);
		}
		set_deadline(client);
		set_events(client);
	}
}

void
client_close_all(struct supervisor *supervisor)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&supervisor->clients)))
		client_free(client);
}

/* Takes fd. */
static int
client_new(struct supervisor *supervisor, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct client *client = calloc(1, sizeof(*client));

	if (client)
		client->in = malloc(WIRE_REQUEST_MAX);
	if (!client || !client->in ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		if (client)
			free(client->in);
		free(client);
		(void)close(fd); /* the peer sees it */
		return -ENOMEM;
	}
	client->supervisor = supervisor;
	client->uid = peer.uid;
	client->is_closing = !user_may_connect(supervisor, peer.uid);
	if (client->is_closing)
		log_notice("client uid %u: closed, that user has too many: see "
			   "[limits] clients_per_user in holdfast.conf",
			(unsigned)peer.uid);
	client->source = (struct loop_source){
		.fd = fd, .events = EPOLLIN, .on_event = on_event};
	client->deadline.on_due = on_deadline;
	wire_writer_init(&client->out, supervisor->conf.output_max);
	TAILQ_INSERT_TAIL(&supervisor->clients, client, entry);
	supervisor->client_count++;
	if (loop_watch(supervisor->loop, &client->source) < 0)
		client->is_closing = true;
	return 0;
}

/* No descriptor or no place is left: those who wait, wait. */
static void
pause_accepting(struct supervisor *supervisor)
{
	loop_change(supervisor->loop, &supervisor->listener, 0);
	(void)loop_arm(supervisor->loop, &supervisor->listen_again,
		clock_boot_us() + ACCEPT_PAUSE_US);
}

void
client_accept(struct supervisor *supervisor)
{
	for (;;) {
		int fd;

		if (supervisor->client_count >= supervisor->conf.clients_max) {
			pause_accepting(supervisor);
			return;
		}
		fd = accept4(supervisor->listener.fd, NULL, NULL,
			SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && errno != EAGAIN)
			pause_accepting(supervisor);
		if (fd < 0 || client_new(supervisor, fd) < 0)
			return;
	}
}

void
client_answer_manage(
	const struct asker *asker, const struct target *target, bool created)
{
	struct wire_writer *out;

	if (!asker->client)
		return;
	out = &asker->client->out;
	api_begin_result(out, asker->message_id);
	wire_map(out, 2);
	wire_pair_text(out, "connection", target->uri);
	wire_pair_bool(out, "created", created);
}

void
client_answer_unmanage(const struct asker *asker, bool is_last)
{
	struct wire_writer *out;

	if (!asker->client)
		return;
	out = &asker->client->out;
	api_begin_result(out, asker->message_id);
	wire_map(out, 1);
	wire_pair_bool(out, "last", is_last);
}

void
client_answer_error(const struct asker *asker, const struct err *err)
{
	if (asker->client)
		api_write_error(&asker->client->out, asker->message_id, err);
}
