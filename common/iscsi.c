/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi.c - iSCSI sessions and their disks, as the kernel shows them in sysfs.
 *
 * Runs in: supervisor, worker.
 * Trusts: the kernel.
 * Invariant: see iscsi.h. No heap but the C library's for a directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "common/iscsi.h"
#include "common/sysfs.h"

enum {
	NAME_SIZE = 64,
	PATH_SIZE = 128,
	SCSI_TYPE_DISK = 0,
	SCSI_TYPE_ZBC = 20, /* a zoned disk */
};

static void
guard_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only ever read from */
}

static int
open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* NULL when it is not there. Leaves dirfd alone. */
static DIR *
list_dir(int dirfd, const char *name)
{
	int fd = open_dir(dirfd, name);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd); /* only ever read from */
	return dir;
}

/* One line, without its end. 0 or -errno. */
static int
read_text(int dirfd, const char *name, char *ret_text, size_t size)
{
	cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	if (len < 0)
		return -errno;
	ret_text[len] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

static int
read_number(int dirfd, const char *name, long *ret_number)
{
	char text[24];
	char *end;
	int result = read_text(dirfd, name, text, sizeof(text));

	if (result < 0)
		return result;
	*ret_number = strtol(text, &end, 10);
	return end == text || *end ? -EINVAL : 0;
}

/* "target7:0:0" is there from the first login on. */
static bool
has_target(int devicefd)
{
	cleanup(guard_closedir) DIR *dir = list_dir(devicefd, ".");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, "target", 6) == 0)
			return true;
	return false;
}

/* The address stands with the connection; a session has one. */
static int
read_portal(int devicefd, struct iscsi_session *session)
{
	char name[2 * NAME_SIZE];
	cleanup_close int fd = -1;
	long port = 0;
	int result;

	(void)snprintf(name, sizeof(name),
		"connection%u:0/iscsi_connection/connection%u:0",
		session->number, session->number);
	fd = open_dir(devicefd, name);
	if (fd < 0)
		return fd;
	result = read_text(fd, "persistent_address", session->address,
		sizeof(session->address));
	if (result == 0)
		result = read_number(fd, "persistent_port", &port);
	session->port = (uint16_t)port;
	return result;
}

static int
read_session(int sessionfd, struct iscsi_session *session)
{
	cleanup_close int devicefd = open_dir(sessionfd, "device");
	long tpgt = 0;
	int result;

	if (devicefd < 0)
		return devicefd;
	result = read_text(
		sessionfd, "state", session->state, sizeof(session->state));
	if (result == 0)
		result = read_text(sessionfd, "targetname", session->target,
			sizeof(session->target));
	if (result == 0)
		result = read_number(sessionfd, "tpgt", &tpgt);
	if (result == 0)
		result = read_text(sessionfd, "ifacename", session->iface,
			sizeof(session->iface));
	if (result == 0)
		result = read_portal(devicefd, session);
	session->tpgt = (uint16_t)tpgt;
	session->has_been_in = iscsi_session_is_in(session) ||
			       strcmp(session->state, "FAILED") == 0 ||
			       has_target(devicefd);
	return result;
}

int
iscsi_session_read(uint32_t number, struct iscsi_session *ret_session)
{
	struct iscsi_session session = {.number = number};
	char name[PATH_SIZE];
	cleanup_close int fd = -1;
	int result;

	(void)snprintf(name, sizeof(name), "%s/session%u", sysfs_iscsi_sessions,
		number);
	fd = open_dir(AT_FDCWD, name);
	result = fd < 0 ? fd : read_session(fd, &session);
	if (result == 0)
		*ret_session = session;
	/* Files vanish one by one as a session goes. */
	return result == -ENODEV || result == -EINVAL ? -ENOENT : result;
}

int
iscsi_session_read_state(uint32_t number, char ret_state[ISCSI_STATE_SIZE])
{
	char name[PATH_SIZE];

	(void)snprintf(name, sizeof(name), "%s/session%u/state",
		sysfs_iscsi_sessions, number);
	return read_text(AT_FDCWD, name, ret_state, ISCSI_STATE_SIZE);
}

