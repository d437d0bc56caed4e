/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launcher.c - the launcher process: reads requests, answers them, one by one.
 *
 * Runs in: launcher.
 * Trusts: nobody. The supervisor may have been taken over: every field of a
 *         request is checked, and an unknown one ends the launcher (and with
 *         it the supervisor).
 * Invariant: no heap after the fork; no string comes in; nothing is executed
 *            but workerfd. What is safe about each request: launcher.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "common/clock.h"
#include "common/fdpass.h"
#include "common/guard.h"
#include "common/hash.h"
#include "common/log.h"
#include "supervisor/cgroup.h"
#include "supervisor/launcher_private.h"

/* How often the name lookup files are compared with the host's. */
enum {
	REFRESH_MS = 10000
};

struct launcher launcher;

static void
write_key(uint64_t key, char name[17])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 15; i >= 0; i--, key >>= 4)
		name[i] = digits[key & 15];
	name[16] = '\0';
}

/* A target's directory below one of the roots; never through a link. */
static int
open_target(int rootfd, uint64_t key)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	char name[17];
	long fd;

	write_key(key, name);
	fd = syscall(SYS_openat2, rootfd, name, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* 1 when an earlier launcher bound it, 0 when nobody mounted there, else
 * -EBUSY: somebody else did. */
static int
is_bound_already(int fd)
{
	struct statx root, target;
	struct statfs fs;

	if (statx(launcher.mountrootfd, "", AT_EMPTY_PATH, STATX_MNT_ID,
		    &root) < 0 ||
		statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID,
			&target) < 0)
		return -errno;
	if (root.stx_mnt_id == target.stx_mnt_id)
		return 0;
	if (root.stx_dev_major != target.stx_dev_major ||
		root.stx_dev_minor != target.stx_dev_minor ||
		fstatfs(fd, &fs) < 0 || !(fs.f_flags & MS_RDONLY))
		return -EBUSY;
	return 1;
}

/*
 * Binds the base on the directory: read-only, and a peer group of its own. The
 * mount point lies in the base, so there is no path to it before it is
 * read-only, and nobody can write below a connection that is not up yet.
 */
