/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_session.c - finds out who uses a disk of an iSCSI session.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel; no text of a link in /proc, which any process chooses.
 * Invariant: opens no device and no file of a process, and does no I/O to a
 *            disk. What could not be looked at is told as missed, so that
 *            "nobody" is said of what was looked at alone.
 *
 * A descriptor's text proves nothing: "/dev/sda" may be of another namespace,
 * deleted, or made by mknod(2) under another name. So it is asked what it is,
 * through the link, which opens nothing. That may reach a dead server, so:
 * - What does not begin with "/" is no file of a file system: not asked.
 * - fdinfo has its mount, and mountinfo that mount's type. On memory and on a
 *   disk's file system the answer comes from what is in memory already: asked
 *   at once. (A disk that is dead does not matter: its inodes are in use.)
 * - On file systems of a server or daemon, mounted nodev, nothing can be a
 *   device: not asked.
 * - The rest is asked last: overlays, mounts that nobody shows any more, and
 *   working directories, whose mount is not known. AT_STATX_DONT_SYNC and an
 *   empty mask ask for nothing that a server would have to tell; numbers, type
 *   and mount come along. NFS, FUSE and CIFS then answer from memory. Where one
 *   does not, the worker kills us and tells what is missing.
 *
 * Out of reach: files registered with io_uring or on their way in a socket,
 * kernel modules that open a disk and say so nowhere (pNFS block layouts), a
 * loop device set up in another mount namespace on a node outside any /dev, and
 * a node on a FUSE file system that shows its files to its user alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/guard.h"
#include "worker/finding.h"
#include "worker/mount_table.h"
#include "worker/proc.h"
#include "worker/scan_disks.h"
#include "worker/scan_kernel.h"
#include "worker/scan_session.h"
#include "worker/scan_text.h"
#include "worker/tree.h"

enum {
	DOUBTS_MAX = 1 << 14,
	TABLES_MAX = 16, /* descriptor tables of one process */
	FD_NAME_MAX = 16,
};

/* A descriptor to be asked last. */
struct doubt {
	pid_t pid;
	pid_t tid;
	int fd;
	bool is_path; /* O_PATH: holds no device */
};

/* The process that is looked at: its descriptor tables so far. */
struct process {
	bool is_holder;
	bool is_holdfast;	  /* a child of the supervisor */
	size_t doubt_count;	  /* of all doubts, before it */
	pid_t tables[TABLES_MAX]; /* a task that has it */
	size_t table_count;
};

static const struct scan_roots *roots;
static struct disks disks;
static struct doubt doubts[DOUBTS_MAX];
static size_t doubt_count;
static struct process process;

/* --- mounts --- */

static bool
see_host_mount(const struct mountinfo_line *line, void *data)
{
	if (mount_table_note(&disks, line))
		finding_holder(0, HOLDER_MOUNT, line->path);
	return true;
}

static bool
see_mount(const struct mountinfo_line *line, void *data)
{
	*(bool *)data |= mount_table_note(&disks, line);
	return true;
}

static void
look_at_namespace(int dirfd, pid_t pid, pid_t tid)
{
	bool is_holder = false;

	if (proc_read_new_namespace(dirfd, see_mount, &is_holder) && is_holder)
		proc_report(dirfd, pid, HOLDER_NAMESPACE);
}

static void
look_at_namespaces(int dirfd, pid_t pid, pid_t tid)
{
	proc_walk_tasks(dirfd, pid, look_at_namespace);
}

/* --- what processes have open --- */

/*
 * Whether what a link leads to holds the disks: a device itself, unless it was
 * only named (O_PATH), or anything on a file system of theirs.
 */
static bool
is_held(const struct statx *stat, bool is_path)
{
	const struct known_mount *mount = NULL;

	if (stat->stx_mask & STATX_MNT_ID)
		mount = mount_table_find(stat->stx_mnt_id);
	if ((mount && mount->is_ours) ||
		disks_find(&disks, stat->stx_dev_major, stat->stx_dev_minor))
		return true;
	if (is_path)
		return false;
	if (S_ISBLK(stat->stx_mode))
		return disks_find(
			&disks, stat->stx_rdev_major, stat->stx_rdev_minor);
	return S_ISCHR(stat->stx_mode) &&
	       disks_has_character(
		       &disks, stat->stx_rdev_major, stat->stx_rdev_minor);
}

