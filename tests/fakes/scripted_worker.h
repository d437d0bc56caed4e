/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scripted_worker.h - a worker that says and does what its story wants.
 *
 * Runs in: a worker's place: orders on descriptor 3, reports on 4.
 * Invariant: it knows nothing of messages: bytes go from the story to the pipe
 *            and back. It ends with its story, not with its orders.
 *
 * To the story: 'H' and "SLOT BACKEND PID", then 'O' and an order's bytes, 'E'
 * at the orders' end, 'N' and a child's PID, 'M' for its mark. From it: a letter, see script_step(), and bytes.
 */
#ifndef TESTS_FAKES_SCRIPTED_WORKER_H
#define TESTS_FAKES_SCRIPTED_WORKER_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fakes/story_socket.h"

enum {
	SCRIPT_ORDERS = 3,
	SCRIPT_REPORTS = 4,
	SCRIPT_PACKET_MAX = 65536,
	SCRIPT_TALKERS = 2,
	SCRIPT_ORPHAN_S = 6, /* an orphan ends then, whoever reads */
	SCRIPT_CHILD_S = 120
};

static struct {
	int storyfd;
	bool reads_orders;
	char flood[SCRIPT_PACKET_MAX];
	size_t flood_len; /* 0: it does not flood */
} script;

static void
script_tell(char what, const char *bytes, size_t len)
{
	char packet[SCRIPT_PACKET_MAX];

	packet[0] = what;
	memcpy(packet + 1, bytes, len);
	if (send(script.storyfd, packet, len + 1, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void
script_read_order(void)
{
	char order[4096];
	ssize_t len = read(SCRIPT_ORDERS, order, sizeof(order));

	if (len < 0)
		return;
	if (len == 0)
		script.reads_orders = false;
	script_tell(len > 0 ? 'O' : 'E', order, (size_t)len);
}

/* All that was ordered before the mark came is told before the mark. */
static void
script_mark(void)
{
	struct pollfd orders = {.fd = SCRIPT_ORDERS, .events = POLLIN};

	while (script.reads_orders && poll(&orders, 1, 0) > 0)
		script_read_order();
	script_tell('M', "", 0);
}

/* Leaves children behind that go on talking in the dead worker's name. */
static void __attribute__((noreturn))
script_leave_talkers(const char *bytes, size_t len)
{
	int children = 0;

	while (children < SCRIPT_TALKERS && fork() != 0)
		children++;
	if (children == SCRIPT_TALKERS)
		_exit(0);
	(void)close(SCRIPT_ORDERS);
	(void)alarm(SCRIPT_ORPHAN_S);
	(void)signal(SIGPIPE, SIG_DFL);
	/* Without a pause: whoever reads until the pipe is empty never ends. */
	(void)fcntl(SCRIPT_REPORTS, F_SETFL, O_DIRECT | O_NONBLOCK);
	for (;;)
		if (write(SCRIPT_REPORTS, bytes, len) < 0)
			continue; /* full; SIGPIPE ends it */
}

/* A child that outlives the worker and says nothing; its number is told. */
static void
script_make_child(void)
{
	char number[16];
	pid_t pid = fork();

	if (pid == 0) {
		(void)close_range(0, ~0u, 0); /* the log, too */
		(void)alarm(SCRIPT_CHILD_S);
		for (;;)
			(void)pause();
	}
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	script_tell('N', number, strlen(number));
}

static void
script_step(const char *packet, size_t len)
{
	switch (packet[0]) {
	case 'R': /* report */
		if (write(SCRIPT_REPORTS, packet + 1, len - 1) < 0)
			script_tell('!', "", 0); /* nobody reads them */
		break;
	case 'F': /* flood */
		memcpy(script.flood, packet + 1, len - 1);
		script.flood_len = len - 1;
		break;
	case 'T':
		script_leave_talkers(packet + 1, len - 1);
	case 'P': /* pause */
		script.reads_orders = false;
		break;
	case 'G': /* go on */
		script.reads_orders = true;
		break;
	case 'C': /* close */
		script.reads_orders &= packet[1] != SCRIPT_ORDERS;
		(void)close(packet[1]);
		break;
	case 'M': /* mark */
		script_mark();
		break;
	case 'B': /* bear */
		script_make_child();
		break;
	case 'X':
		_exit(packet[1]);
	default:
		_exit(99);
	}
}

static void
script_read_step(void)
{
	static char packet[SCRIPT_PACKET_MAX];
	ssize_t len = recv(script.storyfd, packet, sizeof(packet), 0);

	if (len <= 0)
		_exit(0); /* the story is over */
	script_step(packet, (size_t)len);
}

static void __attribute__((noreturn))
scripted_worker_run(const char *dir, const char *slot, const char *backend)
{
	char hello[64];

	(void)signal(SIGPIPE, SIG_IGN);
	(void)fcntl(SCRIPT_ORDERS, F_SETFL, 0);
	(void)fcntl(SCRIPT_REPORTS, F_SETFL, O_DIRECT);
	script.reads_orders = true;
	script.storyfd = story_connect(dir, "workers.sock");
	(void)snprintf(
		hello, sizeof(hello), "%s %s %d", slot, backend, (int)getpid());
	script_tell('H', hello, strlen(hello));
	for (;;) {
		struct pollfd fds[] = {
			{.fd = script.storyfd, .events = POLLIN},
			{.fd = script.reads_orders ? SCRIPT_ORDERS : -1,
				.events = POLLIN},
			{.fd = script.flood_len ? SCRIPT_REPORTS : -1,
				.events = POLLOUT},
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents)
			script_read_step();
		if (fds[1].revents)
			script_read_order();
		if (fds[2].revents && write(SCRIPT_REPORTS, script.flood,
					      script.flood_len) < 0)
			script.flood_len = 0;
	}
}

#endif
