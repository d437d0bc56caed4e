/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * user.h - what each user of the API holds, and how much of it is allowed.
 *
 * Runs in: supervisor.
 * Invariant: a user counts each claim of that uid in supervisor->claims, and
 *            once each connection on which there is one. Who lets a connection
 *            go counts it until it is gone or somebody else's: else one could
 *            have any number on their way out. Users are kept until the
 *            supervisor ends: only root can have many.
 *
 * root is counted but not limited: it could change the limits, too.
 */
#ifndef SUPERVISOR_USER_H
#define SUPERVISOR_USER_H

#include <stddef.h>
#include <sys/types.h>
#include <uthash.h>

#include "common/err.h"
#include "supervisor/rate.h"

struct claim;
struct supervisor;
struct target;

struct user {
	uid_t uid;
	size_t claims;
	size_t connections;
	struct rate log; /* of lines about this user's clients */
	size_t untold;	 /* lines that were too many */
	UT_hash_handle hh;
};

/* Made when it is not there; NULL without memory. */
struct user *user_get(struct supervisor *supervisor, uid_t uid);
/*
 * Whether the user may claim one more, on a target that is there or, for NULL,
 * on a new one. Else ERR_TOO_MANY.
 */
int user_check(const struct supervisor *supervisor, const struct user *user,
	const struct target *target, struct err *err);
/* Whether the user may connect once more; root may, if there is a place. */
bool user_may_connect(const struct supervisor *supervisor, uid_t uid);

/* The claim is about to enter its target's list, or has left it. */
void user_count(struct claim *claim);
void user_discount(struct claim *claim);

/* The target is claimed again, or about to be freed. */
void user_forget_leaver(struct target *target);

/* Logs what became of a client of that user, unless there was much of it. */
void user_log(struct supervisor *supervisor, uid_t uid, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void user_free_all(struct supervisor *supervisor);

#endif
