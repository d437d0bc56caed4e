/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_tdb.h - TDB's file format, as far as it has to be checked by us.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_STORE_TDB_H
#define SUPERVISOR_STORE_TDB_H

#include <tdb.h>

/*
 * A prime. Chains have 5 records at 10,000 claims and 50 at 100,000, where
 * looking one up takes some 30 us, little beside a commit. 10,007 would be no
 * faster at 10,000, but make 10 pages of the table where this has 2: more to
 * write twice in a commit of many records, and a store with a few claims took
 * 2.7 ms to open instead of 0.6 (TDB's check reads chain by chain). TDB's own
 * 131 costs eight times as long to fill with 10,000.
 */
#define STORE_HASH_SIZE 2003
/*
 * DISALLOW_NESTING: a nested commit could be unrolled after it succeeded.
 * Beside these, always TDB_NOMMAP where a file is to last: half as many
 * flushes, and an I/O error is an errno, not SIGBUS.
 */
#define STORE_TDB_FLAGS (TDB_INCOMPATIBLE_HASH | TDB_DISALLOW_NESTING)

/*
 * Whether TDB may be let at the file: its header is one that we made, and undo
 * data that waits to be rolled back stays within the file. -EBADMSG if not.
 */
int tdb_file_check(int fd);
/*
 * Writes the header's constant part anew and makes TDB leave undo data alone
 * that tdb_file_check() would refuse. -ENODATA: there is no room for a record.
 */
int tdb_file_mend(int fd);

#endif
