/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scanner.c - finds out who uses a mount, for a connection that lingers.
 *
 * Runs in: the scanner's worker, whose jail has the host's /proc.
 * Trusts: the kernel; no name in /proc, which any process chooses.
 * Invariant: bounded in time and work, and ended by SIGALRM should a read of
 *            /proc block. Nothing at or below the path itself is looked at:
 *            that could hang with its server. Only links' texts are read.
 *
 * Mappings come last: reading them takes a lock of the process, which one
 * that waits for a dead server may hold.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/pipes.h"
#include "worker/scan_text.h"
#include "worker/scanner.h"

enum {
	ORDER_WAIT_S = 10,
	SCAN_S = 5,
	ALARM_S = SCAN_S + 1,
	PROCESSES_MAX = 65536,
	LINES_MAX = 65536, /* of one file */
	NAMED_MAX = 32,
	NAMESPACES_MAX = 4096,
	LINE_MAX_BYTES = 8192,
};

struct scan {
	struct scan_message order;
	uint64_t deadline_us;
	uint64_t count;
	uint64_t group;		 /* the mount's peer group, 0 if none */
	char host_namespace[64]; /* "mnt:[4026531841]" */
	size_t namespace_count;
	uint64_t namespaces[NAMESPACES_MAX]; /* looked at already */
};

static struct scan scan;

static bool
is_over(void)
{
	return clock_boot_us() >= scan.deadline_us;
}

/* The first 63 bytes of a command, the last 63 of a path. */
static void
report(pid_t pid, enum holder_kind kind, const char *command)
{
	struct message message = {.type = MESSAGE_holder};
	struct holder_message *holder = &message.holder;

	if (++scan.count > NAMED_MAX)
		return;
	holder->pid = (uint64_t)pid;
	holder->kind = kind;
	memcpy(holder->command, command,
		strnlen(command, sizeof(holder->command) - 1));
	err_clean_text(holder->command);
	/* A supervisor that does not read loses names, not the scan. */
	(void)pipes_send(PIPES_REPORT_FD, scan.deadline_us, &message);
}

/* Text of a link, NUL-terminated. False when it cannot be read. */
static bool
read_link(int dirfd, const char *name, char *ret_text, size_t size)
{
	ssize_t len = readlinkat(dirfd, name, ret_text, size - 1);

	if (len < 0)
		return false;
	ret_text[len] = '\0';
	return true;
}

static FILE *
open_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "re");

	if (!file && fd >= 0)
		(void)close(fd); /* only ever read from */
	return file;
}

static void
report_process(int dirfd, pid_t pid, enum holder_kind kind)
{
	cleanup_fclose FILE *file = open_file(dirfd, "comm");
	char command[64] = "?";

	if (file && fgets(command, sizeof(command), file))
		command[strcspn(command, "\n")] = '\0';
	report(pid, kind, command);
}

/* Whether /proc/PID/fdinfo says that it is open on another mount. */
static bool
is_elsewhere(int dirfd, const char *fd_name)
{
	char name[NAME_MAX + 16];
	char line[128];
	unsigned long id;
	cleanup_fclose FILE *file = NULL;

	(void)snprintf(name, sizeof(name), "fdinfo/%s", fd_name);
	file = open_file(dirfd, name);
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "mnt_id: %lu", &id) == 1)
			return id != scan.order.mount_id;
	return false;
}

static void
guard_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only ever read from */
}

static DIR *
open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd); /* only ever read from */
	return dir;
}

static bool
has_open_file(int pidfd)
{
	cleanup(guard_closedir) DIR *dir = open_dir(pidfd, "fd");
	char text[PATH_MAX];
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) && !is_over())
		if (entry->d_name[0] != '.' &&
			read_link(dirfd(dir), entry->d_name, text,
				sizeof(text)) &&
			scan_is_within(text, scan.order.path) &&
			!is_elsewhere(pidfd, entry->d_name))
			return true;
	return false;
}

