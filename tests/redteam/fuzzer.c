/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzzer.c - a supervisor that asks its launcher for anything.
 *
 * Runs in: the supervisor's place, behind the real supervisor/main.c.
 * Invariant: what it asks follows from the seed, which is in the file
 *            "seed" of state_dir. First requests that are well formed, with
 *            numbers and descriptors at random; then all that was made is taken
 *            away; then one request that is not well formed, which has to end
 *            the launcher. It logs how far it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/fdpass.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/launcher.h"
#include "supervisor/supervisor.h"

enum {
	REQUESTS = 600,
	SLOTS = 8, /* so many of the first, and of the last */
	KEYS = 4,
	ANSWER_MS = 10000,
	LONGEST = 64,
	GIVE_BACK_TRIES = 100,
};

static uint64_t keys[KEYS];
static unsigned short seed[3];

static unsigned
below(unsigned limit)
{
	return (unsigned)nrand48(seed) % limit;
}

static void
read_seed(const char *state_dir)
{
	char path[512], text[64] = "";
	cleanup_close int fd = -1;
	unsigned long number;

	(void)snprintf(path, sizeof(path), "%s/seed", state_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!read(fd, text, sizeof(text) - 1);
	number = strtoul(text, NULL, 10);
	memcpy(seed, &number, sizeof(seed));
	log_notice("fuzzer: seed %lu", number);
}

/* Directories that a supervisor makes for its targets; and what is not one. */
static void
read_keys(int mount_root_fd, int base_root_fd)
{
	for (int i = 0; i < KEYS; i++) {
		char name[32];

		keys[i] = (uint64_t)nrand48(seed) << 32 | (uint64_t)i;
		(void)snprintf(name, sizeof(name), "%016llx",
			(unsigned long long)keys[i]);
		if (i == KEYS - 1)
			(void)!symlinkat("/etc", mount_root_fd, name);
		else
			(void)mkdirat(mount_root_fd, name, 0755);
		(void)mkdirat(base_root_fd, name, 0755);
	}
}

/* Anything that a supervisor can have open. */
static int
some_descriptor(void)
{
	int pair[2] = {-1, -1};

	switch (below(5)) {
	case 0:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 1:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 2:
		return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	case 3:
		(void)!pipe2(pair, O_CLOEXEC | O_DIRECT);
		break;
	default:
		(void)!pipe2(pair, O_CLOEXEC | O_NONBLOCK);
		break;
	}
	guard_close(&pair[below(2)]);
	return pair[0] >= 0 && fcntl(pair[0], F_GETFD) >= 0 ? pair[0] : pair[1];
}

/* One answer, as the real supervisor takes it; false: there is none. */
static bool
ask(int socketfd, const void *request, size_t len, const int *fds, size_t count,
	struct launch_reply *ret_reply)
{
	struct pollfd answer = {.fd = socketfd, .events = POLLIN};
	int got[FDPASS_MAX] = {-1, -1};
	int result = fdpass_send(socketfd, request, len, fds, count);

	if (result < 0 || poll(&answer, 1, ANSWER_MS) != 1)
		return false;
	result = fdpass_receive(socketfd, ret_reply, sizeof(*ret_reply), got);
	for (int i = 0; i < FDPASS_MAX; i++)
		guard_close(&got[i]);
	while (waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOHANG) == 0 &&
		waitpid(-1, NULL, WNOHANG) > 0)
		;
	return result >= 0;
}

static struct launch_request
well_formed(void)
{
	struct launch_request request = {
		.op = below(LAUNCH_OP_COUNT),
		.slot = below(4) ? below(SLOTS)
				 : LAUNCH_SLOTS - 1 - below(SLOTS),
	};

	if (request.op == LAUNCH_START)
		request.backend = below(BACKEND_COUNT);
	if (request.op == LAUNCH_PREPARE)
		request.key =
			below(8) ? keys[below(KEYS)] : (uint64_t)nrand48(seed);
	if (request.op == LAUNCH_CREDENTIAL)
		request.key = (uint64_t)nrand48(seed);
	return request;
}

static bool
ask_for_anything(int socketfd)
{
	unsigned done[LAUNCH_OP_COUNT] = {0};

	for (int i = 0; i < REQUESTS; i++) {
		struct launch_request request = well_formed();
		struct launch_reply reply;
		int fds[2] = {-1, -1};
		size_t count = request.op == LAUNCH_START ? 2 : 0;
		bool is_answered;

		for (size_t j = 0; j < count; j++)
			fds[j] = some_descriptor();
		is_answered = ask(socketfd, &request, sizeof(request), fds,
			count, &reply);
		for (size_t j = 0; j < count; j++)
			guard_close(&fds[j]);
		if (!is_answered)
			return false;
		done[request.op] += reply.result == 0;
	}
	log_notice("fuzzer: done: %u prepared, %u started, %u killed, %u "
		   "removed, %u credentials",
		done[LAUNCH_PREPARE], done[LAUNCH_START], done[LAUNCH_KILL],
		done[LAUNCH_REMOVE], done[LAUNCH_CREDENTIAL]);
	return true;
}

