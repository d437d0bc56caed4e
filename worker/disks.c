/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * disks.c - a set of devices, and whether a number or a path is one of them.
 *
 * Runs in: the scanner's child.
 * Trusts: no path that somebody chose.
 * Invariant: see disks.h. It only grows, up to DISKS_MAX.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/guard.h"
#include "worker/disks.h"
#include "worker/finding.h"
#include "worker/scan_text.h"

static bool
is_known(const struct disks *disks, const struct disk *disk)
{
	for (size_t i = 0; i < disks->count; i++)
		if (disks->disks[i].major == disk->major &&
			disks->disks[i].minor == disk->minor &&
			disks->disks[i].is_character == disk->is_character)
			return true;
	return false;
}

bool
disks_add(struct disks *disks, const struct disk *disk)
{
	if (is_known(disks, disk))
		return false;
	if (disks->count == DISKS_MAX) {
		finding_missed(disk->name, E2BIG);
		return false;
	}
	disks->disks[disks->count++] = *disk;
	return true;
}

struct disk *
disks_find(struct disks *disks, uint64_t major, uint64_t minor)
{
	for (size_t i = 0; i < disks->count; i++)
		if (disks->disks[i].minor == minor &&
			disks->disks[i].major == major &&
			!disks->disks[i].is_character)
			return &disks->disks[i];
	return NULL;
}

bool
disks_has_character(const struct disks *disks, uint64_t major, uint64_t minor)
{
	for (size_t i = 0; i < disks->count; i++)
		if (disks->disks[i].minor == minor &&
			disks->disks[i].major == major &&
			disks->disks[i].is_character)
			return true;
	return false;
}

struct disk *
disks_named(struct disks *disks, const char *name)
{
	for (size_t i = 0; i < disks->count; i++)
		if (name[0] && !disks->disks[i].is_character &&
			strcmp(disks->disks[i].name, name) == 0)
			return &disks->disks[i];
	return NULL;
}

static struct disk *
find_mapped(struct disks *disks, const char *name)
{
	for (size_t i = 0; i < disks->count; i++)
		if (disks->disks[i].mapped[0] &&
			strcmp(disks->disks[i].mapped, name) == 0)
			return &disks->disks[i];
	return NULL;
}

static int
open_on_host(const struct disks *disks, const char *path, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};

	return (int)syscall(
		SYS_openat2, disks->hostfd, path, &how, sizeof(how));
}

/*
 * What stands at a path of the host's, links followed within its root. The
 * kernel follows from memory what is in use; where it would have to ask a
 * server, which may be dead, it says EAGAIN. In /dev there is none.
 */
static int
look_up(struct disks *disks, const char *path, struct disk **ret_disk)
{
	bool may_wait = disks->may_wait || strncmp(path, "/dev/", 5) == 0;
	cleanup_close int fd = -1;
	struct statx stat;

	/* Once more: a rename anywhere may have come in between. */
	for (int i = 0; fd < 0 && i < 3; i++)
		fd = open_on_host(disks, path, RESOLVE_CACHED);
	if (fd < 0 && errno == EAGAIN && may_wait) {
		finding_look(0, path);
		fd = open_on_host(disks, path, 0);
	}
	if (fd < 0 ||
		statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stat) < 0)
		return -errno;
	*ret_disk = S_ISBLK(stat.stx_mode)
			    ? disks_find(disks, stat.stx_rdev_major,
				      stat.stx_rdev_minor)
			    : NULL;
	return 0;
}

static struct disk *
find_by_name(struct disks *disks, const char *name)
{
	if (strncmp(name, "mapper/", 7) == 0)
		return find_mapped(disks, name + 7);
	return disks_named(disks, name);
}

int
disks_at(struct disks *disks, const char *path, struct disk **ret_disk)
{
	const char *name = scan_device_name(path);
	struct disk *disk = name ? find_by_name(disks, name) : NULL;
	int result;

	if (disk) {
		*ret_disk = disk;
		return 0;
	}
	result = path[0] == '/' ? look_up(disks, path, ret_disk) : -ENOENT;
	if (result == 0 || result == -EAGAIN)
		return result;
	/* It may be a path of another namespace, and its name still ours. */
	name = strrchr(path, '/');
	*ret_disk = name ? disks_named(disks, name + 1) : NULL;
	return *ret_disk ? 0 : -ENOENT;
}

void
disks_at_failed(const struct disks *disks, const char *path, int result)
{
	/* Nodes are in a /dev, and files are not, but for what programs share:
	 * they are found by their mount. */
	if (result != -EAGAIN && scan_device_name(path) &&
		!strstr(path, "/dev/shm/"))
		finding_missed(path, -result);
}

bool
disks_has_node(const struct disks *disks, uint32_t major, uint32_t minor,
	uint64_t inode)
{
	for (size_t i = 0; i < disks->count; i++)
		if (inode != 0 && disks->disks[i].node_inode == inode &&
			disks->disks[i].node_major == major &&
			disks->disks[i].node_minor == minor)
			return true;
	return false;
}

void
disks_add_number(struct disks *disks, uint32_t major, uint32_t minor)
{
	struct disk disk = {.major = major, .minor = minor};

	(void)disks_add(disks, &disk);
}
