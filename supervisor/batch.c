/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * batch.c - changes to the claims: all of one turn in one transaction.
 *
 * Runs in: supervisor.
 * Trusts: arguments that methods.c has checked.
 * Invariant: see batch.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

/* Of records in one transaction: see store.h. */
enum {
	BATCH_BYTES_MAX = 64 << 10,
	RECORD_OVERHEAD = 128
};

enum change_kind {
	CHANGE_MANAGE,
	CHANGE_UNMANAGE,
	CHANGE_FORGET,
	CHANGE_CREDENTIAL
};

struct change {
	TAILQ_ENTRY(change) entry;
	enum change_kind kind;
	struct asker asker;
	struct claim *claim; /* NULL for CHANGE_FORGET and _CREDENTIAL */
	struct target *target;
	struct credential *credential; /* new ones, staged beside the store */
	bool was_departing;	       /* to undo */
	bool was_gone;
	bool is_last; /* CHANGE_UNMANAGE: no claim is left */
};

void
batch_init(struct batch *batch, struct supervisor *supervisor)
{
	batch->supervisor = supervisor;
	TAILQ_INIT(&batch->changes);
}

static int
open_batch(struct batch *batch, struct err *err)
{
	int result;

	if (batch->is_open)
		return 0;
	result = store_begin(batch->supervisor->store, err);
	if (result == 0)
		batch->is_open = true;
	return result;
}

/* Nothing can fail once a change is made: memory comes first. */
static struct change *
new_change(struct batch *batch, enum change_kind kind,
	const struct asker *asker, struct claim *claim, struct target *target)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change)
		return NULL;
	change->kind = kind;
	change->asker = *asker;
	change->claim = claim;
	change->target = target;
	change->was_departing = target->is_departing;
	change->was_gone = target->is_gone;
	batch->bytes += strlen(target->uri) + RECORD_OVERHEAD;
	batch->bytes += claim ? strlen(claim->cid) : 0;
	return change;
}

static int
store_manage(struct batch *batch, const struct claim *claim, struct err *err)
{
	struct store *store = batch->supervisor->store;
	struct store_claim record = {
		.uid = claim->uid, .created_us = claim->created_us};
	int result;

	(void)snprintf(record.cid, sizeof(record.cid), "%s", claim->cid);
	(void)snprintf(record.uri, sizeof(record.uri), "%s", claim->uri);
	result = store_put_claim(store, &record, err);
	if (result == 0 && claim->target->is_departing)
		result = store_delete_departing(store, claim->target->uri, err);
	return result;
}

/* Credentials have a file of their own: see credential.h. */
static int
stage_credential(struct batch *batch, const struct target *target,
	const struct credential *credential, struct err *err)
{
	int result = credential_stage(batch->supervisor->credentials_fd,
		target->key, target->uri, credential);

	return result == 0 ? 0
			   : err_set(err, ERR_STORE_FAILED, -result,
				     "the credentials could not be written: "
				     "%s; nothing was changed",
				     strerror(-result));
}

static int
stage_manage(struct batch *batch, const struct asker *asker,
	struct claim *claim, struct credential *credential, struct err *err)
{
	struct target *target = claim->target;
	struct change *change;
	int result = open_batch(batch, err);

	if (result < 0)
		return result;
	change = new_change(batch, CHANGE_MANAGE, asker, claim, target);
	if (!change)
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	/* First: what is in the transaction stays there. */
	if (credential)
		result = stage_credential(batch, target, credential, err);
	if (result == 0)
		result = store_manage(batch, claim, err);
	if (result < 0) {
		if (credential)
			credential_cancel(
				batch->supervisor->credentials_fd, target->key);
		free(change);
		return result;
	}
	change->credential = credential;
	claim_insert(batch->supervisor, claim);
	target->is_departing = false;
	target->is_gone = false;
	TAILQ_INSERT_TAIL(&batch->changes, change, entry);
	return 0;
}

/* A target that was made for a claim which came to nothing. */
static void
drop_unused(struct target *target)
{
	if (target->claim_count == 0 && !target->is_departing &&
		!target->is_forgetting && target->phase == PHASE_ABSENT)
		target_free(target);
	else
		target_touch(target);
}

/* Claims that are there already are taken up whatever the limit is now. */
static int
check_connections(const struct supervisor *supervisor, struct err *err)
{
	if (HASH_CNT(by_uri, supervisor->targets) <
		supervisor->conf.connections_max)
		return 0;
	return err_set(err, ERR_TOO_MANY, ENOSPC,
		"%u connections are managed already: see [limits] connections "
		"in holdfast.conf",
		HASH_CNT(by_uri, supervisor->targets));
}

