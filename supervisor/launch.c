/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launch.c - supervisor: asks the launcher, and hands its answers on.
 *
 * Runs in: supervisor.
 * Invariant: see launch.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/fdpass.h"
#include "common/guard.h"
#include "common/hash.h"
#include "supervisor/launch.h"

#define PAUSE_US (US_PER_SEC / 10)

struct launch_queued {
	struct launch_queued *next;
	struct launch_request request;
	int fds[FDPASS_MAX];
	size_t fd_count;
};

static void
free_queued(struct launch_queued *queued)
{
	for (size_t i = 0; i < queued->fd_count; i++)
		(void)close(queued->fds[i]); /* the worker has its copies */
	free(queued);
}

static void
send_queued(struct launch *launch)
{
	while (launch->first) {
		struct launch_queued *queued = launch->first;
		int result = fdpass_send(launch->source.fd, &queued->request,
			sizeof(queued->request), queued->fds, queued->fd_count);

		if (result == -EAGAIN)
			break;
		if (result == -ENOMEM || result == -ENOBUFS ||
			result == -ETOOMANYREFS) {
			(void)loop_arm(launch->loop, &launch->again,
				clock_boot_us() + PAUSE_US);
			return;
		}
		/* Any other failure shows as the socket's end. */
		launch->first = queued->next;
		free_queued(queued);
	}
	loop_change(launch->loop, &launch->source,
		launch->first ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int
ask(struct launch *launch, const struct launch_request *request, const int *fds,
	size_t fd_count)
{
	struct launch_queued *queued = calloc(1, sizeof(*queued));

	if (!queued)
		return -ENOMEM;
	queued->request = *request;
	queued->fd_count = fd_count;
	for (size_t i = 0; i < fd_count; i++)
		queued->fds[i] = fds[i];
	if (launch->first)
		launch->last->next = queued;
	else
		launch->first = queued;
	launch->last = queued;
	send_queued(launch);
	return 0;
}

static void
on_again(struct loop_timer *timer)
{
	send_queued(container_of(timer, struct launch, again));
}

static void
read_replies(struct launch *launch)
{
	for (;;) {
		struct launch_reply reply;
		int fds[FDPASS_MAX];
		int count = fdpass_receive(
			launch->source.fd, &reply, sizeof(reply), fds);

		if (count == -EAGAIN)
			return;
		if (count < 0 || reply.slot >= LAUNCH_SLOTS) {
			loop_forget(launch->loop, &launch->source);
			launch->on_end(launch->data);
			return;
		}
		guard_close(&fds[1]);
		launch->on_reply(&reply, fds[0], launch->data);
	}
}

static void
on_event(struct loop_source *source, uint32_t events)
{
	struct launch *launch = container_of(source, struct launch, source);

	if (events & EPOLLOUT)
		send_queued(launch);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_replies(launch);
}

int
launch_init(struct launch *launch, struct loop *loop, int socketfd)
{
	launch->loop = loop;
	launch->again.on_due = on_again;
	launch->source = (struct loop_source){
		.fd = socketfd, .events = EPOLLIN, .on_event = on_event};
	return loop_watch(loop, &launch->source);
}

void
launch_done(struct launch *launch)
{
	loop_disarm(launch->loop, &launch->again);
	while (launch->first) {
		struct launch_queued *queued = launch->first;

		launch->first = queued->next;
		free_queued(queued);
	}
	guard_close(&launch->source.fd);
	launch->source.fd = -1;
}

int
launch_prepare(struct launch *launch, uint32_t slot, uint64_t key)
{
	const struct launch_request request = {
		.op = LAUNCH_PREPARE, .slot = slot, .key = key};

	return ask(launch, &request, NULL, 0);
}

int
launch_start(struct launch *launch, uint32_t slot, enum backend backend,
	int orderfd, int reportfd)
{
	const struct launch_request request = {
		.op = LAUNCH_START, .slot = slot, .backend = backend};
	const int fds[] = {orderfd, reportfd};
	int result = -EOPNOTSUPP;

	if (backend < BACKEND_COUNT)
		result = ask(launch, &request, fds, 2);
	if (result < 0) {
		(void)close(orderfd); /* ours again, and of no more use */
		(void)close(reportfd);
	}
	return result;
}

int
launch_kill(struct launch *launch, uint32_t slot)
{
	const struct launch_request request = {.op = LAUNCH_KILL, .slot = slot};

	return ask(launch, &request, NULL, 0);
}

int
launch_remove(struct launch *launch, uint32_t slot)
{
	const struct launch_request request = {
		.op = LAUNCH_REMOVE, .slot = slot};

	return ask(launch, &request, NULL, 0);
}

int
launch_credential(struct launch *launch, const char *name)
{
	const struct launch_request request = {
		.op = LAUNCH_CREDENTIAL, .key = hash_text(name)};

	return ask(launch, &request, NULL, 0);
}
