/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_rescue.c - a sound claims.tdb from a damaged or missing one.
 *
 * Runs in: supervisor, at start.
 * Trusts: nothing in a file; works on copies.
 * Invariant: claims.tdb is replaced by one rename, after its replacement is on
 *            disk and the damaged file has a second name.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/store_image.h"
#include "supervisor/store_rescue.h"

/* What could be read from one file. */
struct salvage {
	bool is_there; /* the file */
	TDB_CONTEXT *image;
	struct store_scan scan;
	unsigned bad;
	bool is_newer;
	int result;
};

static void
salvage_done(struct salvage *salvage)
{
	if (salvage->image)
		(void)tdb_close(salvage->image); /* memory only */
}

static void
on_salvaged(TDB_DATA key, TDB_DATA value, void *data)
{
	struct salvage *salvage = data;
	struct record record;
	int r = record_decode(
		key.dptr, key.dsize, value.dptr, value.dsize, &record);

	if (r < 0) {
		salvage->bad++;
		salvage->is_newer |= r == -EPROTONOSUPPORT;
		return;
	}
	r = image_add(salvage->image, &record, key, value);
	if (r < 0)
		salvage->result = r;
}

/*
 * What the chains still reach is taken alone if it is all: a rescue may come
 * upon old copies of records as well.
 */
static int
salvage_records(TDB_CONTEXT *tdb, struct salvage *salvage)
{
	struct store_scan scan;

	if (scan_database(tdb, &scan) == 0 && scan_is_whole(&scan))
		return image_load(salvage->image, tdb);
	if (tdb_rescue(tdb, on_salvaged, salvage) < 0)
		return -ENOMEM; /* its only reason to fail */
	return salvage->result;
}

/*
 * Reads all sound records of a file, damaged or not, into an image. A copy is
 * read, because opening a TDB may write to it. 0 also when nothing was found.
 */
static int
salvage_file(const struct store_dir *dir, enum store_file which,
	struct salvage *salvage)
{
	struct store_log log;
	TDB_CONTEXT *tdb;
	int r = file_check(dir, which);

	salvage->image = image_new();
	if (!salvage->image)
		return -ENOMEM;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	salvage->is_there = true;
	r = file_open_copy(dir, which, &log, &tdb);
	if (r == 0) {
		r = salvage_records(tdb, salvage);
		(void)tdb_close(tdb); /* the copy goes */
	}
	file_drop(dir, FILE_RESCUE);
	if (r == -ENODATA)
		r = 0;
	if (r == 0 && salvage->is_newer)
		r = -EPROTONOSUPPORT;
	return r < 0 ? r : scan_database(salvage->image, &salvage->scan);
}

static bool
salvage_is_whole(const struct salvage *salvage)
{
	return salvage->bad == 0 && scan_is_whole(&salvage->scan);
}

struct filling {
	TDB_CONTEXT *image;
	bool is_counted; /* the damaged file's meta record is known */
	int64_t missing; /* records, if counted */
	uint32_t missing_sum;
	unsigned added;
	int result;
};

static bool
is_wanted(const struct filling *filling, const struct record *record)
{
	if (record->kind == STORE_META)
		return false;
	if (!filling->is_counted || filling->missing > 1)
		return true;
	return filling->missing == 1 && record->crc == filling->missing_sum;
}

static int
fill_in(TDB_CONTEXT *tdb, TDB_DATA key, TDB_DATA value, void *data)
{
	struct filling *filling = data;
	struct record record;

	if (record_decode(key.dptr, key.dsize, value.dptr, value.dsize,
		    &record) < 0 ||
		!is_wanted(filling, &record))
		return 0;
	if (!tdb_exists(filling->image, key))
		filling->added++;
	filling->result = image_add(filling->image, &record, key, value);
	return filling->result;
}

/* Adds to found what backup has and found lacks. */
static int
fill_from_backup(struct salvage *found, const struct salvage *backup,
	unsigned *ret_added)
{
	const struct store_scan *scan = &found->scan;
	struct filling filling = {
		.image = found->image,
		.is_counted = scan->has_meta,
		.missing = (int64_t)scan->meta.count - scan->found.count,
		.missing_sum = scan->meta.sum ^ scan->found.sum,
	};

	if (tdb_traverse_read(backup->image, fill_in, &filling) < 0)
		return -ENOMEM;
	*ret_added = filling.added;
	return filling.result;
}

