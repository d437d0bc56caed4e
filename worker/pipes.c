/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pipes.c - the worker's two pipes: orders in, reports out.
 *
 * Runs in: worker.
 * Trusts: nobody.
 * Invariant: see pipes.h. In a pipe in packet mode one read() gives one
 *            packet, and cuts what is longer than the buffer: one byte more
 *            than a message may have shows that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/pipes.h"

enum {
	ORDERS_PER_TURN = 16
};

static int
make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	/* O_DIRECT, the packet mode, is among the flags and stays. */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* One order. 0, -EAGAIN, -EPIPE at the end, -EBADMSG with err, -errno. */
static int
read_order(int fd, struct message *ret_order, struct err *err)
{
	uint8_t packet[MESSAGE_MAX + 1];
	ssize_t len = read(fd, packet, sizeof(packet));

	if (len < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (len == 0)
		return -EPIPE;
	if (len > MESSAGE_MAX)
		return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
			"an order is longer than a message may be");
	return message_decode(
		MESSAGE_ORDER, packet, (size_t)len, ret_order, err);
}

static void
on_orders(struct loop_source *source, uint32_t events)
{
	struct pipes *pipes = container_of(source, struct pipes, orders);

	for (int i = 0; i < ORDERS_PER_TURN; i++) {
		struct message order;
		struct err err = {0};
		int result = read_order(source->fd, &order, &err);

		if (result == -EAGAIN)
			return;
		if (result == -EBADMSG) {
			pipes->on_bad_order(pipes, &err);
			return;
		}
		if (result < 0) {
			pipes->on_end(pipes);
			return;
		}
		pipes->on_order(pipes, &order);
	}
}

static void
flush(struct pipes *pipes)
{
	if (write(pipes->reports.fd, pipes->last, pipes->last_len) >= 0) {
		pipes->is_dirty = false;
	} else if (errno == EPIPE) {
		pipes->on_end(pipes);
		return;
	}
	loop_change(
		pipes->loop, &pipes->reports, pipes->is_dirty ? EPOLLOUT : 0);
}

static void
on_reports(struct loop_source *source, uint32_t events)
{
	struct pipes *pipes = container_of(source, struct pipes, reports);

	if (events & (EPOLLERR | EPOLLHUP))
		pipes->on_end(pipes); /* nobody reads any more */
	else if (pipes->is_dirty)
		flush(pipes);
}

int
pipes_init(struct pipes *pipes, struct loop *loop, int orderfd, int reportfd)
{
	int result = make_nonblocking(orderfd);

	if (result == 0)
		result = make_nonblocking(reportfd);
	if (result < 0)
		return result;
	pipes->loop = loop;
	pipes->orders = (struct loop_source){
		.fd = orderfd, .events = EPOLLIN, .on_event = on_orders};
	pipes->reports = (struct loop_source){
		.fd = reportfd, .events = 0, .on_event = on_reports};
	result = loop_watch(loop, &pipes->orders);
	return result < 0 ? result : loop_watch(loop, &pipes->reports);
}

void
pipes_report_status(struct pipes *pipes, const struct status_message *status)
{
	struct message message = {.type = MESSAGE_status, .status = *status};
	uint8_t packet[MESSAGE_MAX];
	size_t len = message_encode(&message, packet);

	if (len == pipes->last_len && memcmp(packet, pipes->last, len) == 0)
		return;
	memcpy(pipes->last, packet, len);
	pipes->last_len = len;
	pipes->is_dirty = true;
	flush(pipes);
}

void
pipes_report_tried(struct pipes *pipes, const struct tried_message *tried)
{
	struct message message = {.type = MESSAGE_tried, .tried = *tried};
	uint8_t packet[MESSAGE_MAX];

	(void)!write(
		pipes->reports.fd, packet, message_encode(&message, packet));
}

void
pipes_log(struct pipes *pipes, unsigned level, const char *format, ...)
{
	struct message message = {.type = MESSAGE_log, .log.level = level};
	uint8_t packet[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(
		message.log.text, sizeof(message.log.text), format, args);
	va_end(args);
	err_clean_text(message.log.text);
	/* Losing a line beats waiting. */
	(void)!write(
		pipes->reports.fd, packet, message_encode(&message, packet));
}

static int
wait_for(int fd, short events, uint64_t deadline_us)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};
	uint64_t now_us = clock_boot_us();
	uint64_t left_ms =
		deadline_us > now_us ? (deadline_us - now_us) / US_PER_MS : 0;
	int result = poll(&poll_fd, 1, (int)left_ms);

	if (result == 0)
		return -ETIMEDOUT;
	return result < 0 && errno != EINTR ? -errno : 0;
}

int
pipes_wait_order(int orderfd, uint64_t deadline_us, struct message *ret_order,
	struct err *err)
{
	int result = make_nonblocking(orderfd);

	while (result == 0) {
		result = read_order(orderfd, ret_order, err);
		if (result != -EAGAIN)
			return result;
		result = wait_for(orderfd, POLLIN, deadline_us);
	}
	return result;
}

int
pipes_send(int reportfd, uint64_t deadline_us, const struct message *report)
{
	uint8_t packet[MESSAGE_MAX];
	size_t len = message_encode(report, packet);
	int result = make_nonblocking(reportfd);

	while (result == 0) {
		if (write(reportfd, packet, len) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		result = wait_for(reportfd, POLLOUT, deadline_us);
	}
	return result;
}
