/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.h - walks over /proc: processes, their tasks, mounts, namespaces.
 *
 * Runs in: the scanner's child.
 * Trusts: the kernel; no name in /proc, which any process chooses.
 * Invariant: a process that ends meanwhile is no fault; whatever else cannot
 *            be read is told to finding_missed(). All stop when time is over.
 */
#ifndef WORKER_PROC_H
#define WORKER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/message.h"
#include "worker/scan_text.h"

/* dirfd is the directory of the process, or of its task tid. */
typedef void proc_look(int dirfd, pid_t pid, pid_t tid);

/* Calls look() for each process but ourselves. */
void proc_walk(int procfd, proc_look *look);
/*
 * Calls look() for each task of a process. A task may have descriptors, a
 * working directory and namespaces of its own, and be all that is left of a
 * process whose first task has ended.
 */
void proc_walk_tasks(int dirfd, pid_t pid, proc_look *look);
/* Tells of a holder by its name. */
void proc_report(int dirfd, pid_t pid, enum holder_kind kind);

/* The namespace of this process is looked at first, and by the caller. False
 * when it cannot be told which one that is. */
bool proc_set_host(int dirfd);
/* Something keeps that mount namespace. */
void proc_note_namespace(uint64_t number);
/* Whether one was noted that no process could show. */
bool proc_has_hidden_namespace(void);
/*
 * Reads the mounts of the task's namespace unless it was looked at before.
 * True when it was read now.
 */
bool proc_read_new_namespace(int dirfd,
	bool (*see)(const struct mountinfo_line *line, void *data), void *data);
/* Calls see() for each mount; it returns false for enough. False when the
 * process has gone. */
bool proc_read_mounts(int dirfd,
	bool (*see)(const struct mountinfo_line *line, void *data), void *data);
/* Calls see() for each line of a file, which may be changed; as above. */
void proc_read_lines(int dirfd, const char *name,
	bool (*see)(char *line, void *data), void *data);

#endif
