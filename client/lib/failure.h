/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failure.h - why a call failed: slug, number, text, exit code.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: slug and text may come from the daemon.
 * Invariant: slug and text are bounded, valid UTF-8 without control characters.
 *
 * Functions that take a struct failure return 0, or the exit code of the command
 * that the failure stands for.
 */
#ifndef CLIENT_LIB_FAILURE_H
#define CLIENT_LIB_FAILURE_H

#include <stddef.h>

#include "common/err.h"

enum {
	FAILURE_SLUG_MAX = 64,
	FAILURE_TEXT_MAX = 1024
};

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3,
	EXIT_DENIED = 6,
	EXIT_TIMEOUT = 7,
	EXIT_IN_ERROR = 8,
};

struct failure {
	int exit_code;
	int number; /* of error.def; 0 for a slug that is not in there */
	const char
		*hint; /* the next step, if this failure has one of its own */
	char slug[FAILURE_SLUG_MAX];
	char text[FAILURE_TEXT_MAX];
};

/* The one slug that no daemon can report. */
#define FAILURE_NO_DAEMON "no-daemon"

/* All return failure->exit_code. */
int failure_set(struct failure *failure, enum err_code code, const char *format,
	...) __attribute__((format(printf, 3, 4)));
/* Of that slug, exit code 3. */
int failure_no_daemon(struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* From the daemon's "slug: text". A slug not known here has exit code 1. */
int failure_from_server(struct failure *failure, const char *text, size_t len);

#endif
