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
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/api.h"
#include "supervisor/poll.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

enum {
	REQUESTS_A_TURN = 128, /* of one client */
	ACCEPTS_A_TURN = 64,
	BACKLOG_MAX = 256 << 10,  /* more and no request is read */
	SENT_KEPT_MAX = 64 << 10, /* of bytes that are sent already */
	FED_MAX = 64 << 10,	  /* of events that are not sent yet, at most */
	FED_PART = 4,		  /* nor more than such a part of what may be */
};

/* Of work for the requests of all clients in a turn: workers are to be heard, too. */
#define HANDLING_US (20 * US_PER_MS)
/* Of all clients: beyond it whoever reads least is closed. */
#define OUTPUT_ALL_MAX	    (256ULL << 20)
#define MESSAGE_DEADLINE_US (10 * US_PER_SEC)
#define READ_DEADLINE_US    (30 * US_PER_SEC)
#define ACCEPT_PAUSE_US	    (US_PER_SEC / 5)

static size_t
backlog(const struct client *client)
{
	return client->out.len - client->out_sent;
}

/* Events are told behind what is not sent yet: both have to fit. */
static size_t
fed_max(const struct client *client)
{
	size_t part = client->supervisor->conf.output_max / FED_PART;

	return part < FED_MAX ? part : FED_MAX;
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

	user_log(client->supervisor, client->uid, "closed, it %s",
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
		user_log(client->supervisor, client->uid,
			"closed, bad message: %s", err.text);
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
		user_log(client->supervisor, client->uid,
			"closed, bad message: %s", err.text);
		client->is_closing = true;
	}
	return len > 0 ? (size_t)len : 0;
}

/* What this process has worked: how busy the host is does not count. */
static uint64_t
read_work_us(void)
{
	struct timespec worked;

	(void)clock_gettime(
		CLOCK_PROCESS_CPUTIME_ID, &worked); /* cannot fail */
	return (uint64_t)worked.tv_sec * US_PER_SEC +
	       (uint64_t)worked.tv_nsec / 1000;
}

