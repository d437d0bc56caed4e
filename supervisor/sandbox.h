/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.h - the supervisor's system call filter. Owner file of libseccomp.
 *
 * Runs in: supervisor, once, after privilege_drop_all().
 */
#ifndef SUPERVISOR_SANDBOX_H
#define SUPERVISOR_SANDBOX_H

#include "common/err.h"

/* 0 or -errno. From here on no program can be executed, no process made, and
 * no socket but a unix one. */
int sandbox_enter(struct err *err);

#endif
