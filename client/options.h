/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.h - the command line.
 *
 * Runs in: command.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "paths.h"
#include "client/lib/failure.h"

#define DEFAULT_SOCKET RUNSTATEDIR "/holdfast/api.sock"

enum command_id {
#define COMMAND(name, least, most, usage, meaning) COMMAND_##name,
#include "client/command.def"
#undef COMMAND
	COMMAND_COUNT,
};

/* What was asked for. Texts point into argv; a duration is -1 if not given. */
struct options {
	const char *socket;
	bool json;
	bool help;
	bool version;
	bool if_absent;
	const char *auth;
	const char *username;
	const char *password_file;
	const char *username_in;
	const char *password_in_file;
	int64_t wait_ms;
	const char *prefix;
	const char *state;
	const char *uid;
	const char *connection;
	const char *columns;
	bool noheadings;
	bool raw;
	const char *since;
	bool follow;
	const char *wait_for;
	int64_t timeout_ms;

	bool has_command;
	enum command_id command;
	int count; /* of the command's arguments */
	char **args;
};

/*
 * Reads the command line; argv is reordered. 0, or -1 with failure.
 * All options are filled in even then, as far as they can be.
 */
int options_parse(int argc, char **argv, struct options *ret_options,
	struct failure *failure);

/* On standard output: of one command, or of all. */
void options_print_help(const struct options *options);
const char *command_name(enum command_id command);

#endif
