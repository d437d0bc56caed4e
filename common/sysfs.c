/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysfs.c - where the kernel shows its devices.
 *
 * Runs in: supervisor, worker.
 */
#include "common/sysfs.h"

const char sysfs_iscsi_sessions[] = "/sys/class/iscsi_session";
