/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsiadm_sysfs.c - a view of sysfs in which iscsiadm needs no capability.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: the kernel.
 * Invariant: all is a link into /sys, but for the transports: of these there
 *            are copies, with a handle that means nothing.
 *
 * Before it asks iscsid for a logout, iscsiadm reads each transport's handle,
 * which the kernel shows to CAP_SYS_ADMIN alone (show_transport_handle() in
 * drivers/scsi/scsi_transport_iscsi.c), and gives up silently without. It makes
 * no use of it: iscsid alone speaks to the kernel, and has its own. Rather than
 * give a worker that is root the right to mount, we have iscsiadm look here:
 * SYSFS_PATH in usr/sysfs.c of open-iscsi.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/guard.h"
#include "worker/iscsiadm_sysfs.h"

#define TRANSPORTS "class/iscsi_transport"

enum {
	PATH_SIZE = 512,
	VALUE_SIZE = 64
};

static int
make_dir(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int
make_links(void)
{
	static const char *const shown[] = {"bus", "devices",
		"class/iscsi_session", "class/iscsi_connection",
		"class/iscsi_host", "class/iscsi_endpoint", "class/iscsi_iface",
		"class/scsi_host"};

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		char there[PATH_SIZE], here[PATH_SIZE];

		(void)snprintf(there, sizeof(there), "/sys/%s", shown[i]);
		(void)snprintf(
			here, sizeof(here), ISCSIADM_SYSFS "/%s", shown[i]);
		if (symlink(there, here) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int
write_value(const char *path, const char *value)
{
	size_t len = strlen(value);
	cleanup_close int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	return write(fd, value, len) == (ssize_t)len ? 0 : -EIO;
}

static int
read_value(const char *path, char value[VALUE_SIZE])
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, value, VALUE_SIZE - 1);

	if (len < 0)
		return -errno;
	value[len] = '\0';
	return 0;
}

static int
copy_transport(const char *name)
{
	char path[PATH_SIZE], caps[VALUE_SIZE];
	int result;

	(void)snprintf(
		path, sizeof(path), "/sys/" TRANSPORTS "/%.64s/caps", name);
	result = read_value(path, caps);
	if (result < 0)
		return result;
	(void)snprintf(path, sizeof(path),
		ISCSIADM_SYSFS "/" TRANSPORTS "/%.64s", name);
	result = make_dir(path);
	(void)snprintf(path, sizeof(path),
		ISCSIADM_SYSFS "/" TRANSPORTS "/%.64s/caps", name);
	if (result == 0)
		result = write_value(path, caps);
	(void)snprintf(path, sizeof(path),
		ISCSIADM_SYSFS "/" TRANSPORTS "/%.64s/handle", name);
	return result == 0 ? write_value(path, "1\n") : result;
}

static void
guard_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only ever read from */
}

static int
copy_transports(void)
{
	cleanup(guard_closedir) DIR *dir = opendir("/sys/" TRANSPORTS);
	const struct dirent *entry;
	int result = dir ? 0 : -errno;

	while (result == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			result = copy_transport(entry->d_name);
	return result;
}

int
iscsiadm_sysfs_make(void)
{
	static const char *const dirs[] = {ISCSIADM_SYSFS,
		ISCSIADM_SYSFS "/class", ISCSIADM_SYSFS "/" TRANSPORTS};
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(dirs); i++)
		result = make_dir(dirs[i]);
	if (result == 0)
		result = make_links();
	return result == 0 ? copy_transports() : result;
}
