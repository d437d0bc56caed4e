/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls.c - which system calls a worker may make: calls.def.
 *
 * Runs in: worker, once.
 * Invariant: what calls.def does not allow is refused, see common/filter.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/filter.h"
#include "common/guard.h"
#include "worker/calls.h"

enum {
	NFS = CALLS_NFS,
	TMPFS = CALLS_TMPFS,
	MOUNT = NFS | TMPFS,
	SCANNER = CALLS_SCANNER,
	ISCSI = CALLS_ISCSI,
	ALL = MOUNT | SCANNER | ISCSI,
};

static const struct filter_rule rules[] = {
#define CALL(name, who) {SCMP_SYS(name), who, FILTER_ANY, 0, 0, 0},
#define CALL_IF(name, who, argument, mask, value)                              \
	{SCMP_SYS(name), who, argument, mask, value, 0},
#define CALL_MISSING(name, who) {SCMP_SYS(name), who, FILTER_ANY, 0, 0, ENOSYS},
#include "worker/calls.def"
#undef CALL
#undef CALL_IF
#undef CALL_MISSING
};

int
calls_limit(enum call_set set)
{
	return filter_enter(rules, ARRAY_SIZE(rules), set);
}