static int
bind_target(int basefd, int dirfd)
{
	struct mount_attr private = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE, /* leaves the parent's group */
	};
	struct mount_attr shared = {.propagation = MS_SHARED};
	cleanup_close int tree = open_tree(basefd, "",
		AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 ||
		mount_setattr(tree, "", AT_EMPTY_PATH, &private,
			sizeof(private)) < 0 ||
		mount_setattr(
			tree, "", AT_EMPTY_PATH, &shared, sizeof(shared)) < 0 ||
		move_mount(tree, "", dirfd, "",
			MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return take_fd(&tree);
}

static int
on_prepare(const struct launch_request *request, const int *fds,
	struct launch_reply *reply, int *ret_fd)
{
	struct slot *slot = &launcher.slots[request->slot];
	cleanup_close int dirfd = -1;
	cleanup_close int basefd = -1;
	int result;

	if (slot->is_prepared)
		return -EEXIST;
	dirfd = open_target(launcher.mountrootfd, request->key);
	if (dirfd < 0)
		return dirfd;
	basefd = open_target(launcher.baserootfd, request->key);
	if (basefd < 0)
		return basefd;
	result = is_bound_already(dirfd);
	if (result < 0)
		return result;
	slot->targetfd = result ? take_fd(&dirfd) : bind_target(basefd, dirfd);
	if (slot->targetfd < 0)
		return slot->targetfd;
	slot->is_prepared = true;
	slot->key = request->key;
	return 0;
}

/* The files for name lookup, where workers look up names. */
static void
refresh_jails(void)
{
	jail_refresh(JAIL_TARGET, &launcher.jails[JAIL_TARGET]);
	jail_refresh(JAIL_PROGRAMS, &launcher.jails[JAIL_PROGRAMS]);
}

/* One that has ended keeps no descriptor. */
static void
forget_ended(struct slot *slot)
{
	struct pollfd ended = {.fd = slot->pidfd, .events = POLLIN};

	if (slot->pidfd < 0 || poll(&ended, 1, 0) != 1)
		return;
	guard_close(&slot->pidfd);
	slot->pidfd = -1;
}

/* One that cannot have a cgroup of its own is started all the same: the unit's
 * bound holds for it. */
static int
prepare_cgroup(uint32_t slot)
{
	int fd;

	if (launcher.cgroupfd == CGROUP_NONE)
		return CGROUP_NONE;
	fd = cgroup_prepare(launcher.cgroupfd, slot);
	if (fd >= 0)
		return fd;
	log_warning("a worker has no cgroup of its own: %s", strerror(-fd));
	return CGROUP_NONE;
}

static int
on_start(const struct launch_request *request, const int *fds,
	struct launch_reply *reply, int *ret_fd)
{
	struct slot *slot = &launcher.slots[request->slot];
	enum jail jail = launcher_backends[request->backend].jail;
	struct spawn_request spawn = {
		.profile = &launcher.profiles[request->backend],
		.jail = &launcher.jails[jail],
		.has_programs = jail == JAIL_PROGRAMS,
		.workerfd = launcher.workerfd,
		.nullfd = launcher.nullfd,
		.targetfd = slot->targetfd,
		.orderfd = fds[0],
		.reportfd = fds[1],
		.title = launcher_backends[request->backend].title,
	};
	cleanup_close int cgroupfd = CGROUP_NONE;
	pid_t pid;

	if (slot->is_prepared !=
		launcher_backends[request->backend].needs_target)
		return -EINVAL;
	/* A slot has one worker: the one before must have ended. */
	forget_ended(slot);
	if (slot->pidfd >= 0)
		return -EBUSY;
	if (!rate_take(&launcher.starts, clock_boot_us()))
		return -EAGAIN;
	refresh_jails();
	cgroupfd = prepare_cgroup(request->slot);
	spawn.cgroupfd = cgroupfd;
	pid = spawn_worker(&spawn, &slot->pidfd);
	if (pid < 0)
		return pid;
	reply->pid = pid;
	*ret_fd = fcntl(slot->pidfd, F_DUPFD_CLOEXEC, 0);
	return 0;
}

/* Whether a file is for root's eyes alone. */
static bool
is_private(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
	       stat.st_uid == 0 && (stat.st_mode & 077) == 0;
}

/* The file of that directory whose name has that hash. The directory is read
 * without the C library's heap. Descriptor, or -errno. */
static int
find_credential(const char *dir, uint64_t key)
{
	static char buffer[4096] __attribute__((aligned(8)));
	cleanup_close int dirfd =
		open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t len;

	if (dirfd < 0)
		return -errno;
	while ((len = getdents64(dirfd, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < len;) {
			const struct dirent64 *entry =
				(const struct dirent64 *)(buffer + at);
			int fd;

			at += entry->d_reclen;
			if (entry->d_name[0] == '.' ||
				hash_text(entry->d_name) != key)
				continue;
			fd = openat(dirfd, entry->d_name,
				O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
					O_CLOEXEC);
			return fd < 0 ? -errno : fd;
		}
	return len < 0 ? -errno : -ENOENT;
}

static int
on_credential(const struct launch_request *request, const int *fds,
	struct launch_reply *reply, int *ret_fd)
{
	cleanup_close int fd = -ENOENT;

	for (size_t i = 0; i < LAUNCH_CREDENTIAL_DIRS && fd == -ENOENT; i++)
		if (launcher.credential_dirs[i])
			fd = find_credential(
				launcher.credential_dirs[i], request->key);
	if (fd < 0)
		return fd;
	if (!is_private(fd))
		return -EPERM;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int
on_kill(const struct launch_request *request, const int *fds,
	struct launch_reply *reply, int *ret_fd)
{
	struct slot *slot = &launcher.slots[request->slot];

	forget_ended(slot);
	if (slot->pidfd < 0)
		return -ESRCH;
	if (syscall(SYS_pidfd_send_signal, slot->pidfd, SIGKILL, NULL, 0) < 0)
		return -errno;
	return 0;
}

/* Whether the path still leads to our bind, and not to what somebody mounted
 * over it: that is not ours to unmount. */
static bool
is_on_top(const struct slot *slot)
{
	struct statx ours, top;
	cleanup_close int fd = open_target(launcher.mountrootfd, slot->key);

	return fd >= 0 &&
	       statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID,
		       &top) == 0 &&
	       statx(slot->targetfd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		       STATX_MNT_ID, &ours) == 0 &&
	       top.stx_mnt_id == ours.stx_mnt_id;
}

static int
on_remove(const struct launch_request *request, const int *fds,
	struct launch_reply *reply, int *ret_fd)
{
	struct slot *slot = &launcher.slots[request->slot];
	char name[17];
	bool is_free;

	forget_ended(slot);
	if (!slot->is_prepared)
		return -ENOENT;
	is_free = is_on_top(slot);
	write_key(slot->key, name);
	guard_close(&slot->targetfd);
	slot->targetfd = -1;
	slot->is_prepared = false;
	if (!is_free)
		return -EBUSY;
	/* Not recursive: with something mounted in it this is EBUSY. */
	if (fchdir(launcher.mountrootfd) < 0 ||
		umount2(name, UMOUNT_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* What may be asked, with how many descriptors, and which fields count. */
static const struct {
	int (*run)(const struct launch_request *request, const int *fds,
		struct launch_reply *reply, int *ret_fd);
	int fds;
	bool has_backend;
	bool has_key;
} operations[LAUNCH_OP_COUNT] = {
	[LAUNCH_PREPARE] = {on_prepare, 0, false, true},
	[LAUNCH_START] = {on_start, 2, true, false},
	[LAUNCH_KILL] = {on_kill, 0, false, false},
	[LAUNCH_REMOVE] = {on_remove, 0, false, false},
	[LAUNCH_CREDENTIAL] = {on_credential, 0, false, true},
};

static bool
is_request_valid(const struct launch_request *request, int fd_count)
{
	if (request->op >= LAUNCH_OP_COUNT || request->slot >= LAUNCH_SLOTS ||
		request->reserved != 0)
		return false;
	if (operations[request->op].has_backend
			? request->backend >= BACKEND_COUNT
			: request->backend != 0)
		return false;
	if (!operations[request->op].has_key && request->key != 0)
		return false;
	return fd_count == operations[request->op].fds;
}

/*
 * Workers see the supervisor's end and end by themselves, but for one that is
 * stopped. PR_SET_PDEATHSIG is no help: the kernel asks whether the parent, an
 * unprivileged one, may signal it (group_send_sig_info() in kernel/signal.c).
 */
static void __attribute__((noreturn)) leave(int status)
{
	for (size_t i = 0; i < LAUNCH_SLOTS; i++)
		if (launcher.slots[i].pidfd >= 0)
			(void)syscall(SYS_pidfd_send_signal,
				launcher.slots[i].pidfd, SIGKILL, NULL, 0);
	_exit(status);
}

static void
answer_one(void)
{
	struct launch_request request;
	struct launch_reply reply = {0};
	int fds[FDPASS_MAX];
	int count = fdpass_receive(
		launcher.socketfd, &request, sizeof(request), fds);
	cleanup_close int fd = -1;

	if (count == -EPIPE || count == -ECONNRESET)
		leave(0); /* the supervisor has gone */
	if (count < 0 || !is_request_valid(&request, count)) {
		log_error("unknown request: the supervisor cannot be trusted "
			  "any longer, ending");
		leave(1);
	}
	reply.op = request.op;
	reply.slot = request.slot;
	reply.result = operations[request.op].run(&request, fds, &reply, &fd);
	for (int i = 0; i < FDPASS_MAX; i++)
		guard_close(&fds[i]);
	if (fdpass_send(launcher.socketfd, &reply, sizeof(reply), &fd,
		    fd >= 0 ? 1 : 0) < 0)
		leave(1);
}

void
launcher_run(void)
{
	struct pollfd request = {.fd = launcher.socketfd, .events = POLLIN};

	for (;;) {
		if (poll(&request, 1, REFRESH_MS) > 0)
			answer_one();
		else
			refresh_jails();
	}
}
