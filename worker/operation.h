/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * operation.h - what may block runs in a child with a deadline.
 *
 * Runs in: worker; the function given to operation_start() in its child.
 * Trusts: a child's result as little as any message: it is checked.
 * Invariant: nothing here waits. At most one child per kind of operation, each
 *            in a process group of its own, which is killed as a whole. One
 *            that does not end when killed (uninterruptible sleep) is reported
 *            as stuck, keeps its kind occupied, and is reaped when it ends.
 */
#ifndef WORKER_OPERATION_H
#define WORKER_OPERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/loop.h"
#include "proto/state.h"

enum {
	OPERATION_GRACE_MS = 2000 /* from SIGKILL until it counts as stuck */
};

/* In what a child may hang. */
enum operation_step {
	OPERATION_STEP_NONE,
	OPERATION_STEP_MOUNT,
	OPERATION_STEP_UNMOUNT,
	OPERATION_STEP_ASK, /* nothing is changed in it, nor behind it */
	OPERATION_STEPS
};

/* How one ended, in the worker's hands. */
struct operation_outcome {
	enum operation operation;
	struct err error; /* code ERR_NONE: success */
	uint64_t latency_us;
	uint32_t value;	   /* what it returned, if it succeeded */
	bool is_cancelled; /* by operation_cancel(): error says nothing */
	bool is_overdue;   /* killed at its deadline: error is our word */
	bool is_stuck;	   /* it has not ended: see on_freed */
	enum operation_step step; /* in which it was, if it is overdue */
};

enum operation_phase {
	OPERATION_IDLE,
	OPERATION_RUNNING,
	OPERATION_KILLED,
	OPERATION_STUCK,
};

struct operations;

/* What a child writes, once, at its end. Smaller than PIPE_BUF. */
struct operation_result {
	uint32_t code;
	int32_t errnum; /* positive, or 0 */
	uint32_t value; /* of one that succeeded, else 0 */
	uint64_t latency_us;
	char text[ERR_TEXT_MAX];
};

struct operation_slot {
	struct operations *operations;
	enum operation kind;
	enum operation_phase phase;
	pid_t pid;
	int pidfd;
	int resultfd;
	bool is_cancelled;
	uint64_t deadline_ms; /* as given, for texts */
	uint64_t deadline_us;
	enum operation_step step;
	uint64_t step_limit_ms; /* 0, or what is due is that step's end */
	uint64_t stuck_unix_us; /* since when, 0 while it is not */
	bool has_result;
	bool is_garbled; /* it has said what makes no sense */
	struct operation_result result;
	struct loop_source source; /* its pidfd */
	struct loop_source words;  /* what it says */
	struct loop_timer timer;
};

struct operations {
	struct loop *loop;
	uint64_t grace_us;
	const char *subject; /* of error texts; not copied */
	/* Once for each that was started: at its end, or when it is stuck. */
	void (*on_outcome)(struct operations *operations,
		const struct operation_outcome *outcome);
	/* A stuck one has ended after all; its kind is free. */
	void (*on_freed)(struct operations *operations, enum operation kind);
	struct operation_slot slots[OPERATION_COUNT];
};

/*
 * What the child does. 0 or a positive value, or negative errno with err. It
 * may take its time: it is killed at the deadline (deadline_us,
 * CLOCK_BOOTTIME).
 */
struct operation_task {
	int (*run)(void *data, uint64_t deadline_us, struct err *err);
	void *data;
	int keepfd; /* the one descriptor it needs, or -1 */
	uint64_t deadline_ms;
};

void operations_init(struct operations *operations, struct loop *loop);
/* 0, -EBUSY while one of that kind has not ended, or -errno of fork(). */
int operation_start(struct operations *operations, enum operation kind,
	const struct operation_task *task);
/*
 * In a child: what it does next, and the ms within which that
 * has to end (0: the operation's deadline will do); OPERATION_STEP_NONE: it
 * has ended. One that overruns is killed like one that misses its deadline.
 * Elsewhere this does nothing.
 */
void operation_step(enum operation_step step, uint64_t limit_ms);
/* Kills it; on_outcome follows from the loop. Does nothing for one that is
 * not running. */
void operation_cancel(struct operations *operations, enum operation kind);
/* OPERATION_NONE, or the one that runs or is being killed; never a trial, which
 * goes on beside the others. */
enum operation operations_running(const struct operations *operations);
/* 1u << each kind that is stuck. */
unsigned operations_stuck(const struct operations *operations);
/* Kills all children and forgets them: for the worker's own end. */
void operations_kill_all(struct operations *operations);

#endif
