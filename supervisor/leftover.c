/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * leftover.c - processes of an earlier daemon that have outlived it.
 *
 * Runs in: supervisor, as root, before the split.
 * Trusts: the kernel, for which program a process runs and who its parent is;
 *         no name or title, which any process may give itself.
 * Invariant: only what runs one of our own two programs is ended, and only when
 *            its parent runs neither: a worker's parent is its supervisor, an
 *            operation's its worker. A supervisor is never ended: it is the one
 *            that holds a lock of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/leftover.h"

#define WAIT_US	       (2 * US_PER_SEC)
#define LAUNCHER_TITLE "holdfastd: launcher"

enum {
	TEXT_MAX = 512
};

static void
guard_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* The path of its program, also after that was replaced. False: none. */
static bool
read_program(pid_t pid, char *ret_path, size_t size)
{
	static const char deleted[] = " (deleted)";
	char name[64];
	ssize_t len;
	char *end;

	(void)snprintf(name, sizeof(name), "/proc/%d/exe", (int)pid);
	len = readlink(name, ret_path, size - 1);
	if (len <= 0)
		return false;
	ret_path[len] = '\0';
	end = ret_path + len - (sizeof(deleted) - 1);
	if (end > ret_path && strcmp(end, deleted) == 0)
		*end = '\0';
	return true;
}

static bool
read_line(pid_t pid, const char *file, char *ret_text, size_t size)
{
	char name[64];
	cleanup_fclose FILE *stream = NULL;
	size_t len;

	(void)snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, file);
	stream = fopen(name, "re");
	len = stream ? fread(ret_text, 1, size - 1, stream) : 0;
	ret_text[len] = '\0';
	return len > 0;
}

static pid_t
read_parent(pid_t pid)
{
	char text[TEXT_MAX];
	const char *at;
	int parent;

	if (!read_line(pid, "stat", text, sizeof(text)))
		return 0;
	at = strrchr(text, ')');
	return at && sscanf(at, ") %*c %d", &parent) == 1 ? parent : 0;
}

struct programs {
	char daemon[PATH_MAX];
	const char *worker;
};

static bool
runs_ours(const struct programs *programs, pid_t pid, bool *ret_is_worker)
{
	char path[PATH_MAX];

	if (!read_program(pid, path, sizeof(path)))
		return false;
	*ret_is_worker = strcmp(path, programs->worker) == 0;
	return *ret_is_worker || strcmp(path, programs->daemon) == 0;
}

static bool
is_leftover(const struct programs *programs, pid_t pid)
{
	char title[TEXT_MAX];
	bool is_worker, other;

	if (pid == getpid() || !runs_ours(programs, pid, &is_worker) ||
		runs_ours(programs, read_parent(pid), &other))
		return false;
	return is_worker || (read_line(pid, "cmdline", title, sizeof(title)) &&
				    strncmp(title, LAUNCHER_TITLE,
					    strlen(LAUNCHER_TITLE)) == 0);
}

static void
end_process(pid_t pid, int pidfd, uint64_t until_us)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0)
		return; /* it has just ended */
	log_notice("process %d of a daemon that is gone was killed", (int)pid);
	(void)poll(&ended, 1, clock_left_ms(until_us, INT_MAX));
}

void
leftover_end(const char *worker_path)
{
	struct programs programs = {.worker = worker_path};
	uint64_t until_us = clock_boot_us() + WAIT_US;
	cleanup(guard_closedir) DIR *dir = opendir("/proc");
	const struct dirent *entry;

	if (!dir || !read_program(
			    getpid(), programs.daemon, sizeof(programs.daemon)))
		return;
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		/* First: from here on the number is this process's. */
		cleanup_close int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;

		if (pidfd >= 0 && is_leftover(&programs, pid))
			end_process(pid, pidfd, until_us);
	}
}
