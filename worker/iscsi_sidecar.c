/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_sidecar.c - whose a node record is, and what it was before.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: see iscsi_sidecar.h.
 * Invariant: see iscsi_sidecar.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/guard.h"
#include "common/hash.h"
#include "worker/durable.h"
#include "worker/iscsi_sidecar.h"
#include "worker/open_iscsi.h"

#define PREFIX "/.holdfast-"

enum {
	HEADER_MAX = 4096,
	BUFFER_SIZE = HEADER_MAX + ISCSI_RECORD_MAX,
	HASH_DIGITS = 16,
	ENTRIES_MAX = 16384 /* of a base; it has a few, and one a record */
};

/* Not of a whole base: anybody may open that, and lock it for ever. */
static int
lock_base(const char *base, int *ret_fd)
{
	char path[ISCSI_RECORD_PATH_SIZE];
	struct stat stat = {.st_nlink = 0};
	cleanup_close int fd = -1;

	(void)snprintf(path, sizeof(path), "%s" PREFIX "lock", base);
	/* Whoever had it before has removed it at its end. */
	while (stat.st_nlink == 0) {
		guard_close(&fd);
		fd = open(
			path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &stat) < 0)
			return -errno;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int
iscsi_lock_take(struct iscsi_lock *ret_lock)
{
	int result = -ENOENT;

	ret_lock->fd = -1;
	for (size_t i = 0; i < OPEN_ISCSI_BASES; i++) {
		ret_lock->base = open_iscsi.bases[i];
		result = lock_base(ret_lock->base, &ret_lock->fd);
		/* The second: the place where a host's would be. */
		if (result != -ENOENT && result != -ENOTDIR && result != -EROFS)
			return result;
	}
	return result;
}

void
iscsi_lock_release(struct iscsi_lock *lock)
{
	char path[ISCSI_RECORD_PATH_SIZE];
	struct stat stat;

	if (lock->fd < 0)
		return;
	(void)snprintf(path, sizeof(path), "%s" PREFIX "lock", lock->base);
	/* One with something in it was made by somebody else. */
	if (fstat(lock->fd, &stat) == 0 && stat.st_size == 0)
		(void)unlink(path); /* one that stays is taken next time */
	guard_close(&lock->fd);
	lock->fd = -1;
}

void
iscsi_sidecar_done(struct iscsi_sidecar *sidecar)
{
	if (sidecar->buffer)
		explicit_bzero(sidecar->buffer, BUFFER_SIZE);
	free(sidecar->buffer);
	sidecar->buffer = NULL;
}

static void
write_path(const char *base, const char *place, const char *suffix,
	char ret_path[ISCSI_RECORD_PATH_SIZE])
{
	(void)snprintf(ret_path, ISCSI_RECORD_PATH_SIZE,
		"%s" PREFIX "%016" PRIx64 "%s", base, hash_text(place), suffix);
}

/* Behind the word and a blank, up to the end of the line. */
static bool
read_line(const char **at, const char *word, char *ret_text, size_t size)
{
	size_t word_len = strlen(word);
	size_t len;

	if (strncmp(*at, word, word_len) != 0 || (*at)[word_len] != ' ')
		return false;
	*at += word_len + 1;
	len = strcspn(*at, "\n");
	if (len == 0 || len >= size || (*at)[len] != '\n')
		return false;
	memcpy(ret_text, *at, len);
	ret_text[len] = '\0';
	*at += len + 1;
	return true;
}

/* "MODE UID GID BASE" or "none". */
static bool
read_original(const char *text, struct iscsi_sidecar *sidecar)
{
	int at = -1;
	unsigned mode, uid, gid;

	sidecar->base = NULL;
	if (strcmp(text, "none") == 0)
		return true;
	if (sscanf(text, "%o %u %u %n", &mode, &uid, &gid, &at) != 3 || at < 0)
		return false;
	sidecar->stat =
		(struct stat){.st_mode = mode, .st_uid = uid, .st_gid = gid};
	for (size_t i = 0; i < OPEN_ISCSI_BASES; i++)
		if (strcmp(text + at, open_iscsi.bases[i]) == 0)
			sidecar->base = open_iscsi.bases[i];
	return sidecar->base != NULL;
}

/* A path that leads nowhere but to a record: "nodes/X/X/X". */
static bool
is_place(const char *text)
{
	static const char first[] = "nodes/";
	unsigned slashes = 0;

	if (strncmp(text, first, strlen(first)) != 0)
		return false;
	for (const char *at = text; *at; at++)
		if (*at == '/') {
			slashes++;
			if (at[1] == '/' || at[1] == '.' || at[1] == '\0')
				return false;
		}
	return slashes == 3;
}

static bool
read_header(struct iscsi_sidecar *sidecar, size_t len)
{
	char original[HEADER_MAX];
	char version[2];
	const char *at = sidecar->buffer;

	if (!read_line(&at, "holdfast record", version, sizeof(version)) ||
		strcmp(version, "1") != 0 ||
		!read_line(
			&at, "owner", sidecar->owner, sizeof(sidecar->owner)) ||
		!read_line(&at, "record", sidecar->place,
			sizeof(sidecar->place)) ||
		!is_place(sidecar->place) ||
		!read_line(&at, "original", original, sizeof(original)) ||
		!read_original(original, sidecar))
		return false;
	sidecar->text = at;
	sidecar->len = len - (size_t)(at - sidecar->buffer);
	return true;
}

/* Of sidecar->path. 0, or -errno: -EEXIST when it is no sidecar. */
static int
read_sidecar(struct iscsi_sidecar *sidecar)
{
	struct stat stat;
	size_t len;
	int result;

	if (!sidecar->buffer)
		sidecar->buffer = malloc(BUFFER_SIZE);
	if (!sidecar->buffer)
		return -ENOMEM;
	result = durable_read(
		sidecar->path, sidecar->buffer, BUFFER_SIZE, &len, &stat);
	if (result == -ENOENT || result == -ENOTDIR)
		return -ENOENT;
	if (result == -ELOOP || result == -EISDIR || result == -EINVAL ||
		result == -EFBIG)
		return -EEXIST;
	if (result < 0)
		return result;
	return read_header(sidecar, len) ? 0 : -EEXIST;
}

int
iscsi_sidecar_find(const char *place, struct iscsi_sidecar *ret_sidecar)
{
	int result = -ENOENT;

	for (size_t i = 0; result == -ENOENT && i < OPEN_ISCSI_BASES; i++) {
		write_path(open_iscsi.bases[i], place, "", ret_sidecar->path);
		result = read_sidecar(ret_sidecar);
	}
	if (result == 0 && strcmp(ret_sidecar->place, place) != 0)
		return -EEXIST;
	return result;
}

int
iscsi_sidecar_write(
	const struct iscsi_lock *lock, const struct iscsi_sidecar *sidecar)
{
	char path[ISCSI_RECORD_PATH_SIZE];
	char temporary[ISCSI_RECORD_PATH_SIZE];
	char original[ISCSI_RECORD_PATH_SIZE + 64];
	char header[HEADER_MAX];
	int len;

	if (sidecar->base)
		(void)snprintf(original, sizeof(original), "%o %u %u %s",
			sidecar->stat.st_mode & 07777, sidecar->stat.st_uid,
			sidecar->stat.st_gid, sidecar->base);
	len = snprintf(header, sizeof(header),
		"holdfast record 1\nowner %s\nrecord %s\noriginal %s\n",
		sidecar->owner, sidecar->place,
		sidecar->base ? original : "none");
	if (len >= HEADER_MAX)
		return -ENAMETOOLONG;
	write_path(lock->base, sidecar->place, "", path);
	write_path(lock->base, sidecar->place, ".new", temporary);
	return durable_replace(temporary, path, NULL,
		(struct iovec[]){{header, (size_t)len},
			{(char *)sidecar->text,
				sidecar->base ? sidecar->len : 0}},
		2);
}

int
iscsi_sidecar_replace_record(const char *base, const char *place,
	const struct stat *like, const char *text, size_t len)
{
	char path[ISCSI_RECORD_PATH_SIZE];
	char temporary[ISCSI_RECORD_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/%s", base, place);
	write_path(base, place, ".record", temporary);
	return durable_replace(
		temporary, path, like, &(struct iovec){(char *)text, len}, 1);
}

/* What stands behind ".holdfast-HASH"; NULL when the name is another. */
static const char *
suffix_of(const char *name)
{
	static const char prefix[] = PREFIX;
	size_t len = sizeof(prefix) - 2; /* without "/" and NUL */

	if (strncmp(name, prefix + 1, len) != 0 ||
		strspn(name + len, "0123456789abcdef") != HASH_DIGITS)
		return NULL;
	return name + len + HASH_DIGITS;
}

static void
each_of_base(const char *base, struct iscsi_sidecar *sidecar,
	void (*each)(const struct iscsi_sidecar *sidecar, void *data),
	void *data)
{
	DIR *dir = opendir(base);
	const struct dirent *entry;

	for (int i = 0; dir && i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
		const char *suffix = suffix_of(entry->d_name);
		char expected[ISCSI_RECORD_PATH_SIZE];

		if (!suffix || snprintf(sidecar->path, sizeof(sidecar->path),
				       "%s/%s", base, entry->d_name) >=
				       (int)sizeof(sidecar->path))
			continue;
		if (strcmp(suffix, ".new") == 0 ||
			strcmp(suffix, ".record") == 0)
			(void)durable_remove(sidecar->path); /* next time */
		if (*suffix || read_sidecar(sidecar) < 0)
			continue;
		write_path(base, sidecar->place, "", expected);
		if (strcmp(sidecar->path, expected) == 0)
			each(sidecar, data);
	}
	if (dir)
		(void)closedir(dir); /* only read from */
}

void
iscsi_sidecars_each(
	void (*each)(const struct iscsi_sidecar *sidecar, void *data),
	void *data)
{
	cleanup(iscsi_sidecar_done) struct iscsi_sidecar sidecar = {0};

	for (size_t i = 0; i < OPEN_ISCSI_BASES; i++)
		each_of_base(open_iscsi.bases[i], &sidecar, each, data);
}
