/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h - which system calls supervisor and launcher may make: calls.def.
 *
 * Runs in: supervisor, once, after privilege_drop_all(); launcher, once.
 */
#ifndef SUPERVISOR_SANDBOX_H
#define SUPERVISOR_SANDBOX_H

#include "common/err.h"

enum sandbox {
	/* No program, no process, no socket but a unix one, no mount. */
	SANDBOX_SUPERVISOR = 1 << 0,
	/* What is in calls.def, and all that its workers may. */
	SANDBOX_LAUNCHER = 1 << 1,
};

/* For good. 0 or -errno with err. */
int sandbox_enter(enum sandbox sandbox, struct err *err);

#endif
