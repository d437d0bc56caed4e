/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_disks.c - the devices of an iSCSI session, and what is stacked on them.
 *
 * Runs in: the scanner's child.
 * Trusts: /sys; no path that somebody chose.
 * Invariant: see scan_disks.h. The set only grows, up to DISKS_MAX; each device
 *            is looked at once, so that no stack of them can go on for ever.
 *
 * /sys/block/X/holders names what opened X to stack something on it: device
 * mapper, md, bcache, drbd. Loop and zram say so in files of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/guard.h"
#include "worker/finding.h"
#include "worker/scan_disks.h"
#include "worker/scan_text.h"
#include "worker/tree.h"

/* A name that does not fit would be looked for in vain. */
static bool
set_name(char *name, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size) {
		finding_missed(text, ENAMETOOLONG);
		return false;
	}
	memcpy(name, text, len + 1);
	return true;
}

/* Its node on the host, as mappings of it show it. */
static void
find_node(const struct disks *disks, struct disk *disk)
{
	char path[sizeof("dev/") + DISK_NAME_MAX];
	struct statx node;

	(void)snprintf(path, sizeof(path), "dev/%s", disk->name);
	for (char *c = path; *c; c++)
		*c = *c == '!' ? '/' : *c; /* sysfs has no other way */
	if (statx(disks->hostfd, path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
		    STATX_INO, &node) < 0 ||
		!(S_ISBLK(node.stx_mode) || S_ISCHR(node.stx_mode)) ||
		node.stx_rdev_major != disk->major ||
		node.stx_rdev_minor != disk->minor)
		return; /* a host without devtmpfs */
	disk->node_major = node.stx_dev_major;
	disk->node_minor = node.stx_dev_minor;
	disk->node_inode = node.stx_ino;
}

/* A directory of /sys that has a file `dev`. True when it is new. */
static bool
add_device(struct disks *disks, int dirfd, struct disk *disk, const char *name)
{
	char path[TREE_PATH_MAX];

	if (!set_name(disk->name, sizeof(disk->name), name))
		return false;
	(void)snprintf(path, sizeof(path), "%s/dev", name);
	if (!tree_read_number(dirfd, path, &disk->major, &disk->minor))
		return false;
	find_node(disks, disk);
	return disks_add(disks, disk);
}

/* --- what is stacked --- */

