/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * credential_file.c - credentials on disk: one small file a connection.
 *
 * Runs in: supervisor. The only code that opens these files.
 * Trusts: nothing that it reads: a checksum decides.
 * Invariant: a file is written under another name, flushed, renamed, and the
 *            directory flushed; so there is the old one or the new one.
 *
 * Not a second TDB: there are few, each is replaced as a whole and read once,
 * and a file that is unlinked leaves no secret in a free list.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/guard.h"
#include "proto/uri.h"
#include "supervisor/crc32c.h"
#include "supervisor/credential.h"
#include "supervisor/credential_text.h"

enum {
	NAME_SIZE = 32
};

/* KEY, KEY.new and KEY.tmp: current, staged, being written. */
static void
write_name(uint64_t key, const char *suffix, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "%016" PRIx64 "%s", key, suffix);
}

int
credential_open_dir(const char *state_dir)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/credentials", state_dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void
add_line(char *text, const char *name, const char *value)
{
	size_t len = strlen(text);

	if (*value)
		(void)snprintf(text + len, CREDENTIAL_TEXT_SIZE - len,
			"%s = %s\n", name, value);
}

/* All lines, the checksum of those above last. */
static void
write_text(const char *uri, const struct credential *credential, char *text)
{
	const struct iscsi_auth *auth = &credential->auth;
	char number[16];

	text[0] = '\0';
	(void)snprintf(number, sizeof(number), "%u", (unsigned)credential->uid);
	add_line(text, "uri", uri);
	add_line(text, "uid", number);
	add_line(text, "name", credential->name);
	if (!*credential->name) {
		add_line(text, "username", auth->username);
		add_line(text, "password", auth->password);
		add_line(text, "username_in", auth->username_in);
		add_line(text, "password_in", auth->password_in);
	}
	(void)snprintf(number, sizeof(number), "%08" PRIx32,
		crc32c(0, text, strlen(text)));
	add_line(text, "crc", number);
}

static int
write_file(int dirfd, const char *name, const char *text)
{
	size_t len = strlen(text);
	cleanup_close int fd = openat(dirfd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		return -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

int
credential_stage(int dirfd, uint64_t key, const char *uri,
	const struct credential *credential)
{
	char text[CREDENTIAL_TEXT_SIZE];
	char written[NAME_SIZE], staged[NAME_SIZE];
	int result;

	write_name(key, ".tmp", written);
	write_name(key, ".new", staged);
	write_text(uri, credential, text);
	(void)unlinkat(dirfd, written, 0); /* of one that was killed */
	result = write_file(dirfd, written, text);
	explicit_bzero(text, sizeof(text));
	if (result == 0 && renameat(dirfd, written, dirfd, staged) < 0)
		result = -errno;
	if (result == 0 && fsync(dirfd) < 0)
		result = -errno;
	if (result < 0) {
		(void)unlinkat(dirfd, written, 0); /* it says nothing */
		credential_cancel(dirfd, key);	   /* nobody commits it */
	}
	return result;
}

int
credential_commit(int dirfd, uint64_t key)
{
	char name[NAME_SIZE], staged[NAME_SIZE];

	write_name(key, "", name);
	write_name(key, ".new", staged);
	if (renameat(dirfd, staged, dirfd, name) < 0)
		return -errno;
	return fsync(dirfd) < 0 ? -errno : 0;
}

void
credential_cancel(int dirfd, uint64_t key)
{
	char staged[NAME_SIZE];

	write_name(key, ".new", staged);
	/* What stays is committed or swept at the next start. */
	(void)unlinkat(dirfd, staged, 0);
}

void
credential_remove(int dirfd, uint64_t key)
{
	char name[NAME_SIZE];

	write_name(key, "", name);
	(void)unlinkat(dirfd, name, 0); /* swept at the next start else */
	credential_cancel(dirfd, key);
}

/* Takes the checksum's line off; false when it is not right. */
static bool
check_text(char *text)
{
	static const char start[] = "\ncrc = ";
	char *line = strstr(text, start);
	unsigned long crc;
	char *end;

	if (!line)
		return false;
	crc = strtoul(line + sizeof(start) - 1, &end, 16);
	line[1] = '\0';
	return strcmp(end, "\n") == 0 && crc == crc32c(0, text, strlen(text));
}

static bool
read_text(char *text, const char *uri, struct credential *credential)
{
	struct iscsi_auth *auth = &credential->auth;
	char owner_uri[URI_MAX] = "";
	char uid[16] = "";
	const struct credential_field fields[] = {
		{"uri", owner_uri, sizeof(owner_uri)},
		{"uid", uid, sizeof(uid)},
		{"name", credential->name, sizeof(credential->name)},
		{"username", auth->username, sizeof(auth->username)},
		{"password", auth->password, sizeof(auth->password)},
		{"username_in", auth->username_in, sizeof(auth->username_in)},
		{"password_in", auth->password_in, sizeof(auth->password_in)},
	};

	if (!check_text(text) ||
		credential_text_read(text, fields, ARRAY_SIZE(fields)) != 0)
		return false;
	credential->uid = (uid_t)strtoul(uid, NULL, 10);
	return strcmp(owner_uri, uri) == 0;
}

int
credential_load(int dirfd, uint64_t key, const char *uri,
	struct credential *ret_credential)
{
	struct credential credential = {0};
	char text[CREDENTIAL_TEXT_SIZE];
	char name[NAME_SIZE];
	cleanup_close int fd = -1;
	ssize_t len;
	bool is_good;

	(void)credential_commit(dirfd, key); /* mostly there is none */
	write_name(key, "", name);
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len < 0)
		return -errno;
	text[len] = '\0';
	is_good = read_text(text, uri, &credential);
	if (is_good)
		*ret_credential = credential;
	explicit_bzero(text, sizeof(text));
	explicit_bzero(&credential, sizeof(credential));
	return is_good ? 0 : -EBADMSG;
}

void
credential_sweep(
	int dirfd, bool (*is_known)(uint64_t key, void *data), void *data)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *end;
		uint64_t key = strtoull(entry->d_name, &end, 16);

		if (end != entry->d_name + 16)
			continue;
		/* One that was being written is nobody's. */
		if (!is_known(key, data) || strcmp(end, ".tmp") == 0)
			(void)unlinkat(dirfd, entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir); /* only ever read from */
}
