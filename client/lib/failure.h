/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failure.h - why a call failed: slug, number, text.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: slug and text may come from the daemon.
 * Invariant: slug and text are bounded, valid UTF-8 without control characters.
 *
 * Functions that take a struct failure return 0, or -1 with the failure filled in.
 */
#ifndef CLIENT_LIB_FAILURE_H
#define CLIENT_LIB_FAILURE_H

#include <stddef.h>

#include "common/err.h"

enum {
	FAILURE_SLUG_MAX = 64,
	FAILURE_TEXT_MAX = 1024
};

struct failure {
	int number; /* of error.def; 0 for a slug that is not in there */
	char slug[FAILURE_SLUG_MAX];
	char text[FAILURE_TEXT_MAX];
};

/* The one slug that no daemon can report. */
#define FAILURE_NO_DAEMON "no-daemon"

/* All return -1. */
int failure_set(struct failure *failure, enum err_code code, const char *format,
	...) __attribute__((format(printf, 3, 4)));
/* Of that slug. */
int failure_no_daemon(struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* From the daemon's "slug: text"; "unknown" without one. */
int failure_from_server(struct failure *failure, const char *text, size_t len);

#endif
