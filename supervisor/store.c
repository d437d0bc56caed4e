/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.c - the claims on disk: opening, transactions, backup.
 *
 * Runs in: supervisor.
 * Trusts: see store_file.c and store_record.c; its callers, for the order of
 *         calls.
 * Invariant: store->committed is what the file holds, or, while tdb is NULL,
 *            what it has to hold before anything else may be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/store.h"
#include "supervisor/store_image.h"
#include "supervisor/store_rescue.h"

enum {
	BACKUP_COMMITS_MIN = 64
};
/* First byte of a value in struct store's undo. */
enum {
	UNDO_ABSENT,
	UNDO_PRESENT
};

struct store {
	struct store_dir dir;
	TDB_CONTEXT *tdb; /* NULL after a failure to open it again */
	struct store_log log;
	enum store_origin origin;
	char note[STORE_NOTE_SIZE];
	struct store_tally committed;
	uint64_t backup_generation; /* 0: there is none */

	bool is_open;	/* a transaction */
	bool is_failed; /* it cannot be committed any more */
	bool is_changed;
	struct store_tally pending;
	/*
	 * Key to what stood there before the transaction: a byte and the old
	 * value, or nothing. Outlives a failed commit until it is sure that
	 * nothing of that is in the file.
	 */
	TDB_CONTEXT *undo;
};

static int
fail(const struct store *store, int errnum, const char *what, struct err *err)
{
	const char *remedy = "check the disk and the file system";

	if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG)
		remedy = "free some space and try again";
	return err_set(err, ERR_STORE_FAILED, errnum,
		"cannot %s in %.100s: %s; %s", what, store->dir.path,
		strerror(errnum), remedy);
}

static void
close_tdb(TDB_CONTEXT **tdb)
{
	if (*tdb)
		(void)tdb_close(*tdb); /* what counts was flushed */
	*tdb = NULL;
}

/*
 * TDB's structure is damaged, most likely by kill -9, and the content is not:
 * writes it to a new file, before TDB goes on working on that structure.
 */
static int
rebuild(struct store *store, TDB_CONTEXT *source,
	const struct store_tally *tally)
{
	struct store_tally written;
	int r = image_write(&store->dir, FILE_CLAIMS_NEW, source,
		tally->generation, &written);

	if (r == 0 && !tally_equals(&written, tally))
		r = -EIO;
	if (r == 0)
		r = file_install(&store->dir, FILE_CLAIMS_NEW, FILE_CLAIMS);
	if (r < 0)
		file_drop(&store->dir, FILE_CLAIMS_NEW);
	return r;
}

/* Opens claims.tdb into store->tdb and reads it all. -EBADMSG: damaged. */
static int
open_and_scan(struct store *store, struct store_scan *scan)
{
	int r = file_open(&store->dir, FILE_CLAIMS, &store->log, &store->tdb);

	if (r == 0)
		r = scan_database(store->tdb, scan);
	if (r == 0 && scan->is_newer)
		r = -EPROTONOSUPPORT;
	if (r == 0 && !scan_is_whole(scan))
		r = -EBADMSG;
	if (r < 0)
		close_tdb(&store->tdb);
	return r;
}

/* As open_and_scan(), and makes the file anew when only TDB complains. */
static int
open_sound(struct store *store, struct store_scan *scan, bool *ret_rebuilt)
{
	int r = open_and_scan(store, scan);

	*ret_rebuilt = false;
	if (r < 0 || tdb_check(store->tdb, NULL, NULL) == 0)
		return r;
	r = rebuild(store, store->tdb, &scan->meta);
	close_tdb(&store->tdb);
	if (r < 0)
		return r;
	*ret_rebuilt = true;
	return open_and_scan(store, scan);
}

static int
undo_one(TDB_CONTEXT *undo, TDB_DATA key, TDB_DATA value, void *data)
{
	TDB_CONTEXT *image = data;

	if (value.dptr[0] == UNDO_ABSENT) {
		(void)tdb_delete(image, key); /* it may never have got there */
		return 0;
	}
	return tdb_store(image, key,
		(TDB_DATA){value.dptr + 1, value.dsize - 1}, TDB_REPLACE);
}

