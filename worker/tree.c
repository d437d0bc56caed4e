/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree.c - reads trees of small files below a directory: /proc, /sys.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel, which made the trees; no text in them.
 * Invariant: see tree.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/guard.h"
#include "worker/finding.h"
#include "worker/scan_text.h"
#include "worker/tree.h"

enum {
	ENTRIES_MAX = 1 << 20
};

bool
tree_is_gone(int errnum)
{
	/* ENODEV: an attribute whose device went after it was opened. */
	return errnum == ENOENT || errnum == ESRCH || errnum == ENODEV ||
	       errnum == ENOTDIR;
}

bool
tree_has(int dirfd, const char *path)
{
	struct stat stat;

	if (fstatat(dirfd, path, &stat, 0) == 0)
		return true;
	if (!tree_is_gone(errno))
		finding_missed(path, errno);
	return false;
}

int
tree_open(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

FILE *
tree_open_file(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "re");

	if (!file && fd >= 0)
		(void)close(fd); /* only ever read from */
	return file;
}

bool
tree_read_link(int dirfd, const char *path, char *ret_text, size_t size)
{
	ssize_t len = readlinkat(dirfd, path, ret_text, size - 1);

	if (len < 0)
		return false;
	ret_text[len] = '\0';
	return true;
}

bool
tree_read(int dirfd, const char *path, char *ret_text, size_t size)
{
	cleanup_close int fd =
		openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = 0;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && len < size - 1) {
		n = read(fd, ret_text + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0) {
		if (!tree_is_gone(errno))
			finding_missed(path, errno);
		return false;
	}
	ret_text[len] = '\0';
	if (len > 0 && ret_text[len - 1] == '\n')
		ret_text[len - 1] = '\0';
	return true;
}

bool
tree_read_number(
	int dirfd, const char *path, uint32_t *ret_major, uint32_t *ret_minor)
{
	char text[32];

	if (!tree_read(dirfd, path, text, sizeof(text)))
		return false;
	if (scan_read_number(text, ret_major, ret_minor))
		return true;
	finding_missed(path, EBADMSG);
	return false;
}

void
guard_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only ever read from */
}

int
tree_each(int dirfd, const char *path,
	bool (*see)(int dirfd, const char *name, void *data), void *data)
{
	int fd = tree_open(dirfd, path);
	cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		int errnum = errno;

		guard_close(&fd);
		return -errnum;
	}
	for (int i = 0; i < ENTRIES_MAX; i++) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (entry->d_name[0] == '.')
			continue;
		if (finding_is_over() || !see(fd, entry->d_name, data))
			return 0;
	}
	return -E2BIG;
}

/* Where tree_match() stands: what is behind the path so far. */
struct match {
	int dirfd;
	const char *path; /* "" or ends in "/" */
	const char *pattern;
	void (*see)(int dirfd, const char *path, void *data);
	void *data;
};

static void match_rest(const struct match *match);

static bool
match_entry(int dirfd, const char *name, void *data)
{
	const struct match *match = data;
	size_t len = strcspn(match->pattern, "/");
	const char *rest = match->pattern + len;
	char path[TREE_PATH_MAX];
	struct match next = *match;

	if (strncmp(name, match->pattern, len - 1) != 0)
		return true;
	if (snprintf(path, sizeof(path), "%s%s%s", match->path, name,
		    *rest ? "/" : "") >= (int)sizeof(path)) {
		finding_missed(match->path, ENAMETOOLONG);
		return true;
	}
	next.path = path;
	next.pattern = *rest ? rest + 1 : rest;
	match_rest(&next);
	return true;
}

/* Components without a star are taken as they are; a path ends. */
static void
match_rest(const struct match *match)
{
	size_t len = strcspn(match->pattern, "*");
	char path[TREE_PATH_MAX];
	struct match next = *match;
	int result;

	/* What stands before the star in its component is matched with it. */
	if (match->pattern[len] == '*')
		while (len > 0 && match->pattern[len - 1] != '/')
			len--;
	if (snprintf(path, sizeof(path), "%s%.*s", match->path, (int)len,
		    match->pattern) >= (int)sizeof(path)) {
		finding_missed(match->path, ENAMETOOLONG);
		return;
	}
	if (match->pattern[len] == '\0') {
		match->see(match->dirfd, path, match->data);
		return;
	}
	next.path = path;
	next.pattern = match->pattern + len;
	result = tree_each(
		match->dirfd, path[0] ? path : ".", match_entry, &next);
	if (result < 0 && !tree_is_gone(-result))
		finding_missed(path, -result);
}

void
tree_match(int dirfd, const char *pattern,
	void (*see)(int dirfd, const char *path, void *data), void *data)
{
	struct match match = {dirfd, "", pattern, see, data};

	match_rest(&match);
}

bool
tree_component(const char *path, unsigned number, char *ret_name, size_t size)
{
	size_t len;

	for (; number > 0; number--) {
		path = strchr(path, '/');
		if (!path)
			return false;
		path++;
	}
	len = strcspn(path, "/");
	if (len >= size)
		return false;
	memcpy(ret_name, path, len);
	ret_name[len] = '\0';
	return true;
}
