/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claiming.c - calls of manage that bring credentials, until they are decided.
 *
 * Runs in: supervisor.
 * Trusts: a worker's word that a target took credentials: it is the worker
 *         that would log in with them.
 * Invariant: see claiming.h. One trial a connection at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "supervisor/supervisor.h"

/* Beyond the worker's own deadline: it may have to be started first. */
#define TRIAL_RESERVE_US (15 * US_PER_SEC)

enum {
	CID_SIZE = 256
};

struct claiming {
	TAILQ_ENTRY(claiming) entry;
	struct supervisor *supervisor;
	struct asker asker;
	struct uri uri;
	char cid[CID_SIZE];
	bool if_absent;
	struct credential credential;
	struct fetch *fetch;   /* first */
	struct target *target; /* then, of the trial */
	uint32_t number;       /* of the trial */
	struct loop_timer deadline;
};

static void
free_claiming(struct claiming *claiming)
{
	struct supervisor *supervisor = claiming->supervisor;

	TAILQ_REMOVE(&supervisor->claimings, claiming, entry);
	fetch_cancel(claiming->fetch);
	loop_disarm(supervisor->loop, &claiming->deadline);
	if (claiming->target)
		claiming->target->trial = NULL;
	client_end_claiming(claiming->asker.client);
	explicit_bzero(&claiming->credential, sizeof(claiming->credential));
	free(claiming);
}

/* The end of it without a change. */
static void
refuse(struct claiming *claiming, const struct err *err)
{
	client_answer_error(&claiming->asker, err);
	free_claiming(claiming);
}

static struct credential *
copy_credential(const struct credential *credential)
{
	struct credential *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = *credential;
	return copy;
}

/* Stages it; the answer comes with the commit. */
static void
stage(struct claiming *claiming, bool with_credential)
{
	struct supervisor *supervisor = claiming->supervisor;
	struct credential *credential = NULL;
	struct err err = {0};
	int result = 0;

	if (with_credential) {
		credential = copy_credential(&claiming->credential);
		if (!credential)
			result = err_set(
				&err, ERR_INTERNAL, ENOMEM, "no memory");
	}
	if (result == 0)
		result = batch_manage(&supervisor->batch, &claiming->asker,
			&claiming->uri, claiming->cid, strlen(claiming->cid),
			credential, &err);
	if (result < 0)
		client_answer_error(&claiming->asker, &err);
	free_claiming(claiming);
}

/* The claim is there already, with if_absent: other credentials for it. */
static void
replace(struct claiming *claiming, struct target *target)
{
	struct credential *credential = copy_credential(&claiming->credential);
	struct err err = {0};
	int result =
		credential
			? batch_replace_credential(&claiming->supervisor->batch,
				  &claiming->asker, target, credential, &err)
			: err_set(&err, ERR_INTERNAL, ENOMEM, "no memory");

	if (result < 0)
		client_answer_error(&claiming->asker, &err);
	free_claiming(claiming);
}

/* Whose word counts about a connection's credentials. */
static bool
may_replace(const struct claiming *claiming, const struct target *target)
{
	const struct claim *claim;
	uid_t uid = claiming->asker.uid;

	if (uid == 0)
		return true;
	if (target->credential && credential_is_usable(target->credential))
		return target->credential->uid == uid;
	TAILQ_FOREACH (claim, &target->claims, in_target)
		if (claim->uid == uid)
			return true;
	return false;
}

static void
on_deadline(struct loop_timer *timer)
{
	struct claiming *claiming =
		container_of(timer, struct claiming, deadline);
	struct err err;

	(void)err_set(&err, ERR_TIMED_OUT, ETIMEDOUT,
		"%.100s: the credentials could not be tried in time; nothing "
		"was changed",
		claiming->target->uri);
	refuse(claiming, &err);
}

static void
begin_trial(struct claiming *claiming, struct target *target)
{
	static uint32_t number;
	struct supervisor *supervisor = claiming->supervisor;
	uint64_t deadline_us = clock_boot_us() + TRIAL_RESERVE_US +
			       supervisor->conf.connect_deadline_ms * US_PER_MS;
	struct err err;

	if (target->trial) {
		(void)err_set(&err, ERR_TOO_MANY, EBUSY,
			"%.100s: other credentials are being tried just now; "
			"try again",
			target->uri);
		refuse(claiming, &err);
		return;
	}
	if (loop_arm(supervisor->loop, &claiming->deadline, deadline_us) < 0) {
		(void)err_set(&err, ERR_INTERNAL, ENOMEM, "no memory");
		refuse(claiming, &err);
		return;
	}
	claiming->number = ++number;
	claiming->target = target;
	target->trial = claiming;
	target_try_credential(target);
}

