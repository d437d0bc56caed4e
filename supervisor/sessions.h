/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sessions.h - the host's iSCSI sessions and their disks, watched.
 *
 * Runs in: supervisor. What mounts.h is for mounts: one reader of the whole
 *          table, who tells the workers concerned.
 * Trusts: the kernel.
 * Invariant: only sysfs is read: nothing here can block.
 */
#ifndef SUPERVISOR_SESSIONS_H
#define SUPERVISOR_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "common/iscsi.h"
#include "common/loop.h"

struct session_disk {
	uint32_t lun;
	char name[ISCSI_DISK_SIZE]; /* "sda" */
};

/* One session; disks sorted by LUN, only those that have a name. */
struct session_entry {
	struct iscsi_session session;
	struct session_disk *disks;
	size_t disk_count;
	bool is_managed; /* for the caller's use, between two readings */
};

struct sessions {
	struct loop *loop;
	struct loop_source source; /* uevents */
	struct loop_timer timer;   /* a reading that waits for its turn */
	uint64_t not_before_us;
	struct session_entry *entries; /* sorted by number */
	size_t count;
	void (*on_change)(void *data);
	void *data;
};

/*
 * A socket on which the kernel tells of devices that come and go (uevents).
 * Needs no privilege, but socket(2) with AF_NETLINK, which the supervisor gives
 * up. Descriptor, or -errno.
 */
int sessions_open_events(void);
/* Takes fd (-1: no events are to be had), and reads the table. 0 or -errno. */
int sessions_init(struct sessions *sessions, struct loop *loop, int fd);
void sessions_done(struct sessions *sessions);
/* Reads the table when its turn comes, though no event was told. */
void sessions_read_soon(struct sessions *sessions);
/* Does not wait for its turn; calls on_change. */
void sessions_read_now(struct sessions *sessions);
/* NULL when there is none of that number. Valid until the next reading. */
struct session_entry *sessions_find(
	const struct sessions *sessions, uint32_t number);
/* The disk of that LUN; of -1 the lowest. NULL when there is none. */
const struct session_disk *session_disk(
	const struct session_entry *entry, int32_t lun);

#endif