/*
 * The failed commit is in the file all the same: only its last flush failed,
 * or the repacking after it. Whether it would survive a power cut is unknown,
 * and the caller was told that it failed. So the state before it goes to a new
 * file, of which no page was ever flushed in vain.
 */
static int
revert(struct store *store)
{
	TDB_CONTEXT *image = image_new();
	int r;

	if (!image)
		return -ENOMEM;
	r = image_load(image, store->tdb);
	if (r == 0 && tdb_traverse_read(store->undo, undo_one, image) < 0)
		r = -ENOMEM;
	if (r == 0)
		r = rebuild(store, image, &store->committed);
	close_tdb(&image);
	return r;
}

/* After a failure: opens the file as of the last good commit, or not at all. */
static int
open_again(struct store *store)
{
	struct store_scan scan;
	bool rebuilt;
	int r;

	close_tdb(&store->tdb);
	file_drop(&store->dir, FILE_CLAIMS_NEW);
	r = open_sound(store, &scan, &rebuilt);
	if (r == 0 && store->undo &&
		scan.meta.generation == store->committed.generation + 1) {
		r = revert(store);
		close_tdb(&store->tdb);
		if (r == 0)
			r = open_sound(store, &scan, &rebuilt);
	}
	if (r == 0 && !tally_equals(&scan.meta, &store->committed))
		r = -EBADMSG;
	if (r < 0)
		close_tdb(&store->tdb);
	else
		close_tdb(&store->undo);
	return r;
}

/* 0 when there is no backup, or none that can be read. */
static uint64_t
generation_of_backup(const struct store_dir *dir)
{
	struct store_log log;
	struct store_scan scan = {0};
	TDB_CONTEXT *tdb;

	if (file_open(dir, FILE_BACKUP, &log, &tdb) < 0)
		return 0;
	if (scan_database(tdb, &scan) < 0 || !scan_is_whole(&scan))
		scan.meta.generation = 0;
	close_tdb(&tdb);
	return scan.meta.generation;
}

static int
create(struct store *store)
{
	int r = image_write(&store->dir, FILE_CLAIMS_NEW, NULL, 1, NULL);

	if (r < 0)
		return r;
	store->origin = STORE_FRESH;
	return file_install(&store->dir, FILE_CLAIMS_NEW, FILE_CLAIMS);
}

static int
open_existing(struct store *store, struct err *err)
{
	struct store_scan scan;
	bool rebuilt;
	int r = open_sound(store, &scan, &rebuilt);

	if (r == -EBADMSG || r == -ENOENT) {
		r = store_rescue(&store->dir, &store->origin, store->note, err);
		if (r < 0)
			return r;
		r = open_sound(store, &scan, &rebuilt);
	} else if (r == 0 && rebuilt) {
		store->origin = STORE_REBUILT;
		(void)snprintf(store->note, sizeof(store->note),
			"claims.tdb was made anew after an unclean end: all "
			"its %u records were there",
			scan.meta.count);
	}
	if (r < 0)
		return fail(store, -r, "open claims.tdb", err);
	store->committed = scan.meta;
	return 0;
}

/* -ENOENT when there is neither file. */
static int
check_files(const struct store *store, struct err *err)
{
	static const enum store_file files[] = {FILE_CLAIMS, FILE_BACKUP};
	int found = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int r = file_check(&store->dir, files[i]);

		if (r == 0)
			found = 0;
		if (r < 0 && r != -ENOENT)
			return err_set(err, ERR_STORE_FAILED, -r,
				"%.100s/%s must be a regular file that belongs "
				"to this user and nobody else may write to: "
				"look who made it, then move it away",
				store->dir.path, file_name(files[i]));
	}
	return found;
}

static int
open_in_dir(struct store *store, struct err *err)
{
	int r;

	file_drop(&store->dir, FILE_CLAIMS_NEW);
	file_drop(&store->dir, FILE_BACKUP_NEW);
	file_drop(&store->dir, FILE_RESCUE);
	r = check_files(store, err);
	if (r == -ENOENT)
		r = create(store);
	else if (r < 0)
		return r;
	if (r < 0)
		return fail(store, -r, "create claims.tdb", err);
	r = open_existing(store, err);
	if (r == 0)
		store->backup_generation = generation_of_backup(&store->dir);
	return r;
}

static void
store_closep(struct store **store)
{
	store_close(*store);
}

