/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domain.h - which SELinux domain each of our processes is in. The owner file
 * of libselinux.
 *
 * Runs in: supervisor and launcher, at their start.
 *
 * holdfastd starts in holdfastd_t, which may all that its start needs; its
 * processes leave it for domains of their own, and never come back. Where
 * SELinux is off, or another policy put it elsewhere, all of this does nothing.
 */
#ifndef SUPERVISOR_DOMAIN_H
#define SUPERVISOR_DOMAIN_H

#include <stddef.h>

#include "common/err.h"

/* Types of selinux/holdfast.te. */
#define DOMAIN_SUPERVISOR   "holdfast_supervisor_t"
#define DOMAIN_LAUNCHER	    "holdfast_launcher_t"
#define DOMAIN_WORKER(kind) "holdfast_" kind "_t"

enum {
	DOMAIN_CONTEXT_MAX = 256
};

/* Looks up where we are; before all others. 0 or -errno with err. */
int domain_open(struct err *err);
/*
 * Writes the context of a process of that type: our own user, role and level.
 * Empty where domains are not used. 0, or -errno with err.
 */
int domain_context(const char *type, char ret_context[DOMAIN_CONTEXT_MAX],
	struct err *err);
/* Goes there: setcon(3). A single thread. 0 or -errno with err. */
int domain_enter(const char *type, struct err *err);

#endif
