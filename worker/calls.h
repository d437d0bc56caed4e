/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls.h - which system calls a worker may make: calls.def.
 *
 * Runs in: worker, once.
 */
#ifndef WORKER_CALLS_H
#define WORKER_CALLS_H

enum call_set {
	CALLS_NFS = 1 << 0,
	CALLS_TMPFS = 1 << 1,
	CALLS_SCANNER = 1 << 2,
	CALLS_ISCSI = 1 << 3,
};

/* For good. Needs no_new_privs. 0 or -errno. */
int calls_limit(enum call_set set);

#endif
