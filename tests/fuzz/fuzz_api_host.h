/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api_host.h - the host that fuzz_api.c gives to the daemon: its clock,
 *                   its processes, its launcher and workers. To be included
 *                   once.
 *
 * Runs in: the build; in the daemon's own thread, whenever that would sleep.
 * Invariant: nothing happens by itself: the clock stands still, the launcher
 *            and the workers say nothing until the input has them do so. What
 *            happens therefore depends on the input alone.
 */
#ifndef TESTS_FUZZ_FUZZ_API_HOST_H
#define TESTS_FUZZ_FUZZ_API_HOST_H

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/fdpass.h"
#include "common/guard.h"
#include "common/sysfs.h"
#include "proto/message.h"
#include "supervisor/launcher.h"
#include "supervisor/process.h"
#include "tests/fuzz/fuzz.h"

/* --- in the place of common/clock.c and of the loop's timer */

#define HOST_BOOT_US (1000 * US_PER_SEC)
#define HOST_UNIX_US (UINT64_C(1790000000) * US_PER_SEC)

static uint64_t host_now_us; /* since HOST_BOOT_US */
static uint64_t host_due_us; /* what the loop has set, 0: nothing */

uint64_t
clock_boot_us(void)
{
	return HOST_BOOT_US + host_now_us;
}

uint64_t
clock_unix_us(void)
{
	return HOST_UNIX_US + host_now_us;
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *when,
	struct itimerspec *ret_old)
{
	host_due_us = (uint64_t)when->it_value.tv_sec * US_PER_SEC +
		      (uint64_t)when->it_value.tv_nsec / 1000;
	return 0;
}

static bool
host_timer_is_due(void)
{
	return host_due_us != 0 && host_due_us <= clock_boot_us();
}

/* By how much connections of one server are spread: not at all. */
ssize_t
getrandom(void *bytes, size_t len, unsigned flags)
{
	memset(bytes, 0, len);
	return (ssize_t)len;
}

/* --- in the place of common/sysfs.c and supervisor/process.c */

const char sysfs_iscsi_sessions[] = "/nonexistent";

int
process_open(pid_t pid)
{
	return -ESRCH;
}

int
process_read(pid_t pid, struct process_facts *ret_facts)
{
	return -ESRCH;
}

pid_t
process_host_number(pid_t worker, pid_t pid)
{
	return 0;
}

void
process_boot_id(char *ret_text, size_t size)
{
	(void)snprintf(ret_text, size, "boot");
}

/* --- who connects: in the place of SO_PEERCRED */

enum {
	HOST_PEERS_MAX = 64
};

/* Of connections that are not accepted yet, first come first. */
static struct {
	uid_t uids[HOST_PEERS_MAX];
	size_t count;
} host_peers;

static void
host_expect_peer(uid_t uid)
{
	CHECK(host_peers.count < HOST_PEERS_MAX);
	host_peers.uids[host_peers.count++] = uid;
}

int
getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct ucred peer = {.pid = 1};

	if (level != SOL_SOCKET || name != SO_PEERCRED)
		return (int)syscall(
			SYS_getsockopt, fd, level, name, value, len);
	CHECK(host_peers.count > 0 && *len == sizeof(peer));
	peer.uid = host_peers.uids[0];
	memmove(host_peers.uids, host_peers.uids + 1,
		--host_peers.count * sizeof(host_peers.uids[0]));
	memcpy(value, &peer, sizeof(peer));
	return 0;
}

/* --- workers: two pipes each, and a socket in the place of a pidfd */

enum {
	HOST_WORKERS_MAX = 16,
	HOST_PID = 1 << 30, /* none that the kernel has */
};

struct host_exit {
	pid_t pid;
	int code;
	int status;
};

struct host_worker {
	uint32_t slot;
	pid_t pid;
	int orderfd;
	int reportfd;
	int exitfd;
	uint64_t trial; /* number of the last one that it was asked for */
};

static struct host_worker host_workers[HOST_WORKERS_MAX];
static size_t host_worker_count;
static pid_t host_last_pid;

int
waitid(idtype_t kind, id_t id, siginfo_t *ret_info, int options)
{
	struct host_exit end;
	int flags = MSG_DONTWAIT | (options & WNOWAIT ? MSG_PEEK : 0);

	CHECK(kind == P_PIDFD);
	ret_info->si_pid = 0;
	if (recv((int)id, &end, sizeof(end), flags) != sizeof(end))
		return 0; /* it runs */
	ret_info->si_pid = end.pid;
	ret_info->si_code = end.code;
	ret_info->si_status = end.status;
	return 0;
}

static void
host_end_worker(size_t index, int code, int status)
{
	struct host_worker *worker = &host_workers[index];
	const struct host_exit end = {worker->pid, code, status};

	CHECK(send(worker->exitfd, &end, sizeof(end), MSG_NOSIGNAL) ==
			sizeof(end) ||
		errno == EPIPE || errno == ECONNREFUSED);
	guard_close(&worker->orderfd);
	guard_close(&worker->reportfd);
	guard_close(&worker->exitfd);
	*worker = host_workers[--host_worker_count];
}

/* True when it has read something. One whose orders end, ends. */
static bool
host_read_orders(void)
{
	char packet[PIPE_BUF];
	bool has_read = false;

	for (size_t i = 0; i < host_worker_count;) {
		ssize_t len =
			read(host_workers[i].orderfd, packet, sizeof(packet));

		has_read |= len >= 0;
		if (len == 0)
			host_end_worker(i, CLD_EXITED, 0);
		else if (len < 0)
			i++;
	}
	return has_read;
}

