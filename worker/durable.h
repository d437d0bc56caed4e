/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * durable.h - small files that a power cut leaves whole: the old or the new.
 *
 * Runs in: operation children of workers that write files.
 * Trusts: whoever may write to those directories, but follows no symlink that
 *         stands in a file's own place.
 * Invariant: what is reported as done is on disk.
 */
#ifndef WORKER_DURABLE_H
#define WORKER_DURABLE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* Reads a regular file of less than size bytes; a NUL stands behind them. 0,
 * or -errno: -EFBIG for a larger one, -ELOOP for a symlink. */
int durable_read(const char *path, char *text, size_t size, size_t *ret_len,
	struct stat *ret_stat);
/*
 * Puts the parts, one behind the other, in place of what is at path. temporary
 * is a path on the same file system that nobody else uses meanwhile: whatever
 * is there is removed. With like NULL the file is its maker's alone (0600), else
 * it has that mode, and that owner where we may give it away. 0 or -errno.
 */
int durable_replace(const char *temporary, const char *path,
	const struct stat *like, const struct iovec *parts, int count);
/* 0 as well when there is none; or -errno. */
int durable_remove(const char *path);

#endif
