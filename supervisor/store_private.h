/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_private.h - what store.c and store_commit.c share.
 *
 * Runs in: supervisor.
 * Invariant: store->committed is what the file holds, or, while tdb is NULL,
 *            what it has to hold before anything else may be written.
 */
#ifndef SUPERVISOR_STORE_PRIVATE_H
#define SUPERVISOR_STORE_PRIVATE_H

#include <tdb.h>

#include "supervisor/store.h"
#include "supervisor/store_image.h"
#include "supervisor/store_rescue.h"

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

/* Sets err to ERR_STORE_FAILED with a text that says what to do. */
int store_fail(const struct store *store, int errnum, const char *what,
	struct err *err);
/* NULL is fine, and is left behind. */
void store_close_tdb(TDB_CONTEXT **tdb);
/*
 * After a failure: opens the file as of the last good commit and drops
 * store->undo, or leaves tdb NULL and returns a negative errno.
 */
int store_open_again(struct store *store);

#endif
