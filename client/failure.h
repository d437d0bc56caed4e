/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failure.h - why a command failed: slug, text, exit code, what to do next.
 *
 * Runs in: command.
 * Trusts: nobody: slug and text may come from the daemon.
 * Invariant: slug and text are bounded, valid UTF-8 without control characters.
 *
 * Functions of the command that take a struct failure return 0, or the exit
 * code that the failure stands for.
 */
#ifndef CLIENT_FAILURE_H
#define CLIENT_FAILURE_H

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
	int number;	  /* of error.def; 0 for a slug that is not in there */
	const char *hint; /* the next step, NULL when none is known */
	char slug[FAILURE_SLUG_MAX];
	char text[FAILURE_TEXT_MAX];
};

/* All return failure->exit_code. */
int failure_set(struct failure *failure, enum err_code code, const char *format,
	...) __attribute__((format(printf, 3, 4)));
/* Slug "no-daemon", exit code 3: the one error that no daemon can report. */
int failure_no_daemon(struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* From the daemon's "slug: text". A slug not known here has exit code 1. */
int failure_from_server(struct failure *failure, const char *text, size_t len);

/* What a user may do about an error, NULL when nothing is known. */
const char *failure_hint(enum err_code code);

#endif
