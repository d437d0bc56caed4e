/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_mount.h - finds out who uses a mount.
 *
 * Runs in: the scanner's child.
 */
#ifndef WORKER_SCAN_MOUNT_H
#define WORKER_SCAN_MOUNT_H

#include "proto/message.h"

/* hostprocfd is /proc/PID of a process in the host's mount namespace. Tells all
 * it finds to finding.h. Never looks at or below the path itself. */
void scan_mount(int procfd, int hostprocfd, const struct scan_message *order);

#endif
