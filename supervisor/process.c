/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process.c - other processes, by /proc and pidfds.
 *
 * Runs in: supervisor.
 * Trusts: the kernel; nothing that a process may choose, such as its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/guard.h"
#include "supervisor/process.h"

enum {
	TEXT_MAX = 4096,
	/* Of /proc/PID/stat, counted from the state, which comes first behind
	 * the name. */
	SESSION_FIELD = 3,
	START_TIME_FIELD = 19,
};

/* The beginning of a file in /proc. Its length, or -errno. */
static ssize_t
read_text(const char *path, char *ret_text, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	if (len < 0)
		return -errno;
	ret_text[len] = '\0';
	return len;
}

int
process_open(pid_t pid)
{
	int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (pid <= 0)
		return -ESRCH;
	return fd < 0 ? -errno : fd;
}

/* The field, a number, that is so many behind the one at text. */
static int
read_field(const char *text, unsigned number, uint64_t *ret_value)
{
	char *end;

	for (; number > 0; number--) {
		text = strchr(text, ' ');
		if (!text)
			return -EBADMSG;
		text++;
	}
	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	return end == text || *end != ' ' || errno ? -EBADMSG : 0;
}

int
process_parse_stat(const char *text, struct process_facts *ret_facts)
{
	/* The name is in parentheses, and may have some of its own. */
	const char *at = strrchr(text, ')');
	uint64_t session;

	if (!at || at[1] != ' ' || at[2] == '\0')
		return -EBADMSG;
	at += 2;
	if (*at == 'Z' || *at == 'X')
		return -ESRCH;
	if (read_field(at, SESSION_FIELD, &session) < 0 ||
		session > INT32_MAX ||
		read_field(at, START_TIME_FIELD, &ret_facts->started) < 0)
		return -EBADMSG;
	ret_facts->session = (pid_t)session;
	return 0;
}

int
process_read(pid_t pid, struct process_facts *ret_facts)
{
	char path[64];
	char text[TEXT_MAX];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	len = read_text(path, text, sizeof(text));
	return len < 0 ? (int)len : process_parse_stat(text, ret_facts);
}

/* The last number of the line "NSpid:\t1234\t5": its own in the innermost
 * namespace. How many there are, 0 if there is no such line. */
static unsigned
read_ns_pid(pid_t pid, pid_t *ret_inner)
{
	char path[64];
	char text[TEXT_MAX];
	const char *at;
	unsigned count = 0;
	char *end;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (read_text(path, text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "\nNSpid:");
	if (!at)
		return 0;
	for (at += strlen("\nNSpid:"); *at == '\t'; at = end, count++)
		*ret_inner = (pid_t)strtol(at + 1, &end, 10);
	return count;
}

pid_t
process_host_number(pid_t worker, pid_t pid)
{
	char path[64];
	char text[TEXT_MAX];
	pid_t inner;
	char *at = text;
	char *end;

	if (read_ns_pid(worker, &inner) < 2)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		(int)worker, (int)worker);
	if (read_text(path, text, sizeof(text)) < 0)
		return 0;
	for (;; at = end) {
		pid_t child = (pid_t)strtol(at, &end, 10);

		if (end == at)
			return 0;
		if (read_ns_pid(child, &inner) >= 2 && inner == pid)
			return child;
	}
}

void
process_boot_id(char *ret_text, size_t size)
{
	if (read_text("/proc/sys/kernel/random/boot_id", ret_text, size) < 0)
		*ret_text = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
}
