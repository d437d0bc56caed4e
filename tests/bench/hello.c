/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hello.c - a round trip of `hello` against a raw echo server.
 *
 *	hello SOCKET ROUNDS CALLS
 *
 * Runs in: a process of its own; its child is the echo server.
 * Trusts: the daemon.
 * Invariant: both sides are called by the same code, with messages of the same
 *            length. The caller pins daemon and us to one CPU: else wake-ups
 *            across CPUs are all that is seen.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "tests/bench/bench.h"

struct side {
	int fd;
	size_t request_len;
	size_t reply_len;
	const uint8_t *request;
};

static void
echo_one(int fd, size_t request_len, size_t reply_len)
{
	static uint8_t buffer[1 << 16];
	static size_t pending;
	ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

	if (len <= 0)
		_exit(EXIT_SUCCESS);
	for (pending += (size_t)len; pending >= request_len;
		pending -= request_len)
		if (send(fd, buffer, reply_len, MSG_NOSIGNAL) < 0)
			_exit(EXIT_FAILURE);
}

static void __attribute__((noreturn))
echo(int fd, size_t request_len, size_t reply_len)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	int epollfd = epoll_create1(EPOLL_CLOEXEC);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (epollfd < 0 || epoll_ctl(epollfd, EPOLL_CTL_ADD, fd, &event) < 0)
		_exit(EXIT_FAILURE);
	while (epoll_wait(epollfd, &event, 1, -1) == 1)
		echo_one(event.data.fd, request_len, reply_len);
	_exit(EXIT_FAILURE);
}

static struct side
start_echo(const struct side *daemon)
{
	struct side side = *daemon;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("no socket pair: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (pid == 0) {
		(void)close(pair[0]);
		echo(pair[1], side.request_len, side.reply_len);
	}
	(void)close(pair[1]);
	side.fd = pair[0];
	return side;
}

/* Length of the answer to hello, which is the same each time. */
static size_t
learn_reply_len(struct client *client)
{
	struct wire_scan scan = {0};
	ssize_t len = 0;

	if (send(client->fd, client->out.data, client->out.len, MSG_NOSIGNAL) <
		0)
		die("cannot send: %s", strerror(errno));
	while (len == 0) {
		client_read(client);
		len = wire_scan(&scan, &wire_reply_limits, client->in,
			client->in_len, NULL);
	}
	if (len < 0)
		die("an answer beyond all limits");
	return (size_t)len;
}

static void
round_trip(const struct side *side)
{
	static uint8_t buffer[1 << 16];
	size_t got = 0;

	if (send(side->fd, side->request, side->request_len, MSG_NOSIGNAL) !=
		(ssize_t)side->request_len)
		die("cannot send: %s", strerror(errno));
	while (got < side->reply_len) {
		ssize_t len = recv(side->fd, buffer, sizeof(buffer), 0);

		if (len <= 0)
			die("the other side is gone");
		got += (size_t)len;
	}
}

static void
measure(const struct side *side, double *times, size_t calls)
{
	for (size_t i = 0; i < calls; i++) {
		double begin = now_us();

		round_trip(side);
		times[i] = now_us() - begin;
	}
}

int
main(int argc, char **argv)
{
	struct client client;
	struct side daemon, floor;
	cleanup_free double *ours = NULL;
	cleanup_free double *theirs = NULL;
	long rounds, calls;

	if (argc != 4)
		die("usage: hello SOCKET ROUNDS CALLS");
	rounds = read_count(argv[2]);
	calls = read_count(argv[3]);
	client_open(&client, argv[1]);
	client_call(&client, "hello", 0);
	daemon = (struct side){
		.fd = client.fd,
		.request = client.out.data,
		.request_len = client.out.len,
		.reply_len = learn_reply_len(&client),
	};
	floor = start_echo(&daemon);
	ours = calloc((size_t)calls, sizeof(*ours));
	theirs = calloc((size_t)calls, sizeof(*theirs));
	if (!ours || !theirs)
		die("no memory");
	measure(&daemon, ours, (size_t)calls);
	for (long i = 0; i < rounds; i++) {
		measure(&floor, theirs, (size_t)calls);
		measure(&daemon, ours, (size_t)calls);
		report("hello-p50", quantile(ours, (size_t)calls, 0.5),
			quantile(theirs, (size_t)calls, 0.5));
		report("hello-p99", quantile(ours, (size_t)calls, 0.99),
			quantile(theirs, (size_t)calls, 0.99));
	}
	(void)close(floor.fd); /* ends the child */
	client_close(&client);
	return EXIT_SUCCESS;
}
