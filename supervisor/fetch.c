/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fetch.c - gets named credentials, which only root can open, by the launcher.
 *
 * Runs in: supervisor.
 * Trusts: the launcher for who may be given the file; nothing in it.
 * Invariant: see fetch.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/fetch.h"
#include "supervisor/supervisor.h"

struct fetch {
	TAILQ_ENTRY(fetch) entry;
	char name[CREDENTIAL_NAME_SIZE];
	uid_t uid;
	fetch_done *done; /* NULL: cancelled */
	void *data;
};

struct fetch *
fetch_start(struct supervisor *supervisor, const char *name, uid_t uid,
	fetch_done *done, void *data)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch || launch_credential(&supervisor->launch, name) < 0) {
		free(fetch);
		return NULL;
	}
	(void)snprintf(fetch->name, sizeof(fetch->name), "%s", name);
	fetch->uid = uid;
	fetch->done = done;
	fetch->data = data;
	TAILQ_INSERT_TAIL(&supervisor->fetches, fetch, entry);
	return fetch;
}

void
fetch_cancel(struct fetch *fetch)
{
	if (fetch)
		fetch->done = NULL;
}

static int
read_answer(const struct fetch *fetch, int result, int fd,
	struct iscsi_auth *ret_auth, struct err *err)
{
	if (result == 0 && fd >= 0)
		return credential_read_named(
			fd, fetch->name, fetch->uid, ret_auth, err);
	if (result == -ENOENT)
		return err_set(err, ERR_BAD_OPTION, ENOENT,
			"there is no credential \"%s\": make the file "
			"credentials.d/%s, root's, with mode 0600",
			fetch->name, fetch->name);
	if (result == -EPERM)
		return err_set(err, ERR_BAD_OPTION, EPERM,
			"the credential \"%s\" is not for root alone: give it "
			"to root, with mode 0600",
			fetch->name);
	return err_set(err, ERR_INTERNAL, EIO,
		"the credential \"%s\" cannot be opened: %s", fetch->name,
		strerror(result < 0 ? -result : EIO));
}

void
fetch_on_launch_reply(
	struct supervisor *supervisor, const struct launch_reply *reply, int fd)
{
	cleanup_close int owned = fd;
	struct fetch *fetch = TAILQ_FIRST(&supervisor->fetches);
	struct iscsi_auth auth = {0};
	struct err err = {0};
	int result;

	if (!fetch)
		return; /* nothing was asked */
	TAILQ_REMOVE(&supervisor->fetches, fetch, entry);
	if (fetch->done) {
		result = read_answer(fetch, reply->result, owned, &auth, &err);
		fetch->done(fetch->data, result < 0 ? NULL : &auth, &err);
	}
	explicit_bzero(&auth, sizeof(auth));
	free(fetch);
}

void
fetch_end_all(struct supervisor *supervisor)
{
	struct fetch *fetch;

	while ((fetch = TAILQ_FIRST(&supervisor->fetches))) {
		TAILQ_REMOVE(&supervisor->fetches, fetch, entry);
		free(fetch);
	}
}