int
store_open(const char *dir, struct store **ret_store, struct err *err)
{
	cleanup(store_closep) struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return err_set(err, ERR_STORE_FAILED, ENOMEM,
			"no memory for the store");
	store->dir.fd = -1;
	store->origin = STORE_WHOLE;
	/* With it set, TDB flushes nothing. */
	(void)unsetenv("TDB_NO_FSYNC");
	r = dir_open(dir, &store->dir);
	if (r < 0)
		return err_set(err, ERR_STORE_FAILED, -r,
			"%.100s must be a directory that belongs to this user "
			"and nobody else may write to: %s",
			dir, strerror(-r));
	r = open_in_dir(store, err);
	if (r < 0)
		return r;
	*ret_store = take_ptr(store);
	return 0;
}

void
store_close(struct store *store)
{
	if (!store)
		return;
	store_cancel(store);
	close_tdb(&store->undo);
	close_tdb(&store->tdb);
	dir_close(&store->dir);
	free(store);
}

enum store_origin
store_origin(const struct store *store)
{
	return store->origin;
}

const char *
store_note(const struct store *store)
{
	return store->note;
}

uint32_t
store_count(const struct store *store)
{
	return store->committed.count;
}

uint64_t
store_generation(const struct store *store)
{
	return store->committed.generation;
}

struct visiting {
	enum store_kind kind;
	int (*each_claim)(const struct store_claim *claim, void *data);
	int (*each_departing)(const char *uri, uint64_t created_us, void *data);
	void *data;
	int result;
};

static int
visit(TDB_CONTEXT *tdb, TDB_DATA key, TDB_DATA value, void *data)
{
	struct visiting *visiting = data;
	struct record record;
	int r = record_decode(
		key.dptr, key.dsize, value.dptr, value.dsize, &record);

	if (r < 0)
		visiting->result = -EIO;
	else if (record.kind != visiting->kind)
		return 0;
	else if (record.kind == STORE_CLAIM)
		visiting->result =
			visiting->each_claim(&record.claim, visiting->data);
	else
		visiting->result = visiting->each_departing(record.claim.uri,
			record.claim.created_us, visiting->data);
	return visiting->result;
}

static int
visit_all(struct store *store, struct visiting *visiting)
{
	if (!store->tdb || tdb_traverse_read(store->tdb, visit, visiting) < 0)
		return -EIO;
	return visiting->result;
}

int
store_each_claim(struct store *store,
	int (*each)(const struct store_claim *claim, void *data), void *data)
{
	struct visiting visiting = {
		.kind = STORE_CLAIM, .each_claim = each, .data = data};

	return visit_all(store, &visiting);
}

int
store_each_departing(struct store *store,
	int (*each)(const char *uri, uint64_t created_us, void *data),
	void *data)
{
	struct visiting visiting = {
		.kind = STORE_DEPARTING, .each_departing = each, .data = data};

	return visit_all(store, &visiting);
}

int
store_begin(struct store *store, struct err *err)
{
	int r;

	if (store->is_open)
		return err_set(err, ERR_INTERNAL, EBUSY,
			"a transaction of the store is open already");
	if (!store->tdb) {
		r = open_again(store);
		if (r < 0)
			return fail(store, -r, "open claims.tdb again", err);
	}
	store->log = (struct store_log){0};
	store->undo = tdb_open(NULL, 64, TDB_INTERNAL, O_RDWR, 0);
	if (!store->undo)
		return fail(store, ENOMEM, "begin a transaction", err);
	if (tdb_transaction_start(store->tdb) < 0) {
		close_tdb(&store->undo);
		close_tdb(&store->tdb);
		return fail(store, EIO, "begin a transaction", err);
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
	return fail(store, store->log.errnum ? store->log.errnum : EIO,
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
		close_tdb(&store->undo);
		return 0;
	}
	store->is_open = false;
	errnum = store->log.errnum ? store->log.errnum : EIO;
	/* On failure the next store_begin() tries again. */
	(void)open_again(store);
	return fail(store, errnum, "write the claims", err);
}

void
store_cancel(struct store *store)
{
	if (!store->is_open)
		return;
	store->is_open = false;
	close_tdb(&store->undo);
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
		return fail(store, -r, "write the backup", err);
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
