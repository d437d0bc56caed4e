/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.h - the claims on disk.
 *
 * Runs in: supervisor.
 * Trusts: the directory's owner; not the bytes of the file.
 * Invariant: what store_commit() answered with 0 survives kill -9 and power
 *            cuts; what it answered with an error is not there.
 *
 * A directory holds claims.tdb, its own snapshot claims.tdb.backup, for a
 * moment a file that is being made (*.new, *.rescue), and up to five damaged
 * files that were kept (claims.tdb.damaged-TIME).
 *
 * One process, one thread, one store a directory. Every function may block for
 * the disk: a commit for four flushes (eight when TDB repacks, which takes
 * time in proportion to the whole store; this can only happen in a commit for
 * which the file had to grow), a backup, a store_open() and the recovery from
 * a failed commit in proportion to the whole store.
 *
 * All changes happen between store_begin() and store_commit() or
 * store_cancel(). One commit should hold less than about 128 KiB of records:
 * beyond that TDB may have to move its undo area, and only then can kill -9
 * leave a file that the next store_open() has to rebuild (STORE_REBUILT).
 */
#ifndef SUPERVISOR_STORE_H
#define SUPERVISOR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/uri.h"

struct store;

enum {
	STORE_CID_SIZE = 256, /* 255 bytes and the NUL */
	STORE_URI_SIZE = URI_MAX,
	STORE_DAMAGED_MAX = 5,
};

enum store_kind {
	STORE_CLAIM,
	/*
	 * A connection whose last claim is gone and which has not been seen
	 * disconnected yet. Put in the transaction that deletes the claim.
	 */
	STORE_DEPARTING,
	STORE_META, /* the store's own record: never handed out */
};

struct store_claim {
	char cid[STORE_CID_SIZE];
	char uri[STORE_URI_SIZE]; /* canonical */
	uint32_t uid;
	uint64_t created_us;
};

enum store_origin {
	STORE_FRESH,   /* there was no file and no backup */
	STORE_WHOLE,   /* the file was as it should be */
	STORE_REBUILT, /* nothing is missing, but the file had to be made anew */
	STORE_RESTORED, /* from what was left and the backup: see store_note() */
};

/*
 * Opens the store in dir, which must exist, belong to the caller (or root) and
 * be writable by nobody else, and makes it whole first if need be: STORE_*
 * above says what that took. Removes TDB_NO_FSYNC from the environment and
 * left-over temporary files from dir. The caller owns *ret_store; release it
 * with store_close().
 *
 * Never begins with an empty store unless dir holds neither claims.tdb nor
 * claims.tdb.backup. A file is replaced only by one that holds at least the
 * records which could be read from it, and is then kept under another name.
 *
 * ERR_STORE_FAILED, ret_store untouched, with a text that says what to do:
 * -EPERM   dir or a file in it is not ours alone, or no regular file
 * -EPROTONOSUPPORT a newer holdfastd wrote the file; nothing was changed
 * -EBADMSG claims.tdb is damaged and nothing could be read from it or the
 *          backup; nothing was changed
 * -ENOMEM, -ENOSPC, -EIO, ... what stood in the way; nothing was changed
 */
int store_open(const char *dir, struct store **ret_store, struct err *err);
/* Cancels an open transaction. NULL is fine. */
void store_close(struct store *store);

enum store_origin store_origin(const struct store *store);
/* For status and log: one sentence, "" for STORE_FRESH and STORE_WHOLE. */
const char *store_note(const struct store *store);
/* Records of both kinds as of the last commit, and that commit's number. */
uint32_t store_count(const struct store *store);
uint64_t store_generation(const struct store *store);

/*
 * Hands every record of one kind to each(), in no order, until it returns
 * something else than 0; returns that, or 0. The pointers are valid during the
 * call only. each() must not change the store. -EIO: the file cannot be read.
 */
int store_each_claim(struct store *store,
	int (*each)(const struct store_claim *claim, void *data), void *data);
int store_each_departing(struct store *store,
	int (*each)(const char *uri, uint64_t created_us, void *data),
	void *data);

/*
 * Begins a transaction; -EBUSY (ERR_INTERNAL) when one is open. After a
 * failure from which the store could not recover it tries that again:
 * ERR_STORE_FAILED as long as it cannot.
 */
int store_begin(struct store *store, struct err *err);
/*
 * Both replace a record with the same CID or URI. -EINVAL (ERR_INTERNAL): not
 * a CID, not a URI, or no transaction; the transaction goes on without it.
 * ERR_STORE_FAILED: the transaction is lost, store_commit() will fail.
 */
int store_put_claim(
	struct store *store, const struct store_claim *claim, struct err *err);
int store_put_departing(struct store *store, const char *uri,
	uint64_t created_us, struct err *err);
/* -ENOENT (ERR_NO_SUCH_CID): no such claim; the transaction goes on. */
int store_delete_claim(struct store *store, const char *cid, struct err *err);
/* As above, but 0 when there is no such record. */
int store_delete_departing(
	struct store *store, const char *uri, struct err *err);
/*
 * Ends the transaction. 0: all of it is on disk. Otherwise ERR_STORE_FAILED:
 * none of it is in the store, what was committed before is, and the file has
 * been opened anew; when even that failed, store_begin() goes on trying. A
 * flush that failed is never just repeated.
 */
int store_commit(struct store *store, struct err *err);
/* Ends the transaction, if any, without a trace. */
void store_cancel(struct store *store);

/*
 * Replaces the backup by a snapshot of the last commit. Not inside a
 * transaction. On ERR_STORE_FAILED the old backup is still there.
 */
int store_backup(struct store *store, struct err *err);
/* Whether the backup is max(64, store_count()) commits old, or missing. */
bool store_backup_is_due(const struct store *store);

#endif
