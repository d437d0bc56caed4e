/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_image.h - sets of records: looking one over, making a file of one.
 *
 * Runs in: supervisor.
 *
 * A set is a TDB: a file, or an image in memory.
 */
#ifndef SUPERVISOR_STORE_IMAGE_H
#define SUPERVISOR_STORE_IMAGE_H

#include <tdb.h>

#include "supervisor/store_file.h"
#include "supervisor/store_record.h"

struct store_scan {
	/* What is there; its generation is the highest on any record. */
	struct store_tally found;
	/* What should be there, if there is a meta record. */
	struct store_tally meta;
	bool has_meta;
	bool is_newer; /* a record of a later version of this program */
	unsigned bad;  /* records that are not what they should be */
};

/*
 * Calls each() for every record until it returns something else than 0; it
 * must not change tdb. -EBADMSG: not all could be read. Inside a transaction
 * (which is begun and cancelled here, if need be) TDB reads its table at once,
 * not entry by entry: a tenth of the time while there are few records.
 */
int traverse_database(TDB_CONTEXT *tdb, tdb_traverse_func each, void *data);
/*
 * Looks at every record of tdb. -EBADMSG:
 * not all of it could be read, *ret_scan tells of the rest.
 */
int scan_database(TDB_CONTEXT *tdb, struct store_scan *ret_scan);
/* Whether what is there is just what should be there: this alone decides. */
bool scan_is_whole(const struct store_scan *scan);
bool tally_equals(const struct store_tally *a, const struct store_tally *b);

/* An empty set in memory, for tdb_close(); NULL when there is no memory. */
TDB_CONTEXT *image_new(void);
/* Adds a record unless the set has a newer one of that key. -ENOMEM. */
int image_add(TDB_CONTEXT *image, const struct record *record, TDB_DATA key,
	TDB_DATA value);

/* Adds all records of tdb as they are. -ENOMEM; -EIO: tdb cannot be read. */
int image_load(TDB_CONTEXT *image, TDB_CONTEXT *tdb);

/*
 * Makes the finished file which, ready for file_install(), of the claims and
 * departing records of source (NULL: none), reads it back and compares. On
 * failure there is no such file. ret_tally may be NULL.
 */
int image_write(const struct store_dir *dir, enum store_file which,
	TDB_CONTEXT *source, uint64_t generation,
	struct store_tally *ret_tally);

#endif
