/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * batch.h - changes to the claims: all of one turn in one transaction.
 *
 * Runs in: supervisor.
 * Invariant: a change is seen in memory at once, so that the next request of
 *            the same batch is checked against it, but nothing acts on it and
 *            no request is answered before batch_commit() has it on disk. If
 *            that fails every change is undone, last first.
 *
 * Other requests are not handled while a batch is open: none sees a claim that
 * may yet be undone.
 */
#ifndef SUPERVISOR_BATCH_H
#define SUPERVISOR_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/err.h"
#include "proto/uri.h"

struct change;
struct claim;
struct client;
struct credential;
struct supervisor;
struct target;

TAILQ_HEAD(change_list, change);

struct batch {
	struct supervisor *supervisor;
	bool is_open;
	struct change_list changes;
	size_t bytes; /* of records staged */
};

/* Who is to be answered. client becomes NULL when it leaves. */
struct asker {
	struct client *client;
	uint64_t message_id;
	uid_t uid;
};

void batch_init(struct batch *batch, struct supervisor *supervisor);

/*
 * Stages a claim, and credentials for its connection (NULL: leave them as they
 * are), which it takes. 0: the asker is answered by batch_commit(). Errors:
 * ERR_CID_IN_USE, ERR_TOO_MANY, ERR_STORE_FAILED, ERR_INTERNAL, and those of
 * target_new().
 */
int batch_manage(struct batch *batch, const struct asker *asker,
	const struct uri *uri, const char *cid, size_t cid_len,
	struct credential *credential, struct err *err);
/* Stages other credentials, which it takes, for a connection that has a claim.
 * Errors: ERR_STORE_FAILED, ERR_INTERNAL. */
int batch_replace_credential(struct batch *batch, const struct asker *asker,
	struct target *target, struct credential *credential, struct err *err);
/* Stages a release. Errors: ERR_STORE_FAILED. */
int batch_unmanage(struct batch *batch, const struct asker *asker,
	struct claim *claim, struct err *err);
/* Stages that the target's record as departing goes, and then the target. */
void batch_forget(struct batch *batch, struct target *target);
/* Commits and answers; does nothing when nothing is staged. */
void batch_commit(struct batch *batch);
/* The same, for one request that makes all the changes of the batch; its error
 * is returned as well. Errors: ERR_STORE_FAILED. */
int batch_commit_whole(struct batch *batch, struct err *err);
/* Undoes what is staged, without a word to those who asked. */
void batch_cancel(struct batch *batch);
/* Commits when the transaction has grown long: see store.h. */
void batch_keep_small(struct batch *batch);
/* The client is about to be freed. */
void batch_forget_client(struct batch *batch, const struct client *client);

#endif
