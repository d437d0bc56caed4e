/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * durable.c - small files that a power cut leaves whole: the old or the new.
 *
 * Runs in: operation children of workers that write files.
 * Trusts: see durable.h.
 * Invariant: a file is synced before it is renamed, and its directory after;
 *            without the first it could be empty, without the second the
 *            change could come later than one that was made after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/guard.h"
#include "worker/durable.h"

enum {
	PATH_SIZE = 1024
};

int
durable_read(const char *path, char *text, size_t size, size_t *ret_len,
	struct stat *ret_stat)
{
	cleanup_close int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, ret_stat) < 0)
		return -errno;
	if (!S_ISREG(ret_stat->st_mode))
		return S_ISDIR(ret_stat->st_mode) ? -EISDIR : -EINVAL;
	while (n > 0 && len < size) {
		n = read(fd, text + len, size - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (len == size)
		return -EFBIG;
	text[len] = '\0';
	*ret_len = len;
	return 0;
}

static int
sync_parent(const char *path)
{
	char parent[PATH_SIZE];
	cleanup_close int fd = -1;
	char *slash;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int
write_file(
	int fd, const struct stat *like, const struct iovec *parts, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += parts[i].iov_len;
	if (writev(fd, parts, count) != (ssize_t)len)
		return -EIO;
	if (like) {
		/* Without CAP_CHOWN only root's files remain whose they were.
		 * The owner first: the change takes bits of the mode away. */
		(void)!fchown(fd, like->st_uid, like->st_gid);
		if (fchmod(fd, like->st_mode & 07777) < 0)
			return -errno;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int
durable_replace(const char *temporary, const char *path,
	const struct stat *like, const struct iovec *parts, int count)
{
	cleanup_close int fd = -1;
	int result;

	(void)unlink(temporary); /* of an attempt that was killed */
	fd = open(temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	result = write_file(fd, like, parts, count);
	if (result == 0 && rename(temporary, path) < 0)
		result = -errno;
	if (result < 0)
		(void)unlink(temporary); /* nobody reads it */
	return result < 0 ? result : sync_parent(path);
}

int
durable_remove(const char *path)
{
	if (unlink(path) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return sync_parent(path);
}