/* What was busy when it was to be removed is taken up again and removed, as the
 * real supervisor does. */
static bool
give_back(int socketfd, uint64_t key)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	struct launch_reply reply = {.result = -EBUSY};

	for (int i = 0; i < GIVE_BACK_TRIES && reply.result == -EBUSY; i++) {
		struct launch_request request = {
			.op = LAUNCH_PREPARE, .key = key};

		if (!ask(socketfd, &request, sizeof(request), NULL, 0, &reply))
			return false;
		if (reply.result < 0)
			return true; /* there is none */
		request = (struct launch_request){.op = LAUNCH_REMOVE};
		if (!ask(socketfd, &request, sizeof(request), NULL, 0, &reply))
			return false;
		if (reply.result == -EBUSY)
			(void)nanosleep(&pause, NULL);
	}
	return true;
}

static bool
ask_for_all_slots(int socketfd, enum launch_op op)
{
	struct launch_reply reply;

	for (uint32_t i = 0; i < 2 * SLOTS; i++) {
		struct launch_request request = {.op = op,
			.slot = i < SLOTS ? i : LAUNCH_SLOTS - 1 - (i - SLOTS)};

		if (!ask(socketfd, &request, sizeof(request), NULL, 0, &reply))
			return false;
	}
	return true;
}

static bool
take_all_away(int socketfd)
{
	const struct timespec dying = {.tv_nsec = 500000000};

	if (!ask_for_all_slots(socketfd, LAUNCH_KILL) ||
		!ask_for_all_slots(socketfd, LAUNCH_REMOVE))
		return false;
	for (int i = 0; i < KEYS; i++)
		if (!give_back(socketfd, keys[i]))
			return false;
	/* The launcher forgets one that has ended when it hears of its slot. */
	(void)nanosleep(&dying, NULL);
	return ask_for_all_slots(socketfd, LAUNCH_KILL);
}

/* Not well formed in one way; bytes in *ret_len. */
static void
break_request(unsigned char *bytes, size_t *ret_len, size_t *ret_fds)
{
	struct launch_request request = well_formed();

	*ret_len = sizeof(request);
	*ret_fds = request.op == LAUNCH_START ? 2 : 0;
	switch (below(6)) {
	case 0:
		request.op = LAUNCH_OP_COUNT + below(1000000);
		break;
	case 1:
		request.slot = LAUNCH_SLOTS + below(1000000);
		break;
	case 2:
		request.reserved = 1 + below(1000000);
		break;
	case 3:
		request.backend = BACKEND_COUNT + below(1000000);
		break;
	case 4:
		*ret_fds = *ret_fds ? below(2) : 1 + below(2);
		break;
	default:
		do
			*ret_len = 1 + below(LONGEST);
		while (*ret_len == sizeof(request));
		break;
	}
	for (size_t i = 0; i < LONGEST; i++)
		bytes[i] = (unsigned char)below(256);
	memcpy(bytes, &request, sizeof(request));
}

int
supervisor_run(const struct conf *conf, const struct inheritance *inheritance)
{
	const struct timespec pause = {.tv_sec = 1};
	int socketfd = inheritance->launcherfd;
	unsigned char bytes[LONGEST];
	struct launch_reply reply;
	size_t len, count;
	int fds[2];

	read_seed(conf->state_dir);
	read_keys(inheritance->mount_root_fd, inheritance->base_root_fd);
	log_notice("fuzzer: ready");
	(void)nanosleep(&pause, NULL);
	if (!ask_for_anything(socketfd) || !take_all_away(socketfd)) {
		log_error("fuzzer: the launcher has ended too early");
		return 1;
	}
	log_notice("fuzzer: quiet");
	(void)nanosleep(&pause, NULL);
	break_request(bytes, &len, &count);
	for (size_t i = 0; i < count; i++)
		fds[i] = some_descriptor();
	if (ask(socketfd, bytes, len, fds, count, &reply)) {
		log_error("fuzzer: it was answered what makes no sense");
		return 1;
	}
	log_notice("fuzzer: the launcher has ended");
	return 0;
}