static bool
is_time_over(const struct supervisor *supervisor)
{
	return read_work_us() - supervisor->handling_us > HANDLING_US;
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

		if (handled == REQUESTS_A_TURN ||
			backlog(client) > BACKLOG_MAX ||
			(handled > 0 && is_time_over(client->supervisor))) {
			client->is_held = true;
			break;
		}
		handled++;
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

	/* Of one that has left nothing is still to come. */
	if (len < 0 &&
		(errno == EINTR || (errno == EAGAIN && !client->has_left)))
		return;
	/* Only its sending end may be closed: shutdown(2), SHUT_WR. */
	client->has_ended = len <= 0;
	if (len > 0)
		client->in_len += (size_t)len;
	client->is_held = true;
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

/* Its answers are to no one, and its credentials are not tried for no one; what
 * it still has to say is read in turn. */
static void
part_from(struct client *client)
{
	client->has_left = true;
	if (client->is_claiming) {
		claiming_forget_client(client->supervisor, client);
		client_end_claiming(client);
	}
	loop_forget(client->supervisor->loop, &client->source);
	loop_disarm(client->supervisor->loop, &client->deadline);
}

static void
on_event(struct loop_source *source, uint32_t events)
{
	struct client *client = container_of(source, struct client, source);

	if (client->is_closing)
		return;
	if (events & EPOLLIN)
		read_input(client);
	if (events & (EPOLLHUP | EPOLLERR))
		part_from(client);
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
drop_output(struct client *client)
{
	wire_writer_done(&client->out);
	wire_writer_init(&client->out, client->supervisor->conf.output_max);
	client->out_sent = 0;
}

static void
send_output(struct client *client)
{
	ssize_t len;

	if (client->has_left)
		drop_output(client);
	if (backlog(client) == 0)
		return;
	len = send(client->source.fd, client->out.data + client->out_sent,
		backlog(client), MSG_NOSIGNAL);
	if (len < 0 && errno != EAGAIN && errno != EINTR) {
		part_from(client);
		drop_output(client);
		return;
	}
	if (len <= 0)
		return;
	client->out_sent += (size_t)len;
	loop_disarm(client->supervisor->loop, &client->deadline);
	if (backlog(client) > 0) {
		drop_sent(client);
		/* What is sent does not count any more. */
		client->out.max =
			client->supervisor->conf.output_max + client->out_sent;
		return;
	}
	drop_output(client); /* a large answer's memory is not kept */
}

void
client_accept_again(struct supervisor *supervisor)
{
	loop_disarm(supervisor->loop, &supervisor->listen_again);
	if (!supervisor->is_stopping)
		loop_change(supervisor->loop, &supervisor->listener, EPOLLIN);
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
	client_accept_again(supervisor);
}

/* What one that has left has sent, and is not read yet. */
static void
read_rest(struct client *client)
{
	if (client->has_left && !client->has_ended && !client->is_held &&
		!client->is_claiming)
		read_input(client);
}

static bool
may_handle(const struct client *client)
{
	return client->is_held && !client->is_closing && !client->is_claiming &&
	       backlog(client) <= BACKLOG_MAX;
}

void
client_begin_turn(struct supervisor *supervisor)
{
	supervisor->handling_us = read_work_us();
}

void
client_handle_all(struct supervisor *supervisor)
{
	for (size_t left = supervisor->client_count; left > 0; left--) {
		struct client *client = TAILQ_FIRST(&supervisor->clients);

		TAILQ_REMOVE(&supervisor->clients, client, entry);
		TAILQ_INSERT_TAIL(&supervisor->clients, client, entry);
		read_rest(client);
		if (!may_handle(client))
			continue;
		/* One before it may have opened a batch again. */
		if (client->is_waiting)
			batch_commit(&supervisor->batch);
		handle_input(client);
		if (is_time_over(supervisor))
			return;
	}
}

static void
close_overfull(struct client *client)
{
	user_log(client->supervisor, client->uid,
		"closed, its answers fill its place: see [limits] "
		"client_output in holdfast.conf");
	client->is_closing = true;
}

/* Whether it sends no more and nothing is left to be told to it. */
static bool
is_done_with(const struct client *client)
{
	if (!client->has_ended || client->is_held || client->is_claiming)
		return false;
	return client->has_left ||
	       (backlog(client) == 0 && client->waiter_count == 0 &&
		       client->poll_count == 0 && !client->is_subscribed);
}

/* What the clients of that user have not read. */
static size_t
backlog_of(const struct supervisor *supervisor, uid_t uid)
{
	const struct client *client;
	size_t sum = 0;

	TAILQ_FOREACH (client, &supervisor->clients, entry)
		sum += client->uid == uid ? backlog(client) : 0;
	return sum;
}

/* Of the user who has most unread, the client that has. */
static struct client *
find_deafest(const struct supervisor *supervisor)
{
	struct client *client, *found = NULL;
	size_t most = 0;

	TAILQ_FOREACH (client, &supervisor->clients, entry) {
		size_t sum = backlog_of(supervisor, client->uid);

		if (sum > most || (found && client->uid == found->uid &&
					  backlog(client) > backlog(found))) {
			found = client;
			most = sum;
		}
	}
	return found;
}

static void
bound_output(struct supervisor *supervisor)
{
	const struct client *client;
	size_t sum = 0;

	TAILQ_FOREACH (client, &supervisor->clients, entry)
		sum += backlog(client);
	while (sum > OUTPUT_ALL_MAX) {
		struct client *deafest = find_deafest(supervisor);

		sum -= backlog(deafest);
		user_log(supervisor, deafest->uid,
			"closed, all clients together leave too much unread, "
			"and this one the most");
		drop_output(deafest);
		deafest->is_closing = true;
	}
}

void
client_flush_all(struct supervisor *supervisor)
{
	struct client *client, *next;

	bound_output(supervisor);
	for (client = TAILQ_FIRST(&supervisor->clients); client;
		client = next) {
		next = TAILQ_NEXT(client, entry);
		if (backlog(client) < fed_max(client) && !client->has_left)
			poll_feed(client, fed_max(client));
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
		if (may_handle(client) ||
			(client->has_left && !client->is_claiming))
			loop_hurry(supervisor->loop);
		if (poll_is_behind(client) && backlog(client) < fed_max(client))
			loop_hurry(supervisor->loop);
		if (client->is_starved && client_has_room(client)) {
			client->is_starved = false;
			loop_hurry(supervisor->loop);
		}
		if (client->has_left)
			continue; /* not watched: it would never be silent */
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
client_new(struct supervisor *supervisor, int fd, uid_t uid)
{
	struct client *client = calloc(1, sizeof(*client));

	if (client)
		client->in = malloc(WIRE_REQUEST_MAX);
	if (!client || !client->in) {
		free(client);
		(void)close(fd); /* the peer sees it */
		return -ENOMEM;
	}
	client->supervisor = supervisor;
	client->uid = uid;
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

/* Takes fd. */
static int
admit(struct supervisor *supervisor, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	bool is_known =
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;

	if (is_known && user_may_connect(supervisor, peer.uid))
		return client_new(supervisor, fd, peer.uid);
	if (is_known)
		user_log(supervisor, peer.uid,
			"closed, that user has too many: see [limits] "
			"clients_per_user in holdfast.conf");
	(void)close(fd); /* the peer sees it */
	return 0;
}

void
client_accept(struct supervisor *supervisor)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
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
		if (fd < 0 || admit(supervisor, fd) < 0)
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
