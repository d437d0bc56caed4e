/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_kernel.c - users of an iSCSI session's disks inside the kernel.
 *
 * Runs in: the scanner's child.
 * Trusts: /sys and /proc; configfs and udev for the names in them, which root
 *         chose.
 * Invariant: a path that names a device, and cannot be followed, counts as
 *            missed.
 *
 * A file system may be in use where no mount shows it: unmounted lazily, in a
 * namespace without processes, or with its journal on another disk. Most have a
 * directory of the device's name in /sys/fs or /proc/fs as long as they live.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "worker/finding.h"
#include "worker/proc.h"
#include "worker/scan_kernel.h"
#include "worker/scan_text.h"
#include "worker/tree.h"

enum {
	TEXT_MAX = 4096,
	UDEV_MAX = 16384,
	WORD_MAX = 64,
};

static const char exports_of_lio[] = "sys/kernel/config/target/core/*/*/info";
static const char exports_of_nvme[] =
	"sys/kernel/config/nvmet/subsystems/*/namespaces/*/device_path";

static bool
see_swap(char *text, void *data)
{
	struct swap_line line;
	struct disk *disk;

	if (!scan_read_swap(text, &line) || !line.is_partition)
		return true;
	if (disks_at(data, line.path, &disk) < 0)
		finding_missed(line.path, ENODEV);
	else if (disk)
		finding_holder(0, HOLDER_SWAP, line.path);
	return true;
}

void
kernel_find_swaps(struct disks *disks, int procfd)
{
	finding_look(0, "swaps");
	proc_read_lines(procfd, "swaps", see_swap, disks);
}

/* --- exports --- */

static void
tell_export(const char *path, unsigned first, unsigned second)
{
	char a[TREE_PATH_MAX] = "";
	char b[TREE_PATH_MAX] = "";
	char text[2 * TREE_PATH_MAX];

	(void)tree_component(path, first, a, sizeof(a));
	(void)tree_component(path, second, b, sizeof(b));
	(void)snprintf(text, sizeof(text), "%s/%s", a, b);
	finding_holder(0, HOLDER_EXPORT, text);
}

static bool
is_scsi_ours(const struct disks *disks, const char *text)
{
	unsigned channel, id, host;
	unsigned long lun;
	char name[DISK_NAME_MAX];

	text = strstr(text, "Channel ID: ");
	if (!text || sscanf(text,
			     "Channel ID: %u Target ID: %u LUN: %lu Host ID: "
			     "%u",
			     &channel, &id, &lun, &host) != 4)
		return false;
	(void)snprintf(
		name, sizeof(name), "%u:%u:%u:%lu", host, channel, id, lun);
	for (size_t i = 0; i < disks->count; i++)
		if (strcmp(disks->disks[i].scsi, name) == 0)
			return true;
	return false;
}

static bool
is_number_ours(struct disks *disks, const char *text)
{
	unsigned major, minor;

	text = strstr(text, "Major: ");
	return text &&
	       sscanf(text, "Major: %u Minor: %u", &major, &minor) == 2 &&
	       disks_find(disks, major, minor);
}

/* "File: /dev/sda  Size: ..." */
static bool
is_file_ours(struct disks *disks, const char *text)
{
	char path[TEXT_MAX];
	char *end;
	struct disk *disk = NULL;
	int result;

	text = strstr(text, "File: ");
	if (!text)
		return false;
	(void)snprintf(path, sizeof(path), "%s", text + strlen("File: "));
	end = strstr(path, "  Size: ");
	if (end)
		*end = '\0';
	result = disks_at(disks, path, &disk);
	if (result < 0)
		disks_at_failed(disks, path, result);
	return disk;
}

/* What the file `enable` beside this one says. */
static bool
is_enabled(int hostfd, const char *path)
{
	char place[TREE_PATH_MAX];
	char text[8];
	size_t len = (size_t)(strrchr(path, '/') - path);

	(void)snprintf(place, sizeof(place), "%.*s/enable", (int)len, path);
	return !tree_read(hostfd, place, text, sizeof(text)) ||
	       strcmp(text, "0") != 0;
}

/* .../core/iblock_0/NAME/info */
static void
see_lio(int hostfd, const char *path, void *data)
{
	char text[TEXT_MAX];

	if (!is_enabled(hostfd, path) ||
		!tree_read(hostfd, path, text, sizeof(text)))
		return;
	if (is_number_ours(data, text) || is_scsi_ours(data, text) ||
		is_file_ours(data, text))
		tell_export(path, 5, 6);
}

