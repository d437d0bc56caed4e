/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_kernel.h - users of an iSCSI session's disks inside the kernel.
 *
 * Runs in: the scanner's child.
 * Trusts: /sys and /proc; configfs for the names in it, which root chose.
 */
#ifndef WORKER_SCAN_KERNEL_H
#define WORKER_SCAN_KERNEL_H

#include <stdbool.h>

#include "worker/disks.h"

/* Swap partitions. */
void kernel_find_swaps(struct disks *disks, int procfd);
/* What targets of this host export to others. */
void kernel_find_exports(struct disks *disks);
/* File systems that are in use though no mount of them was told. */
void kernel_find_file_systems(struct disks *disks, int procfd);
/*
 * File systems that would have shown nowhere, if there could be any: then not
 * everything was looked at. is_hidden: there are mounts that nobody can see.
 */
void kernel_find_doubts(const struct disks *disks, int procfd, bool is_hidden);

#endif
