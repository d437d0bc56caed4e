/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * operation_private.h - what an operation's child and the worker share.
 *
 * Runs in: worker and its children.
 */
#ifndef WORKER_OPERATION_PRIVATE_H
#define WORKER_OPERATION_PRIVATE_H

#include "worker/operation.h"

/* What a child writes about a step. Told from a result by its size. */
struct operation_note {
	uint32_t step;
	uint32_t limit_ms;
};

/* The child's life. */
void operation_run_child(const struct operation_task *task, int resultfd,
	pid_t parent, uint64_t deadline_us) __attribute__((noreturn));

#endif
