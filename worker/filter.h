/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h - the worker's system call filter. Owner file of libseccomp there.
 *
 * Runs in: worker, once.
 */
#ifndef WORKER_FILTER_H
#define WORKER_FILTER_H

#include <stdbool.h>

/* 0 or -errno. Needs no_new_privs. What is not allowed answers EPERM. */
int filter_enter(bool runs_programs);

#endif