static void
write_note(char note[STORE_NOTE_SIZE], const struct salvage *found,
	const struct store_scan *now, unsigned from_backup,
	const struct salvage *backup, const char *kept_as)
{
	char loss[96];
	bool is_all = found->scan.has_meta &&
		      now->found.count == found->scan.meta.count &&
		      now->found.sum == found->scan.meta.sum;

	if (!found->is_there) {
		(void)snprintf(note, STORE_NOTE_SIZE,
			"claims.tdb was missing: %u records restored from the "
			"backup of commit %" PRIu64
			", what was changed after it is lost",
			now->found.count, backup->scan.found.generation);
		return;
	}
	if (is_all)
		(void)snprintf(loss, sizeof(loss), "none is missing");
	else if (found->scan.has_meta)
		(void)snprintf(loss, sizeof(loss),
			"it had %u: some may be lost, released ones be back",
			found->scan.meta.count);
	else
		(void)snprintf(loss, sizeof(loss),
			"how many it had is unknown: some may be lost, "
			"released ones be back");
	(void)snprintf(note, STORE_NOTE_SIZE,
		"claims.tdb was damaged and is kept as %s: %u records, %u of "
		"them from the backup; %s",
		kept_as, now->found.count, from_backup, loss);
}

/* Puts image in the place of claims.tdb. */
static int
replace_claims(const struct store_dir *dir, const struct salvage *found,
	uint64_t generation, char kept_as[STORE_NAME_SIZE])
{
	int r = image_write(
		dir, FILE_CLAIMS_NEW, found->image, generation, NULL);

	if (r == 0 && found->is_there)
		r = file_keep_damaged(dir, kept_as);
	if (r == 0)
		r = file_install(dir, FILE_CLAIMS_NEW, FILE_CLAIMS);
	if (r < 0)
		file_drop(dir, FILE_CLAIMS_NEW);
	return r;
}

static int
refuse(const struct store_dir *dir, int r, struct err *err)
{
	if (r == -EPROTONOSUPPORT)
		return err_set(err, ERR_STORE_FAILED, EPROTONOSUPPORT,
			"the store in %s was written by a newer holdfastd: "
			"install that version",
			dir->path);
	if (r == -EBADMSG)
		return err_set(err, ERR_STORE_FAILED, EBADMSG,
			"nothing can be read from %s/%s or its backup; to "
			"begin without claims, move both away",
			dir->path, file_name(FILE_CLAIMS));
	return err_set(err, ERR_STORE_FAILED, -r,
		"%s/%s is damaged and cannot be restored: %s; remedy that and "
		"start again",
		dir->path, file_name(FILE_CLAIMS), strerror(-r));
}

static uint64_t
generation_after(const struct salvage *found, const struct salvage *backup)
{
	uint64_t a = found->scan.found.generation;
	uint64_t b = backup->scan.found.generation;

	return 1 + (a > b ? a : b);
}

static int
restore(const struct store_dir *dir, struct salvage *found,
	const struct salvage *backup, char note[STORE_NOTE_SIZE])
{
	char kept_as[STORE_NAME_SIZE] = "";
	unsigned added = 0;
	struct store_scan now;
	int r = fill_from_backup(found, backup, &added);

	if (r == 0)
		r = scan_database(found->image, &now);
	if (r < 0)
		return r;
	/* An empty store needs a witness. */
	if (now.found.count == 0 && !salvage_is_whole(backup))
		return -EBADMSG;
	r = replace_claims(
		dir, found, generation_after(found, backup), kept_as);
	if (r == 0)
		write_note(note, found, &now, added, backup, kept_as);
	return r;
}

int
store_rescue(const struct store_dir *dir, enum store_origin *ret_origin,
	char note[STORE_NOTE_SIZE], struct err *err)
{
	cleanup(salvage_done) struct salvage found = {0};
	cleanup(salvage_done) struct salvage backup = {0};
	char kept_as[STORE_NAME_SIZE] = "";
	int r = salvage_file(dir, FILE_CLAIMS, &found);

	if (r == 0 && salvage_is_whole(&found)) {
		r = replace_claims(
			dir, &found, found.scan.meta.generation, kept_as);
		if (r < 0)
			return refuse(dir, r, err);
		*ret_origin = STORE_REBUILT;
		(void)snprintf(note, STORE_NOTE_SIZE,
			"claims.tdb was damaged and is kept as %s: all its %u "
			"records could be read",
			kept_as, found.scan.found.count);
		return 0;
	}
	if (r == 0)
		r = salvage_file(dir, FILE_BACKUP, &backup);
	if (r == 0)
		r = restore(dir, &found, &backup, note);
	if (r < 0)
		return refuse(dir, r, err);
	*ret_origin = STORE_RESTORED;
	return 0;
}
