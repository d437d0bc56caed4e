/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * confine.c - the worker shuts itself in, before it reads its first byte.
 *
 * Runs in: worker, once; steps in their one order.
 * Trusts: the launcher, which made the jail and changed the user before exec.
 * Invariant: after the last step nothing can be regained: capabilities are the
 *            backend's, no namespace can be entered, and no program executed
 *            but by a backend that lives by one (iSCSI, without capability).
 *
 * Owner file of libcap-ng in the worker.
 */
#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/guard.h"
#include "worker/confine.h"

enum {
	REPORT_FD = 4,
	FILE_MAX = 1 << 17
};

static int
close_descriptors(const struct confinement *confinement)
{
	return close_range(REPORT_FD + 1, ~0u, 0) < 0 ? -errno : 0;
}

/* No ptrace, no core, /proc/PID belongs to root. */
static int
become_undumpable(const struct confinement *confinement)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/* The launcher has done it; without CAP_SETPCAP this only checks. */
static int
empty_bounding_set(const struct confinement *confinement)
{
	for (unsigned cap = 0; cap < 64; cap++) {
		if (confinement->capabilities >> cap & 1 ||
			prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

static int
drop_capabilities(const struct confinement *confinement)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (confinement->capabilities >> cap & 1 &&
			capng_update(CAPNG_ADD,
				CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap) < 0)
			return -EINVAL;
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

static int
forbid_new_privileges(const struct confinement *confinement)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int
limit_resources(const struct confinement *confinement)
{
	bool runs_programs = confinement->runs_programs;
	const struct {
		__rlimit_resource_t resource;
		rlim_t limit;
	} limits[] = {
		{RLIMIT_CORE, 0}, /* no secret in a core */
		/* It writes no files, or only small ones. */
		{RLIMIT_FSIZE, runs_programs ? FILE_MAX : 0},
		{RLIMIT_NOFILE, 64},  /* pipes, an epoll, a few children */
		{RLIMIT_MEMLOCK, 0},  /* it locks nothing */
		{RLIMIT_MSGQUEUE, 0}, /* nor has it queues */
		/* A name server's answers, or a program and its libraries. */
		{RLIMIT_AS, runs_programs ? 256ul << 20 : 64ul << 20},
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = {limits[i].limit, limits[i].limit};

		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

static int
filter_calls(const struct confinement *confinement)
{
	return calls_limit(confinement->calls);
}

static int (*const steps[])(const struct confinement *confinement) = {
	close_descriptors,
	become_undumpable,
	empty_bounding_set,
	drop_capabilities,
	forbid_new_privileges,
	limit_resources,
	filter_calls,
};

int
confine(const struct confinement *confinement)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i](confinement) < 0)
			return CONFINE_STEP_FAILED + (int)i;
	return 0;
}
