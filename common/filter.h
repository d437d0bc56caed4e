/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h - system call filters: what is listed is allowed, all else refused.
 *
 * Runs in: worker, supervisor, launcher; each once.
 * Invariant: what is refused answers EPERM, and the process goes on and can
 *            say so; ENOSYS where the C library then takes another way.
 */
#ifndef COMMON_FILTER_H
#define COMMON_FILTER_H

#include <stddef.h>
#include <stdint.h>

enum {
	FILTER_ANY = -1, /* whatever the arguments are */
};

/* Of several for one call any has to fit. Pointers lead where no filter can
 * look: arguments that are numbers alone can be told apart. */
struct filter_rule {
	int call;      /* SCMP_SYS(), seccomp_rule_add(3) */
	unsigned who;  /* bits */
	int argument;  /* from 0, or FILTER_ANY */
	uint64_t mask; /* allowed when (argument & mask) == value */
	uint64_t value;
	int errnum; /* 0: allowed */
};

/*
 * Lets this process do what the rules of `who`, one bit, allow, from here on
 * and for good. Needs no_new_privs or CAP_SYS_ADMIN. 0 or -errno.
 */
int filter_enter(const struct filter_rule *rules, size_t count, unsigned who);

#endif
