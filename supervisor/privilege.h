/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * privilege.h - giving up privileges. The owner file of libcap-ng.
 *
 * Runs in: launcher, supervisor, both once.
 */
#ifndef SUPERVISOR_PRIVILEGE_H
#define SUPERVISOR_PRIVILEGE_H

#include <linux/capability.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define CAP_BIT(capability) (UINT64_C(1) << (capability))

/* What the launcher does with each; those of its workers come on top. */
#define LAUNCHER_CAPABILITIES                                                  \
	(CAP_BIT(CAP_SYS_ADMIN) | /* bind, setns, move_mount, umount */        \
		CAP_BIT(CAP_SYS_CHROOT) | /* setns to a mount namespace */     \
		CAP_BIT(CAP_SETUID) |	  /* workers' users */                 \
		CAP_BIT(CAP_SETGID) |	  /* workers' groups */                \
		CAP_BIT(CAP_SETPCAP) |	  /* workers' bounding sets */         \
		CAP_BIT(CAP_KILL)) /* workers are other users' processes */

/* Keeps exactly these, as root, for good. 0 or -errno. */
int privilege_keep(uint64_t capabilities, struct err *err);
/*
 * Becomes uid and gid, without groups, without any capability in any set, with
 * no_new_privs, undumpable, and proves it. 0 or -errno.
 */
int privilege_drop_all(uid_t uid, gid_t gid, struct err *err);

#endif
