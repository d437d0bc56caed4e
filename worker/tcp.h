/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tcp.h - one TCP connection, and one point in time by which all on it is over.
 *
 * Runs in: operation children of a worker.
 * Trusts: nobody: whatever is received is a server's.
 * Invariant: no function here returns later than the deadline, however the
 *            server behaves: it is never moved by bytes that arrive.
 *
 * System calls: socket, connect, poll (ppoll), sendto, recvfrom, getsockopt,
 * close, clock_gettime.
 */
#ifndef WORKER_TCP_H
#define WORKER_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	TCP_TIMEOUT_TEXT_MAX = 16
};

struct tcp {
	uint64_t deadline_us; /* of CLOCK_BOOTTIME */
	int timeout_ms;	      /* what the deadline was made of, for texts */
	int fd;
};

/* The deadline is timeout_ms from now. Nothing is connected yet. */
void tcp_init(struct tcp *tcp, int timeout_ms);
/* Closes the connection if there is one. */
void tcp_done(struct tcp *tcp);
/*
 * Connects to that port of an IPv4 or IPv6 address (the port in the address is
 * not looked at), in place of an earlier connection. address_len is that of
 * the family. 0 or -errno; tcp->fd is -1 then if there was no socket to be had.
 */
int tcp_connect(struct tcp *tcp, const struct sockaddr *address,
	socklen_t address_len, uint16_t port);
/* All len bytes or -errno: ETIMEDOUT; ECONNRESET at the end of the stream. */
int tcp_send(const struct tcp *tcp, const void *data, size_t len);
int tcp_receive(const struct tcp *tcp, void *data, size_t len);
/* Waits ms, but not beyond the deadline. Returns 0, or -ETIMEDOUT. */
int tcp_pause(const struct tcp *tcp, int ms);
/* The time there was, for texts: "10 s", "1500 ms". */
void tcp_timeout_text(const struct tcp *tcp, char text[TCP_TIMEOUT_TEXT_MAX]);

#endif
