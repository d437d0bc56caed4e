/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exit_code.c - what the command tells a script.
 *
 * Runs in: command.
 * Trusts: nobody: an error of the daemon's is never success.
 */
#include <string.h>

#include "client/exit_code.h"
#include "client/lib/failure.h"

int
exit_code_of(const char *slug)
{
	enum err_code code = err_from_slug(slug, strlen(slug));

	if (strcmp(slug, FAILURE_NO_DAEMON) == 0)
		return EXIT_NO_DAEMON;
	return code == ERR_NONE || code == ERR_COUNT ? EXIT_FAILED
						     : err_exit_code(code);
}