/* The credentials are here: what do they change? */
static void
decide(struct claiming *claiming)
{
	struct supervisor *supervisor = claiming->supervisor;
	const struct claim *claim;
	struct target *target;
	struct err err;

	/* What is staged may yet be undone. */
	batch_commit(&supervisor->batch);
	claim = claim_find(supervisor, claiming->cid, strlen(claiming->cid));
	target = target_find(supervisor, claiming->uri.canonical);
	if (supervisor->is_stopping) {
		(void)err_set(&err, ERR_SHUTTING_DOWN, ESHUTDOWN,
			"the daemon is stopping; try again");
		refuse(claiming, &err);
	} else if (claim &&
		   !claim_fits(claim, &claiming->uri, claiming->asker.uid,
			   claiming->if_absent, &err)) {
		refuse(claiming, &err);
	} else if (!target || target->claim_count == 0) {
		/* On what is being taken down nobody has a say any more. */
		stage(claiming, true);
	} else if (target->credential && credential_is_same(target->credential,
						 &claiming->credential)) {
		if (claim) {
			client_answer_manage(&claiming->asker, target, false);
			free_claiming(claiming);
		} else {
			stage(claiming, false);
		}
	} else if (!may_replace(claiming, target)) {
		(void)err_set(&err, ERR_DENIED, EACCES,
			"%.100s has other credentials, of another user: only "
			"that one or root may replace them; leave them out to "
			"share the connection",
			target->uri);
		refuse(claiming, &err);
	} else {
		begin_trial(claiming, target);
	}
}

static void
on_fetched(void *data, const struct iscsi_auth *auth, const struct err *err)
{
	struct claiming *claiming = data;

	claiming->fetch = NULL;
	if (!auth) {
		refuse(claiming, err);
		return;
	}
	claiming->credential.auth = *auth;
	decide(claiming);
}

int
claiming_new(struct supervisor *supervisor, const struct claim_request *request,
	struct err *err)
{
	struct claiming *claiming = calloc(1, sizeof(*claiming));

	if (!claiming)
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	client_begin_claiming(request->asker.client);
	claiming->supervisor = supervisor;
	claiming->asker = request->asker;
	claiming->uri = *request->uri;
	(void)snprintf(claiming->cid, sizeof(claiming->cid), "%.*s",
		(int)request->cid_len, request->cid);
	claiming->if_absent = request->if_absent;
	claiming->credential = *request->credential;
	claiming->deadline.on_due = on_deadline;
	TAILQ_INSERT_TAIL(&supervisor->claimings, claiming, entry);
	if (!*claiming->credential.name) {
		decide(claiming);
		return 0;
	}
	claiming->fetch = fetch_start(supervisor, claiming->credential.name,
		claiming->asker.uid, on_fetched, claiming);
	if (claiming->fetch)
		return 0;
	free_claiming(claiming);
	return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
}

const struct iscsi_auth *
claiming_auth(const struct claiming *claiming, uint32_t *ret_number)
{
	*ret_number = claiming->number;
	return &claiming->credential.auth;
}

static void
refuse_tried(struct claiming *claiming, const struct tried_message *tried)
{
	struct err err;

	(void)err_set(&err, tried->error, (int)tried->error_errno,
		"%.200s; nothing was changed", tried->error_text);
	err_clean_text(err.text);
	refuse(claiming, &err);
}

void
claiming_on_tried(struct target *target, const struct tried_message *tried)
{
	struct claiming *claiming = target->trial;
	const struct claim *claim;

	/* One that was given up meanwhile is nobody's. */
	if (!claiming || claiming->number != tried->number)
		return;
	if (tried->error != ERR_NONE) {
		refuse_tried(claiming, tried);
		return;
	}
	/* What was looked at before the trial may be otherwise by now. */
	claim = claim_find(
		target->supervisor, claiming->cid, strlen(claiming->cid));
	if (!claim) {
		stage(claiming, true);
	} else {
		struct err err;

		if (claim_fits(claim, &claiming->uri, claiming->asker.uid,
			    claiming->if_absent, &err))
			replace(claiming, target);
		else
			refuse(claiming, &err);
	}
}

void
claiming_end_target(struct target *target)
{
	struct err err;

	if (!target->trial)
		return;
	(void)err_set(&err, ERR_UNREACHABLE, ENOTCONN,
		"%.100s: the connection went while the credentials were tried; "
		"try again",
		target->uri);
	refuse(target->trial, &err);
}

void
claiming_forget_client(
	struct supervisor *supervisor, const struct client *client)
{
	struct claiming *claiming, *next;

	for (claiming = TAILQ_FIRST(&supervisor->claimings); claiming;
		claiming = next) {
		next = TAILQ_NEXT(claiming, entry);
		if (claiming->asker.client == client)
			free_claiming(claiming);
	}
}

void
claiming_end_all(struct supervisor *supervisor)
{
	struct claiming *claiming;

	while ((claiming = TAILQ_FIRST(&supervisor->claimings)))
		free_claiming(claiming);
}
