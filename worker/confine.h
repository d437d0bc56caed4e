/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * confine.h - the worker shuts itself in, before it reads its first byte.
 *
 * Runs in: worker, once.
 */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

#include <stdint.h>

enum {
	CONFINE_STEP_FAILED = 90 /* exit status: this plus the step's index */
};

/* Keeps exactly these capabilities. 0, or the exit status to end with. */
int confine(uint64_t capabilities);

#endif