static int
add_claim(struct batch *batch, const struct asker *asker, const struct uri *uri,
	const char *cid, size_t cid_len, struct credential *credential,
	struct err *err)
{
	struct supervisor *supervisor = batch->supervisor;
	struct target *target = target_find(supervisor, uri->canonical);
	struct claim *claim;
	struct user *user;
	int result;

	if (HASH_CNT(hh, supervisor->claims) >= supervisor->conf.claims_max)
		return err_set(err, ERR_TOO_MANY, ENOSPC,
			"%u claims are held already: see [limits] claims in "
			"holdfast.conf",
			HASH_CNT(hh, supervisor->claims));
	user = user_get(supervisor, asker->uid);
	result = user ? user_check(supervisor, user, target, err)
		      : err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	if (result < 0)
		return result;
	if (!target) {
		result = check_connections(supervisor, err);
		if (result == 0)
			result = target_new(supervisor, uri, &target, err);
		if (result < 0)
			return result;
	}
	claim = claim_new(
		cid, cid_len, asker->uid, clock_unix_us(), uri, target);
	result = claim ? stage_manage(batch, asker, claim, credential, err)
		       : err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	if (result < 0) {
		claim_free(claim);
		drop_unused(target);
	}
	return result;
}

int
batch_manage(struct batch *batch, const struct asker *asker,
	const struct uri *uri, const char *cid, size_t cid_len,
	struct credential *credential, struct err *err)
{
	int result =
		add_claim(batch, asker, uri, cid, cid_len, credential, err);

	if (result < 0)
		credential_free(credential);
	return result;
}

int
batch_replace_credential(struct batch *batch, const struct asker *asker,
	struct target *target, struct credential *credential, struct err *err)
{
	struct change *change =
		new_change(batch, CHANGE_CREDENTIAL, asker, NULL, target);
	int result = change ? open_batch(batch, err)
			    : err_set(err, ERR_INTERNAL, ENOMEM, "no memory");

	if (result == 0)
		result = stage_credential(batch, target, credential, err);
	if (result < 0) {
		free(change);
		credential_free(credential);
		return result;
	}
	change->credential = credential;
	TAILQ_INSERT_TAIL(&batch->changes, change, entry);
	return 0;
}

static int
store_unmanage(struct batch *batch, const struct claim *claim, bool is_last,
	struct err *err)
{
	struct store *store = batch->supervisor->store;
	int result = store_delete_claim(store, claim->cid, err);

	if (result == 0 && is_last)
		result = store_put_departing(
			store, claim->target->uri, clock_unix_us(), err);
	return result;
}

int
batch_unmanage(struct batch *batch, const struct asker *asker,
	struct claim *claim, struct err *err)
{
	struct target *target = claim->target;
	struct change *change;
	int result = open_batch(batch, err);

	if (result < 0)
		return result;
	change = new_change(batch, CHANGE_UNMANAGE, asker, claim, target);
	if (!change)
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	change->is_last = target->claim_count == 1;
	result = store_unmanage(batch, claim, change->is_last, err);
	if (result < 0) {
		free(change);
		return result;
	}
	claim_remove(batch->supervisor, claim);
	if (change->is_last)
		target->is_departing = true;
	TAILQ_INSERT_TAIL(&batch->changes, change, entry);
	return 0;
}

void
batch_forget(struct batch *batch, struct target *target)
{
	const struct asker nobody = {0};
	struct change *change;
	struct err err = {0};

	/* A record that stays is tried at the next start, and found gone. */
	change = new_change(batch, CHANGE_FORGET, &nobody, NULL, target);
	if (!change || open_batch(batch, &err) < 0 ||
		store_delete_departing(
			batch->supervisor->store, target->uri, &err) < 0) {
		free(change);
		log_warning("target %s: its record stays: %s", target->uri,
			err.text);
		target->is_departing = false;
		target_touch(target);
		return;
	}
	target->is_departing = false;
	target->is_forgetting = true;
	TAILQ_INSERT_TAIL(&batch->changes, change, entry);
}

/* Written before the commit; from now on they count. */
static void
finish_credential(struct batch *batch, struct change *change)
{
	int result;

	if (!change->credential)
		return;
	result = credential_commit(
		batch->supervisor->credentials_fd, change->target->key);
	/* -ENOENT: a later change of this batch has overtaken it. */
	if (result < 0 && result != -ENOENT)
		log_error("target %s: its credentials are not on disk: %s",
			change->target->uri, strerror(-result));
	target_set_credential(change->target, take_ptr(change->credential));
}

