/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_file.h - the files of a store: names, checks, opening, replacing.
 *
 * Runs in: supervisor.
 *
 * Functions return 0 or a negative errno. -EBADMSG always means that the file
 * is damaged, never that the host is short of something.
 */
#ifndef SUPERVISOR_STORE_FILE_H
#define SUPERVISOR_STORE_FILE_H

#include <stdbool.h>
#include <tdb.h>

enum store_file {
	FILE_CLAIMS,
	FILE_BACKUP,
	FILE_CLAIMS_NEW, /* these three are gone after any return */
	FILE_BACKUP_NEW,
	FILE_RESCUE,
	FILE_COUNT,
};

enum {
	STORE_DIR_SIZE = 1024,
	STORE_PATH_SIZE = STORE_DIR_SIZE + 64,
	STORE_NAME_SIZE = 64,
};

struct store_dir {
	int fd;
	char path[STORE_DIR_SIZE];
};

/* What TDB had to say: it reports some failures in its log alone. */
struct store_log {
	bool fatal;
	int errnum; /* at the first fatal line, or 0 */
};

/* -EPERM: not a directory that belongs to us or root and only we may write. */
int dir_open(const char *path, struct store_dir *ret_dir);
void dir_close(struct store_dir *dir);
const char *file_name(enum store_file which);
/* -ENOENT; -EPERM: no regular file of ours, or others may write to it. */
int file_check(const struct store_dir *dir, enum store_file which);
/* Unlinks it if it is there; a failure shows when the name is used next. */
void file_drop(const struct store_dir *dir, enum store_file which);
/*
 * Opens an existing file, which runs TDB's recovery. log has to live until
 * tdb_close(). Never creates, never empties.
 */
int file_open(const struct store_dir *dir, enum store_file which,
	struct store_log *log, TDB_CONTEXT **ret_tdb);
/*
 * Makes an empty database with an undo area of 1 MiB. What is stored in it is
 * not durable, and the name not final, until file_finish() and file_install().
 */
int file_create(const struct store_dir *dir, enum store_file which,
	struct store_log *log, TDB_CONTEXT **ret_tdb);
/*
 * Why TDB failed: log->errnum, or what can be told without it. TDB does not
 * say that posix_fallocate() found the disk full.
 */
int file_errnum(const struct store_dir *dir, const struct store_log *log);
/* Flushes and closes; tdb is gone whatever is returned. */
int file_finish(TDB_CONTEXT *tdb);
/* Gives a finished file its name, durably, in place of what had it. */
int file_install(
	const struct store_dir *dir, enum store_file from, enum store_file to);
/*
 * Copies which to FILE_RESCUE, blocks that cannot be read as zeros, with what
 * can be known of the header mended, and opens that. -ENODATA: it is too short
 * to hold a record.
 */
int file_open_copy(const struct store_dir *dir, enum store_file which,
	struct store_log *log, TDB_CONTEXT **ret_tdb);
/*
 * Gives FILE_CLAIMS a second name, which is returned, so that it outlives its
 * replacement; the oldest such name goes when there would be too many.
 */
int file_keep_damaged(const struct store_dir *dir, char name[STORE_NAME_SIZE]);

#endif
