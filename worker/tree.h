/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree.h - reads trees of small files below a directory: /proc, /sys.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel, which made the trees; no text in them.
 * Invariant: what is not there is no fault: processes and devices go while they
 *            are looked at. Any other failure is told to finding_missed().
 */
#ifndef WORKER_TREE_H
#define WORKER_TREE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Whether errnum only says that it, or the process it belongs to, has gone. */
bool tree_is_gone(int errnum);
bool tree_has(int dirfd, const char *path);
/* A directory, or -1 with errno. */
int tree_open(int dirfd, const char *path);
/* NULL with errno. */
FILE *tree_open_file(int dirfd, const char *path);
/* A link's text, NUL-terminated; false with errno. */
bool tree_read_link(int dirfd, const char *path, char *ret_text, size_t size);
/* A file's text up to size, NUL-terminated, without the last newline. False
 * when it has none; anything but its absence is told. */
bool tree_read(int dirfd, const char *path, char *ret_text, size_t size);
/* A file that holds "8:16". */
bool tree_read_number(
	int dirfd, const char *path, uint32_t *ret_major, uint32_t *ret_minor);

/*
 * Calls see() for each entry but those that begin with a dot, until it returns
 * false or time is over; dirfd is the directory's. 0, or -errno, which nobody
 * was told then.
 */
int tree_each(int dirfd, const char *path,
	bool (*see)(int dirfd, const char *name, void *data), void *data);

enum {
	TREE_PATH_MAX = 512
};
/*
 * Calls see() for each path that the pattern stands for. A component "*" or
 * "NAME*" stands for all entries that begin so; any other for itself, there or
 * not. path is relative to dirfd.
 */
void tree_match(int dirfd, const char *pattern,
	void (*see)(int dirfd, const char *path, void *data), void *data);
/* Component number, from 0, of a path; false when it has fewer. */
bool tree_component(
	const char *path, unsigned number, char *ret_name, size_t size);

void guard_closedir(DIR **dir);
#define cleanup_closedir cleanup(guard_closedir)

#endif
