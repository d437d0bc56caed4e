/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keepfile.c - small files of the supervisor's own, whole or not there.
 *
 * Runs in: supervisor.
 * Invariant: see keepfile.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/guard.h"
#include "supervisor/keepfile.h"

enum {
	NAME_SIZE = 128
};

static int
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, data, len);

		if (written < 0)
			return -errno;
		data += written;
		len -= (size_t)written;
	}
	return 0;
}

int
keepfile_write(int dirfd, const char *name, const char *data, size_t len,
	bool is_durable)
{
	char new_name[NAME_SIZE];
	cleanup_close int fd = -1;
	int result;

	if (snprintf(new_name, sizeof(new_name), "%s.new", name) >= NAME_SIZE)
		return -ENAMETOOLONG;
	/* Of a write that was cut off; or not a file at all. */
	(void)unlinkat(dirfd, new_name, 0);
	fd = openat(
		dirfd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	result = write_all(fd, data, len);
	if (result == 0 && is_durable && fdatasync(fd) < 0)
		result = -errno;
	if (result == 0 && renameat(dirfd, new_name, dirfd, name) < 0)
		result = -errno;
	if (result == 0 && is_durable && fsync(dirfd) < 0)
		result = -errno;
	return result;
}

ssize_t
keepfile_read(int dirfd, const char *name, char *ret_text, size_t size)
{
	cleanup_close int fd = openat(
		dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t len = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	if (len < 0)
		return -errno;
	ret_text[len] = '\0';
	return len;
}

int
keepfile_remove(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}
