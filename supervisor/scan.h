/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan.h - finds out who holds a lingering mount: one scanner at a time.
 *
 * Runs in: supervisor. The scanner is a worker of its own kind, started for
 *          one question: the supervisor has no right to look into processes.
 */
#ifndef SUPERVISOR_SCAN_H
#define SUPERVISOR_SCAN_H

#include "common/loop.h"
#include "supervisor/link.h"
#include "supervisor/target.h"

enum scan_phase {
	SCAN_IDLE,
	SCAN_STARTING,
	SCAN_RUNNING
};

struct scan {
	struct supervisor *supervisor;
	enum scan_phase phase;
	struct link link;
	struct loop_timer deadline;
	struct target *target; /* NULL once it has gone */
	struct holder_message holders[TARGET_HOLDERS];
	size_t count;
};

void scan_init(struct scan *scan, struct supervisor *supervisor);
void scan_done(struct scan *scan);
/* Asks for the target's holders; often is no more than rarely. */
void scan_request(struct scan *scan, struct target *target);
/* The target is about to be freed. */
void scan_forget(struct scan *scan, struct target *target);
void scan_on_launch_reply(
	struct scan *scan, const struct launch_reply *reply, int pidfd);

#endif
