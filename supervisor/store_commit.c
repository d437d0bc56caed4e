/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_commit.c - the claims on disk: transactions and the backup.
 *
 * Runs in: supervisor.
 * Trusts: its callers, for the order of calls.
 * Invariant: store->committed changes only when TDB has made all four flushes
 *            of a commit without a complaint.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/store_private.h"

enum {
	BACKUP_COMMITS_MIN = 64
};

int
store_begin(struct store *store, struct err *err)
{
	int r;

	if (store->is_open)
		return err_set(err, ERR_INTERNAL, EBUSY,
			"a transaction of the store is open already");
	if (!store->tdb) {
		r = store_open_again(store);
		if (r < 0)
			return store_fail(
				store, -r, "open claims.tdb again", err);
	}
	store->log = (struct store_log){0};
	store->undo = tdb_open(NULL, 64, TDB_INTERNAL, O_RDWR, 0);
	if (!store->undo)
		return store_fail(store, ENOMEM, "begin a transaction", err);
	if (tdb_transaction_start(store->tdb) < 0) {
		store_close_tdb(&store->undo);
		store_close_tdb(&store->tdb);
		return store_fail(store, EIO, "begin a transaction", err);
	}
	store->pending = store->committed;
	store->pending.generation++;
	store->is_open = true;
	store->is_failed = false;
	store->is_changed = false;
	return 0;
}

/*
 * Notes the value that key has now for revert(), and takes the record out of
 * the tally. 1 if there was one, 0 if not, or a negative errno.
 */
static int
take_out(struct store *store, TDB_DATA key)
{
	unsigned char mark = UNDO_PRESENT;
	TDB_DATA old = tdb_fetch(store->tdb, key);
	cleanup_free unsigned char *owned = old.dptr;
	TDB_DATA parts[2] = {{&mark, 1}, old};
	struct record record;

	if (!owned) {
		if (tdb_error(store->tdb) != TDB_ERR_NOEXIST)
			return -EIO;
		mark = UNDO_ABSENT;
		parts[1].dsize = 0;
	}
	/* What stood there first is what counts. */
	if (tdb_storev(store->undo, key, parts, 2, TDB_INSERT) < 0 &&
		tdb_error(store->undo) != TDB_ERR_EXISTS)
		return -ENOMEM;
	if (!owned)
		return 0;
	if (record_decode(key.dptr, key.dsize, old.dptr, old.dsize, &record) <
		0)
		return -EIO;
	store->pending.count--;
	store->pending.sum ^= record.crc;
	return 1;
}

static int
lose(struct store *store, struct err *err)
{
	store->is_failed = true;
	return store_fail(store, file_errnum(&store->dir, &store->log),
		"change a record", err);
}

static int
no_such_name(const struct store *store, struct err *err)
{
	return err_set(err, ERR_INTERNAL, EINVAL,
		store->is_open ? "not a CID or URI that the store can hold"
			       : "no transaction of the store is open");
}

static int
put(struct store *store, struct record *record, struct err *err)
{
	struct record_bytes bytes;
	TDB_DATA key, value;

	record->generation = store->pending.generation;
	if (!store->is_open || record_encode(record, &bytes) < 0)
		return no_such_name(store, err);
	key = (TDB_DATA){bytes.key, bytes.key_len};
	value = (TDB_DATA){bytes.value, bytes.value_len};
	if (take_out(store, key) < 0 ||
		tdb_store(store->tdb, key, value, TDB_REPLACE) < 0)
		return lose(store, err);
	store->pending.count++;
	store->pending.sum ^= record->crc;
	store->is_changed = true;
	return 0;
}

/* 1 if there was such a record, 0 if not. */
static int delete (struct store *store, enum store_kind kind, const char *name,
	struct err *err)
{
	struct record_bytes bytes;
	TDB_DATA key;
	int r;

	if (!store->is_open || record_key(kind, name, &bytes) < 0)
		return no_such_name(store, err);
	key = (TDB_DATA){bytes.key, bytes.key_len};
	r = take_out(store, key);
	if (r == 0)
		return 0;
	if (r < 0 || tdb_delete(store->tdb, key) < 0)
		return lose(store, err);
	store->is_changed = true;
	return 1;
}

