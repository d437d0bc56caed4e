/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mounts.h - the host's mount table, watched. Owner file of libmount.
 *
 * Runs in: supervisor, and there alone: a thousand workers that each read the
 *          table at each change cost seconds of CPU a change.
 * Invariant: reading the table never touches a mounted file system.
 */
#ifndef SUPERVISOR_MOUNTS_H
#define SUPERVISOR_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop.h"

struct libmnt_table;

/* One line of mountinfo; valid until the next reading. */
struct mount_entry {
	uint32_t id;
	uint32_t device_major;
	uint32_t device_minor;
	const char *type;
	const char *source;
	const char *path;    /* unescaped */
	const char *options; /* the file system's */
	const char *flags;   /* of this mount: "rw,nosuid,..." */
	bool is_network;
};

struct mounts {
	struct loop *loop;
	struct loop_source source;
	struct loop_timer timer; /* a reading that waits for its turn */
	uint64_t not_before_us;
	uint64_t read_us; /* boot time, when the last reading began */
	struct libmnt_table *table;
	void (*on_change)(void *data);
	void *data;
};

/* Takes fd, an open /proc/self/mountinfo, and reads it once. 0 or -errno. */
int mounts_init(struct mounts *mounts, struct loop *loop, int fd);
void mounts_done(struct mounts *mounts);
/* Reads the table when its turn comes, though no change was told. */
void mounts_read_soon(struct mounts *mounts);
/* Does not wait for its turn; calls on_change. For single questions. */
void mounts_read_now(struct mounts *mounts);
/* Hands every entry to each(), in the table's order: of two mounts on one
 * path the upper one comes last. */
void mounts_each(struct mounts *mounts,
	void (*each)(const struct mount_entry *entry, void *data), void *data);
/* An option that is not as it was asked for; "" for what is not there. */
struct option_difference {
	const char *name;
	const char *requested; /* its value; its name if it has none */
	const char *effective;
};
/*
 * Compares what was asked of mount(2) with what the kernel shows. Options that
 * the kernel adds by itself are no difference, nor are those that it never
 * shows, or shows under another name.
 */
void mounts_compare(const char *requested, const char *effective,
	void (*each)(const struct option_difference *difference, void *data),
	void *data);
/* Copies the value of an option like vers=4.2 into ret_value, cut to size;
 * false when it is not there. */
bool mounts_option(
	const char *options, const char *name, char *ret_value, size_t size);

#endif
