/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_tcp.h - in the place of worker/tcp.c: a server that says what the input
 * says, whatever it is asked. To be included once.
 *
 * Runs in: the build.
 * Invariant: no time passes; at the input's end the server has hung up.
 */
#ifndef TESTS_FUZZ_FUZZ_TCP_H
#define TESTS_FUZZ_FUZZ_TCP_H

#include <errno.h>

#include "common/clock.h"
#include "tests/fuzz/fuzz.h"
#include "worker/tcp.h"

static struct fuzz_input fuzz_server;

/* What the target has to say of what is sent, and of what is received. */
static void on_sent(const uint8_t *data, size_t len);
static void on_received(uint8_t *data, size_t len);

uint64_t
clock_boot_us(void)
{
	return 1000 * US_PER_SEC;
}

void
tcp_init(struct tcp *tcp, int timeout_ms)
{
	*tcp = (struct tcp){.timeout_ms = timeout_ms, .fd = -1};
}

void
tcp_done(struct tcp *tcp)
{
	tcp->fd = -1;
}

int
tcp_connect(struct tcp *tcp, const struct sockaddr *address,
	socklen_t address_len, uint16_t port)
{
	CHECK(port != 0);
	tcp->fd = 0;
	return fuzz_server.left > 0 ? 0 : -ECONNREFUSED;
}

int
tcp_send(const struct tcp *tcp, const void *data, size_t len)
{
	CHECK(tcp->fd == 0);
	on_sent(data, len);
	return 0;
}

int
tcp_receive(const struct tcp *tcp, void *data, size_t len)
{
	CHECK(tcp->fd == 0);
	if (fuzz_server.left < len) {
		fuzz_server.left = 0;
		return -ECONNRESET;
	}
	fuzz_take(&fuzz_server, data, len);
	on_received(data, len);
	return 0;
}

int
tcp_pause(const struct tcp *tcp, int ms)
{
	CHECK(ms > 0);
	return fuzz_server.left > 0 ? 0 : -ETIMEDOUT;
}

void
tcp_timeout_text(const struct tcp *tcp, char text[TCP_TIMEOUT_TEXT_MAX])
{
	(void)snprintf(text, TCP_TIMEOUT_TEXT_MAX, "%d ms", tcp->timeout_ms);
}

#endif
