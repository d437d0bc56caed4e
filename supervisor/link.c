/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * link.c - the two pipes to one worker, and its end.
 *
 * Runs in: supervisor.
 * Trusts: nobody: see link.h.
 * Invariant: a worker gets at most REPORTS_A_TURN messages read in one turn,
 *            REPORTS_AT_END when it ends, so that one that talks without end
 *            holds up nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "common/guard.h"
#include "supervisor/link.h"

enum {
	REPORTS_A_TURN = 16,
	/* As many packets as the largest pipe holds that a worker may ask
	 * for, a page each: /proc/sys/fs/pipe-max-size. */
	REPORTS_AT_END = 256,
};

static void
close_source(struct link *link, struct loop_source *source)
{
	loop_forget(link->loop, source);
	guard_close(&source->fd);
	source->fd = -1;
}

static void
on_orders(struct loop_source *source, uint32_t events)
{
	struct link *link = container_of(source, struct link, orders);

	if (events & (EPOLLERR | EPOLLHUP)) {
		/* The reading end is gone; the exit will say why. */
		close_source(link, source);
		link->on_pipe_end(link);
		return;
	}
	loop_change(link->loop, source, 0);
	link->on_writable(link);
}

/* Nothing more is read from it. */
static void
refuse(struct link *link, const struct err *err)
{
	close_source(link, &link->reports);
	link->on_bad_report(link, err);
}

/* True when there may be more to read. */
static bool
read_report(struct link *link)
{
	uint8_t packet[MESSAGE_MAX];
	struct message message;
	struct err err = {0};
	ssize_t len = read(link->reports.fd, packet, sizeof(packet));

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (len <= 0) {
		close_source(link, &link->reports);
		link->on_pipe_end(link);
		return false;
	}
	if (message_decode(
		    MESSAGE_REPORT, packet, (size_t)len, &message, &err) < 0) {
		refuse(link, &err);
		return false;
	}
	if (!link->on_report(link, &message)) {
		(void)err_set(&err, ERR_BAD_MESSAGE, EBADMSG,
			"a %s, which is not its to send",
			message_name(message.type));
		refuse(link, &err);
	}
	return link->reports.fd >= 0;
}

static void
on_reports(struct loop_source *source, uint32_t events)
{
	struct link *link = container_of(source, struct link, reports);

	for (int i = 0; i < REPORTS_A_TURN; i++)
		if (!read_report(link))
			return;
}

static void
on_process(struct loop_source *source, uint32_t events)
{
	struct link *link = container_of(source, struct link, process);
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)source->fd, &info,
		    WEXITED | WNOHANG | WNOWAIT) < 0 ||
		info.si_pid == 0)
		return;
	/* What it said last is still in the pipe; its number is its own until
	 * it has been waited for. */
	for (int i = 0; i < REPORTS_AT_END; i++)
		if (link->reports.fd < 0 || !read_report(link))
			break;
	(void)waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED | WNOHANG);
	link_close(link);
	link->on_exit(link, info.si_pid, info.si_code, info.si_status);
}

void
link_init(struct link *link, struct loop *loop)
{
	link->loop = loop;
	link->orders = (struct loop_source){.fd = -1, .on_event = on_orders};
	link->reports = (struct loop_source){
		.fd = -1, .events = EPOLLIN, .on_event = on_reports};
	link->process = (struct loop_source){
		.fd = -1, .events = EPOLLIN, .on_event = on_process};
	link->pid = 0;
}

/* Watches a descriptor that is ours from now on. */
static int
watch(struct link *link, struct loop_source *source, int fd)
{
	int result;

	source->fd = fd;
	result = loop_watch(link->loop, source);
	if (result < 0) {
		(void)close(fd); /* never used */
		source->fd = -1;
	}
	return result;
}

int
link_open(struct link *link, int *ret_orderfd, int *ret_reportfd)
{
	int orders[2], reports[2], result;
	cleanup_close int orderfd = -1;
	cleanup_close int reportfd = -1;

	if (pipe2(orders, O_DIRECT | O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	orderfd = orders[0];
	link->orders.events = 0;
	result = watch(link, &link->orders, orders[1]);
	if (result < 0)
		return result;
	if (pipe2(reports, O_DIRECT | O_CLOEXEC | O_NONBLOCK) < 0) {
		result = -errno;
		link_close(link);
		return result;
	}
	reportfd = reports[1];
	result = watch(link, &link->reports, reports[0]);
	if (result < 0) {
		link_close(link);
		return result;
	}
	*ret_orderfd = take_fd(&orderfd);
	*ret_reportfd = take_fd(&reportfd);
	return 0;
}

int
link_attach(struct link *link, pid_t pid, int pidfd)
{
	link->pid = pid;
	return watch(link, &link->process, pidfd);
}

enum log_level
link_log_level(uint64_t level)
{
	return level < LOG_ERROR ? LOG_ERROR : (enum log_level)level;
}

bool
link_is_open(const struct link *link)
{
	return link->orders.fd >= 0 && link->reports.fd >= 0;
}

void
link_hang_up(struct link *link)
{
	close_source(link, &link->orders);
}

void
link_close(struct link *link)
{
	close_source(link, &link->orders);
	close_source(link, &link->reports);
	close_source(link, &link->process);
	link->pid = 0;
}

int
link_send(struct link *link, const struct message *message)
{
	uint8_t packet[MESSAGE_MAX];
	size_t len = message_encode(message, packet);

	if (link->orders.fd < 0)
		return -EPIPE;
	if (write(link->orders.fd, packet, len) == (ssize_t)len)
		return 0;
	if (errno != EAGAIN)
		return -EPIPE;
	loop_change(link->loop, &link->orders, EPOLLOUT);
	return -EAGAIN;
}
