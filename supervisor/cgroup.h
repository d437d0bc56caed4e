/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup.h - how many processes a worker may have: one cgroup for each. The
 * owner file of cgroupfs.
 *
 * Runs in: supervisor at its start, as root; then in the launcher.
 *
 * Only where the service manager has delegated our cgroup, and with the unified
 * hierarchy (cgroups(7)); without, the unit's own bound is all there is.
 */
#ifndef SUPERVISOR_CGROUP_H
#define SUPERVISOR_CGROUP_H

enum {
	CGROUP_NONE = -1,
	/* A worker, its operations' children, what those start; with room. */
	CGROUP_WORKER_PROCESSES = 64
};

/* Our own cgroup, in which workers' can be bounded; or CGROUP_NONE, with a log
 * line when that is for another reason than that none was delegated. */
int cgroup_open(void);
/* A descriptor for cgroup_join(), of the worker in that slot; or -errno. */
int cgroup_prepare(int cgroupfd, unsigned slot);
/* The caller goes there. 0 or -errno. */
int cgroup_join(int workerfd);

#endif
