/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_launcher.h - a launcher without root: no jail, no mount, no other user.
 *
 * Runs in: a forked child of the program that includes this, once.
 * Trusts: nobody, as the real one: what that refuses is refused here.
 * Invariant: every request is shown to the story on launcher.sock, which
 *            decides what becomes of it: see enum verdict.
 */
#ifndef TESTS_FAKES_FAKE_LAUNCHER_H
#define TESTS_FAKES_FAKE_LAUNCHER_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "common/fdpass.h"
#include "supervisor/launcher.h"
#include "tests/fakes/story_socket.h"

/* What the story answers: an errno to fail with, or one of these. */
enum verdict {
	VERDICT_DO_IT = 0,
	VERDICT_NO_ANSWER = -1, /* it is not done either */
	VERDICT_END = -2,
	VERDICT_ANSWER_GARBAGE = -3,
};

struct fake_slot {
	bool is_prepared;
	int pidfd;
};

static struct {
	const char *dir;
	int socketfd;
	int storyfd;
	struct fake_slot slots[LAUNCH_SLOTS];
} fake_launcher;

static void __attribute__((noreturn))
fake_become_worker(const struct launch_request *request, const int *fds)
{
	int orderfd = fcntl(fds[0], F_DUPFD_CLOEXEC, 16);
	int reportfd = fcntl(fds[1], F_DUPFD_CLOEXEC, 16);
	char slot[16], backend[16];
	char *argv[] = {"scripted_worker", "worker", (char *)fake_launcher.dir,
		slot, backend, NULL};

	(void)snprintf(slot, sizeof(slot), "%u", request->slot);
	(void)snprintf(backend, sizeof(backend), "%u", request->backend);
	if (setsid() < 0 || dup2(orderfd, 3) < 0 || dup2(reportfd, 4) < 0 ||
		close_range(5, ~0u, CLOSE_RANGE_CLOEXEC) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(1);
	(void)execv("/proc/self/exe", argv);
	_exit(1);
}

static int
fake_start(const struct launch_request *request, const int *fds,
	struct launch_reply *reply)
{
	struct fake_slot *slot = &fake_launcher.slots[request->slot];
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
	};
	long pid;

	if (slot->is_prepared != (request->slot != LAUNCH_SLOT_SCANNER))
		return -EINVAL;
	if (slot->pidfd >= 0) {
		struct pollfd ended = {.fd = slot->pidfd, .events = POLLIN};

		if (poll(&ended, 1, 0) != 1)
			return -EBUSY;
		guard_close(&slot->pidfd);
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		fake_become_worker(request, fds);
	slot->pidfd = pidfd;
	reply->pid = pid > 0 ? (int32_t)pid : 0;
	return pid > 0 ? 0 : -errno;
}

/* DIR/credentials.d/KEY, the key in hex. Descriptor, or -errno. */
static int
fake_open_credential(const struct launch_request *request)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/credentials.d/%016llx",
		fake_launcher.dir, (unsigned long long)request->key);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
fake_do(const struct launch_request *request, const int *fds,
	struct launch_reply *reply, int *ret_fd)
{
	struct fake_slot *slot = &fake_launcher.slots[request->slot];
	int result;

	switch ((enum launch_op)request->op) {
	case LAUNCH_PREPARE:
		if (slot->is_prepared)
			return -EEXIST;
		slot->is_prepared = true;
		return 0;
	case LAUNCH_START:
		result = fake_start(request, fds, reply);
		if (result == 0)
			*ret_fd = fcntl(slot->pidfd, F_DUPFD_CLOEXEC, 0);
		return result;
	case LAUNCH_KILL:
		if (slot->pidfd < 0)
			return -ESRCH;
		return syscall(SYS_pidfd_send_signal, slot->pidfd, SIGKILL,
			       NULL, 0) < 0
			       ? -errno
			       : 0;
	case LAUNCH_REMOVE:
		if (!slot->is_prepared)
			return -ENOENT;
		slot->is_prepared = false;
		return 0;
	case LAUNCH_CREDENTIAL:
		*ret_fd = fake_open_credential(request);
		return *ret_fd < 0 ? *ret_fd : 0;
	case LAUNCH_OP_COUNT:
		break;
	}
	_exit(1); /* unknown: as the real one */
}

static int32_t
fake_ask_story(const struct launch_request *request)
{
	int32_t verdict;

	if (send(fake_launcher.storyfd, request, sizeof(*request),
		    MSG_NOSIGNAL) != sizeof(*request) ||
		recv(fake_launcher.storyfd, &verdict, sizeof(verdict), 0) !=
			sizeof(verdict))
		_exit(0);
	return verdict;
}

static void
fake_answer(const struct launch_request *request, const int *fds)
{
	struct launch_reply reply = {.op = request->op, .slot = request->slot};
	int32_t verdict = fake_ask_story(request);
	cleanup_close int fd = -1;

	if (verdict == VERDICT_NO_ANSWER)
		return;
	if (verdict == VERDICT_END)
		_exit(0);
	if (verdict == VERDICT_ANSWER_GARBAGE) {
		(void)fdpass_send(fake_launcher.socketfd, "what?", 5, NULL, 0);
		return;
	}
	/* A directory that is still in use is not ours any more: as the real. */
	if (verdict > 0 && request->op == LAUNCH_REMOVE)
		fake_launcher.slots[request->slot].is_prepared = false;
	reply.result =
		verdict > 0 ? -verdict : fake_do(request, fds, &reply, &fd);
	if (fdpass_send(fake_launcher.socketfd, &reply, sizeof(reply), &fd,
		    fd >= 0 ? 1 : 0) < 0)
		_exit(0);
}

static void __attribute__((noreturn)) fake_launcher_run(void)
{
	for (;;) {
		struct launch_request request;
		int fds[FDPASS_MAX];
		int count = fdpass_receive(
			fake_launcher.socketfd, &request, sizeof(request), fds);

		if (count < 0)
			_exit(0); /* the supervisor has gone */
		if (request.slot >= LAUNCH_SLOTS || request.reserved != 0 ||
			count != (request.op == LAUNCH_START ? 2 : 0))
			_exit(1);
		fake_answer(&request, fds);
		for (int i = 0; i < FDPASS_MAX; i++)
			guard_close(&fds[i]);
	}
}

/* The supervisor's end of the socket, or -1. */
static int
fake_launcher_fork(const char *dir)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		(void)close(pair[0]); /* the supervisor's */
		(void)signal(SIGINT, SIG_IGN);
		(void)signal(SIGTERM, SIG_IGN);
		fake_launcher.dir = dir;
		fake_launcher.socketfd = pair[1];
		fake_launcher.storyfd = story_connect(dir, "launcher.sock");
		for (size_t i = 0; i < LAUNCH_SLOTS; i++)
			fake_launcher.slots[i].pidfd = -1;
		fake_launcher_run();
	}
	(void)close(pair[1]); /* the launcher's */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		return -1;
	return pair[0];
}

#endif
