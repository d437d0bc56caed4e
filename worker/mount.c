/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount.c - the mount point: looking, mounting, asking, unmounting.
 *
 * Runs in: worker, operation children.
 * Trusts: the kernel.
 * Invariant: see mount.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "common/guard.h"
#include "worker/mount.h"

/* What the kernel knows by itself: no server is asked, no automount made. */
static int
read_mount_id(int dirfd, const char *name, int flags, uint64_t *ret_id)
{
	struct statx seen = {0};

	if (statx(dirfd, name,
		    flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
			    AT_STATX_DONT_SYNC,
		    STATX_MNT_ID, &seen) < 0)
		return -errno;
	if (!(seen.stx_mask & STATX_MNT_ID))
		return -ENOSYS; /* before Linux 5.8 */
	*ret_id = seen.stx_mnt_id;
	return 0;
}

int
mount_point_open(struct mount_point *point, const char *dir, const char *name,
	struct err *err)
{
	cleanup_close int dirfd =
		open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t id;
	int result = dirfd < 0 ? -errno
			       : read_mount_id(dirfd, "", AT_EMPTY_PATH, &id);

	if (result < 0)
		return err_set(err, ERR_INTERNAL, -result,
			"the target's directory cannot be used: %s",
			strerror(-result));
	*point = (struct mount_point){
		.dirfd = take_fd(&dirfd), .own_id = id, .name = name};
	return 0;
}

int
mount_look(const struct mount_point *point, uint64_t *ret_id)
{
	uint64_t id;
	int result = read_mount_id(point->dirfd, point->name, 0, &id);

	if (result == 0)
		*ret_id = id != point->own_id ? id : 0;
	return result;
}

/* Opens the mount point, or what is mounted there. A descriptor or -errno. */
static int
open_beneath(const struct mount_point *point)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(
		SYS_openat2, point->dirfd, point->name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int
mount_make(const struct mount_point *point, const struct mount_request *request)
{
	cleanup_close int fd = open_beneath(point);
	uint64_t id = 0;
	int result = fd < 0 ? fd : read_mount_id(fd, "", AT_EMPTY_PATH, &id);

	if (result < 0)
		return result;
	/* An earlier attempt, given up, may have come to an end after all. */
	if (id != point->own_id)
		return -EEXIST;
	/* There is no /proc here to mount on a descriptor through. */
	if (fchdir(fd) < 0 || mount(request->source, ".", request->type,
				      request->flags, request->options) < 0)
		return -errno;
	return 0;
}

int
mount_ask(const struct mount_point *point, long magic)
{
	cleanup_close int fd = open_beneath(point);
	struct statfs seen;
	uint64_t id = 0;
	int result;

	if (fd < 0)
		return fd;
	result = read_mount_id(fd, "", AT_EMPTY_PATH, &id);
	if (result < 0)
		return result;
	if (id == point->own_id)
		return -ENOENT;
	if (fstatfs(fd, &seen) < 0)
		return -errno;
	return seen.f_type == magic ? 0 : -EMEDIUMTYPE;
}

int
mount_take_down(const struct mount_point *point, enum mount_force force)
{
	static const int flags[] = {
		[MOUNT_GENTLY] = UMOUNT_NOFOLLOW,
		[MOUNT_LAZILY] = UMOUNT_NOFOLLOW | MNT_DETACH,
		[MOUNT_ABORTING] = UMOUNT_NOFOLLOW | MNT_FORCE,
		[MOUNT_BY_ALL_MEANS] = UMOUNT_NOFOLLOW | MNT_FORCE | MNT_DETACH,
	};

	/* By its plain name: the path stays inside the target's directory. */
	if (fchdir(point->dirfd) < 0 || umount2(point->name, flags[force]) < 0)
		return -errno;
	return 0;
}
