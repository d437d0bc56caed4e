/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * finding.h - what a scan has found, and whether it could look everywhere.
 *
 * Runs in: the scanner's worker and the child that scans.
 * Trusts: nobody for names: they are cleaned when they are told.
 * Invariant: a holder is told as soon as it is found; count, completeness and
 *            what is being looked at lie in memory that both processes share,
 *            so that they outlive a child that had to be killed.
 */
#ifndef WORKER_FINDING_H
#define WORKER_FINDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/message.h"

/* Before the child is forked. 0 or -errno. */
int finding_start(uint64_t deadline_us);
/* Whether time is over. What is left then counts as missed. */
bool finding_is_over(void);
/* The last 63 bytes of text are told: a path's end says most. */
void finding_holder(pid_t pid, enum holder_kind kind, const char *text);
/* Something could not be looked at. The first is what the log will tell. */
void finding_missed(const char *what, int errnum);
/* What is looked at next: told should it never answer. pid 0 for none. */
void finding_look(pid_t pid, const char *what);
uint64_t finding_count(void);

/* In the worker, after the child: tells the end of it. is_whole: the child
 * came to its end by itself. 0 or -errno. */
int finding_conclude(bool is_whole, uint64_t deadline_us);

#endif