/* A number of seconds; "off" and less than 0 are refused. */
static int
read_seconds(uint32_t number, const char *file, uint32_t *ret_seconds)
{
	char name[PATH_SIZE];
	char text[ISCSI_STATE_SIZE];
	int result;

	(void)snprintf(name, sizeof(name), "%s/session%u/%s",
		sysfs_iscsi_sessions, number, file);
	result = read_text(AT_FDCWD, name, text, sizeof(text));
	if (result < 0)
		return result;
	return sscanf(text, "%u", ret_seconds) == 1 ? 0 : -EINVAL;
}

int
iscsi_session_read_timeouts(
	uint32_t number, struct iscsi_timeouts *ret_timeouts)
{
	char name[PATH_SIZE];
	struct iscsi_timeouts timeouts;
	int result = read_seconds(number, "recovery_tmo", &timeouts.recovery_s);

	(void)snprintf(name, sizeof(name),
		"device/connection%u:0/iscsi_connection/connection%u:0/"
		"recv_tmo",
		number, number);
	if (result == 0)
		result = read_seconds(number, name, &timeouts.recv_s);
	memcpy(name + strlen(name) - strlen("recv_tmo"), "ping_tmo",
		strlen("ping_tmo"));
	if (result == 0)
		result = read_seconds(number, name, &timeouts.ping_s);
	if (result == 0)
		*ret_timeouts = timeouts;
	return result;
}

bool
iscsi_session_is_in(const struct iscsi_session *session)
{
	return strcmp(session->state, "LOGGED_IN") == 0;
}

int
iscsi_sessions_each(
	bool (*each)(const struct iscsi_session *session, void *data),
	void *data)
{
	cleanup(guard_closedir) DIR *dir =
		list_dir(AT_FDCWD, sysfs_iscsi_sessions);
	struct iscsi_session session;
	const struct dirent *entry;
	uint32_t number;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "session%u", &number) == 1 &&
			number <= ISCSI_SESSION_MAX &&
			iscsi_session_read(number, &session) == 0 &&
			!each(&session, data))
			break;
	return 0;
}

/* The one entry of a disk's block/; "" while it is not there yet. */
static void
read_disk_name(int devicefd, char name[ISCSI_DISK_SIZE])
{
	cleanup(guard_closedir) DIR *dir = list_dir(devicefd, "block");
	const struct dirent *entry;

	name[0] = '\0';
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
			strlen(entry->d_name) < ISCSI_DISK_SIZE)
			memcpy(name, entry->d_name, strlen(entry->d_name) + 1);
}

/* device is "HOST:CHANNEL:ID:LUN" in a target's directory. */
static void
look_at_device(int targetfd, const char *device,
	void (*each)(uint32_t lun, const char *name, void *data), void *data)
{
	char name[ISCSI_DISK_SIZE];
	cleanup_close int fd = -1;
	unsigned host, channel, id, lun;
	long type;

	if (sscanf(device, "%u:%u:%u:%u", &host, &channel, &id, &lun) != 4)
		return;
	fd = open_dir(targetfd, device);
	if (fd < 0 || read_number(fd, "type", &type) < 0 ||
		(type != SCSI_TYPE_DISK && type != SCSI_TYPE_ZBC))
		return;
	read_disk_name(fd, name);
	each(lun, name, data);
}

int
iscsi_disks_each(uint32_t number,
	void (*each)(uint32_t lun, const char *name, void *data), void *data)
{
	char path[PATH_SIZE];
	cleanup(guard_closedir) DIR *session = NULL;
	const struct dirent *entry, *device;

	(void)snprintf(path, sizeof(path), "%s/session%u/device",
		sysfs_iscsi_sessions, number);
	session = list_dir(AT_FDCWD, path);
	if (!session)
		return -errno;
	while ((entry = readdir(session))) {
		cleanup(guard_closedir) DIR *target = NULL;

		if (strncmp(entry->d_name, "target", 6) != 0)
			continue;
		target = list_dir(dirfd(session), entry->d_name);
		while (target && (device = readdir(target)))
			look_at_device(
				dirfd(target), device->d_name, each, data);
	}
	return 0;
}