static void
tell_stacked(int blockfd, const struct disk *disk, enum holder_kind kind,
	const char *below)
{
	char path[TREE_PATH_MAX];
	char text[DISK_NAME_MAX + TREE_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/md", disk->name);
	if (disk->mapped[0]) {
		kind = HOLDER_DM;
		below = disk->mapped;
	} else if (kind == HOLDER_STACKED && tree_has(blockfd, path)) {
		kind = HOLDER_MD;
	}
	(void)snprintf(text, sizeof(text), below[0] ? "%s (%.*s)" : "%s",
		disk->name, TREE_PATH_MAX - 8, below);
	finding_holder(0, kind, text);
}

/* A disk of /sys/block that lies on one of ours, which below may name. */
static void
add_stacked(struct disks *disks, const char *name, enum holder_kind kind,
	const char *below)
{
	cleanup_close int blockfd = tree_open(disks->sysfd, "block");
	struct disk disk = {0};
	char path[TREE_PATH_MAX];

	if (blockfd < 0) {
		finding_missed("block", errno);
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/dm/name", name);
	(void)tree_read(blockfd, path, disk.mapped, sizeof(disk.mapped));
	if (add_device(disks, blockfd, &disk, name))
		tell_stacked(blockfd, &disk, kind, below);
	else if (disk.major == 0)
		/* It holds ours, however little can be learnt of it. */
		finding_holder(0, kind, name);
}

/* What see_part() and see_holder() look at. */
struct level {
	struct disks *disks;
	const char *name;
};

static bool
see_part(int dirfd, const char *name, void *data)
{
	struct level *level = data;
	struct disk disk = {0};
	char path[TREE_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/partition", name);
	if (tree_has(dirfd, path) &&
		set_name(disk.parent, sizeof(disk.parent), level->name))
		(void)add_device(level->disks, dirfd, &disk, name);
	return true;
}

static bool
see_holder(int dirfd, const char *name, void *data)
{
	struct level *level = data;

	add_stacked(level->disks, name, HOLDER_STACKED, "");
	return true;
}

/* A disk's or partition's partitions and holders. */
static void
expand(struct disks *disks, const struct disk *disk)
{
	struct level level = {disks, disk->name};
	char path[TREE_PATH_MAX];
	char text[DISK_NAME_MAX + 16];
	cleanup_close int dirfd = -1;
	int result;

	(void)snprintf(path, sizeof(path), "block/%s%s%s", disk->parent,
		disk->parent[0] ? "/" : "", disk->name);
	finding_look(0, path);
	dirfd = tree_open(disks->sysfd, path);
	if (dirfd < 0) {
		finding_missed(path, errno);
		return;
	}
	result = disk->parent[0] ? 0 : tree_each(dirfd, ".", see_part, &level);
	if (result == 0)
		result = tree_each(dirfd, "holders", see_holder, &level);
	if (result < 0)
		finding_missed(path, -result);
	/* Registered, be it that nothing is made of it yet. (A bcache of bcache's
	 * own has such a directory too.) */
	(void)snprintf(text, sizeof(text), "bcache (%s)", disk->name);
	if (strncmp(disk->name, "bcache", 6) != 0 && tree_has(dirfd, "bcache"))
		finding_holder(0, HOLDER_STACKED, text);
}

/* What see_namer() works for. */
struct naming {
	struct disks *disks;
	bool is_settled; /* what is unknown now stays so */
};

/* A device that names in a file what it lies on: block/NAME/... */
static void
see_namer(int dirfd, const char *path, void *data)
{
	const struct naming *naming = data;
	char name[DISK_NAME_MAX];
	char text[TREE_PATH_MAX * 8];
	bool is_loop;
	struct disk *below;
	int result;

	if (!tree_component(path, 1, name, sizeof(name)) ||
		!tree_read(dirfd, path, text, sizeof(text)))
		return;
	scan_strip_deleted(text);
	is_loop = strncmp(name, "loop", 4) == 0;
	result = disks_at(naming->disks, text, &below);
	if (result == 0 && below)
		add_stacked(naming->disks, name,
			is_loop ? HOLDER_LOOP : HOLDER_STACKED, text);
	else if (result < 0 && naming->is_settled)
		disks_at_failed(naming->disks, text, result);
}

static void
match_namers(struct disks *disks, bool is_settled)
{
	static const char *const namers[] = {
		"block/loop*/loop/backing_file", "block/zram*/backing_dev"};
	struct naming naming = {disks, is_settled};

	for (size_t i = 0; i < ARRAY_SIZE(namers); i++)
		tree_match(disks->sysfd, namers[i], see_namer, &naming);
}

static void
expand_all(struct disks *disks)
{
	size_t done = 0;

	while (done < disks->count && !finding_is_over()) {
		for (; done < disks->count; done++)
			if (!disks->disks[done].is_character)
				expand(disks, &disks->disks[done]);
		match_namers(disks, false);
	}
	match_namers(disks, true);
}

/* --- the session's own --- */

/* target2:0:0/2:0:0:1/CLASS/NAME */
static void
see_own(int dirfd, const char *path, void *data)
{
	struct disks *disks = data;
	struct disk disk = {0};
	char place[TREE_PATH_MAX];
	char *name;
	cleanup_close int placefd = -1;

	(void)snprintf(place, sizeof(place), "%s", path);
	name = strrchr(place, '/');
	*name++ = '\0';
	if (!tree_component(path, 1, disk.scsi, sizeof(disk.scsi))) {
		finding_missed(path, ENAMETOOLONG);
		return;
	}
	disk.is_character = strcmp(strrchr(place, '/'), "/block") != 0;
	placefd = tree_open(dirfd, place);
	if (placefd >= 0)
		(void)add_device(disks, placefd, &disk, name);
	else if (!tree_is_gone(errno))
		finding_missed(place, errno);
}

/* What see_block() looks for. */
struct own {
	struct disks *disks;
	char component[32];
};

/* An entry of class/block, a link through the directory of what it is of. */
static bool
see_block(int dirfd, const char *name, void *data)
{
	const struct own *own = data;
	char text[TREE_PATH_MAX];

	if (!tree_read_link(dirfd, name, text, sizeof(text))) {
		if (!tree_is_gone(errno))
			finding_missed(name, errno);
	} else if (strstr(text, own->component) &&
		   !disks_named(own->disks, name)) {
		finding_missed(name, ENODEV);
	}
	return true;
}

/* The same from the other end: an empty set must not come from a /sys that is
 * laid out in another way than we know. */
static void
check_own(struct disks *disks, uint32_t session)
{
	struct own own = {.disks = disks};
	int result;

	(void)snprintf(
		own.component, sizeof(own.component), "/session%u/", session);
	result = tree_each(disks->sysfd, "class/block", see_block, &own);
	if (result < 0)
		finding_missed("class/block", -result);
}

void
scan_disks(struct disks *disks, uint32_t session)
{
	/* The ways to a logical unit: its disk, and what passes commands. */
	static const char *const classes[] = {"target*/*/block/*",
		"target*/*/scsi_generic/*", "target*/*/bsg/*",
		"target*/*/scsi_tape/*", "target*/*/scsi_changer/*"};
	char path[TREE_PATH_MAX];
	cleanup_close int sessionfd = -1;

	disks->count = 0;
	(void)snprintf(path, sizeof(path),
		"class/iscsi_session/session%u/device", session);
	finding_look(0, path);
	sessionfd = tree_open(disks->sysfd, path);
	if (sessionfd < 0) {
		finding_missed(path, errno);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		tree_match(sessionfd, classes[i], see_own, disks);
	expand_all(disks);
	check_own(disks, session);
}
