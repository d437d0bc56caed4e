/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target_credential.c - one connection: what its worker logs in with.
 *
 * Runs in: supervisor.
 * Invariant: a worker is told its credentials before it is told to connect. A
 *            named credential is read anew for each worker, after each refusal,
 *            and for `retry`: its file may have changed.
 */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/supervisor.h"
#include "supervisor/target_private.h"

void
target_set_credential(struct target *target, struct credential *credential)
{
	credential_free(target->credential);
	target->credential = credential;
	target_give_credential(target);
}

static void
take_fetched(struct target *target, const struct iscsi_auth *auth)
{
	struct iscsi_auth *old = &target->credential->auth;

	if (memcmp(old, auth, sizeof(*old)) == 0)
		return;
	*old = *auth;
	target_give_credential(target);
	/* What the old ones were refused for may be cured. */
	if (target->status.state == TARGET_BLOCKED)
		target_retry(target);
}

static void
on_fetched(void *data, const struct iscsi_auth *auth, const struct err *err)
{
	struct target *target = data;

	target->fetch = NULL;
	if (auth && target->credential)
		take_fetched(target, auth);
	else if (!auth)
		log_warning("target %s: %s", target->uri, err->text);
	target_touch(target); /* what has waited for it goes on */
}

void
target_refresh_credential(struct target *target)
{
	const struct credential *credential = target->credential;

	if (!credential || !*credential->name || target->fetch)
		return;
	/* It was allowed when it was given. Without memory: what was read last
	 * serves. */
	target->fetch = fetch_start(
		target->supervisor, credential->name, 0, on_fetched, target);
}

void
target_doubt_credential(struct target *target)
{
	if (target->status.error == ERR_AUTH_FAILED)
		target_refresh_credential(target);
}
