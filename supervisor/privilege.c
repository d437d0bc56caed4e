/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * privilege.c - giving up privileges. The owner file of libcap-ng.
 *
 * Runs in: launcher, supervisor, both once.
 * Invariant: on success nothing can be regained; success is checked in the
 *            kernel's own account, not believed.
 */
#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervisor/privilege.h"

static int
failed(struct err *err, int errnum, const char *what)
{
	return err_set(err, ERR_INTERNAL, errnum,
		"cannot give up privileges: %s failed", what);
}

int
privilege_keep(uint64_t capabilities, struct err *err)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned cap = 0; cap < 64; cap++)
		if (capabilities >> cap & 1 &&
			capng_update(CAPNG_ADD,
				CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					CAPNG_BOUNDING_SET,
				cap) < 0)
			return failed(err, EINVAL, "capng_update");
	/* The bounding set keeps what workers need: see spawn.c. */
	if (capng_apply(CAPNG_SELECT_BOTH) < 0)
		return failed(err, EPERM, "capng_apply");
	return 0;
}

/* What the kernel says of us now. */
static bool
is_powerless(uid_t uid)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) < 0 || real != uid ||
		effective != uid || saved != uid)
		return false;
	if (capng_get_caps_process() < 0 ||
		capng_have_capabilities(CAPNG_SELECT_BOTH) > CAPNG_NONE)
		return false;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
	       setresuid(0, 0, 0) < 0;
}

int
privilege_drop_all(uid_t uid, gid_t gid, struct err *err)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_change_id((int)uid, (int)gid,
		    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) < 0)
		return failed(err, EPERM, "capng_change_id");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return failed(err, errno, "prctl");
	if (!is_powerless(uid))
		return failed(err, EPERM, "the drop");
	return 0;
}
