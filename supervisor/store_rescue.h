/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_rescue.h - a sound claims.tdb from a damaged or missing one.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_STORE_RESCUE_H
#define SUPERVISOR_STORE_RESCUE_H

#include "supervisor/store_file.h"
#include "supervisor/store.h"

enum {
	STORE_NOTE_SIZE = 256
};

/*
 * Replaces claims.tdb (which may be missing, when there is a backup) by the
 * best that can be had:
 *
 * 1. All sound records of the damaged file, if count and sum of its meta record
 *    say that this is all of them (STORE_REBUILT). Otherwise
 * 2. those, and the backup's records of keys that are not among them; of two
 *    versions the newer (STORE_RESTORED). When the meta record says how many
 *    are missing, no more than that are asked of the backup, and a single one
 *    is known by its checksum.
 *
 * "Newest good" is thus decided record by record: one flipped bit does not turn
 * all claims back to the time of the backup. When more than one record is
 * missing and the backup has more to offer than are missing, all are taken: a
 * claim that comes back can be released again, one that is lost is lost. The
 * note says so.
 *
 * The damaged file is kept under another name. Errors as for store_open().
 */
int store_rescue(const struct store_dir *dir, enum store_origin *ret_origin,
	char note[STORE_NOTE_SIZE], struct err *err);

#endif
