/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_file.c - the files of a store: names, checks, opening, replacing.
 *
 * Runs in: supervisor.
 * Trusts: nothing in a file: header and undo area are checked before TDB acts
 *         on them, because its recovery believes every length it finds there.
 * Invariant: claims.tdb and its backup change only by TDB's commits and by
 *            rename(2) of a finished file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "common/guard.h"
#include "supervisor/store.h"
#include "supervisor/store_file.h"
#include "supervisor/store_tdb.h"

#define DAMAGED_PREFIX "claims.tdb.damaged-"

static const char *const names[FILE_COUNT] = {
	[FILE_CLAIMS] = "claims.tdb",
	[FILE_BACKUP] = "claims.tdb.backup",
	[FILE_CLAIMS_NEW] = "claims.tdb.new",
	[FILE_BACKUP_NEW] = "claims.tdb.backup.new",
	[FILE_RESCUE] = "claims.tdb.rescue",
};

int
dir_open(const char *path, struct store_dir *ret_dir)
{
	cleanup_close int fd = -1;
	struct stat st;

	if (strlen(path) >= sizeof(ret_dir->path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_uid != geteuid() && st.st_uid != 0) ||
		(st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	strcpy(ret_dir->path, path);
	ret_dir->fd = take_fd(&fd);
	return 0;
}

void
dir_close(struct store_dir *dir)
{
	guard_close(&dir->fd);
	dir->fd = -1;
}

const char *
file_name(enum store_file which)
{
	return names[which];
}

static void
file_path(const struct store_dir *dir, enum store_file which,
	char path[STORE_PATH_SIZE])
{
	(void)snprintf(path, STORE_PATH_SIZE, "%s/%s", dir->path,
		names[which]); /* fits: see STORE_PATH_SIZE */
}

int
file_check(const struct store_dir *dir, enum store_file which)
{
	struct stat st;

	if (fstatat(dir->fd, names[which], &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		(st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return 0;
}

void
file_drop(const struct store_dir *dir, enum store_file which)
{
	(void)unlinkat(dir->fd, names[which], 0); /* see the prototype */
}

static void __attribute__((format(printf, 3, 4))) on_tdb_log(
	TDB_CONTEXT *tdb, enum tdb_debug_level level, const char *format, ...)
{
	struct store_log *log = tdb_get_logging_private(tdb);
	int errnum = errno;

	if (level != TDB_DEBUG_FATAL || log->fatal)
		return;
	log->fatal = true;
	log->errnum = errnum;
}

static TDB_CONTEXT *
open_tdb(const struct store_dir *dir, enum store_file which, int tdb_flags,
	int open_flags, struct store_log *log)
{
	const struct tdb_logging_context context = {on_tdb_log, log};
	char path[STORE_PATH_SIZE];

	file_path(dir, which, path);
	*log = (struct store_log){0};
	errno = 0;
	return tdb_open_ex(path, STORE_HASH_SIZE, STORE_TDB_FLAGS | tdb_flags,
		open_flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600, &context,
		NULL);
}

static bool
host_is_short_of(int errnum)
{
	static const int shortages[] = {ENOMEM, EMFILE, ENFILE, EACCES, EPERM,
		EROFS, ENOLCK, EBUSY, ENOSPC, EDQUOT, EINTR, EAGAIN};

	for (size_t i = 0; i < ARRAY_SIZE(shortages); i++)
		if (errnum == shortages[i])
			return true;
	return false;
}

int
file_open(const struct store_dir *dir, enum store_file which,
	struct store_log *log, TDB_CONTEXT **ret_tdb)
{
	cleanup_close int fd = openat(
		dir->fd, names[which], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	TDB_CONTEXT *tdb;
	int r;

	if (fd < 0)
		return -errno;
	r = tdb_file_check(fd);
	if (r < 0)
		return r;
	tdb = open_tdb(dir, which, TDB_NOMMAP, 0, log);
	if (!tdb)
		return host_is_short_of(errno) ? -errno : -EBADMSG;
	*ret_tdb = tdb;
	return 0;
}

/*
 * One transaction over a record of half a MiB makes TDB allocate an undo area
 * of twice that size. While it suffices it is never moved, and only moving it
 * makes the file's structure suffer from kill -9 and power cuts.
 */
static int
make_undo_area(TDB_CONTEXT *tdb)
{
	enum {
		FILLER_LEN = 512 * 1024
	};
	cleanup_free unsigned char *filler = calloc(1, FILLER_LEN);
	TDB_DATA key = {(unsigned char *)"filler", 6};
	TDB_DATA value = {filler, FILLER_LEN};

	if (!filler)
		return -ENOMEM;
	if (tdb_store(tdb, key, value, TDB_INSERT) < 0 ||
		tdb_transaction_start(tdb) < 0)
		return -EIO;
	/* TDB does not write what is there already. */
	memset(filler, 1, FILLER_LEN);
	if (tdb_store(tdb, key, value, TDB_MODIFY) < 0 ||
		tdb_transaction_commit(tdb) < 0 || tdb_delete(tdb, key) < 0)
		return -EIO;
	return 0;
}

int
file_create(const struct store_dir *dir, enum store_file which,
	struct store_log *log, TDB_CONTEXT **ret_tdb)
{
	TDB_CONTEXT *tdb;
	int r;

	file_drop(dir, which);
	/* Nobody else knows the file, and file_finish() flushes it. */
	tdb = open_tdb(dir, which, TDB_NOMMAP | TDB_NOLOCK | TDB_NOSYNC,
		O_CREAT | O_EXCL, log);
	if (!tdb)
		return errno ? -errno : -EIO;
	r = make_undo_area(tdb);
	if (r < 0) {
		(void)tdb_close(tdb); /* failed already, the file goes */
		file_drop(dir, which);
		return r == -EIO ? -file_errnum(dir, log) : r;
	}
	*ret_tdb = tdb;
	return 0;
}

int
file_errnum(const struct store_dir *dir, const struct store_log *log)
{
	enum {
		SCARCE = 16 * 1024 * 1024
	};
	struct statvfs st;

	if (log->errnum)
		return log->errnum;
	if (fstatvfs(dir->fd, &st) == 0 &&
		(uint64_t)st.f_bavail * st.f_frsize < SCARCE)
		return ENOSPC;
	return EIO;
}

int
file_finish(TDB_CONTEXT *tdb)
{
	int r = fsync(tdb_fd(tdb)) < 0 ? -errno : 0;

	if (tdb_close(tdb) < 0 && r == 0)
		r = errno ? -errno : -EIO;
	return r;
}

int
file_install(
	const struct store_dir *dir, enum store_file from, enum store_file to)
{
	if (renameat(dir->fd, names[from], dir->fd, names[to]) < 0)
		return -errno;
	return fsync(dir->fd) < 0 ? -errno : 0;
}

static int
copy_bytes(int from, int to)
{
	static const uint8_t zeros[4096];
	uint8_t block[4096];
	off_t at = 0;

	while (true) {
		ssize_t n = pread(from, block, sizeof(block), at);
		const uint8_t *bytes = n < 0 ? zeros : block;
		size_t len = n < 0 ? sizeof(zeros) : (size_t)n;

		if (n < 0 && errno != EIO)
			return -errno;
		if (n == 0)
			return 0;
		n = pwrite(to, bytes, len, at);
		if (n < 0)
			return -errno;
		if ((size_t)n != len)
			return -ENOSPC;
		at += (off_t)len;
	}
}

int
file_open_copy(const struct store_dir *dir, enum store_file which,
	struct store_log *log, TDB_CONTEXT **ret_tdb)
{
	cleanup_close int from = openat(
		dir->fd, names[which], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int to = -1;
	TDB_CONTEXT *tdb;
	int r;

	if (from < 0)
		return -errno;
	file_drop(dir, FILE_RESCUE);
	to = openat(dir->fd, names[FILE_RESCUE],
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_bytes(from, to);
	if (r == 0)
		r = tdb_file_mend(to);
	if (r < 0)
		return r;
	/* A rescue reads four bytes at a time: with mmap that is 50 x faster. */
	tdb = open_tdb(dir, FILE_RESCUE, TDB_NOLOCK | TDB_NOSYNC, 0, log);
	if (!tdb)
		return host_is_short_of(errno) ? -errno : -ENODATA;
	*ret_tdb = tdb;
	return 0;
}

/* Counts the damaged files that were kept and finds the oldest of them. */
static unsigned
count_damaged(const struct store_dir *dir, char oldest[STORE_NAME_SIZE])
{
	unsigned long long when, first = 0;
	unsigned count = 0;
	struct dirent *entry;
	DIR *stream;
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		guard_close(&fd);
		return 0;
	}
	while ((entry = readdir(stream))) {
		if (sscanf(entry->d_name, DAMAGED_PREFIX "%llu", &when) != 1)
			continue;
		if (count++ > 0 && when >= first)
			continue;
		first = when;
		(void)snprintf(oldest, STORE_NAME_SIZE, "%.63s", entry->d_name);
	}
	(void)closedir(stream); /* only ever read from */
	return count;
}

int
file_keep_damaged(const struct store_dir *dir, char name[STORE_NAME_SIZE])
{
	char oldest[STORE_NAME_SIZE];
	time_t now = time(NULL);

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, STORE_NAME_SIZE, DAMAGED_PREFIX "%llu",
			(unsigned long long)now + (unsigned)i);
		if (linkat(dir->fd, names[FILE_CLAIMS], dir->fd, name, 0) < 0) {
			if (errno == EEXIST)
				continue;
			return -errno;
		}
		while (count_damaged(dir, oldest) > STORE_DAMAGED_MAX)
			if (unlinkat(dir->fd, oldest, 0) < 0)
				break; /* one too many is no reason to stop */
		return 0;
	}
	return -EEXIST;
}
