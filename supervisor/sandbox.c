/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.c - which system calls supervisor and launcher may make: calls.def.
 *
 * Runs in: supervisor, launcher; once each.
 * Invariant: what calls.def does not allow is refused, see common/filter.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/filter.h"
#include "common/guard.h"
#include "supervisor/sandbox.h"

enum {
	SUPERVISOR = SANDBOX_SUPERVISOR,
	LAUNCHER = SANDBOX_LAUNCHER,
};

static const struct filter_rule rules[] = {
#define CALL(name, who) {SCMP_SYS(name), who, FILTER_ANY, 0, 0, 0},
#define CALL_IF(name, who, argument, mask, value)                              \
	{SCMP_SYS(name), who, argument, mask, value, 0},
#define CALL_MISSING(name, who) {SCMP_SYS(name), who, FILTER_ANY, 0, 0, ENOSYS},
#include "supervisor/calls.def"
/* Workers' calls, and what they miss is nothing that their launcher does. */
#undef CALL
#undef CALL_IF
#undef CALL_MISSING
#define CALL(name, who) {SCMP_SYS(name), LAUNCHER, FILTER_ANY, 0, 0, 0},
#define CALL_IF(name, who, argument, mask, value)                              \
	{SCMP_SYS(name), LAUNCHER, argument, mask, value, 0},
#define CALL_MISSING(name, who)
#include "worker/calls.def"
#undef CALL
#undef CALL_IF
#undef CALL_MISSING
};

int
sandbox_enter(enum sandbox sandbox, struct err *err)
{
	int result = filter_enter(rules, ARRAY_SIZE(rules), sandbox);

	if (result < 0)
		return err_set(err, ERR_INTERNAL, -result,
			"cannot set the system call filter");
	return 0;
}