/* What a server or daemon says, or the kernel in its place, and no disk. */
static bool
is_remote_failure(int errnum)
{
	return errnum == ESTALE || errnum == ENOTCONN || errnum == ETIMEDOUT ||
	       errnum == EHOSTDOWN || errnum == EHOSTUNREACH ||
	       errnum == ECONNREFUSED || errnum == ECONNABORTED ||
	       errnum == ENETUNREACH;
}

/* Asks what the link leads to. */
static bool
leads_to_ours(int dirfd, const char *path, bool is_path)
{
	struct statx stat;

	/* Type, numbers and mount are told though nothing is asked for. FUSE
	 * refuses whoever is not its user all but that. */
	if (statx(dirfd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0,
		    &stat) == 0)
		return is_held(&stat, is_path);
	if (!tree_is_gone(errno) && !is_remote_failure(errno))
		finding_missed(path, errno);
	return false;
}

static void
ask_doubts(void)
{
	pid_t told = 0;

	for (size_t i = 0; i < doubt_count && !finding_is_over(); i++) {
		const struct doubt *doubt = &doubts[i];
		cleanup_close int pidfd = -1;
		char name[64];

		(void)snprintf(name, sizeof(name), "%d", (int)doubt->pid);
		if (doubt->pid == told)
			continue;
		finding_look(doubt->pid, name);
		pidfd = tree_open(roots->procfd, name);
		if (pidfd < 0) {
			if (!tree_is_gone(errno))
				finding_missed(name, errno);
			continue;
		}
		(void)snprintf(name, sizeof(name), "task/%d/fd/%d",
			(int)doubt->tid, doubt->fd);
		finding_look(doubt->pid, name);
		if (!leads_to_ours(pidfd, name, doubt->is_path))
			continue;
		told = doubt->pid;
		proc_report(pidfd, told, HOLDER_FILE);
	}
	doubt_count = 0;
}

/* What fdinfo says of a descriptor. */
struct fd_info {
	uint64_t flags;
	uint64_t mount_id;
};

static bool
read_fd_info(int taskfd, const char *name, struct fd_info *ret_info)
{
	char path[FD_NAME_MAX + 16];
	char text[1024];
	char *rest = text;
	char *line;
	struct fd_info info = {0};
	unsigned seen = 0;

	(void)snprintf(path, sizeof(path), "fdinfo/%s", name);
	if (!tree_read(taskfd, path, text, sizeof(text)))
		return false;
	while ((line = strsep(&rest, "\n"))) {
		seen |= scan_read_field(line, "flags", 8, &info.flags) ? 1 : 0;
		seen |= scan_read_field(line, "mnt_id", 10, &info.mount_id) ? 2
									    : 0;
	}
	if (seen != 3)
		finding_missed(path, EBADMSG);
	*ret_info = info;
	return seen == 3;
}

/* A task, and what was found in its table of descriptors. */
struct task {
	int dirfd;
	pid_t pid;
	pid_t tid;
};

static void
add_doubt(const struct task *task, const char *name, bool is_path)
{
	if (doubt_count == DOUBTS_MAX) {
		ask_doubts();
		process.doubt_count = 0;
	}
	doubts[doubt_count++] =
		(struct doubt){task->pid, task->tid, atoi(name), is_path};
}

static bool
holds_disk(const struct task *task, const char *name, const char *path)
{
	struct fd_info info;
	const struct known_mount *mount;
	bool is_path;

	if (!read_fd_info(task->dirfd, name, &info))
		return false; /* closed meanwhile, or told */
	is_path = info.flags & O_PATH;
	mount = mount_table_find(info.mount_id);
	if (mount && mount->is_ours)
		return true;
	if (mount && mount->is_instant)
		return leads_to_ours(task->dirfd, path, is_path);
	if (!mount || !mount->is_nodev)
		add_doubt(task, name, is_path);
	return false;
}

static bool
see_fd(int dirfd, const char *name, void *data)
{
	const struct task *task = data;
	char text[64]; /* how it begins is enough */
	char path[FD_NAME_MAX + 16];
	uint64_t number;

	if (!tree_read_link(dirfd, name, text, sizeof(text))) {
		if (!tree_is_gone(errno))
			finding_missed(name, errno);
		return true;
	}
	if (sscanf(text, "mnt:[%lu]", &number) == 1 && !process.is_holdfast)
		proc_note_namespace(number);
	if (text[0] != '/')
		return true;
	(void)snprintf(path, sizeof(path), "fd/%.15s", name);
	process.is_holder = holds_disk(task, name, path);
	return !process.is_holder;
}

