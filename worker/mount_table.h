/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount_table.h - the mounts of all namespaces, by their IDs.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel's numbers; a source's text where only root can choose it.
 * Invariant: one that is not in the table is only looked at with more care.
 */
#ifndef WORKER_MOUNT_TABLE_H
#define WORKER_MOUNT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/disks.h"
#include "worker/scan_text.h"

struct known_mount {
	uint32_t id;
	bool is_ours;	 /* its file system lies on the disks */
	bool is_instant; /* asking for a file of it cannot take long */
	bool is_nodev;
};

void mount_table_clear(void);
/* Adds a mount, and changes its line. True when its file system lies on the
 * disks, which may learn a number of it. */
bool mount_table_note(struct disks *disks, const struct mountinfo_line *line);
/* Once they are all there; before mount_table_find(). */
void mount_table_sort(void);
/* NULL when it is not known. */
const struct known_mount *mount_table_find(uint64_t id);

#endif
