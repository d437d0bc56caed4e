/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.c - the claims on disk: opening, and again after a failure.
 *
 * Runs in: supervisor.
 * Trusts: see store_file.c and store_record.c; its callers, for the order of
 *         calls.
 * Invariant: see store_private.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/store_private.h"

int
store_fail(const struct store *store, int errnum, const char *what,
	struct err *err)
{
	const char *remedy = "check the disk and the file system";

	if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG)
		remedy = "free some space and try again";
	if (errnum == EPROTONOSUPPORT)
		remedy = "a newer holdfastd wrote it: install that version";
	return err_set(err, ERR_STORE_FAILED, errnum,
		"cannot %s in %.100s: %s; %s", what, store->dir.path,
		strerror(errnum), remedy);
}

void
store_close_tdb(TDB_CONTEXT **tdb)
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
		store_close_tdb(&store->tdb);
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
	store_close_tdb(&store->tdb);
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
	store_close_tdb(&image);
	return r;
}

int
store_open_again(struct store *store)
{
	struct store_scan scan;
	bool rebuilt;
	int r;

	store_close_tdb(&store->tdb);
	file_drop(&store->dir, FILE_CLAIMS_NEW);
	r = open_sound(store, &scan, &rebuilt);
	if (r == 0 && store->undo &&
		scan.meta.generation == store->committed.generation + 1) {
		r = revert(store);
		store_close_tdb(&store->tdb);
		if (r == 0)
			r = open_sound(store, &scan, &rebuilt);
	}
	if (r == 0 && !tally_equals(&scan.meta, &store->committed))
		r = -EBADMSG;
	if (r < 0)
		store_close_tdb(&store->tdb);
	else
		store_close_tdb(&store->undo);
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
	store_close_tdb(&tdb);
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
		return store_fail(store, -r, "open claims.tdb", err);
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
		return store_fail(store, -r, "create claims.tdb", err);
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
	store_close_tdb(&store->undo);
	store_close_tdb(&store->tdb);
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