/* As a packet, whatever it is. */
static void
host_report(size_t index, const void *data, size_t len)
{
	if (index < host_worker_count)
		(void)!write(host_workers[index].reportfd, data,
			len < PIPE_BUF ? len : PIPE_BUF);
}

/* What came of the last trial: its number is not the input's to know. */
static void
host_report_tried(size_t index, uint8_t error)
{
	struct message report = {.type = MESSAGE_tried};
	uint8_t packet[MESSAGE_MAX];

	if (index >= host_worker_count)
		return;
	report.tried.number = host_workers[index].trial;
	report.tried.error = (enum err_code)(error % ERR_COUNT);
	(void)strcpy(report.tried.error_text, "as it was tried");
	host_report(index, packet, message_encode(&report, packet));
}

/* Takes both descriptors. Returns what stands for its pidfd. */
static int
host_start_worker(uint32_t slot, int orderfd, int reportfd)
{
	struct host_worker *worker = &host_workers[host_worker_count++];
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
	*worker = (struct host_worker){
		.slot = slot,
		.pid = HOST_PID + host_last_pid++,
		.orderfd = orderfd,
		.reportfd = reportfd,
		.exitfd = pair[0],
	};
	return pair[1];
}

static bool
host_kill_worker(uint32_t slot)
{
	for (size_t i = 0; i < host_worker_count; i++)
		if (host_workers[i].slot == slot) {
			host_end_worker(i, CLD_KILLED, SIGKILL);
			return true;
		}
	return false;
}

/* --- the launcher */

/* What it answers while a step lasts: nothing, which leaves the requests for
 * later, or that it is done, or an errno. */
enum {
	HOST_SAYS_NOTHING = 1,
	HOST_STARTS_NOTHING = 2,
};

static const int host_verdicts[] = {HOST_SAYS_NOTHING, 0, HOST_STARTS_NOTHING,
	-ENOENT, -EPERM, -EAGAIN, -EMFILE, -EIO};
static int host_verdict;
static int host_launcherfd = -1; /* its end of the socket */

static const char host_credential[] =
	"username = host\npassword = a-long-secret\nusers = 1000\n";

static int
host_start(const struct launch_request *request, int fds[FDPASS_MAX],
	struct launch_reply *reply)
{
	int pidfd;

	if (host_verdict == HOST_STARTS_NOTHING ||
		host_worker_count == HOST_WORKERS_MAX) {
		reply->result = -EAGAIN;
		return -1;
	}
	pidfd = host_start_worker(
		request->slot, take_fd(&fds[0]), take_fd(&fds[1]));
	reply->pid = host_workers[host_worker_count - 1].pid;
	return pidfd;
}

/* Does what was asked. Returns the descriptor of the reply, or -1. */
static int
host_do(const struct launch_request *request, int fds[FDPASS_MAX],
	struct launch_reply *reply)
{
	if (host_verdict < 0)
		reply->result = host_verdict;
	else if (request->op == LAUNCH_START)
		return host_start(request, fds, reply);
	else if (request->op == LAUNCH_KILL && !host_kill_worker(request->slot))
		reply->result = -ESRCH;
	else if (request->op == LAUNCH_CREDENTIAL)
		return dup(fuzz_memfd(
			host_credential, sizeof(host_credential) - 1));
	return -1;
}

/* True when it has answered something. */
static bool
host_answer(void)
{
	bool has_answered = false;

	while (host_verdict != HOST_SAYS_NOTHING) {
		struct launch_request request;
		struct launch_reply reply = {0};
		int fds[FDPASS_MAX];
		int count = fdpass_receive(
			host_launcherfd, &request, sizeof(request), fds);
		int fd;

		if (count == -EAGAIN)
			break;
		CHECK(count == (request.op == LAUNCH_START ? 2 : 0));
		CHECK(request.op < LAUNCH_OP_COUNT &&
			request.slot < LAUNCH_SLOTS);
		reply.op = request.op;
		reply.slot = request.slot;
		fd = host_do(&request, fds, &reply);
		CHECK(fdpass_send(host_launcherfd, &reply, sizeof(reply), &fd,
			      fd >= 0 ? 1 : 0) == 0);
		guard_close(&fd);
		for (int i = 0; i < FDPASS_MAX; i++)
			guard_close(&fds[i]);
		has_answered = true;
	}
	return has_answered;
}

/* A boot's beginning; what was of the one before is gone. */
static void
host_reset(void)
{
	host_now_us = 0;
	host_last_pid = 0;
}

/* Begins a daemon's life. Returns its end of the launcher's socket. */
static int
host_begin(void)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      0, pair) == 0);
	host_launcherfd = pair[0];
	host_due_us = 0;
	host_peers.count = 0;
	host_verdict = HOST_SAYS_NOTHING;
	return pair[1];
}

static void
host_end(void)
{
	while (host_worker_count > 0)
		host_end_worker(0, CLD_KILLED, SIGKILL);
	guard_close(&host_launcherfd);
	host_launcherfd = -1;
}

/* --- where the daemon sleeps */

enum {
	HOST_TURNS_MAX = 4096 /* without a step of the input: it spins */
};

static int host_turns;

/* Lets the rest of the host act: called when the daemon has nothing to do. It
 * is left to itself again if that gave it something. */
static void host_on_idle(void);

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
	CHECK(host_turns++ < HOST_TURNS_MAX);
	for (;;) {
		int count = (int)syscall(
			SYS_epoll_pwait, fd, events, most, 0, NULL, (size_t)0);

		if (count != 0 || timeout_ms == 0 || host_timer_is_due())
			return count;
		CHECK(timeout_ms == -1);
		host_on_idle();
	}
}

#endif
