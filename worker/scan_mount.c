/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_mount.c - finds out who uses a mount, for a connection that lingers.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel; no name in /proc, which any process chooses.
 * Invariant: nothing at or below the path itself is looked at: that could hang
 *            with its server. Only links' texts are read.
 *
 * Mappings come last: reading them takes a lock of the process, which one
 * that waits for a dead server may hold.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "common/guard.h"
#include "worker/finding.h"
#include "worker/proc.h"
#include "worker/scan_mount.h"
#include "worker/scan_text.h"
#include "worker/tree.h"

static const struct scan_message *order;
static uint64_t group; /* the mount's peer group, 0 if none */

static bool
see_mount_id(char *line, void *data)
{
	uint64_t *id = data;

	return !scan_read_field(line, "mnt_id", 10, id);
}

/* Whether /proc/PID/fdinfo says that it is open on another mount. */
static bool
is_elsewhere(int dirfd, const char *fd_name)
{
	char name[NAME_MAX + 16];
	uint64_t id = order->mount_id;

	(void)snprintf(name, sizeof(name), "fdinfo/%s", fd_name);
	proc_read_lines(dirfd, name, see_mount_id, &id);
	return id != order->mount_id;
}

/* A process, and whether it has a file open. */
struct files {
	int dirfd;
	bool has_open;
};

static bool
see_fd(int dirfd, const char *name, void *data)
{
	struct files *files = data;
	char text[PATH_MAX];

	if (tree_read_link(dirfd, name, text, sizeof(text)))
		files->has_open = scan_is_within(text, order->path) &&
				  !is_elsewhere(files->dirfd, name);
	else if (!tree_is_gone(errno))
		finding_missed(name, errno);
	return !files->has_open;
}

static void
look_at_links(int dirfd, pid_t pid)
{
	static const struct {
		const char *name;
		enum holder_kind kind;
	} links[] = {{"cwd", HOLDER_CWD}, {"root", HOLDER_ROOT}};
	struct files files = {dirfd, false};
	char text[PATH_MAX];
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (tree_read_link(dirfd, links[i].name, text, sizeof(text)) &&
			scan_is_within(text, order->path))
			proc_report(dirfd, pid, links[i].kind);
	result = tree_each(dirfd, "fd", see_fd, &files);
	if (result < 0 && !tree_is_gone(-result))
		finding_missed("fd", -result);
	if (files.has_open)
		proc_report(dirfd, pid, HOLDER_FILE);
}

/* Whether it is a copy of the mount that an unmount of it does not reach. */
static bool
is_private_copy(const struct mountinfo_line *line)
{
	if (line->major != order->device_major ||
		line->minor != order->device_minor)
		return false;
	return group == 0 || (line->shared != group && line->master != group);
}

static bool
find_copy(const struct mountinfo_line *line, void *data)
{
	bool *has_copy = data;

	*has_copy = is_private_copy(line);
	return !*has_copy;
}

static void
look_at_uses(int dirfd, pid_t pid, pid_t tid)
{
	bool has_copy = false;

	look_at_links(dirfd, pid);
	if (proc_read_new_namespace(dirfd, find_copy, &has_copy) && has_copy)
		proc_report(dirfd, pid, HOLDER_NAMESPACE);
}

static bool
see_mapping(char *text, void *data)
{
	bool *is_user = data;
	struct mapping_line line;

	*is_user = scan_read_mapping(text, &line) &&
		   scan_is_within(line.path, order->path);
	return !*is_user;
}

static void
look_at_mappings(int dirfd, pid_t pid, pid_t tid)
{
	bool is_user = false;

	finding_look(pid, "maps");
	proc_read_lines(dirfd, "maps", see_mapping, &is_user);
	if (is_user)
		proc_report(dirfd, pid, HOLDER_MAPPING);
}

/* Among the host's mounts: those below, and the peer group of the mount. */
static bool
see_host_mount(const struct mountinfo_line *line, void *data)
{
	if (line->id == order->mount_id)
		group = line->shared;
	else if (scan_is_below(line->path, order->path))
		finding_holder(0, HOLDER_NESTED_MOUNT, line->path);
	return true;
}

void
scan_mount(int procfd, int hostprocfd, const struct scan_message *scan_order)
{
	order = scan_order;
	if (!proc_set_host(hostprocfd) ||
		!proc_read_mounts(hostprocfd, see_host_mount, NULL)) {
		finding_missed("mountinfo", ESRCH);
		return;
	}
	proc_walk(procfd, look_at_uses);
	proc_walk(procfd, look_at_mappings);
}
