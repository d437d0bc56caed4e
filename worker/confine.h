/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * confine.h - the worker shuts itself in, before it reads its first byte.
 *
 * Runs in: worker, once.
 */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/calls.h"

enum {
	CONFINE_STEP_FAILED = 90 /* exit status: this plus the step's index */
};

struct confinement {
	uint64_t capabilities; /* exactly these are kept */
	bool runs_programs;    /* its children execute some, and write files */
	enum call_set calls;
};

/* 0, or the exit status to end with. */
int confine(const struct confinement *confinement);

#endif
