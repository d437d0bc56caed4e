/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_dir.h - a directory of a target's own, in memory. To be included once.
 *
 * Runs in: the build.
 * Invariant: it goes with the process that made it, unless that is killed: a
 *            campaign sets TMPDIR and removes what is left in there.
 */
#ifndef TESTS_FUZZ_FUZZ_DIR_H
#define TESTS_FUZZ_FUZZ_DIR_H

#include <fcntl.h>
#include <ftw.h>

#include "tests/fuzz/fuzz.h"

static char fuzz_dir_path[256];
static pid_t fuzz_dir_owner;

static int
fuzz_remove_one(
	const char *path, const struct stat *stat, int kind, struct FTW *at)
{
	return remove(path);
}

static void
fuzz_dir_remove(void)
{
	/* Children of replay.c end as their parent does. */
	if (getpid() == fuzz_dir_owner)
		(void)nftw(fuzz_dir_path, fuzz_remove_one, 8,
			FTW_DEPTH | FTW_PHYS);
}

/* Returns a descriptor of it. */
static int
fuzz_dir_make(void)
{
	const char *place = getenv("TMPDIR");
	int fd;

	(void)snprintf(fuzz_dir_path, sizeof(fuzz_dir_path),
		"%s/holdfast-fuzz-XXXXXX", place ? place : "/dev/shm");
	CHECK(mkdtemp(fuzz_dir_path));
	fuzz_dir_owner = getpid();
	CHECK(atexit(fuzz_dir_remove) == 0);
	fd = open(fuzz_dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static inline void
fuzz_dir_put(int dirfd, const char *name, const void *data, size_t len)
{
	int fd = openat(
		dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	(void)close(fd);
}

#endif
