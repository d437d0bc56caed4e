/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount_table.c - the mounts of all namespaces, by their IDs.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel's numbers; a source's text where only root can choose it.
 * Invariant: see mount_table.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "worker/mount_table.h"
#include "worker/proc.h"

enum {
	MOUNTS_MAX = 1 << 17
};

static struct known_mount mounts[MOUNTS_MAX];
static size_t mount_count;

static bool
is_word_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* Types that anybody may mount, with any text for a source, and those whose
 * source is a server's: their texts say nothing of disks. */
static bool
has_free_source(const char *type)
{
	static const char *const types[] = {"tmpfs", "ramfs", "overlay", "proc",
		"sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "bpf",
		"binfmt_misc", "devtmpfs", "nfs", "nfs4", "cifs", "smb3", "9p",
		"ceph", "fuse", "virtiofs"};

	return is_word_of(type, types, ARRAY_SIZE(types)) ||
	       strncmp(type, "fuse.", 5) == 0;
}

/* Cluster file systems ask each other, fuseblk its daemon. */
static bool
is_instant(const struct mountinfo_line *line)
{
	static const char *const memory[] = {"devtmpfs", "tmpfs", "ramfs",
		"devpts", "proc", "sysfs", "cgroup2", "btrfs"};
	static const char *const remote[] = {"fuseblk", "gfs2", "ocfs2"};

	if (line->major == 0)
		return is_word_of(line->type, memory, ARRAY_SIZE(memory));
	return !is_word_of(line->type, remote, ARRAY_SIZE(remote));
}

static struct disk *
find_named(struct disks *disks, const char *path)
{
	struct disk *disk;

	return disks_at(disks, path, &disk) == 0 ? disk : NULL;
}

/*
 * By its number, which is a disk's unless the file system can span several
 * (btrfs, bcachefs): then by the names that it gives for its source, or for
 * further devices (XFS: logdev=/dev/sdb).
 */
static struct disk *
find_mounted(struct disks *disks, const struct mountinfo_line *line)
{
	struct disk *disk = disks_find(disks, line->major, line->minor);
	char *rest = line->source;
	char *path;

	if (disk || has_free_source(line->type))
		return disk;
	if (line->major == 0 && strncmp(line->source, "/dev/", 5) == 0)
		disk = find_named(disks, line->source);
	while (!disk && line->major == 0 && (path = scan_next_device(&rest)))
		disk = find_named(disks, path);
	rest = line->super_options;
	while (!disk && (path = scan_next_device(&rest)))
		disk = find_named(disks, path);
	/* What shows its number instead of a disk's is found by that. */
	if (disk && line->major == 0)
		disks_add_number(
			disks, (uint32_t)line->major, (uint32_t)line->minor);
	return disk;
}

bool
mount_table_note(struct disks *disks, const struct mountinfo_line *line)
{
	uint64_t number;
	struct known_mount mount = {
		.id = (uint32_t)line->id,
		.is_instant = is_instant(line),
		.is_nodev = scan_has_word(line->options, "nodev"),
	};
	struct disk *disk = find_mounted(disks, line);

	if (strcmp(line->type, "nsfs") == 0 &&
		sscanf(line->root, "mnt:[%lu]", &number) == 1)
		proc_note_namespace(number);
	if (disk)
		disk->is_mounted = mount.is_ours = true;
	/* One that is not noted is only asked later. */
	if (mount_count < MOUNTS_MAX)
		mounts[mount_count++] = mount;
	return mount.is_ours;
}

static int
compare_ids(const void *a, const void *b)
{
	uint32_t x = ((const struct known_mount *)a)->id;
	uint32_t y = ((const struct known_mount *)b)->id;

	return (x > y) - (x < y);
}

void
mount_table_clear(void)
{
	mount_count = 0;
}

void
mount_table_sort(void)
{
	qsort(mounts, mount_count, sizeof(mounts[0]), compare_ids);
}

const struct known_mount *
mount_table_find(uint64_t id)
{
	struct known_mount key = {.id = (uint32_t)id};

	return bsearch(
		&key, mounts, mount_count, sizeof(mounts[0]), compare_ids);
}
