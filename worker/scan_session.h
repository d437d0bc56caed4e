/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_session.h - finds out who uses a disk of an iSCSI session.
 *
 * Runs in: the scanner's child.
 */
#ifndef WORKER_SCAN_SESSION_H
#define WORKER_SCAN_SESSION_H

#include <stdint.h>
#include <sys/types.h>

/* Where to look; tests have trees of their own. */
struct scan_roots {
	int procfd;
	int sysfd;
	int hostprocfd; /* /proc/PID of a process in the host's namespaces */
	int hostfd;	/* its root directory */
	/*
	 * Of that process. Its children are holdfast's own: the namespaces that
	 * the launcher has ready for workers hold nothing but their jails.
	 */
	pid_t supervisor;
};

/* Tells all it finds to finding.h. */
void scan_session(const struct scan_roots *roots, uint32_t session);

#endif
