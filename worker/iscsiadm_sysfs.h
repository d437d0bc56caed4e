/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsiadm_sysfs.h - a view of sysfs in which iscsiadm needs no capability.
 *
 * Runs in: operation children of the iSCSI worker.
 */
#ifndef WORKER_ISCSIADM_SYSFS_H
#define WORKER_ISCSIADM_SYSFS_H

#define ISCSIADM_SYSFS "/run/sysfs"

/* Makes ISCSIADM_SYSFS, or brings it up to date. 0 or -errno. */
int iscsiadm_sysfs_make(void);

#endif
