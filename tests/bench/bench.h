/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.h - what the measuring programs share: a clock, an order statistic,
 *           a client that pipelines.
 *
 * Runs in: the programs of tests/bench/ (each is one file and this header).
 * Trusts: the daemon that it measures.
 * Invariant: a program prints lines "NAME MEASURED FLOOR", one a round, both
 *            taken in that round, and nothing else; or it ends with a reason
 *            on standard error. tests/bench/run makes the table of them.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/guard.h"
#include "proto/wire.h"

static inline void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

static inline double
now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static inline void
pause_ms(long ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	(void)nanosleep(&pause, NULL);
}

static inline int
compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The value below which that share (0 to 1) of them lies. Sorts values. */
static inline double
quantile(double *values, size_t count, double share)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[(size_t)(share * (double)(count - 1))];
}

static inline long
read_count(const char *text)
{
	char *end;
	long count = strtol(text, &end, 10);

	if (*end != '\0' || count < 1)
		die("\"%s\" is no count", text);
	return count;
}

static inline void
report(const char *name, double measured, double floor)
{
	(void)printf("%s %.3f %.3f\n", name, measured, floor);
	(void)fflush(stdout);
}

struct client {
	int fd;
	struct wire_writer out;
	uint8_t *in;
	size_t in_len;
	size_t in_room;
};

static inline void
client_open(struct client *client, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*client = (struct client){
		.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
		.in_room = 1 << 20,
	};
	client->in = malloc(client->in_room);
	wire_writer_init(&client->out, 16 << 20);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (!client->in || client->fd < 0 ||
		connect(client->fd, (struct sockaddr *)&address,
			sizeof(address)) < 0)
		die("no connection to %s: %s", path, strerror(errno));
}

static inline void
client_close(struct client *client)
{
	wire_writer_done(&client->out);
	free(client->in);
	(void)close(client->fd); /* nothing is lost with it */
}

/* Begins a request; its params follow with wire_*(). Nothing is sent yet. */
static inline void
client_call(struct client *client, const char *method, size_t param_count)
{
	wire_array(&client->out, 4);
	wire_uint(&client->out, 0);
	wire_uint(&client->out, 1);
	wire_text(&client->out, method);
	wire_array(&client->out, param_count);
}

static inline void
client_manage(struct client *client, const char *uri, const char *cid)
{
	client_call(client, "manage", 2);
	wire_text(&client->out, uri);
	wire_text(&client->out, cid);
}

static inline void
client_unmanage(struct client *client, const char *cid)
{
	client_call(client, "unmanage", 1);
	wire_text(&client->out, cid);
}

static inline void
client_wait(struct client *client, const char *cid, const char *what)
{
	client_call(client, "wait", 2);
	wire_text(&client->out, cid);
	wire_map(&client->out, 2);
	wire_pair_text(&client->out, "for", what);
	wire_pair_uint(&client->out, "timeout_ms", 60000);
}

/* Ends the program on an answer that is an error, but for one of that slug. */
static inline void
check_reply(const uint8_t *reply, size_t len, const char *slug_allowed)
{
	struct wire_message message;
	const msgpack_object *error;
	const char *text;
	size_t text_len;

	if (wire_unpack(&message, reply, len, NULL) < 0)
		die("an answer that is no msgpack");
	error = wire_at(message.root, 2);
	if (!wire_is_nil(error) && wire_get_bytes(error, &text, &text_len) &&
		!(slug_allowed && text_len > strlen(slug_allowed) &&
			memcmp(text, slug_allowed, strlen(slug_allowed)) == 0))
		die("%.*s", (int)text_len, text);
	wire_release(&message);
}

/* Takes whole answers out of the input; returns how many there were. */
static inline size_t
client_take(struct client *client, const char *slug_allowed)
{
	size_t position = 0, count = 0;

	for (;;) {
		struct wire_scan scan = {0};
		ssize_t len = wire_scan(&scan, &wire_reply_limits,
			client->in + position, client->in_len - position, NULL);

		if (len < 0)
			die("an answer beyond all limits");
		if (len == 0)
			break;
		check_reply(client->in + position, (size_t)len, slug_allowed);
		position += (size_t)len;
		count++;
	}
	client->in_len -= position;
	memmove(client->in, client->in + position, client->in_len);
	return count;
}

static inline void
client_read(struct client *client)
{
	ssize_t len;

	if (client->in_len == client->in_room)
		die("an answer of more than 1 MiB");
	len = recv(client->fd, client->in + client->in_len,
		client->in_room - client->in_len, 0);
	if (len <= 0)
		die("the daemon closed the connection");
	client->in_len += (size_t)len;
}

/*
 * Sends what was called and waits for count answers; both at a time, because a
 * daemon whose answers are not read takes no more requests.
 */
static inline void
client_exchange(struct client *client, size_t count, const char *slug_allowed)
{
	size_t sent = 0, taken = 0;

	if (client->out.has_failed)
		die("no memory for the requests");
	while (taken < count) {
		bool is_all_sent = sent == client->out.len;
		struct pollfd poll_fd = {.fd = client->fd,
			.events = is_all_sent ? POLLIN : POLLIN | POLLOUT};

		if (poll(&poll_fd, 1, 60000) <= 0)
			die("no answer for 60 s");
		if (poll_fd.revents & POLLOUT) {
			ssize_t len = send(client->fd, client->out.data + sent,
				client->out.len - sent,
				MSG_DONTWAIT | MSG_NOSIGNAL);

			sent += len > 0 ? (size_t)len : 0;
		}
		if (poll_fd.revents & (POLLIN | POLLHUP)) {
			client_read(client);
			taken += client_take(client, slug_allowed);
		}
	}
	client->out.len = 0;
}

#endif
