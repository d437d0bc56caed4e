/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * user.c - what each user of the API holds, and how much of it is allowed.
 *
 * Runs in: supervisor.
 * Trusts: uids, which the kernel has told (SO_PEERCRED).
 * Invariant: see user.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/supervisor.h"
#include "supervisor/user.h"

enum {
	LINES_AT_ONCE = 20,
	TEXT_MAX = 256,
};

struct user *
user_get(struct supervisor *supervisor, uid_t uid)
{
	struct user *user;

	HASH_FIND(hh, supervisor->users, &uid, sizeof(uid), user);
	if (user)
		return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->log = (struct rate){.most = LINES_AT_ONCE, .a_second = 1};
	HASH_ADD(hh, supervisor->users, uid, sizeof(user->uid), user);
	return user;
}

/* From the end: one who claims much on one connection is found at once. */
static bool
has_claim_on(const struct target *target, const struct user *user)
{
	const struct claim *claim;

	TAILQ_FOREACH_REVERSE(claim, &target->claims, claim_list, in_target)
	if (claim->user == user)
		return true;
	return false;
}

/* Whether the connection counts as the user's already. */
static bool
is_on(const struct target *target, const struct user *user)
{
	return target->leaver == user || has_claim_on(target, user);
}

int
user_check(const struct supervisor *supervisor, const struct user *user,
	const struct target *target, struct err *err)
{
	const struct conf *conf = &supervisor->conf;

	if (user->uid == 0)
		return 0;
	if (user->claims >= conf->claims_per_user)
		return err_set(err, ERR_TOO_MANY, ENOSPC,
			"uid %u holds %zu claims already: release some, or see "
			"[limits] claims_per_user in holdfast.conf",
			(unsigned)user->uid, user->claims);
	if (user->connections >= conf->connections_per_user &&
		!(target && is_on(target, user)))
		return err_set(err, ERR_TOO_MANY, ENOSPC,
			"uid %u has claims on %zu connections already: release "
			"some, or see [limits] connections_per_user in "
			"holdfast.conf",
			(unsigned)user->uid, user->connections);
	return 0;
}

bool
user_may_connect(const struct supervisor *supervisor, uid_t uid)
{
	const struct client *client;
	size_t count = 0;

	if (uid == 0)
		return true;
	TAILQ_FOREACH (client, &supervisor->clients, entry)
		count += client->uid == uid && !client->is_closing;
	return count < supervisor->conf.clients_per_user;
}

void
user_count(struct claim *claim)
{
	claim->user->claims++;
	user_forget_leaver(claim->target);
	if (!has_claim_on(claim->target, claim->user))
		claim->user->connections++;
}

void
user_discount(struct claim *claim)
{
	claim->user->claims--;
	if (claim->target->claim_count == 0)
		claim->target->leaver = claim->user;
	else if (!has_claim_on(claim->target, claim->user))
		claim->user->connections--;
}

void
user_forget_leaver(struct target *target)
{
	if (target->leaver)
		target->leaver->connections--;
	target->leaver = NULL;
}

void
user_log(struct supervisor *supervisor, uid_t uid, const char *format, ...)
{
	struct user *user = user_get(supervisor, uid);
	char text[TEXT_MAX];
	va_list args;

	if (user && !rate_take(&user->log, clock_boot_us())) {
		user->untold++;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (user && user->untold > 0)
		log_notice("client uid %u: %s; and %zu such lines before were "
			   "not written",
			(unsigned)uid, text, user->untold);
	else
		log_notice("client uid %u: %s", (unsigned)uid, text);
	if (user)
		user->untold = 0;
}

void
user_free_all(struct supervisor *supervisor)
{
	struct user *user, *next;

	HASH_ITER (hh, supervisor->users, user, next) {
		HASH_DEL(supervisor->users, user);
		free(user);
	}
}
