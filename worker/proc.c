/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.c - walks over /proc: processes, their tasks, mounts, namespaces.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel; no name in /proc, which any process chooses.
 * Invariant: see proc.h. Bounded in time and work. One file is read by lines
 *            at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "worker/finding.h"
#include "worker/proc.h"
#include "worker/tree.h"

enum {
	LINES_MAX = 1 << 20, /* of one file */
	NAMESPACES_MAX = 4096,
	/* Two paths of PATH_MAX, escaped fourfold, and a page of options. */
	LINE_MAX_BYTES = 65536,
};

static uint64_t namespaces[NAMESPACES_MAX]; /* looked at, the host's first */
static size_t namespace_count;
static uint64_t kept[NAMESPACES_MAX]; /* by a mount or a descriptor */
static size_t kept_count;

static pid_t
read_pid(const char *name)
{
	char *end;
	unsigned long pid = strtoul(name, &end, 10);

	return name[0] >= '1' && name[0] <= '9' && !*end && pid <= INT32_MAX
		       ? (pid_t)pid
		       : 0;
}

/* What look() is to be called with. */
struct walk {
	proc_look *look;
	pid_t process; /* 0: each entry is one */
};

static bool
look_at_entry(int dirfd, const char *name, void *data)
{
	const struct walk *walk = data;
	pid_t pid = read_pid(name);
	cleanup_close int entryfd = -1;

	if (pid == 0 || pid == getpid())
		return true;
	if (walk->process == 0)
		finding_look(pid, "files");
	entryfd = tree_open(dirfd, name);
	if (entryfd >= 0)
		walk->look(entryfd, walk->process ? walk->process : pid, pid);
	else if (!tree_is_gone(errno))
		finding_missed(name, errno);
	return true;
}

static void
walk_entries(int dirfd, const char *path, struct walk *walk)
{
	int result = tree_each(dirfd, path, look_at_entry, walk);

	if (result < 0 && !tree_is_gone(-result))
		finding_missed(path, -result);
}

void
proc_walk(int procfd, proc_look *look)
{
	walk_entries(procfd, ".", &(struct walk){look, 0});
}

void
proc_walk_tasks(int dirfd, pid_t pid, proc_look *look)
{
	walk_entries(dirfd, "task", &(struct walk){look, pid});
}

void
proc_report(int dirfd, pid_t pid, enum holder_kind kind)
{
	char command[64];

	if (!tree_read(dirfd, "comm", command, sizeof(command)))
		strcpy(command, "?");
	finding_holder(pid, kind, command);
}

void
proc_read_lines(int dirfd, const char *name,
	bool (*see)(char *line, void *data), void *data)
{
	cleanup_fclose FILE *file = tree_open_file(dirfd, name);
	static char text[LINE_MAX_BYTES];

	if (!file) {
		/* EINVAL: mountinfo of one that has ended, yet not quite. */
		if (!tree_is_gone(errno) && errno != EINVAL)
			finding_missed(name, errno);
		return;
	}
	for (int i = 0; i < LINES_MAX; i++) {
		if (finding_is_over())
			return;
		errno = 0;
		if (!fgets(text, sizeof(text), file)) {
			if (ferror(file) && !tree_is_gone(errno))
				finding_missed(name, errno);
			return;
		}
		if (!see(text, data))
			return;
	}
	finding_missed(name, E2BIG);
}

/* Mounts, one by one. */
struct mounts {
	bool (*see)(const struct mountinfo_line *line, void *data);
	void *data;
	bool has_any;
};

static bool
see_mount(char *text, void *data)
{
	struct mounts *mounts = data;
	struct mountinfo_line line;

	mounts->has_any = true;
	if (scan_read_mountinfo(text, &line))
		return mounts->see(&line, mounts->data);
	finding_missed("mountinfo", EBADMSG);
	return true;
}

bool
proc_read_mounts(int dirfd,
	bool (*see)(const struct mountinfo_line *line, void *data), void *data)
{
	struct mounts mounts = {see, data, false};

	proc_read_lines(dirfd, "mountinfo", see_mount, &mounts);
	return mounts.has_any;
}

/* "mnt:[4026531841]" */
static bool
read_namespace(int dirfd, uint64_t *ret_number)
{
	char text[64];

	if (!tree_read_link(dirfd, "ns/mnt", text, sizeof(text))) {
		if (!tree_is_gone(errno))
			finding_missed("ns/mnt", errno);
		return false;
	}
	if (sscanf(text, "mnt:[%lu]", ret_number) == 1)
		return true;
	finding_missed("ns/mnt", EBADMSG);
	return false;
}

bool
proc_set_host(int dirfd)
{
	kept_count = 0;
	namespace_count = read_namespace(dirfd, &namespaces[0]);
	return namespace_count == 1;
}

static bool
was_looked_at(uint64_t number)
{
	for (size_t i = 0; i < namespace_count; i++)
		if (namespaces[i] == number)
			return true;
	return false;
}

void
proc_note_namespace(uint64_t number)
{
	if (kept_count < NAMESPACES_MAX)
		kept[kept_count++] = number;
	else
		finding_missed("ns/mnt", E2BIG);
}

bool
proc_has_hidden_namespace(void)
{
	for (size_t i = 0; i < kept_count; i++)
		if (!was_looked_at(kept[i]))
			return true;
	return false;
}

bool
proc_read_new_namespace(int dirfd,
	bool (*see)(const struct mountinfo_line *line, void *data), void *data)
{
	uint64_t number;

	if (!read_namespace(dirfd, &number) || was_looked_at(number))
		return false;
	if (namespace_count == NAMESPACES_MAX) {
		finding_missed("ns/mnt", E2BIG);
		return false;
	}
	if (!proc_read_mounts(dirfd, see, data))
		return false; /* another process in it may tell */
	namespaces[namespace_count++] = number;
	return true;
}