static void
finish_change(struct batch *batch, struct change *change)
{
	struct supervisor *supervisor = batch->supervisor;
	struct target *target = change->target;

	if (change->kind == CHANGE_MANAGE || change->kind == CHANGE_CREDENTIAL)
		target->asked_us = clock_boot_us();
	switch (change->kind) {
	case CHANGE_MANAGE:
		claim_link(supervisor, change->claim);
		log_notice("claim %s: uid %u manages %s", change->claim->cid,
			(unsigned)change->asker.uid, target->uri);
		journal_note(supervisor, EVENT_CLAIMED, target,
			change->claim->cid, "");
		finish_credential(batch, change);
		client_answer_manage(&change->asker, target, true);
		waiter_end_departed(target);
		target_retry(target);
		break;
	case CHANGE_UNMANAGE:
		claim_unlink(supervisor, change->claim->cid);
		log_notice("claim %s: uid %u lets go of %s%s",
			change->claim->cid, (unsigned)change->asker.uid,
			target->uri, change->is_last ? ", the last" : "");
		journal_note(supervisor, EVENT_RELEASED, target,
			change->claim->cid, "");
		client_answer_unmanage(&change->asker, change->is_last);
		waiter_end_claim(target, change->claim->cid);
		target_hurry(target);
		free(target->last_cid);
		target->last_cid = strdup(change->claim->cid);
		claim_free(change->claim);
		break;
	case CHANGE_FORGET:
		target->is_forgetting = false;
		if (target->claim_count == 0)
			journal_note(supervisor, EVENT_GONE, target, "", "");
		/* A claim of this very batch may have brought its own. */
		if (target->claim_count == 0)
			credential_remove(
				supervisor->credentials_fd, target->key);
		break;
	case CHANGE_CREDENTIAL:
		log_notice("target %s: uid %u gives it other credentials",
			target->uri, (unsigned)change->asker.uid);
		finish_credential(batch, change);
		client_answer_manage(&change->asker, target, false);
		break;
	}
	target_touch(target);
}

static void
undo_change(struct batch *batch, struct change *change, const struct err *err)
{
	struct target *target = change->target;

	target->is_departing = change->was_departing;
	target->is_gone = change->was_gone;
	if (change->credential) {
		credential_cancel(
			batch->supervisor->credentials_fd, target->key);
		credential_free(change->credential);
	}
	switch (change->kind) {
	case CHANGE_MANAGE:
		claim_remove(batch->supervisor, change->claim);
		claim_free(change->claim);
		client_answer_error(&change->asker, err);
		/* Now, not at the turn's end: it counts as a connection. */
		drop_unused(target);
		return;
	case CHANGE_UNMANAGE:
		claim_insert(batch->supervisor, change->claim);
		client_answer_error(&change->asker, err);
		break;
	case CHANGE_FORGET:
		/* Left in the store: the next start finds it gone. */
		target->is_forgetting = false;
		target->is_departing = false;
		break;
	case CHANGE_CREDENTIAL:
		client_answer_error(&change->asker, err);
		break;
	}
	target_touch(target);
}

static void
finish_all(struct batch *batch)
{
	struct change *change;

	while ((change = TAILQ_FIRST(&batch->changes))) {
		TAILQ_REMOVE(&batch->changes, change, entry);
		finish_change(batch, change);
		free(change);
	}
}

static void
undo_all(struct batch *batch, const struct err *err)
{
	struct change *change;

	while ((change = TAILQ_LAST(&batch->changes, change_list))) {
		TAILQ_REMOVE(&batch->changes, change, entry);
		undo_change(batch, change, err);
		free(change);
	}
}

int
batch_commit_whole(struct batch *batch, struct err *err)
{
	int result;

	if (!batch->is_open)
		return 0;
	batch->is_open = false;
	batch->bytes = 0;
	result = store_commit(batch->supervisor->store, err);
	if (result == 0) {
		finish_all(batch);
		return 0;
	}
	log_error("store: a batch of changes is refused: %s", err->text);
	undo_all(batch, err);
	return result;
}

void
batch_commit(struct batch *batch)
{
	struct err err = {0};

	/* Who asked has been told. */
	(void)batch_commit_whole(batch, &err);
}

void
batch_cancel(struct batch *batch)
{
	const struct err err = {0};

	if (!batch->is_open)
		return;
	batch->is_open = false;
	batch->bytes = 0;
	store_cancel(batch->supervisor->store);
	undo_all(batch, &err);
}

void
batch_keep_small(struct batch *batch)
{
	if (batch->bytes > BATCH_BYTES_MAX)
		batch_commit(batch);
}

void
batch_forget_client(struct batch *batch, const struct client *client)
{
	struct change *change;

	TAILQ_FOREACH (change, &batch->changes, entry)
		if (change->asker.client == client)
			change->asker.client = NULL;
}
