/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup.c - how many processes a worker may have: one cgroup for each. The
 * owner file of cgroupfs.
 *
 * Runs in: supervisor at its start, as root; then in the launcher.
 * Trusts: the kernel, and the service manager's mark on our cgroup.
 * Invariant: nothing outside of our own cgroup is made or changed, and that one
 *            only when its delegation is marked. What is made stays: the service
 *            manager removes all with the unit.
 *
 * Workers' cgroups are threaded ones: beside others our own cgroup could have no
 * process, and the service manager could start no new daemon in it while a
 * process that cannot die is left in a worker's: admin-guide/cgroup-v2.rst in the
 * kernel's documentation, "Threads" and "No Internal Process Constraint".
 *
 * RLIMIT_NPROC does not bind who has CAP_SYS_ADMIN, nor root: copy_process() in
 * the kernel's kernel/fork.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/guard.h"
#include "common/log.h"
#include "supervisor/cgroup.h"

#define ROOT "/sys/fs/cgroup"
/* systemd.resource-control(5), Delegate=. */
#define DELEGATED "trusted.delegate"

enum {
	PATH_SIZE = 512
};

/* The line of the unified hierarchy: "0::/system.slice/holdfast.service". */
static int
open_own(void)
{
	char line[PATH_SIZE], path[sizeof(ROOT) + PATH_SIZE];
	cleanup_fclose FILE *file = fopen("/proc/self/cgroup", "re");
	cleanup_close int fd = -1;
	struct statfs fs;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		(void)snprintf(path, sizeof(path), ROOT "%s", line + 3);
		fd = open(
			path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		break;
	}
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return CGROUP_NONE;
	return take_fd(&fd);
}

static int
write_text(int dirfd, const char *path, const char *text)
{
	cleanup_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	/* cgroupfs takes all of it or refuses. */
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int
cgroup_open(void)
{
	cleanup_close int cgroupfd = open_own();
	char mark[2] = "";
	int result;

	if (cgroupfd < 0 ||
		fgetxattr(cgroupfd, DELEGATED, mark, sizeof(mark)) != 1 ||
		mark[0] != '1')
		return CGROUP_NONE;
	result = write_text(cgroupfd, "cgroup.subtree_control", "+pids");
	if (result < 0) {
		log_warning("processes of a worker are not bounded by a cgroup "
			    "of its own: %s",
			strerror(-result));
		return CGROUP_NONE;
	}
	return take_fd(&cgroupfd);
}

int
cgroup_prepare(int cgroupfd, unsigned slot)
{
	char name[32], most[16];
	cleanup_close int dirfd = -1;
	int result, fd;

	(void)snprintf(name, sizeof(name), "worker-%u", slot);
	(void)snprintf(most, sizeof(most), "%d", CGROUP_WORKER_PROCESSES);
	if (mkdirat(cgroupfd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	dirfd = openat(cgroupfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return -errno;
	result = write_text(dirfd, "cgroup.type", "threaded");
	if (result == 0)
		result = write_text(dirfd, "pids.max", most);
	if (result < 0)
		return result;
	fd = openat(dirfd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int
cgroup_join(int workerfd)
{
	return write(workerfd, "0", 1) < 0 ? -errno : 0;
}