static void
look_at_links(int dirfd, pid_t pid)
{
	static const struct {
		const char *name;
		enum holder_kind kind;
	} links[] = {{"cwd", HOLDER_CWD}, {"root", HOLDER_ROOT}};
	char text[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (read_link(dirfd, links[i].name, text, sizeof(text)) &&
			scan_is_within(text, scan.order.path))
			report_process(dirfd, pid, links[i].kind);
	if (has_open_file(dirfd))
		report_process(dirfd, pid, HOLDER_FILE);
}

/* True once for each mount namespace but the host's. */
static bool
is_new_namespace(int dirfd)
{
	char text[64];
	unsigned long number;

	if (!read_link(dirfd, "ns/mnt", text, sizeof(text)) ||
		strcmp(text, scan.host_namespace) == 0 ||
		sscanf(text, "mnt:[%lu]", &number) != 1 ||
		scan.namespace_count == NAMESPACES_MAX)
		return false;
	for (size_t i = 0; i < scan.namespace_count; i++)
		if (scan.namespaces[i] == number)
			return false;
	scan.namespaces[scan.namespace_count++] = number;
	return true;
}

/* Whether it is a copy of the mount that an unmount of it does not reach. */
static bool
is_private_copy(const struct mountinfo_line *line)
{
	if (line->major != scan.order.device_major ||
		line->minor != scan.order.device_minor)
		return false;
	return scan.group == 0 ||
	       (line->shared != scan.group && line->master != scan.group);
}

/* Calls function for each line; it returns false for enough. */
static void
read_mounts(int dirfd, bool (*function)(const struct mountinfo_line *, void *),
	void *data)
{
	cleanup_fclose FILE *file = open_file(dirfd, "mountinfo");
	char text[LINE_MAX_BYTES];
	struct mountinfo_line line;

	for (int i = 0; file && i < LINES_MAX && !is_over(); i++)
		if (!fgets(text, sizeof(text), file) ||
			(scan_read_mountinfo(text, &line) &&
				!function(&line, data)))
			return;
}

static bool
find_copy(const struct mountinfo_line *line, void *data)
{
	bool *has_copy = data;

	*has_copy = is_private_copy(line);
	return !*has_copy;
}

static void
look_at_namespace(int dirfd, pid_t pid)
{
	bool has_copy = false;

	if (!is_new_namespace(dirfd))
		return;
	read_mounts(dirfd, find_copy, &has_copy);
	if (has_copy)
		report_process(dirfd, pid, HOLDER_NAMESPACE);
}

static void
look_at_uses(int dirfd, pid_t pid)
{
	look_at_links(dirfd, pid);
	look_at_namespace(dirfd, pid);
}

static void
look_at_mappings(int dirfd, pid_t pid)
{
	cleanup_fclose FILE *file = open_file(dirfd, "maps");
	char text[LINE_MAX_BYTES];
	const char *path;

	for (int i = 0; file && i < LINES_MAX && !is_over(); i++) {
		if (!fgets(text, sizeof(text), file))
			return;
		path = scan_read_mapping(text);
		if (!path || !scan_is_within(path, scan.order.path))
			continue;
		report_process(dirfd, pid, HOLDER_MAPPING);
		return;
	}
}

static pid_t
read_pid(const char *name)
{
	char *end;
	unsigned long pid = strtoul(name, &end, 10);

	return name[0] >= '1' && name[0] <= '9' && !*end && pid <= INT32_MAX
		       ? (pid_t)pid
		       : 0;
}

static void
walk(int procfd, void (*look)(int dirfd, pid_t pid))
{
	cleanup(guard_closedir) DIR *dir = open_dir(procfd, ".");
	struct dirent *entry;
	int seen = 0;

	while (dir && (entry = readdir(dir)) && !is_over()) {
		pid_t pid = read_pid(entry->d_name);
		cleanup_close int pidfd = -1;

		if (pid == 0 || pid == getpid() || ++seen > PROCESSES_MAX)
			continue;
		pidfd = openat(procfd, entry->d_name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (pidfd >= 0)
			look(pidfd, pid);
	}
}

/* Among the host's mounts: those below, and the peer group of the mount. */
static bool
look_at_host_mount(const struct mountinfo_line *line, void *data)
{
	size_t max = sizeof(((struct holder_message *)NULL)->command) - 1;
	size_t len = strlen(line->path);

	if (line->id == scan.order.mount_id)
		scan.group = line->shared;
	else if (scan_is_below(line->path, scan.order.path))
		report(0, HOLDER_MOUNT,
			line->path + (len > max ? len - max : 0));
	return true;
}

static int
scan_all(void)
{
	struct message done = {.type = MESSAGE_scanned};
	cleanup_close int procfd =
		open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int hostfd = -1;
	char name[16];

	/* The supervisor, whose mount IDs these are, is in the host's. */
	(void)snprintf(name, sizeof(name), "%d", getppid());
	hostfd = openat(procfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (hostfd < 0 || !read_link(hostfd, "ns/mnt", scan.host_namespace,
				  sizeof(scan.host_namespace)))
		return 1;
	read_mounts(hostfd, look_at_host_mount, NULL);
	walk(procfd, look_at_uses);
	walk(procfd, look_at_mappings);
	done.scanned.count = scan.count;
	return pipes_send(PIPES_REPORT_FD, scan.deadline_us + US_PER_SEC / 2,
		       &done) < 0;
}

int
scanner_run(void)
{
	struct message order;
	struct err err;
	int result = pipes_wait_order(PIPES_ORDER_FD,
		clock_boot_us() + ORDER_WAIT_S * US_PER_SEC, &order, &err);

	if (result == -EPIPE)
		return 0; /* nothing was asked */
	if (result == -EBADMSG)
		return 2;
	if (result < 0)
		return 1;
	if (order.type != MESSAGE_scan || order.scan.path[0] != '/' ||
		order.scan.path[1] == '\0')
		return 2;
	scan.order = order.scan;
	scan.deadline_us = clock_boot_us() + SCAN_S * US_PER_SEC;
	(void)alarm(ALARM_S);
	return scan_all();
}
