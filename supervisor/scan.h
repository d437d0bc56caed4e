/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan.h - finds out who holds a lingering connection: one scanner at a time.
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

enum question_kind {
	QUESTION_NONE,
	QUESTION_MOUNT,
	QUESTION_SESSION
};

/* What a scanner is asked about a target. */
struct question {
	enum question_kind kind;
	uint32_t mount_id;
	uint32_t device_major;
	uint32_t device_minor;
	uint64_t session; /* as in the status: 1 + its number; 0: none */
};

struct scan {
	struct supervisor *supervisor;
	enum scan_phase phase;
	struct link link;
	struct loop_timer deadline;
	struct target *target; /* NULL once it has gone, or has the answer */
	struct question question;
	struct holder_message holders[TARGET_HOLDERS];
	size_t count;
	char said[256]; /* its last line in the log: not repeated */
};

void scan_init(struct scan *scan, struct supervisor *supervisor);
void scan_done(struct scan *scan);
/* Asks for the target's holders; often is no more than rarely. */
void scan_request(struct scan *scan, struct target *target);
/* The next request is followed at once: for the first in a state. */
void scan_hurry(struct target *target);
/* The target does not wait for it any more, or is about to be freed. What is
 * being found out now may not be true when it waits again. */
void scan_forget(struct scan *scan, struct target *target);
void scan_on_launch_reply(
	struct scan *scan, const struct launch_reply *reply, int pidfd);

#endif
