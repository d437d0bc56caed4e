/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysfs.h - where the kernel shows its devices.
 *
 * Runs in: supervisor, worker.
 * Invariant: owner file of that path, so that a test can have one of its own,
 *            by defining it itself.
 */
#ifndef COMMON_SYSFS_H
#define COMMON_SYSFS_H

/* Directory of the iSCSI sessions. */
extern const char sysfs_iscsi_sessions[];

#endif
