/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exit_code.h - what the command tells a script.
 *
 * Runs in: command.
 */
#ifndef CLIENT_EXIT_CODE_H
#define CLIENT_EXIT_CODE_H

/* Further ones are those of proto/error.def. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_NO_DAEMON = 3,
	EXIT_IN_ERROR = 8,
};

/* Of an error; one that is not known is EXIT_FAILED. */
int exit_code_of(const char *slug);

#endif
