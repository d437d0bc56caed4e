/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api_store.h - the store that each input of fuzz_api.c begins with. To be
 *                    included once.
 *
 * Runs in: the build.
 * Invariant: it is empty, and has no backup. What makes it so fast matters to
 *            power cuts alone.
 */
#ifndef TESTS_FUZZ_FUZZ_API_STORE_H
#define TESTS_FUZZ_FUZZ_API_STORE_H

#include <dlfcn.h>
#include <tdb.h>

#include "common/guard.h"
#include "supervisor/store.h"
#include "tests/fuzz/fuzz_dir.h"

enum {
	HOST_RECORD_MAX = 8192, /* longer than any of a claim */
	HOST_RECORD_LEN = 64,	/* of one that is longer */
};

/*
 * In the place of libtdb's, and by it, so that an input takes no tenth of a
 * second. What is lost by that matters to a power cut alone: an error of the
 * disk as an error, where files are not mapped, and an undo area that never
 * moves, which takes a record of half a MiB.
 */

TDB_CONTEXT *
tdb_open_ex(const char *name, int hash_size, int tdb_flags, int open_flags,
	mode_t mode, const struct tdb_logging_context *log, tdb_hash_func hash)
{
	static __typeof__(&tdb_open_ex) real;

	if (!real)
		real = (__typeof__(&tdb_open_ex))dlsym(
			RTLD_NEXT, "tdb_open_ex");
	CHECK(real);
	return real(name, hash_size, tdb_flags & ~TDB_NOMMAP, open_flags, mode,
		log, hash);
}

int
tdb_store(TDB_CONTEXT *tdb, TDB_DATA key, TDB_DATA value, int how)
{
	static __typeof__(&tdb_store) real;

	if (!real)
		real = (__typeof__(&tdb_store))dlsym(RTLD_NEXT, "tdb_store");
	CHECK(real);
	if (value.dsize > HOST_RECORD_MAX)
		value.dsize = HOST_RECORD_LEN;
	return real(tdb, key, value, how);
}

/* What an empty store is: made once, as that takes longest. */
static struct {
	uint8_t data[1 << 20];
	size_t len;
} empty_store;

static int
open_state(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void
make_empty_store(const char *path)
{
	struct store *store;
	struct err err;
	cleanup_close int dirfd = -1;
	cleanup_close int fd = -1;
	ssize_t len;

	CHECK(store_open(path, &store, &err) == 0);
	store_close(store);
	dirfd = open_state(path);
	fd = openat(dirfd, "claims.tdb", O_RDONLY | O_CLOEXEC);
	len = read(fd, empty_store.data, sizeof(empty_store.data));
	CHECK(len > 0 && (size_t)len < sizeof(empty_store.data));
	empty_store.len = (size_t)len;
}

/* A backup, which is what a store is found by that was lost, takes as long: it
 * finds that its place is taken. */
static void
put_empty_store(const char *path)
{
	cleanup_close int dirfd = open_state(path);

	fuzz_dir_put(dirfd, "claims.tdb", empty_store.data, empty_store.len);
	CHECK(mkdirat(dirfd, "claims.tdb.backup.new", 0700) == 0);
}

#endif