int
store_put_claim(
	struct store *store, const struct store_claim *claim, struct err *err)
{
	struct record record = {.kind = STORE_CLAIM, .claim = *claim};

	return put(store, &record, err);
}

int
store_put_departing(struct store *store, const char *uri, uint64_t created_us,
	struct err *err)
{
	struct record record = {.kind = STORE_DEPARTING};
	size_t len = strnlen(uri, STORE_URI_SIZE);

	if (len == STORE_URI_SIZE)
		return no_such_name(store, err);
	memcpy(record.claim.uri, uri, len);
	record.claim.created_us = created_us;
	return put(store, &record, err);
}

int
store_delete_claim(struct store *store, const char *cid, struct err *err)
{
	int r = delete (store, STORE_CLAIM, cid, err);

	if (r == 0)
		return err_set(err, ERR_NO_SUCH_CID, ENOENT,
			"there is no claim \"%s\"", cid);
	return r < 0 ? r : 0;
}

int
store_delete_departing(struct store *store, const char *uri, struct err *err)
{
	int r = delete (store, STORE_DEPARTING, uri, err);

	return r < 0 ? r : 0;
}

static int
put_meta(struct store *store)
{
	struct record meta = {.kind = STORE_META,
		.generation = store->pending.generation,
		.count = store->pending.count,
		.sum = store->pending.sum};
	struct record_bytes bytes;

	if (record_encode(&meta, &bytes) < 0)
		return -EINVAL;
	return tdb_store(store->tdb, (TDB_DATA){bytes.key, bytes.key_len},
		(TDB_DATA){bytes.value, bytes.value_len}, TDB_REPLACE);
}

int
store_commit(struct store *store, struct err *err)
{
	int errnum;

	if (!store->is_open)
		return no_such_name(store, err);
	if (!store->is_failed && !store->is_changed) {
		store_cancel(store);
		return 0;
	}
	errno = 0;
	/*
	 * When the last of its flushes fails, TDB says so in its log and
	 * returns success.
	 */
	if (!store->is_failed && put_meta(store) == 0 &&
		tdb_transaction_commit(store->tdb) == 0 && !store->log.fatal) {
		store->is_open = false;
		store->committed = store->pending;
		store_close_tdb(&store->undo);
		return 0;
	}
	store->is_open = false;
	errnum = file_errnum(&store->dir, &store->log);
	/* On failure the next store_begin() tries again. */
	(void)store_open_again(store);
	return store_fail(store, errnum, "write the claims", err);
}

void
store_cancel(struct store *store)
{
	if (!store->is_open)
		return;
	store->is_open = false;
	store_close_tdb(&store->undo);
	/* Nothing was written yet; if it fails, so will the next begin. */
	(void)tdb_transaction_cancel(store->tdb);
}

int
store_backup(struct store *store, struct err *err)
{
	struct store_tally tally;
	int r;

	if (store->is_open || !store->tdb)
		return err_set(err, ERR_STORE_FAILED, EBUSY,
			"no backup inside a transaction or after a failure");
	r = image_write(&store->dir, FILE_BACKUP_NEW, store->tdb,
		store->committed.generation, &tally);
	if (r == 0 && !tally_equals(&tally, &store->committed))
		r = -EIO;
	if (r == 0)
		r = file_install(&store->dir, FILE_BACKUP_NEW, FILE_BACKUP);
	if (r < 0) {
		file_drop(&store->dir, FILE_BACKUP_NEW);
		return store_fail(store, -r, "write the backup", err);
	}
	store->backup_generation = tally.generation;
	return 0;
}

bool
store_backup_is_due(const struct store *store)
{
	uint64_t commits =
		store->committed.generation - store->backup_generation;
	uint64_t limit = BACKUP_COMMITS_MIN;

	if (store->committed.count > limit)
		limit = store->committed.count;
	return store->backup_generation == 0 || commits >= limit;
}
