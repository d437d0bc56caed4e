/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * acts.h - what somebody would try who has taken over a process of ours.
 *
 * Runs in: the attacking binaries of this folder, in a lab guest.
 * Invariant: an act tries one thing and takes it back if that works. Whoever
 *            runs all of them unconfined loses nothing that a guest would miss.
 */
#ifndef TESTS_REDTEAM_ACTS_H
#define TESTS_REDTEAM_ACTS_H

#include <stddef.h>

struct act {
	const char *name;
	/* 0: it was done. An errno: it was refused. */
	int (*run)(void);
};

extern const struct act acts[];
extern const size_t act_count;

#endif
