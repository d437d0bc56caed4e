/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_text.h - the lines of /proc that a scanner reads.
 *
 * Runs in: the scanner's worker.
 * Trusts: nobody for the names in them: any process chooses paths.
 * Invariant: pure text: no system call.
 */
#ifndef WORKER_SCAN_TEXT_H
#define WORKER_SCAN_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* What a line of /proc/PID/mountinfo says. Points into the line. */
struct mountinfo_line {
	uint64_t id;
	uint64_t major;
	uint64_t minor;
	const char *path; /* unescaped */
	uint64_t shared;  /* peer group that it is in, 0 if none */
	uint64_t master;  /* peer group that it is a slave of, 0 if none */
};

/* Undoes the kernel's \ooo, in place. */
void scan_unescape(char *text);
/* Whether text is that path, or a path below it. */
bool scan_is_within(const char *text, const char *path);
/* Whether text is a path below that one. */
bool scan_is_below(const char *text, const char *path);
/* Takes a line apart (and changes it); false when it is none. */
bool scan_read_mountinfo(char *line, struct mountinfo_line *ret_line);
/* The path of a line of /proc/PID/maps, unescaped in place; NULL: no file. */
const char *scan_read_mapping(char *line);

#endif
