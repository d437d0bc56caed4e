/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount.h - the mount point: looking, mounting, asking, unmounting.
 *
 * Runs in: worker (mount_point_open, mount_look); operation children (the
 *          rest, which may block for as long as a server likes).
 * Trusts: the kernel. The target's directory may be anything by now.
 * Invariant: owner file of mount(2), umount2(2), statx(2) and statfs(2). No
 *            symlink is followed, nothing outside the target's directory is
 *            touched, and no descriptor inside a mount is kept (it would make
 *            the unmount fail with EBUSY).
 */
#ifndef WORKER_MOUNT_H
#define WORKER_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct mount_point {
	int dirfd;	  /* the target's directory, O_PATH */
	uint64_t own_id;  /* mount ID of that directory itself */
	const char *name; /* of the mount point in it; not copied */
};

struct mount_request {
	const char *type;
	const char *source;
	unsigned long flags;
	const char *options;
};

/* Opens the target's directory. 0 or -errno. The fd is kept for good. */
int mount_point_open(struct mount_point *point, const char *dir,
	const char *name, struct err *err);
/*
 * What is mounted there, on top: its mount ID, 0 for nothing. Answers at once,
 * also when its server is dead. 0 or -errno; *ret_id is untouched then.
 */
int mount_look(const struct mount_point *point, uint64_t *ret_id);

/* 0 or -errno, as mount(2); -EEXIST when something is mounted there already.
 * Changes the working directory of the process. */
int mount_make(
	const struct mount_point *point, const struct mount_request *request);
/*
 * Asks the server behind the mount (statfs). 0 or -errno: -ESTALE, -ENOENT
 * when nothing is mounted, -EMEDIUMTYPE when it is another file system than
 * that of this magic number.
 */
int mount_ask(const struct mount_point *point, long magic);
enum mount_force {
	MOUNT_GENTLY,
	MOUNT_LAZILY,	   /* detached, whatever uses it */
	MOUNT_ABORTING,	   /* what waits for its server is told that it fails */
	MOUNT_BY_ALL_MEANS /* both */
};

/* umount2(2) of what is mounted there on top. 0 or -errno. Changes the working
 * directory. */
int mount_take_down(const struct mount_point *point, enum mount_force force);

#endif