/* Tasks of a process mostly share one table of descriptors, but need not. */
static bool
is_new_table(pid_t tid)
{
	for (size_t i = 0; i < process.table_count; i++)
		if (syscall(SYS_kcmp, process.tables[i], tid, KCMP_FILES, 0,
			    0) == 0)
			return false;
	if (process.table_count < TABLES_MAX)
		process.tables[process.table_count++] = tid;
	return true;
}

static void
look_at_task_files(int dirfd, pid_t pid, pid_t tid)
{
	struct task task = {dirfd, pid, tid};
	int result;

	if (process.is_holder || !is_new_table(tid))
		return;
	result = tree_each(dirfd, "fd", see_fd, &task);
	if (result < 0 && !tree_is_gone(-result))
		finding_missed("fd", -result);
}

static bool
see_parent(char *line, void *data)
{
	uint64_t *parent = data;

	return !scan_read_field(line, "PPid", 10, parent);
}

static bool
is_child_of(int dirfd, pid_t parent)
{
	uint64_t found = 0;

	proc_read_lines(dirfd, "status", see_parent, &found);
	return found != 0 && found == (uint64_t)parent;
}

static void
look_at_files(int dirfd, pid_t pid, pid_t tid)
{
	process = (struct process){
		.doubt_count = doubt_count,
		.is_holdfast = is_child_of(dirfd, roots->supervisor),
	};
	proc_walk_tasks(dirfd, pid, look_at_task_files);
	if (!process.is_holder)
		return;
	doubt_count = process.doubt_count; /* one reason is enough */
	proc_report(dirfd, pid, HOLDER_FILE);
}

/* --- directories and mappings --- */

static void
look_at_task_directories(int dirfd, pid_t pid, pid_t tid)
{
	if (process.is_holder)
		return;
	if (leads_to_ours(dirfd, "cwd", true))
		proc_report(dirfd, pid, HOLDER_CWD);
	else if (leads_to_ours(dirfd, "root", true))
		proc_report(dirfd, pid, HOLDER_ROOT);
	else
		return;
	process.is_holder = true;
}

static void
look_at_directories(int dirfd, pid_t pid, pid_t tid)
{
	finding_look(pid, "cwd");
	process.is_holder = false;
	proc_walk_tasks(dirfd, pid, look_at_task_directories);
}

/* A file of theirs, or a device that was closed once it was mapped. */
static bool
see_mapping(char *text, void *data)
{
	struct mapping_line line;
	bool *is_ours = data;

	if (scan_read_mapping(text, &line))
		*is_ours = disks_find(&disks, line.major, line.minor) ||
			   disks_has_node(
				   &disks, line.major, line.minor, line.inode);
	return !*is_ours;
}

static void
look_at_mappings(int dirfd, pid_t pid, pid_t tid)
{
	bool is_ours;

	finding_look(pid, "exe");
	is_ours = leads_to_ours(dirfd, "exe", true);
	finding_look(pid, "maps");
	if (!is_ours)
		proc_read_lines(dirfd, "maps", see_mapping, &is_ours);
	if (is_ours)
		proc_report(dirfd, pid, HOLDER_MAPPING);
}

/* --- all of it --- */

static void
look_at_kernel(uint32_t session, bool may_wait)
{
	mount_table_clear();
	disks.sysfd = roots->sysfd;
	disks.hostfd = roots->hostfd;
	disks.may_wait = may_wait;
	scan_disks(&disks, session);
	finding_look(0, "mountinfo");
	if (!proc_read_mounts(roots->hostprocfd, see_host_mount, NULL))
		finding_missed("mountinfo", ESRCH);
	kernel_find_swaps(&disks, roots->procfd);
	kernel_find_exports(&disks);
}

void
scan_session(const struct scan_roots *scan_roots, uint32_t session)
{
	roots = scan_roots;
	doubt_count = 0;
	if (!proc_set_host(roots->hostprocfd))
		finding_missed("ns/mnt", ESRCH);
	look_at_kernel(session, false);
	proc_walk(roots->procfd, look_at_namespaces);
	mount_table_sort();
	kernel_find_file_systems(&disks, roots->procfd);
	proc_walk(roots->procfd, look_at_files);
	/* From here on it may come to wait. */
	ask_doubts();
	proc_walk(roots->procfd, look_at_directories);
	proc_walk(roots->procfd, look_at_mappings);
	if (finding_count() > 0)
		return;
	/* Who opened a disk to mount it may have done so, and closed it, behind
	 * our back: at the first look not yet mounted, at the last not open. */
	look_at_kernel(session, true);
	kernel_find_file_systems(&disks, roots->procfd);
	kernel_find_doubts(&disks, roots->procfd, proc_has_hidden_namespace());
}
