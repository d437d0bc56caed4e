/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree.h - a directory of files that a test has made, and is in.
 *
 * Runs in: tests.
 * Invariant: paths are relative to the working directory, which tree_set_up()
 *            makes and tree_tear_down() removes with all that is in it.
 */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_root[64];

static int
tree_remove_one(
	const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

/* All below path as well; what is not there is fine. */
static inline void
tree_remove(const char *path)
{
	(void)nftw(path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int
tree_set_up(void **state)
{
	(void)snprintf(
		tree_root, sizeof(tree_root), "/tmp/holdfast-test-XXXXXX");
	return mkdtemp(tree_root) && chdir(tree_root) == 0 ? 0 : -1;
}

static inline int
tree_tear_down(void **state)
{
	if (chdir("/") < 0)
		return -1;
	tree_remove(tree_root);
	return 0;
}

/* The directory that path is in, and those above it. */
static inline void
tree_make_parents(const char *path)
{
	char copy[1024];

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *at = copy + 1; *at; at++)
		if (*at == '/') {
			*at = '\0';
			if (mkdir(copy, 0755) < 0)
				assert_int_equal(errno, EEXIST);
			*at = '/';
		}
}

static inline void
tree_write_bytes(const char *path, const char *bytes, size_t len)
{
	int fd;

	tree_make_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	(void)close(fd); /* the test reads what is in there */
}

static inline void
tree_write(const char *path, const char *text)
{
	tree_write_bytes(path, text, strlen(text));
}

/* The length; -1 when there is no such file. text has a NUL behind it. */
static inline ssize_t
tree_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	text[len < 0 ? 0 : len] = '\0';
	if (fd >= 0)
		(void)close(fd); /* only read from */
	return len;
}

static inline int
tree_has(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) == 0;
}

/* Permissions of what is there, -1 for nothing. */
static inline int
tree_mode(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) == 0 ? (int)(stat.st_mode & 07777) : -1;
}

#endif
