/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_image.c - sets of records: looking one over, making a file of one.
 *
 * Runs in: supervisor.
 * Trusts: nothing in a file: each record is decoded strictly.
 * Invariant: a file leaves image_write() only after it was flushed, read back
 *            and found to hold what was to be in it.
 */
#include <errno.h>
#include <fcntl.h>

#include "common/guard.h"
#include "supervisor/store_image.h"
#include "supervisor/store_tdb.h"

struct scanning {
	struct store_scan *scan;
	size_t left; /* records that a file of this size can hold */
};

static int
scan_record(TDB_CONTEXT *tdb, TDB_DATA key, TDB_DATA value, void *data)
{
	struct scanning *scanning = data;
	struct store_scan *scan = scanning->scan;
	struct record record;
	int r = record_decode(
		key.dptr, key.dsize, value.dptr, value.dsize, &record);

	/* A damaged chain may lead back into itself. */
	if (scanning->left == 0) {
		scan->bad++;
		return -1;
	}
	scanning->left--;
	if (r < 0) {
		scan->bad++;
		scan->is_newer |= r == -EPROTONOSUPPORT;
		return 0;
	}
	if (record.generation > scan->found.generation)
		scan->found.generation = record.generation;
	if (record.kind == STORE_META) {
		scan->has_meta = true;
		scan->meta = (struct store_tally){
			record.count, record.sum, record.generation};
		return 0;
	}
	scan->found.count++;
	scan->found.sum ^= record.crc;
	return 0;
}

int
traverse_database(TDB_CONTEXT *tdb, tdb_traverse_func each, void *data)
{
	bool is_file = !(tdb_get_flags(tdb) & TDB_INTERNAL);
	int n;

	if (!is_file || tdb_transaction_active(tdb))
		return tdb_traverse_read(tdb, each, data) < 0 ? -EBADMSG : 0;
	if (tdb_transaction_start(tdb) < 0)
		return -EBADMSG;
	n = tdb_traverse_read(tdb, each, data);
	if (tdb_transaction_cancel(tdb) < 0 || n < 0)
		return -EBADMSG;
	return 0;
}

int
scan_database(TDB_CONTEXT *tdb, struct store_scan *ret_scan)
{
	enum {
		RECORD_LEN_MIN = 24 + 1
	}; /* TDB's header and a key */
	struct scanning scanning = {
		ret_scan, tdb_map_size(tdb) / RECORD_LEN_MIN};

	*ret_scan = (struct store_scan){0};
	return traverse_database(tdb, scan_record, &scanning);
}

bool
scan_is_whole(const struct store_scan *scan)
{
	return scan->has_meta && scan->bad == 0 &&
	       tally_equals(&scan->found, &scan->meta);
}

bool
tally_equals(const struct store_tally *a, const struct store_tally *b)
{
	return a->count == b->count && a->sum == b->sum &&
	       a->generation == b->generation;
}

TDB_CONTEXT *
image_new(void)
{
	return tdb_open(NULL, STORE_HASH_SIZE, STORE_TDB_FLAGS | TDB_INTERNAL,
		O_RDWR, 0);
}

struct comparing {
	uint64_t generation;
	bool is_older;
};

static int
compare_generation(TDB_DATA key, TDB_DATA value, void *data)
{
	struct comparing *comparing = data;
	struct record record;

	comparing->is_older = record_decode(key.dptr, key.dsize, value.dptr,
				      value.dsize, &record) == 0 &&
			      comparing->generation <= record.generation;
	return 0;
}

int
image_add(TDB_CONTEXT *image, const struct record *record, TDB_DATA key,
	TDB_DATA value)
{
	struct comparing comparing = {record->generation, false};

	/* Fails when there is none: then ours is the newest. */
	(void)tdb_parse_record(image, key, compare_generation, &comparing);
	if (comparing.is_older)
		return 0;
	return tdb_store(image, key, value, TDB_REPLACE) < 0 ? -ENOMEM : 0;
}

static int
load_record(TDB_CONTEXT *tdb, TDB_DATA key, TDB_DATA value, void *data)
{
	TDB_CONTEXT *image = data;

	return tdb_store(image, key, value, TDB_REPLACE);
}

int
image_load(TDB_CONTEXT *image, TDB_CONTEXT *tdb)
{
	if (traverse_database(tdb, load_record, image) < 0)
		return -EIO;
	return tdb_error(image) == TDB_ERR_OOM ? -ENOMEM : 0;
}

struct copying {
	TDB_CONTEXT *to;
	struct store_tally tally;
	int result;
};

static int
copy_record(TDB_CONTEXT *tdb, TDB_DATA key, TDB_DATA value, void *data)
{
	struct copying *copying = data;
	struct record record;

	copying->result = record_decode(
		key.dptr, key.dsize, value.dptr, value.dsize, &record);
	if (copying->result < 0)
		return -1;
	if (record.kind == STORE_META)
		return 0;
	copying->tally.count++;
	copying->tally.sum ^= record.crc;
	if (tdb_store(copying->to, key, value, TDB_INSERT) < 0)
		copying->result = -EIO;
	return copying->result;
}

static int
write_meta(TDB_CONTEXT *tdb, const struct store_tally *tally)
{
	struct record meta = {.kind = STORE_META,
		.generation = tally->generation,
		.count = tally->count,
		.sum = tally->sum};
	struct record_bytes bytes;
	int r = record_encode(&meta, &bytes);

	if (r < 0)
		return r;
	r = tdb_store(tdb, (TDB_DATA){bytes.key, bytes.key_len},
		(TDB_DATA){bytes.value, bytes.value_len}, TDB_INSERT);
	return r < 0 ? -EIO : 0;
}

static int
copy_records(TDB_CONTEXT *source, struct copying *copying)
{
	if (source && traverse_database(source, copy_record, copying) < 0)
		return -EIO;
	if (copying->result < 0)
		return copying->result;
	return write_meta(copying->to, &copying->tally);
}

static int
read_back(const struct store_dir *dir, enum store_file which,
	const struct store_tally *tally)
{
	struct store_log log;
	struct store_scan scan;
	TDB_CONTEXT *tdb;
	int r = file_open(dir, which, &log, &tdb);

	if (r < 0)
		return r;
	r = scan_database(tdb, &scan);
	if (r == 0 &&
		!(scan_is_whole(&scan) && tally_equals(&scan.meta, tally)))
		r = -EBADMSG;
	(void)tdb_close(tdb); /* nothing was written */
	return r;
}

int
image_write(const struct store_dir *dir, enum store_file which,
	TDB_CONTEXT *source, uint64_t generation, struct store_tally *ret_tally)
{
	struct copying copying = {.tally = {.generation = generation}};
	struct store_log log;
	int r = file_create(dir, which, &log, &copying.to);
	int finished;

	if (r < 0)
		return r;
	r = copy_records(source, &copying);
	if (r == -EIO)
		r = -file_errnum(dir, &log);
	finished = file_finish(copying.to);
	if (r == 0)
		r = finished;
	if (r == 0)
		r = read_back(dir, which, &copying.tally);
	if (r == -EBADMSG)
		r = -EIO; /* no old damage: it was written just now */
	if (r < 0) {
		file_drop(dir, which);
		return r;
	}
	if (ret_tally)
		*ret_tally = copying.tally;
	return 0;
}
