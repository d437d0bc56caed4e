/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_server.h - a server on the loopback address that plays a script.
 *
 * Runs in: a forked child of the test that includes this, once, after cmocka.h.
 * Invariant: ends with its parent. What it does at random it does the same way
 *            each time.
 *
 * Who includes it says what a script is, what there is to see, and how one
 * connection is served. Connections are served one after the other.
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/guard.h"

enum {
	SEEN_MAX = 4096
};

struct script;
struct seen; /* shared with the child, zero at first; at most SEEN_MAX */

struct fake {
	pid_t pid;
	uint16_t port;
	struct seen *seen;
};

static void serve_connection(
	const struct script *script, struct seen *seen, int fd);

static uint32_t random_state = 1;

static uint32_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static bool
read_all(int fd, unsigned char *data, size_t len)
{
	return len == 0 || recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

static bool
write_all(int fd, const void *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void
serve(const struct script *script, struct seen *seen, int listenfd)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(60);
	for (;;) {
		cleanup_close int fd = accept(listenfd, NULL, NULL);
		int one = 1;

		(void)setsockopt(
			fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (fd >= 0)
			serve_connection(script, seen, fd);
	}
}

static int
listen_at(uint16_t port, int backlog, uint16_t *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static struct fake
fake_start_at(const struct script *script, uint16_t port)
{
	struct fake fake;
	cleanup_close int fd = listen_at(port, 16, &fake.port);

	fake.seen = mmap(NULL, SEEN_MAX, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fake.seen != MAP_FAILED);
	fake.pid = fork();
	assert_true(fake.pid >= 0);
	if (fake.pid == 0)
		serve(script, fake.seen, fd);
	return fake;
}

static struct fake
fake_start(const struct script *script)
{
	return fake_start_at(script, 0);
}

static void
fake_stop(struct fake *fake)
{
	(void)kill(fake->pid, SIGKILL);
	(void)waitpid(fake->pid, NULL, 0);
	(void)munmap(fake->seen, SEEN_MAX);
}

#endif
