/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tcp.c - one TCP connection, and one point in time by which all on it is over.
 *
 * Runs in: operation children of a worker.
 * Trusts: nobody: whatever is received is a server's.
 * Invariant: see tcp.h. The socket never blocks; only wait_for() waits, and
 *            only until the deadline.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/tcp.h"

void
tcp_init(struct tcp *tcp, int timeout_ms)
{
	tcp->timeout_ms = timeout_ms > 0 ? timeout_ms : 0;
	tcp->deadline_us =
		clock_boot_us() + (uint64_t)tcp->timeout_ms * US_PER_MS;
	tcp->fd = -1;
}

void
tcp_done(struct tcp *tcp)
{
	guard_close(&tcp->fd);
	tcp->fd = -1;
}

void
tcp_timeout_text(const struct tcp *tcp, char text[TCP_TIMEOUT_TEXT_MAX])
{
	bool is_whole = tcp->timeout_ms % 1000 == 0;

	(void)snprintf(text, TCP_TIMEOUT_TEXT_MAX, "%d %s",
		is_whole ? tcp->timeout_ms / 1000 : tcp->timeout_ms,
		is_whole ? "s" : "ms");
}

int
tcp_pause(const struct tcp *tcp, int ms)
{
	int left = clock_wait_ms(tcp->deadline_us);

	(void)poll(NULL, 0, ms < left ? ms : left); /* shorter is no harm */
	return clock_wait_ms(tcp->deadline_us) > 0 ? 0 : -ETIMEDOUT;
}

static int
wait_for(const struct tcp *tcp, short events)
{
	struct pollfd slot = {.fd = tcp->fd, .events = events};
	int rc;

	do {
		int left = clock_wait_ms(tcp->deadline_us);

		if (left == 0)
			return -ETIMEDOUT;
		rc = poll(&slot, 1, left);
	} while (rc == 0 || (rc < 0 && errno == EINTR));
	return rc < 0 ? -errno : 0;
}

/* Waits for a connect() that is under way. 0 or negative errno. */
static int
finish_connect(const struct tcp *tcp)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);
	int rc = wait_for(tcp, POLLOUT);

	if (rc < 0)
		return rc;
	if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &errnum, &len) < 0)
		return -errno;
	return -errnum;
}

/* Opens the socket and connects it. 0 or negative errno. */
static int
start_connect(struct tcp *tcp, const struct sockaddr *address,
	socklen_t address_len, uint16_t port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} copy;

	if (address_len > sizeof(copy))
		return -EINVAL;
	memcpy(&copy, address, address_len);
	if (copy.any.sa_family == AF_INET6)
		copy.in6.sin6_port = htons(port);
	else
		copy.in.sin_port = htons(port);
	tcp->fd = socket(copy.any.sa_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (tcp->fd < 0)
		return -errno;
	return connect(tcp->fd, &copy.any, address_len) < 0 ? -errno : 0;
}

int
tcp_connect(struct tcp *tcp, const struct sockaddr *address,
	socklen_t address_len, uint16_t port)
{
	int rc;

	tcp_done(tcp);
	rc = start_connect(tcp, address, address_len, port);
	if (rc == -EINPROGRESS || rc == -EINTR)
		rc = finish_connect(tcp);
	return rc;
}

int
tcp_send(const struct tcp *tcp, const void *data, size_t len)
{
	const unsigned char *at = data;

	while (len > 0) {
		ssize_t n = send(tcp->fd, at, len, MSG_NOSIGNAL);
		int rc = 0;

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			rc = wait_for(tcp, POLLOUT);
		} else if (errno != EINTR) {
			rc = -errno;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Asks for the time before each piece: a server that drips gains nothing. */
int
tcp_receive(const struct tcp *tcp, void *data, size_t len)
{
	unsigned char *at = data;

	while (len > 0) {
		int rc = wait_for(tcp, POLLIN);
		ssize_t n;

		if (rc < 0)
			return rc;
		n = recv(tcp->fd, at, len, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}
