/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keepfile.h - small files of the supervisor's own, whole or not there.
 *
 * Runs in: supervisor.
 * Trusts: nobody for what stands in one: who reads it checks it.
 * Invariant: written under another name ("NAME.new") and renamed; never through
 *            a link; for the supervisor's eyes alone.
 */
#ifndef SUPERVISOR_KEEPFILE_H
#define SUPERVISOR_KEEPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Replaces the file. is_durable: it is on the disk before it is renamed. 0 or
 * -errno; the old file is there still then. */
int keepfile_write(int dirfd, const char *name, const char *data, size_t len,
	bool is_durable);
/* The first size - 1 bytes of it, and a NUL. How many, or -errno: -ENOENT when
 * there is none. */
ssize_t keepfile_read(int dirfd, const char *name, char *ret_text, size_t size);
/* 0 or -errno; 0 as well when there is none. */
int keepfile_remove(int dirfd, const char *name);

#endif
