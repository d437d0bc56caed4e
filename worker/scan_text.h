/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_text.h - the lines of /proc and /sys that a scanner reads.
 *
 * Runs in: the scanner's worker.
 * Trusts: nobody for the names in them: any process chooses paths.
 * Invariant: pure text: no system call.
 */
#ifndef WORKER_SCAN_TEXT_H
#define WORKER_SCAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a line of /proc/PID/mountinfo says. Points into the line. */
struct mountinfo_line {
	uint64_t id;
	uint64_t major;
	uint64_t minor;
	const char *root;    /* what of the file system is mounted, unescaped */
	const char *path;    /* unescaped */
	const char *options; /* of the mount: "rw,nodev" */
	uint64_t shared;     /* peer group that it is in, 0 if none */
	uint64_t master;     /* peer group that it is a slave of, 0 if none */
	const char *type;
	char *source;	     /* unescaped */
	char *super_options; /* as they stand there */
};

/* A line of /proc/PID/maps that has a file. Points into the line. */
struct mapping_line {
	uint32_t major;
	uint32_t minor;
	uint64_t inode;
	const char *path; /* unescaped */
};

/* A line of /proc/swaps. Points into the line. */
struct swap_line {
	const char *path; /* unescaped */
	bool is_partition;
};

/* Undoes the kernel's \ooo, in place. */
void scan_unescape(char *text);
/* Whether text is that path, or a path below it. */
bool scan_is_within(const char *text, const char *path);
/* Whether text is a path below that one. */
bool scan_is_below(const char *text, const char *path);
/* Takes a line apart (and changes it); false when it is none. */
bool scan_read_mountinfo(char *line, struct mountinfo_line *ret_line);
/* Likewise; false also for what has no file: [heap]. */
bool scan_read_mapping(char *line, struct mapping_line *ret_line);
/* Likewise; false for the heading. */
bool scan_read_swap(char *line, struct swap_line *ret_line);
/* A device number, "8:16", and nothing else. */
bool scan_read_number(
	const char *text, uint32_t *ret_major, uint32_t *ret_minor);
/* "mnt_id:\t25" of key "mnt_id", in that base. */
bool scan_read_field(
	const char *line, const char *key, int base, uint64_t *ret_value);
/* Whether a list like "rw,nodev" has that word. */
bool scan_has_word(const char *list, const char *word);
/* Takes " (deleted)" from the end of a path. */
void scan_strip_deleted(char *path);
/* What stands behind the last "/dev/": "sda1", "mapper/x". NULL: nothing. */
const char *scan_device_name(const char *path);
/*
 * The next path "/dev/..." among a list's words and values, "logdev=/dev/sdb,
 * rw" or "/dev/sda:/dev/sdb"; NULL when there is none. Ends it with a NUL and
 * moves *rest behind it. A colon ends a path only where the next one begins:
 * names in /dev/disk/by-path have colons.
 */
char *scan_next_device(char **rest);
/* Whether name is "device", or "device-..." with a number: jbd2's "sda1-8". */
bool scan_is_named_for(const char *name, const char *device);

#endif
