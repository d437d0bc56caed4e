/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * disks.h - a set of devices, and whether a number or a path is one of them.
 *
 * Runs in: the scanner's child.
 * Trusts: no path that somebody chose: what it names is looked up.
 * Invariant: each device is in it once.
 */
#ifndef WORKER_DISKS_H
#define WORKER_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DISKS_MAX = 4096,
	DISK_NAME_MAX = 64,
	DISK_MAPPED_MAX = 160, /* DM_NAME_LEN is 128 */
};

struct disk {
	uint32_t major;
	uint32_t minor;
	bool is_character;		 /* sg, bsg, a tape */
	bool is_mounted;		 /* a mount of it has been told */
	char name[DISK_NAME_MAX];	 /* the kernel's, "sda1"; or "" */
	char parent[DISK_NAME_MAX];	 /* of a partition; or "" */
	char mapped[DISK_MAPPED_MAX];	 /* the device mapper's name; or "" */
	char scsi[DISK_NAME_MAX];	 /* "2:0:0:1", of a session's own */
	uint32_t node_major, node_minor; /* of the file system of /dev/NAME */
	uint64_t node_inode;		 /* 0: there is none */
};

struct disks {
	int sysfd;
	int hostfd;    /* the host's root directory */
	bool may_wait; /* a path may be followed though a server is asked */
	size_t count;
	struct disk disks[DISKS_MAX];
};

/* Adds a copy. True when it is new. */
bool disks_add(struct disks *disks, const struct disk *disk);
struct disk *disks_find(struct disks *disks, uint64_t major, uint64_t minor);
bool disks_has_character(
	const struct disks *disks, uint64_t major, uint64_t minor);
struct disk *disks_named(struct disks *disks, const char *name);
/*
 * The disk that a path names, in whatever namespace it is one; NULL in *ret_disk
 * when it names something else. -ENOENT when that cannot be told, -EAGAIN when
 * it could be if it might wait.
 */
int disks_at(struct disks *disks, const char *path, struct disk **ret_disk);
/* What such a failure means for the answer: told as missed, or nothing. */
void disks_at_failed(const struct disks *disks, const char *path, int result);
/* Whether it is the device node of one of them. */
bool disks_has_node(const struct disks *disks, uint32_t major, uint32_t minor,
	uint64_t inode);
/* Of a file system that lies on them and has a number of its own. */
void disks_add_number(struct disks *disks, uint32_t major, uint32_t minor);

#endif