/* .../subsystems/NQN/namespaces/1/device_path */
static void
see_nvme(int hostfd, const char *path, void *data)
{
	char text[TEXT_MAX];
	struct disk *disk;
	int result;

	if (!is_enabled(hostfd, path) ||
		!tree_read(hostfd, path, text, sizeof(text)))
		return;
	result = disks_at(data, text, &disk);
	if (result < 0)
		disks_at_failed(data, text, result);
	else if (disk)
		tell_export(path, 5, 7);
}

void
kernel_find_exports(struct disks *disks)
{
	tree_match(disks->hostfd, exports_of_lio, see_lio, disks);
	tree_match(disks->hostfd, exports_of_nvme, see_nvme, disks);
}

/* --- file systems --- */

static void
tell_file_system(struct disk *disk, const char *path)
{
	char type[WORD_MAX];
	char text[WORD_MAX + DISK_NAME_MAX + 8];

	if (disk->is_mounted || !tree_component(path, 1, type, sizeof(type)))
		return;
	disk->is_mounted = true;
	(void)snprintf(text, sizeof(text), "%s on %s", type, disk->name);
	finding_holder(0, HOLDER_FILE_SYSTEM, text);
}

/* fs/TYPE/.../DEVICE */
static void
see_file_system(int dirfd, const char *path, void *data)
{
	struct disks *disks = data;
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < disks->count; i++)
		if (disks->disks[i].name[0] && !disks->disks[i].is_character &&
			scan_is_named_for(name, disks->disks[i].name))
			tell_file_system(&disks->disks[i], path);
}

/* fs/TYPE/.../block, a link to the device */
static void
see_member(int dirfd, const char *path, void *data)
{
	char text[TREE_PATH_MAX];
	const char *name;
	struct disk *disk;

	if (!tree_read_link(dirfd, path, text, sizeof(text))) {
		if (!tree_is_gone(errno))
			finding_missed(path, errno);
		return;
	}
	name = strrchr(text, '/');
	disk = disks_named(data, name ? name + 1 : text);
	if (disk)
		tell_file_system(disk, path);
}

void
kernel_find_file_systems(struct disks *disks, int procfd)
{
	finding_look(0, "fs");
	tree_match(
		disks->sysfd, "fs/btrfs/*/devices/*", see_file_system, disks);
	tree_match(
		disks->sysfd, "fs/bcachefs/*/dev-*/block", see_member, disks);
	tree_match(disks->sysfd, "fs/*/*", see_file_system, disks);
	tree_match(procfd, "fs/*/*", see_file_system, disks);
}

/* --- doubts --- */

/* What udev says of a device's content. */
struct content {
	char type[WORD_MAX];
	char usage[WORD_MAX];
};

static void
copy_value(const char *text, const char *key, char *value)
{
	const char *at = strstr(text, key);

	value[0] = '\0';
	if (at)
		(void)snprintf(value, WORD_MAX, "%.*s",
			(int)strcspn(at + strlen(key), "\n"), at + strlen(key));
}

/* False when udev does not know it. */
static bool
read_content(const struct disks *disks, const struct disk *disk,
	struct content *ret_content)
{
	char path[WORD_MAX];
	char text[UDEV_MAX];

	(void)snprintf(path, sizeof(path), "run/udev/data/b%u:%u", disk->major,
		disk->minor);
	if (!tree_read(disks->hostfd, path, text, sizeof(text)))
		return false;
	copy_value(text, "\nE:ID_FS_TYPE=", ret_content->type);
	copy_value(text, "\nE:ID_FS_USAGE=", ret_content->usage);
	return true;
}

/* Those that kernel_find_file_systems() sees. */
static bool
is_visible(const char *type)
{
	static const char *const visible[] = {
		"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs"};

	for (size_t i = 0; i < ARRAY_SIZE(visible); i++)
		if (strcmp(visible[i], type) == 0)
			return true;
	return false;
}

static void
see_pool(int dirfd, const char *path, void *data)
{
	*(bool *)data = true;
}

void
kernel_find_doubts(const struct disks *disks, int procfd, bool is_hidden)
{
	bool has_pool = false;

	/* ZFS opens its disks without a word to anybody. */
	tree_match(procfd, "spl/kstat/zfs/*/*", see_pool, &has_pool);
	if (!has_pool && !is_hidden)
		return;
	for (size_t i = 0; i < disks->count; i++) {
		const struct disk *disk = &disks->disks[i];
		struct content content = {"", ""};
		bool is_known;

		if (disk->is_character || !disk->name[0])
			continue;
		is_known = read_content(disks, disk, &content);
		if (has_pool &&
			(!is_known || strcmp(content.type, "zfs_member") == 0))
			finding_missed("spl/kstat/zfs", EBUSY);
		if (is_hidden &&
			(!is_known ||
				(strcmp(content.usage, "filesystem") == 0 &&
					!is_visible(content.type))))
			finding_missed(
				"a mount namespace without processes", EACCES);
	}
}
